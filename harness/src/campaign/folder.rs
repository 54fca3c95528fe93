//! The folder of a campaign.
//!
//! ```text
//! campaign.toml    what was asked for, word by word
//! invocation.json  what the command line said: seed, budget, shard
//! runs.jsonl       a line for each finished run, synced
//! runs/000017/     a run that failed: history, trace, logs; the smallest plan's run in shrunk/
//! campaign.json    what it came to, as data
//! matrix.txt       the same for people
//! FAILURES.md      each distinct failure, explained
//! junit.xml        the same for CI
//! index.html       the same for a browser
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::definition::{Budget, Definition};
use super::file::Keep;
use super::shard::Shard;
use crate::exit::usage;
use crate::results::{self, replace};

/// The format version of a campaign's files.
pub const FORMAT: u32 = 1;

/// Where a campaign's files are.
#[derive(Clone, Debug)]
pub struct CampaignFolder {
    path: PathBuf,
}

/// What a command line has decided for all sessions of a campaign on one shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of temblor.
    pub temblor: String,
    /// Its name.
    pub name: String,
    /// The hash of the campaign file.
    pub hash: String,
    /// Where the campaign file's paths begin.
    pub base: PathBuf,
    /// Every plan comes from it.
    pub seed: u64,
    /// How many runs, over all shards.
    pub runs: Option<u64>,
    /// How long, us.
    pub time_us: Option<u64>,
    /// Which shard.
    pub shard: Shard,
    /// How many runs go on at once, at most.
    pub jobs: Option<usize>,
    /// Whether a planted bug has to be found.
    pub canary: bool,
    /// Which run folders are kept.
    pub keep: Keep,
    /// Where failures are kept from one campaign to the next.
    pub regressions: PathBuf,
}

impl Invocation {
    /// The budget.
    pub fn budget(&self) -> Budget {
        match (self.runs, self.time_us) {
            (Some(runs), _) => Budget::Runs(runs),
            (None, time) => Budget::Time(time.unwrap_or(0)),
        }
    }
}

impl CampaignFolder {
    /// Makes the folder of a new campaign in `results`.
    ///
    /// # Errors
    /// It can't be written.
    pub fn create(results: &Path, text: &str, invocation: &Invocation) -> Result<Self> {
        let shard = match invocation.shard.of {
            1 => String::new(),
            of => format!("-{}of{of}", invocation.shard.number),
        };
        let what = format!("campaign-{}{shard}", invocation.name);
        let path = results::create_group(results, &what, invocation.seed)?;
        let folder = Self { path };
        folder.write("campaign.toml", text)?;
        folder.write("invocation.json", &(serde_json::to_string_pretty(invocation)? + "\n"))?;
        folder.make("runs")?;
        Ok(folder)
    }

    /// The folder of a campaign that was begun, what was asked for, and what the command line said.
    ///
    /// # Errors
    /// It is none.
    pub fn open(path: &Path) -> Result<(Self, String, Invocation)> {
        let read = |name: &str| {
            let path = path.join(name);
            fs::read_to_string(&path).map_err(|error| {
                usage(format!(
                    "{} is no folder of a campaign: failed to read {name}: {error}",
                    path.parent().unwrap_or(&path).display()
                ))
            })
        };
        let (text, invocation) = (read("campaign.toml")?, read("invocation.json")?);
        let invocation: Invocation = serde_json::from_str(&invocation)
            .map_err(|error| usage(format!("{}: {error}", path.join("invocation.json").display())))?;
        if invocation.format > FORMAT {
            return Err(usage(format!(
                "{} has format {}, and this temblor ({}) knows {FORMAT}: it was written by temblor {}",
                path.display(),
                invocation.format,
                env!("CARGO_PKG_VERSION"),
                invocation.temblor
            )));
        }
        Ok((Self { path: path.to_owned() }, text, invocation))
    }

    /// A folder that exists and holds nothing yet.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.path.join("runs.jsonl")
    }

    /// The folder of run `k`, seen from this one.
    pub fn run(k: u64) -> String {
        format!("runs/{k:06}")
    }

    /// Something below it.
    pub fn below(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file in one step, so that a reader finds the old one or the new one.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path.join(name);
        replace(&path, text.as_bytes()).with_context(|| format!("failed to write {}", path.display()))
    }

    /// Makes a folder below it, if need be.
    ///
    /// # Errors
    /// It can't be made.
    pub fn make(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).with_context(|| format!("failed to create {}", path.display()))?;
        Ok(path)
    }

    /// Removes a folder below it with all that is in it, if it is there.
    ///
    /// # Errors
    /// It is still there.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("failed to remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The definition that its file gives with what the command line said.
    ///
    /// # Errors
    /// The file can no longer be read as one: a program is gone.
    pub fn define(text: &str, invocation: &Invocation) -> Result<Definition> {
        let defined = Definition::new(&invocation.name, text, &invocation.base);
        let defined = defined.map_err(|mistake| usage(mistake.show("campaign.toml", text)))?;
        Ok(Definition {
            seed: Some(invocation.seed),
            budget: invocation.budget(),
            jobs: invocation.jobs,
            canary: invocation.canary,
            keep: invocation.keep,
            regressions: invocation.regressions.clone(),
            ..defined
        })
    }
}
