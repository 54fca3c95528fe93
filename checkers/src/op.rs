//! An op: one line of a history, in memory.
//!
//! Names of nodes are interned ([`Node`] is a position in [`Names`]), and an op is small and mostly `Copy`-like: the three
//! hot kinds (a client's request, a node's `broadcast`, a node's `deliver`) need no allocation. Everything else keeps its
//! JSON value, for the few checkers that look at it.

/// The number of a message; the workload makes it unique within a run. At most 2^53 - 1, so that every JSON reader agrees.
pub type Message = u64;

/// The largest message number that a history may hold.
pub const MAX_MESSAGE: Message = (1 << 53) - 1;

/// A node, as its position in the history's [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u16);

impl Node {
    /// The position, for indexing.
    pub fn at(self) -> usize {
        usize::from(self.0)
    }
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// A client, by its number.
    Client(u32),
    /// A node reporting what it did itself.
    Node(Node),
    /// The part of the harness that injects faults and bounds the run.
    Nemesis,
}

/// How far an op has come (Jepsen's words).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asked for; written before the request leaves.
    Invoke,
    /// It happened.
    Ok,
    /// It definitely did not happen.
    Fail,
    /// An indication, or nobody knows whether it happened.
    Info,
}

/// What it was: `f` and `value` together.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A client's broadcast request to `node`, or its completion ([`Kind`] says which): `"f":"broadcast"` of a client.
    Request {
        /// The node that was asked.
        node: Node,
        /// The message.
        message: Message,
    },
    /// The node took a message for broadcast; this is its place in the sender's order.
    Broadcast(Message),
    /// The node delivered a message; `pos` (from 1) is its position in the delivery log in crash mode `recover`.
    Deliver {
        /// The message.
        message: Message,
        /// Position in the delivery log, counted from 1; absent in crash mode `stop`.
        pos: Option<std::num::NonZeroU32>,
    },
    /// A life of a node begins (1, 2, ...).
    Start {
        /// Which life this is.
        incarnation: u32,
    },
    /// The node says that it leads this term.
    Leader {
        /// The term, a number that every election raises.
        term: u64,
    },
    /// Anything else, with its value as it stood in the file: `exit`, `nonsense`, `silent`, the nemesis' ops, unknown ones.
    Other(Box<Other>),
}

/// The rare ops, kept as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// The op's `f`.
    pub f: String,
    /// The op's `value`, or null where there was none.
    pub value: serde_json::Value,
}

/// One line of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// 0, 1, 2, ... in the order of the file.
    pub index: u64,
    /// Nanoseconds since the run began; never falls.
    pub time: u64,
    /// Who did it.
    pub process: Process,
    /// How far it has come.
    pub kind: Kind,
    /// What it was.
    pub event: Event,
}

/// The names of the nodes of a history, in the order of its first line (or, without one, of appearance).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    names: Vec<String>,
}

impl Names {
    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no node at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of a node.
    pub fn name(&self, node: Node) -> &str {
        &self.names[node.at()]
    }

    /// The node of this name, if it is known.
    pub fn find(&self, name: &str) -> Option<Node> {
        let at = self.names.iter().position(|n| n == name)?;
        u16::try_from(at).ok().map(Node)
    }

    /// The node of this name, made known if need be; `None` when there are 65,536 already.
    pub fn intern(&mut self, name: &str) -> Option<Node> {
        if let Some(node) = self.find(name) {
            return Some(node);
        }
        self.push(name)
    }

    /// Makes a node known whose name no other node has; `None` when there are 65,536 already.
    pub(crate) fn push(&mut self, name: &str) -> Option<Node> {
        let node = Node(u16::try_from(self.names.len()).ok()?);
        self.names.push(name.to_owned());
        Some(node)
    }

    /// All nodes in order.
    pub fn iter(&self) -> impl Iterator<Item = (Node, &str)> {
        self.names.iter().enumerate().map(|(at, name)| (Node(at as u16), name.as_str()))
    }
}
