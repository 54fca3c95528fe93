//! A network in memory, in virtual time: it drives real stacks, loses, doubles, delays and cuts what they send, pauses and
//! kills them. One seed, one run.
//!
//! Each test binary uses its own part of it.
#![allow(dead_code, reason = "every test binary includes this module and uses a part of it")]

pub mod properties;
pub mod replicas;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use temblor_node::algorithms::{self, Settings};
use temblor_node::bugs;
use temblor_node::id::NodeId;
use temblor_node::indication::Indication;
use temblor_node::layer::{Identity, Layer};
use temblor_node::packet::{Key, Packet, Payload};
use temblor_node::records::Records;
use temblor_node::rpc::Charge;
use temblor_node::stack::{Output, Stack, Stored};

/// A millisecond of virtual time.
pub const MS: u64 = 1_000_000;
/// A frame takes so long at least, ns.
const LATENCY: u64 = 200_000;
/// And up to so much more: frames overtake each other.
const JITTER: u64 = 400_000;

/// A directed link.
pub type Link = (u32, u32);

/// Builds the layers of a node.
type Build = Box<dyn Fn() -> Vec<Box<dyn Layer>>>;

/// A cluster n1, n2, ... and all that is on its way.
pub struct Network {
    pub now: u64,
    pub nodes: BTreeMap<u32, Node>,
    pub cut: BTreeSet<Link>,
    pub doubled: BTreeSet<Link>,
    /// Of a thousand frames so many are lost.
    pub loss_permille: u64,
    /// Every frame that was sent, whatever became of it.
    pub sent: Vec<Sent>,
    queue: BTreeMap<(u64, u64), Event>,
    chance: u64,
    events: u64,
    /// How to build a stack, and the planted bug.
    plan: (Build, Option<bugs::Bug>),
}

/// One node and what it has told.
pub struct Node {
    pub stack: Stack,
    pub state: State,
    pub broadcast: Vec<u64>,
    pub delivered: Vec<u64>,
    /// Its delivery log, where it keeps one: of all its lives.
    pub log: BTreeMap<u64, u64>,
    /// Requests that it has answered, and refused.
    pub done: Vec<u64>,
    pub refused: Vec<u64>,
    /// Requests that it has given up.
    pub given_up: Vec<u64>,
    /// With the times at which they were made.
    pub indications: Vec<(u64, Indication)>,
    pub complaints: Vec<String>,
    /// What is on stable storage, and how much of that is durable.
    pub disk: Records,
    pub durable: usize,
    incarnation: u32,
    wake: Option<u64>,
    /// What came while the node was paused.
    waiting: Vec<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Up,
    Paused,
    Killed,
    /// It ended by itself.
    Fell,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub link: Link,
    pub key: String,
    pub body: String,
}

#[derive(Clone, Debug)]
enum Event {
    Frame { link: Link, key: String, body: String },
    Wake { node: u32, at: u64 },
}

/// A system of the table.
pub fn network(name: &str, over: Option<&str>, nodes: u32) -> Network {
    let algorithm = algorithms::system(name, over).unwrap();
    Network::of(|| (algorithm.build)(Settings::default()), nodes, None)
}

/// A system of the table with a planted bug.
pub fn network_with(bug: &str, nodes: u32) -> Network {
    let entry = bugs::find(bug).unwrap();
    let algorithm = algorithms::system(entry.algorithm, None).unwrap();
    Network::of(|| (algorithm.build)(Settings::default()), nodes, Some(entry.bug))
}

impl Network {
    pub fn of(build: impl Fn() -> Vec<Box<dyn Layer>> + 'static, count: u32, bug: Option<bugs::Bug>) -> Network {
        let nodes: Vec<NodeId> = (1..=count).map(NodeId).collect();
        let identity = |me: NodeId| Identity { me, nodes: nodes.clone(), incarnation: 1, seed: u64::from(me.0), bug };
        let node = |me: &NodeId| (me.0, Node::new(Stack::new(identity(*me), build())));
        let mut network = Network {
            now: 0,
            nodes: nodes.iter().map(node).collect(),
            cut: BTreeSet::new(),
            doubled: BTreeSet::new(),
            loss_permille: 0,
            sent: Vec::new(),
            queue: BTreeMap::new(),
            chance: 1,
            events: 0,
            plan: (Box::new(build), bug),
        };
        nodes.iter().for_each(|node| network.step(node.0, Stack::start));
        network
    }

    /// Begins the next life of a node that was killed, with what it had stored.
    pub fn restart(&mut self, at: u32) {
        let nodes = self.nodes.keys().copied().map(NodeId).collect();
        let layers = (self.plan.0)();
        let (bug, node) = (self.plan.1, self.nodes.get_mut(&at).unwrap());
        assert!(matches!(node.state, State::Killed | State::Fell), "n{at} is up");
        node.incarnation += 1;
        let incarnation = node.incarnation;
        let seed = u64::from(at) << 32 | u64::from(incarnation);
        node.stack = Stack::new(Identity { me: NodeId(at), nodes, incarnation, seed, bug }, layers);
        (node.state, node.wake) = (State::Up, None);
        node.waiting.clear();
        let records = node.disk.clone();
        if !records.is_empty() {
            self.step(at, |stack, now| stack.recover(now, records));
        }
        self.step(at, Stack::start);
    }

    /// Kills a node, and takes from its disk what it had not made durable.
    pub fn kill_and_lose(&mut self, at: u32) {
        self.kill(at);
        let node = self.node(at);
        node.disk.truncate(node.durable);
    }

    /// The same system with other chances.
    pub fn seeded(mut self, seed: u64) -> Network {
        self.chance = seed.wrapping_mul(2).wrapping_add(1);
        self
    }

    pub fn broadcast(&mut self, node: u32, message: u64) {
        self.step(node, |stack, now| stack.broadcast(now, message));
    }

    /// The application asks a node for a charge.
    pub fn charge(&mut self, node: u32, charge: Charge) {
        let packet = Packet { key: Key::new("charge", charge.charge), payload: Payload::encode(&charge) };
        self.step(node, |stack, now| stack.ask(now, packet));
    }

    /// A frame that nobody sent.
    pub fn forge(&mut self, link: Link, body: &str) {
        self.arrive(Event::Frame { link, key: "forged".to_owned(), body: body.to_owned() });
    }

    pub fn cut(&mut self, links: &[Link]) {
        self.cut.extend(links);
    }

    pub fn mend(&mut self, links: &[Link]) {
        self.cut.retain(|link| !links.contains(link));
    }

    pub fn kill(&mut self, node: u32) {
        self.node(node).state = State::Killed;
        self.node(node).waiting.clear();
    }

    pub fn pause(&mut self, node: u32) {
        if self.node(node).state == State::Up {
            self.node(node).state = State::Paused;
        }
    }

    pub fn resume(&mut self, node: u32) {
        if self.node(node).state == State::Paused {
            self.node(node).state = State::Up;
            let waiting = std::mem::take(&mut self.node(node).waiting);
            waiting.into_iter().for_each(|event| self.arrive(event));
        }
    }

    /// All faults end; what is dead stays dead.
    pub fn heal(&mut self) {
        self.cut.clear();
        self.doubled.clear();
        self.loss_permille = 0;
        let nodes: Vec<u32> = self.nodes.keys().copied().collect();
        nodes.into_iter().for_each(|node| self.resume(node));
    }

    /// Lets so much time pass.
    pub fn run_for(&mut self, span: u64) {
        let end = self.now + span;
        while let Some(event) = self.next_until(end) {
            self.arrive(event);
        }
        self.now = end;
    }

    /// Handles the next event, if one is due by `end`.
    pub fn step_until(&mut self, end: u64) -> bool {
        let next = self.next_until(end);
        next.map(|event| self.arrive(event)).is_some()
    }

    pub fn delivered(&self, node: u32) -> &[u64] {
        &self.nodes[&node].delivered
    }

    /// How many frames with this key have been sent on this link.
    pub fn count(&self, link: Link, key: &str) -> usize {
        self.sent.iter().filter(|sent| sent.link == link && sent.key == key).count()
    }

    fn next_until(&mut self, end: u64) -> Option<Event> {
        let entry = self.queue.first_entry().filter(|entry| entry.key().0 <= end)?;
        self.now = self.now.max(entry.key().0);
        Some(entry.remove())
    }

    fn arrive(&mut self, event: Event) {
        let at = match &event {
            Event::Frame { link, .. } => link.1,
            Event::Wake { node, .. } => *node,
        };
        match (self.node(at).state, event) {
            (State::Paused, event) => self.node(at).waiting.push(event),
            (State::Up, Event::Frame { link, key, body }) => {
                let body: Box<serde_json::value::RawValue> = serde_json::from_str(&body).unwrap();
                let packet = Packet { key: Key::from_wire(&key), payload: Payload::from_wire(&body) };
                self.step(at, |stack, now| stack.receive(now, NodeId(link.0), packet));
            }
            (State::Up, Event::Wake { at: due, .. }) if self.node(at).wake == Some(due) => {
                self.node(at).wake = None;
                self.step(at, Stack::wake);
            }
            (State::Up | State::Killed | State::Fell, _) => {}
        }
    }

    fn step(&mut self, at: u32, act: impl FnOnce(&mut Stack, u64) -> Vec<Output>) {
        let now = self.now;
        let node = self.node(at);
        if node.state != State::Up {
            return;
        }
        let Ok(outputs) = catch_unwind(AssertUnwindSafe(|| act(&mut node.stack, now))) else {
            node.state = State::Fell;
            return;
        };
        for output in outputs {
            match output {
                Output::Send { to, key, body } => self.send((at, to.0), key.as_str(), body.raw().get()),
                Output::Broadcast(message) => self.node(at).broadcast.push(message),
                Output::Deliver(message, None) => self.node(at).delivered.push(message),
                Output::Deliver(message, Some(position)) => self.node(at).deliver_at(position, message),
                Output::Done(message) => self.node(at).done.push(message),
                Output::Refuse(message, _) => self.node(at).refused.push(message),
                Output::Answer(number, ..) => self.node(at).done.push(number),
                Output::GiveUp(message, _) => self.node(at).given_up.push(message),
                Output::Complain(what) => self.node(at).complaints.push(what),
                Output::Indicate(indication) => self.node(at).indications.push((now, indication)),
                Output::Store(stored) => self.node(at).store(stored),
            }
        }
        self.rearm(at);
    }

    fn rearm(&mut self, at: u32) {
        let next = self.node(at).stack.next_wake();
        if next != self.node(at).wake {
            self.node(at).wake = next;
            if let Some(due) = next {
                self.enqueue(due.max(self.now), Event::Wake { node: at, at: due });
            }
        }
    }

    fn send(&mut self, link: Link, key: &str, body: &str) {
        let frame = Event::Frame { link, key: key.to_owned(), body: body.to_owned() };
        self.sent.push(Sent { link, key: key.to_owned(), body: body.to_owned() });
        if self.cut.contains(&link) || self.draw(1000) < self.loss_permille {
            return;
        }
        for _ in 0..=usize::from(self.doubled.contains(&link)) {
            let due = self.now + LATENCY + self.draw(JITTER);
            self.enqueue(due, frame.clone());
        }
    }

    fn enqueue(&mut self, due: u64, event: Event) {
        self.events += 1;
        self.queue.insert((due, self.events), event);
    }

    /// A number below `limit` (SplitMix64).
    pub fn draw(&mut self, limit: u64) -> u64 {
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn node(&mut self, node: u32) -> &mut Node {
        self.nodes.get_mut(&node).unwrap()
    }
}

impl Node {
    fn new(stack: Stack) -> Node {
        Node {
            stack,
            state: State::Up,
            broadcast: vec![],
            delivered: vec![],
            log: BTreeMap::new(),
            done: vec![],
            refused: vec![],
            given_up: vec![],
            indications: vec![],
            complaints: vec![],
            disk: vec![],
            durable: 0,
            incarnation: 1,
            wake: None,
            waiting: vec![],
        }
    }

    /// A position holds one message, in all lives of a node.
    fn deliver_at(&mut self, position: u64, message: u64) {
        let there = *self.log.entry(position).or_insert(message);
        assert_eq!(there, message, "position {position}");
    }

    fn store(&mut self, stored: Stored) {
        let lazy = matches!(stored, Stored::Lazy(..));
        match stored {
            Stored::Record(layer, record) | Stored::Lazy(layer, record) => self.disk.push((layer, record)),
            Stored::Instead(layer, records) => {
                self.disk.retain(|(of, _)| *of != layer);
                self.disk.extend(records.into_iter().map(|record| (layer, record)));
            }
        }
        self.durable = if lazy { self.durable } else { self.disk.len() };
    }
}
