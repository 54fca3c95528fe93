//! The text of a plan: reading with errors that name the line, writing one entry a line.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::plan::{FORMAT, Plan};
use crate::setting::Setting;
use crate::validity::{Flaw, Place, check, check_against};

/// What is wrong with a plan file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The line, from 1.
    pub line: usize,
    /// The column, in bytes from 1. For what makes no sense it is where the entry begins.
    pub column: usize,
    /// What is wrong, in words.
    pub what: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// Reads a plan and checks that it makes sense by itself.
    pub fn parse(text: &str) -> Result<Plan, PlanError> {
        check_object(text)?;
        check_format(text)?;
        let plan: Plan = serde_json::from_str(text).map_err(|error| syntax(&error))?;
        check(&plan).map_err(|flaw| locate(text, flaw))?;
        Ok(plan)
    }

    /// Checks that a plan that was read from `text` keeps within the model of a system.
    pub fn validate(&self, text: &str, setting: &Setting) -> Result<(), PlanError> {
        check_against(self, setting).map_err(|flaw| locate(text, flaw))
    }

    /// The plan as a file: one entry a line, always the same bytes for the same plan.
    pub fn to_json(&self) -> String {
        let mut text = String::from("{\n");
        let head = serde_json::to_value(Plan {
            operations: Vec::new(),
            faults: Vec::new(),
            rules: Vec::new(),
            ..self.clone()
        });
        let head = head.expect("a plan is plain data");
        for key in KEYS {
            if let Some(value) = head.get(key) {
                text.push_str(&format!("\"{key}\": {value},\n"));
            }
        }
        entries(&mut text, "operations", &self.operations);
        text.push_str(",\n");
        entries(&mut text, "faults", &self.faults);
        text.push_str(",\n");
        entries(&mut text, "rules", &self.rules);
        text.push_str("\n}\n");
        text
    }
}

/// The keys of a plan before its entries, in the order of the file.
const KEYS: &[&str] = &[
    "format",
    "algorithm",
    "over",
    "fanout",
    "http",
    "topology",
    "clients_max",
    "workload",
    "seed",
    "nodes",
    "length_us",
    "beyond_model",
    "requested",
];

fn entries<T: Serialize>(text: &mut String, key: &str, entries: &[T]) {
    let lines: Vec<String> =
        entries.iter().map(|entry| serde_json::to_string(entry).expect("an entry is plain data")).collect();
    let open = if lines.is_empty() { "" } else { "\n  " };
    let close = if lines.is_empty() { "" } else { "\n" };
    text.push_str(&format!("\"{key}\": [{open}{}{close}]", lines.join(",\n  ")));
}

/// Something else than an object is no plan, though serde would take an array for one.
fn check_object(text: &str) -> Result<(), PlanError> {
    match text.trim_start().chars().next() {
        Some('{') => Ok(()),
        Some(_) => Err(PlanError { line: 1, column: 1, what: "a plan is a JSON object, and begins with {".to_owned() }),
        None => Err(PlanError { line: 1, column: 1, what: "there is nothing here".to_owned() }),
    }
}

/// Another format is refused by name, before anything else in it is looked at.
fn check_format(text: &str) -> Result<(), PlanError> {
    #[derive(Deserialize)]
    struct Head {
        format: u64,
    }
    // What can't be read even so far has a fault that the whole reading names.
    let Ok(Head { format }) = serde_json::from_str(text) else { return Ok(()) };
    let what = match format {
        format if format == u64::from(FORMAT) => return Ok(()),
        0 => "there is no format 0; the first is 1".to_owned(),
        _ => format!("format {format} is newer than {FORMAT}, the newest that this temblor reads"),
    };
    Err(locate(text, Flaw { place: Place::Whole("format"), what }))
}

/// serde_json's error in plain words, its own place cut off.
fn syntax(error: &serde_json::Error) -> PlanError {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let what = ["u64", "u32"].iter().fold(what.to_owned(), |what, kind| {
        what.replace(&format!("expected {kind}"), "expected a whole number that is not negative")
    });
    PlanError { line: error.line().max(1), column: error.column().max(1), what }
}

/// Puts a line and a column to a flaw.
fn locate(text: &str, flaw: Flaw) -> PlanError {
    let begin = raw(text, flaw.place).map_or(0, |raw| raw.get().as_ptr() as usize - text.as_ptr() as usize);
    let before = &text.as_bytes()[..begin];
    let line_begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let newlines = before.iter().filter(|byte| **byte == b'\n').count();
    PlanError { line: 1 + newlines, column: 1 + begin - line_begin, what: flaw.what }
}

/// The part of the text that a place means. serde_json lends it, so where it stands in memory is where it stands in the text.
fn raw(text: &str, place: Place) -> Option<&RawValue> {
    let (key, at) = match place {
        Place::Whole(key) => (key, None),
        Place::Operation(at) => ("operations", Some(at)),
        Place::Fault(at) => ("faults", Some(at)),
        Place::Rule(at) => ("rules", Some(at)),
    };
    // Keys may be written with escapes, so they can't all be lent.
    let values: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let value = *values.get(key)?;
    let Some(at) = at else { return Some(value) };
    let entries: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    entries.get(at).copied()
}

#[cfg(test)]
mod tests;
