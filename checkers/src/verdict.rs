//! The verdict: what a history proves, property by property, with the few ops that prove each violation.

use serde::{Deserialize, Serialize};

use crate::header::Condition;

/// The format version of `verdict.json`.
pub const FORMAT: u32 = 1;

/// Three-valued, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It held.
    Valid,
    /// The history cannot decide it; the reason is beside it.
    Unknown,
    /// It was violated, and here is the proof.
    Invalid,
}

/// Whether the property counts for the run's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Promised, and its condition held: a violation is a bug.
    Promised,
    /// Promised, but not in force in this run; the string says why (`n2, the sender of m4, crashed`; `outside the model: ...`).
    NotInForce(String),
    /// Not promised: classified only.
    NotPromised,
}

/// What one property came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropertyVerdict {
    /// The property's name, such as `fifo-order`.
    pub property: String,
    /// The promised condition, if it was promised or required.
    pub promised: Option<Condition>,
    /// Whether it counts.
    pub standing: Standing,
    /// The judgement. Where the standing is `Promised` this counts for the run.
    pub judgement: Judgement,
    /// Why the judgement is `unknown`; otherwise absent.
    pub reason: Option<String>,
    /// How often the property could have failed; 0 is shown as "not exercised".
    pub exercised: u64,
    /// How many violations there were in all.
    pub violations: u64,
    /// The first few of them, in the order of the history.
    pub witnesses: Vec<Witness>,
}

/// The proof of one violation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// One sentence in plain words that names the nodes and the messages.
    pub sentence: String,
    /// The few ops that prove it, in the order of the argument (a reader numbers them 1, 2, ...).
    pub steps: Vec<Step>,
    /// The node that broke the property, by name, where there is one.
    pub node: Option<String>,
    /// The messages that the sentence speaks of.
    pub messages: Vec<u64>,
    /// What shape of violation this is (`gap`, `swap`, `duplicate`, ...): shrinking keeps it.
    pub shape: String,
    /// For a consequence of an earlier violation, what that was; absent for a first one.
    pub consequence_of: Option<String>,
}

/// One op of a witness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The op's index: its line in history.jsonl, counted from 0.
    pub index: u64,
    /// The op's time, ns since the run began.
    pub time: u64,
    /// Who did it: `n1`, `client 3`, `nemesis`.
    pub process: String,
    /// What it did: `broadcasts m17`, `delivers m17`, `exits`.
    pub what: String,
    /// Why it matters here: `m17 has not been delivered at n3`.
    pub fact: String,
}

/// What the run came to as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every promised property held.
    Clean,
    /// A promised property was violated. Nothing masks it.
    Violation,
    /// A promised property is unknown, the history is cut short, or a requested fault never bit; each reason is a sentence.
    Inconclusive(Vec<String>),
    /// Nothing to judge: no operation was acknowledged and nothing was delivered.
    Nothing(String),
}

/// The whole of `verdict.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// [`FORMAT`].
    pub format: u32,
    /// What ran (from the header), empty where the history had none.
    pub system: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The strongest broadcast models that this history is consistent with.
    pub classification: Vec<String>,
    /// Every property, in the order of the table of checkers.
    pub properties: Vec<PropertyVerdict>,
    /// What happened, in numbers.
    pub counts: Counts,
}

/// How long it took until something that was asked for after a fault was done everywhere: delivered by all nodes that were up, or
/// acknowledged, where that says as much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recoveries {
    /// Faults of which it was seen.
    pub seen: u64,
    /// Faults after which nothing was asked for that was done everywhere.
    pub unseen: u64,
    /// us since the fault was over; since its moment for one that takes no time.
    pub median_us: u64,
    /// The longest, us.
    pub longest_us: u64,
}

/// What happened in a history, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Lines read.
    pub ops: u64,
    /// Requests invoked.
    pub invoked: u64,
    /// Requests answered `ok`.
    pub acknowledged: u64,
    /// Requests definitely refused.
    pub failed: u64,
    /// Requests with no known end.
    pub indeterminate: u64,
    /// Broadcasts reported by nodes.
    pub broadcasts: u64,
    /// Deliveries reported by nodes.
    pub deliveries: u64,
    /// Faults that were seen to bite, by name, in alphabetical order.
    pub bites: std::collections::BTreeMap<String, u64>,
    /// How long after a fault the service was back, by the fault's name.
    #[serde(default)]
    pub recoveries: std::collections::BTreeMap<String, Recoveries>,
    /// Nodes that a fault crashed.
    pub crashed: u64,
    /// Whether the history ends before its `drained` line.
    pub cut_short: bool,
}
