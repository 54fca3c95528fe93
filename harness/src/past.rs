//! A run that is over: what its folder says of what ran, so that it can be run again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Deserialize;
use temblor_workloads::plan::Plan;
use tempfile::TempDir;

use crate::cli::{Executor, SystemArgs};
use crate::commands::judging::unzipped;
use crate::exit::usage;
use crate::foreign::NodeCommand;
use crate::machine;
use crate::processes::Launch;
use crate::system::System;

/// A run folder, read.
#[derive(Debug)]
pub struct PastRun {
    /// The folder.
    pub folder: PathBuf,
    /// What was to be done.
    pub plan: Plan,
    /// What carried it out.
    pub executor: Executor,
    /// The bug that was planted.
    pub bug: Option<String>,
    /// Somebody else's node.
    pub foreign: Option<NodeCommand>,
    /// When the main phase began, ns since the run began; `None` where the controller was killed before it could say.
    pub main_phase_ns: Option<u64>,
    /// The hash of the program that the nodes ran.
    hash: Option<String>,
    /// The files of an archive, for as long as they are looked at.
    _unpacked: Option<TempDir>,
}

/// What of `run.json` matters here.
#[derive(Deserialize)]
struct Record {
    executor: String,
    bug: Option<String>,
    bin: Option<PathBuf>,
    #[serde(default)]
    bin_args: Vec<String>,
    #[serde(default)]
    bin_env: BTreeMap<String, String>,
    node: Option<Program>,
    run: Option<RunFacts>,
}

#[derive(Deserialize)]
struct Program {
    hash: String,
}

#[derive(Deserialize)]
struct RunFacts {
    main_phase_ns: Option<u64>,
}

impl PastRun {
    /// Reads a run folder, or the archive of one.
    ///
    /// # Errors
    /// There is none, or its `plan.json` or `run.json` is not what a run writes.
    pub fn open(folder: &Path) -> Result<Self> {
        if let Some(unpacked) = unzipped(folder)? {
            let inside = Self::open(unpacked.path())?;
            return Ok(Self { _unpacked: Some(unpacked), ..inside });
        }
        if !folder.join("plan.json").exists() || !folder.join("run.json").exists() {
            return Err(usage(format!(
                "{} is no run folder: it needs plan.json and run.json, as `temblor run` leaves them in results/latest",
                folder.display()
            )));
        }
        let (plan, record) = (folder.join("plan.json"), folder.join("run.json"));
        let text = fs::read_to_string(&plan).with_context(|| format!("failed to read {}", plan.display()))?;
        let plan = Plan::parse(&text).map_err(|error| usage(format!("{}: {error}", plan.display())))?;
        let text = fs::read_to_string(&record).with_context(|| format!("failed to read {}", record.display()))?;
        let read: Result<Record, _> = serde_json::from_str(&text);
        let read = read.map_err(|error| usage(format!("{} is no record of a run: {error}", record.display())))?;
        let executor = Executor::from_str(&read.executor, false)
            .map_err(|_| usage(format!("{} names an unknown executor, {}", record.display(), read.executor)))?;
        Ok(Self {
            folder: folder.to_owned(),
            plan,
            executor,
            bug: read.bug,
            foreign: read.bin.map(|bin| NodeCommand { bin, args: read.bin_args, env: read.bin_env }),
            main_phase_ns: read.run.and_then(|facts| facts.main_phase_ns),
            hash: read.node.map(|program| program.hash),
            _unpacked: None,
        })
    }

    /// The system that ran.
    ///
    /// # Errors
    /// This temblor does not have it.
    pub fn system(&self) -> Result<System> {
        System::find(&self.system_args(), self.bug.as_deref())
    }

    /// How the system that ran is named on a command line.
    pub fn system_args(&self) -> SystemArgs {
        let Plan { algorithm, over, fanout, http, .. } = &self.plan;
        SystemArgs { algorithm: algorithm.clone(), over: over.clone(), fanout: *fanout, http: *http }
    }

    /// How to start a node of it today.
    ///
    /// # Errors
    /// The program is gone.
    pub fn launch(&self, system: &System) -> Result<Launch> {
        system.launch(self.foreign.as_ref())
    }

    /// Whether a node would run the very program today that ran then.
    ///
    /// # Errors
    /// The program can't be read.
    pub fn is_same_program(&self, launch: &Launch) -> Result<bool> {
        let today = machine::program(&launch.program)?;
        Ok(self.hash.is_none() || today["hash"].as_str() == self.hash.as_deref())
    }
}
