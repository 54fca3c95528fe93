//! The stack: layers on top of each other, as one object that a runtime drives.
//!
//! Requests go down and packets go up through a queue, in the order in which the layers asked for them; what falls out at
//! the bottom is for the network, what comes out at the top is delivered to the application.

use std::collections::{BTreeMap, VecDeque};

use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, Identity, Layer, Nanos, To, Wish};
use crate::packet::{Key, Packet, Payload};

/// What a step of the node results in, in the order in which it may leave. Records are to be durable before anything else of
/// the step leaves.
#[derive(Clone, Debug)]
pub enum Output {
    /// A frame for another node.
    Send {
        /// The receiver.
        to: NodeId,
        /// The name of the protocol step.
        key: Key,
        /// The body of the envelope.
        body: Payload,
    },
    /// The node took a message for broadcast.
    Broadcast(u64),
    /// The node delivered a message, where it keeps a delivery log at this position.
    Deliver(u64, Option<u64>),
    /// The request to broadcast this message is done.
    Done(u64),
    /// The request to broadcast this message is refused: why.
    Refuse(u64, String),
    /// Nobody knows what became of the request of this number: why.
    GiveUp(u64, String),
    /// The answer to the request of this number: what it is called, and what it is.
    Answer(u64, &'static str, Payload),
    /// Something else for an observer.
    Indicate(Indication),
    /// Something for stable storage.
    Store(Stored),
    /// A line for the node's log.
    Complain(String),
}

/// What is written to stable storage for the layer at this place of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// One more record, durable before anything else of the step leaves.
    Record(u32, Vec<u8>),
    /// One more record, durable with the next that has to be.
    Lazy(u32, Vec<u8>),
    /// These records in place of all of this layer, durable before anything else of the step leaves.
    Instead(u32, Vec<Vec<u8>>),
}

/// Layers from top to bottom.
pub struct Stack {
    identity: Identity,
    layers: Vec<Box<dyn Layer>>,
    timers: BTreeMap<(usize, u32), Nanos>,
    /// The position of the last delivery, where a layer keeps a log.
    position: Option<u64>,
}

/// An event on its way through the stack.
enum Event {
    Start(usize),
    Request(usize, To, Packet),
    Receive(usize, NodeId, Packet),
    Timeout(usize, u32),
    Recover(usize, Vec<Vec<u8>>),
}

impl Stack {
    /// A stack of these layers, the top one first.
    pub fn new(identity: Identity, layers: Vec<Box<dyn Layer>>) -> Self {
        assert!(!layers.is_empty(), "a stack has at least one layer");
        let position = layers.iter().any(|layer| layer.is_logged()).then_some(0);
        Self { identity, layers, timers: BTreeMap::new(), position }
    }

    /// The node's life begins; the lower layers first.
    pub fn start(&mut self, now: Nanos) -> Vec<Output> {
        let mut outputs = Vec::new();
        for layer in (0..self.layers.len()).rev() {
            self.run(now, Event::Start(layer), &mut outputs);
        }
        outputs
    }

    /// The application broadcasts a message.
    pub fn broadcast(&mut self, now: Nanos, message: u64) -> Vec<Output> {
        let later = self.layers[0].answers_later();
        let mut outputs = if later { Vec::new() } else { vec![Output::Broadcast(message)] };
        self.run(now, Event::Request(0, To::Others, Packet::application(message)), &mut outputs);
        if !later {
            outputs.push(Output::Done(message));
        }
        outputs
    }

    /// The application asks for something else than a broadcast; the top layer knows what.
    pub fn ask(&mut self, now: Nanos, packet: Packet) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.run(now, Event::Request(0, To::Others, packet), &mut outputs);
        outputs
    }

    /// What the application may read, and what it is called in the answer; `None` where that is what was delivered.
    pub fn read(&self) -> Option<(&'static str, Payload)> {
        self.layers[0].read()
    }

    /// Whether requests of this type are for [`Stack::ask`].
    pub fn takes(&self, kind: &str) -> bool {
        self.layers[0].takes(kind)
    }

    /// The network has a frame from another node.
    pub fn receive(&mut self, now: Nanos, from: NodeId, packet: Packet) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.run(now, Event::Receive(self.layers.len() - 1, from, packet), &mut outputs);
        outputs
    }

    /// It is `now`: timers that have run out by now fire, in the order of their times.
    pub fn wake(&mut self, now: Nanos) -> Vec<Output> {
        let mut outputs = Vec::new();
        while let Some((layer, timer)) = self.due(now) {
            self.timers.remove(&(layer, timer));
            self.run(now, Event::Timeout(layer, timer), &mut outputs);
        }
        outputs
    }

    /// The node is back after a crash, with these records: each with the place of the layer that stored it. Comes before
    /// [`Stack::start`].
    pub fn recover(&mut self, now: Nanos, records: Vec<(u32, Vec<u8>)>) -> Vec<Output> {
        let mut outputs = Vec::new();
        // The lower layers first: an upper one may already use them.
        for layer in (0..self.layers.len()).rev() {
            let own = records.iter().filter(|(place, _)| *place as usize == layer);
            let own = own.map(|(_, record)| record.clone()).collect();
            self.run(now, Event::Recover(layer, own), &mut outputs);
        }
        outputs
    }

    /// When [`Stack::wake`] is to be called next.
    pub fn next_wake(&self) -> Option<Nanos> {
        self.timers.values().min().copied()
    }

    fn due(&self, now: Nanos) -> Option<(usize, u32)> {
        let due = self.timers.iter().filter(|(_, at)| **at <= now);
        due.min_by_key(|(timer, at)| (**at, **timer)).map(|(timer, _)| *timer)
    }

    fn run(&mut self, now: Nanos, first: Event, outputs: &mut Vec<Output>) {
        let mut queue = VecDeque::from([first]);
        while let Some(event) = queue.pop_front() {
            let mut cx = Context::new(&self.identity, now);
            let at = match event {
                Event::Start(at) => {
                    self.layers[at].start(&mut cx);
                    at
                }
                Event::Request(at, to, packet) => {
                    self.layers[at].request(to, packet, &mut cx);
                    at
                }
                Event::Receive(at, from, packet) => {
                    self.layers[at].receive(from, packet, &mut cx);
                    at
                }
                Event::Timeout(at, timer) => {
                    self.layers[at].timeout(timer, &mut cx);
                    at
                }
                Event::Recover(at, records) => {
                    self.layers[at].recover(&records, &mut cx);
                    at
                }
            };
            let wishes = cx.into_outbox();
            wishes.into_iter().for_each(|wish| self.grant(at, wish, (&mut queue, outputs)));
        }
    }

    fn grant(&mut self, at: usize, wish: Wish, (queue, outputs): (&mut VecDeque<Event>, &mut Vec<Output>)) {
        match wish {
            Wish::Below(to, packet) if at + 1 < self.layers.len() => {
                queue.push_back(Event::Request(at + 1, to, packet))
            }
            Wish::Below(to, packet) => self.transmit(to, &packet, outputs),
            Wish::Above(from, packet) if at > 0 => queue.push_back(Event::Receive(at - 1, from, packet)),
            Wish::Above(from, packet) => {
                // What comes out at the top is what went in there: the number of a message.
                outputs.push(match packet.payload.read() {
                    Ok(message) => {
                        self.position = self.position.map(|position| position + 1);
                        Output::Deliver(message, self.position)
                    }
                    Err(error) => Output::Complain(format!("{from} sent what is no message: {error}")),
                });
            }
            Wish::Timer(timer, time) => {
                self.timers.insert((at, timer), time);
            }
            Wish::Taken(message) => outputs.push(Output::Broadcast(message)),
            Wish::DeliverAt(position, message) => outputs.push(Output::Deliver(message, Some(position))),
            Wish::Done(message) => outputs.push(Output::Done(message)),
            Wish::Refuse(message, why) => outputs.push(Output::Refuse(message, why)),
            Wish::GiveUp(request, why) => outputs.push(Output::GiveUp(request, why)),
            Wish::Answer(request, name, value) => outputs.push(Output::Answer(request, name, value)),
            Wish::Store(record) => outputs.push(Output::Store(Stored::Record(at as u32, record))),
            Wish::StoreLazily(record) => outputs.push(Output::Store(Stored::Lazy(at as u32, record))),
            Wish::Rewrite(records) => outputs.push(Output::Store(Stored::Instead(at as u32, records))),
            Wish::Indicate(indication) => outputs.push(Output::Indicate(indication)),
            Wish::Complain(what) => outputs.push(Output::Complain(what)),
        }
    }

    /// Frames for the network; it is the fair-loss link of the lectures.
    fn transmit(&self, to: To, packet: &Packet, outputs: &mut Vec<Output>) {
        let me = self.identity.me;
        let receivers = self.identity.nodes.iter().copied().filter(|node| match to {
            To::Others => *node != me,
            To::One(one) => *node == one && one != me,
        });
        outputs.extend(receivers.map(|to| {
            let (key, body) = (packet.key.clone(), packet.payload.clone());
            Output::Send { to, key, body }
        }));
    }
}
