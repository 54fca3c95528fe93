//! The network in virtual time: links that take a while, keep their order, and obey the faults in force on them.
//!
//! How long a frame takes is a pure function of (seed, link, frame key, occurrence), and so is everything that a fault does to it
//! ([`temblor_workloads::link`]). A frame that has left arrives, whatever begins afterwards; one that a partition holds waits at
//! the sender's end of the link. A link is one connection for ever, but that a reset takes what is on its way there.

use temblor_workloads::chance::{mix, of_bytes};
use temblor_workloads::link::{ActiveFault, Frame as Key};
use temblor_workloads::occurrences::Occurrences;
use temblor_workloads::plan::Mode;

use super::cluster::Frame;
use crate::proxy::framing::Framing;
use crate::proxy::policy::{Marks, Policy};
use crate::proxy::queue::{After, Gate};
use crate::proxy::trace::{Passage, Trace, What, ends};

/// How long a frame takes at least, ns ...
const LATENCY_MIN_NS: u64 = 50_000;
/// ... and how many powers of two lie between this and the longest: up to 64 times as long.
const LATENCY_OCTAVES: u64 = 6;
/// No frame takes longer than this unless a fault keeps it, ns.
pub const LATENCY_MAX_NS: u64 = LATENCY_MIN_NS << LATENCY_OCTAVES;
/// Frames that are let go follow each other at this distance, ns.
const HURRY_NS: u64 = 1_000;
/// A frame whose time of arrival has passed arrives so long after it was sent, ns.
const AT_ONCE_NS: u64 = 1_000;
/// Sets the draw of a latency apart from all other chances.
const LATENCY: u64 = 0x4C41_5445_4E43_5921;

/// A frame that will arrive.
#[derive(Debug)]
pub struct Departure<B> {
    /// When it arrives, ns.
    pub at_ns: u64,
    /// What decides among those that arrive at one instant.
    pub tie: u64,
    /// The frame.
    pub frame: Frame<B>,
    /// What the trace will say of it.
    pub fate: Fate,
}

/// What has become of a frame so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    in_ns: u64,
    what: What,
    fault: Option<u32>,
    /// How often its link had been reset when it left.
    resets: u32,
}

/// All links.
#[derive(Debug)]
pub struct Network<B> {
    seed: u64,
    nodes: usize,
    links: Vec<Link<B>>,
    /// Frames that nodes have sent, and their bytes.
    pub sent: (u64, u64),
    trace: Option<Trace>,
}

#[derive(Debug)]
struct Link<B> {
    /// Its two names, as the trace has them.
    ends: Box<[u8]>,
    policy: Policy,
    occurrences: Occurrences,
    /// When the last frame arrives: the next one does not overtake it, ns.
    last_ns: u64,
    held: Vec<Held<B>>,
    /// The frames on their way that were set aside and that none has overtaken yet: when they arrive, and the faults.
    aside: Vec<(u64, u32)>,
    /// How often the connection was reset.
    resets: u32,
    /// Which fault did that last.
    reset_by: Option<u32>,
}

/// A frame that a partition holds: which, since when.
#[derive(Debug)]
struct Held<B> {
    fault: u32,
    in_ns: u64,
    frame: Frame<B>,
}

impl<B: Clone> Network<B> {
    /// Links between all pairs of these nodes; `trace` gets a line for every frame.
    pub fn new(seed: u64, names: &[String], trace: Option<Trace>) -> Self {
        let pairs = names.iter().flat_map(|from| names.iter().map(move |to| (from, to)));
        let links = pairs.map(|(from, to)| Link::new(ends(from, to))).collect();
        Self { seed, nodes: names.len(), links, sent: (0, 0), trace }
    }

    /// A frame leaves its sender now; gives what will arrive: nothing, the frame, or the frame twice.
    pub fn send(&mut self, now_ns: u64, frame: Frame<B>) -> Vec<Departure<B>> {
        self.sent = (self.sent.0 + 1, self.sent.1 + frame.bytes as u64);
        let (seed, place) = (self.seed, self.place((frame.from, frame.to)));
        let link = &mut self.links[place];
        let fate = Fate { in_ns: now_ns, what: What::Passed, fault: None, resets: link.resets };
        if link.policy.is_clear() {
            return vec![link.depart((seed, now_ns), frame, fate)];
        }
        let (from, to, bytes) = (frame.from, frame.to, frame.bytes as u64);
        let key = Key { from, to, key: frame.key.as_bytes(), bytes, at_ns: now_ns };
        let decision = link.policy.decide(seed, key);
        match decision.blocked {
            Some((fault, Mode::Hold)) => {
                link.held.push(Held { fault, in_ns: now_ns, frame });
                Vec::new()
            }
            Some((fault, mode)) => {
                let what = if mode == Mode::Reset { What::Reset } else { What::Dropped };
                self.write_down(&frame, Fate { what, fault: Some(fault), ..fate }, None);
                Vec::new()
            }
            None => {
                let leaves_ns = now_ns.saturating_add(decision.delay_ns);
                let what = if decision.delayed_by.is_some() { What::Delayed } else { What::Passed };
                let copy = decision
                    .doubled_by
                    .map(|fault| (frame.clone(), Fate { what: What::Doubled, fault: Some(fault), ..fate }));
                let frames = [Some((frame, Fate { what, fault: decision.delayed_by, ..fate })), copy];
                let arrives_ns = decision.arrives_ns.or(decision.takes_ns.map(|takes_ns| now_ns + takes_ns));
                let leave = |(frame, fate)| {
                    let departure = match decision.set_aside_by {
                        _ if let Some(arrives_ns) = arrives_ns => {
                            Departure { at_ns: arrives_ns.max(now_ns + AT_ONCE_NS), tie: 0, frame, fate }
                        }
                        Some(fault) => link.set_aside(fault, (seed, leaves_ns), (frame, fate)),
                        None => link.depart((seed, leaves_ns), frame, fate),
                    };
                    link.note_stay(&departure);
                    departure
                };
                frames.into_iter().flatten().map(leave).collect()
            }
        }
    }

    /// A frame is at its receiver's, who is up or down; gives whether it gets there: not if its connection was reset.
    pub fn arrived(&self, now_ns: u64, (frame, fate): (&Frame<B>, Fate), is_up: bool) -> bool {
        let link = &self.links[self.place((frame.from, frame.to))];
        if fate.resets != link.resets {
            self.write_down(frame, Fate { what: What::Reset, fault: link.reset_by, ..fate }, None);
        } else if is_up {
            self.write_down(frame, fate, Some(now_ns));
        } else {
            self.write_down(frame, Fate { what: What::Down, fault: None, ..fate }, None);
        }
        is_up && fate.resets == link.resets
    }

    /// The connection of this link is reset by a fault: what is on its way there is lost, and what was held there too.
    pub fn reset(&mut self, link: (usize, usize), id: u32) {
        let place = self.place(link);
        let link = &mut self.links[place];
        (link.resets, link.reset_by) = (link.resets + 1, Some(id));
        let resets = link.resets;
        for held in std::mem::take(&mut link.held) {
            let fate = Fate { in_ns: held.in_ns, what: What::Reset, fault: Some(id), resets };
            self.write_down(&held.frame, fate, None);
        }
    }

    /// A fault begins on this link.
    pub fn apply(&mut self, link: (usize, usize), fault: ActiveFault) {
        let place = self.place(link);
        self.links[place].policy.add(fault);
    }

    /// A fault ends on this link: what it did, and what it had held that leaves now.
    pub fn lift(&mut self, link: (usize, usize), id: u32, now_ns: u64) -> (Marks, Vec<Departure<B>>) {
        let (seed, place) = (self.seed, self.place(link));
        let link = &mut self.links[place];
        let marks = link.policy.remove(id).expect("a fault is lifted where it was applied");
        let (mut left, mut lost) = (Vec::new(), Vec::new());
        for held in std::mem::take(&mut link.held) {
            let (what, fault) = (What::Held, Some(held.fault));
            let fate = Fate { in_ns: held.in_ns, what, fault, resets: link.resets };
            match link.policy.after(Gate::Lift(held.fault)) {
                After::Stay => link.held.push(held),
                After::Held(fault) => link.held.push(Held { fault, ..held }),
                After::Go => left.push(link.depart((seed, now_ns), held.frame, fate)),
                After::Lost => lost.push((held.frame, Fate { what: What::Dropped, ..fate })),
            }
        }
        lost.iter().for_each(|(frame, fate)| self.write_down(frame, *fate, None));
        (marks, left)
    }

    /// Whether no fault is in force on this link: then nothing keeps frames there that are further away than a frame can be.
    pub fn is_clear(&self, link: (usize, usize)) -> bool {
        self.links[self.place(link)].policy.is_clear()
    }

    /// What faults had kept on this link goes on now, in its order; gives when each arrives.
    pub fn hurry<'a>(&'a mut self, link: (usize, usize), now_ns: u64) -> impl FnMut() -> u64 + 'a {
        let place = self.place(link);
        let link = &mut self.links[place];
        link.last_ns = link.last_ns.min(now_ns.saturating_add(LATENCY_MAX_NS));
        move || {
            link.last_ns = link.last_ns.saturating_add(HURRY_NS);
            link.last_ns
        }
    }

    /// Ends the trace; gives why it could not be written, if so.
    pub fn close_trace(&self) -> Option<String> {
        let trace = self.trace.as_ref()?;
        trace.flush();
        trace.failure()
    }

    fn place(&self, (from, to): (usize, usize)) -> usize {
        from * self.nodes + to
    }

    fn write_down(&self, frame: &Frame<B>, fate: Fate, out_ns: Option<u64>) {
        let Some(trace) = &self.trace else { return };
        let Fate { in_ns, what, fault, resets: _ } = fate;
        let ends = &self.links[self.place((frame.from, frame.to))].ends;
        trace.add_frame(
            &Passage { ends, in_ns, out_ns, what, fault, framing: Framing::Lines },
            (&frame.key, frame.bytes),
        );
    }
}

impl<B> Link<B> {
    fn new(ends: Box<[u8]>) -> Self {
        let (policy, occurrences) = (Policy::default(), Occurrences::default());
        Self { ends, policy, occurrences, last_ns: 0, held: Vec::new(), aside: Vec::new(), resets: 0, reset_by: None }
    }

    /// A frame in its order.
    fn depart(&mut self, time: (u64, u64), frame: Frame<B>, fate: Fate) -> Departure<B> {
        let last_ns = self.last_ns;
        let departure = self.leave(time, frame, fate);
        let at_ns = departure.at_ns.max(last_ns);
        self.last_ns = at_ns;
        for (_, fault) in self.aside.extract_if(.., |(aside_ns, _)| at_ns < *aside_ns) {
            self.policy.bite(fault, 1);
        }
        Departure { at_ns, ..departure }
    }

    /// A frame that keeps no order, and that others need not wait for.
    fn set_aside(&mut self, fault: u32, time: (u64, u64), (frame, fate): (Frame<B>, Fate)) -> Departure<B> {
        let departure = self.leave(time, frame, fate);
        self.aside.retain(|(aside_ns, _)| *aside_ns > fate.in_ns);
        self.aside.push((departure.at_ns, fault));
        departure
    }

    /// Takes note of how long a fault keeps a frame, the way itself included.
    fn note_stay(&mut self, departure: &Departure<B>) {
        if let Some(fault) = departure.fate.fault {
            self.policy.kept(fault, (departure.at_ns - departure.fate.in_ns, 1));
        }
    }

    fn leave(&mut self, (seed, leaves_ns): (u64, u64), frame: Frame<B>, fate: Fate) -> Departure<B> {
        let key = of_bytes(frame.key.as_bytes());
        let nth = self.occurrences.next(key);
        let ends = (frame.from as u64) << 32 | frame.to as u64;
        let draw = mix(seed, &[LATENCY, ends, key, u64::from(nth)]);
        let at_ns = leaves_ns.saturating_add(latency_ns(draw));
        Departure { at_ns, tie: draw, frame, fate }
    }
}

/// Log-uniform: most frames are quick, a few are late enough for others to be answered first.
fn latency_ns(draw: u64) -> u64 {
    let (octave, fraction) = (draw % LATENCY_OCTAVES, (draw >> 32) as u32);
    let least = LATENCY_MIN_NS << octave;
    least + ((least * u64::from(fraction)) >> 32)
}
