//! `temblor merge`: what the shards of a campaign came to, together.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::campaign::tell;
use super::{complain, note};
use crate::campaign::folder::{CampaignFolder, Invocation};
use crate::campaign::journal::{self, Journal};
use crate::campaign::record::Line;
use crate::campaign::shard::Shard;
use crate::campaign::summary::{Summary, word};
use crate::cli::MergeArgs;
use crate::exit::{Exit, usage};
use crate::render::wrap;
use crate::results::point_latest;

/// A shard's folder, read.
struct Part {
    folder: CampaignFolder,
    text: String,
    invocation: Invocation,
    lines: Vec<Line>,
}

/// Joins shards.
pub fn merge(args: &MergeArgs) -> Result<Exit> {
    let parts: Result<Vec<Part>> = args.shards.iter().map(|path| Part::open(path)).collect();
    let parts = parts?;
    check(&parts)?;
    let first = &parts[0];
    let of = first.invocation.shard.of;
    let whole = Invocation { shard: Shard::default(), ..first.invocation.clone() };
    let definition = CampaignFolder::define(&first.text, &whole)?;
    let folder = CampaignFolder::create(&args.out, &first.text, &whole)?;
    let (mut journal, _) = Journal::open(&folder.journal())?;
    let mut lines = Vec::new();
    for part in &parts {
        part.lines.iter().try_for_each(|line| journal.append(line))?;
        lines.extend(part.lines.iter().cloned());
        copy(&part.folder.below("runs"), &folder.below("runs"))?;
    }
    let shards: Vec<Shard> = (1..=of).map(|number| Shard { number, of }).collect();
    let mut summary = Summary::new(&definition, whole.seed, (&lines, &shards));
    let mut exit = Exit::of_code(summary.exit);
    for shard in &shards {
        let part = parts.iter().find(|part| part.invocation.shard == *shard);
        let runs = summary.here.shards.get(&shard.to_string()).copied().unwrap_or(0);
        let problem = match part {
            None => Some((Exit::Inconclusive, format!("shard {shard} is missing"))),
            Some(_) if runs == 0 => Some((Exit::Nothing, format!("shard {shard} made no run"))),
            Some(part) if !part.is_over() => Some((Exit::Inconclusive, format!("shard {shard} was cut short"))),
            Some(_) => None,
        };
        if let Some((worse, reason)) = problem {
            summary.reasons.push(reason);
            exit = exit.worst(worse);
        }
    }
    summary.exit = exit.code();
    summary.outcome = word(exit).to_owned();
    for (shard, runs) in &summary.here.shards {
        note(&wrap(&format!("shard {shard}: {runs} runs"), 0));
    }
    let failed = tell(&summary, &folder, args.json);
    failed.iter().for_each(complain);
    point_latest(&args.out, folder.path())?;
    Ok(if failed.is_some() { exit.worst(Exit::Failed) } else { exit })
}

impl Part {
    fn open(path: &Path) -> Result<Self> {
        let (folder, text, invocation) = CampaignFolder::open(path)?;
        let lines = journal::read(&folder.journal())?;
        Ok(Self { folder, text, invocation, lines })
    }

    /// Whether its last session ended by itself.
    fn is_over(&self) -> bool {
        matches!(self.lines.last(), Some(Line::Ended(ended)) if ended.interrupted.is_none())
    }
}

/// All are shards of one campaign, and no two the same.
fn check(parts: &[Part]) -> Result<()> {
    let first = &parts[0].invocation;
    let mut seen: BTreeMap<u64, &Path> = BTreeMap::new();
    for part in parts {
        let (path, its) = (part.folder.path(), &part.invocation);
        let same = (&its.hash, its.seed, its.runs, its.time_us) == (&first.hash, first.seed, first.runs, first.time_us);
        if !same || its.shard.of != first.shard.of {
            return Err(usage(format!(
                "{} and {} are no shards of one campaign: file, seed, budget or number of shards differ",
                parts[0].folder.path().display(),
                path.display()
            )));
        }
        if let Some(other) = seen.insert(its.shard.number, path) {
            return Err(usage(format!("{} and {} are both shard {}", other.display(), path.display(), its.shard)));
        }
    }
    Ok(())
}

/// Copies a folder with all that is in it; links are left out.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("failed to copy {} to {}", from.display(), to.display());
    fs::create_dir_all(to).with_context(failed)?;
    for entry in fs::read_dir(from).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let kind = entry.file_type().with_context(failed)?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target).with_context(failed)?;
        }
    }
    Ok(())
}
