//! What ran, where, and how to run it again: the head of the page, from `run.json`, `plan.json` and `shrunk.json`.

use std::path::Path;

use serde_json::Value;

use crate::machine;
use crate::words::counted;

/// The facts of one run.
#[derive(Debug, Default)]
pub struct Facts {
    /// Titles and values, in the order in which they are shown.
    pub rows: Vec<(&'static str, String)>,
    /// What a person types to run it again, one command a line, each with what it does.
    pub commands: Vec<(String, &'static str)>,
    /// What shrinking did, in a sentence; `None` where nobody shrank it.
    pub shrunk: Option<String>,
}

impl Facts {
    /// What the files in a run folder say; what is absent is left out. What nobody broke need not be shrunk.
    pub fn of(folder: &Path, violated: bool) -> Self {
        let (run, plan, shrunk) = (read(folder, "run.json"), read(folder, "plan.json"), read(folder, "shrunk.json"));
        let mut facts = Self::default();
        let text =
            |value: &Value| value.as_str().map(str::to_owned).or_else(|| (!value.is_null()).then(|| value.to_string()));
        let machine = machine::in_words(&run["machine"]);
        let list = |value: &Value| value.as_array().map_or(0, Vec::len);
        let faults = counted(list(&plan["faults"]), "fault", "faults");
        let size = format!("{} nodes, {}, {faults}", list(&plan["nodes"]), operations(&plan));
        let rows = [
            ("System", text(&plan["algorithm"])),
            ("Planted bug", text(&run["bug"])),
            ("Executor", text(&run["executor"])),
            ("Seed", text(&run["seed"])),
            ("Plan", (!plan.is_null()).then_some(size)),
            ("Command", run["command"].as_array().map(|words| command(words))),
            ("Nodes run", text(&run["node_command"])),
            ("Program", text(&run["node"]["hash"]).map(|hash| format!("{hash} ({} bytes)", run["node"]["bytes"]))),
            ("temblor", text(&run["temblor"])),
            ("Machine", (!machine.is_empty()).then_some(machine)),
        ];
        facts.rows = rows.into_iter().filter_map(|(title, value)| Some((title, value?))).collect();
        let here = folder.display().to_string();
        if !plan.is_null() {
            facts.commands.push((format!("temblor replay {}", quoted(&here)), "runs it again"));
        }
        facts.commands.push((format!("temblor explain {}", quoted(&here)), "this page in the terminal"));
        if violated && shrunk.is_null() && !plan.is_null() {
            facts
                .commands
                .push((format!("temblor shrink {}", quoted(&here)), "looks for the smallest plan that fails"));
        }
        facts.shrunk = (!shrunk.is_null()).then(|| {
            let faults = |plan: &Value| counted(list(&plan["faults"]), "fault", "faults");
            let both = |plan: &Value| format!("{} and {}", operations(plan), faults(plan));
            format!("Shrinking left {} of {}: shrunk.json beside this page.", both(&shrunk), both(&plan))
        });
        facts
    }
}

fn operations(plan: &Value) -> String {
    counted(plan["operations"].as_array().map_or(0, Vec::len), "operation", "operations")
}

fn read(folder: &Path, name: &str) -> Value {
    let bytes = std::fs::read(folder.join(name)).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// A command as a shell takes it; the program by its name alone.
fn command(words: &[Value]) -> String {
    let mut words = words.iter().filter_map(Value::as_str);
    let program = words.next().map(|path| path.rsplit('/').next().unwrap_or(path));
    program.into_iter().chain(words).map(quoted).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
