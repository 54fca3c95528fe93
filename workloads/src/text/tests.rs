use expect_test::{Expect, expect};
use proptest::prelude::*;

use crate::plan::{Anchor, AroundLeader, Ask, Direction, Fault, Kind, Mode, Operation, Plan, Rule, Seen, When};
use crate::setting::{Crashes, Links, Setting};

const GOOD: &str = r#"{
"format": 1, "algorithm": "fifo", "seed": 7,
"nodes": ["n1", "n2", "n3"],
"length_us": 1000000,
"operations": [
  {"when": {"at_us": 1000}, "node": "n1", "broadcast": 1},
  {"when": {"after": {"seen": {"fault": {"id": 1}}}}, "node": "n1", "broadcast": 2}
],
"faults": [
  {"id": 1, "when": {"at_us": 0}, "for_us": 200000, "fault": {"partition": {"cut": [["n1", "n3"]]}}}
],
"rules": [
  {"on_deliver": 1, "node": "n2", "broadcast": 1001}
]
}"#;

fn check(from: &str, to: &str, expected: Expect) {
    let text = GOOD.replacen(from, to, 1);
    let shown = match Plan::parse(&text) {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&shown);
}

#[test]
fn a_plan_written_by_hand_is_read_and_written_again() {
    let plan = Plan::parse(GOOD).unwrap();
    let text = plan.to_json();
    assert_eq!(Plan::parse(&text).unwrap(), plan);
    assert_eq!(Plan::parse(&text).unwrap().to_json(), text);
}

#[test]
fn another_format_is_refused_by_name() {
    check(
        "\"format\": 1",
        "\"format\": 2",
        expect!["line 2, column 11: format 2 is newer than 1, the newest that this temblor reads"],
    );
    check(
        "\"format\": 1",
        "\"format\": 99999999999, \"news\": []",
        expect!["line 2, column 11: format 99999999999 is newer than 1, the newest that this temblor reads"],
    );
    check("\"format\": 1", "\"format\": 0", expect!["line 2, column 11: there is no format 0; the first is 1"]);
    check("\"format\": 1, ", "", expect!["line 15, column 1: missing field `format`"]);
}

#[test]
fn what_is_no_plan_is_refused_with_its_line() {
    check("\"seed\": 7,", "\"seed\": 7", expect!["line 3, column 1: expected `,` or `}`"]);
    check(
        "\"node\": \"n1\"",
        "\"nod\": \"n1\"",
        expect![
            "line 6, column 33: unknown field `nod`, expected one of `when`, `node`, `broadcast`, `charge`, `echo`, `generate`"
        ],
    );
    check(
        "1000000",
        "1.5",
        expect!["line 4, column 16: invalid type: floating point `1.5`, expected a whole number that is not negative"],
    );
    check(
        "1000000",
        "-1",
        expect!["line 4, column 15: invalid value: integer `-1`, expected a whole number that is not negative"],
    );
    check(
        "\"at_us\": 1000",
        "\"at_ms\": 1",
        expect!["line 6, column 19: unknown variant `at_ms`, expected `at_us` or `after`"],
    );
    check(
        "\"partition\"",
        "\"partitoin\"",
        expect![
            "line 10, column 73: unknown variant `partitoin`, expected one of `kill`, `kill-all`, `restart`, `rolling-restart`, `crash-loop`, `crash-during-recovery`, `lose-unsynced`, `torn-write`, `truncate-tail`, `bitflip`, `wipe`, `pause`, `partition`, `loss`, `duplicate`, `delay`, `jitter`, `reorder`, `rate`, `flap`, `reset-connections`, `half-open`, `bites`, `stutter`"
        ],
    );
    check(GOOD, "", expect!["line 1, column 1: there is nothing here"]);
    check(GOOD, "[]", expect!["line 1, column 1: a plan is a JSON object, and begins with {"]);
}

#[test]
fn names_that_do_not_exist_are_refused_with_their_line() {
    check(
        "\"node\": \"n1\", \"broadcast\": 1",
        "\"node\": \"n9\", \"broadcast\": 1",
        expect!["line 6, column 3: there is no node n9; the plan's nodes are n1, n2, n3"],
    );
    check(
        "\"fault\": {\"id\": 1}",
        "\"fault\": {\"id\": 4}",
        expect!["line 7, column 3: the anchor waits for fault 4, which is not in the plan"],
    );
    check(
        "\"on_deliver\": 1",
        "\"on_deliver\": 17",
        expect!["line 13, column 3: nothing in the plan broadcasts message 17, whose delivery is waited for"],
    );
    check(
        "{\"fault\": {\"id\": 1}}",
        "{\"deliver\": {\"node\": \"n1\", \"message\": 9}}",
        expect!["line 7, column 3: nothing in the plan broadcasts message 9, whose delivery is waited for"],
    );
    check(
        "\"seed\"",
        "\"requested\": [\"kil\"], \"seed\"",
        expect!["line 2, column 48: there is no fault and no class of faults named kil"],
    );
}

#[test]
fn numbers_that_clash_are_refused_with_their_line() {
    check(
        "\"broadcast\": 2",
        "\"broadcast\": 1",
        expect!["line 7, column 3: message 1 is broadcast twice in this plan; each message needs a number of its own"],
    );
    check(
        "\"broadcast\": 1001",
        "\"broadcast\": 2",
        expect!["line 13, column 3: message 2 is broadcast twice in this plan; each message needs a number of its own"],
    );
    check(
        "\"broadcast\": 1001",
        "\"broadcast\": 9007199254740992",
        expect!["line 13, column 3: message 9007199254740992 is larger than 2^53 - 1"],
    );
    check(
        "{\"id\": 1, \"when\"",
        "{\"id\": 0, \"when\"",
        expect!["line 10, column 3: fault id 0 is taken or 0; each fault needs a number of its own, from 1"],
    );
}

#[test]
fn nodes_are_named_once_and_by_names_that_mean_nothing_else() {
    check("[\"n1\", \"n2\", \"n3\"]", "[]", expect!["line 3, column 10: a plan needs at least one node"]);
    check("[\"n1\", \"n2\"", "[\"n1\", \"n1\"", expect!["line 3, column 10: n1 is named twice"]);
    check(
        "[\"n1\", \"n2\"",
        "[\"n1\", \"observer\"",
        expect![[
            r#"line 3, column 10: "observer" can't be a node's name (letters, digits, - _ . only, at most 64, not beginning with c (clients) or a point, and none of leader, nemesis, observer)"#
        ]],
    );
    check(
        "[\"n1\", \"n2\"",
        "[\"n1\", \"c2\"",
        expect![[
            r#"line 3, column 10: "c2" can't be a node's name (letters, digits, - _ . only, at most 64, not beginning with c (clients) or a point, and none of leader, nemesis, observer)"#
        ]],
    );
    check(
        "[\"n1\", \"n2\"",
        "[\"n1\", \"../n2\"",
        expect![[
            r#"line 3, column 10: "../n2" can't be a node's name (letters, digits, - _ . only, at most 64, not beginning with c (clients) or a point, and none of leader, nemesis, observer)"#
        ]],
    );
}

/// Puts another fault into the place of the good one, and tells what is wrong with it.
fn check_fault(fault: &str, expected: Expect) {
    check("{\"partition\": {\"cut\": [[\"n1\", \"n3\"]]}}", fault, expected);
}

#[test]
fn a_fault_that_can_do_nothing_is_refused() {
    check_fault(r#"{"partition": {"cut": [["n3", "n3"]]}}"#, expect!["line 10, column 3: n3 has no link to itself"]);
    check_fault(
        r#"{"partition": {"shape": "halves"}}"#,
        expect![
            "line 10, column 3: a partition needs cut or around_leader; its shape is a name for people and cuts nothing"
        ],
    );
    check_fault(
        r#"{"partition": {"cut": [["n1", "n2"]], "around_leader": {}}}"#,
        expect!["line 10, column 3: a partition has either cut or around_leader"],
    );
    check_fault(
        r#"{"loss": {"chance_ppm": 1000001, "links": [["n1", "n2"]]}}"#,
        expect!["line 10, column 3: a chance of 1000001 millionths is more than always"],
    );
    check_fault(r#"{"delay": {"delay_us": 5, "links": []}}"#, expect!["line 10, column 3: the fault names no links"]);
    check_fault(
        r#"{"pause": {"node": "n7"}}"#,
        expect!["line 10, column 3: there is no node n7; the plan's nodes are n1, n2, n3"],
    );
    check_fault(r#"{"pause": {"node": "leader"}}"#, expect!["no error"]);
    check_fault(r#"{"partition": {"around_leader": {"with": ["n2"], "direction": "in"}}}"#, expect!["no error"]);
}

#[test]
fn what_waits_for_what_never_comes_is_refused() {
    check(
        "\"for_us\": 200000, ",
        "",
        expect![
            "line 7, column 3: the anchor waits for the end of fault 1, which lasts until the heal; give it a for_us"
        ],
    );
    check(
        "\"when\": {\"at_us\": 0}",
        r#""when": {"after": {"seen": {"fault": {"id": 1}}}}"#,
        expect!["line 7, column 3: message 2 waits for fault 1, which waits for itself"],
    );
    let message = r#""when": {"after": {"seen": {"deliver": {"node": "n3", "message": 2}}}}"#;
    check(
        "\"when\": {\"at_us\": 0}",
        message,
        expect!["line 7, column 3: message 2 waits for itself, by way of fault 1"],
    );
    check("\"on_deliver\": 1,", "\"on_deliver\": 1001,", expect!["line 13, column 3: message 1001 waits for itself"]);
    check(
        "{\"fault\": {\"id\": 1}}",
        "{\"deliveries\": {\"node\": \"n1\", \"count\": 0}}",
        expect!["line 7, column 3: an anchor counts from 1"],
    );
}

#[test]
fn times_beyond_a_year_are_refused() {
    check(
        "\"length_us\": 1000000",
        "\"length_us\": 99999999999999",
        expect!["line 4, column 14: 99999999999999 us is more than a year"],
    );
    check(
        "\"for_us\": 200000",
        "\"for_us\": 99999999999999",
        expect!["line 10, column 3: 99999999999999 us is more than a year"],
    );
}

fn check_against(fault: &str, change: impl Fn(&mut Setting), expected: Expect) {
    let text = GOOD.replacen("\"for_us\": 200000, ", "", 1).replacen(
        "{\"fault\": {\"id\": 1}}",
        "{\"leader\": {\"term\": 1}}",
        1,
    );
    let text = text.replacen("{\"partition\": {\"cut\": [[\"n1\", \"n3\"]]}}", fault, 1);
    let plan = Plan::parse(&text).unwrap();
    let mut setting = Setting {
        algorithm: "fifo".to_owned(),
        over: None,
        fanout: None,
        http: false,
        nodes: plan.nodes.clone(),
        links: Links::FairLoss,
        crashes: Crashes::Stop,
        durable: false,
        leader: false,
        asks: Ask::Broadcast,
        faulty_max: 1,
        bound_ms: 2_000,
    };
    change(&mut setting);
    let shown = plan.validate(&text, &setting).map_or_else(|error| error.to_string(), |()| "no error".to_owned());
    expected.assert_eq(&shown);
}

#[test]
fn a_plan_outside_the_model_is_refused_unless_it_says_so() {
    let kill = r#"{"kill": {"node": "n1"}}"#;
    let two = r#"{"kill": {"node": "n1"}}}, {"id": 2, "when": {"at_us": 5}, "fault": {"kill": {"node": "leader"}}"#;
    let again = r#"{"kill": {"node": "n1"}}}, {"id": 2, "when": {"at_us": 5}, "fault": {"kill": {"node": "n1"}}"#;
    let drop = r#"{"partition": {"cut": [["n1", "n3"]]}}"#;
    let hold = r#"{"partition": {"mode": "hold", "cut": [["n1", "n3"]]}}"#;
    check_against(kill, |_| {}, expect!["no error"]);
    check_against(
        kill,
        |setting| setting.crashes = Crashes::None,
        expect![[
            r#"line 10, column 3: kill is outside the model of fifo (set "beyond_model": true or use --beyond-model)"#
        ]],
    );
    check_against(two, |_| {}, expect!["line 10, column 71: 2 nodes killed, and the model allows 1"]);
    check_against(again, |_| {}, expect!["no error"]);
    check_against(
        drop,
        |setting| setting.links = Links::Reliable,
        expect![[
            r#"line 10, column 3: partition is outside the model of fifo (set "beyond_model": true or use --beyond-model)"#
        ]],
    );
    check_against(hold, |setting| setting.links = Links::Reliable, expect!["no error"]);
    check_against(
        kill,
        |setting| setting.over = Some("retransmit".to_owned()),
        expect!["line 2, column 27: the plan is for fifo, and fifo over retransmit is to run"],
    );
}

fn when() -> impl Strategy<Value = When> {
    let node = || prop::sample::select(vec!["n1", "n2", "n3"]).prop_map(str::to_owned);
    let seen = prop_oneof![
        (node(), 1_u64..9).prop_map(|(node, count)| Seen::Deliveries { node, count }),
        (node(), 1_u64..=3).prop_map(|(node, message)| Seen::Deliver { node, message }),
        (0_u64..9).prop_map(|term| Seen::Leader { term }),
        (".{0,12}", 1_u64..9).prop_map(|(key, nth)| Seen::Frame { from: "n1".into(), to: "n2".into(), key, nth }),
        Just(Seen::Fault { id: 1 }),
        (node(), 1_u64..9, 0_u32..4).prop_map(|(node, count, cut)| Seen::Input { node, count, cut }),
    ];
    prop_oneof![
        (0_u64..9_000_000).prop_map(When::AtUs),
        (seen, 0_u64..9_000).prop_map(|(seen, delay_us)| When::After(Anchor { seen, delay_us })),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    let node = || prop::sample::select(vec!["n1", "n2", "n3", "leader"]).prop_map(str::to_owned);
    let link = prop::sample::select(vec![("n1", "n2"), ("n2", "n1"), ("n3", "n2")]);
    let link = link.prop_map(|(from, to)| (from.to_owned(), to.to_owned()));
    let links = prop::collection::vec(link, 1..4);
    let mode = prop::sample::select(vec![Mode::Drop, Mode::Hold, Mode::Reset]);
    let direction = prop::sample::select(vec![Direction::Both, Direction::In, Direction::Out]);
    let around = direction.prop_map(|direction| AroundLeader { with: vec!["n2".to_owned()], direction });
    prop_oneof![
        node().prop_map(|node| Kind::Pause { node }),
        (".{0,9}", mode.clone(), links.clone()).prop_map(|(shape, mode, cut)| Kind::Partition {
            shape,
            mode,
            cut,
            around_leader: None
        }),
        (mode, around).prop_map(|(mode, around)| Kind::Partition {
            shape: String::new(),
            mode,
            cut: vec![],
            around_leader: Some(around)
        }),
        (0_u32..=1_000_000, links.clone()).prop_map(|(chance_ppm, links)| Kind::Loss { chance_ppm, links }),
        (0_u32..=1_000_000, links.clone()).prop_map(|(chance_ppm, links)| Kind::Duplicate { chance_ppm, links }),
        (0_u64..9_000_000, links).prop_map(|(delay_us, links)| Kind::Delay { delay_us, links }),
    ]
}

/// Plans in which messages 1 to 3 and fault 1 are due at times, so that whatever waits for them makes sense.
fn plan() -> impl Strategy<Value = Plan> {
    let faults = prop::collection::vec((when(), prop::option::of(0_u64..9_000), kind()), 0..6);
    let operations = prop::collection::vec(when(), 0..8);
    let rules = prop::collection::vec(1_u64..=3, 0..3);
    let whole = (any::<u64>(), any::<bool>(), prop::option::of("[a-z]{1,9}"), ".{0,12}");
    (operations, faults, rules, whole).prop_map(|(operations, faults, rules, (seed, beyond_model, over, workload))| {
        let timed = (1..=3).map(|number| (number, When::AtUs(number)));
        let operations = timed.chain((4..).zip(operations));
        let operations = operations.map(|(number, when)| Operation::broadcast(when, "n1", number));
        let kill = Fault { id: 1, when: When::AtUs(9), for_us: None, fault: Kind::Kill { node: "n3".to_owned() } };
        let faults = (2..).zip(faults).map(|(id, (when, for_us, fault))| Fault { id, when, for_us, fault });
        let rules = (1_001..).zip(rules);
        let rules = rules.map(|(broadcast, on_deliver)| Rule { on_deliver, node: "n2".to_owned(), broadcast });
        Plan {
            format: 1,
            algorithm: "fifo".to_owned(),
            over,
            fanout: None,
            http: false,
            topology: Default::default(),
            clients_max: None,
            workload,
            seed,
            nodes: vec!["n1".to_owned(), "n2".to_owned(), "n3".to_owned()],
            length_us: 3_000_000,
            beyond_model,
            requested: vec!["kill".to_owned()],
            operations: operations.collect(),
            faults: std::iter::once(kill).chain(faults).collect(),
            rules: rules.collect(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_plan_survives_being_written_and_read(plan in plan()) {
        let text = plan.to_json();
        prop_assert_eq!(Plan::parse(&text), Ok(plan));
        let entries = 3 + text.matches("\n  {").count();
        prop_assert!(text.lines().count() >= entries, "each entry has a line of its own");
    }

    #[test]
    fn whatever_is_cut_out_of_a_plan_is_read_or_refused(from in 0_usize..600, length in 0_usize..60) {
        let (from, length) = (from.min(GOOD.len()), length.min(GOOD.len().saturating_sub(from)));
        let text = format!("{}{}", &GOOD[..from], &GOOD[from + length..]);
        if let Err(error) = Plan::parse(&text) {
            prop_assert!(error.line <= 1 + text.lines().count() && error.column >= 1);
        }
    }
}
