//! The record: what has been measured, a line each, with where and on what.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::figures::commit;

/// The file.
pub struct Record {
    path: PathBuf,
}

impl Record {
    /// The file beside this one, which need not be there yet.
    pub fn open() -> Self {
        Self { path: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/consensus/figures.jsonl") }
    }

    /// Whether a measure of an algorithm stands there for this commit.
    pub fn has(&self, algorithm: &str, measure: &str) -> bool {
        let commit = commit();
        self.lines().iter().any(|l| l["algorithm"] == algorithm && l["measure"] == measure && l["commit"] == commit)
    }

    /// One more line.
    pub fn append(&self, algorithm: &str, measure: &str, value: Value) {
        let machine = temblor::machine::describe();
        let line = json!({
            "algorithm": algorithm, "measure": measure, "value": value, "commit": commit(), "machine": machine,
        });
        let file = File::options().append(true).create(true).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        written.unwrap_or_else(|error| panic!("failed to write {}: {error}", self.path.display()));
    }

    /// What is there.
    pub fn print(&self) {
        for line in self.lines() {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            println!("{:<12} {:<29} {} ({})", text("algorithm"), text("measure"), line["value"], text("commit"));
        }
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}
