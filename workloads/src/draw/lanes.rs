//! The random half: each class of faults has a lane of its own, in which broken and healed states follow each other; the lanes
//! overlap as they like.

use rand::Rng;

use super::Draft;
use crate::faults::{class_of, name_of};
use crate::plan::{self, AroundLeader, Direction, Kind, LEADER, Link, Mode, When};
use crate::shapes::{LEADER_SHAPES, SHAPES, cut};

/// A broken or healed state lasts at least so long, us, where the run is long enough.
const STATE_MIN_US: u64 = 50_000;

impl Draft<'_> {
    /// Fills the lanes of the faults that this run does not switch off.
    pub(super) fn fill_lanes(&mut self) {
        let names: Vec<&'static str> = self.faults.iter().map(|fault| fault.name).collect();
        for name in names {
            let switched_off = self.chance.random_range(0..4) == 0;
            if switched_off {
                continue;
            }
            match name {
                "kill" => self.draw_kills(),
                name => self.fill_lane(name),
            }
        }
    }

    /// Whatever was asked for by name, and is not there yet with room to bite, is put in once.
    pub(super) fn add_what_was_requested(&mut self) {
        for wanted in self.plan.requested.clone() {
            if self.plan.faults.iter().any(|fault| is(&wanted, &fault.fault) && self.is_sure_to_bite(fault)) {
                continue;
            }
            let meant: Vec<&'static str> =
                self.faults.iter().filter(|f| f.name == wanted || f.class == wanted).map(|f| f.name).collect();
            let name = meant[self.chance.random_range(0..meant.len())];
            self.add_surely(name);
        }
    }

    /// Whether a fault finds its nodes alive, and frames on its way.
    fn is_sure_to_bite(&self, fault: &plan::Fault) -> bool {
        let lives = |node: &String| self.victims.iter().all(|(victim, _)| victim != node);
        let in_time = |at_us: u64| at_us < self.plan.length_us;
        match (&fault.fault, &fault.when) {
            (Kind::Kill { .. }, When::AtUs(at_us)) => in_time(*at_us),
            (Kind::Pause { node }, When::AtUs(at_us)) => in_time(*at_us) && lives(node),
            (Kind::Partition { .. }, When::AtUs(at_us)) => {
                let over_us = at_us + fault.for_us.unwrap_or(self.plan.length_us);
                fault.fault.links().iter().any(|(from, to)| {
                    lives(from) && lives(to) && self.broadcasts_in(from, (*at_us, over_us.min(self.plan.length_us)))
                })
            }
            _ => false,
        }
    }

    /// Whether some node is asked to broadcast in this time.
    fn broadcasts_in(&self, node: &str, (begin, end): (u64, u64)) -> bool {
        let at = |operation: &plan::Operation| match operation.when {
            When::AtUs(at_us) => at_us,
            When::After(_) => u64::MAX,
        };
        self.plan.operations.iter().any(|op| op.node == node && (begin..end).contains(&at(op)))
    }

    /// A fault of this name that finds its nodes alive, and a broadcast for it to disturb.
    fn add_surely(&mut self, name: &str) {
        let (at, length) = (self.plan.length_us / 4, (self.plan.length_us / 3).max(1));
        let (when, for_us) = (When::AtUs(at), Some(length));
        let node = self.survivor();
        let others: Vec<String> = self.plan.nodes.iter().filter(|other| **other != node).cloned().collect();
        let links = || others.iter().map(|other| (node.clone(), other.clone())).collect::<Vec<Link>>();
        let kind = match name {
            "kill" => return self.begin_kill(at),
            "pause" => Kind::Pause { node },
            "partition" => {
                let (shape, mode) = ("explicit".to_owned(), self.mode());
                Kind::Partition { shape, mode, cut: links(), around_leader: None }
            }
            "loss" => Kind::Loss { chance_ppm: 500_000, links: links() },
            "duplicate" => Kind::Duplicate { chance_ppm: 500_000, links: links() },
            _ => Kind::Delay { delay_us: length.min(20_000), links: links() },
        };
        if let (Some((from, _)), true) = (kind.links().first().cloned(), self.wishes.rate > 0) {
            for step in 0..3 {
                self.broadcast(&from, When::AtUs(at + length * (step + 1) / 5));
            }
        }
        self.add(when, for_us, kind);
    }

    fn draw_kills(&mut self) {
        let most = self.kills_left();
        if most == 0 {
            return;
        }
        // Mostly one or two: a run in which everybody dies early shows little.
        let count = 1 + self.chance.random_range(0..most.min(3)).min(self.chance.random_range(0..most));
        for _ in 0..count {
            let at = self.moment();
            self.begin("kill", at, 0);
        }
    }

    /// One fault after another, each followed by a healed state.
    fn fill_lane(&mut self, name: &'static str) {
        let shortest = self.shortest();
        let mut at = self.log_uniform(shortest, self.plan.length_us / 2);
        for _ in 0..40 {
            if at + shortest / 2 > self.plan.length_us {
                return;
            }
            let longest = (self.plan.length_us / 2).clamp(shortest, 4_000_000.max(shortest));
            let length = if name == "pause" { self.log_uniform(10_000, longest) } else { self.log_uniform(shortest, longest) };
            self.begin(name, at, length);
            at += length + self.log_uniform(shortest, self.plan.length_us);
        }
    }

    /// A state has to hold for a few broadcasts, or nothing can bite.
    fn shortest(&self) -> u64 {
        let between = 1_000_000 / u64::from(self.wishes.rate.max(1));
        (STATE_MIN_US.max(4 * between)).min(self.plan.length_us / 4).max(1)
    }

    fn moment(&mut self) -> u64 {
        self.plan.length_us / 10 + self.chance.random_range(0..=self.plan.length_us * 7 / 10)
    }

    fn begin(&mut self, name: &str, at_us: u64, length_us: u64) {
        let (when, for_us) = (When::AtUs(at_us), Some(length_us));
        match name {
            "kill" => self.begin_kill(at_us),
            "pause" => {
                let node = self.target();
                self.add(when, for_us, Kind::Pause { node });
            }
            "partition" => {
                let kind = self.partition();
                self.add(when, for_us, kind);
            }
            name => {
                let kind = self.disturbance(name);
                self.add(when, for_us, kind);
            }
        }
    }

    fn begin_kill(&mut self, at_us: u64) {
        if self.kills_left() > 0 {
            let node = self.survivor();
            self.victims.push((node.clone(), at_us));
            self.add(When::AtUs(at_us), None, Kind::Kill { node });
        }
    }

    fn target(&mut self) -> String {
        if self.setting.leader && self.chance.random_bool(0.3) { LEADER.to_owned() } else { self.any_node() }
    }

    /// A partition of a random shape, direction and mode.
    pub(super) fn partition(&mut self) -> Kind {
        let direction = match self.chance.random_range(0..6) {
            0 => Direction::In,
            1 => Direction::Out,
            _ => Direction::Both,
        };
        let mode = self.mode();
        if self.setting.leader && self.chance.random_bool(0.3) {
            return self.around_leader(direction, mode);
        }
        let fitting: Vec<_> = SHAPES.iter().filter(|shape| shape.nodes_min <= self.plan.nodes.len()).collect();
        let shape = fitting[self.chance.random_range(0..fitting.len())];
        let mut links = cut(shape, (&self.plan.nodes, direction), &mut self.chance);
        if links.is_empty() {
            // A ring of four in which everybody sees everybody cuts nothing: isolate somebody instead.
            links = cut(&SHAPES[2], (&self.plan.nodes, direction), &mut self.chance);
        }
        Kind::Partition { shape: shape.name.to_owned(), mode, cut: links, around_leader: None }
    }

    fn around_leader(&mut self, direction: Direction, mode: Mode) -> Kind {
        let alone = self.chance.random_bool(0.5);
        let companions = if alone { 0 } else { (self.plan.nodes.len().saturating_sub(1) / 2).saturating_sub(1) };
        let with: Vec<String> = (0..companions).map(|_| self.any_node()).collect();
        let shape = LEADER_SHAPES[usize::from(!with.is_empty())].0.to_owned();
        let around_leader = Some(AroundLeader { with, direction });
        Kind::Partition { shape, mode, cut: Vec::new(), around_leader }
    }

    /// Frames are mostly dropped; where links are reliable they are held.
    fn mode(&mut self) -> Mode {
        if !self.wishes.beyond_model && self.setting.links == crate::setting::Links::Reliable {
            return Mode::Hold;
        }
        match self.chance.random_range(0..6) {
            0 => Mode::Hold,
            1 => Mode::Reset,
            _ => Mode::Drop,
        }
    }

    fn disturbance(&mut self, name: &str) -> Kind {
        let links = self.some_links();
        let chance_ppm = u32::try_from(self.log_uniform(100_000, 900_000)).expect("at most 900,000");
        match name {
            "loss" => Kind::Loss { chance_ppm, links },
            "duplicate" => Kind::Duplicate { chance_ppm, links },
            _ => Kind::Delay { delay_us: self.log_uniform(1_000, self.setting.bound_ms * 50), links },
        }
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
            _ => all.iter().filter(|_| self.chance.random_bool(0.5)).cloned().collect(),
        };
        if chosen.is_empty() { all } else { chosen }
    }
}

/// Whether a fault is what a name or a class means.
fn is(wanted: &str, kind: &Kind) -> bool {
    wanted == name_of(kind) || wanted == class_of(kind)
}
