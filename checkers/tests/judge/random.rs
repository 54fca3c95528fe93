//! Random histories: every checker against its naive twin, any interleaving alike, and never a panic.

use proptest::prelude::*;
use temblor_checkers::header::{Acknowledges, Condition, Crashes, Header};
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_checkers::op::{Event, Kind, Op, Other, Process};
use temblor_checkers::verdict::{Judgement, PropertyVerdict, Standing, Verdict};

use crate::script::{header, judge, ops};
use crate::twin::{OF_A_SINGLE_VALUE, OF_PAYMENTS, OF_READS, Past, TWINS, asked, circular, ledger, unread};

const LIVENESS: [&str; 5] = ["validity", "agreement", "uniform-agreement", "termination", "reads-complete"];

/// A line of any kind, about a few nodes and messages.
fn line() -> impl Strategy<Value = String> {
    let (node, message) = (1..=4u8, 1..=6u8);
    (0..41u8, node, message).prop_map(|(kind, n, m)| match kind {
        0..=5 => format!("c1 asks n{n} m{m}"),
        6..=9 => format!("c1 ok n{n} m{m}"),
        10 => format!("c1 refused n{n} m{m}"),
        11 => format!("c1 unsure n{n} m{m}"),
        12..=17 => format!("n{n} broadcasts m{m}"),
        18..=31 => format!("n{n} delivers m{m}"),
        32 => format!("n{n} starts"),
        33 => format!("n{n} exits signal 9"),
        34 => format!("n{n} exits code 101"),
        35 => format!("nemesis {} kill {{\"id\":{m},\"node\":\"n{n}\"}}", if m == 6 { "fail" } else { "invoke" }),
        36 => format!("nemesis invoke partition {{\"id\":{m},\"cut\":[[\"n{n}\",\"n1\"]]}}"),
        37 => format!("nemesis ok partition {{\"id\":{m}}}"),
        38 => format!("n{n} leads {}", m / 3),
        39 => format!("n{n} follows n{} in {}", m % 4 + 1, m / 3),
        _ => format!("n{n} {}", ["silent", "nonsense", "flood", "breach"][usize::from(m % 4)]),
    })
}

fn end() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("nemesis ok drained"), 1 => Just("nemesis info drained"), 1 => Just("")]
}

/// What a history is judged by: every property promised, liveness under some condition.
fn terms() -> impl Strategy<Value = (Header, Options)> {
    let condition = prop_oneof![Just(Condition::Always), Just(Condition::WhileSenderLives)];
    let crashes = prop_oneof![4 => Just(Crashes::Stop), 1 => Just(Crashes::Recover)];
    let ok = prop_oneof![Just(Acknowledges::Taken), Just(Acknowledges::Delivered)];
    let gaps = prop_oneof![Just(FifoGaps::Forbidden), Just(FifoGaps::Allowed)];
    (condition, crashes, ok, gaps).prop_map(|(condition, crashes, ok, fifo_gaps)| {
        let names: Vec<&str> = TWINS.iter().map(|(name, _)| *name).collect();
        let mut header = Header { crashes, ok, ..header(4, &names) };
        for name in LIVENESS {
            header.promises.insert(name.to_owned(), condition);
        }
        (header, Options { require: None, fifo_gaps })
    })
}

/// A run in which everything is as it should be: who broadcasts each message, in this order, and in which order the nodes
/// take their steps.
fn correct_run() -> impl Strategy<Value = Vec<String>> {
    let senders = prop::collection::vec(0..3usize, 1..=6);
    let voices = prop::collection::vec(prop::bool::weighted(0.8), 3);
    let steps = prop::collection::vec(0..4usize, 0..60);
    let kill = prop::option::weighted(0.4, (0..3usize, 0..20usize));
    (senders, voices, steps, kill).prop_map(|(senders, voices, steps, kill)| simulate(&senders, &voices, &steps, kill))
}

/// Three nodes that deliver all messages of each sender in order; one of them may be killed after so many steps.
fn simulate(senders: &[usize], voices: &[bool], steps: &[usize], kill: Option<(usize, usize)>) -> Vec<String> {
    let (mut lines, mut sent) = (Vec::new(), 0);
    let mut delivered = [0usize; 3];
    let mut killed = [false; 3];
    let rest = std::iter::repeat_n([3, 0, 1, 2], 8).flatten();
    for (nth, step) in steps.iter().copied().chain(rest).enumerate() {
        if let Some((node, _)) = kill.filter(|(_, when)| *when == nth) {
            lines.push(format!("nemesis invoke kill {{\"id\":9,\"class\":\"kill\",\"node\":\"n{}\"}}", node + 1));
            lines.push(format!("n{} exits signal 9", node + 1));
            lines.push(format!("nemesis ok kill {{\"id\":9,\"class\":\"kill\",\"node\":\"n{}\"}}", node + 1));
            killed[node] = true;
        }
        if step == 3 {
            let Some(sender) = senders.get(sent).copied() else { continue };
            sent += 1;
            let (n, m) = (sender + 1, sent);
            lines.push(format!("c1 asks n{n} m{m}"));
            if killed[sender] {
                lines.push(format!("c1 unsure n{n} m{m}"));
                continue;
            }
            if voices[sender] {
                lines.push(format!("n{n} broadcasts m{m}"));
            }
            lines.push(format!("c1 ok n{n} m{m}"));
        } else if !killed[step] && delivered[step] < sent {
            delivered[step] += 1;
            let m = delivered[step];
            if lines.contains(&format!("c1 ok n{} m{m}", senders[m - 1] + 1)) {
                lines.push(format!("n{} delivers m{m}", step + 1));
            }
        }
    }
    lines
}

/// A way to spoil a run.
#[derive(Clone, Debug)]
enum Change {
    Drop(prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index),
    Swap(prop::sample::Index),
    Insert(prop::sample::Index, String),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        index().prop_map(Change::Drop),
        (index(), index()).prop_map(|(from, to)| Change::Repeat(from, to)),
        index().prop_map(Change::Swap),
        (index(), line()).prop_map(|(at, line)| Change::Insert(at, line)),
    ]
}

fn spoil(mut lines: Vec<String>, changes: &[Change]) -> Vec<String> {
    for change in changes {
        if lines.len() < 2 {
            break;
        }
        match change {
            Change::Drop(at) => drop(lines.remove(at.index(lines.len()))),
            Change::Repeat(from, to) => {
                let line = lines[from.index(lines.len())].clone();
                lines.insert(to.index(lines.len()), line);
            }
            Change::Swap(at) => {
                let at = at.index(lines.len() - 1);
                lines.swap(at, at + 1);
            }
            Change::Insert(at, line) => lines.insert(at.index(lines.len()), line.clone()),
        }
    }
    lines
}

/// What a property must come to: the judgement, whether it counts, and the number of violations.
fn expected(name: &str, violations: &[Option<u16>], past: &Past, ops: &[Op]) -> (Judgement, bool, u64) {
    let drained = ops.get(past.ops.len()).map(|op| op.kind);
    let correct = past.nodes().iter().any(|p| past.correct(*p));
    let invoked = past.at(|op| matches!(op.event, Event::Request { .. }) && op.kind == Kind::Invoke).len();
    let done = past.at(|op| matches!(op.event, Event::Request { .. }) && op.kind != Kind::Invoke).len();
    let judgement = |count: u64| match (LIVENESS.contains(&name), count, drained) {
        (true, 0, _) if !correct => Judgement::Unknown,
        (true, 0, None) if invoked > done => Judgement::Unknown,
        (true, 1.., None | Some(Kind::Info)) => Judgement::Unknown,
        (false, 0, _) if reports_again(name, past) => Judgement::Unknown,
        (false, 0, _) if OF_PAYMENTS.contains(&name) && asked(past) && ledger(past).is_none() => Judgement::Unknown,
        (_, 0, _) if OF_READS.contains(&name) && unread(past) => Judgement::Unknown,
        (_, 0, _) => Judgement::Valid,
        _ => Judgement::Invalid,
    };
    let lived = |sender: &&Option<u16>| sender.is_none_or(|p| !past.crashed(p));
    let (all, living) = (violations.len() as u64, violations.iter().filter(lived).count() as u64);
    let split = past.header.promises[name] == Condition::WhileSenderLives;
    let (judgement, in_force, count) = match split {
        true if judgement(living) == Judgement::Valid && judgement(all) == Judgement::Invalid => {
            (Judgement::Invalid, false, all)
        }
        true => (judgement(living), true, living),
        false => (judgement(all), true, all),
    };
    (judgement, in_force, if judgement == Judgement::Invalid { count } else { 0 })
}

/// In mode `recover` a later life reports deliveries again, and their positions are not compared.
fn reports_again(name: &str, past: &Past) -> bool {
    let again = |p: u16, m: u64| {
        let restart = past.restarts(p).first().copied();
        past.sender(m).is_some()
            && restart.is_some_and(|restart| past.deliveries(p, m).iter().skip(1).any(|at| *at > restart))
    };
    let recovers = past.header.crashes == Crashes::Recover;
    name == "no-duplication"
        && recovers
        && past.nodes().into_iter().any(|p| past.messages().iter().any(|m| again(p, *m)))
}

pub fn agrees_with_twins(lines: &[String], (header, options): &(Header, Options)) -> Result<(), TestCaseError> {
    let ops = ops(&lines.join("\n"));
    let verdict = judge(Some(header), &ops, options);
    keeps_the_inclusions(&verdict, header, &ops)?;
    let past = Past::new(header, &ops, options.fifo_gaps);
    for (name, twin) in TWINS {
        // What caused what is not defined where nodes deliver messages before these are broadcast, in a circle.
        if *name == "causal-order" && circular(&past) {
            continue;
        }
        let property = find(&verdict, name);
        let found = (property.judgement, property.standing == Standing::Promised, property.violations);
        prop_assert_eq!(found, expected(name, &twin(&past), &past, &ops), "{}", name);
        let invalid = property.judgement == Judgement::Invalid;
        prop_assert_eq!(invalid, !property.witnesses.is_empty(), "{} has witnesses iff it is violated", name);
        prop_assert!(property.witnesses.iter().all(|w| !w.steps.is_empty()), "{} proves each violation", name);
    }
    Ok(())
}

/// What includes what, by the definitions: whoever violates the second of a pair violates the first.
const INCLUSIONS: [(&str, &str); 5] = [
    ("causal-order", "fifo-order"),
    ("uniform-agreement", "agreement"),
    ("gap-free-order", "one-order"),
    ("one-order", "uniform-total-order"),
    ("uniform-total-order", "total-order"),
];

/// The hierarchy as the verdict shows it: no property holds without those that it includes, and the models of the classification
/// are none above another.
fn keeps_the_inclusions(verdict: &Verdict, header: &Header, ops: &[Op]) -> Result<(), TestCaseError> {
    let is = |name: &str, judgement: Judgement| find(verdict, name).judgement == judgement;
    for (stronger, weaker) in INCLUSIONS {
        // In later lives FIFO order is judged, in its weak form, and causal order is not.
        let lives = stronger == "causal-order" && header.crashes == Crashes::Stop;
        prop_assert!(
            lives || !(is(stronger, Judgement::Valid) && is(weaker, Judgement::Invalid)),
            "{stronger} holds without {weaker}"
        );
    }
    // Whoever broadcasts late, after others have delivered, breaks causal order and nothing else.
    let in_time = !ops.iter().enumerate().any(|(at, op)| is_late(op, &ops[..at]));
    let both = in_time && is("fifo-order", Judgement::Valid) && is("gap-free-order", Judgement::Valid);
    prop_assert!(!(both && is("causal-order", Judgement::Invalid)), "FIFO and gap-free total order imply causal order");
    let models: Vec<&str> = verdict.classification.iter().map(|name| name.trim_start_matches("at least ")).collect();
    for (above, below) in [
        ("fifo-total", "causal"),
        ("fifo-total", "total"),
        ("causal", "fifo"),
        ("fifo", "reliable"),
        ("total", "reliable"),
        ("uniform-reliable", "reliable"),
    ] {
        prop_assert!(!(models.contains(&above) && models.contains(&below)), "{models:?}");
    }
    Ok(())
}

/// Whether this is the broadcast of a message that was delivered before.
fn is_late(op: &Op, before: &[Op]) -> bool {
    let Event::Broadcast(late) = &op.event else { return false };
    before.iter().any(|op| matches!(&op.event, Event::Deliver { message, .. } if message == late))
}

pub fn find<'v>(verdict: &'v Verdict, name: &str) -> &'v PropertyVerdict {
    verdict.properties.iter().find(|property| property.property == name).expect("all twins have checkers")
}

/// Whether two adjacent lines may stand the other way round: they are of different nodes, and not both written by the
/// harness, and nothing passes the end of the judgement.
fn race(a: &Op, b: &Op) -> bool {
    let drained = |op: &Op| matches!(&op.event, Event::Other(other) if other.f == "drained");
    let own = |op: &Op| matches!(op.process, Process::Node(_)).then_some(op.process);
    let by_harness = |op: &Op| match &op.event {
        Event::Start { .. } => true,
        Event::Other(other) => other.f == "exit" || own(op).is_none(),
        _ => own(op).is_none(),
    };
    let same_node = own(a).is_some() && own(a) == own(b);
    let kept = drained(a) || drained(b) || same_node || by_harness(a) && by_harness(b);
    !kept
}

fn shuffled(mut ops: Vec<Op>, swaps: &[prop::sample::Index]) -> Vec<Op> {
    let places = ops.len().saturating_sub(1);
    for at in swaps.iter().filter(|_| places > 0).map(|swap| swap.index(places)) {
        if race(&ops[at], &ops[at + 1]) {
            ops.swap(at, at + 1);
        }
    }
    for (at, op) in ops.iter_mut().enumerate() {
        (op.index, op.time) = (at as u64, at as u64 * 1_000_000);
    }
    ops
}

/// What must not depend on the interleaving: all but line numbers, how often faults and messages happened to meet, and which of
/// many inverted pairs of messages is shown.
fn essence(verdict: &Verdict) -> Vec<String> {
    let of = |property: &PropertyVerdict| {
        let all_kept =
            property.violations <= 10 && !property.property.contains("total") && property.property != "one-order";
        let witness = |w: &temblor_checkers::verdict::Witness| format!("{} {:?}", w.sentence, w.consequence_of);
        let mut witnesses: Vec<String> = property.witnesses.iter().filter(|_| all_kept).map(witness).collect();
        witnesses.sort();
        let PropertyVerdict { property, standing, judgement, violations, .. } = property;
        let standing = std::mem::discriminant(standing);
        format!("{property} {standing:?} {judgement:?} {violations} {witnesses:?}")
    };
    verdict.properties.iter().map(of).collect()
}

/// Without the lines that give a message a second sender: which one counts would be a matter of the interleaving.
fn unequivocal(mut ops: Vec<Op>) -> Vec<Op> {
    let mut senders = std::collections::BTreeMap::new();
    ops.retain(|op| match (op.process, &op.event) {
        (_, Event::Request { node, message }) => *senders.entry(*message).or_insert(*node) == *node,
        (Process::Node(node), Event::Broadcast(message)) => *senders.entry(*message).or_insert(node) == node,
        _ => true,
    });
    ops
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_any_lines_every_checker_agrees_with_its_twin(
        lines in prop::collection::vec(line(), 0..40), end in end(), terms in terms(),
    ) {
        let lines: Vec<String> = lines.into_iter().chain([end.to_owned()]).collect();
        agrees_with_twins(&lines, &terms)?;
    }

    #[test]
    fn on_spoilt_correct_runs_every_checker_agrees_with_its_twin(
        run in correct_run(), changes in prop::collection::vec(change(), 0..6), end in end(), terms in terms(),
    ) {
        let lines: Vec<String> = spoil(run, &changes).into_iter().chain([end.to_owned()]).collect();
        agrees_with_twins(&lines, &terms)?;
    }

    #[test]
    fn a_correct_run_violates_nothing(run in correct_run(), (header, options) in terms()) {
        let lines: Vec<String> = run.into_iter().chain(["nemesis ok drained".to_owned()]).collect();
        let verdict = judge(Some(&header), &ops(&lines.join("\n")), &options);
        for property in verdict.properties.iter().filter(|p| !p.property.contains("agreement")) {
            let name = property.property.as_str();
            let of_many = !OF_A_SINGLE_VALUE.contains(&name) && !OF_READS.contains(&name);
            if of_many && header.ok == Acknowledges::Taken {
                prop_assert_eq!(property.judgement, Judgement::Valid, "{}", property.property);
            }
        }
    }

    #[test]
    fn any_interleaving_that_keeps_each_nodes_order_gives_the_same_verdict(
        run in correct_run(), changes in prop::collection::vec(change(), 0..6), end in end(), terms in terms(),
        swaps in prop::collection::vec(any::<prop::sample::Index>(), 0..400),
    ) {
        let lines: Vec<String> = spoil(run, &changes).into_iter().chain([end.to_owned()]).collect();
        let before = shuffled(unequivocal(ops(&lines.join("\n"))), &[]);
        let after = shuffled(before.clone(), &swaps);
        let (header, options) = terms;
        prop_assert_eq!(essence(&judge(Some(&header), &before, &options)), essence(&judge(Some(&header), &after, &options)));
    }

    #[test]
    fn a_history_without_a_first_line_is_judged_by_integrity_alone(
        lines in prop::collection::vec(line(), 0..40), end in end(),
    ) {
        let ops = ops(&lines.into_iter().chain([end.to_owned()]).collect::<Vec<_>>().join("\n"));
        let verdict = judge(None, &ops, &Options::default());
        for property in &verdict.properties {
            let integrity = ["no-creation", "no-duplication"].contains(&property.property.as_str());
            prop_assert_eq!(property.promised.is_some(), integrity);
        }
        let text = serde_json::to_string(&verdict).expect("a verdict is JSON");
        prop_assert_eq!(serde_json::from_str::<Verdict>(&text).expect("and back"), verdict);
    }

    #[test]
    fn no_op_makes_the_judge_panic(
        picks in prop::collection::vec((0..4u8, 0..5u8, any::<u16>(), any::<u64>(), 0..13usize), 0..30),
    ) {
        let op = |(at, (kind, process, node, number, f)): (usize, (u8, u8, u16, u64, usize))| wild(at, (kind, process), (node, number, f));
        let ops: Vec<Op> = picks.into_iter().enumerate().map(op).collect();
        judge(Some(&header(4, &[])), &ops, &Options::default());
    }
}

/// An op in which everything is possible, whatever the format says.
fn wild(at: usize, (kind, process): (u8, u8), (node, number, f): (u16, u64, usize)) -> Op {
    const FS: [&str; 13] = [
        "exit",
        "breach",
        "silent",
        "nonsense",
        "flood",
        "kill",
        "pause",
        "resume",
        "heal",
        "partition",
        "loss",
        "interrupted",
        "what",
    ];
    let node = temblor_checkers::op::Node(if node % 3 == 0 { node } else { node % 4 });
    let known = temblor_checkers::op::Node(node.0 % 4);
    let values = ["null", "3", "{}", r#"{"id":1,"node":"n1"}"#, r#"{"id":1,"cut":[["n1"],7,["n1","n2"]]}"#, "[]"];
    let value = serde_json::from_str(values[number as usize % values.len()]).expect("these are JSON");
    let event = match number % 7 {
        0 => Event::Request { node, message: number },
        1 => Event::Broadcast(number % 3),
        2 => Event::Deliver { message: number % 3, pos: None },
        3 => Event::Start { incarnation: 0 },
        4 => Event::Leader { term: number },
        _ => Event::Other(Box::new(Other { f: FS[f].to_owned(), value })),
    };
    let process = match process {
        0 => Process::Client(7),
        1 => Process::Nemesis,
        _ => Process::Node(known),
    };
    let kind = [Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info][usize::from(kind)];
    Op { index: at as u64, time: 0, process, kind, event }
}
