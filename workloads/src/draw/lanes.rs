//! The random half: each kind of fault has a lane or two of its own, in which broken and healed states follow each other; the
//! lanes overlap as they like.
//!
//! Swarm testing: every run switches some classes of faults off, and some faults of the others; how long healed states last is a
//! weight that each lane draws for itself. What is drawn also depends on the state that the plan is in: nobody is paused twice,
//! and where two faults block links already, a third mostly waits.

use rand::Rng;

use super::{Draft, overlaps};
use crate::plan::{Kind, When};

/// A broken or healed state lasts at least so long, us, where the run is long enough.
const STATE_MIN_US: u64 = 50_000;
/// A broken state lasts at most so long, us.
const STATE_MAX_US: u64 = 4_000_000;
/// The shortest pause, us. A pause needs nothing on its way to bite, so it may be shorter than other states.
const PAUSE_MIN_US: u64 = 1_000;
/// So many faults follow each other in a lane at most.
const LANE_MAX: usize = 40;
/// Once the faults of a plan name so many links, no more are drawn: with 100 nodes a single one names up to 9,900.
const LINKS_MAX: usize = 100_000;

impl Draft<'_> {
    /// Fills the lanes of the faults that this run does not switch off.
    pub(super) fn fill_lanes(&mut self) {
        let on = self.swarm();
        // Kills first: the other faults look for nodes that are alive.
        if !self.recovers() && (on.contains(&"kill") || self.plan.requested.iter().any(|name| name == "kill")) {
            self.draw_kills();
        }
        let comes_back = self.recovers();
        for name in on.into_iter().filter(|name| comes_back || *name != "kill") {
            // Two nodes have no more than one link each way.
            let room = !matches!(name, "pause" | "stutter") && !self.reboots(name) && self.plan.nodes.len() > 2;
            let lanes = if room && self.one_in(4) { 2 } else { 1 };
            (0..lanes).for_each(|_| self.fill_lane(name));
        }
    }

    /// One fault at a time: so long nothing, so long a fault, and again. Maelstrom's `--nemesis-interval`.
    pub(super) fn fill_intervals(&mut self, interval_us: u64) {
        let interval_us = interval_us.max(1);
        let mut at_us = interval_us;
        while at_us < self.plan.length_us && self.plan.faults.len() < LANE_MAX && !self.faults.is_empty() {
            let name = self.faults[self.chance.random_range(0..self.faults.len())].name;
            match name {
                "kill" if !self.recovers() => self.begin_kill(at_us),
                _ => self.begin(name, at_us, interval_us.min(self.plan.length_us - at_us)),
            }
            at_us = at_us.saturating_add(interval_us.saturating_mul(2));
        }
    }

    /// Every link takes its time, from the beginning to the heal. Maelstrom's `--latency`.
    pub(super) fn slow_links(&mut self) {
        let (delay_us, nodes) = (self.wishes.latency_us, &self.plan.nodes);
        if delay_us > 0 {
            let links = nodes.iter().flat_map(|from| nodes.iter().map(move |to| (from.clone(), to.clone())));
            let links = links.filter(|(from, to)| from != to).collect();
            self.add(When::AtUs(0), None, Kind::Delay { delay_us, links });
        }
    }

    /// The faults of this run: every class is on or off, and of a class that is on most faults are. Something is on.
    fn swarm(&mut self) -> Vec<&'static str> {
        let mut on = Vec::new();
        let mut classes: Vec<&'static str> = self.faults.iter().map(|fault| fault.class).collect();
        classes.dedup();
        let always = self.chance.random_range(0..classes.len().max(1));
        for (at, class) in classes.into_iter().enumerate() {
            let is_off = self.one_in(3) && at != always;
            let names: Vec<&'static str> =
                self.faults.iter().filter(|fault| fault.class == class).map(|fault| fault.name).collect();
            // Of many faults half are on, of one or two most.
            let most = u32::try_from(names.len()).expect("the table is short").min(6);
            let some: Vec<&'static str> = names.iter().copied().filter(|_| !self.one_in(2 + 6 / (1 + most))).collect();
            if !is_off {
                on.extend(if some.is_empty() { names } else { some });
            }
        }
        on
    }

    /// One more node is killed at this time, if the model allows it. A leader is mostly spared: once it is dead, little happens
    /// that could go wrong.
    pub(super) fn begin_kill(&mut self, at_us: u64) {
        if self.kills_left() > 0 {
            let mut node = self.survivor();
            if self.setting.leader && node == self.plan.nodes[0] && !self.one_in(4) {
                node = self.survivor();
            }
            self.victims.push((node.clone(), at_us));
            self.add(When::AtUs(at_us), None, Kind::Kill { node });
        }
    }

    /// A state has to hold for a few broadcasts, or nothing can bite.
    pub(super) fn shortest(&self) -> u64 {
        let between = 1_000_000 / u64::from(self.wishes.rate.max(1));
        (STATE_MIN_US.max(4 * between)).min(self.plan.length_us / 4).max(1)
    }

    fn draw_kills(&mut self) {
        let most = self.kills_left();
        if most == 0 {
            return;
        }
        // Mostly one or two: a run in which everybody dies early shows little.
        let count = 1 + self.chance.random_range(0..most.min(3)).min(self.chance.random_range(0..most));
        for _ in 0..count {
            let at = self.plan.length_us / 10 + self.chance.random_range(0..=self.plan.length_us * 7 / 10);
            self.begin_kill(at);
        }
    }

    /// One fault after another, each followed by a healed state. How long the healed states are is the lane's weight.
    fn fill_lane(&mut self, name: &'static str) {
        let (length, shortest) = (self.plan.length_us, self.shortest());
        let healed_max = (length >> self.chance.random_range(0..4)).max(shortest);
        let broken_min = if matches!(name, "pause" | "stutter") { PAUSE_MIN_US.min(shortest) } else { shortest };
        let broken_max = (length / 2).clamp(shortest, STATE_MAX_US.max(shortest));
        let mut at = self.log_uniform(shortest, length / 2);
        for _ in 0..LANE_MAX {
            if at + shortest > length || self.links > LINKS_MAX {
                return;
            }
            let lasts = self.log_uniform(broken_min, broken_max);
            self.begin(name, at, lasts);
            at += lasts + self.log_uniform(shortest, healed_max);
        }
    }

    /// A fault of this name, if the state that the plan is in then leaves room for it.
    fn begin(&mut self, name: &str, at_us: u64, lasts_us: u64) {
        let time = at_us..at_us.saturating_add(lasts_us);
        let blocks = matches!(name, "partition" | "flap" | "half-open");
        if blocks
            && self.plan.faults.iter().filter(|fault| is_blocking(&fault.fault) && overlaps(fault, &time)).count() > 1
        {
            let waits = !self.one_in(4);
            if waits {
                return;
            }
        }
        let kind = match name {
            name if self.reboots(name) => {
                let Some(kind) = self.reboot(name, time) else { return };
                kind
            }
            "pause" | "stutter" => {
                let Some(node) = self.target(time) else { return };
                if name == "pause" { Kind::Pause { node } } else { self.stutter(node, lasts_us) }
            }
            "partition" => self.partition(),
            name => self.disturbance(name, lasts_us),
        };
        let instant = kind.is_instant() && !kind.ends_lives();
        let for_us = if instant { None } else { self.down_us(&kind, lasts_us) };
        self.add(When::AtUs(at_us), for_us, kind);
    }
}

/// Whether a fault lets nothing pass on its links, at least at times.
pub(super) fn is_blocking(kind: &Kind) -> bool {
    matches!(kind, Kind::Partition { .. } | Kind::Flap { .. } | Kind::HalfOpen { .. })
}
