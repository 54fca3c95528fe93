//! What is committed in Raft (sections 5.3 and 5.4.2), and what follows from it.

use super::{Raft, Role, quorum};
use crate::bugs::Bug;
use crate::indication::Indication;
use crate::layer::Context;

impl Raft {
    /// Figure 2, leaders: an entry is committed once a majority has it, if it is of the leader's own term. One of an earlier
    /// term, which a later leader may still replace though a majority has it (figure 8), is committed with one that follows it.
    pub(super) fn advance_commit(&mut self, cx: &mut Context<'_>) {
        let mut matched: Vec<u64> = self.followers.values().map(|progress| progress.match_index).collect();
        matched.push(self.log.last_index());
        matched.sort_unstable_by(|a, b| b.cmp(a));
        let index = matched[quorum(cx) - 1];
        let own = self.log.term_at(index) == Some(self.term) || cx.bug(Bug::CountsEarlierTerms);
        if matches!(self.role, Role::Leader) && own {
            self.commit_to(index, cx);
        }
    }

    /// The entries up to here are committed, and applied.
    pub(super) fn commit_to(&mut self, index: u64, cx: &mut Context<'_>) {
        if index <= self.commit_index {
            return;
        }
        self.commit_index = index;
        self.persist_commit(cx);
        cx.indicate(Indication::Commit { index });
        while self.last_applied < self.commit_index {
            self.last_applied += 1;
            self.apply(self.last_applied, cx);
        }
        self.compact(cx);
    }

    /// Figure 2, all servers: the next entry goes to the state machine, which delivers. (5.3)
    fn apply(&mut self, index: u64, cx: &mut Context<'_>) {
        let entry = self.log.entry(index).expect("what is committed is in the log");
        let Some(command) = entry.command else { return };
        for delivery in self.state.apply(&command) {
            cx.deliver_at(delivery.position, delivery.command.message);
            if delivery.command.sender == cx.me() {
                self.requests.delivered(&delivery.command, cx);
            }
        }
    }
}
