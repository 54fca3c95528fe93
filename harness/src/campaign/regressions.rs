//! Regressions: failures of earlier campaigns, one file each, with the steps that show them and not only a seed.
//!
//! A file is named after what it shows (`fifo-fifo-order-5f3a90c1.json`), so that a failure that is found again is the same file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use temblor_workloads::chance::{mix, of_bytes};
use temblor_workloads::plan::Plan;

use super::cells::Cell;
use crate::cli::{Executor, SystemArgs};
use crate::commands::execution::INIT_TIMEOUT_US;
use crate::exit::usage;
use crate::foreign::NodeCommand;
use crate::results::replace;
use crate::system::System;
use crate::trial::{Failure, Trials};

/// The format version of the files.
pub const FORMAT: u32 = 1;
/// A violation that showed on real processes only is tried so often.
const ATTEMPTS: usize = 3;

/// A failure with the plan that shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// [`FORMAT`].
    pub format: u32,
    /// The property that was violated.
    pub property: String,
    /// The shape of the violation.
    pub violation: String,
    /// The shape of the failure: that of the violation, and the faults that it needs.
    pub shape: String,
    /// What happened, in words.
    pub sentence: String,
    /// Where the plan shows it: `sim`, `lockstep` or `processes`.
    pub executor: String,
    /// The bug that was planted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<String>,
    /// Somebody else's node, if that is what ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeCommand>,
    /// The smallest plan that shows it.
    pub plan: Plan,
}

/// What a regression does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Now {
    /// The same property is violated.
    Fails,
    /// It is not any more.
    Holds,
}

impl Regression {
    /// A failure of a cell.
    pub fn new(
        (cell, executor): (&Cell, Executor),
        (failure, shape, sentence): (&Failure, &str, &str),
        plan: Plan,
    ) -> Self {
        Self {
            format: FORMAT,
            property: failure.property.clone(),
            violation: failure.shape.clone(),
            shape: shape.to_owned(),
            sentence: sentence.to_owned(),
            executor: executor.name().to_owned(),
            bug: cell.system.bug().map(str::to_owned),
            node: cell.foreign.clone(),
            plan,
        }
    }

    /// Its name: the same for the same failure of the same system.
    pub fn name(&self) -> String {
        let of = |text: &str| of_bytes(text.as_bytes());
        let over = self.plan.over.as_deref().unwrap_or("");
        let program = self.node.as_ref().map_or(String::new(), |node| node.bin.display().to_string());
        let about = [over, self.bug.as_deref().unwrap_or(""), program.as_str(), self.shape.as_str()];
        let hash = about.iter().fold(0, |hash, text| mix(hash, &[of(text)])) & 0xFFFF_FFFF;
        format!("{}-{}-{hash:08x}", self.plan.algorithm, self.property)
    }

    /// Writes it into a folder, unless its like is there; whether it is new.
    ///
    /// # Errors
    /// It can't be written.
    pub fn keep(&self, folder: &Path) -> Result<bool> {
        fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
        let path = folder.join(format!("{}.json", self.name()));
        if path.exists() {
            return Ok(false);
        }
        let text = serde_json::to_string_pretty(self).context("a regression is plain data")? + "\n";
        replace(&path, text.as_bytes()).with_context(|| format!("failed to write {}", path.display()))?;
        Ok(true)
    }

    /// The system that it is of.
    ///
    /// # Errors
    /// This temblor does not have it.
    pub fn system(&self) -> Result<System> {
        let Plan { algorithm, over, fanout, http, .. } = &self.plan;
        let args = SystemArgs { algorithm: algorithm.clone(), over: over.clone(), fanout: *fanout, http: *http };
        System::find(&args, self.bug.as_deref())
    }

    /// What runs, for people.
    pub fn what(&self) -> String {
        let over = self.plan.over.as_ref().map_or(String::new(), |over| format!(" over {over}"));
        let bug = self.bug.as_ref().map_or(String::new(), |bug| format!(" with {bug}"));
        format!("{}{over}{bug}", self.plan.algorithm)
    }

    /// Whether a cell is of the system that it is of.
    pub fn is_of(&self, cell: &Cell) -> bool {
        let of_system = self.system().is_ok_and(|system| system.name() == cell.system.name());
        of_system && self.bug.as_deref() == cell.system.bug() && self.node == cell.foreign
    }

    /// Runs it; `scratch` is for the nodes' files.
    ///
    /// # Errors
    /// It can't be run: the program is gone, or the algorithm no longer exists.
    pub fn run(&self, scratch: &Path) -> Result<Now> {
        let system = self.system()?;
        let launch = system.launch(self.node.as_ref())?;
        let executor = Executor::from_str(&self.executor, false)
            .map_err(|_| usage(format!("{} names an unknown executor, {}", self.name(), self.executor)))?;
        let (trials, attempts) = match executor {
            Executor::Processes => (Trials::on_processes(&system, &launch, scratch), ATTEMPTS),
            executor => (Trials::new(&system, executor, (&launch, scratch))?, 1),
        };
        for _ in 0..attempts {
            let trial = trials.run(&self.plan)?;
            if crate::hunt::violates(&trial.verdict, &self.property) {
                return Ok(Now::Fails);
            }
        }
        Ok(Now::Holds)
    }

    /// The time that it may take at most, us, so that a share of a campaign can be kept.
    pub fn length_us(&self) -> u64 {
        if self.executor == Executor::Processes.name() { self.plan.length_us + INIT_TIMEOUT_US } else { 0 }
    }
}

/// All regressions of a folder, by name; none where there is no folder.
///
/// # Errors
/// A file is none, by name and place.
pub fn load(folder: &Path) -> Result<Vec<Regression>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("failed to read {}", folder.display()))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("failed to read {}", folder.display()))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(read).collect()
}

/// The regression in a file.
///
/// # Errors
/// It is none.
pub fn read(path: &PathBuf) -> Result<Regression> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let wrong = |error: String| usage(format!("{} is no regression: {error}", path.display()));
    let regression: Regression = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if regression.format > FORMAT {
        return Err(wrong(format!("its format is {}, and this temblor knows {FORMAT}", regression.format)));
    }
    Ok(regression)
}
