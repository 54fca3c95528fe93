//! Viewstamped replication: a test for each rule of the paper, named by it, and runs in which faults come by chance.

mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::catch_unwind;

use network::replicas::{between, links, of_leaders, of_logs, of_terms};
use network::{MS, Network, State};
use temblor_node::bugs::Bug;
use temblor_node::consensus::viewstamped::Viewstamped;
use temblor_node::indication::Indication;
use temblor_node::layer::Layer;

fn views(nodes: u32, bug: Option<Bug>) -> Network {
    Network::of(|| vec![Box::new(Viewstamped::default()) as Box<dyn Layer>], nodes, bug)
}

/// What is wrong: with terms and logs, or with the deliveries of all nodes together. What was asked of a node that then crashed may
/// be delivered though the node never says that it was taken.
fn wrong_in(network: &Network, asked: &BTreeSet<u64>) -> Vec<String> {
    let mut wrong = [of_terms(network), of_logs(network), of_leaders(network)].concat();
    let mut all: BTreeMap<u64, u64> = BTreeMap::new();
    for (at, node) in &network.nodes {
        for (position, message) in &node.log {
            if *all.entry(*position).or_insert(*message) != *message {
                wrong.push(format!("total-order: n{at} at {position}"));
            }
        }
        wrong.extend((node.state == State::Fell).then(|| format!("survives: n{at}")));
    }
    let distinct: BTreeSet<u64> = all.values().copied().collect();
    let done: BTreeSet<u64> = network.nodes.values().flat_map(|node| node.done.iter().copied()).collect();
    let complaints = [
        (distinct.len() != all.len(), "no-duplication"),
        (!distinct.is_subset(asked), "no-creation"),
        (!done.is_subset(&distinct), "what was answered is lost"),
        (all.keys().copied().ne(1..=all.len() as u64), "gap-free-order"),
    ];
    wrong.extend(complaints.iter().filter(|(broken, _)| *broken).map(|(_, what)| (*what).to_owned()));
    wrong
}

/// Whether a node is down, or is back and has not said yet that it is in a view.
fn recovers(network: &Network, at: u32, since: &BTreeMap<u32, usize>) -> bool {
    let node = &network.nodes[&at];
    // At its start it says that its log is empty.
    let says_nothing = |told: &usize| {
        node.indications[*told..].iter().all(|(_, indication)| matches!(indication, Indication::Truncate { .. }))
    };
    node.state == State::Killed || since.get(&at).is_some_and(says_nothing)
}

/// Faults by chance, of which at most f nodes at a time are down or recovering; then everything is healed.
fn chaos(mut network: Network, turns: u64) -> (Network, BTreeSet<u64>) {
    let count = network.nodes.len() as u64;
    let (mut asked, mut since) = (BTreeSet::new(), BTreeMap::new());
    for turn in 0..turns {
        let at = 1 + u32::try_from(network.draw(count)).unwrap();
        let others: Vec<u32> = network.nodes.keys().copied().filter(|other| *other != at).collect();
        let weak = network.nodes.keys().filter(|at| recovers(&network, **at, &since)).count() as u64;
        match network.draw(10) {
            0 => network.cut(&between(&[at], &others)),
            1 | 2 => network.cut.clear(),
            3 => network.loss_permille = network.draw(4) * 100,
            4 => network.doubled.extend(between(&[at], &others)),
            5 => network.cut(&[(at, others[0])]),
            6 => network.pause(at),
            7 => network.resume(at),
            _ if network.nodes[&at].state == State::Killed => {
                since.insert(at, network.nodes[&at].indications.len());
                network.restart(at);
            }
            _ if weak < (count - 1) / 2 && network.nodes[&at].state == State::Up => network.kill(at),
            _ => {}
        }
        for message in 0..network.draw(4) {
            let at = 1 + u32::try_from(network.draw(count)).unwrap();
            asked.insert(100 * turn + message);
            network.broadcast(at, 100 * turn + message);
        }
        let pause = network.draw(120) * MS;
        network.run_for(pause);
    }
    network.heal();
    let down: Vec<u32> = (1..=count as u32).filter(|at| network.nodes[at].state == State::Killed).collect();
    down.into_iter().for_each(|at| network.restart(at));
    network.run_for(5_000 * MS);
    (network, asked)
}

/// How many positions this node has delivered, or has from a checkpoint.
fn reached(network: &Network, at: u32) -> u64 {
    let node = &network.nodes[&at];
    let installed = node.indications.iter().filter_map(|(_, indication)| match indication {
        Indication::Installed { through, .. } => Some(*through),
        _ => None,
    });
    installed.max().unwrap_or(0).max(node.log.keys().last().copied().unwrap_or(0))
}

fn weather(seeds: std::ops::Range<u64>, nodes: u32, turns: u64) {
    for seed in seeds {
        let (mut network, mut asked) = chaos(views(nodes, None).seeded(seed), turns);
        // Everybody is in a view again: what is asked for now is delivered everywhere.
        for at in 1..=nodes {
            asked.insert(1_000_000 + u64::from(at));
            network.broadcast(at, 1_000_000 + u64::from(at));
        }
        network.run_for(2_000 * MS);
        assert_eq!(wrong_in(&network, &asked), Vec::<String>::new(), "seed {seed}");
        let ends: BTreeSet<u64> = (1..=nodes).map(|at| reached(&network, at)).collect();
        assert_eq!(ends.len(), 1, "seed {seed}: {ends:?}");
        assert!((1..=nodes).all(|at| network.nodes[&at].done.contains(&(1_000_000 + u64::from(at)))), "seed {seed}");
    }
}

#[test]
fn in_chaos_three_nodes_stay_safe_and_come_to_an_end() {
    weather(0..100, 3, 40);
}

#[test]
fn in_chaos_five_nodes_stay_safe_and_come_to_an_end() {
    weather(0..30, 5, 40);
}

/// Some run in chaos shows the bug, and the same run without it shows nothing.
fn shows(bug: Bug, nodes: u32) {
    // The network itself refuses a second message at a node's position.
    let wrong = |bug, seed| {
        let run = || chaos(views(nodes, bug).seeded(seed), 60);
        let judged = catch_unwind(run).map(|(network, asked)| wrong_in(&network, &asked));
        judged.unwrap_or_else(|_| vec!["a position changed".to_owned()])
    };
    let found = (0..400).find(|seed| !wrong(Some(bug), *seed).is_empty());
    let seed = found.unwrap_or_else(|| panic!("{bug:?} does not show"));
    assert_eq!(wrong(None, seed), Vec::<String>::new(), "seed {seed}");
}

#[test]
fn a_view_change_that_takes_the_first_log_drops_the_longest_one() {
    shows(Bug::TakesFirstLog, 3);
}

#[test]
fn a_replica_whose_do_view_change_counts_twice_begins_a_view_without_a_quorum() {
    shows(Bug::CountsViewChangeTwice, 5);
}

#[test]
fn a_recovery_that_answers_before_it_has_caught_up_loses_what_was_committed() {
    shows(Bug::AnswersBeforeCaughtUp, 3);
}

#[test]
fn an_operation_that_is_acknowledged_before_the_log_holds_all_before_it_is_lost() {
    shows(Bug::AcknowledgesGap, 3);
}

#[test]
fn a_quorum_of_half_of_the_replicas_is_none() {
    shows(Bug::ViewQuorumOfHalf, 3);
}

#[test]
fn when_all_replicas_crash_at_once_nobody_has_a_log_to_recover_from() {
    let mut network = views(3, None);
    network.broadcast(1, 7);
    network.run_for(100 * MS);
    assert_eq!(network.nodes[&1].done, [7]);
    (1..=3).for_each(|at| network.kill(at));
    (1..=3).for_each(|at| network.restart(at));
    network.broadcast(1, 8);
    network.run_for(5_000 * MS);
    assert!((1..=3).all(|at| !network.nodes[&at].done.contains(&8)));
}

/// How many frames of this step have been sent on a link.
fn sent(network: &Network, link: (u32, u32), step: &str) -> usize {
    network.sent.iter().filter(|sent| sent.link == link && sent.key.starts_with(step)).count()
}

/// Section 5.2: a backup that missed more than is sent again at once gets a whole log; its own stays until then.
#[test]
fn a_replica_that_lacks_operations_gets_the_log_of_another() {
    let mut network = views(3, None);
    network.run_for(100 * MS);
    network.cut(&links(&[1], &[3]));
    (0..50).for_each(|message| network.broadcast(1, message));
    network.run_for(20 * MS);
    network.mend(&links(&[1], &[3]));
    network.broadcast(1, 50);
    network.run_for(400 * MS);
    assert_eq!((reached(&network, 3), network.nodes[&3].log.values().last()), (51, Some(&50)));
    assert!(sent(&network, (3, 1), "get-state/") > 0 && sent(&network, (1, 3), "new-state/") > 0);
}

/// Section 5.2: so does one that was away when a later view began.
#[test]
fn a_replica_that_missed_a_view_change_gets_the_log_of_the_later_view() {
    let mut network = views(3, None);
    network.broadcast(1, 7);
    network.run_for(100 * MS);
    network.cut(&between(&[1], &[2, 3]));
    network.run_for(1_500 * MS);
    network.broadcast(2, 8);
    network.run_for(200 * MS);
    network.sent.clear();
    network.cut.clear();
    network.run_for(1_500 * MS);
    assert_eq!(network.nodes[&1].log.values().copied().collect::<Vec<_>>(), [7, 8]);
    assert!(network.sent.iter().any(|sent| sent.link.0 == 1 && sent.key.starts_with("get-state/")));
}

/// Section 4.2, step 2: a replica that alone suspects its primary brings its log to nobody.
#[test]
fn a_log_is_brought_into_a_view_only_once_f_others_are_on_their_way() {
    let mut network = views(5, None);
    network.run_for(100 * MS);
    // n2, which is to be the next primary, hears nobody's time-out but n5's, and n5 only its own.
    network.cut(&links(&[1, 2, 3, 4], &[5]));
    network.run_for(1_000 * MS);
    let brought =
        |network: &Network| network.sent.iter().filter(|sent| sent.key.starts_with("do-view-change/")).count();
    assert!(sent(&network, (5, 2), "start-view-change/") > 0);
    let from_5 = network.sent.iter().filter(|sent| sent.link.0 == 5 && sent.key.starts_with("do-view-change/")).count();
    assert_eq!(from_5, 0);
    network.cut.clear();
    network.kill(1);
    network.run_for(2_000 * MS);
    assert!(brought(&network) >= 2);
}
