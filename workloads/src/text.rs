//! The text of a plan: reading with errors that name the line, writing one entry a line.

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
    /// What is wrong, in words.
    pub what: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// Reads a plan and checks that it makes sense by itself.
    pub fn parse(text: &str) -> Result<Plan, PlanError> {
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
const KEYS: &[&str] =
    &["format", "algorithm", "over", "workload", "seed", "nodes", "length_us", "beyond_model", "requested"];

fn entries<T: Serialize>(text: &mut String, key: &str, entries: &[T]) {
    let lines: Vec<String> =
        entries.iter().map(|entry| serde_json::to_string(entry).expect("an entry is plain data")).collect();
    let open = if lines.is_empty() { "" } else { "\n  " };
    let close = if lines.is_empty() { "" } else { "\n" };
    text.push_str(&format!("\"{key}\": [{open}{}{close}]", lines.join(",\n  ")));
}

/// A newer format is refused by name, before anything in it is looked at.
fn check_format(text: &str) -> Result<(), PlanError> {
    #[derive(Deserialize)]
    struct Head {
        format: Option<u64>,
    }
    let Ok(head) = serde_json::from_str::<Head>(text) else { return Ok(()) };
    match head.format {
        Some(format) if format > u64::from(FORMAT) => Err(PlanError {
            line: line_of(text, text.find("\"format\"").unwrap_or(0)),
            what: format!("format {format} is newer than {FORMAT}, the newest that this temblor reads"),
        }),
        _ => Ok(()),
    }
}

/// serde_json's error, its own place cut off.
fn syntax(error: &serde_json::Error) -> PlanError {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    PlanError { line: error.line().max(1), what: what.to_owned() }
}

/// The entries of a plan as they stand in its text.
#[derive(Deserialize)]
struct Entries<'a> {
    #[serde(borrow, default)]
    operations: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    faults: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    rules: Vec<&'a RawValue>,
}

/// Puts a line to a flaw.
fn locate(text: &str, flaw: Flaw) -> PlanError {
    let entries = serde_json::from_str::<Entries<'_>>(text).ok();
    let entry = entries.as_ref().and_then(|entries| match flaw.place {
        Place::Whole(_) => None,
        Place::Operation(at) => entries.operations.get(at),
        Place::Fault(at) => entries.faults.get(at),
        Place::Rule(at) => entries.rules.get(at),
    });
    let offset = match (entry, flaw.place) {
        (Some(raw), _) => raw.get().as_ptr() as usize - text.as_ptr() as usize,
        (None, Place::Whole(key)) => text.find(&format!("\"{key}\"")).unwrap_or(0),
        (None, _) => 0,
    };
    PlanError { line: line_of(text, offset), what: flaw.what }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::plan::Plan;

    const GOOD: &str = r#"{
"format": 1, "algorithm": "fifo", "seed": 7,
"nodes": ["n1", "n2", "n3"],
"length_us": 1000000,
"operations": [
  {"when": {"at_us": 1000}, "node": "n1", "broadcast": 1},
  {"when": {"after": {"seen": {"fault": {"id": 1}}}}, "node": "n1", "broadcast": 2}
],
"faults": [
  {"id": 1, "when": {"at_us": 0}, "for_us": 200000, "fault": {"partition": {"cut": [["n1", "n3"]]}}}
],
"rules": [
  {"on_deliver": 1, "node": "n2", "broadcast": 1001}
]
}"#;

    fn check(from: &str, to: &str, expected: Expect) {
        let text = GOOD.replacen(from, to, 1);
        let shown = match Plan::parse(&text) {
            Ok(_) => "no error".to_owned(),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_plan_written_by_hand_is_read_and_written_again() {
        let plan = Plan::parse(GOOD).unwrap();
        let text = plan.to_json();
        assert_eq!(Plan::parse(&text).unwrap(), plan);
        assert_eq!(Plan::parse(&text).unwrap().to_json(), text);
    }

    #[test]
    fn every_error_names_the_line() {
        check("\"format\": 1", "\"format\": 2", expect!["line 2: format 2 is newer than 1, the newest that this temblor reads"]);
        check("\"seed\": 7,", "\"seed\": 7", expect!["line 3: expected `,` or `}`"]);
        check("\"node\": \"n1\"", "\"nod\": \"n1\"", expect!["line 6: unknown field `nod`, expected one of `when`, `node`, `broadcast`"]);
        check("\"node\": \"n1\", \"broadcast\": 1", "\"node\": \"n9\", \"broadcast\": 1", expect!["line 6: there is no node n9; the plan's nodes are n1, n2, n3"]);
        check("\"broadcast\": 2", "\"broadcast\": 1", expect!["line 7: message 1 is broadcast twice in this plan; each message needs a number of its own"]);
        check("\"fault\": {\"id\": 1}", "\"fault\": {\"id\": 4}", expect!["line 7: the anchor waits for fault 4, which is not in the plan"]);
        check("[\"n1\", \"n3\"]", "[\"n3\", \"n3\"]", expect!["line 10: n3 has no link to itself"]);
        check("\"broadcast\": 1001", "\"broadcast\": 2", expect!["line 13: message 2 is broadcast twice in this plan; each message needs a number of its own"]);
        check("[\"n1\", \"n2\", \"n3\"]", "[]", expect!["line 3: a plan needs at least one node"]);
        check("1000000", "1.5", expect!["line 4: invalid type: floating point `1.5`, expected u64"]);
    }
}
