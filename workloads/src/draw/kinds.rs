//! What a fault is in detail: the partition's shape, direction and mode, the disturbed links, the chances.

use rand::Rng;
use rand::seq::SliceRandom;

use super::Draft;
use crate::plan::{AroundLeader, Direction, Kind, LEADER, Link, Mode};
use crate::shapes::{LEADER_SHAPES, SHAPES, cut};

impl Draft<'_> {
    /// Whom a pause hits that begins at this time: a node that is alive then, now and then whoever leads.
    pub(super) fn target(&mut self, at_us: u64) -> String {
        if self.at_leader() { LEADER.to_owned() } else { self.alive_at(at_us) }
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

    /// Frames are mostly dropped.
    pub(super) fn mode(&mut self) -> Mode {
        match self.chance.random_range(0..6) {
            0 => Mode::Hold,
            1 => Mode::Reset,
            _ => Mode::Drop,
        }
    }

    /// A loss, a duplicate or a delay on random links.
    pub(super) fn disturbance(&mut self, name: &str) -> Kind {
        let links = self.some_links();
        let chance_ppm = u32::try_from(self.log_uniform(100_000, 900_000)).expect("at most 900,000");
        match name {
            "loss" => Kind::Loss { chance_ppm, links },
            "duplicate" => Kind::Duplicate { chance_ppm, links },
            // A twentieth of the bound at most, so that a delayed run can meet its obligations in time.
            _ => Kind::Delay { delay_us: self.log_uniform(1_000, self.setting.bound_ms.saturating_mul(50)), links },
        }
    }

    fn at_leader(&mut self) -> bool {
        self.setting.leader && self.one_in(3)
    }

    fn around_leader(&mut self, direction: Direction, mode: Mode) -> Kind {
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
