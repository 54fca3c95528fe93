//! `temblor list`: the tables, for people or as JSON.

use anyhow::Result;
use serde_json::{Value, json};
use temblor_checkers::table::{CHECKERS, Kind};
use temblor_node::algorithms::{self, ALGORITHMS};
use temblor_node::bugs::BUGS;
use temblor_workloads::faults::FAULTS;
use temblor_workloads::lectures::LECTURES;
use temblor_workloads::shapes::{LEADER_SHAPES, SHAPES};
use temblor_workloads::workloads::WORKLOADS;

use super::answer;
use crate::cli::{ListArgs, ListWhat};
use crate::exit::Exit;
use crate::render::wrap;

/// Prints a table.
pub fn list(args: &ListArgs) -> Result<Exit> {
    let rows = rows(args.what);
    if args.json {
        answer(&format!("{}\n", serde_json::to_string_pretty(&rows)?))?;
    } else {
        answer(&table(&rows))?;
    }
    Ok(Exit::Clean)
}

/// A table as objects; each has at least `name` and `what`.
fn rows(what: ListWhat) -> Vec<Value> {
    match what {
        ListWhat::Algorithms => ALGORITHMS.iter().map(algorithm).collect(),
        ListWhat::Bugs => BUGS
            .iter()
            .map(|bug| {
                json!({ "name": bug.name, "algorithm": bug.algorithm, "property": bug.property,
                        "needs": bug.needs, "what": bug.what })
            })
            .collect(),
        ListWhat::Workloads => WORKLOADS
            .iter()
            .map(|workload| json!({ "name": workload.name, "options": workload.options, "what": workload.what }))
            .collect(),
        ListWhat::Faults => FAULTS.iter().map(fault).collect(),
        ListWhat::Checkers => CHECKERS.iter().map(checker).collect(),
        ListWhat::Plans => LECTURES
            .iter()
            .map(|lecture| {
                let command = format!("temblor run {} --plan {}", lecture.system, lecture.name);
                json!({ "name": lecture.name, "what": lecture.what, "command": command })
            })
            .collect(),
    }
}

fn algorithm(algorithm: &algorithms::Algorithm) -> Value {
    let mut row = json!(algorithm);
    row["promises"] =
        algorithm.promises.iter().map(|(name, condition)| ((*name).to_owned(), json!(condition))).collect();
    row
}

fn fault(fault: &temblor_workloads::faults::Fault) -> Value {
    let mut row = json!({ "name": fault.name, "class": fault.class, "what": fault.what,
                          "parameters": fault.parameters, "evidence": fault.evidence });
    if fault.name == "partition" {
        let known = SHAPES.iter().map(|shape| (shape.name, shape.what));
        let shapes = known.chain(LEADER_SHAPES.iter().copied());
        row["shapes"] = shapes.map(|(name, what)| (name.to_owned(), json!(what))).collect();
    }
    row
}

fn checker(checker: &temblor_checkers::table::Checker) -> Value {
    let kind = match checker.kind {
        Kind::Safety => "safety",
        Kind::Liveness => "liveness",
        Kind::Both => "both",
    };
    json!({ "name": checker.name, "kind": kind, "what": checker.definition,
            "source": checker.source, "exercised": checker.exercise })
}

/// One row a name: the name, what it is, and the rest below.
fn table(rows: &[Value]) -> String {
    rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn row(row: &Value) -> String {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let name = match row["over"].as_str() {
        Some(over) => format!("{} (over {over})", text("name")),
        None => text("name"),
    };
    let mut lines = format!("{name}\n    {}\n", wrap(&text("what"), 4));
    for key in [
        "algorithm",
        "property",
        "needs",
        "class",
        "kind",
        "model",
        "promises",
        "command",
        "options",
        "parameters",
        "shapes",
        "evidence",
        "exercised",
        "source",
    ] {
        let shown = shown(&row[key]);
        if !shown.is_empty() {
            lines.push_str(&format!("    {key:<11}{}\n", wrap(&shown, 15)));
        }
    }
    lines
}

/// A value in words: objects as `name: value` pairs, one after the other.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let pair = |(key, value): (&String, &Value)| match value {
                Value::String(text) if text == "always" => key.clone(),
                value => format!("{key}: {}", shown(value)),
            };
            fields.iter().map(pair).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}
