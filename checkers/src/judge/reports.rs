//! What a node reports beside broadcasts and deliveries: exits, whom it follows, and how it misbehaved.

use serde_json::Value;

use super::Judge;
use super::hold_back::Held;
use crate::ledger::nodes::Cause;
use crate::op::{Names, Node, Other};
use crate::property::{Misdeed, Reported};

impl Judge {
    /// Takes a report that is kept as JSON.
    pub(super) fn other(&mut self, node: Node, other: &Other, names: &Names) {
        let text = |key: &str| other.value.get(key).and_then(Value::as_str);
        let misbehaved = |misdeed: Misdeed, what: String| Some(Reported::Misbehaved(misdeed, what));
        let what = match other.f.as_str() {
            "exit" => Some(self.exit(node, text("status"), names)),
            "follows" => follows(other, names),
            "installed" => {
                let hash = text("hash").and_then(|digits| u64::from_str_radix(digits, 16).ok());
                if let Some(through) = other.value.get("through").and_then(Value::as_u64) {
                    self.installed(node, through, hash);
                }
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
            _ => None,
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

fn follows(other: &Other, names: &Names) -> Option<Reported> {
    let term = other.value.get("term")?.as_u64()?;
    let leader = other.value.get("leader")?.as_str()?;
    Some(Reported::Follows(term, names.find(leader)?))
}
