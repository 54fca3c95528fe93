//! The cluster: nodes that do nothing but answer one input at a time.
//!
//! What makes a run repeatable is that a node is a function of its inputs. Whether it is a stack in this process or a process
//! that keeps the contract of a virtual clock (PROTOCOL.md) makes no difference to the world around it.

use std::io;

use serde_json::Value;
use temblor_node::journal::Files;

use crate::asked::Asked;

/// Nodes by their positions in the plan.
pub trait Cluster {
    /// What a frame carries.
    type Body: Clone;

    /// Begins a life of `node`, at time `now_ns`; its first input is `init`.
    fn start(&mut self, node: usize, life: Life) -> Answer<Self::Body>;

    /// Hands an input to a node that is alive.
    fn input(&mut self, node: usize, now_ns: u64, input: Input<Self::Body>) -> Answer<Self::Body>;

    /// Ends the life of a node, as SIGKILL does.
    fn kill(&mut self, node: usize);

    /// The files of a node that is down, or does nothing.
    ///
    /// # Errors
    /// They can't be read.
    fn files(&self, node: usize) -> io::Result<Files>;

    /// Whether a node reports its syncs: what it has not reported is not durable then.
    fn reports_syncs(&self, node: usize) -> bool;

    /// Changes a file of a node that is down, or about to be; `None` removes it.
    ///
    /// # Errors
    /// It can't be changed.
    fn change(&mut self, node: usize, file: &str, bytes: Option<&[u8]>) -> io::Result<()>;

    /// What helps a person to see why a node's life has ended by itself, in sentences.
    fn records(&self, _node: usize) -> Vec<String> {
        Vec::new()
    }
}

/// A life that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Which of the node's lives, from 1.
    pub incarnation: u32,
    /// What random choices of this life are a function of.
    pub seed: u64,
    /// When it begins, ns.
    pub now_ns: u64,
}

/// What a node is told.
#[derive(Clone, Debug)]
pub enum Input<B> {
    /// A client asks for something.
    Request {
        /// The client.
        client: u32,
        /// The request's number.
        msg_id: u64,
        /// For what.
        asked: Asked,
    },
    /// A frame has arrived.
    Frame(Frame<B>),
    /// The time has come at which it wanted to be woken.
    Wake,
}

/// A frame between nodes.
#[derive(Clone, Debug)]
pub struct Frame<B> {
    /// Who sent it.
    pub from: usize,
    /// For whom it is.
    pub to: usize,
    /// The name of the protocol step.
    pub key: Box<str>,
    /// What it carries.
    pub body: B,
    /// Its length on the wire, bytes.
    pub bytes: usize,
}

/// What an input results in.
#[derive(Debug)]
pub struct Answer<B> {
    /// In the order in which it left.
    pub said: Vec<Said<B>>,
    /// When the node wants to be woken, ns.
    pub wake: Option<u64>,
    /// How the node's life has ended at this input, if it has.
    pub end: Option<End>,
}

impl<B> Answer<B> {
    /// An answer that says nothing.
    pub fn silence(end: Option<End>) -> Self {
        Self { said: Vec::new(), wake: None, end }
    }
}

/// One thing that left a node.
#[derive(Debug)]
pub enum Said<B> {
    /// A frame for a peer.
    Frame(Frame<B>),
    /// It took a message for broadcast.
    Broadcast(u64),
    /// It delivered a message, where it keeps a delivery log at this position.
    Deliver(u64, Option<u64>),
    /// It claims to lead a term.
    Leader(u64),
    /// Another indication: its name, and its value.
    Indication(String, Value),
    /// It answered a client: `broadcast_ok`, `charge_ok`.
    Done {
        /// The client.
        client: u32,
        /// The request's number.
        in_reply_to: u64,
    },
    /// It answered a client with a value: an echo, an id, what it has charged or delivered.
    Told {
        /// The client.
        client: u32,
        /// The request's number.
        in_reply_to: u64,
        /// The type of the reply.
        kind: String,
        /// Its body.
        body: Value,
    },
    /// It refused a client's request, with Maelstrom's code and a text.
    Refused {
        /// The client.
        client: u32,
        /// The request's number.
        in_reply_to: u64,
        /// Maelstrom's code.
        code: i64,
        /// Why.
        text: String,
    },
    /// It answered a client with something else.
    Unexpected {
        /// The client.
        client: u32,
        /// The request's number.
        in_reply_to: u64,
        /// What.
        kind: String,
    },
    /// It wrote what is no answer and no indication: an excerpt, and why.
    Nonsense(String, String),
}

/// How a life ended that no fault ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It exited.
    Exited {
        /// In the history's words, such as `code 101`.
        status: String,
        /// Its last words.
        why: String,
    },
    /// It did not answer, and was ended: why.
    Silent(String),
    /// It wrote more than this for one input, and was ended.
    Flood {
        /// Bytes.
        bytes: u64,
    },
    /// It did not keep the contract of a virtual clock, and was ended: what it did, in words that follow its name.
    Breach(String),
}
