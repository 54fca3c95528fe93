use std::collections::BTreeSet;

use expect_test::expect;

use super::{OPERATIONS_MAX, TEMPLATES, Wishes, draw, due_us};
use crate::chance::of_bytes;
use crate::faults::{BITES, FAULTS, class_of, name_of};
use crate::plan::{Ask, Fault, Kind, Link, Mode, Plan, Seen, When};
use crate::setting::{Crashes, Links, Setting};
use crate::shapes::{LEADER_SHAPES, SHAPES};
use crate::validity::{check, check_against};
use crate::workloads;

/// A system on fair-loss links of which all nodes but one may crash.
pub(super) fn setting(nodes: usize) -> Setting {
    Setting {
        algorithm: "fifo".to_owned(),
        over: None,
        fanout: None,
        http: false,
        nodes: (1..=nodes).map(|n| format!("n{n}")).collect(),
        links: Links::FairLoss,
        crashes: Crashes::Stop,
        durable: false,
        leader: false,
        asks: Ask::Broadcast,
        faulty_max: nodes as u32 - 1,
        bound_ms: 2_000,
    }
}

/// Nodes that come back with what they had stored.
fn durable() -> Setting {
    Setting { crashes: Crashes::Recover, durable: true, faulty_max: 5, leader: true, ..setting(5) }
}

/// Systems of every kind, each for its own share of the seeds.
fn settings() -> Vec<Setting> {
    let minority = Setting { faulty_max: 2, leader: true, algorithm: "elected".to_owned(), ..setting(5) };
    vec![
        setting(2),
        setting(3),
        setting(4),
        setting(5),
        setting(7),
        minority.clone(),
        Setting { faulty_max: 1, crashes: Crashes::Recover, nodes: setting(3).nodes, ..minority },
        Setting { algorithm: "best-effort".to_owned(), ..setting(3) },
        Setting { over: Some("retransmit".to_owned()), ..setting(5) },
        Setting { over: Some("best-effort".to_owned()), links: Links::Reliable, ..setting(5) },
        Setting { crashes: Crashes::None, faulty_max: 0, ..setting(3) },
        durable(),
    ]
}

fn wishes(nemesis: &[&str]) -> Wishes {
    Wishes {
        workload: "broadcast".to_owned(),
        nemesis: nemesis.iter().map(|name| (*name).to_owned()).collect(),
        length_us: 3_000_000,
        ..Wishes::default()
    }
}

const SEEDS: u64 = 2_000;

/// The plans of [`SEEDS`] seeds for one system.
fn plans(setting: Setting, nemesis: &[&str]) -> impl Iterator<Item = Plan> {
    let wishes = wishes(nemesis);
    (0..SEEDS).map(move |seed| draw(&setting, &wishes, seed).unwrap())
}

/// For each system the plans of a share of the seeds.
fn plans_of_all(nemesis: &[&str]) -> impl Iterator<Item = (Setting, Plan)> {
    let (settings, wishes) = (settings(), wishes(nemesis));
    (0..SEEDS).map(move |seed| {
        let setting = settings[seed as usize % settings.len()].clone();
        // Every system meets every workload: their numbers have no common divisor.
        let broadcasts: Vec<_> = workloads::of(Ask::Broadcast).collect();
        let workload = broadcasts[seed as usize % broadcasts.len()].name.to_owned();
        let plan = draw(&setting, &Wishes { workload, ..wishes.clone() }, seed).unwrap();
        (setting, plan)
    })
}

fn victims(plan: &Plan) -> BTreeSet<&str> {
    let victim = |fault: &'_ Fault| matches!(fault.fault, Kind::Kill { .. });
    let killed = plan.faults.iter().filter(|fault| victim(fault));
    killed
        .map(|fault| match &fault.fault {
            Kind::Kill { node } => node.as_str(),
            _ => unreachable!("only kills were taken"),
        })
        .collect()
}

fn lasts(plan: &Plan, fault: &Fault) -> Option<(u64, u64)> {
    let When::AtUs(begin) = fault.when else { return None };
    Some((begin, plan.length_us.min(begin + fault.for_us.unwrap_or(plan.length_us))))
}

/// When a node is killed at the earliest, us: a kill that waits for a message comes after its broadcast.
fn dies_us(plan: &Plan, node: &str) -> u64 {
    let broadcast = |message: u64| plan.operations.iter().find(|op| op.number == message).map(|op| due_us(&op.when));
    let due = |fault: &Fault| match &fault.when {
        When::AtUs(at_us) => Some(*at_us),
        When::After(anchor) => match &anchor.seen {
            Seen::Deliver { message, .. } => broadcast(*message),
            Seen::Frame { key, .. } => broadcast(key.split('/').next_back()?.parse().ok()?),
            _ => None,
        },
    };
    let kills =
        plan.faults.iter().filter(|fault| matches!(&fault.fault, Kind::Kill { node: killed } if killed == node));
    kills.filter_map(due).min().unwrap_or(u64::MAX)
}

fn is_paused(plan: &Plan, node: &str, at_us: u64) -> bool {
    let pauses =
        plan.faults.iter().filter(|fault| matches!(&fault.fault, Kind::Pause { node: paused } if paused == node));
    pauses.filter_map(|pause| lasts(plan, pause)).any(|(begin, end)| (begin..end).contains(&at_us))
}

/// Whether somebody who is alive and going broadcasts over a disturbed link to somebody who is alive.
fn is_met(plan: &Plan, fault: &Fault) -> bool {
    let Some((begin, end)) = lasts(plan, fault) else { return false };
    let due = plan.operations.iter().filter(|op| (begin..end).contains(&due_us(&op.when)));
    due.into_iter().any(|op| {
        let at = due_us(&op.when);
        let over = |(from, to): &Link| *from == op.node && dies_us(plan, from).min(dies_us(plan, to)) > at;
        fault.fault.links().iter().any(over) && !is_paused(plan, &op.node, at)
    })
}

/// Whether partitions may take every frame that this fault waits for.
fn is_shadowed(plan: &Plan, fault: &Fault) -> bool {
    let covers = |link: &Link| {
        let cuts = plan.faults.iter().filter(|f| matches!(&f.fault, Kind::Partition { cut, .. } if cut.contains(link)));
        let (begin, end) = lasts(plan, fault).unwrap();
        cuts.filter_map(|cut| lasts(plan, cut)).any(|(from, until)| from < end && begin < until)
    };
    fault.fault.links().iter().all(covers)
}

#[test]
fn the_plan_of_a_seed_is_always_the_same() {
    let wishes = wishes(&["all"]);
    for seed in 0..100 {
        let of = |setting| draw(&setting, &wishes, seed).unwrap().to_json();
        assert_eq!(of(setting(5)), of(setting(5)));
        assert_ne!(of(setting(5)), of(setting(4)));
    }
}

#[test]
fn a_drawn_plan_never_changes() {
    let small = Wishes { length_us: 400_000, rate: 15, ..wishes(&["kill", "partition"]) };
    let plan = draw(&setting(3), &small, 7).unwrap();
    expect![[r#"
        {
        "format": 1,
        "algorithm": "fifo",
        "workload": "broadcast",
        "seed": 7,
        "nodes": ["n1","n2","n3"],
        "length_us": 400000,
        "requested": ["kill","partition"],
        "operations": [
          {"when":{"at_us":25000},"node":"n2","broadcast":7},
          {"when":{"at_us":42975},"node":"n3","broadcast":1},
          {"when":{"at_us":118138},"node":"n3","broadcast":2},
          {"when":{"at_us":141666},"node":"n1","broadcast":8},
          {"when":{"at_us":142314},"node":"n3","broadcast":3},
          {"when":{"at_us":149999},"node":"n1","broadcast":9},
          {"when":{"at_us":158332},"node":"n1","broadcast":10},
          {"when":{"at_us":166666},"node":"n1","broadcast":11},
          {"when":{"at_us":174999},"node":"n1","broadcast":12},
          {"when":{"at_us":214476},"node":"n3","broadcast":4},
          {"when":{"at_us":309030},"node":"n1","broadcast":5},
          {"when":{"at_us":386477},"node":"n3","broadcast":6}
        ],
        "faults": [
          {"id":1,"when":{"at_us":20000},"for_us":82080,"fault":{"partition":{"shape":"orphan","mode":"drop","cut":[["n2","n1"]]}}},
          {"id":3,"when":{"at_us":133333},"for_us":66666,"fault":{"partition":{"shape":"isolate-one","mode":"reset","cut":[["n1","n2"],["n1","n3"]]}}},
          {"id":2,"when":{"after":{"seen":{"frame":{"from":"n2","to":"n3","key":"relay/7","nth":1}},"delay_us":0}},"fault":{"kill":{"node":"n2"}}}
        ],
        "rules": []
        }
    "#]].assert_eq(&plan.to_json());
}

#[test]
fn every_plan_is_valid_and_keeps_within_the_model() {
    for (setting, plan) in plans_of_all(&["all"]) {
        check(&plan).unwrap();
        check_against(&plan, &setting).unwrap();
        let dead = victims(&plan).len();
        assert!(dead < setting.nodes.len() && dead <= setting.faulty_max as usize, "{}", plan.to_json());
    }
}

#[test]
fn every_plan_is_read_back_from_its_text() {
    for (_, plan) in plans_of_all(&["all"]).take(200) {
        assert_eq!(Plan::parse(&plan.to_json()).as_ref(), Ok(&plan));
    }
}

#[test]
fn every_fault_begins_before_the_end_and_every_message_has_its_own_number() {
    for (_, plan) in plans_of_all(&["all"]) {
        assert!(plan.faults.iter().filter_map(|fault| lasts(&plan, fault)).all(|(begin, end)| begin < end));
        let numbers: BTreeSet<u64> = plan.operations.iter().map(|op| op.number).collect();
        assert!(numbers.len() == plan.operations.len() && !numbers.contains(&0));
    }
}

#[test]
fn what_was_asked_for_by_name_finds_live_nodes_and_frames_on_their_way() {
    let wanted = ["partition", "pause", "loss", "kill"];
    for plan in plans(setting(5), &wanted).chain(plans(setting(2), &wanted)) {
        assert_eq!(plan.requested, wanted);
        let sure = |fault: &&Fault| match &fault.fault {
            Kind::Kill { .. } => true,
            Kind::Pause { node } | Kind::Stutter { node, .. } => {
                lasts(&plan, fault).is_some_and(|(begin, _)| dies_us(&plan, node) > begin + 200_000)
            }
            Kind::Partition { .. } => is_met(&plan, fault),
            _ => is_met(&plan, fault) && !is_shadowed(&plan, fault),
        };
        let kinds = plan.faults.iter().filter(sure).flat_map(|fault| [name_of(&fault.fault), class_of(&fault.fault)]);
        let named: BTreeSet<&str> = kinds.collect();
        assert!(wanted.iter().all(|name| named.contains(name)), "{named:?}: {}", plan.to_json());
    }
}

#[test]
fn a_class_that_was_asked_for_is_in_every_plan() {
    for plan in plans(setting(3), &["link"]) {
        assert!(plan.faults.iter().any(|fault| class_of(&fault.fault) == "link" && is_met(&plan, fault)));
    }
}

#[test]
fn nearly_every_partition_of_live_nodes_is_met_by_a_broadcast() {
    let (mut met, mut all) = (0, 0);
    for plan in plans(setting(5), &["partition"]) {
        let timed = plan.faults.iter().filter(|fault| matches!(fault.when, When::AtUs(_)));
        // Two stories aim at what is sent back or passed on.
        let aims_elsewhere = |shape: &str| ["lost-ack", "slow-path"].contains(&shape);
        for fault in timed.filter(|f| !matches!(&f.fault, Kind::Partition { shape, .. } if aims_elsewhere(shape))) {
            all += 1;
            met += u32::from(is_met(&plan, fault));
        }
    }
    assert!(met * 100 >= all * 98, "{met} of {all}");
}

#[test]
fn pauses_and_partitions_of_the_dead_are_not_drawn() {
    for plan in plans(setting(5), &["kill", "pause"]) {
        for fault in &plan.faults {
            let (Kind::Pause { node }, When::AtUs(begin)) = (&fault.fault, &fault.when) else { continue };
            let kills =
                plan.faults.iter().filter(|other| matches!(&other.fault, Kind::Kill { node: dead } if dead == node));
            assert!(kills.into_iter().all(|kill| due_us(&kill.when) > *begin), "{}", plan.to_json());
        }
    }
}

#[test]
fn whoever_leads_is_cut_off_with_fewer_than_half_of_the_nodes() {
    for nodes in [3, 5, 7] {
        for plan in plans(Setting { leader: true, ..setting(nodes) }, &["partition"]).take(300) {
            for fault in &plan.faults {
                let Kind::Partition { around_leader: Some(around), .. } = &fault.fault else { continue };
                assert!(2 * (around.with.len() + 1) < nodes, "{}", plan.to_json());
            }
        }
    }
}

#[test]
fn every_fault_shape_template_and_kind_of_anchor_is_drawn_by_some_seed() {
    let mut seen = BTreeSet::new();
    let led = Setting { leader: true, ..setting(5) };
    let damaged = ["torn-write", "truncate-tail", "bitflip", "wipe"];
    let beyond = Wishes { beyond_model: true, ..wishes(&damaged) };
    let outside = (0..200).map(|seed| draw(&durable(), &beyond, seed).unwrap());
    let within = plans(setting(5), &["all"]).chain(plans(led, &["all"])).chain(plans(durable(), &["all"]));
    for plan in within.chain(outside) {
        for fault in plan.faults {
            seen.insert(name_of(&fault.fault).to_owned());
            match &fault.fault {
                Kind::Partition { shape, mode, .. } => seen.extend([shape.clone(), format!("{mode:?}")]),
                Kind::Pause { node } => seen.extend([node.clone()]),
                _ => {}
            }
            if let When::After(anchor) = fault.when {
                seen.insert(kind_of_anchor(&anchor.seen).to_owned());
            }
        }
    }
    let mut expected: Vec<&str> = FAULTS.iter().map(|fault| fault.name).filter(|name| *name != BITES).collect();
    expected.push("leader");
    expected.extend(["Drop", "Hold", "Reset", "anchor: deliver", "anchor: frame"]);
    expected.extend(SHAPES.iter().map(|shape| shape.name));
    expected.extend(LEADER_SHAPES.iter().map(|(name, _)| *name));
    expected.extend(TEMPLATES.iter().map(|template| template.name));
    let missing: Vec<&str> = expected.into_iter().filter(|name| !seen.contains(*name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

fn kind_of_anchor(seen: &Seen) -> &'static str {
    match seen {
        Seen::Deliver { .. } => "anchor: deliver",
        Seen::Frame { .. } => "anchor: frame",
        _ => "anchor: other",
    }
}

#[test]
fn about_half_of_the_runs_follow_templates() {
    let follows = |plan: &Plan| {
        let told = |fault: &Fault| matches!(&fault.fault, Kind::Partition { shape, .. } if TEMPLATES.iter().any(|t| t.name == shape));
        plan.faults.iter().any(told)
    };
    let stories = plans(setting(5), &["all"]).filter(follows).count();
    assert!((900..1_100).contains(&stories), "{stories}");
}

#[test]
fn frames_are_waited_for_by_the_keys_of_the_algorithm() {
    let of = |algorithm: &str, over: Option<&str>| {
        let setting = Setting { algorithm: algorithm.to_owned(), over: over.map(str::to_owned), ..setting(5) };
        let some = plans(setting, &["partition", "kill"]).take(300);
        let keys = some.flat_map(|plan| plan.faults).filter_map(|fault| match fault.when {
            When::After(anchor) => match anchor.seen {
                Seen::Frame { key, .. } => Some(key.split('/').next().unwrap_or_default().to_owned()),
                _ => None,
            },
            When::AtUs(_) => None,
        });
        keys.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(of("best-effort", None), ["send"]);
    assert_eq!(of("retransmit", None), ["send"]);
    assert_eq!(of("eager", None), ["relay"]);
    assert_eq!(of("fifo", None), ["relay"]);
    assert_eq!(of("fifo", Some("retransmit")), ["send"]);
    assert!(of("somebody-elses", None).is_empty());
}

#[test]
fn some_requests_to_the_dead_stay_and_most_do_not() {
    let (mut to_dead, mut all) = (0, 0);
    for plan in plans(setting(3), &["kill"]) {
        for op in &plan.operations {
            let dies = plan.faults.iter().find(|f| matches!(&f.fault, Kind::Kill { node } if *node == op.node));
            to_dead += u32::from(dies.is_some_and(|kill| due_us(&kill.when) <= due_us(&op.when)));
            all += 1;
        }
    }
    assert!(to_dead > all / 200 && to_dead < all / 12, "{to_dead} of {all}");
}

#[test]
fn lengths_are_spread_over_all_octaves() {
    let mut octaves = [0_u32; 7];
    for plan in plans(setting(5), &["pause"]) {
        for fault in plan.faults.iter().filter(|fault| fault.for_us != Some(plan.length_us / 4)) {
            octaves[(fault.for_us.unwrap() / 1_000).ilog2().min(6) as usize] += 1;
        }
    }
    let (least, most) = (octaves[..6].iter().min().unwrap(), octaves[..6].iter().max().unwrap());
    assert!(*least > 100 && most < &(least * 2), "{octaves:?}");
}

#[test]
fn every_class_of_faults_is_off_in_some_runs_and_one_that_was_asked_for_in_none() {
    let classes: BTreeSet<&str> = FAULTS.iter().map(|fault| fault.class).collect();
    for class in classes {
        let setting = if class == "disk" { durable() } else { setting(5) };
        let has = |plan: &Plan| plan.faults.iter().any(|fault| class_of(&fault.fault) == class);
        let with = plans(setting.clone(), &["all"]).take(500).filter(has).count();
        assert!((100..490).contains(&with), "{class} is in {with} of 500 plans");
        assert!(plans(setting.clone(), &["all", class]).take(500).all(|plan| has(&plan)), "{class}");
    }
}

#[test]
fn nobody_is_paused_twice_at_once() {
    for plan in plans(setting(5), &["pause", "kill"]) {
        let pauses: Vec<(&str, u64, u64)> = plan.faults.iter().filter_map(|fault| paused(&plan, fault)).collect();
        for (at, (node, begin, end)) in pauses.iter().enumerate() {
            let twice = |(other, from, until): &(&str, u64, u64)| other == node && from < end && begin < until;
            assert!(!pauses[at + 1..].iter().any(twice), "{}", plan.to_json());
        }
    }
}

fn paused<'a>(plan: &Plan, fault: &'a Fault) -> Option<(&'a str, u64, u64)> {
    let (Kind::Pause { node } | Kind::Stutter { node, .. }) = &fault.fault else { return None };
    let (begin, end) = lasts(plan, fault)?;
    Some((node, begin, end))
}

#[test]
fn a_system_on_reliable_links_meets_late_frames_only() {
    let reliable = Setting { over: Some("best-effort".to_owned()), links: Links::Reliable, ..setting(5) };
    let mut seen = BTreeSet::new();
    for fault in plans(reliable, &["all"]).flat_map(|plan| plan.faults) {
        let held = matches!(fault.fault, Kind::Partition { mode: Mode::Hold, .. });
        seen.insert(if held { "hold" } else { name_of(&fault.fault) });
    }
    let expected = ["delay", "hold", "jitter", "kill", "pause", "rate", "reorder", "stutter"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn drawn_plans_never_change() {
    let text: String = plans_of_all(&["all"]).take(99).map(|(_, plan)| plan.to_json()).collect();
    expect!["e17aa9033cdb604f"].assert_eq(&format!("{:016x}", of_bytes(text.as_bytes())));
}

#[test]
fn none_is_none() {
    assert!(plans(setting(5), &["none"]).take(20).all(|plan| plan.faults.is_empty() && plan.requested.is_empty()));
}

#[test]
fn a_fault_outside_the_model_is_refused_with_a_hint() {
    let reliable = Setting { links: Links::Reliable, ..setting(5) };
    let error = draw(&reliable, &wishes(&["loss"]), 7).unwrap_err();
    assert!(error.0.contains("--beyond-model"), "{error}");
    let beyond = Wishes { beyond_model: true, ..wishes(&["partition", "kill"]) };
    let plan = draw(&Setting { crashes: Crashes::None, faulty_max: 0, ..reliable }, &beyond, 7).unwrap();
    assert!(victims(&plan).len() < 5);
}

#[test]
fn what_is_unknown_is_refused_with_what_was_meant() {
    let refused = |wishes: Wishes| draw(&setting(5), &wishes, 7).unwrap_err().0;
    expect!["there is no fault partitions; did you mean partition? (there are all, bitflip, connection, crash-during-recovery, crash-loop, delay, disk, duplicate, flap, half-open, jitter, kill, kill-all, link, lose-unsynced, loss, none, partition, pause, rate, reorder, reset-connections, restart, rolling-restart, stutter, torn-write, truncate-tail, wipe)"]
        .assert_eq(&refused(wishes(&["partitions"])));
    expect!["there is no fault meteor (there are all, bitflip, connection, crash-during-recovery, crash-loop, delay, disk, duplicate, flap, half-open, jitter, kill, kill-all, link, lose-unsynced, loss, none, partition, pause, rate, reorder, reset-connections, restart, rolling-restart, stutter, torn-write, truncate-tail, wipe)"]
        .assert_eq(&refused(wishes(&["meteor"])));
    expect!["there is no workload brodcast; did you mean broadcast? (there are broadcast, burst, chat, payments, echo, unique-ids)"]
        .assert_eq(&refused(Wishes { workload: "brodcast".to_owned(), ..wishes(&[]) }));
    assert!(
        refused(Wishes { rate: 100_000, length_us: 3_600_000_000, ..wishes(&[]) })
            .contains(&OPERATIONS_MAX.to_string())
    );
}

#[test]
fn a_single_node_can_be_paused_and_nothing_else() {
    let alone = draw(&setting(1), &wishes(&["all"]), 7).unwrap();
    assert!(alone.faults.iter().all(|fault| class_of(&fault.fault) == "pause"));
    assert!(draw(&setting(1), &wishes(&["kill"]), 7).unwrap_err().0.contains("two nodes"));
    let nobody = Setting { nodes: Vec::new(), ..setting(1) };
    assert!(draw(&nobody, &wishes(&["none"]), 7).is_err());
}

#[test]
fn very_short_very_slow_and_very_long_runs_can_be_drawn() {
    let lengths = [(0, 50), (1, 50), (3, 50), (1_000, 1), (100_000, 0), (600_000_000, 2), (3_000_000, 2_000)];
    for (length_us, rate) in lengths {
        for nemesis in [["all"].as_slice(), &["kill", "pause", "partition", "link"]] {
            let wishes = Wishes { length_us, rate, ..wishes(nemesis) };
            for seed in 0..10 {
                let plan = draw(&setting(5), &wishes, seed).unwrap();
                check(&plan).unwrap();
            }
        }
    }
}
