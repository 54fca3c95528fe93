//! Removal: plans without some of their operations, rules, faults, nodes and links, and without what waited for those.

use std::collections::BTreeSet;

use super::Shrinker;
use super::list::thin_out;
use crate::plan::{Anchor, Fault, Kind, LEADER, Plan, Seen, When};

/// Takes away what is not needed.
pub fn remove(shrinker: &mut Shrinker<'_>) {
    thin_out(shrinker.best.operations.len(), |range| {
        let mut plan = shrinker.best.clone();
        plan.operations.drain(range);
        shrinker.attempt(consistent(plan));
        shrinker.best.operations.len()
    });
    thin_out(shrinker.best.rules.len(), |range| {
        let mut plan = shrinker.best.clone();
        plan.rules.drain(range);
        shrinker.attempt(consistent(plan));
        shrinker.best.rules.len()
    });
    thin_out(shrinker.best.faults.len(), |range| {
        let mut plan = shrinker.best.clone();
        plan.faults.drain(range);
        shrinker.attempt(consistent(plan));
        shrinker.best.faults.len()
    });
    thin_out(shrinker.best.nodes.len(), |range| {
        let plan = without_nodes(&shrinker.best, range);
        shrinker.attempt(plan);
        shrinker.best.nodes.len()
    });
    (0..shrinker.best.faults.len()).for_each(|at| {
        narrow(shrinker, at);
        leave_frames_out(shrinker, at);
    });
}

/// The plan, ending earlier: what is due later is gone.
pub fn ending_at(plan: &Plan, length_us: u64) -> Plan {
    let mut plan = Plan { length_us, ..plan.clone() };
    let in_time = |when: &When| !matches!(when, When::AtUs(at_us) if *at_us >= length_us);
    plan.operations.retain(|operation| in_time(&operation.when));
    plan.faults.retain(|fault| in_time(&fault.when));
    consistent(plan)
}

/// Leaves links out of a fault of links.
fn narrow(shrinker: &mut Shrinker<'_>, at: usize) {
    let count = shrinker.best.faults[at].fault.links().len();
    thin_out(count, |range| {
        let mut plan = shrinker.best.clone();
        if let Some(links) = plan.faults[at].fault.links_mut() {
            links.drain(range);
        }
        shrinker.attempt(plan);
        shrinker.best.faults[at].fault.links().len()
    });
}

/// Leaves frames out of a fault that names them.
fn leave_frames_out(shrinker: &mut Shrinker<'_>, at: usize) {
    let count = |plan: &Plan| match &plan.faults[at].fault {
        Kind::Bites { frames, .. } => frames.len(),
        _ => 0,
    };
    thin_out(count(&shrinker.best), |range| {
        let mut plan = shrinker.best.clone();
        if let Kind::Bites { frames, .. } = &mut plan.faults[at].fault {
            frames.drain(range);
        }
        shrinker.attempt(plan);
        count(&shrinker.best)
    });
}

/// The plan without these nodes and everything that names them.
fn without_nodes(plan: &Plan, range: std::ops::Range<usize>) -> Plan {
    let mut plan = plan.clone();
    let gone: BTreeSet<String> = plan.nodes.drain(range).collect();
    plan.operations.retain(|operation| !gone.contains(&operation.node));
    plan.rules.retain(|rule| !gone.contains(&rule.node));
    plan.faults.retain_mut(|fault| keep_off(fault, &gone));
    consistent(plan)
}

/// Takes nodes out of a fault; whether anything of it is left.
fn keep_off(fault: &mut Fault, gone: &BTreeSet<String>) -> bool {
    if let Some(links) = fault.fault.links_mut() {
        let had_links = !links.is_empty();
        links.retain(|(from, to)| !gone.contains(from) && !gone.contains(to));
        return !had_links || !links.is_empty();
    }
    match &mut fault.fault {
        Kind::Bites { frames, silent } => {
            frames.retain(|bite| !gone.contains(&bite.link.0) && !gone.contains(&bite.link.1));
            silent.retain(|node| !gone.contains(node));
            !frames.is_empty() || !silent.is_empty()
        }
        Kind::Pause { node } | Kind::Stutter { node, .. } => node == LEADER || !gone.contains(node),
        kind => kind.victim().is_none_or(|node| node == LEADER || !gone.contains(node)),
    }
}

/// The plan without what waits for something that is not in it any more; again and again, since others may wait for that.
pub fn consistent(mut plan: Plan) -> Plan {
    loop {
        let entries = (plan.operations.len(), plan.rules.len(), plan.faults.len());
        let world = Known::of(&plan);
        plan.operations.retain(|operation| world.can_come(&operation.when));
        plan.rules.retain(|rule| world.messages.contains(&rule.on_deliver));
        plan.faults.retain(|fault| world.can_come(&fault.when));
        if entries == (plan.operations.len(), plan.rules.len(), plan.faults.len()) {
            return plan;
        }
    }
}

/// What a plan has that others may wait for.
struct Known {
    nodes: BTreeSet<String>,
    messages: BTreeSet<u64>,
    faults: BTreeSet<u32>,
}

impl Known {
    fn of(plan: &Plan) -> Self {
        let operations = plan.operations.iter().map(|operation| operation.number);
        Self {
            nodes: plan.nodes.iter().cloned().collect(),
            messages: operations.chain(plan.rules.iter().map(|rule| rule.broadcast)).collect(),
            faults: plan.faults.iter().map(|fault| fault.id).collect(),
        }
    }

    fn can_come(&self, when: &When) -> bool {
        match when {
            When::AtUs(_) => true,
            When::After(Anchor { seen, .. }) => self.can_be_seen(seen),
        }
    }

    fn can_be_seen(&self, seen: &Seen) -> bool {
        match seen {
            Seen::Deliveries { node, .. } | Seen::Input { node, .. } => self.nodes.contains(node),
            Seen::Deliver { node, message } => self.nodes.contains(node) && self.messages.contains(message),
            Seen::Leader { .. } => true,
            Seen::Frame { from, to, .. } => self.nodes.contains(from) && self.nodes.contains(to),
            Seen::Fault { id } => self.faults.contains(id),
        }
    }
}
