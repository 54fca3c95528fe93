//! Paxos does what Lamport's "Paxos Made Simple" says in section 2, rule by rule.

mod network;
mod storm;

use network::{MS, Network, Node, State};
use serde_json::{Value, json};
use storm::{Storm, between};
use temblor_node::bugs::Bug;
use temblor_node::consensus::paxos::Paxos;

fn paxos(nodes: u32) -> Network {
    with(nodes, None)
}

fn with(nodes: u32, bug: Option<Bug>) -> Network {
    Network::of(|| vec![Box::new(Paxos::default())], nodes, bug)
}

/// What each node has decided.
fn decisions(network: &Network) -> Vec<Option<u64>> {
    network.nodes.values().map(|node| node.log.get(&1).copied()).collect()
}

const STORM: Storm = Storm { events: 60, broadcasts: 12, loss_permille: 500 };

/// A run of everything at once.
fn stormy(seed: u64, nodes: u32, bug: Option<Bug>) -> Network {
    let mut network = with(nodes, bug).seeded(seed);
    storm::storm(&mut network, STORM, 9_000 * MS);
    network
}

/// Agreement, integrity, validity and termination; and no number is used twice.
fn proper(network: &Network) -> Result<(), String> {
    let broadcast: Vec<u64> = network.nodes.values().flat_map(|node| node.broadcast.clone()).collect();
    let first = network.nodes[&1].log.get(&1).copied();
    for (name, node) in &network.nodes {
        let decided = node.log.get(&1).copied();
        if node.state != State::Up || !node.complaints.is_empty() {
            return Err(format!("n{name} is {:?} and complains {:?}", node.state, node.complaints));
        }
        if decided != first || decided.is_none() != broadcast.is_empty() || node.log.len() > 1 {
            return Err(format!("n{name} decides {:?}, n1 {first:?}, of {broadcast:?}", node.log));
        }
        if decided.is_some_and(|decided| !broadcast.contains(&decided)) {
            return Err(format!("n{name} decides {decided:?}, which nobody proposed"));
        }
        let answered = |proposed: &u64| node.done.contains(proposed) || node.refused.contains(proposed);
        if !node.broadcast.iter().all(answered) || node.done.iter().any(|done| Some(*done) != decided) {
            return Err(format!("n{name} took {:?} and answered {:?}", node.broadcast, node.done));
        }
    }
    storm::terms_rise(network)
}

#[test]
fn whatever_happens_all_decide_one_proposed_value_and_answer_every_proposal() {
    for seed in 0..SEEDS {
        let network = stormy(seed, [3, 4, 5][usize::try_from(seed % 3).unwrap()], None);
        proper(&network).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

const SEEDS: u64 = 300;

// The rules, each by messages that nobody sent.

fn ballot(round: u64, node: u32) -> Value {
    json!({"round": round, "node": format!("n{node}")})
}

fn proposal(round: u64, node: u32, m: u64) -> Value {
    json!({"ballot": ballot(round, node), "m": m})
}

fn prepare(round: u64, node: u32) -> Value {
    json!({"type": "1a", "ballot": ballot(round, node)})
}

fn accept(round: u64, node: u32, m: u64) -> Value {
    json!({"type": "2a", "proposal": proposal(round, node, m)})
}

/// What a node answers to a message: the frames of that step, each by its receiver.
fn answers(network: &mut Network, link: (u32, u32), message: &Value) -> Vec<(u32, Value)> {
    let before = network.sent.len();
    network.forge(link, &message.to_string());
    let of = network.sent[before..].iter().filter(|sent| sent.link.0 == link.1);
    of.map(|sent| (sent.link.1, serde_json::from_str(&sent.body).unwrap())).collect()
}

fn refusal(of: Value, promised: Value) -> Value {
    json!({"type": "refused", "ballot": of, "promised": promised})
}

#[test]
fn phase_1b_an_acceptor_promises_what_is_not_below_its_promise_and_tells_what_it_accepted() {
    let mut network = paxos(3);
    let promise = |round, node, accepted| json!({"type": "1b", "ballot": ballot(round, node), "accepted": accepted});
    assert_eq!(answers(&mut network, (2, 1), &prepare(2, 2)), [(2, promise(2, 2, Value::Null))]);
    assert_eq!(answers(&mut network, (2, 1), &prepare(2, 2)), [(2, promise(2, 2, Value::Null))]);
    assert_eq!(answers(&mut network, (3, 1), &prepare(1, 3)), [(3, refusal(ballot(1, 3), ballot(2, 2)))]);
    answers(&mut network, (2, 1), &accept(2, 2, 7));
    assert_eq!(answers(&mut network, (3, 1), &prepare(2, 3)), [(3, promise(2, 3, proposal(2, 2, 7)))]);
}

#[test]
fn phase_2a_the_value_is_that_of_the_highest_numbered_proposal_among_the_promises() {
    let mut network = paxos(5);
    network.broadcast(1, 1);
    let promise = |accepted| json!({"type": "1b", "ballot": ballot(1, 1), "accepted": accepted});
    assert_eq!(answers(&mut network, (2, 1), &promise(proposal(3, 2, 20))), []);
    // The same acceptor once more is no majority.
    assert_eq!(answers(&mut network, (2, 1), &promise(proposal(3, 2, 20))), []);
    let request = answers(&mut network, (3, 1), &promise(proposal(2, 4, 40)));
    assert_eq!(request[0], (2, accept(1, 1, 20)));
}

#[test]
fn phase_2a_the_value_is_the_proposers_own_if_the_promises_report_none() {
    let mut network = paxos(3);
    network.broadcast(1, 1);
    let promise = json!({"type": "1b", "ballot": ballot(1, 1), "accepted": Value::Null});
    assert_eq!(answers(&mut network, (2, 1), &promise)[0], (2, accept(1, 1, 1)));
}

#[test]
fn phase_2b_an_acceptor_accepts_unless_it_has_promised_more_and_tells_all_learners() {
    let mut network = paxos(3);
    answers(&mut network, (2, 1), &prepare(2, 2));
    assert_eq!(answers(&mut network, (3, 1), &accept(1, 3, 30)), [(3, refusal(ballot(1, 3), ballot(2, 2)))]);
    let accepted = json!({"type": "2b", "proposal": proposal(2, 3, 30)});
    assert_eq!(answers(&mut network, (3, 1), &accept(2, 3, 30)), [(2, accepted.clone()), (3, accepted)]);
    // An accept request is a promise too.
    assert_eq!(answers(&mut network, (2, 1), &prepare(2, 2)), [(2, refusal(ballot(2, 2), ballot(2, 3)))]);
}

#[test]
fn an_acceptor_keeps_promise_and_proposal_when_it_crashes() {
    let mut network = paxos(3);
    answers(&mut network, (2, 1), &accept(2, 2, 20));
    answers(&mut network, (3, 1), &prepare(3, 3));
    network.kill_and_lose(1);
    network.restart(1);
    assert_eq!(answers(&mut network, (2, 1), &accept(2, 2, 20)), [(2, refusal(ballot(2, 2), ballot(3, 3)))]);
    let promise = json!({"type": "1b", "ballot": ballot(4, 3), "accepted": proposal(2, 2, 20)});
    assert_eq!(answers(&mut network, (3, 1), &prepare(4, 3)), [(3, promise)]);
}

#[test]
fn a_value_is_chosen_once_a_majority_has_accepted_one_proposal_with_it() {
    let mut network = paxos(5);
    let accepted = |round, node, m| json!({"type": "2b", "proposal": proposal(round, node, m)});
    for (from, what) in [(2, accepted(1, 2, 7)), (3, accepted(1, 2, 7)), (3, accepted(1, 2, 7)), (4, accepted(2, 4, 7))]
    {
        answers(&mut network, (from, 1), &what);
        assert_eq!(decisions(&network)[0], None);
    }
    answers(&mut network, (5, 1), &accepted(1, 2, 7));
    assert_eq!(decisions(&network)[0], Some(7));
}

#[test]
fn a_number_is_never_used_in_two_lives() {
    let mut network = paxos(3);
    network.cut(&between(&[1], &[2, 3]));
    network.broadcast(1, 1);
    network.kill_and_lose(1);
    network.restart(1);
    let numbers = |network: &Network| {
        let keys = network.sent.iter().filter(|sent| sent.link == (1, 2) && sent.key.starts_with("1a/"));
        keys.map(|sent| sent.key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&network), ["1a/1001", "1a/2001"]);
}

#[test]
fn who_is_not_answered_asks_again_under_the_same_number_and_stores_nothing_more() {
    let mut network = paxos(3);
    network.cut(&between(&[1], &[2, 3]));
    network.broadcast(1, 1);
    let stored = network.nodes[&1].disk.len();
    network.run_for(2_000 * MS);
    assert!((20..=40).contains(&network.count((1, 2), "1a/1001")));
    assert_eq!(network.nodes[&1].disk.len(), stored);
}

#[test]
fn a_proposer_that_is_refused_goes_on_above_the_number_that_it_is_told() {
    let mut network = paxos(3);
    network.cut(&between(&[1, 2, 3], &[1, 2, 3]));
    network.broadcast(1, 1);
    answers(&mut network, (2, 1), &refusal(ballot(1, 1), ballot(7, 2)));
    network.run_for(100 * MS);
    assert!(network.count((1, 2), "1a/8001") > 0);
}

// Liveness.

#[test]
fn without_faults_a_proposal_takes_two_round_trips_and_everybody_learns() {
    let mut network = paxos(3);
    network.broadcast(2, 7);
    network.run_for(40 * MS);
    assert_eq!(decisions(&network), [Some(7); 3]);
    assert_eq!(network.nodes[&2].done, [7]);
    for key in ["1a/1002", "2a/1002"] {
        assert_eq!(network.count((2, 1), key), 1);
    }
}

#[test]
fn proposals_of_all_nodes_at_once_end_in_one_decision_that_answers_them_all() {
    let mut network = paxos(5);
    (1..=5).for_each(|node| network.broadcast(node, u64::from(node)));
    network.run_for(2_000 * MS);
    proper(&network).unwrap();
    // As no other algorithm here would: a proposal whose value was not chosen is answered, and never delivered.
    let answered = |of: fn(&Node) -> usize| network.nodes.values().map(of).sum::<usize>();
    assert_eq!((answered(|node| node.done.len()), answered(|node| node.refused.len())), (1, 4));
    assert!(decisions(&network)[0].is_some());
}

#[test]
fn a_proposal_after_the_decision_is_answered_at_once_and_changes_nothing() {
    let mut network = paxos(3);
    network.broadcast(1, 1);
    network.run_for(100 * MS);
    network.broadcast(3, 3);
    assert_eq!((network.nodes[&3].refused.as_slice(), decisions(&network)), (&[3][..], vec![Some(1); 3]));
}

#[test]
fn who_was_away_learns_and_then_nobody_says_anything_any_more() {
    let mut network = paxos(3);
    network.kill(3);
    network.broadcast(1, 1);
    network.run_for(5_000 * MS);
    network.restart(3);
    network.run_for(2_000 * MS);
    assert_eq!(decisions(&network), [Some(1); 3]);
    let sent = network.sent.len();
    network.run_for(5_000 * MS);
    assert_eq!(network.sent.len(), sent);
}

#[test]
fn whoever_comes_back_tells_its_decision_at_the_same_position_again() {
    let mut network = paxos(3);
    network.broadcast(1, 1);
    network.run_for(100 * MS);
    (1..=3).for_each(|node| network.kill_and_lose(node));
    network.nodes.values_mut().for_each(|node| node.log.clear());
    storm::settle(&mut network, 10 * MS);
    assert_eq!(decisions(&network), [Some(1); 3]);
}

#[test]
fn a_proposer_goes_on_after_a_crash() {
    let mut network = paxos(3);
    network.cut(&between(&[1], &[2, 3]));
    network.broadcast(1, 1);
    network.kill_and_lose(1);
    storm::settle(&mut network, 500 * MS);
    assert_eq!(decisions(&network), [Some(1); 3]);
}

/// Five nodes, of which n1 alone knows that 1 is chosen; n2 and n3 have accepted it. Now n1 is cut off, and no other link is.
fn known_to_one(bug: Option<Bug>) -> Network {
    let mut network = with(5, bug);
    network.cut(&between(&[2], &[3]));
    network.cut(&between(&[4, 5], &[1, 2, 3, 4, 5]));
    network.broadcast(1, 1);
    isolated_after(&mut network, 1, "2a/1001");
    network
}

/// Once the node has sent this, nothing more leaves it; and once it has decided, nothing reaches it, and all others are linked.
fn isolated_after(network: &mut Network, node: u32, key: &str) {
    let others: Vec<u32> = network.nodes.keys().copied().filter(|other| *other != node).collect();
    until(network, |network| others.iter().any(|other| network.count((node, *other), key) > 0));
    others.iter().for_each(|other| network.cut(&[(node, *other)]));
    until(network, |network| network.nodes[&node].log.contains_key(&1));
    network.heal();
    network.cut(&between(&[node], &others));
}

/// Lets time pass until something is so.
fn until(network: &mut Network, condition: impl Fn(&Network) -> bool) {
    let end = network.now + 2_000 * MS;
    while !condition(network) {
        assert!(network.step_until(end), "it never comes");
    }
}

/// What the others decide where n1 knows that 1 is chosen, and is cut off for good.
fn decided_by_others(mut network: Network) -> Vec<Option<u64>> {
    network.run_for(2_000 * MS);
    assert_eq!(decisions(&network)[0], Some(1));
    decisions(&network)[1..].to_vec()
}

#[test]
fn what_one_node_knows_to_be_chosen_the_others_decide_too_though_it_never_speaks_again() {
    assert_eq!(decided_by_others(known_to_one(None)), [Some(1); 4]);
}

// Planted bugs, each by a schedule on which the algorithm itself is right.

#[test]
fn ignores_accepted_another_value_is_decided_by_those_who_do_not_know() {
    let run = |bug| {
        let mut network = known_to_one(bug);
        network.broadcast(4, 4);
        decided_by_others(network)
    };
    assert_eq!((run(None), run(Some(Bug::IgnoresAccepted))), (vec![Some(1); 4], vec![Some(4); 4]));
}

#[test]
fn takes_lowest_accepted_an_older_proposal_beats_the_chosen_one() {
    let run = |bug| {
        // n5 alone has accepted its proposal, and is cut off.
        let mut network = with(5, bug);
        network.cut(&between(&[5], &[1, 2]));
        network.broadcast(5, 5);
        until(&mut network, |network| network.count((3, 5), "1b/1005") * network.count((4, 5), "1b/1005") > 0);
        network.cut(&[(5, 3), (5, 4)]);
        until(&mut network, |network| accepted(network, 5));
        network.kill(5);
        // n1's proposal is chosen in a later ballot, which n1 alone knows.
        network.cut(&between(&[4, 5], &[1, 2, 3, 4, 5]));
        network.cut(&between(&[2], &[3]));
        network.broadcast(1, 1);
        isolated_after(&mut network, 1, "2a/2001");
        // n5's answer counts, since n2 is away.
        network.kill(2);
        network.restart(5);
        network.run_for(1_000 * MS);
        network.restart(2);
        decided_by_others(network)
    };
    assert_eq!((run(None), run(Some(Bug::TakesLowestAccepted))), (vec![Some(1); 4], vec![Some(5); 4]));
}

/// n1 has the promises of n2 and n3, and is cut off before it asks them to accept. In a higher ballot n5 has its value chosen by
/// n3 and n4, and alone knows it. Now n5 is cut off for good, `then` something happens to n3, and n1 reaches n2 and n3 again.
fn late_request(bug: Option<Bug>, then: impl Fn(&mut Network)) -> Vec<Option<u64>> {
    let mut network = with(5, bug);
    network.cut(&between(&[4, 5], &[1, 2, 3]));
    network.broadcast(1, 1);
    until(&mut network, |network| network.count((3, 1), "1b/1001") * network.count((2, 1), "1b/1001") > 0);
    network.cut(&between(&[1, 2], &[1, 2, 3, 4, 5]));
    network.mend(&between(&[5], &[3, 4]));
    network.cut(&between(&[3], &[4]));
    network.broadcast(5, 5);
    isolated_after(&mut network, 5, "2a/1005");
    network.cut(&between(&[4], &[1, 2, 3]));
    then(&mut network);
    network.run_for(110 * MS);
    network.mend(&between(&[4], &[1, 2, 3]));
    network.run_for(2_000 * MS);
    decisions(&network)
}

#[test]
fn accepts_below_promise_a_late_request_undoes_what_is_chosen() {
    let run = |bug| late_request(bug, |_| {});
    assert_eq!(run(None), [Some(5); 5]);
    assert_eq!(run(Some(Bug::AcceptsBelowPromise)), [Some(1), Some(1), Some(1), Some(1), Some(5)]);
}

#[test]
fn promise_not_persisted_a_late_request_undoes_what_is_chosen_once_an_acceptor_was_restarted() {
    let crash = |network: &mut Network| {
        network.kill(3);
        network.restart(3);
    };
    let bug = Some(Bug::PromiseNotPersisted);
    assert_eq!((late_request(None, crash), late_request(bug, |_| {})), (vec![Some(5); 5], vec![Some(5); 5]));
    assert_eq!(late_request(bug, crash), [Some(1), Some(1), Some(1), Some(1), Some(5)]);
}

#[test]
fn accepted_before_synced_what_is_chosen_is_lost_with_its_acceptors() {
    let run = |bug| {
        let mut network = known_to_one(bug);
        for node in [2, 3] {
            network.kill_and_lose(node);
            network.restart(node);
        }
        network.broadcast(4, 4);
        decided_by_others(network)
    };
    assert_eq!((run(None), run(Some(Bug::AcceptedBeforeSynced))), (vec![Some(1); 4], vec![Some(4); 4]));
}

#[test]
fn counts_copies_one_acceptor_that_repeats_itself_is_no_majority() {
    let run = |bug| {
        let mut network = with(5, bug);
        network.broadcast(1, 1);
        until(&mut network, |network| network.count((1, 2), "2a/1001") > 0);
        // What is on its way to n3, n4 and n5 is lost with them.
        (3..=5).for_each(|node| network.kill(node));
        network.cut(&between(&[1, 2], &[3, 4, 5]));
        network.run_for(MS);
        (3..=5).for_each(|node| network.restart(node));
        network.broadcast(4, 4);
        network.run_for(1_000 * MS);
        network.heal();
        network.run_for(1_000 * MS);
        decisions(&network)
    };
    assert_eq!(run(None), [Some(4); 5]);
    assert_eq!(run(Some(Bug::CountsCopies)), [Some(1), Some(1), Some(4), Some(4), Some(4)]);
}

#[test]
fn mixes_ballots_a_majority_in_two_ballots_is_none() {
    let run = |bug| {
        let mut network = with(3, bug);
        let accepted = |round, node, m| json!({"type": "2b", "proposal": proposal(round, node, m)});
        // n1 accepted 1 in ballot 1; its request came too late everywhere, and its report did not.
        network.cut(&between(&[1, 2, 3], &[1, 2, 3]));
        network.forge((1, 1), &accept(1, 1, 1).to_string());
        network.forge((1, 3), &prepare(1, 2).to_string());
        network.forge((2, 2), &accept(1, 2, 2).to_string());
        network.forge((1, 3), &accepted(1, 1, 1).to_string());
        // n3 accepts it in a later ballot, and nobody else does.
        network.forge((3, 3), &accept(2, 3, 1).to_string());
        // In a ballot above, n1 and n2 are asked before n3 is heard again.
        network.mend(&between(&[1], &[2]));
        network.run_for(1_000 * MS);
        network.heal();
        network.run_for(1_000 * MS);
        decisions(&network)
    };
    assert_eq!((run(None), run(Some(Bug::MixesBallots))), (vec![Some(2); 3], vec![Some(2), Some(2), Some(1)]));
}

/// Whether a node has accepted something, by its disk.
fn accepted(network: &Network, node: u32) -> bool {
    network.nodes[&node].disk.iter().any(|(_, record)| record.starts_with(b"{\"type\":\"accepted\""))
}
