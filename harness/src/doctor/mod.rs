//! The doctor: what works on this machine of all that a run can use, found out by trying it.
//!
//! Every check says in one line what was found; where something is missing or limited it names the one command that would
//! change that, as far as there is one. A run on real processes needs only a few of the checks ([`Check::needed`]).

mod cores;
mod kernel;
mod limits;
mod network;
mod storage;
mod terminal;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::containment::Probe;
use crate::processes::Rehearsal;

pub use limits::{NodesAllowed, nodes_allowed};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It works.
    Ok,
    /// It works in part.
    Limited,
    /// It does not work.
    Missing,
}

/// One thing that works or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is about.
    pub name: &'static str,
    /// What it came to.
    pub state: State,
    /// Whether no run on real processes is possible while it is missing.
    pub needed: bool,
    /// What was found, in words.
    pub found: String,
    /// The command that would enable it.
    pub enable: Option<String>,
}

impl Check {
    /// Something that works.
    pub fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, needed: false, found: found.into(), enable: None }
    }

    /// Something that works in part.
    pub fn limited(name: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Limited, ..Self::ok(name, found) }
    }

    /// Something that does not work.
    pub fn missing(name: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Missing, ..Self::ok(name, found) }
    }

    /// The same, with the command that would enable it.
    pub fn enabled_by(self, command: impl Into<String>) -> Self {
        Self { enable: Some(command.into()), ..self }
    }

    /// The same, as something without which no run is possible.
    pub fn as_needed(self) -> Self {
        Self { needed: true, ..self }
    }

    /// Whether it keeps every run on real processes from working.
    pub fn prevents_runs(&self) -> bool {
        self.needed && self.state == State::Missing
    }
}

/// All that can be found out without a node: about the system, and about the folder that results go to.
pub fn examine(probe: &Probe, results: &Path) -> Vec<Check> {
    let mut checks = vec![network::loopback(), network::sockets(), limits::open_files()];
    checks.extend(storage::results(results));
    checks.extend([kernel::namespaces(probe), kernel::guardian(probe), kernel::network_namespaces(probe)]);
    checks.extend([kernel::pidfd(probe), kernel::cgroups(), kernel::version()]);
    checks.extend([cores::cores(), cores::timers(), terminal::terminal()]);
    checks
}

/// What rehearsing with a node has shown.
pub fn of_rehearsal(rehearsal: &Rehearsal) -> Vec<Check> {
    const BUILD: &str = "cargo build --release -p temblor";
    let node = match &rehearsal.answered {
        Ok(after) => Check::ok("node", format!("started, and answered init after {}", ms(*after))),
        Err(reason) => Check::missing("node", reason.clone()).enabled_by(BUILD),
    };
    let stop = match &rehearsal.stopped {
        Ok((stop, go_on)) => {
            Check::ok("pauses", format!("SIGSTOP works after {}, SIGCONT after {}", ms(*stop), ms(*go_on)))
        }
        Err(reason) => Check::missing("pauses", reason.clone()).enabled_by("temblor run fifo --nemesis kill,partition"),
    };
    vec![node.as_needed(), stop]
}

/// A duration as milliseconds with one digit behind the point.
fn ms(duration: Duration) -> String {
    let tenths = duration.as_micros() / 100;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

/// A file of the system, without blanks around it; empty if there is none.
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Check, State, grouped, ms};

    #[test]
    fn only_what_is_needed_and_missing_prevents_runs() {
        for (check, prevents) in [
            (Check::missing("a", "").as_needed(), true),
            (Check::missing("a", ""), false),
            (Check::limited("a", "").as_needed(), false),
            (Check::ok("a", "").as_needed(), false),
        ] {
            assert_eq!(check.prevents_runs(), prevents, "{check:?}");
        }
        assert_eq!(Check::missing("a", "").enabled_by("b").state, State::Missing);
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!([7, 999, 1_000, 1_234_567].map(grouped), ["7", "999", "1,000", "1,234,567"]);
        assert_eq!(ms(Duration::from_micros(12_345)), "12.3 ms");
    }
}
