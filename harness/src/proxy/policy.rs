//! The policy of a link: all faults in force on it, in one object, and how often each has bitten.
//!
//! What becomes of a frame is decided by [`temblor_workloads::link::decide`], which every executor shares. Here is what only a
//! network in real time has to know: evidence, and what happens to frames that a fault had kept when it is lifted.

use temblor_workloads::link::{ActiveFault, Decision, Effect, Frame, decide};
use temblor_workloads::plan::Mode;

use super::queue::{After, Gate};
use super::residence::Residence;

/// The faults in force on one link, in the order in which they began.
#[derive(Debug, Default)]
pub struct Policy {
    active: Vec<ActiveFault>,
    /// For each of `active`: what it has done.
    marks: Vec<Marks>,
}

/// What a fault has done on one link.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// How many frames it has taken, kept, doubled, or had overtaken.
    pub frames: u64,
    /// How many connections it has closed.
    pub connections: u64,
    /// How long the frames stayed that it kept, of those that have left.
    pub residence: Residence,
}

impl Policy {
    /// A fault begins.
    pub fn add(&mut self, fault: ActiveFault) {
        assert!(!self.is_in_force(fault.id), "fault {} is in force already", fault.id);
        self.active.push(fault);
        self.marks.push(Marks::default());
    }

    /// A fault ends; gives what it did, or `None` if it was not in force here.
    pub fn remove(&mut self, id: u32) -> Option<Marks> {
        let at = self.position(id)?;
        self.active.remove(at);
        Some(self.marks.remove(at))
    }

    /// The ids of the faults in force.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.active.iter().map(|fault| fault.id)
    }

    /// Whether every frame passes.
    pub fn is_clear(&self) -> bool {
        self.active.is_empty()
    }

    /// Whether a decision depends on the frame's key.
    pub fn needs_key(&self) -> bool {
        self.active.iter().any(ActiveFault::needs_key)
    }

    /// Whether no frame passes or is kept: then reading on takes no memory.
    pub fn loses_all(&self) -> bool {
        self.cut().is_some_and(|(_, mode)| mode != Mode::Hold)
    }

    /// Decides what becomes of a frame, and counts the bite. A frame that is set aside counts only once it is overtaken.
    pub fn decide(&mut self, seed: u64, frame: Frame<'_>) -> Decision {
        let decision = decide(seed, &mut self.active, frame);
        for (fault, marks) in self.active.iter().zip(&mut self.marks) {
            let waits = matches!(fault.effect, Effect::Reorder(..));
            marks.frames += u64::from(fault.struck && !waits);
        }
        decision
    }

    /// Counts frames that a fault has taken; one that is over already counts no more.
    pub fn bite(&mut self, id: u32, frames: u64) {
        if let Some(at) = self.position(id) {
            self.marks[at].frames += frames;
        }
    }

    /// Counts connections that a fault has closed.
    pub fn close(&mut self, id: u32, connections: u64) {
        if let Some(at) = self.position(id) {
            self.marks[at].connections += connections;
        }
    }

    /// Takes note of how long a fault has kept frames.
    pub fn kept(&mut self, id: u32, (stay_ns, frames): (u64, u64)) {
        if let Some(at) = self.position(id) {
            self.marks[at].residence.add(stay_ns, frames);
        }
    }

    /// The fault that has left connections half open, if one is in force.
    pub fn half_open(&self) -> Option<u32> {
        self.active.iter().find(|fault| fault.effect == Effect::HalfOpen).map(|fault| fault.id)
    }

    /// What becomes of frames behind this gate, now that faults have changed. A delay that is lifted lets its frames go: they had
    /// entered the network. Those of a partition that is lifted meet the cuts that remain.
    pub fn after(&self, gate: Gate) -> After {
        match gate {
            Gate::Until(id, _) | Gate::Lift(id) if self.is_in_force(id) => After::Stay,
            Gate::Open | Gate::Until(..) => After::Go,
            Gate::Lift(_) => match self.cut() {
                None => After::Go,
                Some((id, Mode::Hold)) => After::Held(id),
                Some((_, Mode::Drop | Mode::Reset)) => After::Lost,
            },
        }
    }

    /// The cut that decides, if the link is cut.
    pub fn cut(&self) -> Option<(u32, Mode)> {
        self.active.iter().find_map(|fault| match fault.effect {
            Effect::Cut(mode) => Some((fault.id, mode)),
            Effect::HalfOpen => Some((fault.id, Mode::Drop)),
            _ => None,
        })
    }

    fn is_in_force(&self, id: u32) -> bool {
        self.position(id).is_some()
    }

    fn position(&self, id: u32) -> Option<usize> {
        self.active.iter().position(|fault| fault.id == id)
    }
}

#[cfg(test)]
mod tests {
    use temblor_workloads::link::{ActiveFault, Frame};
    use temblor_workloads::plan::{Kind, Mode};

    use super::Policy;
    use crate::proxy::queue::{After, Gate};

    fn cut(mode: Mode) -> Kind {
        Kind::Partition { shape: String::new(), mode, cut: vec![], around_leader: None }
    }

    fn delay(delay_us: u64) -> Kind {
        Kind::Delay { delay_us, links: vec![] }
    }

    /// The faults 1, 2, ...
    fn policy(kinds: &[Kind]) -> Policy {
        let mut policy = Policy::default();
        for (id, kind) in (1..).zip(kinds) {
            policy.add(ActiveFault::new(id, kind).unwrap());
        }
        policy
    }

    fn frames(policy: &mut Policy, id: u32) -> Option<u64> {
        policy.remove(id).map(|marks| marks.frames)
    }

    #[test]
    fn of_several_cuts_the_first_bites_and_of_several_delays_each() {
        let mut cuts = policy(&[delay(5), cut(Mode::Drop), cut(Mode::Hold)]);
        cuts.decide(7, Frame { from: 0, to: 1, key: b"a", bytes: 64, at_ns: 0 });
        assert_eq!([1, 2, 3].map(|id| frames(&mut cuts, id)), [Some(0), Some(1), Some(0)]);
        let mut delays = policy(&[delay(5), delay(6)]);
        assert_eq!(delays.decide(7, Frame { from: 0, to: 1, key: b"a", bytes: 64, at_ns: 0 }).delay_ns, 11_000);
        assert_eq!([1, 2, 3].map(|id| frames(&mut delays, id)), [Some(1), Some(1), None]);
    }

    #[test]
    fn frames_of_a_lifted_partition_meet_the_cuts_that_remain() {
        let all_lost = Kind::Loss { chance_ppm: 1_000_000, links: vec![] };
        for (rest, expected) in [
            (vec![], After::Go),
            (vec![all_lost], After::Go),
            (vec![cut(Mode::Hold)], After::Held(2)),
            (vec![cut(Mode::Drop)], After::Lost),
        ] {
            let mut policy = policy(&[vec![cut(Mode::Hold)], rest].concat());
            assert_eq!(policy.after(Gate::Lift(1)), After::Stay);
            policy.remove(1);
            assert_eq!(policy.after(Gate::Lift(1)), expected);
            assert_eq!(policy.after(Gate::Until(1, 99)), After::Go);
        }
    }
}
