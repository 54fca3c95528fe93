//! Where a run leaves its files: `results/<run>/` and the `latest` link beside it.
//!
//! ```text
//! results/latest -> 20261123T081500Z-fifo-7
//! results/20261123T081500Z-fifo-7/plan.json       what was to be done
//!                                 history.jsonl   what was done, appended as it happened
//!                                 messages.jsonl  every frame between nodes
//!                                 run.json        what differs from run to run: versions, pids, ports
//!                                 verdict.json    what the history proves
//!                                 report.html     why it is wrong, if it is, for a browser
//!                                 nodes/n1.stderr each node's log
//!                                 nodes/n1/       each node's data directory
//! ```

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes a new folder in `results`, named after the time, the system and the seed. No two runs get the same one, however
    /// many start at the same moment.
    pub fn create(results: &Path, system: &str, seed: u64) -> Result<Self> {
        Self::furnish(create(results, &named(system, seed))?)
    }

    /// Makes a folder with this very path, which nobody has yet.
    pub fn at(path: PathBuf) -> Result<Self> {
        fs::create_dir_all(&path).with_context(|| format!("failed to create {}", path.display()))?;
        Self::furnish(path)
    }

    fn furnish(path: PathBuf) -> Result<Self> {
        let nodes = path.join("nodes");
        fs::create_dir(&nodes).with_context(|| format!("failed to create {}", nodes.display()))?;
        Ok(Self { path })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the run, such as `plan.json`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where a node's log goes.
    pub fn stderr(&self, node: &str) -> PathBuf {
        self.path.join("nodes").join(format!("{node}.stderr"))
    }

    /// A node's data directory; it outlives a crash of the node.
    pub fn data(&self, node: &str) -> PathBuf {
        self.path.join("nodes").join(node)
    }

    /// Writes a whole file of the run.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.file(name);
        fs::write(&path, bytes).with_context(|| format!("failed to write {}", path.display()))
    }

    /// Removes what turned out empty: data directories that no node used.
    pub fn tidy(&self) {
        for entry in fs::read_dir(self.path.join("nodes")).into_iter().flatten().flatten() {
            // Removing a directory fails if it holds anything, and that is just what is wanted.
            let _ = fs::remove_dir(entry.path());
        }
    }

    /// Points `latest` beside this folder at it. The link is replaced in one step, so that a reader always finds one.
    pub fn make_latest(&self) -> Result<()> {
        point_latest(self.path.parent().unwrap_or(Path::new(".")), &self.path)
    }
}

/// Makes a new folder in `results` for many runs at once, named like one run of `what`.
pub fn create_group(results: &Path, what: &str, seed: u64) -> Result<PathBuf> {
    create(results, &named(what, seed))
}

/// Writes a whole file in one step: a reader finds the old one or the new one, never a piece.
///
/// # Errors
/// The folder is not there or full.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let replaced = fs::write(&fresh, bytes).and_then(|()| fs::rename(&fresh, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    replaced
}

/// Points `latest` in `results` at a run folder somewhere below it, in one step.
pub fn point_latest(results: &Path, run: &Path) -> Result<()> {
    let below = run.strip_prefix(results).unwrap_or(run);
    let name = run.file_name().context("a run folder has a name")?;
    let fresh = results.join(format!(".latest-{}", name.to_string_lossy()));
    let linked = symlink(below, &fresh).and_then(|()| fs::rename(&fresh, results.join("latest")));
    linked.with_context(|| format!("failed to point {} at this run", results.join("latest").display()))
}

/// Makes a folder that nobody else has, with this name or one that begins so.
fn create(results: &Path, name: &str) -> Result<PathBuf> {
    let made = fs::create_dir_all(results);
    made.with_context(|| format!("failed to create the results folder {}", results.display()))?;
    for attempt in 1..10_000 {
        let path = results.join(if attempt == 1 { name.to_owned() } else { format!("{name}-{attempt}") });
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("failed to create {}", path.display())),
        }
    }
    anyhow::bail!("failed to create a run folder: {name} and 9,998 more of that name exist in {}", results.display())
}

/// The name of what begins now.
fn named(what: &str, seed: u64) -> String {
    format!("{}-{}-{seed}", stamp(SystemTime::now()), slug(what))
}

/// The history that a path means: the path itself, or `history.jsonl` (or `history.jsonl.zst`) in a run folder.
pub fn history_of(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let packed = path.join("history.jsonl.zst");
    let plain = path.join("history.jsonl");
    if !plain.exists() && packed.exists() { packed } else { plain }
}

/// The trace of the frames that stands beside a history of a run, packed or not.
pub fn trace_of(history: &Path) -> Option<PathBuf> {
    let name = history.file_name()?.to_str()?;
    if !matches!(name, "history.jsonl" | "history.jsonl.zst") {
        return None;
    }
    let beside = ["messages.jsonl", "messages.jsonl.zst"].map(|name| history.with_file_name(name));
    beside.into_iter().find(|path| path.exists())
}

/// A system's name as part of a file name.
fn slug(system: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = system.chars().map(keep).take(40).collect();
    if name.is_empty() { "run".to_owned() } else { name }
}

/// The moment as `20261123T081500Z` (proleptic Gregorian, UTC).
pub fn stamp(moment: SystemTime) -> String {
    let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Days since 1970-01-01 as year, month and day: years are counted from 1 March, so that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{RunFolder, slug, stamp};

    #[test]
    fn stamps_are_calendar_dates() {
        let at = |seconds| stamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "19700101T000000Z");
        assert_eq!(at(951_782_400), "20000229T000000Z");
        assert_eq!(at(1_795_421_700), "20261123T081500Z");
    }

    #[test]
    fn two_runs_of_one_second_get_two_folders() {
        let results = tempfile::tempdir().unwrap();
        let first = RunFolder::create(results.path(), "fifo", 7).unwrap();
        let second = RunFolder::create(results.path(), "fifo", 7).unwrap();
        assert_ne!(first.path(), second.path());
    }

    #[test]
    fn latest_follows_the_newest() {
        let results = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let run = RunFolder::create(results.path(), "fifo", 7).unwrap();
            run.make_latest().unwrap();
            let latest = results.path().join("latest").canonicalize().unwrap();
            assert_eq!(latest, run.path().canonicalize().unwrap());
        }
    }

    #[test]
    fn a_system_name_never_leaves_the_results_folder() {
        assert_eq!(slug("../../etc"), "------etc");
    }
}
