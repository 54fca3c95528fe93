//! What one run of the demo came to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use temblor_checkers::verdict::{Judgement, PropertyVerdict, Standing};

use super::product::{NO_FAULT, Subject, Task};
use crate::commands::execution::Execution;
use crate::hunt::violates;
use crate::mark::{Mark, combine, of_run};

/// One run, and what it came to.
#[derive(Debug)]
pub struct Finding {
    /// What was run.
    pub task: Task,
    /// Which of the tasks it was, from 0.
    pub at: usize,
    /// The seed of its plan.
    pub seed: u64,
    /// What it came to.
    pub mark: Mark,
    /// Why, in one sentence.
    pub why: String,
    /// What it came to for each property that is promised.
    pub properties: BTreeMap<String, Mark>,
    /// Where its files are.
    pub folder: Option<PathBuf>,
    /// Why it failed, if it did.
    pub failure: Option<anyhow::Error>,
}

impl Finding {
    /// What an execution shows about its subject.
    pub fn new((task, at, seed): (Task, usize, u64), mut execution: Execution) -> Self {
        let failure = (!execution.failures.is_empty()).then(|| execution.failures.swap_remove(0));
        let (mut mark, why) = match task.subject {
            Subject::Cell { class: NO_FAULT, .. } => of_run(&[], &execution.verdict),
            Subject::Cell { class, .. } => of_run(&[class], &execution.verdict),
            Subject::Bug(entry) if violates(&execution.verdict, entry.property) => {
                (Mark::Found, entry.property.to_owned())
            }
            Subject::Bug(entry) => (Mark::Missed, format!("{} was not violated", entry.property)),
        };
        if failure.is_some() && mark != Mark::Violation {
            mark = Mark::Failed;
        }
        let promised = |judged: &PropertyVerdict| Some((judged.property.clone(), of_property(judged)?));
        let properties = execution.verdict.properties.iter().filter_map(promised).collect();
        let folder = Some(execution.folder.path().to_owned());
        Self { task, at, seed, mark, why, properties, folder, failure }
    }

    /// A run that could not be made.
    pub fn failed((task, at, seed): (Task, usize, u64), error: anyhow::Error) -> Self {
        let (why, properties, failure) = ("the run failed".to_owned(), BTreeMap::new(), Some(error));
        Self { task, at, seed, mark: Mark::Failed, why, properties, folder: None, failure }
    }

    /// Whether another seed may show more: nothing happened, or some promise was never put to the test.
    pub fn wants_more(&self, full: bool) -> bool {
        let faults = matches!(self.task.subject, Subject::Cell { class, .. } if class != NO_FAULT);
        let untested = || self.properties.values().any(|mark| *mark == Mark::Idle);
        self.mark == Mark::Idle || (full && faults && self.mark == Mark::Held && untested())
    }

    /// Adds what an earlier attempt with another seed came to.
    pub fn absorb(self, earlier: Finding) -> Self {
        let (mut told, other) =
            if combine(earlier.mark, self.mark) == earlier.mark { (earlier, self) } else { (self, earlier) };
        for (property, mark) in other.properties {
            told.properties.entry(property).and_modify(|known| *known = combine(*known, mark)).or_insert(mark);
        }
        told
    }

    /// As data.
    pub fn json(&self) -> Value {
        let (about, name) = match self.task.subject {
            Subject::Cell { class, .. } => ("class", class),
            Subject::Bug(entry) => ("bug", entry.name),
        };
        let system = self.task.system().map_or_else(|_| String::new(), |system| system.name());
        json!({ "system": system, about: name, "executor": self.task.executor.name(), "seed": self.seed,
                "mark": self.mark.name(), "why": self.why, "folder": self.folder })
    }
}

/// What a run came to for one property; `None` if that is not promised.
fn of_property(judged: &PropertyVerdict) -> Option<Mark> {
    match (&judged.standing, judged.judgement) {
        (Standing::NotPromised, _) => None,
        (Standing::Promised, Judgement::Invalid) => Some(Mark::Violation),
        (Standing::Promised, Judgement::Unknown) => Some(Mark::Undecided),
        (Standing::Promised, Judgement::Valid) if judged.exercised > 0 => Some(Mark::Held),
        // Where the condition of a promise failed, nothing could break it.
        (Standing::Promised | Standing::NotInForce(_), _) => Some(Mark::Idle),
    }
}
