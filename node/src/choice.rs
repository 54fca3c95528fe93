//! Random choices of a node, each a hash of what it is about: (seed, purpose, subject). The seed holds node and incarnation.
//!
//! There is no stream of random numbers, so one choice more or less changes no other, and a simulation chooses as a real process
//! does. The mixing step is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).

use crate::id::NodeId;
use crate::layer::Identity;

/// Up to `count` of these nodes, all choices equally likely, in the order of the list.
pub fn chosen(identity: &Identity, purpose: u64, subject: &[u64], (nodes, count): (&[NodeId], usize)) -> Vec<NodeId> {
    let state = subject.iter().fold(mix(identity.seed ^ mix(purpose)), |state, part| mix(state ^ mix(*part)));
    let mut ranked: Vec<(u64, NodeId)> = nodes.iter().map(|node| (mix(state ^ u64::from(node.0)), *node)).collect();
    ranked.sort_unstable();
    ranked.truncate(count);
    let mut chosen: Vec<NodeId> = ranked.into_iter().map(|(_, node)| node).collect();
    chosen.sort_unstable();
    chosen
}

/// A number below `limit`, all equally likely, such as how long a node waits before it stands for election.
pub fn number_below(identity: &Identity, purpose: u64, subject: &[u64], limit: u64) -> u64 {
    let state = subject.iter().fold(mix(identity.seed ^ mix(purpose)), |state, part| mix(state ^ mix(*part)));
    mix(state) % limit
}

fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::chosen;
    use crate::id::NodeId;
    use crate::layer::Identity;

    fn identity(seed: u64) -> Identity {
        Identity { me: NodeId(1), nodes: (1..=5).map(NodeId).collect(), incarnation: 1, seed, bug: None }
    }

    #[test]
    fn the_same_subject_gives_the_same_choice_and_every_node_is_chosen_as_often() {
        let (me, others) = (identity(7), (2..=5).map(NodeId).collect::<Vec<_>>());
        let mut counts: BTreeMap<NodeId, u32> = BTreeMap::new();
        for subject in 0..10_000 {
            let choice = chosen(&me, 1, &[subject], (&others, 3));
            assert_eq!(choice, chosen(&me, 1, &[subject], (&others, 3)));
            assert_eq!(choice.len(), 3);
            choice.into_iter().for_each(|node| *counts.entry(node).or_default() += 1);
        }
        // 7,500 each, give or take five standard deviations of 43.
        assert!(counts.values().all(|count| (7_285..=7_715).contains(count)), "{counts:?}");
    }

    #[test]
    fn purpose_seed_and_subject_all_matter_and_few_nodes_are_all_chosen() {
        let others: Vec<NodeId> = (2..=5).map(NodeId).collect();
        let choices = |seed: u64, purpose: u64| -> Vec<Vec<NodeId>> {
            (0..50).map(|subject| chosen(&identity(seed), purpose, &[subject], (&others, 2))).collect()
        };
        assert_ne!(choices(7, 1), choices(8, 1));
        assert_ne!(choices(7, 1), choices(7, 2));
        assert_eq!(chosen(&identity(7), 1, &[1], (&others, 9)), others);
    }
}
