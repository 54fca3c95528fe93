//! The promised properties, from their definitions, over what the nodes of a [`Network`] did. It shares nothing with the
//! checkers, which judge histories.

use std::collections::BTreeSet;

use super::{Network, State};

/// The properties that are violated, by name; agreement in the form that `condition` asks for.
pub fn violated(network: &Network, promises: &[(&str, &str)]) -> Vec<String> {
    let broken = |(property, condition): &&(&str, &str)| match *property {
        "validity" => !validity(network),
        "no-duplication" => !no_duplication(network),
        "no-creation" => !no_creation(network),
        "agreement" => !agreement(network, *condition == "while-sender-lives"),
        "fifo-order" => !fifo_order(network),
        "survives" => network.nodes.values().any(|node| node.state == State::Fell),
        other => panic!("no definition of {other}"),
    };
    promises.iter().filter(broken).map(|(property, _)| (*property).to_owned()).collect()
}

/// A node that ended by itself is correct: it still owes everything.
fn correct(network: &Network) -> impl Iterator<Item = &super::Node> {
    network.nodes.values().filter(|node| node.state != State::Killed)
}

fn validity(network: &Network) -> bool {
    correct(network).all(|node| node.broadcast.iter().all(|message| node.delivered.contains(message)))
}

fn no_duplication(network: &Network) -> bool {
    network.nodes.values().all(|node| {
        let distinct: BTreeSet<_> = node.delivered.iter().collect();
        distinct.len() == node.delivered.len()
    })
}

fn no_creation(network: &Network) -> bool {
    let broadcast: BTreeSet<_> = network.nodes.values().flat_map(|node| &node.broadcast).collect();
    network.nodes.values().flat_map(|node| &node.delivered).all(|message| broadcast.contains(message))
}

fn agreement(network: &Network, of_living_senders: bool) -> bool {
    let killed = network.nodes.values().filter(|node| node.state == State::Killed);
    let excused: BTreeSet<u64> = killed.flat_map(|node| node.broadcast.iter().copied()).collect();
    let owed = correct(network).flat_map(|node| node.delivered.iter().copied());
    let owed: BTreeSet<u64> = owed.filter(|message| !of_living_senders || !excused.contains(message)).collect();
    correct(network).all(|node| owed.iter().all(|message| node.delivered.contains(message)))
}

/// The strict form: nobody delivers a message without those that its sender broadcast before it.
fn fifo_order(network: &Network) -> bool {
    network.nodes.values().all(|sender| {
        network.nodes.values().all(|node| {
            let of_sender = node.delivered.iter().filter(|message| sender.broadcast.contains(message));
            of_sender.zip(&sender.broadcast).all(|(delivered, due)| delivered == due)
        })
    })
}
