//! Cells: one combination of a campaign, and the plan of each of its runs.

use anyhow::Result;
use temblor_workloads::draw::{Wishes, draw, to_points};
use temblor_workloads::faults;
use temblor_workloads::plan::Plan;
use temblor_workloads::topology::Topology;

use crate::cli::Executor;
use crate::commands::execution::INIT_TIMEOUT_US;
use crate::exit::usage;
use crate::foreign::NodeCommand;
use crate::past::PastRun;
use crate::processes::Launch;
use crate::system::System;

/// One algorithm under one choice of faults, of one size, on one executor.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The scenario that it is of.
    pub scenario: String,
    /// What runs.
    pub system: System,
    /// How its nodes are started.
    pub launch: Launch,
    /// Somebody else's node, if that is what is started.
    pub foreign: Option<NodeCommand>,
    /// What that is called: by its file, and where that does not tell it from others, as the campaign file has it.
    pub program: Option<String>,
    /// What goes wrong, as `--nemesis` takes it.
    pub faults: Vec<String>,
    /// How many nodes.
    pub nodes: u16,
    /// What they run on.
    pub executor: Executor,
    /// What clients do: these take turns.
    pub workloads: Vec<&'static str>,
    /// Length of the main phase, us.
    pub length_us: u64,
    /// Broadcasts a second.
    pub rate: u32,
    /// Answers in each chain of a chat.
    pub chain_depth: u32,
    /// Broadcasts in each burst.
    pub burst_size: u32,
    /// Whether faults outside the model are allowed.
    pub beyond_model: bool,
    /// Which neighbours plain nodes are told of.
    pub topology: Topology,
    /// How long it is from one fault to the next, where they do not overlap, us.
    pub interval_us: Option<u64>,
    /// Every frame of every link takes so long, us.
    pub latency_us: u64,
    /// At most so many requests are open at a time.
    pub clients_max: Option<u32>,
    /// How long a node has to answer `init`, us.
    pub init_timeout_us: u64,
}

impl Cell {
    /// The cell that a past run would be of.
    ///
    /// # Errors
    /// What ran is not there any more.
    pub fn of(past: &PastRun) -> Result<Self> {
        let system = past.system()?;
        Ok(Self {
            scenario: String::new(),
            launch: past.launch(&system)?,
            system,
            program: past.foreign.as_ref().map(NodeCommand::short_name),
            foreign: past.foreign.clone(),
            faults: past.plan.requested.clone(),
            nodes: past.plan.nodes.len() as u16,
            executor: past.executor,
            workloads: Vec::new(),
            length_us: past.plan.length_us,
            rate: 0,
            chain_depth: 0,
            burst_size: 0,
            beyond_model: past.plan.beyond_model,
            topology: past.plan.topology,
            interval_us: None,
            latency_us: 0,
            clients_max: past.plan.clients_max,
            init_timeout_us: INIT_TIMEOUT_US,
        })
    }

    /// The plan of its run in this round, from 0, with this seed.
    ///
    /// # Errors
    /// The system's model does not allow what is asked for.
    pub fn plan(&self, round: u64, seed: u64) -> Result<Plan> {
        let nodes = (1..=self.nodes).map(|number| format!("n{number}")).collect();
        let wishes = Wishes {
            workload: self.workload(round).to_owned(),
            nemesis: self.faults.clone(),
            length_us: self.length_us,
            rate: self.rate,
            chain_depth: self.chain_depth,
            burst_size: self.burst_size,
            beyond_model: self.beyond_model,
            interval_us: self.interval_us,
            latency_us: self.latency_us,
        };
        let drawn = draw(&self.system.setting(nodes), &wishes, seed);
        let mut plan = drawn.map_err(|error| usage(error.to_string()))?;
        (plan.topology, plan.clients_max) = (self.topology, self.clients_max);
        if self.executor != Executor::Processes {
            to_points(&mut plan);
        }
        Ok(plan)
    }

    /// Only a chat shows whether causes come first, so it is the first where causal order is promised.
    fn workload(&self, round: u64) -> &'static str {
        let chat = self.workloads.iter().position(|name| *name == "chat" && self.system.promises("causal-order"));
        let at = (chat.unwrap_or(0) as u64 + round) % self.workloads.len() as u64;
        self.workloads[at as usize]
    }

    /// Its faults as one word for the head of a column.
    pub fn under(&self) -> String {
        self.faults.join(",")
    }

    /// What runs, for people: `fifo over eager`, with a bug or a program that is not ours.
    pub fn what(&self) -> String {
        let bug = self.system.bug().map_or(String::new(), |bug| format!(" with {bug}"));
        let program = self.program.as_ref().map_or(String::new(), |program| format!(" ({program})"));
        format!("{}{bug}{program}", self.system.name())
    }

    /// The classes of faults that have to take effect for a run to count.
    pub fn classes(&self) -> Vec<&'static str> {
        let named = self.faults.iter().filter(|name| !matches!(name.as_str(), "none" | "all"));
        let class = |name: &String| {
            let of_class = || faults::FAULTS.iter().find(|fault| fault.class == name.as_str());
            faults::find(name).or_else(of_class).map(|fault| fault.class)
        };
        named.filter_map(class).collect()
    }
}
