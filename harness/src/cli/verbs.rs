//! The arguments of each subcommand.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use temblor_workloads::topology::Topology;
use temblor_workloads::workloads::WORKLOADS;

use super::durations::parse_us;
use crate::exit::usage;
use crate::foreign::NodeCommand;

/// Which system runs.
#[derive(Debug, Clone, Args)]
pub struct SystemArgs {
    /// The algorithm (see `temblor list algorithms`); may be left out where -w
    /// names it: broadcast, echo, unique-ids
    #[arg(default_value = "", hide_default_value = true)]
    pub algorithm: String,
    /// The layer below, for algorithms that take one
    #[arg(long, value_name = "LAYER")]
    pub over: Option<String>,
    /// To how many others gossip passes a message on (3 if not said)
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub fanout: Option<u32>,
    /// Nodes speak JSON over HTTP/1.1 (rpc on real processes; in virtual
    /// time the same calls go without it)
    #[arg(long)]
    pub http: bool,
}

/// What a plan is drawn from.
#[derive(Debug, Clone, Default, Args)]
pub struct WishArgs {
    /// Faults to inject: names or classes of `temblor list faults`, `none`,
    /// or `all` that the algorithm's model allows
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "all")]
    pub nemesis: Vec<String>,
    /// Allow faults that the algorithm does not claim to withstand; lost
    /// liveness is then no violation, lost safety still is
    #[arg(long)]
    pub beyond_model: bool,
    /// How many nodes
    #[arg(long, visible_alias = "node-count", value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u16).range(1..=128))]
    pub nodes: u16,
    /// Length of the main phase: 30s, 5m, 500ms or bare seconds
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_us)]
    pub time_limit: u64,
    /// Broadcasts a second, over all nodes, answers included
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub rate: u32,
    /// What clients do (see `temblor list workloads`); if absent, the first
    /// that fits: broadcast, or payments
    #[arg(long, short = 'w', value_name = "NAME")]
    pub workload: Option<String>,
    /// Answers in each chain of the chat workload
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub chain_depth: u32,
    /// Broadcasts in each burst of the burst workload
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub burst_size: u32,
    /// The neighbours that a node over stdin and stdout is told of: total,
    /// grid, line, tree2, tree3, tree4
    #[arg(long, value_name = "SHAPE", default_value = "total", value_parser = parse_topology)]
    pub topology: Topology,
    /// One fault at a time, so long after the one before has ended: 10s;
    /// instead of faults that overlap as they like
    #[arg(long, value_name = "TIME", value_parser = parse_us)]
    pub nemesis_interval: Option<u64>,
    /// Every frame of every link takes so long: 100ms, or bare milliseconds
    #[arg(long, value_name = "TIME", default_value = "0", hide_default_value = true, value_parser = parse_milliseconds)]
    pub latency: u64,
    /// At most so many requests at a time: 10, or 4n for 4 a node; one that is
    /// due waits
    #[arg(long, value_name = "N", value_parser = parse_concurrency)]
    pub concurrency: Option<Concurrency>,
    /// Everything random comes from it; drawn and printed if absent
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// How a history is judged.
#[derive(Debug, Clone, Default, Args)]
pub struct JudgeArgs {
    /// Judge by these properties instead of those that the history promises
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub require: Option<Vec<String>>,
    /// Whether FIFO order allows a message to be left out for good
    #[arg(long, value_name = "WHETHER", value_enum, default_value_t)]
    pub fifo_gaps: Gaps,
    /// Print the verdict as JSON, one line a history
    #[arg(long)]
    pub json: bool,
}

/// Whether FIFO order allows gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Gaps {
    /// Strict: nobody delivers m' without having delivered m
    #[default]
    Forbidden,
    /// Weak: if both are delivered, then in order
    Allowed,
}

/// `temblor run`
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened struct is documented")]
    pub system: SystemArgs,
    /// Plant a bug (see `temblor list bugs`)
    #[arg(long, value_name = "NAME")]
    pub bug: Option<String>,
    /// Start this program as each node, with the arguments behind --; it is
    /// judged as the algorithm promises (see node/PROTOCOL.md)
    #[arg(long, value_name = "FILE", conflicts_with = "bug")]
    pub bin: Option<PathBuf>,
    /// Arguments of the program given by --bin
    #[arg(last = true, value_name = "ARGS", requires = "bin")]
    pub bin_args: Vec<String>,
    /// An environment variable of the program given by --bin; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "bin", value_parser = parse_variable)]
    pub env: Vec<(String, String)>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened struct is documented")]
    pub wishes: WishArgs,
    /// Run this plan instead of drawing one: a file, a name of `temblor list
    /// plans`, or that of a planted bug
    #[arg(long, value_name = "FILE", conflicts_with_all = ["nemesis", "nodes", "time_limit", "rate", "workload", "chain_depth", "burst_size", "topology", "nemesis_interval", "latency", "concurrency", "seed", "runs"])]
    pub plan: Option<PathBuf>,
    /// What the nodes run on
    #[arg(long, short = 'x', value_name = "NAME", value_enum, default_value_t)]
    pub executor: Executor,
    /// In virtual time: run each plan twice, and show where the two histories
    /// part if they do
    #[arg(long)]
    pub verify: bool,
    /// How long a node has to answer init
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_us)]
    pub init_timeout: u64,
    /// Show what the nodes write to stderr as it comes (real processes)
    #[arg(long)]
    pub log_stderr: bool,
    /// How many runs, from seed to seed; the first violation ends them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: u64,
    /// Go on after a violation
    #[arg(long)]
    pub keep_going: bool,
    /// Where the runs and the `latest` link go
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened struct is documented")]
    pub judge: JudgeArgs,
}

impl RunArgs {
    /// Somebody else's program, if that is what is to be started.
    pub fn foreign(&self) -> Option<NodeCommand> {
        let bin = self.bin.clone()?;
        Some(NodeCommand { bin, args: self.bin_args.clone(), env: self.env.iter().cloned().collect() })
    }
}

impl SystemArgs {
    /// The same with the algorithm that the workload names, where none was named itself.
    ///
    /// # Errors
    /// There is no algorithm of this name, or nothing is named at all.
    pub fn or_of(&self, workload: Option<&str>) -> Result<Self> {
        let algorithm = match (self.algorithm.as_str(), workload) {
            ("", Some(name @ ("broadcast" | "echo" | "unique-ids"))) => name.to_owned(),
            ("", Some(name)) if !WORKLOADS.iter().any(|workload| workload.name == name) => {
                let known: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
                return Err(usage(format!("there is no workload {name} (there are {})", known.join(", "))));
            }
            ("", Some(name)) => {
                let known = "an algorithm goes with it, as in `temblor run fifo -w chat`; without one there are broadcast, \
                             echo and unique-ids, as Maelstrom has them";
                return Err(usage(format!("which algorithm is the workload {name} for? {known}")));
            }
            ("", None) => {
                return Err(usage("no algorithm: `temblor run fifo`, or any of `temblor list algorithms`".to_owned()));
            }
            (name, _) => name.to_owned(),
        };
        Ok(Self { algorithm, ..self.clone() })
    }
}

/// How many requests may be open at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    number: u32,
    a_node: bool,
}

impl Concurrency {
    /// The number for so many nodes.
    pub fn of(self, nodes: u16) -> u32 {
        if self.a_node { self.number.saturating_mul(u32::from(nodes)) } else { self.number }
    }
}

/// `10`, or `4n`.
pub(crate) fn parse_concurrency(text: &str) -> std::result::Result<Concurrency, String> {
    let (number, a_node) = text.strip_suffix('n').map_or((text, false), |number| (number, true));
    match number.parse() {
        Ok(number @ 1..) => Ok(Concurrency { number, a_node }),
        _ => Err("no number of requests\n\n  tip: write 10, or 4n for 4 a node".to_owned()),
    }
}

/// A time, where a bare number is one of milliseconds, as it is for Maelstrom.
fn parse_milliseconds(text: &str) -> std::result::Result<u64, String> {
    if text.parse::<u64>().is_ok() { parse_us(&format!("{text}ms")) } else { parse_us(text) }
}

/// The name of a topology.
pub(crate) fn parse_topology(text: &str) -> std::result::Result<Topology, String> {
    let names: Vec<&str> = Topology::ALL.iter().map(|topology| topology.name()).collect();
    Topology::find(text).ok_or_else(|| format!("no topology\n\n  tip: there are {}", names.join(", ")))
}

/// `NAME=VALUE`
fn parse_variable(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("no variable\n\n  tip: write NAME=VALUE".to_owned()),
    }
}

/// What carries a plan out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Executor {
    /// Real processes in real time, over TCP through a proxy
    #[default]
    Processes,
    /// Real processes in virtual time, one input after the other: repeatable
    Lockstep,
    /// The algorithms in this process, in virtual time: repeatable and fast
    Sim,
}

impl Executor {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Executor::Processes => "processes",
            Executor::Lockstep => "lockstep",
            Executor::Sim => "sim",
        }
    }
}

/// `temblor plan`
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened struct is documented")]
    pub system: SystemArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened struct is documented")]
    pub wishes: WishArgs,
}

/// `temblor check`
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Histories (.jsonl, .jsonl.zst), run folders, or - for stdin
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened struct is documented")]
    pub judge: JudgeArgs,
}

/// `temblor explain`
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// A history (.jsonl, .jsonl.zst), a run folder, or - for stdin
    #[arg(value_name = "PATH", default_value = "results/latest")]
    pub path: PathBuf,
    /// Show every violation in full, not only the first
    #[arg(long)]
    pub all: bool,
    /// Draw with ASCII alone; this is so too where the locale is not UTF-8
    #[arg(long)]
    pub ascii: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened struct is documented")]
    pub judge: JudgeArgs,
}

/// `temblor hunt`
#[derive(Debug, Clone, Args)]
pub struct HuntArgs {
    /// Bugs of `temblor list bugs`, or `all`
    #[arg(long, value_name = "NAMES", default_value = "all")]
    pub bug: String,
    /// What the nodes run on
    #[arg(long, short = 'x', value_name = "NAME", value_enum, default_value_t = Executor::Sim)]
    pub executor: Executor,
    /// How long one bug is hunted from one starting seed
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_us)]
    pub budget: u64,
    /// How many starting seeds: 1,000,000, 2,000,000, ...
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=999))]
    pub starts: u64,
    /// Write the shrunk plans here, one file a bug, and the plans of false alarms
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    /// How many runs of unchanged algorithms that count, spread evenly
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub quiet_runs: u64,
}

/// `temblor replay`
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// The folder of the run
    #[arg(value_name = "RUN", default_value = "results/latest")]
    pub run: PathBuf,
    /// How often
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub times: u64,
    /// What the nodes run on; as in the run, if not said
    #[arg(long, short = 'x', value_name = "NAME", value_enum)]
    pub executor: Option<Executor>,
    /// Where runs on real processes go
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened struct is documented")]
    pub judge: JudgeArgs,
}

/// `temblor shrink`
#[derive(Debug, Clone, Args)]
pub struct ShrinkArgs {
    /// The folder of a run with a violation
    #[arg(value_name = "RUN", default_value = "results/latest")]
    pub run: PathBuf,
    /// Where smaller plans are tried: sim or lockstep; sim for temblor's own
    /// nodes and lockstep for others, if not said
    #[arg(long, short = 'x', value_name = "NAME", value_enum)]
    pub executor: Option<Executor>,
    /// How long
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_us)]
    pub budget: u64,
    /// Where the run of the shrunk plan goes
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
}

/// `temblor diff`
#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// A run folder, or a history
    #[arg(value_name = "RUN")]
    pub first: PathBuf,
    /// Another one
    #[arg(value_name = "RUN")]
    pub second: PathBuf,
}

/// `temblor completions`
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `temblor man`
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// Where the pages go
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// `temblor doctor`
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Where runs and the `latest` link would go
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
}

/// `temblor demo`
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Only these algorithms, each over all its layers
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub algorithms: Vec<String>,
    /// The whole product: every planted bug, every executor, and the properties
    /// one by one
    #[arg(long)]
    pub full: bool,
    /// What the nodes run on: processes, or with --full all three, if not said
    #[arg(long, short = 'x', value_name = "NAME", value_enum)]
    pub executor: Option<Executor>,
    /// Length of a cell's main phase: 1s, 500ms or bare seconds
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_us)]
    pub time_limit: u64,
    /// All plans come from it
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Where the runs and the `latest` link go
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Print the matrix as JSON
    #[arg(long)]
    pub json: bool,
}

/// `temblor list`
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Which table
    #[arg(value_enum, value_name = "TABLE")]
    pub what: ListWhat,
    /// As one JSON array of objects
    #[arg(long)]
    pub json: bool,
}

/// The tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListWhat {
    /// What can run, and what it promises
    Algorithms,
    /// Planted bugs, and the property that each violates
    Bugs,
    /// What clients do
    Workloads,
    /// What can go wrong
    Faults,
    /// What is proven
    Checkers,
    /// Plans that --plan takes by their names, but for the demonstrations of
    /// bugs, which have the bugs' names
    Plans,
}

/// `temblor schema`
#[derive(Debug, Clone, Args)]
pub struct SchemaArgs {
    /// Which format
    #[arg(value_enum, value_name = "FORMAT")]
    pub what: SchemaWhat,
}

/// The formats that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaWhat {
    /// One line of history.jsonl
    History,
    /// plan.json
    Plan,
    /// A campaign file, as JSON
    Campaign,
}
