//! Layers: algorithms without IO, which stack as in the lectures (FIFO over eager reliable over reliable links).
//!
//! A layer takes a request from above, a packet from below, a time-out, or its stable records after a crash, and answers by
//! filling its outbox. It has no clock, no socket and no randomness of its own, so the same layer runs in a real process, in
//! lockstep and in a simulation. The contract with whoever runs it, after etcd/raft's `Ready`: **what a step stores is
//! durable before anything else of that step leaves the node, and what leaves, leaves in the order of the outbox.**

use serde::Deserialize;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::packet::{Packet, Payload};

/// Nanoseconds since the node began.
pub type Nanos = u64;

/// For whom a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Every other node.
    Others,
    /// One node.
    One(NodeId),
}

/// One layer of a stack.
pub trait Layer {
    /// The layer above (or the application) asks to send or to broadcast a packet. A broadcast layer is asked for
    /// [`To::Others`], and delivers to its own node too.
    fn request(&mut self, to: To, packet: Packet, cx: &mut Context<'_>);

    /// The layer below (or the network) has a packet from another node, or, above a broadcast layer, from this node itself.
    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>);

    /// The node's life begins; nothing has been received or asked for yet.
    fn start(&mut self, cx: &mut Context<'_>) {
        let _ = cx;
    }

    /// A timer that this layer set has run out.
    fn timeout(&mut self, timer: u32, cx: &mut Context<'_>) {
        let _ = (timer, cx);
    }

    /// The node is back after a crash; these are the records that this layer had stored, in their order. Comes before
    /// [`Layer::start`], and not at all where nothing was stored.
    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        let _ = (records, cx);
    }

    /// Whether this layer keeps a log of what it has delivered on stable storage, and delivers all of it again after a crash, in
    /// the same order. What the layers above it make of it, they make of it again; so the messages of the application have positions.
    fn is_logged(&self) -> bool {
        false
    }

    /// What the application may read of this layer, at the top of a stack, and what it is called in the answer; `None` where that is what was delivered.
    fn read(&self) -> Option<(&'static str, Payload)> {
        None
    }

    /// Whether this layer, at the top of a stack, is who answers requests of this type, and not only broadcasts.
    fn takes(&self, kind: &str) -> bool {
        let _ = kind;
        false
    }

    /// Whether this layer, at the top of a stack, says itself when a request is taken for broadcast and when it is done
    /// ([`Context::taken`], [`Context::done`]). For any other, both are so as soon as it has been asked.
    fn answers_later(&self) -> bool {
        false
    }
}

/// What every layer may know.
#[derive(Clone, Debug)]
pub struct Identity {
    /// This node.
    pub me: NodeId,
    /// All nodes, this one included, in the order in which the cluster was named.
    pub nodes: Vec<NodeId>,
    /// Which life this is, from 1.
    pub incarnation: u32,
    /// What random choices are a function of, together with their purpose and subject.
    pub seed: u64,
    /// The planted bug, if any.
    pub bug: Option<Bug>,
}

/// What a layer wants done; in order.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Hand a packet to the layer below.
    Below(To, Packet),
    /// Hand a packet to the layer above, as coming from this node.
    Above(NodeId, Packet),
    /// Call [`Layer::timeout`] at this time; replaces an earlier time of the same timer.
    Timer(u32, Nanos),
    /// Say that the application's request to broadcast this message was taken.
    Taken(u64),
    /// Deliver a message to the application, at this position of the node's delivery log.
    DeliverAt(u64, u64),
    /// Answer the application's request to broadcast this message.
    Done(u64),
    /// Refuse the application's request to broadcast this message: why.
    Refuse(u64, String),
    /// Say that nobody knows what became of the application's request of this number: why.
    GiveUp(u64, String),
    /// Answer the application's request of this number with a value, and what it is called in the answer.
    Answer(u64, &'static str, Payload),
    /// Make a record durable.
    Store(Vec<u8>),
    /// Write a record that may still be lost when the node crashes before it next stores something.
    StoreLazily(Vec<u8>),
    /// Make these records durable in place of all that this layer stored before.
    Rewrite(Vec<Vec<u8>>),
    /// Tell an observer what happened.
    Indicate(Indication),
    /// Say in the node's log what could not be understood.
    Complain(String),
}

/// A layer's view of its node during one step, and its outbox.
#[derive(Debug)]
pub struct Context<'a> {
    /// Who this node is.
    pub identity: &'a Identity,
    /// The time of this step.
    pub now: Nanos,
    outbox: Vec<Wish>,
}

impl<'a> Context<'a> {
    /// A context with an empty outbox.
    pub fn new(identity: &'a Identity, now: Nanos) -> Self {
        Self { identity, now, outbox: Vec::new() }
    }

    /// This node.
    pub fn me(&self) -> NodeId {
        self.identity.me
    }

    /// The place of a node in the order in which the cluster was named; `None` for a stranger.
    pub fn place(&self, node: NodeId) -> Option<usize> {
        self.identity.nodes.iter().position(|known| *known == node)
    }

    /// Every other node.
    pub fn others(&self) -> impl Iterator<Item = NodeId> + use<'a> {
        let me = self.identity.me;
        self.identity.nodes.iter().copied().filter(move |node| *node != me)
    }

    /// Sends through the layer below.
    pub fn send(&mut self, to: To, packet: Packet) {
        self.outbox.push(Wish::Below(to, packet));
    }

    /// Delivers to the layer above.
    pub fn deliver(&mut self, from: NodeId, packet: Packet) {
        self.outbox.push(Wish::Above(from, packet));
    }

    /// Sets a timer; an earlier time of the same timer is forgotten.
    pub fn timer(&mut self, timer: u32, after: Nanos) {
        self.outbox.push(Wish::Timer(timer, self.now.saturating_add(after)));
    }

    /// Makes a record durable before anything else of this step leaves.
    pub fn store(&mut self, record: Vec<u8>) {
        self.outbox.push(Wish::Store(record));
    }

    /// Writes a record that is durable only once something is stored after it. Nothing that leaves the node may depend on it.
    pub fn store_lazily(&mut self, record: Vec<u8>) {
        self.outbox.push(Wish::StoreLazily(record));
    }

    /// Makes these records durable in place of all that this layer has stored so far: a log that was compacted.
    pub fn rewrite(&mut self, records: Vec<Vec<u8>>) {
        self.outbox.push(Wish::Rewrite(records));
    }

    /// Says that a request of the application was taken for broadcast; see [`Layer::answers_later`].
    pub fn taken(&mut self, message: u64) {
        self.outbox.push(Wish::Taken(message));
    }

    /// Delivers to the application at a position, from 1, of the node's delivery log, which outlives crashes. After a crash a
    /// node delivers again, at the same positions, whatever it can't know to have been seen.
    pub fn deliver_at(&mut self, position: u64, message: u64) {
        self.outbox.push(Wish::DeliverAt(position, message));
    }

    /// Answers a request of the application; see [`Layer::answers_later`].
    pub fn done(&mut self, message: u64) {
        self.outbox.push(Wish::Done(message));
    }

    /// Refuses a request of the application: it has had no effect, and never will.
    pub fn refuse(&mut self, message: u64, why: impl Into<String>) {
        self.outbox.push(Wish::Refuse(message, why.into()));
    }

    /// Gives a request of the application up: nobody knows whether it has had an effect, or will.
    pub fn give_up(&mut self, request: u64, why: impl Into<String>) {
        self.outbox.push(Wish::GiveUp(request, why.into()));
    }

    /// Tells an observer.
    pub fn indicate(&mut self, indication: Indication) {
        self.outbox.push(Wish::Indicate(indication));
    }

    /// Answers a request with a value: what it is called in the answer, and what it is.
    pub fn answer(&mut self, request: u64, (name, value): (&'static str, Payload)) {
        self.outbox.push(Wish::Answer(request, name, value));
    }

    /// Says in the node's log what could not be understood.
    pub fn complain(&mut self, what: String) {
        self.outbox.push(Wish::Complain(what));
    }

    /// Reads the layer's message out of a packet from below. One that can't be read is complained of, and left out.
    pub fn read<'p, T: Deserialize<'p>>(&mut self, from: NodeId, packet: &'p Packet) -> Option<T> {
        let read = packet.payload.read();
        read.map_err(|error| self.complain(format!("{from} sent what can't be read: {error}"))).ok()
    }

    /// Whether this bug is planted: the one line at the point where an algorithm deviates.
    pub fn bug(&self, bug: Bug) -> bool {
        self.identity.bug == Some(bug)
    }

    /// What was asked for in this step.
    pub fn into_outbox(self) -> Vec<Wish> {
        self.outbox
    }
}
