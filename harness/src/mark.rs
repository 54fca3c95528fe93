//! Marks: one word for what a run came to, in a matrix.

use serde::{Deserialize, Serialize};
use temblor_checkers::verdict::{Judgement, Outcome, PropertyVerdict, Standing, Verdict};

use crate::words::counted;

/// One word for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Every promise held, and could have been broken.
    Held,
    /// The planted bug was found.
    Found,
    /// Nothing happened that could have broken a promise, or no fault took effect.
    Idle,
    /// Something promised could not be judged.
    Undecided,
    /// The planted bug was not found.
    Missed,
    /// The run itself failed.
    Failed,
    /// An unchanged algorithm broke a promise.
    Violation,
}

impl Mark {
    /// Its name in files and in progress lines.
    pub fn name(self) -> &'static str {
        match self {
            Mark::Held => "held",
            Mark::Found => "found",
            Mark::Idle => "not exercised",
            Mark::Undecided => "undecided",
            Mark::Missed => "not found",
            Mark::Failed => "failed",
            Mark::Violation => "violation",
        }
    }

    /// Its sign in the matrix; never told by colour alone.
    pub fn sign(self) -> &'static str {
        match self {
            Mark::Held | Mark::Found => "ok",
            Mark::Idle => "-",
            Mark::Undecided => "?",
            Mark::Missed => "no",
            Mark::Failed => "err",
            Mark::Violation => "FAIL",
        }
    }
}

/// What two runs of one thing come to: what was exercised in one of them was exercised; else the worse counts.
pub fn combine(one: Mark, other: Mark) -> Mark {
    match (one, other) {
        (Mark::Idle, Mark::Held) | (Mark::Held, Mark::Idle) => Mark::Held,
        (one, other) => one.max(other),
    }
}

/// What a run came to, and why: it is green only if these classes of faults took effect and a promise could have been broken.
pub fn of_run(classes: &[&str], verdict: &Verdict) -> (Mark, String) {
    let bit = |class: &&&str| verdict.counts.bites.get(**class).is_some_and(|bites| *bites > 0);
    // That a node is still there says nothing of what it did.
    let says_more = |property: &&PropertyVerdict| is_promised(property) && property.property != "survives";
    let chances: u64 = verdict.properties.iter().filter(says_more).map(|p| p.exercised).sum();
    let idle = classes.iter().find(|class| !bit(class));
    match (&verdict.outcome, idle) {
        (Outcome::Violation, _) => (Mark::Violation, format!("violated {}", broken(verdict))),
        (_, Some(class)) => (Mark::Idle, format!("{class} took no effect")),
        (Outcome::Nothing(reason), _) => (Mark::Idle, reason.clone()),
        (Outcome::Inconclusive(reasons), _) => (Mark::Undecided, reasons.join("; ")),
        (Outcome::Clean, _) if chances == 0 => (Mark::Idle, "nothing could have broken a promise".to_owned()),
        (Outcome::Clean, _) => (Mark::Held, counted(chances, "chance to fail", "chances to fail")),
    }
}

/// Whether a property counts for a run.
pub fn is_promised(property: &PropertyVerdict) -> bool {
    property.standing == Standing::Promised
}

/// The promises that were broken.
fn broken(verdict: &Verdict) -> String {
    let broken = verdict.properties.iter().filter(|p| is_promised(p) && p.judgement == Judgement::Invalid);
    broken.map(|p| p.property.as_str()).collect::<Vec<_>>().join(", ")
}
