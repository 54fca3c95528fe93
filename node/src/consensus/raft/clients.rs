//! Raft's clients (section 8): the nodes, each with the requests of its application.

use super::log::Entry;
use super::message::Message;
use super::{Raft, Role};
use crate::layer::{Context, To};
use crate::replication::Command;

/// The numbers of a node's requests are on stable storage, so they count on in its next life.
pub(super) const LIFE: u32 = 1;
/// So many requests are handed to the leader again at once, the oldest first: the others wait for these in any case.
const FORWARDED: usize = 64;

impl Raft {
    /// The application asks to broadcast a message: it is taken, whether or not somebody leads.
    pub(super) fn take(&mut self, message: u64, cx: &mut Context<'_>) {
        let request = self.requests.take(message);
        self.persist_request(request, cx);
        cx.taken(message);
        let command = self.requests.open(cx.me(), LIFE).last().expect("it is open");
        match self.role {
            Role::Leader => self.propose(vec![command], cx),
            Role::Follower(Some(leader)) => cx.send(To::One(leader), Message::Propose { command }.packet()),
            Role::Follower(None) | Role::PreCandidate(_) | Role::Candidate(_) => {}
        }
    }

    /// Figure 2, leaders: commands from clients are appended. What the log holds is not appended once more: its client has asked
    /// again. (5.3, 8)
    pub(super) fn propose(&mut self, commands: Vec<Command>, cx: &mut Context<'_>) {
        if !matches!(self.role, Role::Leader) {
            return;
        }
        let fresh = |command: &Command| !self.state.holds(command) && !self.log.holds(command);
        let fresh = commands.into_iter().filter(fresh);
        let entries: Vec<Entry> = fresh.map(|command| Entry { term: self.term, command: Some(command) }).collect();
        if !entries.is_empty() {
            self.extend(entries, cx);
        }
    }

    /// What is open is handed to the leader, if one is known.
    pub(super) fn forward_open(&self, cx: &mut Context<'_>) {
        let Role::Follower(Some(leader)) = self.role else { return };
        for command in self.requests.open(cx.me(), LIFE).take(FORWARDED) {
            cx.send(To::One(leader), Message::Propose { command }.packet());
        }
    }

    /// Answers the requests whose deliveries came with a snapshot.
    pub(super) fn answer_delivered(&mut self, cx: &mut Context<'_>) {
        let open: Vec<Command> = self.requests.open(cx.me(), LIFE).collect();
        let delivered = open.iter().filter(|command| self.state.delivered(command));
        delivered.for_each(|command| self.requests.delivered(command, cx));
    }
}
