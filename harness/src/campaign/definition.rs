//! The definition: a campaign file with everything looked up, and nothing in it that could fail later.

use std::path::{Path, PathBuf};

use temblor_node::algorithms::ALGORITHMS;
use temblor_workloads::chance::{mix, of_bytes};
use temblor_workloads::draw::nearest;
use temblor_workloads::faults::FAULTS;
use temblor_workloads::topology::Topology;
use temblor_workloads::workloads::{self, WORKLOADS};
use toml::Spanned;

use super::cells::Cell;
use super::file::{self, CampaignFile, Keep, Mistake, Scenario};
use crate::cli::{Executor, SystemArgs, parse_concurrency, parse_topology};
use crate::commands::execution::INIT_TIMEOUT_US;
use crate::foreign::NodeCommand;
use crate::system::System;

/// Length of a run's main phase where nobody says, us.
const LENGTH_US: u64 = 3_000_000;
/// Broadcasts a second ...
const RATE: u32 = 50;
/// ... and where something is judged as a statistic.
const RATE_STATISTIC: u32 = 200;

/// How much is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So many runs, over all shards.
    Runs(u64),
    /// So long, on each shard, us.
    Time(u64),
}

/// A campaign, ready to be run.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name in reports.
    pub name: String,
    /// Every plan comes from it; `None` until somebody has chosen one.
    pub seed: Option<u64>,
    /// How much is to be done.
    pub budget: Budget,
    /// How many runs go on at once, at most, where that is said.
    pub jobs: Option<usize>,
    /// Whether a planted bug has to be found first.
    pub canary: bool,
    /// Where failures are kept from one campaign to the next.
    pub regressions: PathBuf,
    /// How much of the time budget regressions may take, in per cent.
    pub regressions_share: u8,
    /// How many smaller plans are tried for a failure.
    pub shrink: u64,
    /// Which run folders are kept.
    pub keep: Keep,
    /// All combinations, in the order of the file.
    pub cells: Vec<Cell>,
    /// Combinations that lie outside a model, and are not run.
    pub left_out: Vec<String>,
    /// A hash of the file: shards of one campaign have the same.
    pub hash: String,
}

impl Definition {
    /// What a campaign file means; `folder` is where its paths begin.
    ///
    /// # Errors
    /// Something in it does not exist, or nothing would be run.
    pub fn new(name: &str, text: &str, folder: &Path) -> Result<Self, Mistake> {
        let file = file::parse(text)?;
        let (mut cells, mut left_out) = (Vec::new(), Vec::new());
        for (at, scenario) in file.scenario.iter().enumerate() {
            let before = cells.len();
            let mut builder = Builder { scenario: scenario.get_ref(), at, folder, cells, left_out };
            builder.multiply()?;
            (cells, left_out) = (builder.cells, builder.left_out);
            if cells.len() == before {
                let why = left_out.last().map_or(String::new(), |last| format!(": {last}"));
                return Err(Mistake::at(scenario, format!("nothing of this scenario can be run{why}")));
            }
        }
        if cells.is_empty() {
            return Err(Mistake { message: "there is no [[scenario]]: nothing would be run".to_owned(), span: None });
        }
        Ok(Self::with(file, (name, folder, text), (cells, left_out)))
    }

    fn with(
        file: CampaignFile,
        (name, folder, text): (&str, &Path, &str),
        (cells, left_out): (Vec<Cell>, Vec<String>),
    ) -> Self {
        let budget = match (file.runs, file.time) {
            (Some(runs), _) => Budget::Runs(runs),
            (None, Some(time)) => Budget::Time(time),
            (None, None) => Budget::Runs(cells.len() as u64),
        };
        Self {
            name: file.name.unwrap_or_else(|| name.to_owned()),
            seed: file.seed,
            budget,
            jobs: file.jobs,
            canary: file.canary,
            regressions: folder.join(file.regressions),
            regressions_share: file.regressions_share,
            shrink: file.shrink,
            keep: file.keep,
            cells,
            left_out,
            hash: format!("{:016x}", mix(0, &[of_bytes(text.as_bytes())])),
        }
    }
}

/// Somebody else's node; `None` is temblor's own.
type Program<'a> = Option<&'a Spanned<NodeCommand>>;

/// Multiplies the lists of one scenario.
struct Builder<'a> {
    scenario: &'a Scenario,
    at: usize,
    folder: &'a Path,
    cells: Vec<Cell>,
    left_out: Vec<String>,
}

impl Builder<'_> {
    fn multiply(&mut self) -> Result<(), Mistake> {
        let scenario = self.scenario;
        let systems = self.systems()?;
        let executors: Result<Vec<Executor>, Mistake> = scenario.executors.iter().map(executor).collect();
        let executors = executors?;
        scenario.faults.iter().try_for_each(check_faults)?;
        scenario.workloads.iter().try_for_each(check_workload)?;
        if let Some(nodes) = scenario.nodes.iter().find(|nodes| !(1..=128).contains(nodes.get_ref())) {
            return Err(Mistake::at(nodes, "a cluster has 1 to 128 nodes"));
        }
        let programs: Vec<&Spanned<NodeCommand>> = scenario.node.iter().chain(&scenario.programs).collect();
        if let (Some(node), true) = (programs.first(), executors.contains(&Executor::Sim)) {
            return Err(Mistake::at(node, "sim runs temblor's own nodes only; a program needs processes or lockstep"));
        }
        // Without a program of somebody else's it is temblor's own node.
        let programs: Vec<Program<'_>> =
            if programs.is_empty() { vec![None] } else { programs.into_iter().map(Some).collect() };
        for executor in executors {
            for system in &systems {
                for program in &programs {
                    for nodes in &scenario.nodes {
                        for faults in &scenario.faults {
                            self.add((executor, system, *program), *nodes.get_ref(), faults)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The systems that the scenario names.
    fn systems(&self) -> Result<Vec<System>, Mistake> {
        let mut systems = Vec::new();
        for named in &self.scenario.algorithms {
            for (algorithm, over) in meant(named.get_ref()) {
                let args = SystemArgs { algorithm, over, fanout: self.scenario.fanout, http: self.scenario.http };
                let bug = self.scenario.bug.as_ref().map(|bug| bug.get_ref().as_str());
                systems.push(System::find(&args, bug).map_err(|error| Mistake::at(named, error.to_string()))?);
            }
        }
        Ok(systems)
    }

    fn add(
        &mut self,
        (executor, system, program): (Executor, &System, Program<'_>),
        nodes: u16,
        faults: &Spanned<String>,
    ) -> Result<(), Mistake> {
        let scenario = self.scenario;
        let own: Vec<&'static str> = workloads::of(system.asks()).map(|workload| workload.name).collect();
        let wanted = |name: &&&str| scenario.workloads.iter().any(|named| named.get_ref() == **name);
        let fitting: Vec<&'static str> = own.iter().filter(wanted).copied().collect();
        let foreign = program.map(|node| self.placed(node.get_ref()));
        let others = scenario.node.iter().chain(&scenario.programs).map(Spanned::get_ref);
        let alike = |node: &NodeCommand| others.clone().filter(|other| other.short_name() == node.short_name()).count();
        let named = program.map(Spanned::get_ref).map(|node| match alike(node) {
            0 | 1 => node.short_name(),
            _ => node.long_name(),
        });
        let launch = system.launch(foreign.as_ref()).map_err(|error| match program {
            Some(node) => Mistake::at(node, error.to_string()),
            None => Mistake { message: error.to_string(), span: None },
        })?;
        let topology = scenario.topology.as_ref().map_or(Ok(Topology::default()), read_as(parse_topology))?;
        let concurrency = scenario.concurrency.as_ref().map(read_as(parse_concurrency)).transpose()?;
        let rate = if system.is_judged_as_statistic() { RATE_STATISTIC } else { RATE };
        let cell = Cell {
            scenario: scenario.name.clone().unwrap_or_else(|| format!("scenario-{}", self.at + 1)),
            system: system.clone(),
            launch,
            foreign,
            program: named,
            faults: faults.get_ref().split(',').map(|name| name.trim().to_owned()).collect(),
            nodes,
            executor,
            workloads: if scenario.workloads.is_empty() { own } else { fitting },
            length_us: scenario.time_limit.unwrap_or(LENGTH_US),
            rate: scenario.rate.unwrap_or(rate),
            chain_depth: scenario.chain_depth.unwrap_or(4),
            burst_size: scenario.burst_size.unwrap_or(20),
            beyond_model: scenario.beyond_model,
            topology,
            interval_us: scenario.nemesis_interval,
            latency_us: scenario.latency.unwrap_or(0),
            clients_max: concurrency.map(|clients| clients.of(nodes)),
            init_timeout_us: scenario.init_timeout.unwrap_or(INIT_TIMEOUT_US),
        };
        let drawn = match cell.workloads.is_empty() {
            true => Err("none of the workloads is for it".to_owned()),
            false => cell.plan(0, 0).map(drop).map_err(|error| error.to_string()),
        };
        match drawn {
            Ok(()) => self.cells.push(cell),
            Err(why) => self.left_out.push(format!("{} under {}: {why}", cell.system.name(), faults.get_ref())),
        }
        Ok(())
    }

    /// A program that is named by a path stands where the campaign file says, seen from its own folder.
    fn placed(&self, node: &NodeCommand) -> NodeCommand {
        let is_path = node.bin.components().count() > 1;
        let bin = if is_path { self.folder.join(&node.bin) } else { node.bin.clone() };
        NodeCommand { bin, ..node.clone() }
    }
}

/// `all`, or an algorithm, perhaps with the layer below: `fifo over eager`.
fn meant(name: &str) -> Vec<(String, Option<String>)> {
    if name == "all" {
        let of = |algorithm: &temblor_node::algorithms::Algorithm| {
            (algorithm.name.to_owned(), algorithm.over.map(str::to_owned))
        };
        return ALGORITHMS.iter().map(of).collect();
    }
    match name.split_once(" over ") {
        Some((algorithm, over)) => vec![(algorithm.trim().to_owned(), Some(over.trim().to_owned()))],
        None => vec![(name.trim().to_owned(), None)],
    }
}

fn executor(name: &Spanned<String>) -> Result<Executor, Mistake> {
    let known = [Executor::Processes, Executor::Lockstep, Executor::Sim];
    let found = known.into_iter().find(|executor| executor.name() == name.get_ref());
    found.ok_or_else(|| {
        let message = format!("there is no executor {}; there are processes, lockstep and sim", name.get_ref());
        Mistake::at(name, message)
    })
}

/// Reads a word as the command line does; only the first line of what it says of a mistake fits here.
fn read_as<T>(parse: impl Fn(&str) -> Result<T, String>) -> impl Fn(&Spanned<String>) -> Result<T, Mistake> {
    move |word| {
        let mistake = |error: String| {
            let told = error.replace("\n\n  tip: ", "; ");
            Mistake::at(word, format!("{:?} is {told}", word.get_ref()))
        };
        parse(word.get_ref()).map_err(mistake)
    }
}

fn check_faults(names: &Spanned<String>) -> Result<(), Mistake> {
    let known = |name: &str| {
        matches!(name, "none" | "all") || FAULTS.iter().any(|fault| fault.name == name || fault.class == name)
    };
    let list: Vec<&str> = names.get_ref().split(',').map(str::trim).collect();
    if let Some(stranger) = list.iter().find(|name| !known(name)) {
        let known = FAULTS.iter().flat_map(|fault| [fault.name, fault.class]).chain(["none", "all"]);
        let hint = nearest(stranger, known).map_or(String::new(), |known| format!("; did you mean {known}?"));
        return Err(Mistake::at(names, format!("there is no fault {stranger:?}{hint} (see temblor list faults)")));
    }
    if list.len() > 1 && list.contains(&"none") {
        return Err(Mistake::at(names, "none can't be combined with faults"));
    }
    Ok(())
}

fn check_workload(name: &Spanned<String>) -> Result<(), Mistake> {
    let known: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
    match known.contains(&name.get_ref().as_str()) {
        true => Ok(()),
        false => {
            let message = format!("there is no workload {}; there are {}", name.get_ref(), known.join(", "));
            Err(Mistake::at(name, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use temblor_workloads::plan::{Fault, Kind, When};

    use super::Definition;

    fn define(text: &str) -> Result<Definition, String> {
        Definition::new("test", text, Path::new(".")).map_err(|mistake| mistake.show("test.toml", text))
    }

    #[test]
    fn lists_are_multiplied_and_what_no_model_allows_is_left_out() {
        let definition = define(
            "[[scenario]]\nalgorithms = ['fifo', 'raft']\nfaults = ['none', 'kill', 'disk']\nnodes = [3, 5]\n\
             executors = ['sim', 'lockstep']\n",
        )
        .unwrap();
        // fifo keeps nothing on a disk.
        assert_eq!(definition.cells.len(), (3 + 2) * 2 * 2);
        assert_eq!(definition.left_out.len(), 4);
        assert!(definition.left_out[0].starts_with("fifo under disk: "), "{}", definition.left_out[0]);
    }

    #[test]
    fn programs_are_multiplied_too() {
        let text = "[[scenario]]\nalgorithms = ['fifo', 'eager']\nfaults = ['none', 'kill']\nnodes = [3]\n\
                    programs = [{ bin = 'true' }, { bin = 'cat', args = ['-u'] }, { bin = 'false' }]\n";
        let definition = define(text).unwrap();
        assert_eq!(definition.cells.len(), 2 * 3 * 2);
        let programs: Vec<_> =
            definition.cells.iter().filter_map(|cell| Some(cell.foreign.as_ref()?.bin.clone())).collect();
        assert_eq!(programs.iter().filter(|bin| bin.ends_with("cat")).count(), 4);
    }

    #[test]
    fn what_maelstroms_users_know_is_in_every_plan() {
        let text = "[[scenario]]\nalgorithms = ['broadcast']\nfaults = ['partition']\nnodes = [4]\nexecutors = ['sim']\n\
                    topology = 'line'\nlatency = '20ms'\nnemesis-interval = '500ms'\nconcurrency = '2n'\n";
        let plan = define(text).unwrap().cells[0].plan(0, 1).unwrap();
        assert_eq!((plan.topology.name(), plan.clients_max), ("line", Some(8)));
        let delays =
            |fault: &Fault| matches!(&fault.fault, Kind::Delay { delay_us: 20_000, links } if links.len() == 12);
        assert!(plan.faults.iter().any(delays));
        let begins: Vec<u64> = plan
            .faults
            .iter()
            .filter_map(|fault| match (&fault.when, &fault.fault) {
                (When::AtUs(at_us), Kind::Partition { .. }) => Some(*at_us),
                _ => None,
            })
            .collect();
        assert!(begins.len() > 1 && begins.iter().all(|at_us| at_us % 500_000 == 0), "{begins:?}");
    }

    #[test]
    fn every_name_is_looked_up_before_anything_runs() {
        for (line, words) in [
            ("algorithms = ['fifo', 'fifi']", "fifi"),
            ("algorithms = ['fifo']\nfaults = ['kill', 'kil']", "there is no fault \"kil\""),
            ("algorithms = ['fifo']\nfaults = ['none,kill']", "can't be combined"),
            ("algorithms = ['fifo']\nexecutors = ['simulator']", "there is no executor simulator"),
            ("algorithms = ['fifo']\nworkloads = ['chatter']", "there is no workload chatter"),
            ("algorithms = ['fifo']\nnodes = [0]", "1 to 128 nodes"),
            ("algorithms = ['fifo']\ntopology = 'ring'", "\"ring\" is no topology; there are "),
            ("algorithms = ['fifo']\nconcurrency = 'many'", "\"many\" is no number of requests; write 10, or 4n"),
            ("algorithms = ['fifo']\nfaults = ['disk']", "nothing of this scenario can be run"),
            ("algorithms = ['fifo']\nbug = 'votes-twice'", "votes-twice is a bug of raft"),
            ("algorithms = ['fifo']\nnode = { bin = './no-such-program' }", "no-such-program"),
            ("algorithms = ['fifo']\nprograms = [{ bin = 'true' }, { bin = './nor-this' }]", "nor-this"),
            (
                "algorithms = ['fifo']\nexecutors = ['sim']\nprograms = [{ bin = 'true' }]",
                "sim runs temblor's own nodes",
            ),
        ] {
            let error = define(&format!("[[scenario]]\n{line}\n")).unwrap_err();
            assert!(error.contains(words) && error.contains("test.toml, line "), "{error}");
        }
        assert!(define("runs = 3\nscenario = []\n").unwrap_err().contains("no [[scenario]]"));
    }
}
