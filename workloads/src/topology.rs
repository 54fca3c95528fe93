//! The topology: which neighbours each node is told of, in the words of Maelstrom. The network itself stays complete; a node
//! may speak with whom it wants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A shape of neighbourhoods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// Everybody is everybody's neighbour.
    #[default]
    Total,
    /// Nodes in rows, as square as may be; neighbours are above, below, left and right.
    Grid,
    /// Nodes in one row.
    Line,
    /// A tree in which each node has at most two children.
    Tree2,
    /// The same with three.
    Tree3,
    /// The same with four.
    Tree4,
}

impl Topology {
    /// All of them.
    pub const ALL: &[Topology] =
        &[Topology::Total, Topology::Grid, Topology::Line, Topology::Tree2, Topology::Tree3, Topology::Tree4];

    /// Its name on the command line and in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Topology::Total => "total",
            Topology::Grid => "grid",
            Topology::Line => "line",
            Topology::Tree2 => "tree2",
            Topology::Tree3 => "tree3",
            Topology::Tree4 => "tree4",
        }
    }

    /// The topology of this name; Maelstrom's `tree` is `tree2`.
    pub fn find(name: &str) -> Option<Topology> {
        let name = if name == "tree" { "tree2" } else { name };
        Self::ALL.iter().copied().find(|topology| topology.name() == name)
    }

    /// Whether it is what goes without saying.
    pub fn is_default(&self) -> bool {
        *self == Topology::default()
    }

    /// The neighbours of each node, by name.
    pub fn neighbours(self, nodes: &[String]) -> BTreeMap<&str, Vec<&str>> {
        let of = |at: usize| {
            let near = (0..nodes.len()).filter(|other| *other != at && self.joins((at, *other), nodes.len()));
            near.map(|other| nodes[other].as_str()).collect()
        };
        (0..nodes.len()).map(|at| (nodes[at].as_str(), of(at))).collect()
    }

    /// Whether two nodes, by position, are neighbours among so many.
    fn joins(self, (a, b): (usize, usize), count: usize) -> bool {
        let (low, high) = (a.min(b), a.max(b));
        let is_parent = |children: usize| (high - 1) / children == low;
        match self {
            Topology::Total => true,
            Topology::Line => high - low == 1,
            Topology::Grid => {
                let side = (1..=count).find(|side| side * side >= count).unwrap_or(1);
                high - low == side || high - low == 1 && high % side != 0
            }
            Topology::Tree2 => is_parent(2),
            Topology::Tree3 => is_parent(3),
            Topology::Tree4 => is_parent(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Topology;

    fn told(topology: Topology, count: usize) -> Vec<String> {
        let nodes: Vec<String> = (1..=count).map(|n| format!("n{n}")).collect();
        let neighbours = topology.neighbours(&nodes);
        nodes.iter().map(|node| neighbours[node.as_str()].join(" ")).collect()
    }

    #[test]
    fn a_line_a_grid_and_a_tree_join_whom_they_should() {
        assert_eq!(told(Topology::Total, 3), ["n2 n3", "n1 n3", "n1 n2"]);
        assert_eq!(told(Topology::Line, 3), ["n2", "n1 n3", "n2"]);
        assert_eq!(told(Topology::Grid, 5), ["n2 n4", "n1 n3 n5", "n2", "n1 n5", "n2 n4"]);
        assert_eq!(told(Topology::Tree2, 5), ["n2 n3", "n1 n4 n5", "n1", "n2", "n2"]);
        assert_eq!(told(Topology::Tree4, 6), ["n2 n3 n4 n5", "n1 n6", "n1", "n1", "n1", "n2"]);
    }

    #[test]
    fn everybody_is_reached_and_neighbours_know_each_other() {
        for topology in Topology::ALL {
            for count in 1..=17 {
                let joined = |a: usize, b: usize| a != b && topology.joins((a, b), count);
                let mut reached = vec![0];
                for at in 0..count {
                    let Some(from) = reached.get(at).copied() else { break };
                    let new: Vec<usize> = (0..count).filter(|to| joined(from, *to) && !reached.contains(to)).collect();
                    reached.extend(new);
                }
                assert_eq!(reached.len(), count, "{topology:?}");
                assert!((0..count).all(|a| (0..count).all(|b| joined(a, b) == joined(b, a))));
            }
        }
    }
}
