//! The world: one run in virtual time, and how it goes from one event to the next.
//!
//! One event is handled to its end before the next: an input is handed to a node, and what the node says takes effect in the
//! order in which it was said. What is due by the plan at one instant comes before what the network brings.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use temblor_node::journal::Files;
use temblor_workloads::chance::mix;

use super::agenda::Agenda;
use super::cluster::{Answer, Cluster, End, Frame, Input, Life, Said};
use super::nemesis::Nemesis;
use super::network::{Departure, Fate, LATENCY_MAX_NS, Network};
use crate::asked::Asked;
use crate::processes::{Due, FrameAnchor, Schedule, WAIT_NS, position};
use crate::proxy::trace::Trace;
use crate::script::{self, Script};

/// A request without an answer for so long ends as `info`.
const REQUEST_TIMEOUT_NS: u64 = 5_000_000_000;
/// A node is not woken earlier than so long after its last input, ns: it can't stop time.
const LOOKAHEAD_NS: u64 = 1_000_000;
/// A node that takes more inputs than this within a virtual millisecond spins.
const SPIN_MAX: u64 = 10_000;

/// One run.
pub struct World<'a, C: Cluster> {
    /// The plan, and what was made of it so far.
    pub script: Script<'a>,
    /// The time that everything here goes by, ns.
    pub now: Rc<Cell<u64>>,
    /// The nodes.
    pub cluster: C,
    /// The links between them.
    pub network: Network<C::Body>,
    /// The faults in force.
    pub nemesis: Nemesis,
    /// What is known of each node.
    pub seats: Vec<Seat<C::Body>>,
    /// What happens next.
    pub agenda: Agenda<Event<C::Body>>,
    /// Inputs that nodes have taken.
    pub inputs: u64,
    /// Sentences for the person who watches.
    pub notes: Vec<String>,
    /// The frames that entries of the plan wait for: which entry, which frame; its `nth` counts down.
    watches: Vec<(usize, FrameAnchor)>,
}

/// What is known of one node.
#[derive(Debug)]
pub struct Seat<B> {
    /// Which life this is, from 1.
    pub incarnation: u32,
    /// Whether it lives.
    pub up: bool,
    /// How many pauses are in force.
    pub pauses: u32,
    /// What came while it stood still.
    inbox: VecDeque<Input<B>>,
    /// What it had still to say when it was stopped in the middle of a step.
    unsaid: Option<Answer<B>>,
    /// How many bytes of each of its files it has reported to be durable.
    pub(super) synced: BTreeMap<String, u64>,
    /// How many inputs it has taken, in all of its lives.
    taken: u64,
    /// When it is to be woken; others on the agenda are out of date.
    wake: Option<u64>,
    /// Lines that were no envelope.
    pub(super) nonsense: u64,
    /// The millisecond of its last input, and how many inputs fell into it.
    pace: (u64, u64),
}

/// What happens at some time.
#[derive(Debug)]
pub enum Event<B> {
    /// A frame is at its receiver's.
    Arrival(Frame<B>, Fate),
    /// A node is woken, if this is still what it wants.
    Wake(usize, u32),
}

impl<B> Default for Seat<B> {
    fn default() -> Self {
        Self {
            incarnation: 0,
            up: false,
            pauses: 0,
            inbox: VecDeque::new(),
            unsaid: None,
            synced: BTreeMap::new(),
            taken: 0,
            wake: None,
            nonsense: 0,
            pace: (0, 0),
        }
    }
}

impl<'a, C: Cluster> World<'a, C> {
    /// A world in which no node lives yet.
    pub fn new(script: Script<'a>, (now, trace): (Rc<Cell<u64>>, Option<Trace>), cluster: C) -> Self {
        let network = Network::new(script.plan.seed, &script.plan.nodes, trace);
        let seats = script.plan.nodes.iter().map(|_| Seat::default()).collect();
        Self {
            script,
            now,
            cluster,
            network,
            nemesis: Nemesis::default(),
            seats,
            watches: Vec::new(),
            agenda: Agenda::default(),
            inputs: 0,
            notes: Vec::new(),
        }
    }

    /// Begins a life of a node.
    pub fn start(&mut self, node: usize) {
        let seat = &mut self.seats[node];
        seat.incarnation += 1;
        seat.up = true;
        let incarnation = seat.incarnation;
        let seed = mix(self.script.plan.seed, &[node as u64, u64::from(incarnation)]);
        self.script.recorder.node(self.script.name(node), "start", &BTreeMap::from([("incarnation", incarnation)]));
        let answer = self.cluster.start(node, Life { incarnation, seed, now_ns: self.now.get() });
        self.react(node, answer);
    }

    /// Goes on until it is `deadline_ns`, or nothing happens before that.
    pub fn run_until(&mut self, deadline_ns: u64) {
        loop {
            let planned = self.script.schedule.next_ns().unwrap_or(u64::MAX);
            let brought = self.agenda.next_ns().unwrap_or(u64::MAX);
            let next = planned.min(brought);
            if next > deadline_ns {
                break;
            }
            self.now.set(next.max(self.now.get()));
            if planned <= brought {
                self.act();
            } else if let Some(event) = self.agenda.pop() {
                self.happen(event);
            }
        }
        self.now.set(deadline_ns);
    }

    /// The main phase begins: what the plan has falls due from now on.
    pub fn open(&mut self, schedule: Schedule) {
        self.watches = schedule.frame_anchors().cloned().enumerate().collect();
        self.script.schedule = schedule;
    }

    /// Puts what leaves on the agenda.
    pub fn depart(&mut self, departures: Vec<Departure<C::Body>>) {
        for Departure { at_ns, tie, frame, fate } in departures {
            self.agenda.enter(at_ns, tie, Event::Arrival(frame, fate));
        }
    }

    /// A fault has been lifted on this link: if it was the last, what faults had kept there is kept no longer.
    pub fn hurry(&mut self, link: (usize, usize)) {
        if !self.network.is_clear(link) {
            return;
        }
        let soon_ns = self.now.get().saturating_add(LATENCY_MAX_NS);
        let kept = self.agenda.take(|at_ns, event| match event {
            Event::Arrival(frame, _) => at_ns > soon_ns && (frame.from, frame.to) == link,
            Event::Wake(..) => false,
        });
        let mut arrival_ns = self.network.hurry(link, self.now.get());
        for (tie, (_, event)) in (0..).zip(kept) {
            self.agenda.enter(arrival_ns(), tie, event);
        }
    }

    /// A node may go on: what came while it stood still is handed to it.
    pub fn resume(&mut self, node: usize) {
        if self.seats[node].pauses == 0
            && let Some(answer) = self.seats[node].unsaid.take()
        {
            self.react(node, answer);
        }
        while self.seats[node].pauses == 0
            && self.seats[node].up
            && let Some(input) = self.seats[node].inbox.pop_front()
        {
            self.take(node, input);
        }
    }

    /// Ends a life.
    pub fn exit(&mut self, node: usize, status: &str) {
        self.cluster.kill(node);
        let seat = &mut self.seats[node];
        (seat.up, seat.wake, seat.unsaid) = (false, None, None);
        seat.inbox.clear();
        self.script.exited(node, status);
    }

    /// Does what is due by now.
    fn act(&mut self) {
        while let Some(due) = self.script.schedule.pop(self.now.get()) {
            let plan = self.script.plan;
            match due {
                Due::Operation(_) if !self.script.clients.has_room(plan.clients_max) => {
                    self.script.schedule.push(self.now.get() + WAIT_NS, due);
                }
                Due::Operation(at) => {
                    let operation = &plan.operations[at];
                    self.ask(position(plan, &operation.node), Asked::of(operation));
                }
                Due::Rule(at) => {
                    let rule = &plan.rules[at];
                    self.ask(position(plan, &rule.node), Asked::Broadcast(rule.broadcast));
                }
                Due::Fault(at) => self.begin_fault(at),
                Due::Lift(id) => self.lift_fault(id),
                Due::Turn(id) => self.turn(id),
                Due::Timeout(client, msg_id) => self.script.timed_out(client, msg_id),
            }
        }
    }

    /// A client asks `node` for something.
    pub fn ask(&mut self, node: usize, asked: Asked) {
        let (client, pending) = self.script.ask(node, asked);
        if !self.seats[node].up {
            return self.script.unsent(client, "the node is down");
        }
        let msg_id = pending.msg_id;
        self.script.schedule.push(self.now.get() + REQUEST_TIMEOUT_NS, Due::Timeout(client, msg_id));
        self.hand(node, Input::Request { client, msg_id, asked });
    }

    fn happen(&mut self, event: Event<C::Body>) {
        match event {
            Event::Arrival(frame, fate) => {
                if self.network.arrived(self.now.get(), (&frame, fate), self.seats[frame.to].up) {
                    self.hand(frame.to, Input::Frame(frame));
                }
            }
            Event::Wake(node, incarnation) => {
                let seat = &self.seats[node];
                if seat.incarnation == incarnation && seat.wake.is_some_and(|wake| wake <= self.now.get()) {
                    self.seats[node].wake = None;
                    self.hand(node, Input::Wake);
                }
            }
        }
    }

    /// Hands an input to a node, or puts it aside while the node stands still. What is for a node that is down is lost.
    fn hand(&mut self, node: usize, input: Input<C::Body>) {
        match &mut self.seats[node] {
            seat if !seat.up => {}
            seat if seat.pauses > 0 => seat.inbox.push_back(input),
            _ => self.take(node, input),
        }
    }

    fn take(&mut self, node: usize, input: Input<C::Body>) {
        self.inputs += 1;
        let now = self.now.get();
        let awaiting = if self.nemesis.active.is_empty() { Vec::new() } else { self.awaiting_write(node) };
        let before = if awaiting.is_empty() { Files::new() } else { self.cluster.files(node).unwrap_or_default() };
        let answer = self.cluster.input(node, now, input);
        self.seats[node].taken += 1;
        if !awaiting.is_empty() && answer.end.is_none() && self.has_written(node, before) {
            // Nothing of what it says has left: what it says of a sync is not heard either.
            awaiting.into_iter().for_each(|id| self.go_on_rebooting(id));
            let points = self.script.schedule.within_input(node, self.seats[node].taken);
            for (_, delay_ns, due) in points {
                self.script.schedule.push(now + delay_ns, due);
            }
            return;
        }
        let points = self.script.schedule.within_input(node, self.seats[node].taken);
        if points.is_empty() {
            self.react(node, answer);
        } else {
            self.react_with_cuts(node, answer, points);
        }
        let pace = &mut self.seats[node].pace;
        *pace = if pace.0 == now / 1_000_000 { (pace.0, pace.1 + 1) } else { (now / 1_000_000, 1) };
        if pace.1 > SPIN_MAX && self.seats[node].up {
            let spins = format!("spins: more than {SPIN_MAX} inputs in a virtual millisecond");
            self.ended(node, End::Breach(spins));
        }
    }

    /// Whether an input has changed files of a node. What it replaced or removed is as before again: a crash in the middle of the
    /// input comes before that.
    fn has_written(&mut self, node: usize, before: Files) -> bool {
        let Ok(after) = self.cluster.files(node) else { return false };
        for (file, bytes) in before.iter().filter(|(file, bytes)| {
            let appended = |now: &Vec<u8>| now.starts_with(bytes);
            !after.get(*file).is_some_and(appended)
        }) {
            // Where that can't be done, the file is as the input left it.
            let _ = self.cluster.change(node, file, Some(bytes));
        }
        after != before
    }

    /// What a node said takes effect, in order.
    fn react(&mut self, node: usize, answer: Answer<C::Body>) {
        for said in answer.said {
            self.hear(node, said);
        }
        let wake = answer.wake.map(|wake| wake.max(self.now.get() + LOOKAHEAD_NS));
        let seat = &mut self.seats[node];
        if wake != seat.wake
            && let Some(at_ns) = wake
        {
            let tie = mix(self.script.plan.seed, &[node as u64, at_ns]);
            self.agenda.enter(at_ns, tie, Event::Wake(node, seat.incarnation));
        }
        seat.wake = wake;
        if let Some(end) = answer.end {
            self.ended(node, end);
        }
    }

    /// What a node said takes effect up to each cut, where something happens; what is left of it then may be nothing (it was
    /// killed) or come later (it was stopped).
    fn react_with_cuts(&mut self, node: usize, mut answer: Answer<C::Body>, mut points: Vec<(u32, u64, Due)>) {
        points.sort_by_key(|(cut, ..)| *cut);
        let life = self.seats[node].incarnation;
        let mut heard = 0;
        for (cut, delay_ns, due) in points {
            let more = (cut as usize).saturating_sub(heard).min(answer.said.len());
            heard += more;
            answer.said.drain(..more).collect::<Vec<_>>().into_iter().for_each(|said| self.hear(node, said));
            match due {
                Due::Fault(at) if delay_ns == 0 => self.begin_fault(at),
                due => self.script.schedule.push(self.now.get() + delay_ns, due),
            }
            // Started again at once, it is up; but what is left was an earlier life's to say.
            if !self.seats[node].up || self.seats[node].incarnation != life {
                return;
            }
        }
        if self.seats[node].pauses > 0 {
            self.seats[node].unsaid = Some(answer);
        } else {
            self.react(node, answer);
        }
    }

    fn hear(&mut self, node: usize, said: Said<C::Body>) {
        match said {
            Said::Frame(frame) => {
                self.look_out(&frame);
                let departures = self.network.send(self.now.get(), frame);
                self.depart(departures);
            }
            Said::Broadcast(message) => self.script.broadcast(node, message),
            Said::Deliver(message, position) => self.script.delivered(node, message, position),
            Said::Leader(term) => self.script.led(node, term),
            Said::Indication(kind, value) => {
                if let ("synced", Some((file, bytes))) = (kind.as_str(), synced(&value)) {
                    self.seats[node].synced.insert(file.to_owned(), bytes);
                }
                self.script.reported(node, &kind, &value);
            }
            Said::Done { client, in_reply_to } => self.script.answered(client, in_reply_to, script::Answer::Ok),
            Said::Told { client, in_reply_to, kind, body } => {
                self.script.answered(client, in_reply_to, script::Answer::Told(&kind, &body));
            }
            Said::Refused { client, in_reply_to, code, text } => {
                self.script.answered(client, in_reply_to, script::Answer::Error(code, &text));
            }
            Said::Unexpected { client, in_reply_to, kind } => {
                self.script.answered(client, in_reply_to, script::Answer::Other(&kind));
            }
            Said::Nonsense(line, why) => self.nonsense(node, (&line, &why)),
        }
    }

    /// Counts a frame that an entry of the plan waits for.
    fn look_out(&mut self, frame: &Frame<C::Body>) {
        let (schedule, now) = (&mut self.script.schedule, self.now.get());
        self.watches.retain_mut(|(at, anchor)| {
            if (anchor.from, anchor.to) != (frame.from, frame.to) || *anchor.key != *frame.key {
                return true;
            }
            anchor.nth -= 1;
            if anchor.nth == 0 {
                schedule.frame_seen(now, *at);
            }
            anchor.nth > 0
        });
    }
}

/// What a report of a sync says: which file, and how many bytes of it are durable.
fn synced(value: &serde_json::Value) -> Option<(&str, u64)> {
    Some((value.get("file")?.as_str()?, value.get("bytes")?.as_u64()?))
}
