//! Each bug that is planted in Raft or in the election shows in a schedule made for it, and the same schedule without it shows
//! nothing.

mod network;

use network::replicas::{between, elect, links, missing, put_forward, stand_alone, unsafe_in};
use network::{MS, Network};
use temblor_node::bugs::Bug;
use temblor_node::consensus::election::Election;
use temblor_node::consensus::raft::{Elections, Raft};
use temblor_node::layer::Layer;

fn raft(nodes: u32, bug: Option<Bug>) -> Network {
    Network::of(|| vec![Box::new(Raft::new(Elections::AtOnce)) as Box<dyn Layer>], nodes, bug)
}

/// The schedule shows what it should with the bug, and nothing without.
fn shows(bug: Bug, what: &str, schedule: impl Fn(Option<Bug>) -> Vec<String>) {
    assert_eq!(schedule(None), Vec::<String>::new());
    let wrong = schedule(Some(bug));
    assert!(wrong.iter().any(|line| line.contains(what)), "{wrong:?}");
}

/// n1 votes for n2, and is then asked by n3; between the two it may crash.
fn asked_twice(mut network: Network, crash: bool, request: &str) -> Vec<String> {
    network.forge((2, 1), request);
    if crash {
        network.kill_and_lose(1);
        network.restart(1);
    }
    network.forge((3, 1), request);
    unsafe_in(&network)
}

const REQUEST_VOTE: &str = r#"{"type":"request_vote","term":5,"last_index":0,"last_term":0}"#;

#[test]
fn who_votes_twice_in_a_term_is_caught() {
    let schedule = |bug| asked_twice(raft(3, bug), false, REQUEST_VOTE);
    shows(Bug::VotesTwice, "one-vote-per-term", schedule);
}

#[test]
fn who_forgets_its_vote_in_a_crash_is_caught() {
    let schedule = |bug| asked_twice(raft(3, bug), true, REQUEST_VOTE);
    shows(Bug::ForgetsVote, "one-vote-per-term", schedule);
}

#[test]
fn an_election_whose_nodes_vote_twice_or_forget_in_a_crash_is_caught() {
    let election = |bug| Network::of(|| vec![Box::new(Election::default()) as Box<dyn Layer>], 3, bug);
    let request = r#"{"type":"request_vote","term":5}"#;
    shows(Bug::ElectsTwice, "one-vote-per-term", |bug| asked_twice(election(bug), false, request));
    shows(Bug::ElectionForgets, "one-vote-per-term", |bug| asked_twice(election(bug), true, request));
}

#[test]
fn an_entry_that_was_acknowledged_before_it_was_synced_is_lost_in_a_crash() {
    shows(Bug::AcknowledgesUnsynced, "total-order", |bug| {
        let mut network = raft(3, bug);
        elect(&mut network, 1);
        network.cut(&between(&[3], &[1, 2]));
        network.broadcast(1, 100);
        network.cut(&[(1, 2)]);
        network.run_for(20 * MS);
        assert_eq!(network.nodes[&1].done, [100]);
        network.kill_and_lose(1);
        network.kill_and_lose(2);
        network.restart(2);
        network.heal();
        network.run_for(1_000 * MS);
        network.broadcast(2, 200);
        network.run_for(1_000 * MS);
        unsafe_in(&network)
    });
}

#[test]
fn a_leader_whose_log_is_behind_replaces_what_is_committed() {
    shows(Bug::ElectsAnyLog, "total-order", |bug| {
        let mut network = raft(3, bug);
        elect(&mut network, 1);
        network.cut(&between(&[3], &[1, 2]));
        network.broadcast(1, 100);
        network.run_for(20 * MS);
        network.kill(1);
        network.heal();
        put_forward(&mut network, 3);
        network.run_for(10 * MS);
        network.broadcast(3, 200);
        network.run_for(2_000 * MS);
        unsafe_in(&network)
    });
}

/// Figure 8: (a) n1 leads and has entry 2 on n2 alone; (b) n5 leads, and nobody gets its entry 2; (c) n1 leads again and brings
/// its old entry 2 to n3, a majority, but not the entry of its own term; (d) n5 leads again, and replaces entry 2 everywhere.
///
/// Without the no-op of n1's first term, which the bug leaves out, that entry is the first.
fn figure_8(network: &mut Network, old: u64) {
    let all = [1, 2, 3, 4, 5];
    elect(network, 1);
    network.run_for(100 * MS);
    network.cut(&links(&[1], &[3, 4, 5]));
    network.broadcast(1, 100);
    network.run_for(10 * MS);
    network.kill(1);
    network.cut.clear();

    stand_alone(network, 5);
    network.cut(&links(&[5], &all));
    [2, 3, 4].iter().for_each(|at| network.resume(*at));
    network.run_for(5 * MS);
    network.broadcast(5, 150);
    network.kill(5);
    network.cut.clear();

    network.restart(1);
    put_forward(network, 1);
    network.cut(&links(&[1], &[4]));
    network.sent.clear();
    let index = format!("/{old}");
    let has_old =
        |sent: &network::Sent| sent.link == (3, 1) && sent.key.starts_with("appended/") && sent.key.ends_with(&index);
    let end = network.now + 5_000 * MS;
    while !network.sent.iter().any(has_old) {
        assert!(network.step_until(end), "n3 never had the old entry");
    }
    network.cut(&links(&[1], &all));
    network.run_for(5 * MS);
    network.kill(1);
    network.cut.clear();

    network.restart(5);
    elect(network, 5);
    network.broadcast(5, 200);
    network.run_for(1_000 * MS);
}

#[test]
fn an_entry_of_an_earlier_term_that_is_committed_by_counting_is_replaced() {
    shows(Bug::CountsEarlierTerms, "total-order", |bug| {
        let mut network = raft(5, bug);
        figure_8(&mut network, if bug.is_some() { 1 } else { 2 });
        assert_eq!(network.nodes[&5].log.values().copied().collect::<Vec<_>>(), [150, 200]);
        unsafe_in(&network)
    });
}

/// n1 leads alone, has commands that nobody else gets, and n2 leads the others meanwhile.
fn deposed(network: &mut Network) {
    elect(network, 1);
    network.cut(&between(&[1], &[2, 3]));
    (100..103).for_each(|message| network.broadcast(1, message));
    put_forward(network, 2);
    network.run_for(10 * MS);
    network.broadcast(2, 200);
    network.run_for(500 * MS);
}

#[test]
fn a_suffix_that_contradicts_the_leader_and_stays_is_delivered() {
    shows(Bug::KeepsConflict, "log-matching", |bug| {
        let mut network = raft(3, bug);
        deposed(&mut network);
        network.heal();
        network.run_for(100 * MS);
        unsafe_in(&network)
    });
}

#[test]
fn a_commit_index_beyond_the_last_entry_sent_delivers_what_nobody_else_has() {
    shows(Bug::CommitsUnsent, "total-order", |bug| {
        let mut network = raft(3, bug);
        deposed(&mut network);
        let heartbeat = network.sent.iter().rfind(|sent| sent.link == (2, 1) && sent.key.starts_with("heartbeat/"));
        let heartbeat = heartbeat.unwrap().body.clone();
        network.forge((2, 1), &heartbeat);
        unsafe_in(&network)
    });
}

#[test]
fn a_leader_that_delivers_without_the_second_round_trip_delivers_what_nobody_else_has() {
    shows(Bug::CommitsAlone, "total-order", |bug| {
        let mut network = raft(3, bug);
        deposed(&mut network);
        unsafe_in(&network)
    });
}

#[test]
fn an_old_frame_that_truncates_takes_away_what_is_committed() {
    shows(Bug::TruncatesMatching, "total-order", |bug| {
        let mut network = raft(3, bug);
        let term = elect(&mut network, 1);
        network.cut(&between(&[3], &[1, 2]));
        for message in [100, 101] {
            network.broadcast(1, message);
            network.run_for(10 * MS);
        }
        let old = network.sent.iter().find(|sent| sent.link == (1, 2) && sent.key == format!("append/{term}/2"));
        let old = old.unwrap().body.clone();
        network.forge((1, 2), &old);
        network.kill(1);
        network.heal();
        network.run_for(1_000 * MS);
        network.broadcast(2, 200);
        network.run_for(1_000 * MS);
        unsafe_in(&network)
    });
}

#[test]
fn half_of_the_nodes_are_no_quorum() {
    shows(Bug::QuorumOfHalf, "total-order", |bug| {
        let mut network = raft(3, bug);
        network.cut(&links(&[1, 2, 3], &[1, 2, 3]));
        network.run_for(500 * MS);
        [1, 2, 3].iter().for_each(|at| network.broadcast(*at, u64::from(*at)));
        unsafe_in(&network)
    });
}

#[test]
fn who_goes_on_behind_a_snapshot_without_the_numbers_delivers_nothing_more() {
    shows(Bug::SnapshotForgetsNumbers, "n2 has", |bug| {
        let mut network = raft(3, bug);
        elect(&mut network, 1);
        for message in 0..4 {
            network.broadcast(1, message);
            network.run_for(10 * MS);
        }
        network.kill(2);
        network.restart(2);
        network.broadcast(1, 100);
        network.run_for(1_000 * MS);
        [unsafe_in(&network), missing(&network)].concat()
    });
}
