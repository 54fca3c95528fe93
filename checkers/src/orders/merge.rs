//! Whether there is one sequence of which each of some sequences is a part, and if there is none, why.
//!
//! Sequences are merged from their beginnings: a message may go next if it stands first in every sequence that has it still. What
//! is left when none may go contradicts itself: what stands first in one sequence stands behind another's first, and so on
//! in a circle (the topological sorting of Kahn 1962, of chains). O(1) for each delivery, and 2 bytes a message.

use std::collections::{BTreeMap, VecDeque};

use crate::ledger::messages::Id;
use crate::op::Node;

/// What one node delivered, in order; each message at most once.
#[derive(Clone, Copy, Debug)]
pub struct Sequence<'a> {
    /// Which node.
    pub node: Node,
    /// The beginning, which it has in common with others.
    pub common: &'a [Id],
    /// The rest.
    pub own: &'a [Id],
}

/// A step of a circle: this node delivered the first message before the second.
pub type Arc = (Id, Id, Node);

/// A circle of messages, the shortest among those where the merging of the sequences stops; none if they can be merged. All
/// places of messages are below `messages`.
pub fn circle(sequences: &[Sequence<'_>], messages: usize) -> Option<Vec<Arc>> {
    let firsts = merged(sequences, messages);
    let left: Vec<(usize, Id)> =
        firsts.iter().enumerate().filter_map(|(at, first)| Some((at, sequences[at].get(*first)?))).collect();
    let behind = behind(sequences, &firsts, &left);
    let circles = left.iter().filter_map(|(start, _)| way_back(*start, &behind));
    let shortest = circles.min_by_key(Vec::len)?;
    let first = |at: usize| sequences[at].get(firsts[at]).expect("a sequence of a circle is not at its end");
    let next = shortest.iter().skip(1).chain(shortest.first());
    // What stands first in a sequence stands behind the first of the next one there.
    let mut arcs: Vec<Arc> =
        shortest.iter().zip(next).map(|(at, next)| (first(*next), first(*at), sequences[*next].node)).collect();
    arcs.reverse();
    Some(arcs)
}

impl Sequence<'_> {
    fn len(&self) -> usize {
        self.common.len() + self.own.len()
    }

    fn get(&self, at: usize) -> Option<Id> {
        match at.checked_sub(self.common.len()) {
            None => Some(self.common[at]),
            Some(at) => self.own.get(at).copied(),
        }
    }
}

/// Merges as much as can be merged: how far each sequence has been used up.
fn merged(sequences: &[Sequence<'_>], messages: usize) -> Vec<usize> {
    // In how many sequences a message does not stand first yet.
    let mut waits: Vec<u16> = vec![0; messages];
    for sequence in sequences {
        (0..sequence.len()).filter_map(|at| sequence.get(at)).for_each(|id| waits[id.at()] += 1);
    }
    let mut firsts = vec![0; sequences.len()];
    let mut free = Vec::new();
    let mut comes_first = |id: Id, free: &mut Vec<Id>| {
        waits[id.at()] -= 1;
        if waits[id.at()] == 0 {
            free.push(id);
        }
    };
    sequences.iter().filter_map(|sequence| sequence.get(0)).for_each(|id| comes_first(id, &mut free));
    while let Some(id) = free.pop() {
        for (sequence, first) in sequences.iter().zip(&mut firsts) {
            if sequence.get(*first) == Some(id) {
                *first += 1;
                if let Some(next) = sequence.get(*first) {
                    comes_first(next, &mut free);
                }
            }
        }
    }
    firsts
}

/// For each sequence those in which its first message stands behind another one.
fn behind(sequences: &[Sequence<'_>], firsts: &[usize], left: &[(usize, Id)]) -> Vec<Vec<usize>> {
    let mut of: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    left.iter().for_each(|(at, first)| of.entry(*first).or_default().push(*at));
    let mut behind = vec![Vec::new(); sequences.len()];
    for (at, _) in left {
        let sequence = &sequences[*at];
        for id in (firsts[*at] + 1..sequence.len()).filter_map(|place| sequence.get(place)) {
            of.get(&id).into_iter().flatten().for_each(|blocked| behind[*blocked].push(*at));
        }
    }
    behind
}

/// A shortest way from `start` back to it, by breadth-first search: the places on it, `start` first.
fn way_back(start: usize, next: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut came: BTreeMap<usize, usize> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(at) = waiting.pop_front().filter(|_| !came.contains_key(&start)) {
        for to in &next[at] {
            came.entry(*to).or_insert_with(|| {
                waiting.push_back(*to);
                at
            });
        }
    }
    let mut way = vec![*came.get(&start)?];
    while way.last() != Some(&start) {
        way.push(came[way.last().expect("it has one place at least")]);
    }
    way.reverse();
    Some(way)
}

#[cfg(test)]
mod tests {
    use super::{Sequence, circle};
    use crate::ledger::messages::Id;
    use crate::op::Node;

    /// The circle among these sequences, each split somewhere, as `n1: 0 < 1`.
    fn found(sequences: &[&[u32]]) -> Option<Vec<String>> {
        let ids: Vec<Vec<Id>> = sequences.iter().map(|sequence| sequence.iter().map(|id| Id(*id)).collect()).collect();
        let split = ids.iter().enumerate().map(|(at, ids)| {
            let (common, own) = ids.split_at(ids.len().min(at));
            Sequence { node: Node(at as u16), common, own }
        });
        let arcs = circle(&split.collect::<Vec<_>>(), 10)?;
        Some(arcs.iter().map(|(m, m2, node)| format!("n{}: {} < {}", node.0 + 1, m.0, m2.0)).collect())
    }

    #[test]
    fn parts_of_one_sequence_are_merged() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[&[], &[3]]), None);
        assert_eq!(found(&[&[0, 1, 2, 3], &[1, 3, 4], &[0, 4, 5], &[2]]), None);
    }

    #[test]
    fn a_circle_is_told_step_by_step() {
        let steps = found(&[&[9, 0, 1], &[9, 1, 5, 2], &[2, 6, 0]]).expect("0 < 1 < 2 < 0");
        assert_eq!(steps, ["n1: 0 < 1", "n2: 1 < 2", "n3: 2 < 0"]);
    }

    #[test]
    fn the_shorter_of_two_circles_is_told() {
        let long: [&[u32]; 4] = [&[0, 1], &[1, 2], &[2, 3], &[3, 0]];
        assert_eq!(found(&long).map(|steps| steps.len()), Some(4));
        let both: [&[u32]; 5] = [&[0, 1], &[1, 2], &[2, 3], &[3, 0], &[2, 0]];
        assert_eq!(found(&both).map(|steps| steps.len()), Some(3));
    }
}
