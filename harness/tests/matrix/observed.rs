//! A plan, carried out by the command that a user has, and what it answers.

use std::path::Path;
use std::process::{Command, Output};

use libtest_mimic::Failed;
use temblor_checkers::verdict::{Judgement, PropertyVerdict, Verdict};
use temblor_workloads::plan::Plan;
use tempfile::TempDir;

use crate::hierarchy::Row;

/// A run on real processes.
pub struct Observed {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The verdict.
    pub verdict: Verdict,
    folder: TempDir,
}

impl Observed {
    /// Runs a plan on real processes.
    pub fn run(row: &Row, plan: &Plan) -> Result<Observed, Failed> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("plan.json"), plan.to_json())?;
        let mut words = vec!["run", row.algorithm.name, "--plan", "plan.json", "--json"];
        words.extend(row.algorithm.over.into_iter().flat_map(|over| ["--over", over]));
        let output = temblor(folder.path(), &words)?;
        let verdict = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
        Ok(Observed { code: output.status.code(), verdict, folder })
    }

    /// What was judged of a property.
    pub fn of(&self, property: &str) -> &PropertyVerdict {
        let found = self.verdict.properties.iter().find(|judged| judged.property == property);
        found.unwrap_or_else(|| panic!("{property} was not judged"))
    }

    /// Whether the history violates a property, promised or not.
    pub fn violates(&self, property: &str) -> bool {
        self.of(property).judgement == Judgement::Invalid
    }

    /// What the history says of the faults.
    pub fn faults(&self) -> Result<String, Failed> {
        let history = std::fs::read_to_string(self.folder.path().join("results/latest/history.jsonl"))?;
        Ok(history.split_inclusive('\n').filter(|line| line.contains("\"nemesis\"")).collect())
    }

    /// The exit code of a judgement of the same history by this property alone.
    pub fn judged_by(&self, property: &str) -> Result<Option<i32>, Failed> {
        Ok(temblor(self.folder.path(), &["check", "results/latest", "--require", property])?.status.code())
    }
}

fn temblor(folder: &Path, words: &[&str]) -> Result<Output, Failed> {
    Ok(Command::new(env!("CARGO_BIN_EXE_temblor")).args(words).current_dir(folder).output()?)
}
