//! Engines that start shards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::SLOW;
use crate::command::{Temblor, until};

/// A recipe of harness/ci.
pub fn recipe(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ci").join(name)
}

/// The folders of campaigns in the shards' folders, but for those without a report.
pub fn shards(temblor: &Temblor, out: &str) -> Vec<String> {
    let below = fs::read_dir(temblor.file(out)).into_iter().flatten().flatten();
    let folders = below.flat_map(|shard| fs::read_dir(shard.path()).into_iter().flatten().flatten());
    let campaigns = folders.map(|entry| entry.path()).filter(|path| !path.is_symlink());
    let mut found: Vec<String> =
        campaigns.filter(|path| path.join("campaign.json").is_file()).map(|path| path.display().to_string()).collect();
    found.sort();
    found
}

pub fn parallel() {
    let temblor = Temblor::new();
    temblor.write("slow.toml", SLOW);
    let command = |only: Option<&str>| {
        let mut command = Command::new(recipe("parallel.sh"));
        command.args(["slow.toml", "3", "shards"]).current_dir(temblor.folder());
        command.env("TEMBLOR", temblor.program()).env("SEED", "9").stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(only) = only {
            command.env("ONLY", only);
        }
        command
    };
    let mut all = command(None).spawn().unwrap();
    let lost = || shard_of(&temblor, "2/3");
    until("the second shard is at work", || lost().is_some());
    let begun = || fs::read_dir(temblor.file("shards/2")).is_ok_and(|folders| folders.count() > 0);
    until("it has a folder", begun);
    kill(lost().expect("it is at work"), Signal::SIGKILL).unwrap();
    assert!(all.wait().unwrap().success());
    assert_eq!(shards(&temblor, "shards").len(), 2, "one was lost");
    let merged = temblor.run(&format!("merge {} --out part", shards(&temblor, "shards").join(" "))).expect(3);
    let said = merged.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("shard 2/3 is missing"), "{said}");
    assert!(command(Some("2")).status().unwrap().success());
    let merged = temblor.run(&format!("merge {} --out whole", shards(&temblor, "shards").join(" "))).expect(0);
    assert!(merged.out.contains("OK: 12 of 12 runs: 12 held"), "{}", merged.out);
    temblor.nothing_is_left();
}

/// The outermost process of the shard of this number: the one that no other of the same command line has started.
fn shard_of(temblor: &Temblor, number: &str) -> Option<Pid> {
    let wanted = format!("--shard\0{number}\0");
    let program = temblor.program().display().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
    let line = |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let of_shard = pids.filter(|pid| {
        let line = String::from_utf8_lossy(&line(pid)).into_owned();
        line.starts_with(&program) && line.contains(&wanted)
    });
    of_shard.min().map(Pid::from_raw)
}
