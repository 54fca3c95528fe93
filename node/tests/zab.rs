//! Zab: a test for each rule of the paper, named by it, and runs in which faults come by chance.

mod network;

use network::Network;
use std::panic::catch_unwind;

use network::replicas::{chaos, missing, unsafe_in};
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
