//! Multi-Paxos does what van Renesse and Altinbuken's "Paxos Made Moderately Complex" says, rule by rule.

mod network;
mod storm;

use network::{MS, Network, State};
use serde_json::{Value, json};
use storm::{Storm, between};
use temblor_node::bugs::Bug;
use temblor_node::consensus::multi_paxos::MultiPaxos;
use temblor_node::indication::{Indication, PrefixHash};

fn with(nodes: u32, bug: Option<Bug>) -> Network {
    Network::of(|| vec![Box::new(MultiPaxos::default())], nodes, bug)
}

const STORM: Storm = Storm { events: 150, broadcasts: 100, loss_permille: 400 };

fn stormy(seed: u64, nodes: u32, bug: Option<Bug>) -> Network {
    let mut network = with(nodes, bug).seeded(seed);
    storm::storm(&mut network, STORM, 9_000 * MS);
    network
}

/// One log without gaps, of what was broadcast, each once and in its sender's order; whoever asked is answered; and no term has
/// two leaders.
fn proper(network: &Network) -> Result<(), String> {
    let messages = storm::one_log(network)?;
    storm::one_leader_a_term(network)?;
    storm::terms_rise(network)?;
    for (name, node) in &network.nodes {
        let installed = node.indications.iter().filter_map(|(_, indication)| installed(indication, &messages));
        let through = installed.max().unwrap_or(0).max(node.log.keys().next_back().copied().unwrap_or(0));
        if through != messages.len() as u64 {
            return Err(format!("n{name} has delivered {through} of {}", messages.len()));
        }
        if node.state != State::Up || !node.complaints.is_empty() {
            return Err(format!("n{name} is {:?} and complains {:?}", node.state, node.complaints));
        }
        let delivered = messages.iter().filter(|message| node.broadcast.contains(message)).copied();
        if delivered.collect::<Vec<u64>>() != node.broadcast {
            return Err(format!("of n{name}'s {:?} there are {messages:?}", node.broadcast));
        }
        if node.broadcast.iter().any(|message| !node.done.contains(message)) {
            return Err(format!("n{name} took {:?} and answered {:?}", node.broadcast, node.done));
        }
    }
    let taken: usize = network.nodes.values().map(|node| node.broadcast.len()).sum();
    if taken == messages.len() { Ok(()) } else { Err(format!("{} of {taken} are delivered", messages.len())) }
}

/// How far a node was brought by a snapshot, if that stands for the right messages; else further than there is.
fn installed(indication: &Indication, messages: &[u64]) -> Option<u64> {
    let Indication::Installed { through, hash } = indication else { return None };
    let prefix = &messages[..usize::try_from(*through).unwrap().min(messages.len())];
    let right = prefix.iter().fold(PrefixHash::default(), |hash, message| hash.and(*message)) == *hash;
    Some(if right { *through } else { u64::MAX })
}

#[test]
fn whatever_happens_all_deliver_one_log_of_all_that_was_asked_for() {
    for seed in 0..SEEDS {
        let network = stormy(seed, [3, 4, 5][usize::try_from(seed % 3).unwrap()], None);
        proper(&network).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

const SEEDS: u64 = 100;

// The rules, each by messages that nobody sent.

fn ballot(round: u64, node: u32) -> Value {
    json!({"round": round, "node": format!("n{node}")})
}

fn command(sender: u32, seq: u64, m: u64) -> Value {
    json!({"sender": format!("n{sender}"), "life": 1, "seq": seq, "m": m})
}

fn pvalue(of: Value, slot: u64, command: Value) -> Value {
    json!({"ballot": of, "slot": slot, "command": command})
}

fn p1a(of: Value, slot: u64) -> Value {
    json!({"type": "p1a", "ballot": of, "slot": slot})
}

fn p1b((of, num): (Value, Value), collected: u64, accepted: &[Value]) -> Value {
    json!({"type": "p1b", "ballot": of, "ballot_num": num, "collected": collected, "accepted": accepted})
}

fn p2a(pvalue: &Value) -> Value {
    json!({"type": "p2a", "pvalue": pvalue})
}

fn p2b(of: Value, slot: u64, num: Value) -> Value {
    json!({"type": "p2b", "ballot": of, "slot": slot, "ballot_num": num})
}

fn decision(slot: u64, command: Value) -> Value {
    json!({"type": "decision", "slot": slot, "command": command})
}

/// What a node sends to others, when it gets a message.
fn answers(network: &mut Network, link: (u32, u32), message: &Value) -> Vec<(u32, Value)> {
    let before = network.sent.len();
    network.forge(link, &message.to_string());
    let of = network.sent[before..].iter().filter(|sent| sent.link.0 == link.1);
    of.map(|sent| (sent.link.1, serde_json::from_str(&sent.body).unwrap())).collect()
}

/// The messages that a node has delivered, in the order of their positions.
fn log(network: &Network, node: u32) -> Vec<u64> {
    network.nodes[&node].log.values().copied().collect()
}

/// A cluster of which nobody hears anybody, and n1's scout is out with ballot 1.
fn scouting(nodes: u32) -> Network {
    let mut network = with(nodes, None);
    let all: Vec<u32> = (1..=nodes).collect();
    network.cut(&between(&all, &all));
    (2..=nodes).for_each(|node| network.kill(node));
    until(&mut network, |network| network.count((1, 2), "p1a/1001") > 0);
    network
}

/// A cluster with a leader, and the others: `(network, leader, others)`.
fn led(nodes: u32, bug: Option<Bug>) -> (Network, u32, Vec<u32>) {
    let mut network = with(nodes, bug);
    network.run_for(1_000 * MS);
    let leader = leader(&network);
    let others = (1..=nodes).filter(|node| *node != leader).collect();
    (network, leader, others)
}

/// Who leads the highest term.
fn leader(network: &Network) -> u32 {
    let leaders = network.nodes.iter().flat_map(|(name, node)| {
        node.indications.iter().filter_map(move |(_, indication)| match indication {
            Indication::Leader { term } => Some((*term, *name)),
            _ => None,
        })
    });
    leaders.max().expect("there is a leader").1
}

/// Lets time pass until something is so.
fn until(network: &mut Network, condition: impl Fn(&Network) -> bool) {
    let end = network.now + 2_000 * MS;
    while !condition(network) {
        assert!(network.step_until(end), "it never comes");
    }
}

/// How often a frame was sent by a node, whoever was to get it, whose key begins so.
fn sent(network: &Network, node: u32, key: &str) -> usize {
    network.sent.iter().filter(|sent| sent.link.0 == node && sent.key.starts_with(key)).count()
}

#[test]
fn p1a_an_acceptor_adopts_the_highest_ballot_and_tells_what_it_accepted_from_the_slot_on() {
    let mut network = with(3, None);
    let (two, three) = (ballot(2, 2), ballot(2, 3));
    let values = [1, 2].map(|slot| pvalue(two.clone(), slot, command(2, slot, slot)));
    values.iter().for_each(|value| drop(answers(&mut network, (2, 1), &p2a(value))));
    let answer = p1b((three.clone(), three.clone()), 0, &values[1..]);
    assert_eq!(answers(&mut network, (3, 1), &p1a(three.clone(), 2)), [(3, answer)]);
    let refusal = p1b((two.clone(), three), 0, &values);
    assert_eq!(answers(&mut network, (2, 1), &p1a(two, 1)), [(2, refusal)]);
}

#[test]
fn p2a_an_acceptor_accepts_what_is_not_below_its_ballot_and_keeps_the_highest_of_each_slot() {
    let mut network = with(3, None);
    let (one, two) = (ballot(1, 2), ballot(2, 3));
    let accept = |network: &mut Network, of: &Value, m| {
        let answers = answers(network, (2, 1), &p2a(&pvalue(of.clone(), 1, command(2, 0, m))));
        answers[0].1["ballot_num"].clone()
    };
    assert_eq!(accept(&mut network, &one, 10), one);
    assert_eq!(accept(&mut network, &two, 20), two);
    assert_eq!(accept(&mut network, &one, 11), two);
    let answer = answers(&mut network, (2, 1), &p1a(ballot(3, 2), 1));
    assert_eq!(answer[0].1["accepted"], json!([pvalue(two, 1, command(2, 0, 20))]));
}

#[test]
fn an_acceptor_keeps_ballot_and_pvalues_when_it_crashes() {
    let mut network = with(3, None);
    let value = pvalue(ballot(1, 2), 1, command(2, 0, 10));
    answers(&mut network, (2, 1), &p2a(&value));
    answers(&mut network, (3, 1), &p1a(ballot(2, 3), 1));
    network.kill_and_lose(1);
    network.restart(1);
    let answer = p1b((ballot(1, 2), ballot(2, 3)), 0, &[value]);
    assert_eq!(answers(&mut network, (2, 1), &p1a(ballot(1, 2), 1)), [(2, answer)]);
}

#[test]
fn a_scout_is_adopted_by_a_majority_and_proposes_of_each_slot_what_has_the_highest_ballot() {
    let mut network = scouting(5);
    let mine = (ballot(1, 1), ballot(1, 1));
    let low = pvalue(ballot(0, 2), 1, command(2, 0, 20));
    let high = pvalue(ballot(0, 3), 1, command(3, 0, 30));
    assert_eq!(answers(&mut network, (2, 1), &p1b(mine.clone(), 0, &[high])), []);
    assert_eq!(answers(&mut network, (2, 1), &p1b(mine.clone(), 0, &[])), []);
    let proposed = answers(&mut network, (4, 1), &p1b(mine.clone(), 0, &[low]));
    let expected = p2a(&pvalue(mine.0, 1, command(3, 0, 30)));
    assert!(proposed.contains(&(2, expected)), "{proposed:?}");
    assert_eq!(leader(&network), 1);
}

#[test]
fn a_scout_fills_a_hole_with_a_no_op() {
    let mut network = scouting(3);
    let mine = (ballot(1, 1), ballot(1, 1));
    let third = pvalue(ballot(0, 2), 3, command(2, 0, 20));
    let proposed = answers(&mut network, (2, 1), &p1b(mine.clone(), 0, &[third]));
    for (slot, what) in [(1, Value::Null), (2, Value::Null), (3, command(2, 0, 20))] {
        assert!(proposed.contains(&(3, p2a(&pvalue(mine.0.clone(), slot, what)))), "{slot}: {proposed:?}");
    }
}

#[test]
fn a_scout_catches_up_before_it_counts_an_acceptor_that_has_forgotten_what_it_accepted() {
    let mut network = scouting(3);
    let mine = (ballot(1, 1), ballot(1, 1));
    let answer = answers(&mut network, (2, 1), &p1b(mine.clone(), 2, &[]));
    assert_eq!(answer, [(2, json!({"type": "catch_up", "slot": 1}))]);
    network.forge((2, 1), &decision(1, command(2, 0, 20)).to_string());
    assert!(!answers(&mut network, (2, 1), &p1b(mine, 2, &[])).is_empty());
    assert_eq!((leader(&network), log(&network, 1)), (1, vec![20]));
}

#[test]
fn a_leader_that_is_preempted_is_passive_and_goes_on_above_the_ballot_that_it_is_told() {
    let mut network = scouting(3);
    answers(&mut network, (2, 1), &p1b((ballot(1, 1), ballot(6, 2)), 0, &[]));
    answers(&mut network, (2, 1), &p1b((ballot(1, 1), ballot(1, 1)), 0, &[]));
    assert_eq!(sent(&network, 1, "alive/"), 0);
    network.run_for(400 * MS);
    assert!(network.count((1, 2), "p1a/7001") > 0);
}

#[test]
fn a_commander_decides_what_a_majority_has_accepted_in_its_ballot_and_tells_all_replicas() {
    let mut network = scouting(5);
    let mine = (ballot(1, 1), ballot(1, 1));
    (2..=3).for_each(|node| drop(answers(&mut network, (node, 1), &p1b(mine.clone(), 0, &[]))));
    network.broadcast(1, 7);
    let accepted = p2b(mine.0.clone(), 1, mine.1.clone());
    assert_eq!(answers(&mut network, (2, 1), &accepted), []);
    assert_eq!(answers(&mut network, (2, 1), &accepted), []);
    assert_eq!(answers(&mut network, (3, 1), &p2b(ballot(0, 1), 1, ballot(0, 1))), []);
    let told = (2..=5).map(|node| (node, decision(1, command(1, 0, 7)))).collect::<Vec<_>>();
    assert_eq!(answers(&mut network, (3, 1), &accepted), told);
    assert_eq!((log(&network, 1), network.nodes[&1].done.as_slice()), (vec![7], &[7][..]));
}

#[test]
fn a_replica_performs_decisions_slot_by_slot_and_a_command_in_two_slots_once() {
    let mut network = with(3, None);
    let decisions = [(2, command(2, 0, 20)), (4, command(3, 0, 30)), (3, command(2, 0, 20)), (1, Value::Null)];
    let performed = decisions.map(|(slot, what)| {
        network.forge((2, 1), &decision(slot, what).to_string());
        log(&network, 1)
    });
    assert_eq!(performed, [vec![], vec![], vec![], vec![20, 30]]);
}

#[test]
fn a_request_is_on_disk_before_it_is_taken_and_is_proposed_after_a_crash() {
    let (mut network, leader, others) = led(3, None);
    network.cut(&between(&[others[0]], &[leader]));
    network.broadcast(others[0], 7);
    network.kill_and_lose(others[0]);
    network.run_for(MS);
    storm::settle(&mut network, 1_000 * MS);
    assert_eq!((1..=3).map(|node| log(&network, node)).collect::<Vec<_>>(), [[7]; 3]);
}

#[test]
fn a_request_is_passed_on_until_it_is_delivered_and_has_one_slot() {
    let (mut network, leader, others) = led(3, None);
    network.doubled.extend(between(&[leader], &others));
    network.cut(&between(&[leader], &others).into_iter().filter(|link| link.0 == leader).collect::<Vec<_>>());
    network.broadcast(others[0], 7);
    network.run_for(140 * MS);
    assert!(network.count((others[0], leader), "request/7") > 1);
    storm::settle(&mut network, 1_000 * MS);
    let slots: std::collections::BTreeSet<_> =
        network.sent.iter().filter(|sent| sent.key.starts_with("decision/")).map(|sent| &sent.key).collect();
    assert_eq!((slots.len(), log(&network, others[1])), (1, vec![7]));
}

// Leaders.

#[test]
fn a_leader_that_is_heard_stays() {
    let (mut network, first, _) = led(5, None);
    (1..=200).for_each(|message| {
        network.broadcast(1 + (message % 5) as u32, message);
        network.run_for(20 * MS);
    });
    proper(&network).unwrap();
    assert_eq!((leader(&network), (1..=5).map(|node| sent(&network, node, "p1a/")).sum::<usize>()), (first, 4));
}

#[test]
fn a_leader_that_is_silent_is_succeeded_and_follows_when_it_is_back() {
    let (mut network, first, others) = led(3, None);
    network.cut(&between(&[first], &others));
    network.broadcast(first, 1);
    network.broadcast(others[0], 2);
    network.run_for(1_000 * MS);
    assert_eq!((log(&network, first), log(&network, others[0])), (vec![], vec![2]));
    storm::settle(&mut network, 1_000 * MS);
    let second = leader(&network);
    let last = network.nodes[&first].indications.iter().rev().find_map(|(_, indication)| match indication {
        Indication::Follows { leader, .. } => Some(leader.0),
        _ => None,
    });
    assert_eq!((second != first, last, log(&network, first)), (true, Some(second), vec![2, 1]));
}

#[test]
fn a_ballot_is_never_used_in_two_lives() {
    let (network, bugged) = (reelected(None), reelected(Some(Bug::BallotReused)));
    storm::one_leader_a_term(&network).unwrap();
    assert!(storm::one_leader_a_term(&bugged).is_err());
}

/// All crash, and the leader is the first to be back.
fn reelected(bug: Option<Bug>) -> Network {
    let (mut network, first, others) = led(3, bug);
    (1..=3).for_each(|node| network.kill(node));
    network.restart(first);
    network.run_for(320 * MS);
    network.restart(others[0]);
    network.run_for(120 * MS);
    assert_eq!(leader(&network), first);
    network
}

// Catching up, and what is kept.

#[test]
fn a_replica_that_missed_decisions_gets_them() {
    let (mut network, leader, others) = led(3, None);
    network.cut(&between(&[others[0]], &[leader, others[1]]));
    for message in 1..=20 {
        network.broadcast(leader, message);
        network.run_for(5 * MS);
    }
    assert!(log(&network, others[0]).is_empty());
    storm::settle(&mut network, 1_000 * MS);
    assert_eq!(log(&network, others[0]), (1..=20).collect::<Vec<u64>>());
}

#[test]
fn a_replica_that_missed_too_much_gets_a_snapshot_and_files_stay_small() {
    let (mut network, leader, others) = led(3, None);
    network.cut(&between(&[others[0]], &[leader, others[1]]));
    for message in 1..=500 {
        network.broadcast(leader, message);
        network.run_for(5 * MS);
    }
    storm::settle(&mut network, 1_000 * MS);
    proper(&network).unwrap();
    let installed = |(_, indication): &(u64, Indication)| matches!(indication, Indication::Installed { .. });
    assert!(network.nodes[&others[0]].indications.iter().any(installed));
    for (name, node) in &network.nodes {
        assert!(node.disk.len() < 150, "n{name} keeps {} records", node.disk.len());
    }
}

#[test]
fn after_all_have_crashed_the_log_goes_on_from_the_snapshots() {
    let (mut network, leader, _) = led(3, None);
    for message in 1..=50 {
        network.broadcast(leader, message);
        network.run_for(5 * MS);
    }
    (1..=3).for_each(|node| network.kill_and_lose(node));
    network.nodes.values_mut().for_each(|node| node.log.clear());
    storm::settle(&mut network, 1_000 * MS);
    network.broadcast(leader, 51);
    network.run_for(1_000 * MS);
    assert!((1..=3).all(|node| log(&network, node).ends_with(&[49, 50, 51])));
}

// As no other algorithm here would.

#[test]
fn a_later_slot_is_chosen_before_an_earlier_one_which_becomes_a_no_op_under_the_next_leader() {
    let (network, first, others) = holed(None);
    let second = leader(&network);
    assert!(second != first);
    let no_op = network.sent.iter().find(|sent| {
        let body: Value = serde_json::from_str(&sent.body).unwrap();
        sent.link.0 == second && body["type"] == "p2a" && body["pvalue"]["command"] == Value::Null
    });
    assert!(no_op.is_some_and(|sent| sent.key.ends_with("/1")));
    assert_eq!(log(&network, others[0]), [3, 1, 2]);
}

/// The leader proposes 1 for slot 1, which reaches nobody, and 2 for slot 2, which reaches one; then it crashes. Another node is
/// asked for 3, and in the end the first leader is back.
fn holed(bug: Option<Bug>) -> (Network, u32, Vec<u32>) {
    let (mut network, first, others) = led(3, bug);
    network.cut(&between(&[first], &others));
    network.broadcast(first, 1);
    network.mend(&[(first, others[0])]);
    let before = sent(&network, others[0], "p2b/");
    network.broadcast(first, 2);
    until(&mut network, |network| sent(network, others[0], "p2b/") > before);
    network.kill(first);
    network.heal();
    network.broadcast(others[1], 3);
    network.run_for(1_000 * MS);
    storm::settle(&mut network, 2_000 * MS);
    (network, first, others)
}

// Planted bugs, each by a schedule on which the algorithm itself is right.

#[test]
fn hole_not_filled_nothing_after_it_is_ever_delivered() {
    let (right, _, others) = holed(None);
    let (wrong, ..) = holed(Some(Bug::HoleNotFilled));
    assert_eq!((log(&right, others[0]), log(&wrong, others[0])), (vec![3, 1, 2], vec![]));
}

#[test]
fn hole_skipped_a_replica_that_misses_a_decision_delivers_the_next_ones_in_its_place() {
    let run = |bug| {
        let (mut network, leader, others) = led(3, bug);
        network.broadcast(others[1], 1);
        until(&mut network, |network| sent(network, leader, "p2a/") > 0);
        network.cut(&[(leader, others[0])]);
        until(&mut network, |network| !log(network, leader).is_empty());
        network.mend(&[(leader, others[0])]);
        (2..=4).for_each(|message| network.broadcast(leader, message));
        network.run_for(1_000 * MS);
        (log(&network, leader), log(&network, others[0]))
    };
    assert_eq!(run(None), (vec![1, 2, 3, 4], vec![1, 2, 3, 4]));
    assert_eq!(run(Some(Bug::HoleSkipped)), (vec![1, 2, 3, 4], vec![2, 3, 4]));
}

#[test]
fn scout_ignores_accepted_what_only_the_old_leader_knows_to_be_decided_is_replaced() {
    let run = |bug| {
        let (mut network, first, others) = led(3, bug);
        network.broadcast(first, 1);
        network.cut(&[(first, others[0]), (first, others[1])]);
        until(&mut network, |network| !log(network, first).is_empty());
        network.cut(&between(&[first], &others));
        network.broadcast(others[0], 2);
        network.run_for(1_000 * MS);
        (log(&network, first), log(&network, others[0]))
    };
    assert_eq!(run(None), (vec![1], vec![1, 2]));
    assert_eq!(run(Some(Bug::ScoutIgnoresAccepted)), (vec![1], vec![2]));
}

#[test]
fn commander_counts_itself_twice_a_leader_that_is_cut_off_decides_alone() {
    let run = |bug| {
        let (mut network, first, others) = led(3, bug);
        network.cut(&between(&[first], &others));
        network.broadcast(first, 1);
        network.broadcast(others[0], 2);
        network.run_for(1_000 * MS);
        (log(&network, first), log(&network, others[0]))
    };
    assert_eq!(run(None), (vec![], vec![2]));
    assert_eq!(run(Some(Bug::CommanderCountsTwice)), (vec![1], vec![2]));
}

#[test]
fn retry_renumbered_a_request_that_was_lost_at_first_is_delivered_twice() {
    let run = |bug| {
        let (mut network, leader, others) = led(3, bug);
        network.cut(&[(others[0], leader)]);
        network.broadcast(others[0], 7);
        network.run_for(110 * MS);
        network.heal();
        network.run_for(500 * MS);
        log(&network, leader)
    };
    assert_eq!(run(None), [7]);
    assert!(run(Some(Bug::RetryRenumbered)).len() > 1);
}
