use expect_test::expect;

use super::{Oracle, shrink};
use crate::plan::{Fault, Kind, Operation, Plan, Rule, When};

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
    let operation =
        |n: u64| Operation { when: When::AtUs(n * 17_321), node: nodes[n as usize % 5].clone(), broadcast: n };
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
        let broadcasts = |m: u64| plan.operations.iter().any(|operation| operation.broadcast == m);
        let cuts = |kind: &Kind| kind.links().contains(&("n5".to_owned(), "n3".to_owned()));
        let cut = plan.faults.iter().any(|fault| matches!(fault.fault, Kind::Partition { .. }) && cuts(&fault.fault));
        broadcasts(10) && broadcasts(42) && cut
    });
    expect![[r#"
        {
        "format": 1,
        "algorithm": "fifo",
        "workload": "broadcast",
        "seed": 7,
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
    let operations: Vec<u64> = plan.operations.iter().map(|operation| operation.broadcast).collect();
    assert_eq!((operations, plan.rules.len(), plan.faults.len()), (vec![5], 1, 0));
}

#[test]
fn an_oracle_that_has_had_enough_is_asked_no_more() {
    let (plan, asked) = shrunk(|plan| plan.operations.len() > 190 && plan.faults.len() > 8);
    assert!(plan.operations.len() == 191 && asked <= 5_000);
}
