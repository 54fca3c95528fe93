//! Raft's log replication (section 5.3): AppendEntries, its sender and its receiver.

use std::collections::BTreeMap;

use super::log::Entry;
use super::message::{Append, Message};
use super::{HEARTBEAT, HEARTBEAT_NS, Raft, Role};
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, To};
use crate::packet::{Key, Packet};

/// A frame carries so many entries at most.
const BATCH: usize = 32;

/// What a leader knows of a follower.
#[derive(Debug)]
pub(super) struct Progress {
    /// The next entry to send to it.
    pub next_index: u64,
    /// Up to here its log is known to be the leader's.
    pub match_index: u64,
    /// Entries up to here were sent, and have not been answered. More are not sent before they are.
    pub awaited: Option<u64>,
    /// It was told that entries up to here are committed.
    pub told: u64,
}

impl Raft {
    /// Figure 2: what a new leader knows.
    pub(super) fn no_progress(&self, cx: &Context<'_>) -> BTreeMap<NodeId, Progress> {
        let next_index = self.log.last_index() + 1;
        let of = |node| (node, Progress { next_index, match_index: 0, awaited: None, told: 0 });
        cx.others().map(of).collect()
    }

    /// The leader appends entries to its own log, and sends them to those who wait for nothing else.
    pub(super) fn extend(&mut self, entries: Vec<Entry>, cx: &mut Context<'_>) {
        self.append(entries, cx);
        if cx.bug(Bug::CommitsAlone) {
            self.commit_to(self.log.last_index(), cx);
        }
        self.advance_commit(cx);
        cx.others().for_each(|node| self.push(node, cx));
    }

    /// Figure 2, leaders: heartbeats, against election time-outs. (5.2)
    pub(super) fn beat(&self, cx: &mut Context<'_>) {
        if !matches!(self.role, Role::Leader) {
            return;
        }
        for (node, progress) in &self.followers {
            let append = self.append_after(progress.next_index - 1, Vec::new());
            let heartbeat = Key::of("heartbeat", &[self.term]);
            cx.send(To::One(*node), Packet { key: heartbeat, ..Message::AppendEntries(append).packet() });
        }
        cx.timer(HEARTBEAT, HEARTBEAT_NS);
    }

    /// What was sent and not answered is sent again.
    pub(super) fn repeat(&mut self, cx: &mut Context<'_>) {
        self.followers.values_mut().for_each(|progress| progress.awaited = None);
        cx.others().for_each(|node| self.push(node, cx));
    }

    /// Figure 2, leaders: a follower is sent the entries from `next_index` on, or the snapshot where they are gone. (5.3, 7)
    fn push(&mut self, to: NodeId, cx: &mut Context<'_>) {
        let progress = &self.followers[&to];
        if progress.awaited.is_some() || progress.next_index > self.log.last_index() {
            return;
        }
        let (message, last_index) = if progress.next_index <= self.log.base() {
            (Message::InstallSnapshot { term: self.term, snapshot: self.snapshot(cx) }, self.log.base())
        } else {
            let entries = self.log.batch_from(progress.next_index, BATCH);
            let append = self.append_after(progress.next_index - 1, entries);
            let last_index = append.last_index();
            (Message::AppendEntries(append), last_index)
        };
        cx.send(To::One(to), message.packet());
        let told = self.commit_index.min(last_index);
        self.followers.entry(to).and_modify(|progress| progress.sent(last_index, told));
    }

    /// The lectures' third round trip: who has an entry is told at once that it is committed.
    pub(super) fn tell(&mut self, to: NodeId, cx: &mut Context<'_>) {
        let progress = &self.followers[&to];
        let told = self.commit_index.min(progress.match_index);
        if told <= progress.told {
            return;
        }
        let append = self.append_after(progress.next_index - 1, Vec::new());
        let commit = Key::of("commit", &[self.term, told]);
        cx.send(To::One(to), Packet { key: commit, ..Message::AppendEntries(append).packet() });
        self.followers.entry(to).and_modify(|progress| progress.told = told);
    }

    /// The arguments of AppendEntries for entries that follow this index; or those that are still there.
    fn append_after(&self, prev_index: u64, entries: Vec<Entry>) -> Append {
        let prev_index = prev_index.max(self.log.base());
        let prev_term = self.log.term_at(prev_index).expect("no follower is sent what is not in the log");
        Append { term: self.term, prev_index, prev_term, entries, leader_commit: self.commit_index }
    }

    /// Figure 2, leaders: success. (5.3)
    pub(super) fn appended(&mut self, from: NodeId, matched: u64, cx: &mut Context<'_>) {
        if !matches!(self.role, Role::Leader) {
            return;
        }
        self.followers.entry(from).and_modify(|progress| progress.matches(matched));
        self.advance_commit(cx);
        self.push(from, cx);
        cx.others().for_each(|node| self.tell(node, cx));
    }

    /// Figure 2, leaders: no success, so `next_index` goes back. An answer to an older frame changes nothing. (5.3)
    pub(super) fn rejected(&mut self, from: NodeId, (prev_index, next): (u64, u64), cx: &mut Context<'_>) {
        if !matches!(self.role, Role::Leader) {
            return;
        }
        let Some(progress) = self.followers.get_mut(&from) else { return };
        if progress.next_index == prev_index + 1 && prev_index > progress.match_index {
            progress.next_index = next.clamp(progress.match_index + 1, prev_index);
            progress.awaited = None;
            self.push(from, cx);
        }
    }

    /// Figure 2, AppendEntries at its receiver. (5.3)
    pub(super) fn append_entries(&mut self, from: NodeId, append: Append, cx: &mut Context<'_>) {
        if append.term < self.term {
            return self.reject(from, append.prev_index, cx);
        }
        if !self.follow(from, cx) {
            return;
        }
        let append = self.behind_snapshot(append);
        if !self.has_prev(&append) {
            return self.reject(from, append.prev_index, cx);
        }
        let last_index = append.last_index();
        self.merge(append.prev_index, append.entries, cx);
        let known = if cx.bug(Bug::CommitsUnsent) { self.log.last_index() } else { last_index };
        self.commit_to(append.leader_commit.min(known), cx);
        cx.send(To::One(from), Message::Appended { term: self.term, matched: last_index }.packet());
    }

    /// Figure 2: who sends AppendEntries leads its term, and is followed. (5.2) Not by another leader of the term, which there is
    /// none of as long as nodes vote once.
    pub(super) fn follow(&mut self, leader: NodeId, cx: &mut Context<'_>) -> bool {
        if matches!(self.role, Role::Leader) {
            cx.complain(format!("{leader} leads term {} too", self.term));
            return false;
        }
        self.heard = Some(cx.now);
        self.await_leader(cx);
        if !matches!(self.role, Role::Follower(Some(_))) {
            self.role = Role::Follower(Some(leader));
            cx.indicate(Indication::Follows { term: self.term, leader });
            self.forward_open(cx);
        }
        true
    }

    /// What an old frame has of entries that a snapshot stands for is left out: they are committed, so they are the same.
    fn behind_snapshot(&self, mut append: Append) -> Append {
        let covered = self.log.base().saturating_sub(append.prev_index).min(append.entries.len() as u64);
        append.entries.drain(..covered as usize);
        append.prev_index += covered;
        append
    }

    /// Figure 2, AppendEntries 2: the log has the entry that these follow.
    fn has_prev(&self, append: &Append) -> bool {
        let committed = append.prev_index <= self.log.base();
        committed || self.log.term_at(append.prev_index) == Some(append.prev_term)
    }

    /// Figure 2, AppendEntries 3 and 4: an entry that contradicts the leader's goes, with all that follow it, and those that are
    /// missing are appended. What is there already stays: the frame may be an old one.
    fn merge(&mut self, prev_index: u64, mut entries: Vec<Entry>, cx: &mut Context<'_>) {
        let there = |(entry, index): &(&Entry, u64)| self.log.term_at(*index) == Some(entry.term);
        let mut known = entries.iter().zip(prev_index + 1..).take_while(there).count();
        if cx.bug(Bug::TruncatesMatching) && !entries.is_empty() {
            known = 0;
        }
        if cx.bug(Bug::KeepsConflict) {
            known = entries.len().min((self.log.last_index() - prev_index) as usize);
        }
        let (first, missing) = (prev_index + 1 + known as u64, entries.split_off(known));
        if missing.is_empty() {
            return;
        }
        if first <= self.log.last_index() {
            self.truncate(first, cx);
        }
        self.append(missing, cx);
    }

    /// No success. The leader needn't go back one by one: it goes on with the first entry of the term that is in the way, or
    /// behind the end of this log. (5.3)
    fn reject(&self, to: NodeId, prev_index: u64, cx: &mut Context<'_>) {
        let behind = self.log.last_index() + 1;
        let next = if prev_index < behind { self.log.first_of_its_term(prev_index) } else { behind };
        cx.send(To::One(to), Message::Rejected { term: self.term, prev_index, next }.packet());
    }
}

impl Progress {
    /// Entries up to here were sent, with the word that those up to `told` are committed.
    fn sent(&mut self, last_index: u64, told: u64) {
        self.awaited = Some(last_index);
        self.told = self.told.max(told);
    }

    /// The follower's log is the leader's up to here.
    fn matches(&mut self, index: u64) {
        self.match_index = self.match_index.max(index);
        self.next_index = self.next_index.max(index + 1);
        self.awaited = self.awaited.filter(|awaited| *awaited > index);
    }
}
