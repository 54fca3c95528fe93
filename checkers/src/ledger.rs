//! The ledger: what the file has said so far, in the form in which every checker needs it.
//!
//! It holds a few bytes a message (its number, its sender, its rank in the sender's stream, and a bit for each node that
//! delivered it), and nothing of a line beyond that: the lines that prove a violation are found again by a second reading.

pub mod answers;
pub mod bits;
pub mod calm;
pub mod delivery_log;
pub mod faults;
pub mod messages;
pub mod nodes;
pub mod payments;
pub mod recovery;
pub mod replicas;
pub mod replicated_log;
mod runs;
pub mod streams;

use crate::header::{Acknowledges, Crashes};
use crate::op::{Message, Node};
use answers::Answers;
use bits::Bits;
use faults::Faults;
use messages::{Id, Mark, Messages};
use nodes::{Cause, Nodes};
use payments::Payments;
use recovery::Recovery;
use replicas::Replicas;
use streams::{Stream, Voice};

/// A message's place in its sender's order: the messages `first..after` of the sender's stream come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The sender.
    pub sender: Node,
    /// Which life of the sender, from 0.
    pub life: u8,
    /// The rank of the first message of the same life of the sender.
    pub first: u32,
    /// How many messages of the stream were there before it.
    pub after: u32,
}

/// What the file has said so far.
pub struct Ledger {
    /// What a crash means.
    pub crashes: Crashes,
    /// What an acknowledgement binds to.
    pub ok: Acknowledges,
    /// The messages.
    pub messages: Messages,
    /// The nodes.
    pub nodes: Nodes,
    /// What they say of their terms and logs.
    pub replicas: Replicas,
    /// What was to be charged, and what was.
    pub payments: Payments,
    /// What clients read, heard and were given.
    pub answers: Answers,
    /// What the nemesis did.
    pub faults: Faults,
    /// How long the service took to be back.
    pub recovery: Recovery,
    /// The messages of which some delivery at another node than the sender met a fault.
    pub disturbed: Bits,
    /// The highest term that anybody claimed to lead, and who did.
    pub led: Option<(u64, Vec<Node>)>,
    /// How many nodes the system has, where the history says so.
    pub size: Option<usize>,
    /// Whether nodes say that they delivered each other's messages in a circle, each before the other's broadcast.
    pub circular: bool,
    /// Whether a broadcast stood so far behind one of its deliveries that the wait for it had been given up.
    pub straggled: bool,
    streams: Vec<Stream>,
    /// Of the messages of silent senders, the rank of each in its stream, `u32::MAX` where there is none.
    acknowledged_at: Vec<u32>,
    no_stream: Stream,
}

impl Ledger {
    /// Nothing has been said yet.
    pub fn new(crashes: Crashes, ok: Acknowledges) -> Ledger {
        Ledger {
            crashes,
            ok,
            messages: Messages::new(),
            nodes: Nodes::default(),
            replicas: Replicas::default(),
            payments: Payments::default(),
            answers: Answers::default(),
            faults: Faults::default(),
            recovery: Recovery::default(),
            disturbed: Bits::default(),
            led: None,
            size: None,
            circular: false,
            straggled: false,
            streams: Vec::new(),
            acknowledged_at: Vec::new(),
            no_stream: Stream::default(),
        }
    }

    /// The messages of one sender, in its order.
    pub fn stream(&self, sender: Node) -> &Stream {
        self.streams.get(sender.at()).unwrap_or(&self.no_stream)
    }

    /// A message's place in its sender's order. `None` for a message that its sender never reported though it reports others,
    /// or of a life too late to be told apart from others.
    #[inline]
    pub fn place(&self, id: Id) -> Option<Place> {
        let entry = self.messages.get(id);
        let sender = entry.sender;
        let stream = self.stream(sender);
        let placed = match stream.voice {
            Voice::Reports => entry.is(Mark::Broadcast),
            Voice::Silent => entry.is(Mark::Invoked),
            Voice::Unheard => false,
        };
        if !placed {
            return None;
        }
        let first = stream.life_begins(entry.life)?;
        Some(Place { sender, life: entry.life, first, after: entry.after })
    }

    /// The rank of a message in its sender's stream. In a stream of acknowledgements a message without one has no rank.
    pub fn rank(&self, id: Id) -> Option<u32> {
        let place = self.place(id)?;
        match self.stream(place.sender).voice {
            Voice::Reports => Some(place.after),
            _ => self.acknowledged_at.get(id.at()).copied().filter(|rank| *rank != u32::MAX),
        }
    }

    /// Whether all that can be known of a message's place is known, so that a delivery of it can be judged.
    #[inline]
    pub fn settled(&self, id: Id) -> bool {
        let entry = self.messages.get(id);
        if entry.is(Mark::Told) || entry.is(Mark::GivenUp) {
            return true;
        }
        self.stream(entry.sender).voice == Voice::Silent
    }

    /// Whether a message counts as broadcast: its broadcast was reported, or its request acknowledged by a sender that the
    /// acknowledgement still binds (`taken` binds while the node stays up).
    pub fn counts_as_broadcast(&self, id: Id) -> bool {
        let entry = self.messages.get(id);
        let crashed = self.nodes.get(entry.sender).crashes > 0;
        let binding = self.ok == Acknowledges::Delivered || !crashed;
        entry.is(Mark::Broadcast) || entry.is(Mark::Acknowledged) && binding
    }

    /// Whether a node is faulty: a fault ended a life of it and (mode `recover`) it was not started again.
    pub fn faulty(&self, node: Node) -> bool {
        let state = self.nodes.get(node);
        match self.crashes {
            Crashes::Stop => state.crashes > 0,
            Crashes::Recover => state.down == Some(Cause::Kill),
        }
    }

    /// A client asked `node` to broadcast a message.
    pub fn invoked(&mut self, node: Node, message: Message) {
        let id = self.messages.named(message, node);
        let stream = stream_of(&mut self.streams, node);
        let entry = self.messages.get_mut(id);
        if entry.sender == node && entry.mark(Mark::Invoked) && stream.voice != Voice::Reports {
            (entry.after, entry.life) = (stream.len(), stream.life());
        }
    }

    /// A client was told `ok`. One for what nobody had asked for has no place in any order.
    pub fn acknowledged(&mut self, node: Node, message: Message) {
        let id = self.messages.named(message, node);
        let entry = self.messages.get_mut(id);
        let stream = stream_of(&mut self.streams, node);
        let news = entry.sender == node && entry.mark(Mark::Acknowledged);
        if !news || !entry.is(Mark::Invoked) || stream.voice == Voice::Reports {
            return;
        }
        if self.acknowledged_at.len() <= id.at() {
            self.acknowledged_at.resize(id.at() + 1, u32::MAX);
        }
        self.acknowledged_at[id.at()] = stream.len();
        stream.push(id);
    }

    /// A node reported a broadcast; gives the message if this is the report that counts.
    pub fn broadcast(&mut self, node: Node, message: Message) -> Option<Id> {
        let id = self.messages.named(message, node);
        let entry = self.messages.get_mut(id);
        if entry.sender != node || !entry.mark(Mark::Broadcast) {
            return None;
        }
        let stream = stream_of(&mut self.streams, node);
        if stream.voice == Voice::Unheard {
            stream.speaks();
        }
        self.straggled |= entry.is(Mark::GivenUp) || stream.voice == Voice::Silent;
        if stream.voice == Voice::Reports {
            (entry.after, entry.life) = (stream.len(), stream.life());
            stream.push(id);
        }
        Some(id)
    }

    /// Stops waiting for the broadcast of a message. A sender that has reported none so far is taken to report none.
    pub fn give_up(&mut self, id: Id) {
        let entry = self.messages.get_mut(id);
        // The broadcast itself waits at its sender: what it depends on is not known.
        self.straggled |= entry.is(Mark::Broadcast);
        let stream = stream_of(&mut self.streams, entry.sender);
        match stream.voice {
            Voice::Unheard => stream.voice = Voice::Silent,
            Voice::Reports => entry.give_up(),
            Voice::Silent => {}
        }
    }

    /// How many nodes may still deliver in a life that counts; `usize::MAX` where the history does not say which nodes there are.
    #[inline]
    pub fn staying(&self) -> usize {
        self.size.map_or(usize::MAX, |size| size.saturating_sub(self.nodes.gone()))
    }

    /// Whether every node of them has delivered a message.
    pub fn is_everywhere(&self, id: Id) -> bool {
        let staying = |node: &Node| !self.nodes.get(*node).gone;
        self.size.is_some_and(|size| (0..size as u16).map(Node).filter(staying).all(|node| self.nodes.has(node, id)))
    }

    /// In its own order, a node has come to the end of a life. In mode `stop` it has none after it that counts.
    pub fn left(&mut self, node: Node) {
        if self.crashes == Crashes::Stop {
            self.nodes.leave(node);
        }
    }

    /// A life begins; whether it is a later one. In mode `stop` its broadcasts are an order of their own.
    pub fn started(&mut self, node: Node) -> bool {
        let state = self.nodes.get_mut(node);
        state.lives += 1;
        let came_back = state.down.take().is_some();
        let later = came_back || state.lives > 1;
        if later {
            self.replicas.restarted(node);
        }
        if later && self.crashes == Crashes::Stop {
            stream_of(&mut self.streams, node).restarts();
        }
        later
    }

    /// A node said that it leads a term.
    pub fn led(&mut self, node: Node, term: u64) {
        match &mut self.led {
            Some((highest, _)) if *highest > term => {}
            Some((highest, leaders)) if *highest == term => {
                if !leaders.contains(&node) {
                    leaders.push(node);
                }
            }
            led => *led = Some((term, vec![node])),
        }
    }

    /// A life has ended.
    pub fn exited(&mut self, node: Node, cause: Cause) {
        let state = self.nodes.get_mut(node);
        state.down = Some(cause);
        match cause {
            Cause::Kill => state.crashes += 1,
            Cause::Itself => state.falls += 1,
        }
    }

    /// The file has ended: who has not reported a broadcast so far never will.
    pub fn close(&mut self) {
        for stream in &mut self.streams {
            if stream.voice == Voice::Unheard {
                stream.voice = Voice::Silent;
            }
        }
    }
}

fn stream_of(streams: &mut Vec<Stream>, node: Node) -> &mut Stream {
    if node.at() >= streams.len() {
        streams.resize_with(node.at() + 1, Stream::default);
    }
    &mut streams[node.at()]
}
