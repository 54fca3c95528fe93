//! What was asked for by name: it has to be in the plan, find its nodes alive, and frames on their way.

use std::ops::Range;

use rand::Rng;
use rand::seq::SliceRandom;

use super::lanes::is_blocking;
use super::{Draft, due_us, overlaps};
use crate::faults::{class_of, name_of};
use crate::plan::{self, Kind, Link, When};

/// A pause of a node that is killed later needs so long to be seen, us.
const SEEN_US: u64 = 200_000;

/// A stage is such a part of the run: a sixth, or less where that is in the way of something.
const PARTS: [u64; 4] = [6, 12, 24, 48];
/// Others look for nodes that these leave alive and going, and for links that these do not block.
const BEFORE: &[&str] = &["kill", "pause", "stutter", "partition", "connection", "half-open", "flap"];
/// So many broadcasts at once are sure to overtake each other where every other frame is set aside.
const FLURRY: u64 = 16;
/// So many nodes are looked at for a sender.
const SENDERS: usize = 16;

/// A time, and a node that is alive and going then, with others of which one at least is alive.
struct Stage {
    begin: u64,
    lasts: u64,
    from: String,
    others: Vec<String>,
}

impl Draft<'_> {
    /// Whatever was asked for by name, and is not there yet with room to bite, is put in once.
    pub(super) fn add_what_was_requested(&mut self) {
        let mut requested = self.plan.requested.clone();
        let order = |name: &str| BEFORE.iter().position(|first| *first == name).unwrap_or(BEFORE.len());
        requested.sort_by_key(|name| order(name));
        for wanted in requested {
            if self.plan.faults.iter().any(|fault| is(&wanted, &fault.fault) && self.is_sure_to_bite(fault)) {
                continue;
            }
            let meant = self.faults.iter().filter(|fault| fault.name == wanted || fault.class == wanted);
            let meant: Vec<&'static str> = meant.map(|fault| fault.name).collect();
            let name = meant[self.chance.random_range(0..meant.len())];
            self.add_surely(name);
        }
    }

    /// Whether a fault finds its nodes alive, and broadcasts that [`Draft::aim`] can turn to it.
    fn is_sure_to_bite(&self, fault: &plan::Fault) -> bool {
        let When::AtUs(begin) = fault.when else { return false };
        let end = begin.saturating_add(fault.for_us.unwrap_or(u64::MAX)).min(self.plan.length_us);
        match &fault.fault {
            Kind::LoseUnsynced { .. } => begin == 0,
            kind if kind.ends_lives() => begin < self.plan.length_us,
            Kind::Pause { node } | Kind::Stutter { node, .. } => {
                let known = self.plan.nodes.contains(node);
                known && begin < end && self.dies_us(node) > begin.saturating_add(SEEN_US)
            }
            Kind::Partition { cut: links, .. } | Kind::HalfOpen { links } => {
                links.iter().any(|link| self.is_going(link, begin..end)) && self.broadcasts_in(begin, end)
            }
            Kind::Delay { links, .. } | Kind::Jitter { links, .. } | Kind::Rate { links, .. } => {
                let free = |link: &Link| self.is_going(link, begin..end) && !self.is_cut(link, begin..end);
                links.iter().any(free) && self.broadcasts_in(begin, end)
            }
            Kind::ResetConnections { links } => links.iter().any(|link| self.is_going(link, begin..begin + 1)),
            Kind::Loss { .. }
            | Kind::Duplicate { .. }
            | Kind::Reorder { .. }
            | Kind::Flap { .. }
            | Kind::Bites { .. } => false,
            _ => unreachable!("all others end lives"),
        }
    }

    /// Whether anything is to be broadcast in this time.
    fn broadcasts_in(&self, begin: u64, end: u64) -> bool {
        self.plan.operations.iter().any(|operation| (begin..end).contains(&due_us(&operation.when)))
    }

    /// A fault of this name that finds its nodes alive, and broadcasts for it to disturb.
    fn add_surely(&mut self, name: &str) {
        if self.reboots(name) {
            return self.reboot_surely(name);
        }
        if name == "kill" {
            // Late, so that it spoils no story.
            return self.begin_kill(self.plan.length_us / 10 * 9);
        }
        if name == "pause" || name == "stutter" {
            let (begin, lasts) = (self.plan.length_us / 8 * 5, (self.plan.length_us / 4).max(1));
            let node = self.survivor();
            let turn_us = (lasts / 8).max(1);
            let stutter = || Kind::Stutter { node: node.clone(), stopped_us: turn_us, running_us: turn_us };
            let kind = if name == "stutter" { stutter() } else { Kind::Pause { node } };
            self.add(When::AtUs(begin), Some(lasts), kind);
            return;
        }
        let Stage { begin, lasts, from, others } = self.stage(name);
        let links: Vec<Link> = others.iter().map(|other| (from.clone(), other.clone())).collect();
        let kind = match name {
            "partition" => {
                let (shape, mode) = ("isolate-one".to_owned(), self.mode());
                Kind::Partition { shape, mode, cut: links, around_leader: None }
            }
            "loss" => Kind::Loss { chance_ppm: 800_000, links },
            "duplicate" => Kind::Duplicate { chance_ppm: 800_000, links },
            "reorder" => Kind::Reorder { chance_ppm: 500_000, delay_us: lasts.min(20_000), links },
            "jitter" => Kind::Jitter { delay_max_us: lasts.min(20_000), links },
            "rate" => Kind::Rate { bytes_per_second: 20_000, links },
            "flap" => Kind::Flap { up_us: (lasts / 16).max(1), down_us: (lasts / 4).max(1), links },
            "half-open" => Kind::HalfOpen { links },
            "reset-connections" => Kind::ResetConnections { links },
            _ => Kind::Delay { delay_us: lasts.min(20_000), links },
        };
        if self.wishes.rate > 0 {
            // So many that chance misses them all in one of 3,000 plans at most, if nothing else is under way.
            for step in 1..=5 {
                self.broadcast(&from, When::AtUs(begin + lasts * step / 8));
            }
            let together = if name == "reorder" { FLURRY } else { 0 };
            for nth in 0..together {
                self.broadcast(&from, When::AtUs(begin + lasts / 8 + nth * 100));
            }
        }
        let for_us = (!kind.is_instant()).then_some(lasts);
        self.add(When::AtUs(begin), for_us, kind);
    }

    /// A time and a sender without other faults in the way: what a partition takes, nothing else can take.
    fn stage(&mut self, name: &str) -> Stage {
        let survivors = self.plan.nodes.iter().filter(|node| self.dies_us(node) == u64::MAX).count();
        let first_death = self.victims.iter().map(|(_, since)| *since).min();
        // Where only one node survives, everything has to happen before the first death.
        let horizon = first_death.filter(|_| survivors < 2).unwrap_or(self.plan.length_us);
        let found = PARTS.iter().find_map(|parts| self.free_place((horizon, *parts), name));
        let (begin, lasts, from) = found.unwrap_or_else(|| (horizon / 4, (horizon / 6).max(1), self.survivor()));
        let others = self.plan.nodes.iter().filter(|other| **other != from).cloned().collect();
        Stage { begin, lasts, from, others }
    }

    /// A time of a part of the run, and a sender with a link that is free then.
    fn free_place(&mut self, (horizon, parts): (u64, u64), name: &str) -> Option<(u64, u64, String)> {
        let lasts = (horizon / parts).max(1);
        let mut senders = self.plan.nodes.clone();
        senders.shuffle(&mut self.chance);
        senders.truncate(SENDERS);
        // Each begins half a stage after the one before.
        let begins = (0..2 * parts - 1).map(|at| horizon * at / (2 * parts));
        let mut places: Vec<(u64, &String)> =
            begins.flat_map(|begin| senders.iter().map(move |from| (begin, from))).collect();
        places.shuffle(&mut self.chance);
        let fits = |(begin, from): &(u64, &String)| {
            let time = *begin..begin + lasts;
            let free = |link| BEFORE.contains(&name) || !self.is_cut(link, time.clone());
            self.links_from(from).iter().any(|link| self.is_going(link, time.clone()) && free(link))
        };
        let (begin, from) = places.into_iter().find(fits)?;
        Some((begin, lasts, from.clone()))
    }

    fn links_from(&self, from: &str) -> Vec<Link> {
        let others = self.plan.nodes.iter().filter(|other| *other != from);
        others.map(|other| (from.to_owned(), other.clone())).collect()
    }

    /// Whether both ends of a link are alive all this time, and its sender is not paused.
    fn is_going(&self, (from, to): &Link, time: Range<u64>) -> bool {
        self.dies_us(from).min(self.dies_us(to)) >= time.end && !self.is_paused(from, time)
    }

    /// Whether a fault that blocks this link falls into this time.
    fn is_cut(&self, link: &Link, time: Range<u64>) -> bool {
        self.plan.faults.iter().any(|fault| {
            let anywhere = matches!(fault.fault, Kind::Partition { around_leader: Some(_), .. });
            let blocks = is_blocking(&fault.fault) && overlaps(fault, &time);
            blocks && (anywhere || fault.fault.links().contains(link))
        })
    }
}

/// Whether a fault is what a name or a class means.
fn is(wanted: &str, kind: &Kind) -> bool {
    wanted == name_of(kind) || wanted == class_of(kind)
}
