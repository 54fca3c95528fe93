//! Leader election keeps to one leader a term, whatever happens to links and nodes, and elects one when nothing happens.

mod network;

use network::replicas::{chaos, elect, elected_after, leader, links, of_terms, term};
use network::{MS, Network, State};
use temblor_node::consensus::election::{ELECTION_MIN_NS, ELECTION_SPREAD_NS, Election};
use temblor_node::indication::Indication;
use temblor_node::layer::Layer;

fn election(nodes: u32) -> Network {
    Network::of(|| vec![Box::new(Election::default()) as Box<dyn Layer>], nodes, None)
}

fn follows(network: &Network, at: u32) -> Option<(u64, u32)> {
    network.nodes[&at].indications.iter().rev().find_map(|(_, indication)| match indication {
        Indication::Follows { term, leader } => Some((*term, leader.0)),
        _ => None,
    })
}

#[test]
fn a_silence_of_an_election_time_out_makes_a_candidate_and_a_quorum_makes_it_the_leader() {
    let mut network = election(3);
    network.run_for(ELECTION_MIN_NS - MS);
    assert!(network.sent.is_empty());
    network.run_for(ELECTION_SPREAD_NS + 2 * MS);
    let (at, in_term) = leader(&network).unwrap();
    let others: Vec<u32> = [1, 2, 3].into_iter().filter(|other| *other != at).collect();
    for other in others {
        assert_eq!(network.count((at, other), &format!("request-vote/{in_term}")), 1);
        assert_eq!(network.count((other, at), &format!("vote/{in_term}")), 1);
        assert_eq!(follows(&network, other), Some((in_term, at)));
    }
}

#[test]
fn a_leader_that_is_heard_is_not_suspected() {
    let mut network = election(5);
    let first = elected_after(&mut network, 0);
    network.run_for(10_000 * MS);
    assert_eq!(leader(&network), Some(first));
}

#[test]
fn after_a_crash_of_the_leader_another_one_leads_a_later_term() {
    let mut network = election(5);
    let (first, in_term) = elected_after(&mut network, 0);
    network.kill(first);
    let (second, later) = elected_after(&mut network, in_term);
    assert!(second != first && later > in_term);
}

#[test]
fn less_than_a_quorum_elects_nobody() {
    let mut network = election(4);
    network.cut(&links(&[1, 2], &[3, 4]));
    network.cut(&links(&[3, 4], &[1, 2]));
    network.run_for(3_000 * MS);
    assert_eq!(leader(&network), None);
}

#[test]
fn two_leaders_of_different_terms_live_at_one_time_and_the_old_one_gives_up_when_it_hears_of_the_new_one() {
    let mut network = election(3);
    let old = elect(&mut network, 1);
    network.cut(&links(&[1], &[2, 3]));
    network.cut(&links(&[2, 3], &[1]));
    let (new, later) = elected_after(&mut network, old);
    network.run_for(200 * MS);
    let beats = |network: &Network| network.count((1, 2), &format!("heartbeat/{old}"));
    let before = beats(&network);
    network.run_for(200 * MS);
    assert!(beats(&network) > before && network.count((new, 1), &format!("heartbeat/{later}")) > 0);
    network.heal();
    network.run_for(60 * MS);
    assert_eq!(follows(&network, 1), Some((later, new)));
}

#[test]
fn a_leader_that_comes_back_does_not_lead_its_old_term_again() {
    let mut network = election(3);
    let old = elect(&mut network, 1);
    network.kill_and_lose(1);
    network.restart(1);
    network.run_for(1_000 * MS);
    let claims = network.nodes[&1].indications.iter();
    assert_eq!(claims.filter(|(_, claim)| *claim == Indication::Leader { term: old }).count(), 1);
}

#[test]
fn a_lone_node_elects_itself_and_whoever_asks_for_a_broadcast_is_refused() {
    let mut network = election(1);
    network.run_for(300 * MS);
    assert_eq!(leader(&network), Some((1, 1)));
    network.broadcast(1, 7);
    assert_eq!((&network.nodes[&1].refused[..], network.delivered(1)), (&[7][..], &[][..]));
}

#[test]
fn a_frame_that_cannot_be_read_is_complained_of() {
    let mut network = election(2);
    network.forge((2, 1), r#"{"type":"coup"}"#);
    assert_eq!((network.nodes[&1].complaints.len(), network.nodes[&1].state), (1, State::Up));
}

#[test]
fn whatever_happens_a_term_has_one_leader_and_in_the_end_all_follow_one() {
    for seed in 0..200 {
        let network = chaos(election(3 + 2 * (seed % 2) as u32).seeded(seed), 40);
        assert_eq!(of_terms(&network), Vec::<String>::new(), "{seed}");
        let (at, in_term) = leader(&network).unwrap();
        for other in network.nodes.keys().filter(|other| **other != at) {
            assert_eq!(follows(&network, *other), Some((in_term, at)), "{seed}");
        }
        assert!(network.nodes.keys().all(|node| term(&network, *node) == in_term), "{seed}");
    }
}
