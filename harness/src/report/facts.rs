//! What ran, where, and how to run it again: the head of the page, from `run.json`, `plan.json` and `shrunk.json`.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
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
        let run: Value = read(folder, "run.json").unwrap_or_default();
        let (plan, shrunk) = (read::<Size>(folder, "plan.json"), read::<Size>(folder, "shrunk.json"));
        let mut facts = Self::default();
        let text =
            |value: &Value| value.as_str().map(str::to_owned).or_else(|| (!value.is_null()).then(|| value.to_string()));
        let machine = machine::in_words(&run["machine"]);
        let rows = [
            ("System", plan.as_ref().map(|plan| plan.algorithm.clone())),
            ("Planted bug", text(&run["bug"])),
            ("Executor", text(&run["executor"])),
            ("Seed", text(&run["seed"])),
            ("Plan", plan.as_ref().map(|plan| format!("{} nodes, {plan}", plan.nodes.len()))),
            ("Command", run["command"].as_array().map(|words| command(words))),
            ("Nodes run", text(&run["node_command"])),
            ("Program", text(&run["node"]["hash"]).map(|hash| format!("{hash} ({} bytes)", run["node"]["bytes"]))),
            ("temblor", text(&run["temblor"])),
            ("Machine", (!machine.is_empty()).then_some(machine)),
        ];
        facts.rows = rows.into_iter().filter_map(|(title, value)| Some((title, value?))).collect();
        let here = folder.display().to_string();
        if plan.is_some() {
            facts.commands.push((format!("temblor replay {}", quoted(&here)), "runs it again"));
        }
        facts.commands.push((format!("temblor explain {}", quoted(&here)), "this page in the terminal"));
        if violated && shrunk.is_none() && plan.is_some() {
            facts
                .commands
                .push((format!("temblor shrink {}", quoted(&here)), "looks for the smallest plan that fails"));
        }
        facts.shrunk = shrunk
            .zip(plan)
            .map(|(shrunk, plan)| format!("Shrinking left {shrunk} of {plan}: shrunk.json beside this page."));
        facts
    }
}

/// What of a plan matters here; a plan may have a million operations.
#[derive(Deserialize)]
struct Size {
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    nodes: Vec<IgnoredAny>,
    #[serde(default)]
    operations: Vec<IgnoredAny>,
    #[serde(default)]
    rules: Vec<IgnoredAny>,
    #[serde(default)]
    faults: Vec<IgnoredAny>,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = counted(self.operations.len() + self.rules.len(), "operation", "operations");
        write!(f, "{operations} and {}", counted(self.faults.len(), "fault", "faults"))
    }
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Option<T> {
    let file = std::fs::File::open(folder.join(name)).ok()?;
    serde_json::from_reader(std::io::BufReader::new(file)).ok()
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
