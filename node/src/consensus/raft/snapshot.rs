//! Raft's snapshots (section 7, figures 12 and 13). The state is small, so a snapshot is one frame: `offset` and `done` of figure
//! 13 are left out.

use super::log::Snapshot;
use super::message::Message;
use super::{COMPACT_MAX, COMPACT_MIN, Raft, Role};
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, To};

impl Raft {
    /// Figure 12: the log gets shorter when many entries are applied; a snapshot stands for the first of them. A short log is
    /// compacted soon, so that short runs show it too, and a long one seldom, since the file is written anew each time. (7)
    pub(super) fn compact(&mut self, cx: &mut Context<'_>) {
        let base = self.log.base();
        let applied = self.last_applied - base;
        let through = base + applied / 2;
        let kept = applied <= COMPACT_MAX && self.is_needed(through);
        if applied < base.clamp(COMPACT_MIN, COMPACT_MAX) || kept {
            return;
        }
        self.log.compact(through);
        self.persist_anew(cx);
        self.indicate_snapshot(cx);
    }

    /// Whether this node leads, and a follower lacks an entry up to this index: sending a few entries is less than a snapshot.
    fn is_needed(&self, through: u64) -> bool {
        matches!(self.role, Role::Leader) && self.followers.values().any(|progress| progress.match_index < through)
    }

    /// The snapshot as it is written and sent.
    pub(super) fn snapshot(&self, cx: &Context<'_>) -> Snapshot {
        let snapshot = self.log.snapshot().clone();
        if cx.bug(Bug::SnapshotForgetsNumbers) {
            let state = snapshot.state.without_numbers();
            return Snapshot { state, ..snapshot };
        }
        snapshot
    }

    /// Figure 13, InstallSnapshot at its receiver. (7)
    pub(super) fn install_snapshot(&mut self, from: NodeId, (term, snapshot): (u64, Snapshot), cx: &mut Context<'_>) {
        if term < self.term {
            return cx.send(To::One(from), Message::Rejected { term: self.term, prev_index: 0, next: 1 }.packet());
        }
        if !self.follow(from, cx) {
            return;
        }
        let last_index = snapshot.last_index;
        if self.log.term_at(last_index) == Some(snapshot.last_term) {
            // Figure 13, 6: the log has all of it, and what follows stays.
            self.commit_to(last_index, cx);
        } else if last_index > self.commit_index {
            self.replace_log(snapshot, cx);
        }
        let appended = Message::Appended { term: self.term, matched: last_index };
        cx.send(To::One(from), appended.packet());
    }

    /// Figure 13, 7 and 8: the whole log goes, and the state machine is the snapshot's.
    fn replace_log(&mut self, snapshot: Snapshot, cx: &mut Context<'_>) {
        if self.log.last_index() > self.commit_index {
            cx.indicate(Indication::Truncate { from: self.commit_index + 1 });
        }
        self.log.install(snapshot);
        self.indicate_snapshot(cx);
        self.resume_from_snapshot(cx);
        cx.indicate(Indication::Commit { index: self.commit_index });
        self.answer_delivered(cx);
        self.persist_anew(cx);
    }

    /// The state machine goes on behind the snapshot.
    pub(super) fn resume_from_snapshot(&mut self, cx: &mut Context<'_>) {
        let snapshot = self.log.snapshot();
        self.state = snapshot.state.clone();
        (self.commit_index, self.last_applied) = (snapshot.last_index, snapshot.last_index);
        if self.state.position() > 0 {
            cx.indicate(Indication::Installed { through: self.state.position(), hash: self.state.hash() });
        }
    }

    fn indicate_snapshot(&self, cx: &mut Context<'_>) {
        let Snapshot { last_index: index, last_term: term, hash, .. } = *self.log.snapshot();
        cx.indicate(Indication::Snapshot { index, term, hash });
    }
}
