//! What clients of a payment service ask for, and are told.

use serde_json::Value;

use super::Judge;
use crate::ledger::faults::Moment;
use crate::ledger::payments::{Reading, Who};
use crate::op::{Kind, Names, Op, Other};

impl Judge {
    /// Takes a client's op that is no broadcast.
    pub(super) fn payment(&mut self, (op, client): (&Op, u32), other: &Other, names: &Names) {
        let node = other.value.get("node").and_then(Value::as_str).and_then(|name| names.find(name));
        let Some(node) = node else { return };
        match (other.f.as_str(), op.kind) {
            ("charge", kind) => {
                self.counts_request(kind);
                let number = other.value.get("charge").and_then(Value::as_u64).unwrap_or_default();
                match kind {
                    Kind::Invoke => self.ledger.recovery.asked(number, op.time),
                    Kind::Ok => self.ledger.recovery.acknowledged(number, op.time),
                    Kind::Fail | Kind::Info => {}
                }
                let who = (Moment::of(op), Who::Client(client, node));
                self.ledger.payments.request(kind, who, (&other.value, self.ledger.faults.weather()));
            }
            ("ledger", Kind::Ok) => {
                let records = other.value.get("ledger").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                self.ledger.payments.read(Reading { at: Moment::of(op), client, server: node }, records);
            }
            _ => {}
        }
    }

    /// Counts a request, or its end.
    pub(super) fn counts_request(&mut self, kind: Kind) {
        match kind {
            Kind::Invoke => self.counts.invoked += 1,
            Kind::Ok => self.counts.acknowledged += 1,
            Kind::Fail => self.counts.failed += 1,
            Kind::Info => {}
        }
        self.completed += u64::from(kind != Kind::Invoke);
    }
}
