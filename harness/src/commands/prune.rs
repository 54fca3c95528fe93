//! `temblor prune`: old runs go from a results folder; what showed a violation stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{answer, note};
use crate::cli::PruneArgs;
use crate::exit::{Exit, usage};
use crate::results::stamp;
use crate::words::counted;

/// How long the stamp at the beginning of a folder's name is: `20261124T081500Z`.
const STAMP: usize = 16;

/// Removes old runs.
pub fn prune(args: &PruneArgs) -> Result<Exit> {
    let mut folders = folders(&args.results)?;
    // The newest first; the names begin with the date.
    folders.sort_by(|a, b| b.file_name().cmp(&a.file_name()));
    let newest = args.keep.unwrap_or(0) as usize;
    let before = args.older_than.map(|us| {
        let moment = SystemTime::now().checked_sub(Duration::from_micros(us)).unwrap_or(SystemTime::UNIX_EPOCH);
        stamp(moment)
    });
    let is_old = |path: &PathBuf| before.as_ref().is_none_or(|before| stamp_of(path) < *before);
    let (mut gone, mut spared) = (0, 0);
    for path in folders.iter().skip(newest).filter(|path| is_old(path)) {
        if !args.violations && shows_a_violation(path) {
            spared += 1;
            continue;
        }
        gone += 1;
        answer(&format!("{}\n", path.display()))?;
        if !args.dry_run {
            fs::remove_dir_all(path).with_context(|| format!("failed to remove {}", path.display()))?;
        }
    }
    let latest = args.results.join("latest");
    if !args.dry_run && latest.is_symlink() && !latest.exists() {
        fs::remove_file(&latest).with_context(|| format!("failed to remove {}", latest.display()))?;
    }
    let verb = if args.dry_run { "would go" } else { "gone" };
    let kept = if spared > 0 { format!("; {spared} with a violation stay (--violations)") } else { String::new() };
    note(&format!("{} {verb}, {} left{kept}", counted(gone, "folder", "folders"), folders.len() - gone));
    Ok(Exit::Clean)
}

/// The folders in `results` that this program has made: runs, and groups of runs.
fn folders(results: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(results);
    let entries = entries.map_err(|error| usage(format!("failed to read {}: {error}", results.display())))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("failed to read {}", results.display()))?.path();
        let ours = ["plan.json", "campaign.toml", "matrix.txt"].iter().any(|name| path.join(name).exists());
        let stamped = stamp_of(&path).ends_with('Z') && stamp_of(&path).as_bytes().get(8) == Some(&b'T');
        if ours && stamped && path.is_dir() && !path.is_symlink() {
            folders.push(path);
        }
    }
    Ok(folders)
}

fn stamp_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.get(..STAMP).unwrap_or_default().to_owned()
}

/// Whether a run or a campaign came to a violation. What can't be read is spared too.
fn shows_a_violation(path: &Path) -> bool {
    let read = |name: &str| -> Option<Value> { serde_json::from_slice(&fs::read(path.join(name)).ok()?).ok() };
    if path.join("plan.json").exists() {
        return read("verdict.json").is_none_or(|verdict| verdict["outcome"] == "violation");
    }
    if path.join("campaign.toml").exists() {
        return read("campaign.json").is_none_or(|campaign| campaign["exit"] == 1);
    }
    let findings = read("matrix.json");
    findings.is_none_or(|matrix| matrix.to_string().contains("\"violation\""))
}
