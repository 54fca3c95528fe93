//! A link: one ordered pair of nodes. It decides what becomes of frames and counts what became of them.
//!
//! Control and connections meet here. Control changes the state in one go and rings the bells of the connections; a
//! connection asks for each frame that it reads. Neither ever waits for the other, so a heal can't hang on a receiver that
//! stands still, and the state is never borrowed across an `await`.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};

use temblor_workloads::link::{ActiveFault, Decision, Effect, Frame};
use temblor_workloads::plan::Mode;

use super::bell::{Bell, Cause};
use super::buffer::Buffer;
use super::counters::{Counters, Tally};
use super::frames;
use super::framing::Framing;
use super::policy::{Marks, Policy};
use super::queue::{After, Gate, Label};
use super::target::Target;
use super::trace::{Passage, Trace, What, ends};
use crate::clock::Clock;

/// What all links of a network share.
#[derive(Debug)]
pub struct Network {
    /// What chances are a function of.
    pub seed: u64,
    /// The run's clock.
    pub clock: Clock,
    /// Where frames are written down.
    pub trace: Trace,
    /// What every read goes into; what is in it is dealt with before anything else runs.
    pub scratch: RefCell<Vec<u8>>,
    /// How much may wait in the queue of one connection, bytes.
    pub queue_max: usize,
    /// Whether a task of the network has panicked.
    pub panicked: Cell<bool>,
    /// What a frame is.
    pub framing: Framing,
}

impl Network {
    fn count(&self, run: &[u8]) -> u64 {
        frames::count(self.framing, run)
    }
}

/// One ordered pair of nodes.
pub struct Link {
    /// The sender's position among the nodes.
    pub from: usize,
    /// The receiver's position.
    pub to: usize,
    /// Where the receiver listens.
    pub target: Rc<Target>,
    /// What all links share.
    pub network: Rc<Network>,
    /// The link the other way, where what is sent back on a connection is a frame of it.
    pub back: OnceCell<Weak<Link>>,
    ends: Box<[u8]>,
    state: RefCell<State>,
    bells: RefCell<Vec<Rc<Bell>>>,
    seen: RefCell<Vec<Call>>,
}

/// What is called when a frame that is watched for has come.
pub type Call = Box<dyn FnOnce()>;

#[derive(Default)]
struct State {
    policy: Policy,
    watches: Vec<Watch>,
    counters: Counters,
}

/// A frame anchor.
struct Watch {
    key: Box<[u8]>,
    /// How many more frames of this key have to come.
    missing: u64,
    call: Call,
}

impl Link {
    /// A link without faults, between the nodes at these positions and of these names.
    pub fn new((from, to): (usize, usize), names: (&str, &str), (network, target): (Rc<Network>, Rc<Target>)) -> Self {
        let (state, bells, seen) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { from, to, target, network, back: OnceCell::new(), ends: ends(names.0, names.1), state, bells, seen }
    }

    /// A fault begins. One that resets connections breaks those that are open, one that leaves them half open closes their
    /// receivers' sides.
    pub fn apply(&self, fault: ActiveFault) {
        let (id, effect) = (fault.id, fault.effect);
        self.state.borrow_mut().policy.add(fault);
        match effect {
            Effect::Cut(Mode::Reset) => {
                let broken = self.break_connections(Cause::Fault(id));
                self.state.borrow_mut().policy.close(id, broken);
            }
            Effect::HalfOpen => {
                let bells = self.bells.borrow();
                let open = bells.iter().filter(|bell| bell.cause().is_none());
                let closed = open.map(|bell| bell.set_adrift(id)).count() as u64;
                self.state.borrow_mut().policy.close(id, closed);
            }
            _ => self.ring(),
        }
    }

    /// A fault ends; gives what it did, or `None` if it was not in force here. Connections let go what it kept, and senders learn
    /// that theirs are gone.
    pub fn lift(&self, id: u32) -> Option<Marks> {
        let marks = self.state.borrow_mut().policy.remove(id)?;
        for bell in &*self.bells.borrow() {
            if bell.adrift() == Some(id) { bell.doom(Cause::Fault(id)) } else { bell.ring() }
        }
        Some(marks)
    }

    /// The faults in force.
    pub fn faults(&self) -> Vec<u32> {
        self.state.borrow().policy.ids().collect()
    }

    /// Has `call` called when the `nth` frame of this key from now on has been read, counted from 1.
    pub fn watch(&self, key: &str, nth: u64, call: Call) {
        assert!(nth > 0, "occurrences are counted from 1");
        self.state.borrow_mut().watches.push(Watch { key: key.as_bytes().into(), missing: nth, call });
    }

    /// Breaks every connection that is open now; gives how many those are.
    pub fn break_connections(&self, cause: Cause) -> u64 {
        let bells = self.bells.borrow();
        bells.iter().for_each(|bell| bell.doom(cause));
        bells.len() as u64
    }

    /// What went over the link.
    pub fn counters(&self) -> Counters {
        self.state.borrow().counters.clone()
    }

    /// Counts something.
    pub fn count(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.state.borrow_mut().counters.tally);
    }

    /// A connection has been accepted: its bell.
    pub fn enter(&self) -> Rc<Bell> {
        let bell = Rc::new(Bell::default());
        let half_open = self.state.borrow().policy.half_open();
        half_open.into_iter().for_each(|fault| bell.set_adrift(fault));
        self.bells.borrow_mut().push(Rc::clone(&bell));
        bell
    }

    /// A connection has ended.
    pub fn leave(&self, bell: &Rc<Bell>) {
        self.bells.borrow_mut().retain(|other| !Rc::ptr_eq(other, bell));
    }

    /// Whether every frame passes.
    pub fn is_clear(&self) -> bool {
        self.state.borrow().policy.is_clear()
    }

    /// Whether no frame passes or is kept.
    pub fn loses_all(&self) -> bool {
        self.state.borrow().policy.loses_all()
    }

    /// Takes note of whole frames that were read, whatever becomes of them.
    pub fn arrived(&self, run: &[u8]) {
        let state = &mut *self.state.borrow_mut();
        state.counters.tally.frames_in += self.network.count(run);
        state.counters.tally.bytes_in += run.len() as u64;
        if !state.watches.is_empty() {
            let calls = look_out(&mut state.watches, self.network.framing, run);
            self.seen.borrow_mut().extend(calls);
        }
    }

    /// Calls what waited for frames that have come. Whoever calls this borrows nothing of the network, since the called may
    /// well begin a fault.
    pub fn call_watchers(&self) {
        let calls = std::mem::take(&mut *self.seen.borrow_mut());
        calls.into_iter().for_each(|call| call());
    }

    /// Decides what becomes of whole frames, and queues those that go on or wait; gives why the connection has to break, if so.
    pub fn admit(&self, run: &[u8], in_ns: u64, buffer: &mut Buffer) -> Result<(), Cause> {
        let mut outcome = Ok(());
        self.decide(run, in_ns, |frame, decision| {
            if let Some((id, Mode::Reset)) = decision.blocked {
                outcome = outcome.and(Err(Cause::Fault(id)));
            }
            self.obey(decision, (frame, in_ns), buffer);
        });
        outcome
    }

    /// Frames have come on a connection that this fault has left half open: they go nowhere, and the faults in force see them.
    pub fn forget(&self, run: &[u8], in_ns: u64, fault: u32) {
        self.decide(run, in_ns, |_, _| {});
        self.write_off(run, in_ns, (fault, Mode::Drop));
    }

    /// Says of each frame what the faults in force do to it.
    fn decide(&self, run: &[u8], in_ns: u64, mut each: impl FnMut(&[u8], Decision)) {
        let mut hex = [0; 16];
        let keyed = self.state.borrow().policy.needs_key();
        for frame in frames::each(self.network.framing, run) {
            let key = if keyed { frames::key(frame, &mut hex) } else { b"" };
            let bytes = frame.len() as u64;
            let frame_on_link = Frame { from: self.from, to: self.to, key, bytes, at_ns: in_ns };
            let decision = self.state.borrow_mut().policy.decide(self.network.seed, frame_on_link);
            each(frame, decision);
        }
    }

    /// Takes note of frames that were written, after they were queued or at once; `stalled` if it was the receiver that they
    /// waited for.
    pub fn left(&self, label: &Label, run: &[u8], (out_ns, stalled): (u64, bool)) {
        let (frames, stay_ns) = (self.network.count(run), out_ns.saturating_sub(label.in_ns));
        {
            let State { policy, counters, .. } = &mut *self.state.borrow_mut();
            if let (Some(id), true) = (label.fault, label.kept) {
                policy.kept(id, (stay_ns, frames));
            }
            counters.tally.frames_out += frames;
            counters.tally.bytes_out += run.len() as u64;
            match (label.kept, stalled) {
                (true, _) => counters.kept.add(stay_ns, frames),
                (false, true) => counters.tally.stalled += frames,
                (false, false) => counters.own.add(stay_ns, frames),
            }
        }
        self.write_down(label, Some(out_ns), run);
    }

    /// Takes note of frames that were set aside and that others have overtaken since, by the faults that did it.
    pub fn overtaken(&self, faults: &[u32]) {
        let State { policy, counters, .. } = &mut *self.state.borrow_mut();
        counters.tally.overtaken += faults.len() as u64;
        faults.iter().for_each(|id| policy.bite(*id, 1));
    }

    /// Takes note of frames that were lost with their connection.
    pub fn lose(&self, run: &[u8], in_ns: u64, cause: Cause) {
        let frames = self.network.count(run);
        let (what, fault) = match cause {
            Cause::Down => (What::Down, None),
            Cause::Oversized => (What::Reset, None),
            Cause::Fault(id) => (What::Reset, Some(id)),
            Cause::HalfOpen(id) => (What::Dropped, Some(id)),
        };
        {
            let State { policy, counters, .. } = &mut *self.state.borrow_mut();
            let lost = match what {
                What::Down => &mut counters.tally.down,
                What::Dropped => &mut counters.tally.dropped,
                _ => &mut counters.tally.reset,
            };
            *lost += frames;
            fault.into_iter().for_each(|id| policy.bite(id, frames));
        }
        self.write_down(&Label { in_ns, gate: Gate::Open, what, fault, kept: false }, None, run);
    }

    /// Lets go what is kept by faults that are lifted.
    pub fn reconsider(&self, buffer: &mut Buffer) {
        buffer.reconsider(|label, run| {
            let (after, cut) = {
                let policy = &self.state.borrow().policy;
                (policy.after(label.gate), policy.cut())
            };
            match (after, cut) {
                (After::Held(id), _) => self.state.borrow_mut().policy.bite(id, self.network.count(run)),
                (After::Lost, Some((id, mode))) => self.take(run, label.in_ns, (id, mode)),
                _ => {}
            }
            after
        });
    }

    /// Does with one frame what was decided.
    fn obey(&self, decision: Decision, (frame, in_ns): (&[u8], u64), buffer: &mut Buffer) {
        let label = match (decision.blocked, decision.delayed_by) {
            (Some((id, Mode::Hold)), _) => {
                self.count(|tally| tally.held += 1);
                Label { in_ns, gate: Gate::Lift(id), what: What::Held, fault: Some(id), kept: true }
            }
            (Some(cut), _) => return self.write_off(frame, in_ns, cut),
            (None, Some(id)) => {
                self.count(|tally| tally.delayed += 1);
                let gate = Gate::Until(id, in_ns.saturating_add(decision.delay_ns));
                Label { in_ns, gate, what: What::Delayed, fault: Some(id), kept: true }
            }
            (None, None) => Label::passing(in_ns),
        };
        let mut wait = |label: Label| match (label.gate, decision.set_aside_by) {
            (Gate::Until(_, due_ns), Some(fault)) => buffer.set_aside((fault, due_ns), label, frame),
            _ => buffer.push(label, frame),
        };
        wait(label);
        if let (None, Some(id)) = (decision.blocked, decision.doubled_by) {
            self.count(|tally| tally.doubled += 1);
            wait(Label { what: What::Doubled, fault: Some(id), ..label });
        }
    }

    /// Frames that a fault had held are taken by another.
    fn take(&self, run: &[u8], in_ns: u64, (id, mode): (u32, Mode)) {
        self.state.borrow_mut().policy.bite(id, self.network.count(run));
        self.write_off(run, in_ns, (id, mode));
    }

    /// Counts frames that a fault has taken, bites apart.
    fn write_off(&self, run: &[u8], in_ns: u64, (id, mode): (u32, Mode)) {
        let frames = self.network.count(run);
        let resets = mode == Mode::Reset;
        self.count(|tally| *if resets { &mut tally.reset } else { &mut tally.dropped } += frames);
        let what = if resets { What::Reset } else { What::Dropped };
        self.write_down(&Label { in_ns, gate: Gate::Open, what, fault: Some(id), kept: false }, None, run);
    }

    fn write_down(&self, label: &Label, out_ns: Option<u64>, run: &[u8]) {
        let Label { in_ns, what, fault, .. } = *label;
        self.network
            .trace
            .add(&Passage { ends: &self.ends, in_ns, out_ns, what, fault, framing: self.network.framing }, run);
    }

    fn ring(&self) {
        self.bells.borrow().iter().for_each(|bell| bell.ring());
    }
}

/// Counts the frames that are watched for; gives the calls that are due, in the order of the frames, and forgets their watches.
fn look_out(watches: &mut Vec<Watch>, framing: Framing, run: &[u8]) -> Vec<Call> {
    let (mut calls, mut hex) = (Vec::new(), [0; 16]);
    for frame in frames::each(framing, run) {
        let key = frames::key(frame, &mut hex);
        let due = watches.extract_if(.., |watch| {
            watch.missing -= u64::from(*watch.key == *key);
            watch.missing == 0
        });
        calls.extend(due.map(|watch| watch.call));
    }
    calls
}
