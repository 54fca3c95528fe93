//! Disks that fill up or vanish.

use std::fs;
use std::process::Command;

use crate::SLOW;
use crate::command::{Temblor, until};

/// So large is the disk, KiB: enough for some runs, and not for all.
const SIZE_KIB: u32 = 900;

/// Every run fails.
const FAILING: &str = r#"
runs = 60
seed = 5
jobs = 1
canary = false

[[scenario]]
algorithms = ["fifo"]
bug = "skips-gap"
nodes = [4]
executors = ["sim"]
"#;

pub fn full() {
    let temblor = Temblor::new();
    // Runs that fail are kept, and fill it.
    temblor.write("busy.toml", FAILING);
    fs::create_dir(temblor.file("small")).unwrap();
    let script = format!(
        "mount -t tmpfs -o size={SIZE_KIB}k none small; {} campaign busy.toml --out small; code=$?; \
         cat small/*-campaign-busy-*/runs.jsonl; exit $code",
        temblor.program().display()
    );
    let mut shell = Command::new("unshare");
    let output = shell.args(["-rm", "sh", "-c", &script]).current_dir(temblor.folder()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A violation was found before, and outranks the failure of the harness.
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    let said = err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("No space left on device"), "{err}");
    // Whatever is in the journal is whole.
    let lines = out.lines().filter(|line| line.starts_with('{'));
    let whole = lines.filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
    assert!(whole >= 1, "{out}\n{err}");
    assert!(!err.contains("panicked"), "{err}");
    temblor.nothing_is_left();
}

pub fn vanishing() {
    let temblor = Temblor::new();
    temblor.write("slow.toml", SLOW);
    let running = temblor.start("campaign slow.toml --out here");
    let journal = || {
        let folders = fs::read_dir(temblor.file("here")).into_iter().flatten().flatten();
        let folders = folders.map(|entry| entry.path()).filter(|path| !path.is_symlink());
        folders.filter_map(|path| fs::read_to_string(path.join("runs.jsonl")).ok()).collect::<String>()
    };
    until("a run is finished", || journal().contains("\"line\":\"run\""));
    while temblor.file("here").exists() {
        // A run that goes on may make a file while its folder is removed.
        let _ = fs::remove_dir_all(temblor.file("here"));
    }
    let ended = running.end().expect(5);
    let said = ended.said();
    assert!(said.contains("No such file or directory") || said.contains("is gone"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    temblor.nothing_is_left();
}
