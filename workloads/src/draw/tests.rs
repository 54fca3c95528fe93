use std::collections::BTreeSet;

use super::{Wishes, draw};
use crate::faults::{class_of, name_of};
use crate::plan::{Kind, Plan, Seen, When};
use crate::setting::{Crashes, Links, Setting};
use crate::shapes::SHAPES;

fn setting(nodes: usize) -> Setting {
    Setting {
        algorithm: "fifo".to_owned(),
        over: None,
        nodes: (1..=nodes).map(|n| format!("n{n}")).collect(),
        links: Links::FairLoss,
        crashes: Crashes::Stop,
        leader: false,
        faulty_max: nodes as u32 - 1,
        bound_ms: 2_000,
    }
}

fn wishes(nemesis: &[&str]) -> Wishes {
    Wishes {
        workload: "broadcast".to_owned(),
        nemesis: nemesis.iter().map(|name| (*name).to_owned()).collect(),
        length_us: 3_000_000,
        rate: 50,
        beyond_model: false,
    }
}

fn plans(nodes: usize, nemesis: &[&str]) -> impl Iterator<Item = Plan> {
    let (setting, wishes) = (setting(nodes), wishes(nemesis));
    (0..400).map(move |seed| draw(&setting, &wishes, seed).unwrap())
}

#[test]
fn the_plan_of_a_seed_is_always_the_same() {
    for (first, second) in plans(5, &["all"]).zip(plans(5, &["all"])) {
        assert_eq!(first.to_json(), second.to_json());
    }
}

#[test]
fn every_plan_is_valid_and_keeps_within_the_model() {
    for nodes in 1..=7 {
        for mut plan in plans(nodes, &["all"]) {
            let text = plan.to_json();
            assert_eq!(Plan::parse(&text), Ok(plan.clone()), "{text}");
            plan.validate(&text, &setting(nodes)).unwrap();
            let victims: BTreeSet<String> = plan.faults.drain(..).filter_map(victim).collect();
            assert!(victims.len() < nodes, "nobody is left: {text}");
        }
    }
}

fn victim(fault: crate::plan::Fault) -> Option<String> {
    match fault.fault {
        Kind::Kill { node } => Some(node),
        _ => None,
    }
}

#[test]
fn what_was_asked_for_by_name_is_in_every_plan() {
    for plan in plans(5, &["kill", "pause", "partition"]) {
        assert_eq!(plan.requested, ["kill", "pause", "partition"]);
        for class in &plan.requested {
            assert!(plan.faults.iter().any(|fault| class_of(&fault.fault) == class), "{class}: {}", plan.to_json());
        }
    }
    for plan in plans(5, &["loss"]) {
        assert!(plan.faults.iter().any(|fault| name_of(&fault.fault) == "loss"));
    }
}

#[test]
fn every_fault_shape_and_kind_of_anchor_is_drawn_by_some_seed() {
    let mut seen = BTreeSet::new();
    for plan in plans(5, &["all"]) {
        for fault in plan.faults {
            seen.insert(name_of(&fault.fault).to_owned());
            if let Kind::Partition { shape, mode, .. } = &fault.fault {
                seen.insert(shape.clone());
                seen.insert(format!("{mode:?}"));
            }
            match fault.when {
                When::After(anchor) => seen.insert(kind_of_anchor(&anchor.seen).to_owned()),
                When::AtUs(_) => true,
            };
        }
    }
    let mut expected = vec!["kill", "pause", "partition", "loss", "duplicate", "delay", "explicit"];
    expected.extend(["Drop", "Hold", "Reset", "deliver", "frame"]);
    expected.extend(SHAPES.iter().map(|shape| shape.name));
    for name in expected {
        assert!(seen.contains(name), "{name} was never drawn");
    }
}

fn kind_of_anchor(seen: &Seen) -> &'static str {
    match seen {
        Seen::Deliver { .. } => "deliver",
        Seen::Frame { .. } => "frame",
        _ => "other",
    }
}

#[test]
fn none_is_none() {
    assert!(plans(5, &["none"]).all(|plan| plan.faults.is_empty() && plan.requested.is_empty()));
}

#[test]
fn a_fault_outside_the_model_is_refused_with_a_hint() {
    let reliable = Setting { links: Links::Reliable, ..setting(5) };
    let error = draw(&reliable, &wishes(&["partition"]), 7).unwrap_err();
    assert!(error.0.contains("--beyond-model"), "{error}");
    let beyond = Wishes { beyond_model: true, ..wishes(&["partition"]) };
    assert!(draw(&reliable, &beyond, 7).is_ok());
}

#[test]
fn an_unknown_fault_is_refused_with_what_there_is() {
    let error = draw(&setting(5), &wishes(&["partitions"]), 7).unwrap_err();
    assert!(error.0.contains("partition"), "{error}");
}

#[test]
fn very_short_very_slow_and_very_long_runs_can_be_drawn() {
    for (length_us, rate) in [(0, 50), (1, 50), (1_000, 1), (100_000, 0), (600_000_000, 2), (3_000_000, 2_000)] {
        let wishes = Wishes { length_us, rate, ..wishes(&["all"]) };
        for seed in 0..10 {
            let plan = draw(&setting(5), &wishes, seed).unwrap();
            assert!(Plan::parse(&plan.to_json()).is_ok());
        }
    }
}
