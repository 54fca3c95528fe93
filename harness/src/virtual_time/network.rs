//! The network in virtual time: links that take a while, keep their order, and obey the faults in force on them.
//!
//! How long a frame takes is a pure function of (seed, link, frame key, occurrence), and so is everything that a fault does to it
//! ([`temblor_workloads::link`]). A frame that has left arrives, whatever begins afterwards; one that a partition holds waits at
//! the sender's end of the link.

use temblor_workloads::chance::{mix, of_bytes};
use temblor_workloads::link::{ActiveFault, Frame as Key};
use temblor_workloads::occurrences::Occurrences;
use temblor_workloads::plan::Mode;

use super::cluster::Frame;
use crate::proxy::policy::Policy;
use crate::proxy::queue::{After, Gate};

/// How long a frame takes at least, ns ...
const LATENCY_MIN_NS: u64 = 50_000;
/// ... and how many powers of two lie between this and the longest: up to 64 times as long.
const LATENCY_OCTAVES: u64 = 6;
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
}

/// All links.
#[derive(Debug)]
pub struct Network<B> {
    seed: u64,
    nodes: usize,
    links: Vec<Link<B>>,
    /// Frames that nodes have sent, and their bytes.
    pub sent: (u64, u64),
}

#[derive(Debug)]
struct Link<B> {
    policy: Policy,
    occurrences: Occurrences,
    /// When the last frame arrives: the next one does not overtake it, ns.
    last_ns: u64,
    held: Vec<(u32, Frame<B>)>,
}

impl<B> Default for Link<B> {
    fn default() -> Self {
        Self { policy: Policy::default(), occurrences: Occurrences::default(), last_ns: 0, held: Vec::new() }
    }
}

impl<B: Clone> Network<B> {
    /// Links between all pairs of so many nodes.
    pub fn new(seed: u64, nodes: usize) -> Self {
        Self { seed, nodes, links: (0..nodes * nodes).map(|_| Link::default()).collect(), sent: (0, 0) }
    }

    /// A frame leaves its sender now; gives what will arrive: nothing, the frame, or the frame twice.
    pub fn send(&mut self, now_ns: u64, frame: Frame<B>) -> Vec<Departure<B>> {
        self.sent = (self.sent.0 + 1, self.sent.1 + frame.bytes as u64);
        let seed = self.seed;
        let link = &mut self.links[frame.from * self.nodes + frame.to];
        if link.policy.is_clear() {
            return vec![link.depart(seed, now_ns, frame)];
        }
        let decision = link.policy.decide(seed, Key { from: frame.from, to: frame.to, key: frame.key.as_bytes() });
        match decision.blocked {
            Some((id, Mode::Hold)) => {
                link.held.push((id, frame));
                Vec::new()
            }
            Some((_, Mode::Drop | Mode::Reset)) => Vec::new(),
            None => {
                let leaves_ns = now_ns.saturating_add(decision.delay_ns);
                let copy = decision.doubled_by.map(|_| frame.clone());
                let frames = [Some(frame), copy].into_iter().flatten();
                frames.map(|frame| link.depart(seed, leaves_ns, frame)).collect()
            }
        }
    }

    /// A fault begins on this link.
    pub fn apply(&mut self, (from, to): (usize, usize), fault: ActiveFault) {
        self.links[from * self.nodes + to].policy.add(fault);
    }

    /// A fault ends on this link: how many frames it bit, and what it had held that leaves now.
    pub fn lift(&mut self, (from, to): (usize, usize), id: u32, now_ns: u64) -> (u64, Vec<Departure<B>>) {
        let seed = self.seed;
        let link = &mut self.links[from * self.nodes + to];
        let bites = link.policy.remove(id).expect("a fault is lifted where it was applied");
        let mut left = Vec::new();
        for (holder, frame) in std::mem::take(&mut link.held) {
            match link.policy.after(Gate::Lift(holder)) {
                After::Stay => link.held.push((holder, frame)),
                After::Held(other) => link.held.push((other, frame)),
                After::Go => left.push(link.depart(seed, now_ns, frame)),
                After::Lost => {}
            }
        }
        (bites, left)
    }
}

impl<B> Link<B> {
    fn depart(&mut self, seed: u64, leaves_ns: u64, frame: Frame<B>) -> Departure<B> {
        let key = of_bytes(frame.key.as_bytes());
        let nth = self.occurrences.next(key);
        let ends = (frame.from as u64) << 32 | frame.to as u64;
        let draw = mix(seed, &[LATENCY, ends, key, u64::from(nth)]);
        let at_ns = leaves_ns.saturating_add(latency_ns(draw)).max(self.last_ns);
        self.last_ns = at_ns;
        Departure { at_ns, tie: draw, frame }
    }
}

/// Log-uniform: most frames are quick, a few are late enough for others to be answered first.
fn latency_ns(draw: u64) -> u64 {
    let (octave, fraction) = (draw % LATENCY_OCTAVES, (draw >> 32) as u32);
    let least = LATENCY_MIN_NS << octave;
    least + ((least * u64::from(fraction)) >> 32)
}
