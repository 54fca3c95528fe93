//! What Zab has on stable storage: acceptedEpoch, currentEpoch, history, and the node's own open requests. It is a file to which
//! records are added; what no longer counts is told by a later record.

use serde::{Deserialize, Serialize};

use super::Zab;
use super::history::{History, Transaction};
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::Context;
use crate::replication::Request;

/// A record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Record {
    /// f.p, and from whom it was accepted.
    Accepted { epoch: u64, from: Option<NodeId> },
    /// f.a, and of the history what stays and what follows it from now on: both at once.
    Synchronised { epoch: u64, shared: u64, transactions: Vec<Transaction> },
    /// One more transaction.
    Append { transaction: Transaction },
    /// A request of the application.
    Request(Request),
    /// The whole history, with f.a.
    History { epoch: u64, history: History },
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("records are plain data")
    }
}

impl Zab {
    /// Takes back what is on stable storage. Nothing is known to be committed but what a snapshot stands for.
    pub(super) fn restore(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        for record in records {
            match serde_json::from_slice(record) {
                Ok(record) => self.redo(record),
                Err(error) => cx.complain(format!("a stored record can't be read: {error}")),
            }
        }
        self.indicate_end(cx);
        self.resume_from_snapshot(cx);
    }

    fn redo(&mut self, record: Record) {
        match record {
            Record::Accepted { epoch, from } => (self.accepted_epoch, self.accepted_from) = (epoch, from),
            Record::Synchronised { epoch, shared, transactions } => {
                self.current_epoch = epoch;
                self.history.cut_behind(shared);
                for transaction in transactions {
                    self.history.push(transaction);
                }
            }
            Record::Append { transaction } => {
                self.history.push(transaction);
            }
            Record::Request(request) => self.requests.restore(request),
            Record::History { epoch, history } => (self.current_epoch, self.history) = (epoch, history),
        }
    }

    /// f.p has changed.
    pub(super) fn persist_accepted(&self, cx: &mut Context<'_>) {
        if !cx.bug(Bug::ForgetsEpoch) {
            cx.store(self.accepted().encode());
        }
    }

    /// The history is the leader's: up to an index as it was, and then these transactions.
    pub(super) fn persist_synchronised(&self, of: (u64, Vec<Transaction>), cx: &mut Context<'_>) {
        let (shared, transactions) = of;
        cx.store(Record::Synchronised { epoch: self.current_epoch, shared, transactions }.encode());
    }

    /// One more transaction.
    pub(super) fn persist_append(&self, transaction: Transaction, cx: &mut Context<'_>) {
        let record = Record::Append { transaction }.encode();
        if cx.bug(Bug::HistoryUnsynced) { cx.store_lazily(record) } else { cx.store(record) }
    }

    /// A request is taken once it is stored.
    pub(super) fn persist_request(&self, request: Request, cx: &mut Context<'_>) {
        cx.store(Record::Request(request).encode());
    }

    /// Writes all that counts in place of all that was written.
    pub(super) fn persist_anew(&self, cx: &mut Context<'_>) {
        let history = Record::History { epoch: self.current_epoch, history: self.history.clone() };
        let mut records = vec![history];
        records.extend((!cx.bug(Bug::ForgetsEpoch)).then(|| self.accepted()));
        records.extend(self.requests.records().map(Record::Request));
        cx.rewrite(records.iter().map(Record::encode).collect());
    }

    fn accepted(&self) -> Record {
        Record::Accepted { epoch: self.accepted_epoch, from: self.accepted_from }
    }
}
