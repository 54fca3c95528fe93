use expect_test::expect;

use super::moments::timed;
use super::{Moments, Oracle, shrink};
use crate::plan::{Anchor, Fault, Kind, Operation, Plan, Rule, Seen, When};

/// Fails as long as some entries are there.
struct Needs {
    holds: fn(&Plan) -> bool,
    asked: u64,
    best: Option<Plan>,
}

impl Oracle for Needs {
    fn fails(&mut self, plan: &Plan) -> bool {
        self.asked += 1;
        (self.holds)(plan)
    }

    fn best(&mut self, plan: &Plan) {
        self.best = Some(plan.clone());
    }

    fn goes_on(&self) -> bool {
        self.asked < 5_000
    }
}

fn plan() -> Plan {
    let nodes: Vec<String> = (1..=5).map(|n| format!("n{n}")).collect();
    let operation = |n: u64| Operation::broadcast(When::AtUs(n * 17_321), nodes[n as usize % 5].clone(), n);
    let cut: Vec<_> = (1..=4).map(|n| ("n5".to_owned(), format!("n{n}"))).collect();
    let fault = |id: u32| Fault {
        id,
        when: When::AtUs(u64::from(id) * 223_456),
        for_us: Some(432_100),
        fault: match id % 3 {
            0 => Kind::Kill { node: "n2".to_owned() },
            1 => Kind::Loss { chance_ppm: 300_000, links: cut.clone() },
            _ => Kind::Partition {
                shape: "isolate-one".to_owned(),
                mode: Default::default(),
                cut: cut.clone(),
                around_leader: None,
            },
        },
    };
    let faults = (1..=9).map(fault).map(|fault| match fault.fault {
        Kind::Kill { .. } => Fault { for_us: None, ..fault },
        _ => fault,
    });
    Plan {
        format: 1,
        algorithm: "fifo".to_owned(),
        over: None,
        fanout: None,
        http: false,
        topology: Default::default(),
        clients_max: None,
        workload: "broadcast".to_owned(),
        seed: 7,
        length_us: 5_000_000,
        beyond_model: false,
        requested: vec!["partition".to_owned()],
        operations: (1..=200).map(operation).collect(),
        faults: faults.collect(),
        rules: (1..=20).map(|n| Rule { on_deliver: n, node: "n1".to_owned(), broadcast: 1_000 + n }).collect(),
        nodes,
    }
}

fn shrunk(holds: fn(&Plan) -> bool) -> (Plan, u64) {
    let mut oracle = Needs { holds, asked: 0, best: None };
    assert!(oracle.fails(&plan()));
    let plan = shrink(plan(), &mut oracle);
    assert_eq!(oracle.best.as_ref(), Some(&plan));
    (plan, oracle.asked)
}

#[test]
fn what_the_failure_needs_stays_and_becomes_round() {
    let (plan, asked) = shrunk(|plan| {
        let broadcasts = |m: u64| plan.operations.iter().any(|operation| operation.number == m);
        let cuts = |kind: &Kind| kind.links().contains(&("n5".to_owned(), "n3".to_owned()));
        let cut = plan.faults.iter().any(|fault| matches!(fault.fault, Kind::Partition { .. }) && cuts(&fault.fault));
        broadcasts(10) && broadcasts(42) && cut
    });
    expect![[r#"
        {
        "format": 1,
        "algorithm": "fifo",
        "workload": "broadcast",
        "seed": 52,
        "nodes": ["n1","n3","n5"],
        "length_us": 710,
        "requested": [],
        "operations": [
          {"when":{"at_us":0},"node":"n1","broadcast":10},
          {"when":{"at_us":0},"node":"n3","broadcast":42}
        ],
        "faults": [
          {"id":2,"when":{"at_us":0},"fault":{"partition":{"mode":"drop","cut":[["n5","n3"]]}}}
        ],
        "rules": []
        }
    "#]]
    .assert_eq(&plan.to_json());
    assert!(asked < 500, "{asked}");
}

#[test]
fn what_waits_for_a_removed_entry_goes_with_it() {
    let (plan, _) = shrunk(|plan| plan.rules.iter().any(|rule| rule.broadcast == 1_005));
    let operations: Vec<u64> = plan.operations.iter().map(|operation| operation.number).collect();
    assert_eq!((operations, plan.rules.len(), plan.faults.len()), (vec![5], 1, 0));
}

#[test]
fn an_oracle_that_has_had_enough_is_asked_no_more() {
    let (plan, asked) = shrunk(|plan| plan.operations.len() > 190 && plan.faults.len() > 8);
    assert!(plan.operations.len() == 191 && asked <= 5_000);
}

/// At which input the crash comes.
fn hits(plan: &Plan) -> Option<u64> {
    plan.faults.iter().find_map(|fault| match &fault.when {
        When::After(Anchor { seen: Seen::Input { count, .. }, .. }) => Some(*count),
        _ => None,
    })
}

#[test]
fn a_crash_within_a_step_is_aimed_again_when_operations_go() {
    let kill = |count| Fault {
        id: 1,
        when: When::After(Anchor { seen: Seen::Input { node: "n1".to_owned(), count, cut: 1 }, delay_us: 0 }),
        for_us: None,
        fault: Kind::Kill { node: "n1".to_owned() },
    };
    // Each operation is three inputs, and the crash has to come at the last input of all.
    let holds = |plan: &Plan| !plan.operations.is_empty() && hits(plan) == Some(3 * plan.operations.len() as u64);
    let mut oracle = Needs { holds, asked: 0, best: None };
    let whole = plan();
    let operations = whole.operations[..40].to_vec();
    let smallest = shrink(Plan { operations, rules: vec![], faults: vec![kill(120)], ..whole }, &mut oracle);
    assert_eq!((smallest.operations.len(), hits(&smallest)), (1, Some(3)));
}

#[test]
fn a_link_of_a_chain_goes_and_the_next_takes_its_place() {
    // Messages 1, 1001 and so on react to each other, one after the other, and the last is what it takes.
    let holds = |plan: &Plan| plan.rules.iter().any(|rule| rule.broadcast == 1_010);
    let whole = plan();
    let operations = whole.operations[..1].to_vec();
    let rule =
        |n: u64| Rule { on_deliver: if n == 1 { 1 } else { 999 + n }, node: "n1".to_owned(), broadcast: 1_000 + n };
    let mut oracle = Needs { holds, asked: 0, best: None };
    let smallest =
        shrink(Plan { operations, rules: (1..=10).map(rule).collect(), faults: vec![], ..whole }, &mut oracle);
    assert_eq!((smallest.operations.len(), smallest.rules.len()), (1, 1));
}

#[test]
fn an_operation_and_a_fault_go_together_where_neither_goes_alone() {
    let holds = |plan: &Plan| {
        let has = |id: u32| plan.faults.iter().any(|fault| fault.id == id);
        let asks = |message: u64| plan.operations.iter().any(|operation| operation.number == message);
        has(2) && asks(1) && has(5) == asks(2)
    };
    let whole = plan();
    let operations = whole.operations[..2].to_vec();
    let faults = whole.faults.iter().filter(|fault| [2, 5].contains(&fault.id)).cloned().collect();
    let mut oracle = Needs { holds, asked: 0, best: None };
    let smallest = shrink(Plan { operations, rules: vec![], faults, ..whole }, &mut oracle);
    assert_eq!((smallest.operations.len(), smallest.faults.len()), (1, 1));
}

#[test]
fn reactions_and_what_waits_are_said_with_times_from_bold_to_careful() {
    let seen = Seen::Fault { id: 1 };
    let waiting = |when: &When| matches!(when, When::After(_));
    let mut plan = plan();
    plan.operations[0].when = When::After(Anchor { seen: seen.clone(), delay_us: 5 });
    plan.faults[1].when = When::After(Anchor { seen, delay_us: 0 });
    let input = Seen::Input { node: "n2".to_owned(), count: 9, cut: 0 };
    plan.faults[2].when = When::After(Anchor { seen: input, delay_us: 0 });
    let requests = plan.operations.iter().map(|operation| operation.number).chain([1_001]).zip(100..).collect();
    let moments = Moments { requests, faults: (1..=9).map(|id| (id, 7)).collect() };
    let forms = timed(&plan, &moments);
    assert!(forms.iter().all(|form| form.rules.is_empty() && form.operations.len() == 201));
    assert!(forms.iter().all(|form| !form.operations.iter().any(|operation| waiting(&operation.when))));
    let still = |form: &Plan| form.faults.iter().filter(|fault| waiting(&fault.when)).count();
    assert_eq!(forms.iter().map(still).collect::<Vec<_>>(), [0, 1, 2]);
}
