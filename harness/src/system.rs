//! The system under test: from the table of algorithms to what a plan, a header and a command line need of it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use temblor_checkers::header::{self, Acknowledges, Header};
use temblor_node::algorithms::{self, Algorithm, Settings};
use temblor_node::bugs;
use temblor_node::layer::Layer;
use temblor_node::model;
use temblor_workloads::faults::{class_of, is_within};
use temblor_workloads::plan::{Ask, Plan};
use temblor_workloads::setting::{Crashes, Links, Setting};

use crate::cli::SystemArgs;
use crate::exit::usage;
use crate::foreign::NodeCommand;
use crate::processes::Launch;
use crate::virtual_time::Simulated;

/// An algorithm over a layer, with or without a planted bug.
#[derive(Clone, Debug)]
pub struct System {
    algorithm: &'static Algorithm,
    over: Option<String>,
    fanout: Option<u32>,
    http: bool,
    bug: Option<String>,
    own: Option<Layers>,
}

/// Layers that are not in the table, the top one first.
pub type Layers = fn() -> Vec<Box<dyn Layer>>;

impl System {
    /// Looks a system up; what does not exist is a mistake of the command line.
    pub fn find(args: &SystemArgs, bug: Option<&str>) -> Result<Self> {
        let found = algorithms::system(&args.algorithm, args.over.as_deref());
        let algorithm = found.map_err(|error| usage(error.to_string()))?;
        if let Some(bug) = bug {
            check_bug(algorithm, bug)?;
        }
        if args.fanout.is_some() && algorithm.name != "gossip" {
            return Err(usage(format!("--fanout is an option of gossip; {} has no fanout", algorithm.name)));
        }
        if args.http && !algorithm.is_rpc() {
            let why = "HTTP is for calls that are answered, and only rpc has those";
            return Err(usage(format!("--http is an option of rpc, not of {}: {why}", algorithm.name)));
        }
        // The default layer goes without saying, so that a plan is the same with and without it on the command line.
        let default = algorithms::system(&args.algorithm, None).is_ok_and(|first| first.over == algorithm.over);
        let over = algorithm.over.filter(|_| !default).map(str::to_owned);
        let fanout = args.fanout.filter(|fanout| *fanout != Settings::default().fanout);
        Ok(Self { algorithm, over, fanout, http: args.http, bug: bug.map(str::to_owned), own: None })
    }

    /// The same promises and the same model, of layers that are not in the table.
    #[must_use]
    pub fn of_layers(self, own: Layers) -> Self {
        Self { own: Some(own), ..self }
    }

    /// Whether one of its promises is a statistic, which says something of many messages only.
    pub fn is_judged_as_statistic(&self) -> bool {
        self.algorithm.promises.iter().any(|(_, condition)| *condition == "as-statistic")
    }

    /// What its clients ask for.
    pub fn asks(&self) -> Ask {
        match self.algorithm.name {
            "rpc" => Ask::Charge,
            "echo" => Ask::Echo,
            "unique-ids" => Ask::Generate,
            _ => Ask::Broadcast,
        }
    }

    /// Whether it promises a property, if need be under a condition.
    pub fn promises(&self, property: &str) -> bool {
        self.algorithm.promises.iter().any(|(name, _)| *name == property)
    }

    /// What drawing a plan for `nodes` has to know.
    pub fn setting(&self, nodes: Vec<String>) -> Setting {
        let model = &self.algorithm.model;
        Setting {
            algorithm: self.algorithm.name.to_owned(),
            over: self.over.clone(),
            fanout: self.fanout,
            http: self.http,
            links: match model.links {
                model::Links::FairLoss => Links::FairLoss,
                model::Links::Reliable => Links::Reliable,
            },
            crashes: match model.crashes {
                model::Crashes::None => Crashes::None,
                model::Crashes::Stop => Crashes::Stop,
                model::Crashes::Recover | model::Crashes::RecoverAfresh => Crashes::Recover,
            },
            durable: model.crashes == model::Crashes::Recover,
            leader: self.algorithm.leader,
            asks: self.asks(),
            faulty_max: u32::try_from(model.faulty.max(nodes.len())).expect("there are at most 1000 nodes"),
            bound_ms: model.bound_ms,
            nodes,
        }
    }

    /// What the history of a run of `plan` is to be judged by. The bug does not show in it.
    pub fn header(&self, plan: &Plan) -> Result<Header> {
        let setting = self.setting(plan.nodes.clone());
        let promises: Result<BTreeMap<_, _>> = self
            .algorithm
            .promises
            .iter()
            .map(|(property, condition)| {
                let condition =
                    serde_json::from_value((*condition).into()).context("a condition of the table is unknown")?;
                Ok(((*property).to_owned(), condition))
            })
            .collect();
        let mut beyond: Vec<String> = plan
            .faults
            .iter()
            .filter(|fault| !is_within(&fault.fault, &setting))
            .map(|fault| class_of(&fault.fault).to_owned())
            .collect();
        beyond.sort_unstable();
        beyond.dedup();
        Ok(Header {
            format: header::FORMAT,
            system: self.name(),
            nodes: plan.nodes.clone(),
            crashes: match setting.crashes {
                Crashes::Recover => header::Crashes::Recover,
                Crashes::None | Crashes::Stop => header::Crashes::Stop,
            },
            faulty_max: setting.faulty_max,
            ok: if setting.crashes == Crashes::Recover { Acknowledges::Delivered } else { Acknowledges::Taken },
            promises: promises?,
            requested: plan.requested.clone(),
            beyond,
            fanout: (self.algorithm.name == "gossip").then_some(self.settings().fanout),
        })
    }

    /// How to start one of its nodes: this program as `temblor node`, or somebody else's.
    pub fn launch(&self, foreign: Option<&NodeCommand>) -> Result<Launch> {
        if let Some(NodeCommand { bin, args, env }) = foreign {
            let program = located(bin)?;
            return Ok(Launch { program, arguments: args.clone(), environment: env.clone(), ..Launch::default() });
        }
        let program: PathBuf = std::env::current_exe().context("failed to find this program's own file")?;
        let mut arguments = vec!["node".to_owned(), self.algorithm.name.to_owned()];
        let fanout = self.fanout.map(|fanout| fanout.to_string());
        let options =
            [("--over", self.algorithm.over), ("--fanout", fanout.as_deref()), ("--bug", self.bug.as_deref())];
        for (flag, value) in options {
            if let Some(value) = value {
                arguments.extend([flag.to_owned(), value.to_owned()]);
            }
        }
        Ok(Launch { program, arguments, ..Launch::default() })
    }

    /// Its nodes as stacks of layers in this process.
    pub fn simulated(&self, nodes: &[String]) -> Result<Simulated> {
        let bug = self.bug.as_deref().and_then(bugs::find).map(|entry| entry.bug);
        let (build, settings, own) = (self.algorithm.build, self.settings(), self.own);
        let layers = move || own.map_or_else(|| build(settings), |own| own());
        Simulated::new(nodes, Box::new(layers), bug).map_err(|error| usage(error.to_string()))
    }

    /// What is set of the algorithm.
    pub fn settings(&self) -> Settings {
        let default = Settings::default();
        Settings { fanout: self.fanout.unwrap_or(default.fanout) }
    }

    /// The bound of its model, ms.
    pub fn bound_ms(&self) -> u64 {
        self.algorithm.model.bound_ms
    }

    /// Whether its nodes, where they are real, speak HTTP with each other.
    pub fn speaks_http(&self) -> bool {
        self.http
    }

    /// The bug that is planted in it.
    pub fn bug(&self) -> Option<&str> {
        self.bug.as_deref()
    }

    /// Its name for people: `fifo over best-effort`.
    pub fn name(&self) -> String {
        match &self.over {
            Some(over) => format!("{} over {over}", self.algorithm.name),
            None => self.algorithm.name.to_owned(),
        }
    }
}

/// Where a program is: a path, or a name that a shell would find.
fn located(program: &Path) -> Result<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let is_name = program.components().count() == 1 && !program.exists();
    let found =
        is_name.then(|| std::env::split_paths(&folders).map(|folder| folder.join(program))).into_iter().flatten();
    let path = found.into_iter().find(|path| path.is_file()).unwrap_or_else(|| program.to_owned());
    let absent = |error| usage(format!("there is no program {} to start as a node: {error}", program.display()));
    let found = path.canonicalize().map_err(absent)?;
    let runs = |facts: &std::fs::Metadata| facts.is_file() && facts.permissions().mode() & 0o111 != 0;
    match found.metadata() {
        Ok(facts) if runs(&facts) => Ok(found),
        Ok(facts) if facts.is_file() => {
            let shown = program.display();
            Err(usage(format!("{shown} can't be started as a node: it is not executable; try chmod +x {shown}")))
        }
        _ => Err(usage(format!("{} can't be started as a node: it is no file", program.display()))),
    }
}

fn check_bug(algorithm: &Algorithm, bug: &str) -> Result<()> {
    let of = |name: &str| -> Vec<&str> {
        bugs::BUGS.iter().filter(|entry| entry.algorithm == name).map(|entry| entry.name).collect()
    };
    match bugs::find(bug) {
        Some(entry) if entry.algorithm == algorithm.name => Ok(()),
        Some(entry) => Err(usage(format!(
            "{bug} is a bug of {}, not of {}; {} has {}",
            entry.algorithm,
            algorithm.name,
            algorithm.name,
            of(algorithm.name).join(", ")
        ))),
        None => Err(usage(format!("there is no bug {bug}; {} has {}", algorithm.name, of(algorithm.name).join(", ")))),
    }
}
