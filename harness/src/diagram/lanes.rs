//! Which nodes get a lane: those that the witness names, then those that sent or lost what it is about.

use temblor_checkers::verdict::Witness;

use super::evidence::{Evidence, What};
use super::frames::Frames;
use super::messages_of;

/// So many lanes fit beside their notes.
const LANES_MAX: usize = 6;
/// Nodes that the witness does not name get a lane only while there are fewer.
const BYSTANDERS_MAX: usize = 4;

/// The nodes that get a lane, in the history's order.
pub fn choose(witness: &Witness, evidence: &Evidence, frames: &Frames) -> Vec<usize> {
    let mut chosen = Vec::new();
    let named = steps(witness, evidence).chain(sentence(witness, evidence)).chain(senders(witness, evidence));
    named.for_each(|node| add(&mut chosen, node, LANES_MAX));
    for node in carriers(frames, &concerned(witness, evidence)) {
        add(&mut chosen, node, BYSTANDERS_MAX);
    }
    chosen.sort_unstable();
    chosen
}

/// The nodes that the argument is about: what reaches them matters, and what does not.
pub fn concerned(witness: &Witness, evidence: &Evidence) -> Vec<usize> {
    let mut all: Vec<usize> = steps(witness, evidence).chain(sentence(witness, evidence)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn add(chosen: &mut Vec<usize>, node: usize, most: usize) {
    if chosen.len() < most && !chosen.contains(&node) {
        chosen.push(node);
    }
}

/// The nodes of the steps, with that which broke the property first.
fn steps<'a>(witness: &'a Witness, evidence: &'a Evidence) -> impl Iterator<Item = usize> + 'a {
    let guilty = witness.node.as_ref().and_then(|name| evidence.nodes.iter().position(|node| node == name));
    let steps = witness.steps.iter().map(|step| step.index);
    let acted = steps.filter_map(|index| evidence.seen.iter().find(|seen| seen.index == index)?.node);
    guilty.into_iter().chain(acted)
}

fn sentence<'a>(witness: &'a Witness, evidence: &'a Evidence) -> impl Iterator<Item = usize> + 'a {
    let words = witness.sentence.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '.'));
    words.filter_map(|word| evidence.nodes.iter().position(|node| node == word))
}

fn senders<'a>(witness: &Witness, evidence: &'a Evidence) -> impl Iterator<Item = usize> + 'a {
    let messages = messages_of(witness);
    let sent =
        evidence.seen.iter().filter(move |seen| matches!(&seen.what, What::Broadcast(m) if messages.contains(m)));
    sent.filter_map(|seen| seen.node)
}

/// Who sent what these nodes got, or should have got.
fn carriers(frames: &Frames, concerned: &[usize]) -> Vec<usize> {
    let arrived = frames.arrived.iter().filter(|((_, to), _)| concerned.contains(to));
    let first = arrived.flat_map(|(_, frames)| frames.iter().take(2).map(|frame| frame.from));
    let lost = frames.lost.iter().filter(|((_, to), _)| concerned.contains(to));
    let lost = lost.flat_map(|(_, lost)| lost.iter().map(|lost| lost.first.from));
    let before = frames.last_before.iter().flatten().map(|frame| frame.from);
    before.chain(first).chain(lost).collect()
}
