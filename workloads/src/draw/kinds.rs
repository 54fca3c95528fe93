//! What a fault is in detail: the partition's shape, direction and mode, the disturbed links, the chances.

use std::ops::Range;

use rand::Rng;
use rand::seq::SliceRandom;

use super::Draft;
use crate::plan::{AroundLeader, Direction, Kind, LEADER, Link, Mode};
use crate::setting::Links;
use crate::shapes::{LEADER_SHAPES, SHAPES, cut};

/// The shortest turn of a flap or a stutter, us.
const TURN_MIN_US: u64 = 1_000;

impl Draft<'_> {
    /// Whom a pause hits in this time: a node that is alive then and that no other pause hits, now and then whoever leads.
    /// `None` if there is nobody.
    pub(super) fn target(&mut self, time: Range<u64>) -> Option<String> {
        if self.at_leader() && !self.is_paused(LEADER, time.clone()) {
            return Some(LEADER.to_owned());
        }
        let free = |node: &&String| self.dies_us(node) > time.start && !self.is_paused(node, time.clone());
        let free: Vec<&String> = self.plan.nodes.iter().filter(free).collect();
        if free.is_empty() {
            return None;
        }
        Some(free[self.chance.random_range(0..free.len())].clone())
    }

    /// Whether what loses frames lies within what was asked for.
    pub(super) fn may_lose(&self) -> bool {
        self.wishes.beyond_model || self.setting.links == Links::FairLoss
    }

    /// A partition of a random shape, direction and mode.
    pub(super) fn partition(&mut self) -> Kind {
        let direction = match self.chance.random_range(0..6) {
            0 => Direction::In,
            1 => Direction::Out,
            _ => Direction::Both,
        };
        let mode = self.mode();
        if self.at_leader() {
            return self.around_leader(direction, mode);
        }
        let fitting: Vec<_> = SHAPES.iter().filter(|shape| shape.nodes_min <= self.plan.nodes.len()).collect();
        let shape = fitting[self.chance.random_range(0..fitting.len())];
        let cut = cut(shape, (&self.plan.nodes, direction), &mut self.chance);
        Kind::Partition { shape: shape.name.to_owned(), mode, cut, around_leader: None }
    }

    /// Frames are mostly dropped, where links may lose any.
    pub(super) fn mode(&mut self) -> Mode {
        if !self.may_lose() {
            return Mode::Hold;
        }
        match self.chance.random_range(0..6) {
            0 => Mode::Hold,
            1 => Mode::Reset,
            _ => Mode::Drop,
        }
    }

    /// A fault of this name on random links, that lasts so long.
    pub(super) fn disturbance(&mut self, name: &str, lasts_us: u64) -> Kind {
        let links = self.some_links();
        match name {
            "loss" => Kind::Loss { chance_ppm: self.chance_ppm(), links },
            "duplicate" => Kind::Duplicate { chance_ppm: self.chance_ppm(), links },
            "reorder" => Kind::Reorder { chance_ppm: self.chance_ppm(), delay_us: self.delay_us(), links },
            "delay" => Kind::Delay { delay_us: self.delay_us(), links },
            "jitter" => Kind::Jitter { delay_max_us: self.delay_us(), links },
            "rate" => Kind::Rate { bytes_per_second: self.log_uniform(10_000, 1_000_000), links },
            "flap" => {
                let (up_us, down_us) = (self.turn_us(lasts_us), self.turn_us(lasts_us));
                Kind::Flap { up_us, down_us, links }
            }
            "half-open" => Kind::HalfOpen { links },
            "reset-connections" => Kind::ResetConnections { links },
            _ => unreachable!("{name} is no fault of links"),
        }
    }

    /// A node that stands still and runs by turns for so long.
    pub(super) fn stutter(&mut self, node: String, lasts_us: u64) -> Kind {
        let (stopped_us, running_us) = (self.turn_us(lasts_us), self.turn_us(lasts_us));
        Kind::Stutter { node, stopped_us, running_us }
    }

    fn chance_ppm(&mut self) -> u32 {
        u32::try_from(self.log_uniform(100_000, 900_000)).expect("at most 900,000")
    }

    /// A twentieth of the bound at most, so that a delayed run can meet its obligations in time.
    fn delay_us(&mut self) -> u64 {
        self.log_uniform(1_000, self.setting.bound_ms.saturating_mul(50))
    }

    /// How long a state lasts that takes turns with another for so long: each comes twice at least.
    fn turn_us(&mut self, lasts_us: u64) -> u64 {
        self.log_uniform(TURN_MIN_US, lasts_us / 4)
    }

    pub(super) fn at_leader(&mut self) -> bool {
        self.setting.leader && self.one_in(3)
    }

    pub(super) fn around_leader(&mut self, direction: Direction, mode: Mode) -> Kind {
        // With the leader itself still fewer than half.
        let most = (self.plan.nodes.len().saturating_sub(1) / 2).saturating_sub(1);
        let companions = if most == 0 || self.one_in(2) { 0 } else { self.chance.random_range(1..=most) };
        let mut with = self.plan.nodes.clone();
        with.shuffle(&mut self.chance);
        with.truncate(companions);
        let (shape, _) = LEADER_SHAPES[usize::from(companions > 0)];
        let around_leader = Some(AroundLeader { with, direction });
        Kind::Partition { shape: shape.to_owned(), mode, cut: Vec::new(), around_leader }
    }

    /// All links, those of one node, or about half of them.
    fn some_links(&mut self) -> Vec<Link> {
        let nodes = self.plan.nodes.clone();
        let all = nodes.iter().flat_map(|a| nodes.iter().map(move |b| (a.clone(), b.clone())));
        let all: Vec<Link> = all.filter(|(a, b)| a != b).collect();
        let node = self.any_node();
        let chosen: Vec<Link> = match self.chance.random_range(0..3) {
            0 => all.clone(),
            1 => all.iter().filter(|(a, b)| *a == node || *b == node).cloned().collect(),
            _ => all.iter().filter(|_| self.one_in(2)).cloned().collect(),
        };
        if chosen.is_empty() { all } else { chosen }
    }
}
