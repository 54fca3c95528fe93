//! One link: the directed way from one node to another, its faults, its queue and its counters.
//!
//! A link is state without tasks; [`super::carrier`] moves the bytes. Control (faults on and off, anchors) changes the state
//! at once and never waits for a byte to move.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;

use temblor_workloads::link::{ActiveFault, Decision, Effect, Frame, decide};
use temblor_workloads::plan::Mode;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::frames;
use super::residence::Residence;
use super::trace::{Fate, Passage, Trace};
use crate::clock::Clock;

/// So many bytes may wait in a link; beyond it nothing more is read from the sender.
const QUEUE_MAX: usize = 4 << 20;

/// A directed way between two nodes.
pub struct Link {
    /// The sender's position and name.
    pub from: (usize, String),
    /// The receiver's position and name.
    pub to: (usize, String),
    /// The run's clock.
    pub clock: Clock,
    /// What the carriers wait for: something is due, a fault has changed, the target is known.
    pub changed: Notify,
    /// What readers wait for when the queue is full.
    pub space: Notify,
    /// What the readers of connections watch: a change of [`Link::epoch`].
    pub broken: Notify,
    /// Connections of earlier epochs are to be reset.
    pub epoch: Cell<u64>,
    /// The open connection to the receiver.
    pub out: RefCell<Option<Rc<TcpStream>>>,
    /// Where the receiver listens.
    pub target: Cell<Option<SocketAddr>>,
    /// Connections from the sender that are open.
    pub readers: Cell<usize>,
    seed: u64,
    trace: Trace,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    active: Vec<ActiveFault>,
    bites: BTreeMap<u32, u64>,
    watches: Vec<Watch>,
    queue: VecDeque<Chunk>,
    queued: usize,
    counters: Counters,
}

/// What went over a link, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Frames that came in.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames that faults took away.
    pub dropped: u64,
    /// Frames that were lost because the receiver was down.
    pub down: u64,
    /// How often the sender had to wait because the queue was full.
    pub back_pressure: u64,
    /// How long undisturbed frames stayed.
    pub residence: Residence,
}

/// A frame anchor.
struct Watch {
    key: Vec<u8>,
    left: u64,
    call: Option<Box<dyn FnOnce()>>,
}

/// Whole frames on their way, except that the first one may have begun already.
struct Chunk {
    bytes: Vec<u8>,
    in_ns: u64,
    due_ns: u64,
    fate: Fate,
    /// The fault whose end it waits for.
    held_by: Option<u32>,
    /// Bytes that are written already.
    written: usize,
}

impl Link {
    /// A link without faults.
    pub fn new((from, to): ((usize, String), (usize, String)), seed: u64, (clock, trace): (Clock, Trace)) -> Self {
        Self {
            from,
            to,
            clock,
            changed: Notify::new(),
            space: Notify::new(),
            broken: Notify::new(),
            epoch: Cell::new(0),
            out: RefCell::new(None),
            target: Cell::new(None),
            readers: Cell::new(0),
            seed,
            trace,
            state: RefCell::default(),
        }
    }

    /// A fault begins. One that resets connections does so now.
    pub fn apply(&self, fault: ActiveFault) {
        let (id, resets) = (fault.id, fault.effect == Effect::Cut(Mode::Reset));
        self.state.borrow_mut().active.push(fault);
        self.state.borrow_mut().bites.insert(id, 0);
        if resets {
            let open = self.readers.get() as u64;
            self.bite(id, open);
            self.reset();
        }
        self.changed.notify_one();
    }

    /// A fault ends; gives how many frames (or connections) it took. What it held goes on in its order.
    pub fn lift(&self, id: u32) -> Option<u64> {
        let mut state = self.state.borrow_mut();
        state.active.retain(|fault| fault.id != id);
        let released = state.queue.iter_mut().filter(|chunk| chunk.held_by == Some(id));
        released.for_each(|chunk| chunk.held_by = None);
        let bites = state.bites.remove(&id);
        drop(state);
        self.changed.notify_one();
        bites
    }

    /// The fault that refuses connections now, if any.
    pub fn refuses(&self) -> Option<u32> {
        let state = self.state.borrow();
        state.active.iter().find(|fault| fault.effect == Effect::Cut(Mode::Reset)).map(|fault| fault.id)
    }

    /// Counts that a fault took something.
    pub fn bite(&self, id: u32, count: u64) {
        *self.state.borrow_mut().bites.entry(id).or_default() += count;
    }

    /// Calls `call` when the `nth` frame of this key from now on has come.
    pub fn watch(&self, key: &str, nth: u64, call: Box<dyn FnOnce()>) {
        let watch = Watch { key: key.as_bytes().to_vec(), left: nth, call: Some(call) };
        self.state.borrow_mut().watches.push(watch);
    }

    /// Has all connections reset, those to the receiver too.
    pub fn reset(&self) {
        self.epoch.set(self.epoch.get() + 1);
        if let Some(out) = self.out.borrow_mut().take() {
            super::carrier::reset_on_close(&out);
        }
        self.torn();
        self.broken.notify_waiters();
        self.changed.notify_one();
    }

    /// The receiver has crashed: what is on the way to it is lost.
    pub fn receiver_down(&self) {
        self.target.set(None);
        let lost: Vec<Chunk> = {
            let mut state = self.state.borrow_mut();
            state.queued = 0;
            state.queue.drain(..).collect()
        };
        for chunk in lost {
            let frames = self.record((chunk.in_ns, None, Fate::Down), &chunk.bytes);
            self.state.borrow_mut().counters.down += frames;
        }
        self.space.notify_waiters();
        self.reset();
    }

    /// Whole frames have come from the sender.
    pub fn arrive(&self, lines: &[u8]) {
        let now = self.clock.now_ns();
        let quiet = {
            let state = self.state.borrow();
            state.active.is_empty() && state.watches.is_empty()
        };
        if quiet {
            self.forward(lines, now, Fate::Passed);
            return;
        }
        let mut run = Vec::new();
        for frame in frames::split(lines) {
            self.judge(frame, now, &mut run);
        }
        self.forward(&run, now, Fate::Passed);
    }

    /// One frame under the faults in force; those that simply pass are gathered in `run`.
    fn judge(&self, frame: &[u8], now: u64, run: &mut Vec<u8>) {
        let key = frames::key(frame);
        self.notice(&key);
        let named = Frame { from: self.from.0, to: self.to.0, key: &key };
        let decision = decide(self.seed, &mut self.state.borrow_mut().active, named);
        if decision == Decision::default() {
            run.extend_from_slice(frame);
            return;
        }
        // What came before goes on before.
        self.forward(&std::mem::take(run), now, Fate::Passed);
        self.enforce(frame, now, decision);
    }

    fn enforce(&self, frame: &[u8], now: u64, decision: Decision) {
        match decision.blocked {
            Some((id, Mode::Hold)) => {
                self.bite(id, 1);
                self.enqueue(frame, (now, now), Fate::Held(id));
            }
            Some((id, Mode::Drop | Mode::Reset)) => {
                self.bite(id, 1);
                self.record((now, None, Fate::Dropped(id)), frame);
                let counters = &mut self.state.borrow_mut().counters;
                counters.frames += 1;
                counters.bytes += frame.len() as u64;
                counters.dropped += 1;
            }
            None => {
                let due = now + decision.delay_ns;
                let fate = decision.delayed_by.map_or(Fate::Passed, Fate::Delayed);
                decision.delayed_by.into_iter().for_each(|id| self.bite(id, 1));
                self.enqueue(frame, (now, due), fate);
                if let Some(id) = decision.doubled_by {
                    self.bite(id, 1);
                    self.enqueue(frame, (now, due), Fate::Doubled(id));
                }
            }
        }
    }

    /// Frame anchors: calls those whose frame this is.
    fn notice(&self, key: &[u8]) {
        let mut calls = Vec::new();
        self.state.borrow_mut().watches.retain_mut(|watch| {
            if watch.key == key {
                watch.left -= 1;
            }
            if watch.left == 0 {
                calls.extend(watch.call.take());
            }
            watch.left > 0
        });
        calls.into_iter().for_each(|call| call());
    }

    /// Sends frames on: at once if nothing waits before them and the receiver takes them, else through the queue.
    fn forward(&self, lines: &[u8], now: u64, fate: Fate) {
        if lines.is_empty() {
            return;
        }
        let first_in_line = self.state.borrow().queue.is_empty();
        let out = self.out.borrow().clone().filter(|_| first_in_line);
        let written = out.and_then(|out| out.try_write(lines).ok()).unwrap_or(0);
        if written == lines.len() {
            let (in_ns, out_ns) = (now, self.clock.now_ns());
            let frames = self.record((in_ns, Some(out_ns), fate), lines);
            self.count(frames, lines.len(), out_ns - in_ns);
        } else {
            self.enqueue(lines, (now, now), fate);
            if let Some(chunk) = self.state.borrow_mut().queue.back_mut() {
                chunk.written = written;
            }
        }
    }

    fn count(&self, frames: u64, bytes: usize, stayed_ns: u64) {
        let counters = &mut self.state.borrow_mut().counters;
        counters.frames += frames;
        counters.bytes += bytes as u64;
        counters.residence.add(stayed_ns, frames);
    }

    fn enqueue(&self, bytes: &[u8], (in_ns, due_ns): (u64, u64), fate: Fate) {
        let mut state = self.state.borrow_mut();
        // The link keeps its order: nothing is due before what waits in front of it.
        let due_ns = due_ns.max(state.queue.back().map_or(0, |last| last.due_ns));
        let held_by = if let Fate::Held(id) = fate { Some(id) } else { None };
        state.queued += bytes.len();
        let chunk = Chunk { bytes: bytes.to_vec(), in_ns, due_ns, fate, held_by, written: 0 };
        state.queue.push_back(chunk);
        drop(state);
        self.changed.notify_one();
    }

    /// Whether nothing more should be read from the sender for now.
    pub fn is_full(&self) -> bool {
        self.state.borrow().queued > QUEUE_MAX
    }

    /// Counts that the sender has to wait.
    pub fn pressed(&self) {
        self.state.borrow_mut().counters.back_pressure += 1;
    }

    /// When the first chunk is due, ns; `None` if none is there or it is held.
    pub fn next_due(&self) -> Option<u64> {
        let state = self.state.borrow();
        state.queue.front().filter(|chunk| chunk.held_by.is_none()).map(|chunk| chunk.due_ns)
    }

    /// Whether nothing waits here.
    pub fn is_empty(&self) -> bool {
        self.state.borrow().queue.is_empty()
    }

    /// Writes as much of what is due as the connection takes now.
    pub fn write_due(&self, out: &TcpStream) -> std::io::Result<()> {
        while self.next_due().is_some_and(|due| due <= self.clock.now_ns()) {
            let written = {
                let state = self.state.borrow();
                let chunk = state.queue.front().expect("something is due");
                out.try_write(&chunk.bytes[chunk.written..])
            };
            match written {
                Ok(count) => self.wrote(count),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn wrote(&self, count: usize) {
        let mut state = self.state.borrow_mut();
        let front = state.queue.front_mut().expect("it was just written from");
        front.written += count;
        if front.written < front.bytes.len() {
            return;
        }
        let chunk = state.queue.pop_front().expect("it was just there");
        state.queued -= chunk.bytes.len();
        drop(state);
        let out_ns = self.clock.now_ns();
        let frames = self.record((chunk.in_ns, Some(out_ns), chunk.fate), &chunk.bytes);
        let undisturbed = chunk.fate == Fate::Passed;
        self.count(frames, chunk.bytes.len(), if undisturbed { out_ns - chunk.in_ns } else { 0 });
        self.space.notify_waiters();
    }

    /// The connection to the receiver is gone: a frame that was half written is lost, the rest goes over the next one.
    pub fn torn(&self) {
        let mut state = self.state.borrow_mut();
        let Some(front) = state.queue.front_mut().filter(|front| front.written > 0) else { return };
        let cut = memchr::memchr(b'\n', &front.bytes[front.written - 1..]).map_or(front.bytes.len(), |at| front.written + at);
        let gone: Vec<u8> = front.bytes.drain(..cut).collect();
        front.written = 0;
        let in_ns = front.in_ns;
        let empty = front.bytes.is_empty();
        state.queued -= gone.len();
        if empty {
            state.queue.pop_front();
        }
        drop(state);
        let frames = self.record((in_ns, None, Fate::Down), &gone);
        self.state.borrow_mut().counters.down += frames;
    }

    /// What went over this link.
    pub fn counters(&self) -> Counters {
        self.state.borrow().counters.clone()
    }

    fn record(&self, (in_ns, out_ns, fate): (u64, Option<u64>, Fate), lines: &[u8]) -> u64 {
        self.trace.record(Passage { from: &self.from.1, to: &self.to.1, in_ns, out_ns, fate }, lines)
    }
}
