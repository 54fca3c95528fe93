//! The nodes of a history: what each has delivered, and how its lives ended.

use super::bits::Bits;
use super::delivery_log::DeliveryLog;
use super::messages::Id;
use crate::op::Node;

/// The most nodes that are judged. A bit for each node and message must fit into memory, whatever the file says.
pub const MAX_NODES: usize = 1024;

/// Why a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The nemesis killed it.
    Kill,
    /// No fault did: it fell over by itself.
    Itself,
}

/// One node.
#[derive(Default)]
pub struct NodeState {
    /// What the life that is being judged has delivered.
    delivered: Bits,
    /// What its earlier lives delivered.
    earlier: Bits,
    /// What it has reported at which position (mode `recover`).
    pub log: DeliveryLog,
    /// How many lives have begun, as far as the file has been read.
    pub lives: u32,
    /// Whether an earlier life than the one that is being judged has ended.
    pub later_life: bool,
    /// How many lives a fault ended.
    pub crashes: u32,
    /// How many lives ended by themselves.
    pub falls: u32,
    /// The cause of the exit after which it was not started again.
    pub down: Option<Cause>,
    /// Whether, in its own order, the last life that owes anything is over: never in mode `recover`.
    pub gone: bool,
    /// Whether the file has a line of it.
    pub seen: bool,
}

impl NodeState {
    /// Whether it ever delivered this message.
    pub fn ever(&self, id: Id) -> bool {
        self.delivered.contains(id.at()) || self.earlier.contains(id.at())
    }

    /// What it ever delivered among the messages from 64 * `word` on, as bits.
    pub fn word(&self, word: usize) -> u64 {
        self.delivered.word(word) | self.earlier.word(word)
    }
}

/// All nodes that have come up, by their number.
#[derive(Default)]
pub struct Nodes {
    states: Vec<NodeState>,
    /// How many are gone.
    gone: usize,
    nobody: NodeState,
}

impl Nodes {
    /// A node; one that has not come up has done nothing.
    pub fn get(&self, node: Node) -> &NodeState {
        self.states.get(node.at()).unwrap_or(&self.nobody)
    }

    /// A node, to be changed.
    pub fn get_mut(&mut self, node: Node) -> &mut NodeState {
        assert!(node.at() < MAX_NODES, "the judge lets no more nodes in");
        if node.at() >= self.states.len() {
            self.states.resize_with(node.at() + 1, NodeState::default);
        }
        &mut self.states[node.at()]
    }

    /// All nodes that have come up.
    pub fn iter(&self) -> impl Iterator<Item = (Node, &NodeState)> {
        self.states.iter().enumerate().map(|(at, state)| (Node(at as u16), state))
    }

    /// How many nodes are gone.
    pub fn gone(&self) -> usize {
        self.gone
    }

    /// A node is gone.
    pub fn leave(&mut self, node: Node) {
        let news = !std::mem::replace(&mut self.get_mut(node).gone, true);
        self.gone += usize::from(news);
    }

    /// Notes a delivery; whether it is the first of this message in this life.
    #[inline]
    pub fn deliver(&mut self, node: Node, id: Id) -> bool {
        self.get_mut(node).delivered.insert(id.at())
    }

    /// Whether the life of this node that is being judged has delivered a message.
    #[inline]
    pub fn has(&self, node: Node, id: Id) -> bool {
        self.get(node).delivered.contains(id.at())
    }

    /// From here on a later life of this node is judged, which has delivered nothing yet.
    pub fn forget(&mut self, node: Node) {
        let state = self.get_mut(node);
        state.later_life = true;
        state.earlier.absorb(&mut state.delivered);
    }
}
