//! What clients ask for that is no broadcast and no charge, and are told.

use serde_json::Value;

use super::Judge;
use crate::ledger::answers::Answer;
use crate::ledger::faults::Moment;
use crate::op::{Kind, Names, Op, Other};

impl Judge {
    /// Takes a client's op about a read, an echo or an id.
    pub(super) fn answer(&mut self, (op, client): (&Op, u32), other: &Other, names: &Names) {
        let node = other.value.get("node").and_then(Value::as_str).and_then(|name| names.find(name));
        let Some(node) = node else { return };
        let answer = Answer { at: Moment::of(op), client, node };
        let (answers, value) = (&mut self.ledger.answers, |name| other.value.get(name).unwrap_or(&Value::Null));
        match (other.f.as_str(), op.kind) {
            ("read", Kind::Ok) => answers.read(answer, value("messages").as_array().map_or(&[], Vec::as_slice)),
            ("echo", Kind::Invoke) => answers.says(answer.at, client, value("echo")),
            ("echo", Kind::Ok) => answers.hears(answer, value("echo")),
            ("echo", Kind::Fail | Kind::Info) => answers.hears_nothing(client),
            ("generate", Kind::Ok) => answers.given(answer, value("id")),
            _ => {}
        }
        if matches!(other.f.as_str(), "echo" | "generate") {
            self.counts_request(op.kind);
            let number = value("number").as_u64().unwrap_or_default();
            match op.kind {
                Kind::Invoke => self.ledger.recovery.asked(number, op.time),
                Kind::Ok => self.ledger.recovery.acknowledged(number, op.time),
                Kind::Fail | Kind::Info => {}
            }
        }
    }
}
