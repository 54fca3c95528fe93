//! Zab: a test for each rule of the paper, named by it, and runs in which faults come by chance.

mod network;

use network::{MS, Network};
use std::panic::catch_unwind;

use network::replicas::{between, chaos, elected_after, links, missing, unsafe_in};
use temblor_node::bugs::Bug;
use temblor_node::consensus::zab::Zab;
use temblor_node::layer::Layer;

fn zab(nodes: u32, bug: Option<Bug>) -> Network {
    Network::of(|| vec![Box::new(Zab::default()) as Box<dyn Layer>], nodes, bug)
}

/// Nothing is wrong by the end of the chaos, and nothing is missing.
fn weather(seeds: std::ops::Range<u64>, nodes: u32, turns: u64) {
    for seed in seeds {
        let network = chaos(zab(nodes, None).seeded(seed), turns);
        assert_eq!(unsafe_in(&network), Vec::<String>::new(), "seed {seed}");
        assert_eq!(missing(&network), Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn in_chaos_three_nodes_stay_safe_and_come_to_an_end() {
    weather(0..150, 3, 40);
}

#[test]
fn in_chaos_five_nodes_stay_safe_and_come_to_an_end() {
    weather(0..60, 5, 40);
}

/// Some run in chaos shows the bug, and the same run without it shows nothing.
fn shows(bug: Bug, nodes: u32) {
    // The network itself refuses a second message at a node's position.
    let wrong = |bug, seed| {
        let run = || unsafe_in(&chaos(zab(nodes, bug).seeded(seed), 60));
        catch_unwind(run).unwrap_or_else(|_| vec!["a position changed".to_owned()])
    };
    let found = (0..400).find(|seed| !wrong(Some(bug), *seed).is_empty());
    let seed = found.unwrap_or_else(|| panic!("{bug:?} does not show"));
    assert_eq!(wrong(None, seed), Vec::<String>::new(), "seed {seed}");
}

#[test]
fn an_epoch_that_is_not_persisted_is_led_twice() {
    shows(Bug::ForgetsEpoch, 3);
}

#[test]
fn a_follower_that_keeps_its_longer_history_in_synchronisation_delivers_what_was_never_committed() {
    shows(Bug::SkipsTruncation, 3);
}

#[test]
fn what_is_committed_before_the_synchronisation_is_acknowledged_is_lost() {
    shows(Bug::CommitsBeforeSynchronised, 3);
}

#[test]
fn a_history_that_is_acknowledged_before_it_is_synced_is_lost_in_a_crash() {
    shows(Bug::HistoryUnsynced, 3);
}

#[test]
fn a_quorum_of_half_of_the_nodes_is_none() {
    shows(Bug::EpochQuorumOfHalf, 3);
}

fn log(network: &Network, at: u32) -> Vec<u64> {
    network.nodes[&at].log.values().copied().collect()
}

/// Lets events happen until a frame with such a key has been sent on this link.
fn until_sent(network: &mut Network, link: (u32, u32), key: &str) {
    let end = network.now + 5_000 * MS;
    while !network.sent.iter().any(|sent| sent.link == link && sent.key.starts_with(key)) {
        assert!(network.step_until(end), "nobody sent {key}");
    }
}

/// Phase 0, which no other algorithm here has: among equals the last node leads, whatever the time-outs.
#[test]
fn among_nodes_with_equal_histories_the_last_one_leads_every_time() {
    for seed in 0..40 {
        let mut network = zab(3, None).seeded(seed);
        assert_eq!(elected_after(&mut network, 0).0, 3, "seed {seed}");
    }
}

/// Phase 0 too: a longer history counts more than a name.
#[test]
fn who_has_the_latest_transaction_leads_before_the_last_node() {
    let mut network = zab(3, None);
    let (_, first) = elected_after(&mut network, 0);
    network.run_for(100 * MS);
    network.kill(3);
    let (at, second) = elected_after(&mut network, first);
    assert_eq!(at, 2);
    network.run_for(100 * MS);
    network.broadcast(2, 100);
    network.run_for(100 * MS);
    [1, 2].iter().for_each(|at| network.kill(*at));
    [2, 3].iter().for_each(|at| network.restart(*at));
    assert_eq!(elected_after(&mut network, second).0, 2);
    network.run_for(500 * MS);
    assert_eq!((log(&network, 3), unsafe_in(&network)), (vec![100], Vec::<String>::new()));
}

/// l.1.2: n2 alone has a transaction. n1 and n3, which have none, elect n1; but n3 dies before it has said what it has, and the
/// quorum is n1 and n2.
#[test]
fn an_epoch_begins_with_the_best_history_of_its_quorum_even_if_its_leader_has_another() {
    let mut network = zab(3, None);
    elected_after(&mut network, 0);
    network.run_for(100 * MS);
    network.kill(3);
    let (at, second) = elected_after(&mut network, 1);
    assert_eq!(at, 2);
    network.run_for(100 * MS);
    network.cut(&between(&[2], &[1]));
    network.broadcast(2, 100);
    network.run_for(10 * MS);
    network.pause(2);
    network.cut.clear();
    network.sent.clear();
    network.restart(3);
    until_sent(&mut network, (3, 1), "cepoch/");
    network.kill(3);
    network.resume(2);
    assert_eq!(elected_after(&mut network, second).0, 1);
    network.run_for(500 * MS);
    assert_eq!((log(&network, 1), log(&network, 2)), (vec![100], vec![100]));
    assert!(network.sent.iter().any(|sent| sent.link == (2, 1) && sent.key.starts_with("ack-e/")));
    assert_eq!(unsafe_in(&network), Vec::<String>::new());
}

/// l.3.2 and f.3.2: a transaction is delivered by its leader once a quorum has acknowledged it, and by a follower when it is told.
#[test]
fn a_leader_delivers_what_a_quorum_has_acknowledged_and_a_follower_what_it_is_told() {
    let mut network = zab(3, None);
    elected_after(&mut network, 0);
    network.run_for(200 * MS);
    network.cut(&links(&[1, 2], &[3]));
    network.broadcast(3, 100);
    network.run_for(50 * MS);
    // The followers have it, and nobody knows.
    let acks = network.sent.iter().filter(|sent| sent.link.1 == 3 && sent.key.starts_with("ack/"));
    assert!(acks.count() >= 2 && (1..=3).all(|at| log(&network, at).is_empty()));
    network.sent.clear();
    network.mend(&links(&[2], &[3]));
    network.cut(&links(&[3], &[1]));
    network.run_for(100 * MS);
    assert_eq!((log(&network, 3), log(&network, 2), log(&network, 1)), (vec![100], vec![100], vec![]));
    assert!(network.sent.iter().any(|sent| sent.link == (3, 2) && sent.key.starts_with("commit/")));
}
