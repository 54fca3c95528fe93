//! Drawing a plan: a pure function of (setting, wishes, seed).
//!
//! Half of the plans follow templates: short stories that are known to bring out a class of bugs ([`templates`]); half are
//! random, with some kinds of fault switched off and the others weighted at random (swarm testing, Groce et al. 2012).
//! Whatever was asked for by name is in the plan. All arithmetic is in integers.

mod lanes;
mod templates;

use std::collections::BTreeSet;
use std::fmt;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::chance::{mix, of_bytes};
use crate::faults::{FAULTS, Fault};
use crate::plan::{self, FORMAT, Operation, Plan, When};
use crate::setting::Setting;
use crate::workloads::WORKLOADS;

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// The workload's name.
    pub workload: String,
    /// Faults: names, classes, `none`, or `all` of the model.
    pub nemesis: Vec<String>,
    /// Length of the main phase, us.
    pub length_us: u64,
    /// Broadcasts a second, over all nodes.
    pub rate: u32,
    /// Whether faults outside the model are allowed.
    pub beyond_model: bool,
}

/// Why no plan can be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawError(pub String);

impl fmt::Display for DrawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DrawError {}

/// A plan in the making.
struct Draft<'a> {
    setting: &'a Setting,
    wishes: &'a Wishes,
    chance: ChaCha8Rng,
    plan: Plan,
    /// The faults to choose from.
    faults: Vec<&'static Fault>,
    /// Nodes that the plan kills, and when at the earliest, us.
    victims: Vec<(String, u64)>,
}

/// Draws the plan of a seed.
pub fn draw(setting: &Setting, wishes: &Wishes, seed: u64) -> Result<Plan, DrawError> {
    check_workload(&wishes.workload)?;
    let (faults, requested) = choose(setting, wishes)?;
    let system = of_bytes(setting.algorithm.as_bytes());
    let below = of_bytes(setting.over.as_deref().unwrap_or("").as_bytes());
    let chance = ChaCha8Rng::seed_from_u64(mix(seed, &[system, below]));
    let plan = Plan {
        format: FORMAT,
        algorithm: setting.algorithm.clone(),
        over: setting.over.clone(),
        workload: wishes.workload.clone(),
        seed,
        nodes: setting.nodes.clone(),
        length_us: wishes.length_us,
        beyond_model: wishes.beyond_model,
        requested,
        operations: Vec::new(),
        faults: Vec::new(),
        rules: Vec::new(),
    };
    let mut draft = Draft { setting, wishes, chance, plan, faults, victims: Vec::new() };
    draft.draw_operations();
    draft.draw_faults();
    draft.spare_the_dead();
    Ok(draft.finish())
}

impl Draft<'_> {
    /// Random senders at a steady rate: one broadcast in each interval, at a random moment of it.
    fn draw_operations(&mut self) {
        let rate = u64::from(self.wishes.rate);
        let count = (self.plan.length_us * rate / 1_000_000).max(u64::from(rate > 0 && self.plan.length_us > 0));
        for at in 0..count {
            let (begin, end) = (self.plan.length_us * at / count, self.plan.length_us * (at + 1) / count);
            let at_us = if end > begin { self.chance.random_range(begin..end) } else { begin };
            let node = self.any_node();
            self.plan.operations.push(Operation { when: When::AtUs(at_us), node, broadcast: at + 1 });
        }
    }

    fn draw_faults(&mut self) {
        let follows_templates = self.chance.random_bool(0.5);
        let told = follows_templates && self.tell_stories();
        if !told {
            self.fill_lanes();
        }
        self.add_what_was_requested();
    }

    /// Most requests to a node that is dead by then go to somebody else; an eighth stays, to see that they are refused.
    fn spare_the_dead(&mut self) {
        let dead = |node: &str, at: u64| self.victims.iter().any(|(name, since)| name == node && *since <= at);
        let misled: Vec<usize> = (0..self.plan.operations.len())
            .filter(|at| {
                let operation = &self.plan.operations[*at];
                matches!(operation.when, When::AtUs(at_us) if dead(&operation.node, at_us))
            })
            .collect();
        for at in misled {
            if self.chance.random_range(0..8) > 0 {
                self.plan.operations[at].node = self.survivor();
            }
        }
    }

    fn finish(mut self) -> Plan {
        self.plan.faults.sort_by_key(|fault| (due_us(&fault.when), fault.id));
        let order = |operation: &Operation| (due_us(&operation.when), operation.broadcast);
        self.plan.operations.sort_by_key(order);
        self.plan
    }

    fn has(&self, name: &str) -> bool {
        self.faults.iter().any(|fault| fault.name == name)
    }

    fn any_node(&mut self) -> String {
        let at = self.chance.random_range(0..self.plan.nodes.len());
        self.plan.nodes[at].clone()
    }

    /// A node that this plan does not kill, if there is one.
    fn survivor(&mut self) -> String {
        let alive: Vec<&String> =
            self.plan.nodes.iter().filter(|node| self.victims.iter().all(|(victim, _)| victim != *node)).collect();
        match alive.as_slice() {
            [] => self.any_node(),
            alive => alive[self.chance.random_range(0..alive.len())].clone(),
        }
    }

    /// How many more nodes may be killed: within the model, and two stay alive where there are more.
    fn kills_left(&self) -> usize {
        let within = if self.wishes.beyond_model { usize::MAX } else { self.setting.faulty_max as usize };
        let alive_min = if self.plan.nodes.len() > 2 { 2 } else { 1 };
        within.min(self.plan.nodes.len().saturating_sub(alive_min)).saturating_sub(self.victims.len())
    }

    fn next_id(&self) -> u32 {
        1 + self.plan.faults.iter().map(|fault| fault.id).max().unwrap_or(0)
    }

    /// A number between `low` and `high` (inclusive) whose logarithm is spread evenly: some bugs need one long delay, others
    /// many short ones.
    fn log_uniform(&mut self, low: u64, high: u64) -> u64 {
        let (low, high) = (low.max(1), high.max(low.max(1)));
        let octaves = (high / low).ilog2();
        let base = low << self.chance.random_range(0..=octaves);
        self.chance.random_range(base..=high.min(base.saturating_mul(2)))
    }

    fn add(&mut self, when: When, for_us: Option<u64>, fault: plan::Kind) -> u32 {
        let id = self.next_id();
        self.plan.faults.push(plan::Fault { id, when, for_us, fault });
        id
    }
}

/// A place in time for sorting: anchored entries come last.
fn due_us(when: &When) -> u64 {
    match when {
        When::AtUs(at_us) => *at_us,
        When::After(_) => u64::MAX,
    }
}

fn check_workload(name: &str) -> Result<(), DrawError> {
    if WORKLOADS.iter().any(|workload| workload.name == name) {
        return Ok(());
    }
    let known: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
    Err(DrawError(format!("there is no workload {name}; there is {}", known.join(", "))))
}

/// The faults to draw from, and which of them (as they were named) have to bite.
fn choose(setting: &Setting, wishes: &Wishes) -> Result<(Vec<&'static Fault>, Vec<String>), DrawError> {
    let names: Vec<&str> = wishes.nemesis.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
    if names.contains(&"none") {
        return match names.as_slice() {
            ["none"] => Ok((Vec::new(), Vec::new())),
            _ => Err(DrawError("--nemesis none can't be combined with faults".to_owned())),
        };
    }
    let possible = |fault: &Fault| setting.nodes.len() > 1 || fault.class == "pause";
    let allowed = |fault: &Fault| possible(fault) && (wishes.beyond_model || (fault.within)(setting));
    let mut chosen: Vec<&'static Fault> = Vec::new();
    let mut requested = Vec::new();
    for name in names {
        let meant: Vec<&'static Fault> = FAULTS.iter().filter(|f| name == "all" || f.name == name || f.class == name).collect();
        if meant.is_empty() {
            return Err(unknown(name));
        }
        let within: Vec<&'static Fault> = meant.iter().copied().filter(|fault| allowed(fault)).collect();
        if within.is_empty() && name != "all" {
            let alone = !meant.iter().any(|fault| possible(fault));
            return Err(if alone { DrawError(format!("{name} needs at least two nodes")) } else { outside(name, setting) });
        }
        chosen.extend(within);
        if name != "all" && !requested.iter().any(|known| known == name) {
            requested.push(name.to_owned());
        }
    }
    let mut seen = BTreeSet::new();
    chosen.retain(|fault| seen.insert(fault.name));
    Ok((chosen, requested))
}

fn outside(name: &str, setting: &Setting) -> DrawError {
    let over = setting.over.as_ref().map_or(String::new(), |over| format!(" over {over}"));
    DrawError(format!(
        "{name} is outside the system model of {}{over}, which does not claim to withstand it; \
         add --beyond-model to inject it all the same",
        setting.algorithm
    ))
}

fn unknown(name: &str) -> DrawError {
    let mut known: Vec<&str> = FAULTS.iter().flat_map(|fault| [fault.name, fault.class]).collect();
    known.extend(["none", "all"]);
    known.sort_unstable();
    known.dedup();
    DrawError(format!("there is no fault {name}; there are {}", known.join(", ")))
}

#[cfg(test)]
mod tests;
