//! Drawing a plan: a pure function of (setting, wishes, seed).
//!
//! Half of the plans follow templates: short stories that are known to bring out a class of bugs ([`TEMPLATES`]); half are
//! random, with some kinds of fault switched off and the others weighted at random (swarm testing, Groce et al. 2012).
//! Whatever was asked for by name is in the plan, and finds live nodes and frames on their way. All arithmetic is in integers.

mod aim;
mod choice;
mod kinds;
mod lanes;
mod operations;
mod points;
mod reboots;
mod requests;
mod steps;
mod templates;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::chance::{mix, of_bytes};
use crate::faults::Fault;
use crate::plan::{self, FORMAT, Kind, Operation, Plan, Rule, When};
use crate::setting::Setting;
use crate::topology::Topology;
use crate::validity::TIME_MAX_US;

pub use choice::nearest;
pub use points::to_points;
pub use templates::{TEMPLATES, Template};

/// The most broadcasts that are drawn for one plan.
pub const OPERATIONS_MAX: u64 = 10_000_000;

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// The workload's name.
    pub workload: String,
    /// Faults: names, classes, `none`, or `all` of the model.
    pub nemesis: Vec<String>,
    /// Length of the main phase, us.
    pub length_us: u64,
    /// Broadcasts a second, over all nodes, answers included.
    pub rate: u32,
    /// How many answers each chain of a `chat` has.
    pub chain_depth: u32,
    /// How many broadcasts each burst has.
    pub burst_size: u32,
    /// Whether faults outside the model are allowed.
    pub beyond_model: bool,
    /// Instead of lanes: one fault at a time, so long after the one before, us.
    pub interval_us: Option<u64>,
    /// Every frame of every link takes so long, us.
    pub latency_us: u64,
}

/// What is meant where nothing is said.
impl Default for Wishes {
    fn default() -> Self {
        Self {
            workload: "broadcast".to_owned(),
            nemesis: vec!["all".to_owned()],
            length_us: 5_000_000,
            rate: 50,
            chain_depth: 4,
            burst_size: 20,
            beyond_model: false,
            interval_us: None,
            latency_us: 0,
        }
    }
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
    /// How many broadcasts belong to the steady rate: the messages 1 to this one.
    steady: u64,
    /// So many of these belong together, and are asked of the same node: 1, or the size of a burst.
    unit: u64,
    /// How many broadcasts there are.
    broadcasts: u64,
    /// How many links all faults together name.
    links: usize,
}

/// Draws the plan of a seed.
pub fn draw(setting: &Setting, wishes: &Wishes, seed: u64) -> Result<Plan, DrawError> {
    let workload = choice::workload(&wishes.workload, setting)?;
    check_size(setting, wishes)?;
    let (faults, requested) = choice::choose(setting, wishes)?;
    let system = of_bytes(setting.algorithm.as_bytes());
    let below = of_bytes(setting.over.as_deref().unwrap_or("").as_bytes());
    let chance = ChaCha8Rng::seed_from_u64(mix(seed, &[system, below]));
    let plan = Plan {
        format: FORMAT,
        algorithm: setting.algorithm.clone(),
        over: setting.over.clone(),
        fanout: setting.fanout,
        http: setting.http,
        topology: Topology::default(),
        clients_max: None,
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
    let (victims, steady, unit, broadcasts, links) = (Vec::new(), 0, 1, 0, 0);
    let mut draft = Draft { setting, wishes, chance, plan, faults, victims, steady, unit, broadcasts, links };
    draft.draw_operations(workload.pattern);
    draft.slow_links();
    draft.draw_faults();
    draft.spare_the_dead();
    draft.sort();
    draft.aim();
    Ok(draft.plan)
}

/// How many broadcasts the steady rate makes: at least one, unless none are wanted.
fn steady(wishes: &Wishes) -> u64 {
    let (length, rate) = (u128::from(wishes.length_us), u128::from(wishes.rate));
    let count = u64::try_from(length * rate / 1_000_000).unwrap_or(u64::MAX);
    count.max(u64::from(wishes.rate > 0 && wishes.length_us > 0))
}

fn check_size(setting: &Setting, wishes: &Wishes) -> Result<(), DrawError> {
    if setting.nodes.is_empty() {
        return Err(DrawError("a plan needs at least one node".to_owned()));
    }
    if wishes.length_us > TIME_MAX_US {
        return Err(DrawError("a run lasts at most a year".to_owned()));
    }
    let count = steady(wishes);
    if count > OPERATIONS_MAX {
        let what = format!("{count} broadcasts are more than the {OPERATIONS_MAX} that a plan holds");
        return Err(DrawError(format!("{what}; ask for a lower rate or a shorter run")));
    }
    Ok(())
}

impl Draft<'_> {
    fn draw_faults(&mut self) {
        if let Some(interval_us) = self.wishes.interval_us {
            self.fill_intervals(interval_us);
            return self.add_what_was_requested();
        }
        let follows_templates = self.one_in(2);
        let told = follows_templates && (self.tell_in_turn() || self.tell_stories());
        if !told {
            self.fill_lanes();
        }
        self.add_what_was_requested();
    }

    /// Most requests to a node that is dead by then go to somebody else; an eighth stays, to see that they are refused.
    fn spare_the_dead(&mut self) {
        for at in 0..self.plan.operations.len() {
            let Operation { when, node, .. } = &self.plan.operations[at];
            let dead = matches!(when, When::AtUs(at_us) if self.dies_us(node) <= *at_us);
            if dead && !self.one_in(8) {
                self.plan.operations[at].node = self.survivor();
            }
        }
        self.spare_the_dead_of_chains();
    }

    /// A chain that begins when one of its nodes is dead by then goes on with somebody else.
    fn spare_the_dead_of_chains(&mut self) {
        let mut begins: BTreeMap<u64, u64> =
            self.plan.operations.iter().map(|operation| (operation.number, due_us(&operation.when))).collect();
        for at in 0..self.plan.rules.len() {
            let Rule { on_deliver, node, broadcast } = &self.plan.rules[at];
            let begin = begins.get(on_deliver).copied().unwrap_or(0);
            begins.insert(*broadcast, begin);
            if self.dies_us(node) <= begin && !self.one_in(8) {
                self.plan.rules[at].node = self.survivor();
            }
        }
    }

    fn sort(&mut self) {
        self.plan.faults.sort_by_key(|fault| (due_us(&fault.when), fault.id));
        self.plan.operations.sort_by_key(|operation| (due_us(&operation.when), operation.number));
    }

    fn has(&self, name: &str) -> bool {
        self.faults.iter().any(|fault| fault.name == name)
    }

    fn any_node(&mut self) -> String {
        let at = self.chance.random_range(0..self.plan.nodes.len());
        self.plan.nodes[at].clone()
    }

    /// A node that this plan does not kill.
    fn survivor(&mut self) -> String {
        self.alive_at(u64::MAX - 1)
    }

    /// A node that is alive at this time. There is one: not all are killed.
    fn alive_at(&mut self, at_us: u64) -> String {
        let alive: Vec<&String> = self.plan.nodes.iter().filter(|node| self.dies_us(node) > at_us).collect();
        assert!(!alive.is_empty(), "the plan kills every node");
        alive[self.chance.random_range(0..alive.len())].clone()
    }

    /// When the plan kills this node at the earliest, us; `u64::MAX` if it never does.
    fn dies_us(&self, node: &str) -> u64 {
        let deaths = self.victims.iter().filter(|(victim, _)| victim == node);
        deaths.map(|(_, since)| *since).min().unwrap_or(u64::MAX)
    }

    /// Whether a pause of this node falls into this time, us.
    fn is_paused(&self, node: &str, time: Range<u64>) -> bool {
        let hits = |kind: &Kind| match kind {
            Kind::Pause { node: paused } | Kind::Stutter { node: paused, .. } => paused == node,
            _ => false,
        };
        self.plan.faults.iter().any(|fault| hits(&fault.fault) && overlaps(fault, &time))
    }

    /// How many more nodes may be killed: within the model, and two stay alive where there are more.
    fn kills_left(&self) -> usize {
        let within = if self.wishes.beyond_model { usize::MAX } else { self.setting.faulty_max as usize };
        // Where nodes come back, those that a plan leaves down until the heal leave a majority.
        let majority = if self.recovers() { self.plan.nodes.len() / 2 + 1 } else { 1 };
        let alive_min = if self.plan.nodes.len() > 2 { majority.max(2) } else { 1 };
        within.min(self.plan.nodes.len().saturating_sub(alive_min)).saturating_sub(self.victims.len())
    }

    /// True with a chance of 1 in `times`.
    fn one_in(&mut self, times: u32) -> bool {
        self.chance.random_range(0..times) == 0
    }

    /// A number between `low` and `high` (inclusive) whose logarithm is spread evenly: some bugs need one long delay, others
    /// many short ones.
    fn log_uniform(&mut self, low: u64, high: u64) -> u64 {
        let (low, high) = (low.max(1), high.max(low.max(1)));
        let octaves = (high / low).ilog2();
        if octaves == 0 {
            return self.chance.random_range(low..=high);
        }
        // The last octave reaches beyond `high`; what falls there, less than half, is drawn again.
        loop {
            let base = low << self.chance.random_range(0..=octaves);
            let number = self.chance.random_range(base..base.saturating_mul(2));
            if number <= high {
                return number;
            }
        }
    }

    /// One more broadcast; its number is the next one.
    fn broadcast(&mut self, node: &str, when: When) -> u64 {
        self.broadcasts += 1;
        let operation = Operation { when, node: node.to_owned(), ask: self.setting.asks, number: self.broadcasts };
        self.plan.operations.push(operation);
        self.broadcasts
    }

    fn add(&mut self, when: When, for_us: Option<u64>, fault: Kind) -> u32 {
        let id = 1 + u32::try_from(self.plan.faults.len()).expect("few faults are drawn");
        self.links += fault.links().len();
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

/// Whether a timed fault is in force at some moment of this time, us.
fn overlaps(fault: &plan::Fault, time: &Range<u64>) -> bool {
    let begin = due_us(&fault.when);
    begin < time.end && time.start < begin.saturating_add(fault.for_us.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
