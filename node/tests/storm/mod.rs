//! A storm: everything that the model of a crash-recovery algorithm allows, at random and at once, on the network in memory.
//! Then calm, in which every node is up. One seed, one run.
#![allow(dead_code, reason = "every test binary includes this module and uses a part of it")]

use temblor_node::indication::Indication;

use super::network::{Link, MS, Network, State};

/// What may happen in a storm.
#[derive(Clone, Copy, Debug)]
pub struct Storm {
    /// How many things happen.
    pub events: u64,
    /// How many broadcasts are asked for, at most.
    pub broadcasts: u64,
    /// Of a thousand frames so many are lost at worst.
    pub loss_permille: u64,
}

/// Broadcasts, crashes, losses and cuts, and then so much calm.
pub fn storm(network: &mut Network, storm: Storm, calm: u64) {
    let count = network.nodes.len() as u64;
    let mut asked = 0;
    scatter(network);
    for _ in 0..storm.events {
        let node = u32::try_from(1 + network.draw(count)).unwrap();
        match network.draw(12) {
            0..=4 if asked < storm.broadcasts => {
                asked += 1;
                network.broadcast(node, asked);
            }
            5 => network.kill(node),
            6 => network.kill_and_lose(node),
            7 | 8 => revive(network, node),
            9 => isolate(network, node),
            10 => toggle(network, node),
            _ => weather(network, storm.loss_permille),
        }
        let span = [0, MS / 5, MS, 20 * MS, 400 * MS][usize::try_from(network.draw(5)).unwrap()];
        network.run_for(span);
    }
    settle(network, calm);
}

/// Everything is mended and everybody is up; so much time passes.
pub fn settle(network: &mut Network, calm: u64) {
    network.heal();
    let nodes: Vec<u32> = network.nodes.keys().copied().collect();
    nodes.into_iter().for_each(|node| revive(network, node));
    network.run_for(calm);
}

/// The log of all nodes together: none has another message at a position than any other, and no position is skipped.
pub fn one_log(network: &Network) -> Result<Vec<u64>, String> {
    let mut log = std::collections::BTreeMap::new();
    for (name, node) in &network.nodes {
        for (position, message) in &node.log {
            let there = *log.entry(*position).or_insert(*message);
            if there != *message {
                return Err(format!("n{name} has {message} at {position}, another has {there}"));
            }
        }
    }
    let skipped = (1..).zip(log.keys()).find(|(due, position)| due != *position);
    skipped.map_or(Ok(log.values().copied().collect()), |(due, _)| Err(format!("nobody has anything at {due}")))
}

/// No term has two leaders, nor one leader in two lives.
pub fn one_leader_a_term(network: &Network) -> Result<(), String> {
    let mut leaders = std::collections::BTreeMap::new();
    for (name, node) in &network.nodes {
        for (_, indication) in &node.indications {
            if let Indication::Leader { term } = indication
                && let Some(other) = leaders.insert(*term, *name)
            {
                return Err(format!("n{other} and n{name} lead term {term}"));
            }
        }
    }
    Ok(())
}

/// No node's term ever falls.
pub fn terms_rise(network: &Network) -> Result<(), String> {
    for (name, node) in &network.nodes {
        let terms = node.indications.iter().filter_map(|(_, indication)| match indication {
            Indication::Term { term } => Some(*term),
            _ => None,
        });
        if !terms.clone().is_sorted_by(|earlier, later| earlier < later) {
            return Err(format!("n{name} has the terms {:?}", terms.collect::<Vec<_>>()));
        }
    }
    Ok(())
}

/// All links between these two sides.
pub fn between(one: &[u32], other: &[u32]) -> Vec<Link> {
    one.iter().flat_map(|a| other.iter().flat_map(|b| [(*a, *b), (*b, *a)])).collect()
}

fn revive(network: &mut Network, node: u32) {
    if matches!(network.nodes[&node].state, State::Killed | State::Fell) {
        network.restart(node);
    }
}

fn isolate(network: &mut Network, node: u32) {
    let others: Vec<u32> = network.nodes.keys().copied().filter(|other| *other != node).collect();
    network.cut(&between(&[node], &others));
}

fn toggle(network: &mut Network, node: u32) {
    let other = u32::try_from(1 + network.draw(network.nodes.len() as u64)).unwrap();
    if network.cut.contains(&(node, other)) { network.mend(&[(node, other)]) } else { network.cut(&[(node, other)]) }
}

fn weather(network: &mut Network, loss_permille: u64) {
    match network.draw(4) {
        0 => network.loss_permille = network.draw(loss_permille + 1),
        1 => network.doubled.extend(between(&[1, 2], &[2, 3])),
        2 => scatter(network),
        _ => network.heal(),
    }
}

/// Each link is cut or not.
fn scatter(network: &mut Network) {
    let nodes: Vec<u32> = network.nodes.keys().copied().collect();
    for link in between(&nodes, &nodes) {
        if network.draw(2) == 0 { network.cut(&[link]) } else { network.mend(&[link]) }
    }
}
