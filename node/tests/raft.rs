//! Raft does what its paper says, rule by rule, and stays right whatever happens to links and nodes.

mod network;

use network::replicas::{
    between, chaos, elect, elected_after, leader, links, missing, put_forward, stand_alone, term, unsafe_in,
};
use network::{MS, Network, State};
use temblor_node::consensus::raft::{COMPACT_MAX, ELECTION_MIN_NS, Elections, HEARTBEAT_NS, Raft};
use temblor_node::id::NodeId;
use temblor_node::indication::Indication;
use temblor_node::layer::Layer;

const NOTHING: Vec<String> = Vec::new();

fn raft_of(nodes: u32, elections: Elections) -> Network {
    Network::of(move || vec![Box::new(Raft::new(elections)) as Box<dyn Layer>], nodes, None)
}

fn raft(nodes: u32) -> Network {
    raft_of(nodes, Elections::AtOnce)
}

fn log(network: &Network, at: u32) -> Vec<u64> {
    network.nodes[&at].log.values().copied().collect()
}

fn indications<'a>(network: &'a Network, at: u32, name: &str) -> Vec<&'a Indication> {
    let all = network.nodes[&at].indications.iter().map(|(_, indication)| indication);
    all.filter(|indication| indication.name() == name).collect()
}

fn commit_index(network: &Network, at: u32) -> u64 {
    match indications(network, at, "commit").last() {
        Some(Indication::Commit { index }) => *index,
        _ => 0,
    }
}

/// The body of the last frame on a link with a key that begins so.
fn last_sent(network: &Network, link: (u32, u32), key: &str) -> String {
    network.sent.iter().rfind(|sent| sent.link == link && sent.key.starts_with(key)).unwrap().body.clone()
}

// Elections (sections 5.1, 5.2, 5.4.1).

#[test]
fn who_hears_no_leader_for_an_election_time_out_stands_and_is_elected() {
    let mut network = raft(5);
    network.run_for(ELECTION_MIN_NS - MS);
    assert!(network.sent.is_empty());
    let (at, in_term) = elected_after(&mut network, 0);
    network.run_for(2 * HEARTBEAT_NS);
    for other in (1..=5).filter(|other| *other != at) {
        let follows = Indication::Follows { term: in_term, leader: NodeId(at) };
        assert_eq!(indications(&network, other, "follows"), [&follows]);
    }
}

#[test]
fn a_leader_that_is_heard_is_not_suspected() {
    let mut network = raft(3);
    let first = elected_after(&mut network, 0);
    network.run_for(10_000 * MS);
    assert_eq!(leader(&network), Some(first));
}

#[test]
fn a_node_votes_for_one_candidate_a_term_even_across_a_crash() {
    let mut network = raft(3);
    let request = r#"{"type":"request_vote","term":5,"last_index":0,"last_term":0}"#;
    network.forge((2, 1), request);
    network.kill_and_lose(1);
    network.restart(1);
    network.forge((3, 1), request);
    network.forge((2, 1), request);
    assert_eq!(last_sent(&network, (1, 3), "vote/5"), r#"{"type":"vote","term":5,"granted":false}"#);
    assert_eq!(last_sent(&network, (1, 2), "vote/5"), r#"{"type":"vote","term":5,"granted":true}"#);
}

#[test]
fn a_message_of_an_earlier_term_is_answered_with_the_later_one() {
    let mut network = raft(3);
    network.forge((2, 1), r#"{"type":"request_vote","term":5,"last_index":0,"last_term":0}"#);
    network.forge((3, 1), r#"{"type":"request_vote","term":4,"last_index":9,"last_term":3}"#);
    assert_eq!(last_sent(&network, (1, 3), "vote/"), r#"{"type":"vote","term":5,"granted":false}"#);
    let append = r#"{"type":"append_entries","term":4,"prev_index":0,"prev_term":0,"entries":[],"leader_commit":0}"#;
    network.forge((3, 1), append);
    assert_eq!(last_sent(&network, (1, 3), "rejected/"), r#"{"type":"rejected","term":5,"prev_index":0,"next":0}"#);
}

#[test]
fn a_later_term_makes_a_follower_of_a_leader() {
    let mut network = raft(3);
    let old = elect(&mut network, 1);
    let request = format!(r#"{{"type":"request_vote","term":{},"last_index":0,"last_term":0}}"#, old + 1);
    network.forge((2, 1), &request);
    let beats = network.count((1, 3), &format!("heartbeat/{old}"));
    network.run_for(2 * HEARTBEAT_NS);
    assert_eq!(network.count((1, 3), &format!("heartbeat/{old}")), beats);
    assert!(last_sent(&network, (1, 2), "vote/").contains("false"), "its log is behind");
}

/// The run that shows Raft as no other algorithm here. Who leads has every committed entry *before* it leads, since nobody
/// votes for a log that is behind; so a new leader learns no entry from anybody, and a node that is ahead in time, but
/// behind in its log, is not elected. Elsewhere any node may lead, and is given what it lacks.
#[test]
fn nobody_leads_whose_log_is_behind_and_no_entry_ever_flows_to_a_leader() {
    let mut network = raft(3);
    elect(&mut network, 1);
    network.cut(&between(&[3], &[1, 2]));
    network.broadcast(1, 100);
    network.run_for(10 * MS);
    network.kill(1);
    network.heal();
    let frames = network.sent.len();
    put_forward(&mut network, 3);
    network.run_for(1_000 * MS);
    assert_eq!(leader(&network).unwrap().0, 2);
    let carries = |key: &str| ["append/", "snapshot/"].iter().any(|step| key.starts_with(step));
    assert!(!network.sent[frames..].iter().any(|sent| sent.link.1 == 2 && carries(&sent.key)));
    assert_eq!(log(&network, 3), [100]);
}

// Log replication (section 5.3).

#[test]
fn a_broadcast_takes_the_lectures_three_round_trips() {
    let mut network = raft(3);
    let in_term = elect(&mut network, 1);
    let frames = network.sent.len();
    network.broadcast(1, 100);
    network.run_for(5 * MS);
    assert_eq!(network.count((1, 2), &format!("request-vote/{in_term}")), 1);
    assert_eq!(network.count((2, 1), &format!("vote/{in_term}")), 1);
    let keys: Vec<&str> =
        network.sent[frames..].iter().filter(|sent| sent.link.1 == 2).map(|sent| &sent.key[..]).collect();
    assert_eq!(keys, [format!("append/{in_term}/2"), format!("commit/{in_term}/2")]);
    assert_eq!(network.count((2, 1), &format!("appended/{in_term}/2")), 2);
    assert!((1..=3).all(|at| log(&network, at) == [100]));
    assert_eq!(network.nodes[&1].done, [100]);
}

#[test]
fn a_leader_that_is_cut_off_commits_nothing_and_its_clients_commands_are_delivered_after_the_others() {
    let mut network = raft(3);
    let old = elect(&mut network, 1);
    network.cut(&between(&[1], &[2, 3]));
    network.broadcast(1, 100);
    let (new, later) = elected_after(&mut network, old);
    network.broadcast(new, 200);
    network.run_for(500 * MS);
    assert_eq!((log(&network, 1), log(&network, 2), log(&network, 3)), (vec![], vec![200], vec![200]));
    assert!(later > old && network.nodes[&1].done.is_empty());
    network.heal();
    network.run_for(500 * MS);
    assert!((1..=3).all(|at| log(&network, at) == [200, 100]));
    assert_eq!(indications(&network, 1, "truncate"), [&Indication::Truncate { from: 2 }]);
    assert_eq!((unsafe_in(&network), &network.nodes[&1].done[..]), (NOTHING, &[100][..]));
}

#[test]
fn an_old_append_takes_nothing_away() {
    let mut network = raft(3);
    let in_term = elect(&mut network, 1);
    for message in [100, 101] {
        network.broadcast(1, message);
        network.run_for(10 * MS);
    }
    let old = last_sent(&network, (1, 2), &format!("append/{in_term}/2"));
    network.forge((1, 2), &old);
    assert!(indications(&network, 2, "truncate").is_empty());
    assert_eq!(
        last_sent(&network, (2, 1), "appended/"),
        format!(r#"{{"type":"appended","term":{in_term},"matched":2}}"#)
    );
}

#[test]
fn a_follower_that_is_far_behind_is_brought_up_in_few_steps() {
    let mut network = raft(3);
    elect(&mut network, 1);
    network.cut(&between(&[3], &[1, 2]));
    (0..20).for_each(|message| network.broadcast(1, message));
    network.run_for(20 * MS);
    network.kill(1);
    network.run_for(1_000 * MS);
    network.heal();
    network.restart(1);
    network.run_for(1_000 * MS);
    let rejected = network.sent.iter().filter(|sent| sent.link.0 == 3 && sent.key.starts_with("rejected/"));
    assert!(rejected.count() <= 4);
    assert_eq!((unsafe_in(&network), missing(&network)), (NOTHING, NOTHING));
}

#[test]
fn a_command_that_its_client_sends_again_is_appended_once() {
    let mut network = raft(3);
    elect(&mut network, 1);
    network.cut(&between(&[1], &[3]));
    network.cut(&[(1, 2)]);
    network.broadcast(2, 100);
    network.run_for(250 * MS);
    assert!(network.count((2, 1), "propose/100") > 2);
    assert_eq!(indications(&network, 1, "append").len(), 2);
    network.heal();
    network.run_for(1_000 * MS);
    assert!((1..=3).all(|at| log(&network, at) == [100]));
}

#[test]
fn a_request_is_taken_without_a_leader_and_outlives_a_crash() {
    let mut network = raft(3);
    network.broadcast(2, 100);
    assert_eq!(network.nodes[&2].broadcast, [100]);
    network.kill_and_lose(2);
    network.run_for(1_000 * MS);
    network.restart(2);
    network.run_for(500 * MS);
    assert!((1..=3).all(|at| log(&network, at) == [100]));
}

#[test]
fn what_is_sent_at_once_is_delivered_in_its_senders_order() {
    let mut network = raft(5);
    network.loss_permille = 300;
    elected_after(&mut network, 0);
    (0..30).for_each(|message| network.broadcast(4, message));
    network.run_for(3_000 * MS);
    network.heal();
    network.run_for(1_000 * MS);
    assert!((1..=5).all(|at| log(&network, at) == (0..30).collect::<Vec<u64>>()));
}

// The commit rule (sections 5.3, 5.4.2, 8).

#[test]
fn a_new_leader_commits_what_earlier_terms_left_with_a_no_op_of_its_own() {
    let mut network = raft(3);
    let old = elect(&mut network, 1);
    network.cut(&links(&[2, 3], &[1]));
    network.broadcast(1, 100);
    network.run_for(5 * MS);
    assert_eq!(commit_index(&network, 1), 1);
    network.kill(1);
    let (at, later) = elected_after(&mut network, old);
    network.run_for(10 * MS);
    assert_eq!((commit_index(&network, at), log(&network, at)), (3, vec![100]));
    let last = indications(&network, at, "append");
    assert!(matches!(last.last(), Some(Indication::Append { index: 3, term, .. }) if *term == later));
}

#[test]
fn a_follower_takes_nothing_as_committed_that_was_not_sent_to_it() {
    let mut network = raft(3);
    elect(&mut network, 1);
    network.cut(&between(&[1], &[2, 3]));
    network.broadcast(1, 100);
    put_forward(&mut network, 2);
    network.broadcast(2, 200);
    network.run_for(500 * MS);
    let heartbeat = last_sent(&network, (2, 1), "heartbeat/");
    assert!(heartbeat.contains(r#""prev_index":1,"#) && heartbeat.contains(r#""leader_commit":3"#), "{heartbeat}");
    network.forge((2, 1), &heartbeat);
    assert_eq!(commit_index(&network, 1), 1);
}

// Persistence, snapshots (section 7) and pre-votes (thesis, 9.6).

#[test]
fn all_crash_and_lose_what_was_not_synced_and_nothing_that_was_answered_is_lost() {
    let mut network = raft(3);
    elect(&mut network, 1);
    (0..10).for_each(|message| network.broadcast(1, message));
    network.run_for(20 * MS);
    assert_eq!(network.nodes[&1].done.len(), 10);
    (1..=3).for_each(|at| network.kill_and_lose(at));
    (1..=3).for_each(|at| network.restart(at));
    network.broadcast(2, 100);
    network.run_for(1_000 * MS);
    assert!((1..=3).all(|at| log(&network, at) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100]));
}

#[test]
fn a_node_that_comes_back_delivers_again_at_once_what_it_has_on_disk_as_committed() {
    for (lose, expected) in [(false, 1), (true, 0)] {
        let mut network = raft(3);
        elect(&mut network, 1);
        network.broadcast(1, 100);
        network.run_for(20 * MS);
        if lose {
            network.kill_and_lose(1)
        } else {
            network.kill(1)
        }
        network.nodes.get_mut(&1).unwrap().log.clear();
        network.restart(1);
        assert_eq!(log(&network, 1).len(), expected);
    }
}

/// n1 leads, n3 is down, and the log is long enough for a snapshot.
fn compacted(network: &mut Network) -> u64 {
    let in_term = elect(network, 1);
    network.kill(3);
    for message in 0..100 {
        network.broadcast(1 + (message % 2) as u32, message);
        network.run_for(2 * MS);
    }
    network.run_for(100 * MS);
    in_term
}

#[test]
fn the_log_on_disk_is_compacted_and_a_node_that_comes_back_goes_on_behind_the_snapshot() {
    let mut network = raft(3);
    compacted(&mut network);
    assert!(network.nodes[&2].disk.len() as u64 <= 3 * COMPACT_MAX);
    network.kill_and_lose(2);
    network.restart(2);
    network.run_for(1_000 * MS);
    let installed = indications(&network, 2, "installed");
    assert!(matches!(installed[..], [Indication::Installed { through: 60..=95, .. }]), "{installed:?}");
    network.broadcast(2, 1_000);
    network.run_for(100 * MS);
    assert_eq!((unsafe_in(&network), log(&network, 2).len()), (NOTHING, 101));
}

#[test]
fn a_follower_that_the_log_no_longer_reaches_is_sent_the_snapshot() {
    let mut network = raft(3);
    let in_term = compacted(&mut network);
    network.restart(3);
    network.run_for(500 * MS);
    assert_eq!(term(&network, 1), in_term);
    let Some(Indication::Snapshot { index, .. }) = indications(&network, 3, "snapshot").last() else { panic!() };
    assert!(network.count((1, 3), &format!("snapshot/{in_term}/{index}")) >= 1);
    network.broadcast(3, 1_000);
    network.run_for(100 * MS);
    assert_eq!((unsafe_in(&network), missing(&network)), (NOTHING, NOTHING));
    assert_eq!(network.nodes[&3].done, [1_000]);
}

#[test]
fn a_snapshot_of_what_the_log_has_changes_nothing() {
    let mut network = raft(3);
    compacted(&mut network);
    network.restart(3);
    network.run_for(500 * MS);
    let snapshot = last_sent(&network, (1, 3), "snapshot/");
    let before = network.nodes[&3].indications.len();
    network.forge((1, 3), &snapshot);
    assert_eq!(network.nodes[&3].indications.len(), before);
    network.run_for(200 * MS);
    assert_eq!((unsafe_in(&network), missing(&network)), (NOTHING, NOTHING));
}

#[test]
fn who_was_cut_off_raises_the_term_when_it_is_back_but_not_with_pre_votes() {
    for (elections, disturbs) in [(Elections::AtOnce, true), (Elections::WithPreVote, false)] {
        let mut network = raft_of(3, elections);
        let (at, in_term) = elected_after(&mut network, 0);
        let other = at % 3 + 1;
        let rest: Vec<u32> = (1..=3).filter(|node| *node != other).collect();
        network.cut(&between(&[other], &rest));
        network.run_for(3_000 * MS);
        network.heal();
        network.run_for(1_000 * MS);
        assert_eq!(leader(&network).unwrap().1 > in_term, disturbs, "{elections:?}");
        assert_eq!(indications(&network, other, "vote").len() > 3, disturbs, "{elections:?}");
    }
}

#[test]
fn a_pre_vote_is_refused_by_who_hears_a_leader_and_binds_nobody() {
    let mut network = raft_of(3, Elections::WithPreVote);
    let (at, in_term) = elected_after(&mut network, 0);
    network.run_for(HEARTBEAT_NS);
    let (voter, asker) = (at % 3 + 1, (at + 1) % 3 + 1);
    let asked = in_term + 1;
    let request = format!(r#"{{"type":"request_pre_vote","term":{asked},"last_index":9,"last_term":{in_term}}}"#);
    network.forge((asker, voter), &request);
    assert!(last_sent(&network, (voter, asker), &format!("pre-vote/{asked}")).contains(r#""granted":false"#));
    network.kill(at);
    network.cut(&links(&[asker], &[voter]));
    network.run_for(ELECTION_MIN_NS);
    network.forge((asker, voter), &request);
    assert!(last_sent(&network, (voter, asker), &format!("pre-vote/{asked}")).contains(r#""granted":true"#));
    assert_eq!(term(&network, voter), in_term);
}

// And all together.

#[test]
fn a_lone_node_delivers_what_it_is_asked_to() {
    for elections in [Elections::AtOnce, Elections::WithPreVote] {
        let mut network = raft_of(1, elections);
        network.broadcast(1, 7);
        network.run_for(300 * MS);
        network.broadcast(1, 8);
        assert_eq!((log(&network, 1), &network.nodes[&1].done[..]), (vec![7, 8], &[7, 8][..]));
    }
}

#[test]
fn a_frame_that_cannot_be_read_is_complained_of() {
    let mut network = raft(2);
    network.forge((2, 1), r#"{"type":"append_entries","term":-1}"#);
    assert_eq!((network.nodes[&1].complaints.len(), network.nodes[&1].state), (1, State::Up));
}

#[test]
fn a_candidate_that_nobody_answers_asks_again_and_then_stands_again() {
    let mut network = raft(3);
    stand_alone(&mut network, 1);
    let asked = |in_term: u64| network.count((1, 2), &format!("request-vote/{in_term}"));
    assert!(term(&network, 1) >= 2 && (2..=4).contains(&asked(1)));
}

#[test]
fn whatever_happens_logs_agree_and_all_is_delivered_in_the_end() {
    for seed in 0..100 {
        let (nodes, elections) = match seed % 4 {
            0 => (3, Elections::AtOnce),
            1 => (5, Elections::WithPreVote),
            2 => (5, Elections::AtOnce),
            _ => (3, Elections::WithPreVote),
        };
        let network = chaos(raft_of(nodes, elections).seeded(seed), 40 + seed);
        assert_eq!((unsafe_in(&network), missing(&network)), (NOTHING, NOTHING), "{seed}");
    }
}
