//! The campaign file: TOML that a person writes. `temblor schema campaign` describes it, and an error points into it.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;

use crate::cli::{Executor, parse_us};
use crate::foreign::NodeCommand;

/// The whole file. What is not said has the value of [`Default`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CampaignFile {
    /// Its name in reports; that of the file where it is not said.
    pub name: Option<String>,
    /// Every plan comes from it.
    pub seed: Option<u64>,
    /// How many runs; one of each combination where neither this nor `time` is said.
    pub runs: Option<u64>,
    /// How long, us.
    #[serde(default, deserialize_with = "duration")]
    pub time: Option<u64>,
    /// How many runs go on at once, at most.
    pub jobs: Option<usize>,
    /// Whether a planted bug has to be found first.
    #[serde(default = "yes")]
    pub canary: bool,
    /// Where failures are kept from one campaign to the next.
    #[serde(default = "default_regressions")]
    pub regressions: PathBuf,
    /// How much of the time budget regressions may take, in per cent.
    #[serde(default = "default_share")]
    pub regressions_share: u8,
    /// How many smaller plans are tried for a failure.
    #[serde(default = "default_tries")]
    pub shrink: u64,
    /// Which run folders are kept.
    #[serde(default)]
    pub keep: Keep,
    /// What is run.
    pub scenario: Vec<Spanned<Scenario>>,
}

/// Which run folders a campaign keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Those of runs that failed, or could not be judged
    #[default]
    Failed,
    /// All
    All,
}

/// Lists that are multiplied: each algorithm under each faults, of each size, on each executor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Its name in reports.
    pub name: Option<String>,
    /// Algorithms, as `fifo` or `fifo over eager`; `all` means every one over every layer.
    pub algorithms: Vec<Spanned<String>>,
    /// A planted bug, for trying the harness out.
    pub bug: Option<Spanned<String>>,
    /// Somebody else's program as each node.
    pub node: Option<Spanned<NodeCommand>>,
    /// Several such programs, each of which is tried.
    #[serde(default)]
    pub programs: Vec<Spanned<NodeCommand>>,
    /// What goes wrong: faults and classes with commas between them, `none`, or `all` of the model.
    #[serde(default = "default_faults")]
    pub faults: Vec<Spanned<String>>,
    /// Cluster sizes.
    #[serde(default = "default_nodes")]
    pub nodes: Vec<Spanned<u16>>,
    /// What the nodes run on.
    #[serde(default = "default_executors")]
    pub executors: Vec<Spanned<String>>,
    /// What clients do; all that fit the algorithm take turns where nothing is said.
    #[serde(default)]
    pub workloads: Vec<Spanned<String>>,
    /// Length of a run's main phase, us.
    #[serde(default, deserialize_with = "duration")]
    pub time_limit: Option<u64>,
    /// Broadcasts a second, over all nodes.
    pub rate: Option<u32>,
    /// Answers in each chain of the chat workload.
    pub chain_depth: Option<u32>,
    /// Broadcasts in each burst of the burst workload.
    pub burst_size: Option<u32>,
    /// Which neighbours plain nodes are told of.
    pub topology: Option<Spanned<String>>,
    /// Instead of overlapping faults one at a time, so long after the one before, us.
    #[serde(default, deserialize_with = "duration")]
    pub nemesis_interval: Option<u64>,
    /// Every frame of every link takes so long, us.
    #[serde(default, deserialize_with = "duration")]
    pub latency: Option<u64>,
    /// At most so many requests are open at a time: `"10"`, or `"4n"` for 4 a node.
    pub concurrency: Option<Spanned<String>>,
    /// To how many others gossip passes a message on.
    pub fanout: Option<u32>,
    /// Whether nodes speak JSON over HTTP/1.1.
    #[serde(default)]
    pub http: bool,
    /// Whether faults outside the model are allowed.
    #[serde(default)]
    pub beyond_model: bool,
    /// How long a node has to answer `init`, us.
    #[serde(default, deserialize_with = "duration")]
    pub init_timeout: Option<u64>,
}

fn yes() -> bool {
    true
}

fn default_regressions() -> PathBuf {
    PathBuf::from("regressions")
}

fn default_share() -> u8 {
    20
}

fn default_tries() -> u64 {
    400
}

fn default_faults() -> Vec<Spanned<String>> {
    vec![Spanned::new(0..0, "all".to_owned())]
}

fn default_nodes() -> Vec<Spanned<u16>> {
    vec![Spanned::new(0..0, 5)]
}

fn default_executors() -> Vec<Spanned<String>> {
    vec![Spanned::new(0..0, Executor::default().name().to_owned())]
}

/// `"30m"`, or a bare number of seconds.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a duration such as \"30s\", \"5m\", or a number of seconds")]
    enum Written {
        Text(String),
        Seconds(u64),
    }
    let us = match Written::deserialize(deserializer)? {
        Written::Text(text) => parse_us(&text).map_err(|error| {
            let first = error.lines().next().unwrap_or_default().to_owned();
            serde::de::Error::custom(format!("{text:?}: {first}; write 30s, 5m, 500ms or bare seconds"))
        })?,
        Written::Seconds(seconds) => seconds.checked_mul(1_000_000).ok_or_else(|| {
            serde::de::Error::custom(format!("{seconds} seconds are more than this program can count"))
        })?,
    };
    Ok(Some(us))
}

/// A mistake in a campaign file, and the line that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes; `None` for the file as a whole.
    pub span: Option<std::ops::Range<usize>>,
}

impl Mistake {
    /// A mistake at this place.
    pub fn at<T>(place: &Spanned<T>, message: impl Into<String>) -> Self {
        // What stands for a default has an empty span at 0.
        let span = Some(place.span()).filter(|span| !span.is_empty());
        Self { message: message.into(), span }
    }

    /// As text, with the line of the file and a mark under the place.
    pub fn show(&self, name: &str, text: &str) -> String {
        let Some(span) = &self.span else { return format!("{name}: {}", self.message) };
        let begin = span.start.min(text.len());
        let before = &text[..begin];
        let number = before.matches('\n').count() + 1;
        let line_begin = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[line_begin..].lines().next().unwrap_or("");
        let column = text[line_begin..begin].chars().count();
        let length = text[begin..span.end.clamp(begin, text.len())].lines().next().unwrap_or("").chars().count();
        let width = number.to_string().len();
        format!(
            "{name}, line {number}: {}\n{:width$} |\n{number} | {line}\n{:width$} | {}{}",
            self.message,
            "",
            "",
            " ".repeat(column),
            "^".repeat(length.max(1)),
        )
    }
}

/// Reads a campaign file.
///
/// # Errors
/// It is no TOML, or something in it is unknown or of the wrong kind.
pub fn parse(text: &str) -> Result<CampaignFile, Mistake> {
    let file: CampaignFile = toml::from_str(text)
        .map_err(|error| Mistake { message: error.message().trim().to_owned(), span: error.span() })?;
    if file.runs.is_some() && file.time.is_some() {
        return Err(Mistake { message: "a budget is runs or time, not both".to_owned(), span: None });
    }
    if file.runs == Some(0) || file.time == Some(0) || file.jobs == Some(0) {
        return Err(Mistake { message: "runs, time and jobs are at least 1".to_owned(), span: None });
    }
    if file.regressions_share > 100 {
        return Err(Mistake { message: "regressions-share is per cent: at most 100".to_owned(), span: None });
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{Keep, parse};

    #[test]
    fn what_is_not_said_has_a_default() {
        let file = parse("[[scenario]]\nalgorithms = ['fifo']\n").unwrap();
        let scenario = file.scenario[0].get_ref();
        assert!(file.canary && file.keep == Keep::Failed && file.shrink == 400);
        assert_eq!(scenario.faults[0].get_ref(), "all");
        assert_eq!(*scenario.nodes[0].get_ref(), 5);
    }

    #[test]
    fn a_mistake_is_shown_where_it_stands() {
        for (text, line, words) in [
            ("runs = 3\nseeed = 4\n[[scenario]]\nalgorithms = ['fifo']\n", 2, "seeed"),
            ("[[scenario]]\nalgorithms = 'fifo'\n", 2, "expected a sequence"),
            ("time = 'soon'\n[[scenario]]\nalgorithms = ['fifo']\n", 1, "write 30s"),
            ("[[scenario]]\nalgorithms = ['fifo'\n", 2, "unclosed array"),
        ] {
            let shown = parse(text).unwrap_err().show("night.toml", text);
            assert!(shown.starts_with(&format!("night.toml, line {line}:")), "{shown}");
            assert!(shown.contains(words), "{shown}");
        }
    }
}
