//! What holds in every run of a consensus algorithm, from its definition, over what the nodes of a [`Network`] told; and runs in
//! which faults come by chance.

use std::collections::{BTreeMap, BTreeSet};

use temblor_node::indication::{Indication, PrefixHash};

use super::{MS, Network, State};

/// What is wrong with the terms: a second leader of a term, or a second vote of a node.
pub fn of_terms(network: &Network) -> Vec<String> {
    let (mut leaders, mut votes, mut wrong) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (at, indication) in told(network) {
        match indication {
            Indication::Leader { term } if *leaders.entry(*term).or_insert(at) != at => {
                wrong.push(format!("one-leader-per-term: {term}"));
            }
            Indication::Vote { term, r#for } if *votes.entry((at, *term)).or_insert(*r#for) != *r#for => {
                wrong.push(format!("one-vote-per-term: n{at} in {term}"));
            }
            _ => {}
        }
    }
    wrong
}

/// What is wrong with the logs: entries that differ though index and term don't, or though both are committed.
pub fn of_logs(network: &Network) -> Vec<String> {
    let (mut entries, mut committed, mut wrong) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for at in network.nodes.keys() {
        let mut log: BTreeMap<u64, (u64, PrefixHash)> = BTreeMap::new();
        for (_, indication) in &network.nodes[at].indications {
            match indication {
                Indication::Append { index, term, hash } | Indication::Snapshot { index, term, hash } => {
                    log.insert(*index, (*term, *hash));
                    if *entries.entry((*index, *term)).or_insert(*hash) != *hash {
                        wrong.push(format!("log-matching: {index} of {term}"));
                    }
                }
                Indication::Truncate { from } => drop(log.split_off(from)),
                Indication::Commit { index } => {
                    let Some(entry) = log.get(index) else {
                        wrong.push(format!("n{at} commits {index}, which its log does not have"));
                        continue;
                    };
                    if *committed.entry(*index).or_insert(*entry) != *entry {
                        wrong.push(format!("state-machine safety: {index}"));
                    }
                }
                _ => {}
            }
        }
    }
    wrong
}

/// What is wrong with the leaders: one that lacks what was committed in an earlier term, or that takes entries away.
pub fn of_leaders(network: &Network) -> Vec<String> {
    let (mut logs, mut leading, mut committed) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
    let (mut covered, mut wrong) = (BTreeMap::new(), Vec::new());
    let mut all: Vec<(u64, u32, &Indication)> = Vec::new();
    for (at, node) in &network.nodes {
        all.extend(node.indications.iter().map(|(when, indication)| (*when, *at, indication)));
    }
    // The sort is stable: each node's own order stays.
    all.sort_by_key(|(when, ..)| *when);
    for (_, at, indication) in all {
        let log: &mut BTreeMap<u64, (u64, PrefixHash)> = logs.entry(at).or_default();
        match indication {
            Indication::Append { index, term, hash } | Indication::Snapshot { index, term, hash } => {
                log.insert(*index, (*term, *hash));
                if matches!(indication, Indication::Snapshot { .. }) {
                    covered.insert(at, *index);
                }
            }
            Indication::Truncate { from } => {
                drop(log.split_off(from));
                // It says at its start that its log is empty, and does not lead then.
                leading.retain(|leader| *leader != at || *from > 1);
                wrong.extend(leading.contains(&at).then(|| format!("leader-append-only: n{at}")));
            }
            Indication::Commit { index } => committed.extend(log.get(index).map(|entry| (*index, *entry))),
            Indication::Term { .. } => drop(leading.remove(&at)),
            Indication::Leader { term } => {
                leading.insert(at);
                let from = covered.get(&at).copied().unwrap_or(1);
                let due = committed.range(from..).filter(|(_, (of, _))| of < term);
                let lacks = due.filter(|(index, entry)| log.get(index) != Some(entry)).count();
                wrong.extend((lacks > 0).then(|| format!("leader-completeness: n{at} in {term}")));
            }
            _ => {}
        }
    }
    wrong
}

/// What is wrong with the deliveries: two messages at one position, a gap that no snapshot covers, a message at two positions, one
/// that nobody asked for, or one that was answered and is nowhere.
pub fn of_deliveries(network: &Network) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut all: BTreeMap<u64, u64> = BTreeMap::new();
    for (at, node) in &network.nodes {
        for (position, message) in &node.log {
            if *all.entry(*position).or_insert(*message) != *message {
                wrong.push(format!("total-order: n{at} at {position}"));
            }
        }
    }
    let distinct: BTreeSet<u64> = all.values().copied().collect();
    let asked: BTreeSet<u64> = network.nodes.values().flat_map(|node| node.broadcast.iter().copied()).collect();
    let done: BTreeSet<u64> = network.nodes.values().flat_map(|node| node.done.iter().copied()).collect();
    let complaints = [
        (distinct.len() != all.len(), "no-duplication"),
        (!distinct.is_subset(&asked), "no-creation"),
        (!done.is_subset(&distinct), "what was answered is lost"),
        (all.keys().copied().ne(1..=all.len() as u64), "gap-free-order"),
        (network.nodes.values().any(|node| node.state == State::Fell), "survives"),
        (!in_order(network, &all), "fifo-order"),
    ];
    wrong.extend(complaints.iter().filter(|(broken, _)| *broken).map(|(_, what)| (*what).to_owned()));
    wrong
}

/// What is wrong with the run as a whole.
pub fn unsafe_in(network: &Network) -> Vec<String> {
    [of_terms(network), of_logs(network), of_leaders(network), of_deliveries(network)].concat()
}

/// What is missing once all is healed: a message that was taken and is not in everybody's log, by its end.
pub fn missing(network: &Network) -> Vec<String> {
    let asked: BTreeSet<u64> = network.nodes.values().flat_map(|node| node.broadcast.iter().copied()).collect();
    let last = |node: &super::Node| reached(node);
    let short = network.nodes.iter().filter(|(_, node)| last(node) < asked.len() as u64);
    short.map(|(at, node)| format!("n{at} has {} of {}", last(node), asked.len())).collect()
}

/// How many positions this node has delivered, or has from a snapshot.
fn reached(node: &super::Node) -> u64 {
    let installed = node.indications.iter().filter_map(|(_, indication)| match indication {
        Indication::Installed { through, .. } => Some(*through),
        _ => None,
    });
    let delivered = node.log.last_key_value().map_or(0, |(position, _)| *position);
    installed.max().unwrap_or(0).max(delivered)
}

fn in_order(network: &Network, all: &BTreeMap<u64, u64>) -> bool {
    network.nodes.values().all(|sender| {
        let own = all.values().filter(|message| sender.broadcast.contains(message));
        own.zip(&sender.broadcast).all(|(delivered, due)| delivered == due)
    })
}

fn told(network: &Network) -> impl Iterator<Item = (u32, &Indication)> {
    network.nodes.iter().flat_map(|(at, node)| node.indications.iter().map(|(_, indication)| (*at, indication)))
}

/// The node that claimed the latest term, and that term.
pub fn leader(network: &Network) -> Option<(u32, u64)> {
    let leads = told(network).filter_map(|(at, indication)| match indication {
        Indication::Leader { term } => Some((at, *term)),
        _ => None,
    });
    leads.max_by_key(|(_, term)| *term)
}

/// Lets time pass until somebody leads a later term than `term`; who.
pub fn elected_after(network: &mut Network, term: u64) -> (u32, u64) {
    for _ in 0..5_000 {
        match leader(network) {
            Some((at, later)) if later > term => return (at, later),
            _ => network.run_for(MS),
        }
    }
    panic!("nobody was elected after term {term}")
}

/// Makes this node lead, if the others let it: it alone lives until its term is the latest, though each other may have begun one
/// more.
pub fn put_forward(network: &mut Network, at: u32) {
    stand_alone(network, at);
    let others: Vec<u32> = network.nodes.keys().copied().filter(|other| *other != at).collect();
    others.iter().for_each(|other| network.resume(*other));
}

/// The first half of [`put_forward`]: the others are paused.
pub fn stand_alone(network: &mut Network, at: u32) {
    let others: Vec<u32> = network.nodes.keys().copied().filter(|other| *other != at).collect();
    others.iter().for_each(|other| network.pause(*other));
    let latest = others.iter().map(|other| term(network, *other)).max().unwrap();
    while term(network, at) < latest + 2 {
        network.run_for(50 * MS);
    }
}

/// The term that a node has told to be in.
pub fn term(network: &Network, at: u32) -> u64 {
    let terms = network.nodes[&at].indications.iter().filter_map(|(_, indication)| match indication {
        Indication::Term { term } => Some(*term),
        _ => None,
    });
    terms.max().unwrap_or(0)
}

/// Makes this node lead; its term.
pub fn elect(network: &mut Network, at: u32) -> u64 {
    put_forward(network, at);
    network.run_for(10 * MS);
    let (leader, term) = leader(network).unwrap();
    assert_eq!(leader, at);
    term
}

/// The links from these nodes to those.
pub fn links(from: &[u32], to: &[u32]) -> Vec<super::Link> {
    let pairs = from.iter().flat_map(|one| to.iter().map(|other| (*one, *other)));
    pairs.filter(|(one, other)| one != other).collect()
}

/// Both directions between these nodes and those.
pub fn between(some: &[u32], others: &[u32]) -> Vec<super::Link> {
    [links(some, others), links(others, some)].concat()
}

/// Faults by chance for `turns` turns of some tens of milliseconds, with broadcasts between them; then everything is healed, and
/// time passes.
pub fn chaos(mut network: Network, turns: u64) -> Network {
    let nodes: Vec<u32> = network.nodes.keys().copied().collect();
    for turn in 0..turns {
        let at = nodes[network.draw(nodes.len() as u64) as usize];
        disturb(&mut network, at);
        for message in 0..network.draw(4) {
            let at = nodes[network.draw(nodes.len() as u64) as usize];
            network.broadcast(at, 100 * turn + message);
        }
        let pause = network.draw(120) * MS;
        network.run_for(pause);
    }
    network.heal();
    let down: Vec<u32> = nodes.into_iter().filter(|at| network.nodes[at].state == State::Killed).collect();
    down.into_iter().for_each(|at| network.restart(at));
    network.run_for(5_000 * MS);
    network
}

fn disturb(network: &mut Network, at: u32) {
    let links: Vec<_> = network.nodes.keys().filter(|other| **other != at).flat_map(|o| [(at, *o), (*o, at)]).collect();
    let state = network.nodes[&at].state;
    let one = links[network.draw(links.len() as u64) as usize];
    match network.draw(12) {
        0 | 1 => network.cut(&links),
        2..=4 => network.cut.clear(),
        5 => network.cut(&[one]),
        6 => network.loss_permille = network.draw(4) * 100,
        7 => drop(network.doubled.insert(one)),
        8 if state == State::Up => network.kill_and_lose(at),
        9 if state == State::Up => network.kill(at),
        10 if state == State::Up => network.pause(at),
        11 => network.resume(at),
        _ if state == State::Killed => network.restart(at),
        _ => {}
    }
}
