//! What nodes report of their syncs, compared with the system calls that they made: each report names a file and a length that was
//! on stable storage by then, each sync is reported, and nothing leaves the node between a write that has
//! to be durable and its sync.
//!
//! Where there is no strace these tests are ignored, unless everything is required.

#[path = "command/mod.rs"]
mod command;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use command::Temblor;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::Value;

/// Every call by which bytes leave a node or become durable, with the files behind the descriptors.
const STRACE: &str = "strace -f -y -s 1000000 -e trace=write,writev,sendto,fsync,fdatasync";
/// Everything that keeps something on stable storage, and whether it also writes what may be lost, and syncs it later.
const SYSTEMS: &[(&str, bool)] = &[
    ("election", false),
    ("paxos", false),
    ("multi-paxos", false),
    ("raft", true),
    ("zab", false),
    ("eager --over durable-links", true),
    ("causal --over durable-eager", true),
    ("rpc", false),
];
const EXECUTORS: [&str; 2] = ["lockstep", "processes"];

fn main() -> ExitCode {
    let all = SYSTEMS.iter().flat_map(|system| EXECUTORS.map(|executor| (system, executor)));
    let trials = all.map(|(system, executor)| {
        Trial::ignorable_test(format!("{} in {executor}", system.0), move || match obstacle() {
            Some(reason) if std::env::var_os("TEMBLOR_REQUIRE_ALL").is_some_and(|value| value == "1") => {
                Err(Failed::from(reason))
            }
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => {
                reports_are_what_was_done(*system, executor);
                Ok(Completion::Completed)
            }
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Why no system call can be watched here.
fn obstacle() -> Option<String> {
    match Command::new("strace").args(["-o", "/dev/null", "true"]).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("strace does not work: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Some(format!("there is no strace: {error}")),
    }
}

/// A sync: the file, and its length by then.
type Synced = (String, u64);

/// What a node did, as its system calls show it.
#[derive(Debug)]
enum Act {
    Write,
    Sync(Synced),
    /// It said this on stdout or sent something to a peer; the syncs that it reported there.
    Leave(Vec<Synced>),
}

fn reports_are_what_was_done((system, lazily): (&str, bool), executor: &str) {
    let temblor = Temblor::new();
    let traces = temblor.file("traces");
    fs::create_dir(&traces).unwrap();
    let program = temblor.program().display();
    let script =
        format!("#!/bin/sh\nexec {STRACE} -o {}/${{TEMBLOR_DATA_DIR##*/}} {program} node $@\n", traces.display());
    temblor.write("node.sh", script);
    fs::set_permissions(temblor.file("node.sh"), Permissions::from_mode(0o755)).unwrap();
    let options = "--seed 7 --nodes 3 --nemesis none --time-limit 1s --rate 30";
    temblor.run(&format!("run {system} -x {executor} {options} --bin ./node.sh -- {system}")).expect(0);
    let ops = temblor.json_lines("results/latest/history.jsonl");
    let mut syncs = 0;
    for name in ["n1", "n2", "n3"] {
        let acts = acts(&traces.join(name));
        let done: Vec<&Synced> = acts.iter().filter_map(synced).collect();
        let reported: Vec<Synced> = ops.iter().filter_map(|op| reported(op, name)).collect();
        assert_eq!(reported.iter().collect::<Vec<_>>(), done, "{name}: what it reported, and what it did");
        is_in_order(name, (&acts, lazily));
        syncs += done.len();
    }
    assert!(syncs > 0, "nobody synced anything");
}

fn synced(act: &Act) -> Option<&Synced> {
    if let Act::Sync(synced) = act { Some(synced) } else { None }
}

/// A report of a sync in the history.
fn reported(op: &Value, name: &str) -> Option<Synced> {
    let is_report = op["process"] == name && op["f"] == "synced";
    is_report.then(|| (op["value"]["file"].as_str().unwrap().to_owned(), op["value"]["bytes"].as_u64().unwrap()))
}

/// Nothing leaves between a write and the sync behind it, unless what is written may be lost; and a report comes after its sync and before the next one.
fn is_in_order(name: &str, (acts, lazily): (&[Act], bool)) {
    let mut unsynced = false;
    let mut to_report: Option<&Synced> = None;
    for (at, act) in acts.iter().enumerate() {
        match act {
            Act::Write => unsynced = true,
            Act::Sync(synced) => {
                assert_eq!(to_report, None, "{name}: at act {at} it syncs again and has not reported the sync before");
                (unsynced, to_report) = (false, Some(synced));
            }
            Act::Leave(reports) => {
                assert!(
                    lazily || !unsynced,
                    "{name}: at act {at} something leaves that may follow from what is not synced"
                );
                assert!(reports.len() <= 1, "{name}: two reports leave at once");
                if let Some(report) = reports.first() {
                    assert_eq!(to_report.take(), Some(report), "{name}: at act {at}");
                }
            }
        }
    }
}

/// The acts of a node, from what strace wrote.
fn acts(trace: &Path) -> Vec<Act> {
    let text = fs::read_to_string(trace).unwrap_or_else(|error| panic!("{}: {error}", trace.display()));
    let mut lengths: BTreeMap<String, u64> = BTreeMap::new();
    text.lines().filter_map(|line| act(line, &mut lengths)).collect()
}

/// `1234 write(5</tmp/nodes/n1/stable.log>, "...", 48) = 48`
fn act(line: &str, lengths: &mut BTreeMap<String, u64>) -> Option<Act> {
    let call = line.split_once(' ')?.1.trim_start();
    let (name, rest) = call.split_once('(')?;
    let target = rest.split_once('<')?.1.split_once('>')?.0;
    let returned: u64 = line.rsplit_once(" = ")?.1.split(' ').next()?.parse().ok()?;
    let file = Path::new(target).file_name().map(|name| name.to_string_lossy().into_owned());
    let stored = file.filter(|file| file.starts_with("stable"));
    match (name, stored) {
        ("write", Some(file)) => {
            *lengths.entry(file).or_default() += returned;
            Some(Act::Write)
        }
        ("fdatasync" | "fsync", Some(file)) => {
            let length = lengths.get(&file).copied().unwrap_or_default();
            Some(Act::Sync((file, length)))
        }
        ("write" | "writev" | "sendto", None) if !target.ends_with(".stderr") => Some(Act::Leave(reports(rest))),
        _ => None,
    }
}

/// The reports of syncs in what a node wrote, in which strace has escaped the quotes.
fn reports(written: &str) -> Vec<Synced> {
    let lines = written.split("{\\\"type\\\":\\\"synced\\\",\\\"file\\\":\\\"").skip(1);
    let report = |line: &str| {
        let (file, rest) = line.split_once("\\\",\\\"bytes\\\":").unwrap();
        (file.to_owned(), rest.split_once('}').unwrap().0.parse().unwrap())
    };
    lines.map(report).collect()
}
