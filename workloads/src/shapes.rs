//! Shapes of partitions: functions from the node list to the directed links that are cut.
//!
//! A directed cut is the only primitive; everything that has a name is a set of them. The shapes are Jepsen's, and those of
//! the literature on partial partitions (Alfatafta et al. 2020).

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::plan::{AroundLeader, Direction, Link};

/// One line of the table.
#[derive(Debug)]
pub struct Shape {
    /// Its name in a plan.
    pub name: &'static str,
    /// Who is cut from whom.
    pub what: &'static str,
    /// The fewest nodes that it makes sense for.
    pub nodes_min: usize,
    /// Pairs of positions between which both links are cut; the first of each is inside the group that `in` and `out` mean.
    pub pairs: fn(usize, &mut ChaCha8Rng) -> Vec<(usize, usize)>,
}

/// Every shape whose links are known beforehand, in alphabetical order.
pub const SHAPES: &[Shape] = &[
    Shape { name: "bridge", what: "two halves, and one node that sees both", nodes_min: 3, pairs: bridge },
    Shape { name: "halves", what: "the first half and the second half", nodes_min: 2, pairs: halves },
    Shape { name: "isolate-one", what: "one node alone", nodes_min: 2, pairs: isolate_one },
    Shape {
        name: "majorities-ring",
        what: "every node sees a majority, no two see the same",
        nodes_min: 4,
        pairs: majorities_ring,
    },
    Shape {
        name: "majority-minority",
        what: "the smallest majority, and the rest",
        nodes_min: 3,
        pairs: majority_minority,
    },
    Shape { name: "minority", what: "some nodes, fewer than half, and the rest", nodes_min: 3, pairs: minority },
    Shape {
        name: "partial",
        what: "two nodes are cut from each other, all others see both",
        nodes_min: 2,
        pairs: partial,
    },
    Shape { name: "random-halves", what: "two halves drawn at random", nodes_min: 2, pairs: random_halves },
    Shape { name: "ring", what: "every node sees its two neighbours only", nodes_min: 4, pairs: ring },
];

/// The shapes around whoever leads when the partition is due.
pub const LEADER_SHAPES: &[(&str, &str)] = &[
    ("isolate-leader", "whoever leads, alone"),
    ("leader-with-minority", "whoever leads with fewer than half of the nodes, and the rest"),
];

/// The links that a shape cuts.
pub fn cut(shape: &Shape, (nodes, direction): (&[String], Direction), chance: &mut ChaCha8Rng) -> Vec<Link> {
    let named = |(a, b): (usize, usize)| (nodes[a].clone(), nodes[b].clone());
    directed(&(shape.pairs)(nodes.len(), chance), direction).into_iter().map(named).collect()
}

/// The links around whoever leads: between the leader's group and the rest.
pub fn around(nodes: &[String], leader: &str, around: &AroundLeader) -> Vec<Link> {
    let inside = |node: &&String| node.as_str() == leader || around.with.contains(node);
    let (group, rest): (Vec<&String>, Vec<&String>) = nodes.iter().partition(inside);
    let pairs: Vec<(&String, &String)> = group.iter().flat_map(|a| rest.iter().map(move |b| (*a, *b))).collect();
    directed(&pairs, around.direction).into_iter().map(|(a, b)| (a.clone(), b.clone())).collect()
}

fn directed<T: Copy>(pairs: &[(T, T)], direction: Direction) -> Vec<(T, T)> {
    let out = pairs.iter().copied().filter(|_| direction != Direction::In);
    let into = pairs.iter().map(|(a, b)| (*b, *a)).filter(|_| direction != Direction::Out);
    out.chain(into).collect()
}

fn between(group: &[usize], rest: &[usize]) -> Vec<(usize, usize)> {
    group.iter().flat_map(|a| rest.iter().map(move |b| (*a, *b))).collect()
}

fn shuffled(nodes: usize, chance: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..nodes).collect();
    order.shuffle(chance);
    order
}

fn split(order: &[usize], first: usize) -> Vec<(usize, usize)> {
    let (group, rest) = order.split_at(first);
    between(group, rest)
}

fn halves(nodes: usize, _: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    split(&(0..nodes).collect::<Vec<_>>(), nodes / 2)
}

fn random_halves(nodes: usize, chance: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    split(&shuffled(nodes, chance), nodes / 2)
}

fn isolate_one(nodes: usize, chance: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    split(&shuffled(nodes, chance), 1)
}

fn minority(nodes: usize, chance: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    let size = chance.random_range(1..=(nodes - 1) / 2);
    split(&shuffled(nodes, chance), size)
}

fn majority_minority(nodes: usize, chance: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    split(&shuffled(nodes, chance), nodes / 2 + 1)
}

fn bridge(nodes: usize, chance: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    let order = shuffled(nodes, chance);
    split(&order[1..], (nodes - 1) / 2)
}

fn partial(nodes: usize, chance: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    let order = shuffled(nodes, chance);
    vec![(order[0], order[1])]
}

fn ring(nodes: usize, chance: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    circle(&shuffled(nodes, chance), 1)
}

/// Each node keeps as many neighbours on either side as a majority needs.
fn majorities_ring(nodes: usize, chance: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    circle(&shuffled(nodes, chance), (nodes / 2).div_ceil(2))
}

/// Cuts every pair that is more than `reach` places apart on the circle.
fn circle(order: &[usize], reach: usize) -> Vec<(usize, usize)> {
    let nodes = order.len();
    let apart = |a: usize, b: usize| (b - a).min(nodes - (b - a));
    let pairs = (0..nodes).flat_map(|a| (a + 1..nodes).map(move |b| (a, b)));
    pairs.filter(|(a, b)| apart(*a, *b) > reach).map(|(a, b)| (order[a], order[b])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::{SHAPES, Shape, around, cut};
    use crate::plan::{AroundLeader, Direction};

    fn shape(name: &str) -> &'static Shape {
        SHAPES.iter().find(|shape| shape.name == name).unwrap()
    }

    /// For each node the nodes that it still sees, itself included.
    fn sees(name: &str, nodes: usize, seed: u64) -> Vec<BTreeSet<usize>> {
        let pairs = (shape(name).pairs)(nodes, &mut ChaCha8Rng::seed_from_u64(seed));
        let cut = |a: usize, b: usize| pairs.contains(&(a, b)) || pairs.contains(&(b, a));
        (0..nodes).map(|a| (0..nodes).filter(|b| a == *b || !cut(a, *b)).collect()).collect()
    }

    fn for_all(name: &str, property: impl Fn(usize, &[BTreeSet<usize>])) {
        for nodes in shape(name).nodes_min..=9 {
            (0..20).for_each(|seed| property(nodes, &sees(name, nodes, seed)));
        }
    }

    /// The distinct groups, when who sees whom splits the nodes.
    fn groups(sees: &[BTreeSet<usize>]) -> Vec<usize> {
        let distinct: BTreeSet<&BTreeSet<usize>> = sees.iter().collect();
        let mut sizes: Vec<usize> = distinct.iter().map(|group| group.len()).collect();
        sizes.sort_unstable();
        sizes
    }

    #[test]
    fn every_shape_cuts_something_wherever_it_makes_sense() {
        for shape in SHAPES {
            for_all(shape.name, |nodes, sees| assert!(sees.iter().any(|seen| seen.len() < nodes), "{}", shape.name));
        }
    }

    #[test]
    fn halves_are_two_groups_of_equal_size_or_nearly() {
        for name in ["halves", "random-halves"] {
            for_all(name, |nodes, sees| assert_eq!(groups(sees), groups_of(nodes / 2, nodes)));
        }
    }

    fn groups_of(first: usize, nodes: usize) -> Vec<usize> {
        let mut sizes = vec![first, nodes - first];
        sizes.sort_unstable();
        if sizes[0] == sizes[1] && nodes == 2 { vec![1, 1] } else { sizes }
    }

    #[test]
    fn isolate_one_leaves_one_alone() {
        for_all("isolate-one", |nodes, sees| assert_eq!(groups(sees), groups_of(1, nodes)));
    }

    #[test]
    fn a_minority_is_fewer_than_half() {
        for_all("minority", |nodes, sees| assert!(groups(sees)[0] * 2 < nodes));
        for_all("majority-minority", |nodes, sees| assert_eq!(*groups(sees).last().unwrap(), nodes / 2 + 1));
    }

    #[test]
    fn exactly_one_node_of_a_bridge_sees_everybody() {
        for_all("bridge", |nodes, sees| {
            assert_eq!(sees.iter().filter(|seen| seen.len() == nodes).count(), 1);
        });
    }

    #[test]
    fn in_a_majorities_ring_every_node_sees_a_majority_and_no_two_the_same() {
        for_all("majorities-ring", |nodes, sees| {
            assert!(sees.iter().all(|seen| seen.len() > nodes / 2));
            let distinct: BTreeSet<&BTreeSet<usize>> = sees.iter().collect();
            assert_eq!(distinct.len(), nodes);
        });
    }

    #[test]
    fn in_a_ring_every_node_sees_two_others() {
        for_all("ring", |_, sees| assert!(sees.iter().all(|seen| seen.len() == 3)));
    }

    #[test]
    fn a_partial_cut_separates_two_nodes_and_nobody_else() {
        for_all("partial", |nodes, sees| {
            assert_eq!(sees.iter().filter(|seen| seen.len() == nodes - 1).count(), 2);
        });
    }

    #[test]
    fn a_direction_cuts_half_of_the_links() {
        let nodes: Vec<String> = (1..=5).map(|n| format!("n{n}")).collect();
        let links = |direction| cut(shape("halves"), (&nodes, direction), &mut ChaCha8Rng::seed_from_u64(7));
        let (out, into) = (links(Direction::Out), links(Direction::In));
        assert_eq!(links(Direction::Both), [out.clone(), into.clone()].concat());
        assert!(out.iter().all(|(a, b)| into.contains(&(b.clone(), a.clone()))));
    }

    #[test]
    fn a_cut_around_the_leader_separates_its_group_from_the_rest() {
        let nodes: Vec<String> = (1..=5).map(|n| format!("n{n}")).collect();
        let with = AroundLeader { with: vec!["n2".to_owned()], direction: Direction::Out };
        let links = around(&nodes, "n4", &with);
        assert_eq!(links.len(), 6);
        assert!(links.iter().all(|(a, b)| ["n2", "n4"].contains(&a.as_str()) && !["n2", "n4"].contains(&b.as_str())));
    }
}
