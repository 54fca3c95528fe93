//! `temblor diff`: where two runs part.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use super::answer;
use crate::cli::DiffArgs;
use crate::exit::{Exit, usage};
use crate::words::counted;

/// How many ops that both have are shown in front of the first that differs.
const CONTEXT: usize = 3;
/// The columns of a terminal.
const WIDTH: usize = 80;

/// Compares the histories of two runs, times aside, as a whole and process by process.
pub fn diff(args: &DiffArgs) -> Result<Exit> {
    let (first, second) = (read(&args.first)?, read(&args.second)?);
    if first == second {
        answer("the two histories are the same, byte for byte\n")?;
        return Ok(Exit::Clean);
    }
    let (first, second) = (ops(&first, &args.first)?, ops(&second, &args.second)?);
    let mut text = plans(args);
    match parting(&first, &second) {
        None => {
            text.push_str("the two histories are the same but for their times\n");
            answer(&text)?;
            return Ok(Exit::Clean);
        }
        Some(at) => {
            text.push_str(&format!("they part at line {}, times aside\n", at + 1));
            first[at.saturating_sub(CONTEXT)..at].iter().for_each(|op| text.push_str(&entry("both", op)));
            text.push_str(&side((first.get(at), second.get(at))));
        }
    }
    text.push_str(&each_process(&first, &second));
    answer(&text)?;
    Ok(Exit::Inconclusive)
}

/// A history: of a run folder, or the file itself.
fn read(path: &Path) -> Result<Vec<u8>> {
    let file = history(path);
    fs::read(&file).map_err(|error| usage(format!("failed to read {}: {error}", file.display())))
}

fn history(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("history.jsonl") } else { path.to_owned() }
}

/// The ops of a history without their times. A last line that is cut short is left out.
fn ops(bytes: &[u8], path: &Path) -> Result<Vec<Value>> {
    let whole = bytes.split_inclusive(|byte| *byte == b'\n').take_while(|line| line.ends_with(b"\n"));
    let parse = |(at, line): (usize, &[u8])| {
        let mut op: Value = serde_json::from_slice(line)
            .map_err(|error| usage(format!("{}, line {}: {error}", history(path).display(), at + 1)))?;
        if let Some(fields) = op.as_object_mut() {
            fields.shift_remove("time");
        }
        Ok(op)
    };
    whole.enumerate().map(parse).collect()
}

/// What to know before anything else: whether the two were to do the same.
fn plans(args: &DiffArgs) -> String {
    let plan = |path: &Path| fs::read(path.join("plan.json")).ok();
    match (plan(&args.first), plan(&args.second)) {
        (Some(a), Some(b)) if a == b => "both ran the same plan\n".to_owned(),
        (Some(_), Some(_)) => "they ran different plans\n".to_owned(),
        _ => String::new(),
    }
}

/// Where two sequences part.
fn parting(first: &[Value], second: &[Value]) -> Option<usize> {
    let common = first.iter().zip(second).take_while(|(a, b)| a == b).count();
    (common < first.len().max(second.len())).then_some(common)
}

/// An op on a line of 80 columns: what it says in the order of a history's keys.
fn entry(label: &str, op: &Value) -> String {
    let word =
        |key: &str| op.get(key).map_or(String::new(), |value| value.as_str().map_or(value.to_string(), str::to_owned));
    let text = match op {
        Value::Object(_) => format!("{} {} {} {}", word("process"), word("type"), word("f"), word("value")),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let line = format!("  {label:<7} {text}");
    let short =
        if line.chars().count() > WIDTH { line.chars().take(WIDTH - 3).collect::<String>() + "..." } else { line };
    format!("{short}\n")
}

fn side((first, second): (Option<&Value>, Option<&Value>)) -> String {
    let end = Value::from("(the end)");
    entry("first", first.unwrap_or(&end)) + &entry("second", second.unwrap_or(&end))
}

/// Where the processes' own sequences part: on real processes the order between nodes is a matter of chance, that of one node
/// is not.
fn each_process(first: &[Value], second: &[Value]) -> String {
    let (first, second) = (by_process(first), by_process(second));
    let names: Vec<&String> = first.keys().chain(second.keys().filter(|name| !first.contains_key(*name))).collect();
    let mut text = "each process by itself:\n".to_owned();
    for name in names {
        let none = Vec::new();
        let (a, b) = (first.get(name).unwrap_or(&none), second.get(name).unwrap_or(&none));
        match parting(a, b) {
            None => text.push_str(&format!("{name}: the same, {}\n", counted(a.len(), "op", "ops"))),
            Some(at) => {
                text.push_str(&format!("{name}: parts at its op {}\n", at + 1));
                text.push_str(&side((a.get(at), b.get(at))));
            }
        }
    }
    text
}

fn by_process(ops: &[Value]) -> BTreeMap<String, Vec<Value>> {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for op in ops {
        let mut op = op.clone();
        if let Some(fields) = op.as_object_mut() {
            fields.shift_remove("index");
        }
        let process = op["process"].as_str().map_or_else(|| op["process"].to_string(), str::to_owned);
        all.entry(process).or_default().push(op);
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{each_process, parting};

    #[test]
    fn sequences_part_where_the_one_ends_or_differs() {
        let op = |number: u64| json!({ "process": "n1", "index": number, "value": number });
        assert_eq!(parting(&[op(1)], &[op(1)]), None);
        assert_eq!(parting(&[op(1), op(2)], &[op(1)]), Some(1));
        assert_eq!(parting(&[op(1), op(2)], &[op(1), op(3)]), Some(1));
    }

    #[test]
    fn another_order_between_processes_is_no_difference_of_theirs() {
        let op = |process: &str, index: u64| json!({ "process": process, "index": index, "f": "deliver" });
        let text = each_process(&[op("n1", 0), op("n2", 1)], &[op("n2", 0), op("n1", 1)]);
        assert_eq!(text, "each process by itself:\nn1: the same, 1 op\nn2: the same, 1 op\n");
    }
}
