//! The controller of a campaign on real processes is killed again and again, and goes on each time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::census::Census;
use crate::{campaign, different, finished};

const KILLS: usize = 20;
const RUNS: usize = 48;
/// The longest time from a start to the kill, ms. It is drawn, so that kills come at all places.
const LIFE_MAX_MS: u64 = 2_500;
/// So long a group of processes may take to go after its controller was killed.
const GONE_AFTER: Duration = Duration::from_secs(5);
const FILE: &str = r#"
canary = false
keep = "all"
[[scenario]]
algorithms = ["eager", "fifo", "raft"]
faults = ["none", "kill", "partition"]
nodes = [3]
executors = ["processes"]
time-limit = "1s"
"#;

pub fn measure() {
    println!("\nSIGKILL to the controller of a campaign on real processes, {KILLS} times");
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(folder.path().join("killed.toml"), FILE).expect("a file can be written");
    let runs = RUNS.to_string();
    let first = ["killed.toml", "--seed", "1", "--runs", runs.as_str(), "--jobs", "1"];
    // `latest` points to it when it is over.
    let begun = || campaign_folder(&folder.path().join("results")).unwrap_or_default();
    let (mut inside, mut left) = (0, 0);
    for kill in 0..KILLS {
        let so_far = begun();
        let again = ["--resume", so_far.as_str(), "--jobs", "1"];
        let arguments: &[&str] = if kill == 0 { &first } else { &again };
        let mut child = campaign(folder.path(), arguments).spawn().expect("temblor starts");
        let life = temblor_workloads::chance::of_bytes(&kill.to_le_bytes()) % LIFE_MAX_MS;
        sleep(Duration::from_millis(300 + life));
        let below: BTreeSet<u32> = Census::below(child.id()).pids().filter(|pid| *pid != child.id()).collect();
        if child.try_wait().expect("a child can be waited for").is_some() {
            println!("the campaign was over before kill {}: give it more runs", kill + 1);
            break;
        }
        inside += usize::from(has_nodes(&child));
        child.kill().expect("it is there");
        child.wait().expect("a child can be waited for");
        left += left_behind(&below);
    }
    let status = campaign(folder.path(), &["--resume", begun().as_str()]).status().expect("temblor starts");
    let lines = finished(Path::new(&begun()));
    println!("{inside} of them inside a run; {left} processes outlived a kill by {} s", GONE_AFTER.as_secs());
    println!("after the last --resume: exit code {:?}, {RUNS} runs asked for,", status.code());
    println!("{} lines for {} different runs", lines.len(), different(&lines));
    println!("torn runs left in the scratch folder: {}", entries(&Path::new(&begun()).join(".scratch")));
}

/// The folder of the one campaign that was begun here.
fn campaign_folder(results: &Path) -> Option<String> {
    let folders = std::fs::read_dir(results).ok()?.flatten().map(|entry| entry.path());
    let mut campaigns = folders.filter(|path| path.is_dir() && !path.is_symlink());
    Some(campaigns.next()?.display().to_string())
}

fn has_nodes(child: &Child) -> bool {
    Census::below(child.id()).nodes().next().is_some()
}

/// How many of these processes are still there when they had time to go.
fn left_behind(pids: &BTreeSet<u32>) -> usize {
    let begun = Instant::now();
    let alive = |pid: &&u32| PathBuf::from(format!("/proc/{pid}")).exists();
    while pids.iter().any(|pid| alive(&pid)) && begun.elapsed() < GONE_AFTER {
        sleep(Duration::from_millis(10));
    }
    pids.iter().filter(alive).count()
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
