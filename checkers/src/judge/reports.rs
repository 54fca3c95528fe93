//! What a node reports beside broadcasts and deliveries: exits, terms and logs, and how it misbehaved.

use serde_json::Value;

use super::Judge;
use super::hold_back::Held;
use crate::ledger::nodes::Cause;
use crate::ledger::replicated_log::Entry;
use crate::op::{Names, Node, Other};
use crate::property::{Misdeed, Reported};

impl Judge {
    /// Takes a report that is kept as JSON.
    pub(super) fn other(&mut self, node: Node, other: &Other, names: &Names) {
        let text = |key: &str| other.value.get(key).and_then(Value::as_str);
        let misbehaved = |misdeed: Misdeed, what: String| Some(Reported::Misbehaved(misdeed, what));
        let what = match other.f.as_str() {
            "exit" => Some(self.exit(node, text("status"), names)),
            "installed" => {
                let hash = text("hash").and_then(|digits| u64::from_str_radix(digits, 16).ok());
                if let Some(through) = other.value.get("through").and_then(Value::as_u64) {
                    self.installed(node, through, hash);
                }
                None
            }
            "charged" => {
                self.ledger.payments.charged((self.last, node), &other.value);
                None
            }
            "nonsense" => {
                let line = text("line").unwrap_or_default();
                misbehaved(Misdeed::Nonsense, format!("printed what is no envelope: {line:?}"))
            }
            "silent" => {
                let reason = text("reason").unwrap_or("no reason is known");
                misbehaved(Misdeed::Silent, format!("did not answer: {reason}"))
            }
            "breach" => misbehaved(
                Misdeed::Breach,
                text("reason").unwrap_or("broke the contract of a virtual clock").to_owned(),
            ),
            "flood" => misbehaved(Misdeed::Flood, "wrote more than the harness accepts".to_owned()),
            f => replicated(f, &other.value, names),
        };
        if let Some(what) = what {
            self.report(node, what);
        }
    }

    fn exit(&mut self, node: Node, status: Option<&str>, names: &Names) -> Reported {
        let by_kill = self.ledger.faults.explains_exit(names.name(node), status);
        let cause = if by_kill { Cause::Kill } else { Cause::Itself };
        self.ledger.exited(node, cause);
        self.ledger.faults.exited(self.last);
        if self.held.holds(node) {
            self.held.push(node, Held::Exit);
        } else {
            self.ledger.left(node);
        }
        Reported::Exited(cause, status.unwrap_or("status unknown").to_owned())
    }
}

/// What a replica says of its term and its log; `None` if it is nothing of the kind.
fn replicated(f: &str, value: &Value, names: &Names) -> Option<Reported> {
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    let node = |key: &str| names.find(value.get(key)?.as_str()?);
    let entry = || {
        let hash = u64::from_str_radix(value.get("hash")?.as_str()?, 16).ok()?;
        Some(Entry { index: number("index").filter(|index| *index > 0)?, term: number("term")?, hash })
    };
    Some(match f {
        "follows" => Reported::Follows(number("term")?, node("leader")?),
        "term" => Reported::Term(number("term")?),
        "vote" => Reported::Voted(number("term")?, node("for")?),
        "append" => Reported::Appended(entry()?),
        "truncate" => Reported::Truncated(number("from")?),
        "snapshot" => Reported::Snapshot(entry()?),
        "commit" => Reported::Committed(number("index")?),
        _ => return None,
    })
}
