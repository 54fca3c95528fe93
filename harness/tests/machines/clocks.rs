//! A wall clock that jumps back in the middle of a campaign.

use std::process::Command;

use serde_json::Value;

use super::MIXED;
use super::command::Temblor;

/// The first session ends when a run budget is half done; the second begins, by the wall clock, twenty-five years before it.
pub fn jump_back() {
    let (steady, jumping) = (Temblor::new(), Temblor::new());
    let came_to = |temblor: &Temblor| -> (Value, String) {
        let text = temblor.read("results/latest/campaign.json");
        let mut summary: Value = serde_json::from_str(&text).expect("a summary is JSON");
        let here = summary["here"].take();
        assert!(here["sessions"].is_array(), "{here}");
        (summary, temblor.read("results/latest/FAILURES.md"))
    };
    steady.write("mixed.toml", MIXED);
    steady.run("campaign mixed.toml --seed 4").expect(1);
    jumping.write("mixed.toml", MIXED);
    jumping.run("campaign mixed.toml --seed 4").expect(1);
    // As if it had been interrupted after its third run.
    let folder = jumping.run_folders("results").remove(0);
    let journal = std::fs::read_to_string(folder.join("runs.jsonl")).unwrap();
    let mut runs = 0;
    let kept = journal.lines().take_while(|line| {
        runs += usize::from(line.contains("\"line\":\"run\""));
        runs <= 3
    });
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.join("runs.jsonl"), kept).unwrap();
    std::fs::remove_dir_all(jumping.file("regressions")).unwrap();
    let mut back = Command::new("faketime");
    back.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1").arg("2001-01-01 00:00:00");
    back.arg(jumping.program()).args(["campaign", "--resume"]).arg(&folder).current_dir(jumping.folder());
    let output = back.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let journal = std::fs::read_to_string(folder.join("runs.jsonl")).unwrap();
    assert!(journal.contains("\"date\":\"2001"), "the clock jumped");
    let (first, second) = (came_to(&steady), came_to(&jumping));
    assert_eq!(serde_json::to_string_pretty(&first.0).unwrap(), serde_json::to_string_pretty(&second.0).unwrap());
    assert_eq!(first.1, second.1);
}
