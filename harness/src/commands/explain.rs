//! `temblor explain`: the sentence and the numbered witness of each violation.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use temblor_checkers::verdict::{Judgement, PropertyVerdict, Standing};

use super::answer;
use super::judging::judge_path;
use crate::cli::ExplainArgs;
use crate::exit::Exit;
use crate::render;

/// So many witnesses of one property are shown.
const SHOWN: usize = 3;
/// So many lines of a node's log are shown.
const LOG_LINES: usize = 10;

/// Explains every violation of a promised property; with none it says so, and still succeeds.
pub fn explain(args: &ExplainArgs) -> Result<Exit> {
    let verdict = judge_path(&args.path, &args.judge)?;
    if args.judge.json {
        answer(&format!("{}\n", serde_json::to_string(&verdict)?))?;
        return Ok(Exit::Clean);
    }
    let promised = |property: &&PropertyVerdict| property.standing == Standing::Promised;
    let broken = verdict.properties.iter().filter(|property| property.judgement == Judgement::Invalid);
    let mut text = String::new();
    for property in broken.filter(promised) {
        text.push_str(&witnesses(property));
        if property.property == "survives" {
            text.push_str(&logs(&args.path, property));
        }
    }
    if text.is_empty() {
        text.push_str(&render::closing(&verdict));
        text.push('\n');
    }
    answer(&text)?;
    Ok(Exit::Clean)
}

fn witnesses(property: &PropertyVerdict) -> String {
    let shown = property.witnesses.iter().take(SHOWN);
    let mut text: String = shown.map(|witness| render::witness(&property.property, witness) + "\n").collect();
    let rest = property.violations.saturating_sub(SHOWN as u64);
    if rest > 0 {
        text.push_str(&format!("... and {rest} more violations of {}.\n\n", property.property));
    }
    text
}

/// For nodes that did not survive: how they were started, and the last lines of their logs, if the run folder is there.
fn logs(run: &Path, property: &PropertyVerdict) -> String {
    let facts = std::fs::read(run.join("run.json")).ok();
    let facts: Value = facts.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let mut text = String::new();
    if let Some(command) = facts["node_command"].as_str() {
        text.push_str(&format!("Nodes were started as:\n  {command}\n"));
    }
    let mut nodes: Vec<&String> = property.witnesses.iter().filter_map(|witness| witness.node.as_ref()).collect();
    nodes.dedup();
    for node in nodes {
        let log = crate::processes::last_lines(&run.join("nodes").join(format!("{node}.stderr")), LOG_LINES);
        if !log.is_empty() {
            text.push_str(&format!("The last lines of {node}'s log:\n  {}\n", log.join("\n  ")));
        }
    }
    text
}
