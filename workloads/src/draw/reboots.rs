//! Faults that end lives, where the model lets nodes come back: whom they hit, and for how long.
//!
//! Where nodes have stable storage, anybody may crash at any time, all at once included. Where they come back with nothing, no
//! more than the model's number may be down or recovering at a time; how long a recovery takes nobody knows beforehand, so
//! such a plan chooses that many nodes, and no other ever crashes.

use std::ops::Range;

use rand::Rng;

use super::{Draft, overlaps};
use crate::faults::find;
use crate::plan::{Ask, Kind, LEADER, When};
use crate::setting::Crashes;

/// The shortest and the longest life that a crash loop lets a node have, us.
const LIFE_US: (u64, u64) = (200, 400_000);
/// A fault that takes what is not synced waits so long for a write at most, us.
const WRITE_US: u64 = 1_000_000;
/// So many bytes are damaged at most.
const BYTES_MAX: u64 = 4_096;

impl Draft<'_> {
    /// Whether crashed nodes come back.
    pub(super) fn recovers(&self) -> bool {
        self.setting.crashes == Crashes::Recover
    }

    /// Whether a fault of this name ends lives of nodes that come back.
    pub(super) fn reboots(&self, name: &str) -> bool {
        self.recovers() && find(name).is_some_and(|fault| matches!(fault.class, "kill" | "disk"))
    }

    /// A fault of this name; `None` if whom it could hit is down then.
    pub(super) fn reboot(&mut self, name: &str, time: Range<u64>) -> Option<Kind> {
        let lasts_us = time.end - time.start;
        let lasts = lasts_us.max(4);
        let (down_us, up_us) =
            (self.log_uniform(1_000, (lasts / 2).max(1_000)), self.log_uniform(LIFE_US.0, LIFE_US.1));
        match name {
            "kill-all" => return Some(Kind::KillAll {}),
            "rolling-restart" => {
                let share = (lasts / self.plan.nodes.len() as u64).max(4);
                return Some(Kind::RollingRestart { down_us: share / 4, up_us: share / 4 * 3 });
            }
            _ => {}
        }
        let node = self.crashing(time)?;
        if name == "lose-unsynced" {
            return Some(self.lose_unsynced(node, lasts_us));
        }
        Some(match name {
            "restart" => Kind::Restart { node },
            "crash-loop" => {
                let kills = self.chance.random_range(2..=5);
                Kind::CrashLoop { node, kills, down_us: (down_us / u64::from(kills)).max(1), up_us }
            }
            "crash-during-recovery" => Kind::CrashDuringRecovery { node, down_us, up_us },
            "torn-write" => Kind::TornWrite { node, bytes: self.log_uniform(1, BYTES_MAX) },
            "truncate-tail" => Kind::TruncateTail { node, bytes: self.log_uniform(1, BYTES_MAX) },
            "bitflip" => Kind::Bitflip { node, at_ppm: self.chance.random_range(0..1_000_000) },
            "wipe" => Kind::Wipe { node },
            _ => Kind::Kill { node },
        })
    }

    /// How long such a fault lasts: the down time of what leaves its node down.
    pub(super) fn down_us(&self, kind: &Kind, lasts_us: u64) -> Option<u64> {
        if kind.ends_lives() { (self.recovers() && kind.leaves_down()).then_some(lasts_us) } else { Some(lasts_us) }
    }

    /// Who crashes in this time: a node that is up then, now and then whoever leads.
    fn crashing(&mut self, time: Range<u64>) -> Option<String> {
        if self.setting.durable && self.at_leader() {
            return Some(LEADER.to_owned());
        }
        let up = |node: &&String| !self.is_down(node, time.clone()) && self.may_crash(node);
        let up: Vec<&String> = self.plan.nodes.iter().filter(up).collect();
        if up.is_empty() {
            return None;
        }
        let node = up[self.chance.random_range(0..up.len())].clone();
        self.comes_back(&node);
        Some(node)
    }

    /// A node that crashes and comes back: the plan may crash it again.
    pub(super) fn comes_back(&mut self, node: &str) {
        if !self.setting.durable && !self.victims.iter().any(|(victim, _)| victim == node) {
            self.victims.push((node.to_owned(), u64::MAX));
        }
    }

    /// Whether the model lets this node crash beside those that the plan crashes already.
    pub(super) fn may_crash(&self, node: &str) -> bool {
        let known = self.victims.iter().any(|(victim, _)| victim == node);
        self.setting.durable || known || self.victims.len() < self.setting.faulty_max as usize
    }

    /// A node that no crash of this plan hits in this time, if there is one.
    fn any_node_up(&mut self, time: Range<u64>) -> String {
        let up = |node: &&String| !self.is_down(node, time.clone());
        let up: Vec<String> = self.plan.nodes.iter().filter(up).cloned().collect();
        if up.is_empty() { self.any_node() } else { up[self.chance.random_range(0..up.len())].clone() }
    }

    fn is_down(&self, node: &str, time: Range<u64>) -> bool {
        let hits = |kind: &Kind| kind.ends_lives() && kind.victim().is_none_or(|victim| victim == node);
        self.plan.faults.iter().any(|fault| hits(&fault.fault) && overlaps(fault, &time))
    }

    /// What is not synced is lost at a node, or where only the service keeps anything, there.
    fn lose_unsynced(&mut self, node: String, lasts_us: u64) -> Kind {
        let node = if self.setting.asks == Ask::Charge { self.plan.nodes[0].clone() } else { node };
        let keep_ppm = if self.one_in(2) { 0 } else { self.chance.random_range(0..1_000_000) };
        Kind::LoseUnsynced { node, keep_ppm, wait_us: (lasts_us / 2).min(WRITE_US) }
    }

    /// A fault of this name that finds somebody up.
    pub(super) fn reboot_surely(&mut self, name: &str) {
        if name == "lose-unsynced" {
            // Whoever stores little stores that at the beginning: a first vote, a first proposal.
            let lasts = (self.plan.length_us / 2).max(4);
            let node = self.any_node_up(0..lasts);
            self.comes_back(&node);
            let kind = self.lose_unsynced(node, lasts);
            self.add(When::AtUs(0), Some(lasts), kind);
            return;
        }
        let (begin, lasts) = (self.plan.length_us / 8 * 5, (self.plan.length_us / 8).max(4));
        let kind = self.reboot(name, begin..begin + lasts).or_else(|| self.reboot(name, 0..1));
        if let Some(kind) = kind {
            let for_us = self.down_us(&kind, lasts);
            self.add(When::AtUs(begin), for_us, kind);
        }
    }
}
