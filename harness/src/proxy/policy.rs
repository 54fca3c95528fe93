//! The policy of a link: all faults in force on it, in one object, and how often each has bitten.
//!
//! What becomes of a frame is decided by [`temblor_workloads::link::decide`], which every executor shares. Here is what only a
//! network in real time has to know: evidence, and what happens to frames that a fault had kept when it is lifted.

use temblor_workloads::link::{ActiveFault, Decision, Effect, Frame, decide};
use temblor_workloads::plan::Mode;

use super::queue::{After, Gate};

/// The faults in force on one link, in the order in which they began.
#[derive(Debug, Default)]
pub struct Policy {
    active: Vec<ActiveFault>,
    /// For each of `active`: how many frames it has taken, kept or doubled.
    bites: Vec<u64>,
}

impl Policy {
    /// A fault begins.
    pub fn add(&mut self, fault: ActiveFault) {
        assert!(!self.is_in_force(fault.id), "fault {} is in force already", fault.id);
        self.active.push(fault);
        self.bites.push(0);
    }

    /// A fault ends; gives how many frames it bit, or `None` if it was not in force here.
    pub fn remove(&mut self, id: u32) -> Option<u64> {
        let at = self.position(id)?;
        self.active.remove(at);
        Some(self.bites.remove(at))
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

    /// Decides what becomes of a frame, and counts the bite.
    pub fn decide(&mut self, seed: u64, frame: Frame<'_>) -> Decision {
        let decision = decide(seed, &mut self.active, frame);
        for (fault, bites) in self.active.iter().zip(&mut self.bites) {
            *bites += u64::from(fault.struck);
        }
        decision
    }

    /// Counts frames that a fault has taken; one that is over already counts no more.
    pub fn bite(&mut self, id: u32, frames: u64) {
        if let Some(at) = self.position(id) {
            self.bites[at] += frames;
        }
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

    #[test]
    fn of_several_cuts_the_first_bites_and_of_several_delays_each() {
        let mut cuts = policy(&[delay(5), cut(Mode::Drop), cut(Mode::Hold)]);
        cuts.decide(7, Frame { from: 0, to: 1, key: b"a", bytes: 64, at_ns: 0 });
        assert_eq!([1, 2, 3].map(|id| cuts.remove(id)), [Some(0), Some(1), Some(0)]);
        let mut delays = policy(&[delay(5), delay(6)]);
        assert_eq!(delays.decide(7, Frame { from: 0, to: 1, key: b"a", bytes: 64, at_ns: 0 }).delay_ns, 11_000);
        assert_eq!([1, 2, 3].map(|id| delays.remove(id)), [Some(1), Some(1), None]);
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
