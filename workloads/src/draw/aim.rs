//! Aim: a fault of links bites only if frames come along, so a few of the broadcasts that fall into it are asked of nodes
//! that send over its links.

use std::collections::BTreeSet;
use std::ops::Range;

use rand::Rng;

use super::{Draft, due_us};
use crate::plan::{Operation, When};

/// So many broadcasts are turned to each fault, where so many fall into it.
const AIMED: usize = 3;

/// A fault of links, as far as broadcasts can meet it.
struct Target {
    /// From when until when, us.
    time: Range<u64>,
    /// Who sends over its links, is alive all the time, as is the receiver, and if possible is not paused.
    senders: BTreeSet<String>,
}

impl Draft<'_> {
    /// Turns broadcasts of the steady rate to the faults of links. The operations are in the order of their times.
    pub(super) fn aim(&mut self) {
        let mut targets: Vec<Target> = (0..self.plan.faults.len()).filter_map(|at| self.aim_target(at)).collect();
        // The shortest first, since it has the least to choose from.
        targets.sort_by_key(|target| (target.time.end - target.time.start, target.time.start));
        let mut settled = BTreeSet::new();
        targets.iter().for_each(|target| self.turn(target, &mut settled));
    }

    fn aim_target(&self, at: usize) -> Option<Target> {
        let fault = &self.plan.faults[at];
        let When::AtUs(begin) = fault.when else { return None };
        let end = begin.saturating_add(fault.for_us.unwrap_or(u64::MAX)).min(self.plan.length_us);
        let deaths: Vec<(&(String, String), u64)> = fault
            .fault
            .links()
            .iter()
            .map(|link| (link, self.dies_us(&link.0).min(self.dies_us(&link.1)).min(end)))
            .collect();
        let end = deaths.iter().map(|(_, until)| *until).max().filter(|end| *end > begin)?;
        let living = deaths.into_iter().filter(|(_, until)| *until == end);
        let living: BTreeSet<String> = living.map(|(link, _)| link.0.clone()).collect();
        let going: BTreeSet<String> = living.iter().filter(|node| !self.is_paused(node, begin..end)).cloned().collect();
        Some(Target { time: begin..end, senders: if going.is_empty() { living } else { going } })
    }

    /// Broadcasts that meet the fault already are settled; of the others so many as are missing are asked of its senders.
    fn turn(&mut self, target: &Target, settled: &mut BTreeSet<usize>) {
        let place = |time: u64| self.plan.operations.partition_point(|operation| due_us(&operation.when) < time);
        let within = place(target.time.start)..place(target.time.end);
        let meets = |at: &usize| target.senders.contains(&self.plan.operations[*at].node);
        let meeting: Vec<usize> = within.clone().filter(meets).take(AIMED).collect();
        let free = |at: &usize| self.plan.operations[*at].number <= self.steady && !settled.contains(at) && !meets(at);
        let mut free: Vec<usize> = within.clone().filter(free).collect();
        let senders: Vec<&String> = target.senders.iter().collect();
        for _ in meeting.len()..AIMED {
            if free.is_empty() {
                break;
            }
            let at = free.swap_remove(self.chance.random_range(0..free.len()));
            let sender = senders[self.chance.random_range(0..senders.len())].clone();
            let turned = self.turn_unit(at, (&sender, within.clone()));
            free.retain(|other| !turned.contains(other));
            settled.extend(turned);
        }
        settled.extend(meeting);
    }

    /// Asks a sender for this operation, and for those of the same unit that are due within the same time.
    fn turn_unit(&mut self, at: usize, (sender, within): (&str, Range<usize>)) -> BTreeSet<usize> {
        let (steady, size) = (self.steady, self.unit);
        let unit = |operation: &Operation| (operation.number <= steady).then(|| (operation.number - 1) / size);
        let wanted = unit(&self.plan.operations[at]);
        let same: BTreeSet<usize> = if size == 1 {
            BTreeSet::from([at])
        } else {
            within.filter(|other| unit(&self.plan.operations[*other]) == wanted).collect()
        };
        for at in &same {
            sender.clone_into(&mut self.plan.operations[*at].node);
        }
        same
    }
}
