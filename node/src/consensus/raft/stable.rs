//! What Raft has on stable storage: the persistent state of figure 2 (term, vote, log), the snapshot of figure 13, and the node's
//! own open requests. It is a file to which records are added; what no longer counts is told by a later record.

use serde::{Deserialize, Serialize};

use super::Raft;
use super::log::{Entry, Snapshot};
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::Context;
use crate::replication::Request;

/// A record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Record {
    /// The term, and the vote that was given in it.
    Vote { term: u64, vote: Option<NodeId> },
    /// Entries at the end of the log, the first of them at this index.
    Append { index: u64, entries: Vec<Entry> },
    /// The log has no entry from this index on: they contradicted the leader's.
    Truncate { from: u64 },
    /// Entries up to here are committed. Figure 2 has this as volatile, and it need not be durable; but a node that finds it
    /// delivers again at once, without a leader.
    Commit { index: u64 },
    /// A request of the application.
    Request(Request),
    /// What stands in place of the entries before those that follow.
    Snapshot(Snapshot),
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("records are plain data")
    }
}

impl Raft {
    /// Takes back what is on stable storage.
    pub(super) fn restore(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        for record in records {
            match serde_json::from_slice(record) {
                Ok(record) => self.redo(record),
                Err(error) => cx.complain(format!("a stored record can't be read: {error}")),
            }
        }
        let committed = self.commit_index.min(self.log.last_index());
        self.indicate_end(cx);
        self.resume_from_snapshot(cx);
        self.commit_to(committed, cx);
    }

    /// Says where the log ends: what an earlier life wrote last it may never have told.
    fn indicate_end(&self, cx: &mut Context<'_>) {
        let (index, term, hash) = (self.log.last_index(), self.log.last_term(), self.log.hash());
        cx.indicate(match index {
            0 => Indication::Truncate { from: 1 },
            _ => Indication::Append { index, term, hash },
        });
    }

    fn redo(&mut self, record: Record) {
        match record {
            Record::Vote { term, vote } => (self.term, self.vote) = (term, vote),
            Record::Append { index, entries } => {
                assert_eq!(index, self.log.last_index() + 1, "an entry is missing between two records");
                entries.into_iter().for_each(|entry| self.log.push(entry));
            }
            Record::Truncate { from } => self.log.truncate(from),
            Record::Commit { index } => self.commit_index = index,
            Record::Request(request) => self.requests.restore(request),
            Record::Snapshot(snapshot) => self.log.install(snapshot),
        }
    }

    /// The term and the vote have changed.
    pub(super) fn persist_vote(&self, cx: &mut Context<'_>) {
        cx.store(self.vote_record(cx).encode());
    }

    /// More is committed. Nothing depends on this record, so it waits for the next one.
    pub(super) fn persist_commit(&self, cx: &mut Context<'_>) {
        cx.store_lazily(Record::Commit { index: self.commit_index }.encode());
    }

    /// A request is taken once it is stored.
    pub(super) fn persist_request(&self, request: Request, cx: &mut Context<'_>) {
        cx.store(Record::Request(request).encode());
    }

    /// Appends entries to the log. They are durable before anybody is told that they are here.
    pub(super) fn append(&mut self, entries: Vec<Entry>, cx: &mut Context<'_>) {
        let index = self.log.last_index() + 1;
        for entry in &entries {
            self.log.push(*entry);
            let (index, hash) = (self.log.last_index(), self.log.hash());
            cx.indicate(Indication::Append { index, term: entry.term, hash });
        }
        let record = Record::Append { index, entries }.encode();
        if cx.bug(Bug::AcknowledgesUnsynced) { cx.store_lazily(record) } else { cx.store(record) }
    }

    /// Takes entries away that contradict the leader's.
    pub(super) fn truncate(&mut self, from: u64, cx: &mut Context<'_>) {
        self.log.truncate(from);
        cx.store(Record::Truncate { from }.encode());
        cx.indicate(Indication::Truncate { from });
    }

    /// Writes all that counts in place of all that was written: the log was compacted, or a snapshot came.
    pub(super) fn persist_anew(&self, cx: &mut Context<'_>) {
        let index = self.log.base() + 1;
        let entries = self.log.entries_from(index).collect();
        let snapshot = Record::Snapshot(self.snapshot(cx));
        let commit = Record::Commit { index: self.commit_index };
        let mut records = vec![self.vote_record(cx), snapshot, Record::Append { index, entries }, commit];
        records.extend(self.requests.records().map(Record::Request));
        cx.rewrite(records.iter().map(Record::encode).collect());
    }

    fn vote_record(&self, cx: &Context<'_>) -> Record {
        let vote = self.vote.filter(|_| !cx.bug(Bug::ForgetsVote));
        Record::Vote { term: self.term, vote }
    }
}
