//! Raft's elections (section 5.2, with the restriction of 5.4.1), and pre-votes (thesis, 9.6).

use std::collections::BTreeSet;

use super::log::Entry;
use super::message::{Candidacy, Message};
use super::{ELECTION, ELECTION_MIN_NS, ELECTION_SPREAD_NS, Elections, HEARTBEAT, HEARTBEAT_NS, Raft, Role, quorum};
use crate::bugs::Bug;
use crate::choice;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, To};

/// What the random time-outs are drawn for.
const TIME_OUT: u64 = 0x7261_6674;

impl Raft {
    /// Figure 2, all servers: a message of a later term begins that term here, and the node follows. (5.1)
    pub(super) fn enter(&mut self, term: u64, cx: &mut Context<'_>) {
        if term <= self.term {
            return;
        }
        (self.term, self.vote) = (term, None);
        self.persist_vote(cx);
        cx.indicate(Indication::Term { term });
        if matches!(self.role, Role::Leader) {
            // Only a leader has no election time-out running.
            self.await_leader(cx);
        }
        self.role = Role::Follower(None);
    }

    /// The failure detector: after an election time-out the leader is suspected. The time-outs are random, so that rarely two
    /// nodes stand at once. (5.2)
    pub(super) fn await_leader(&self, cx: &mut Context<'_>) {
        let subject = [self.term, self.suspicions];
        let spread = choice::number_below(cx.identity, TIME_OUT, &subject, ELECTION_SPREAD_NS);
        cx.timer(ELECTION, ELECTION_MIN_NS + spread);
    }

    /// No leader has been heard for an election time-out.
    pub(super) fn suspect(&mut self, cx: &mut Context<'_>) {
        if matches!(self.role, Role::Leader) {
            return;
        }
        self.suspicions += 1;
        match self.elections {
            Elections::AtOnce => self.stand(cx),
            Elections::WithPreVote => self.canvass(cx),
        }
    }

    /// Figure 2, candidates: begin a term, vote for oneself, ask the others. (5.2)
    fn stand(&mut self, cx: &mut Context<'_>) {
        (self.term, self.vote) = (self.term + 1, Some(cx.me()));
        self.persist_vote(cx);
        cx.indicate(Indication::Term { term: self.term });
        cx.indicate(Indication::Vote { term: self.term, r#for: cx.me() });
        self.role = Role::Candidate(BTreeSet::from([cx.me()]));
        self.await_leader(cx);
        self.ask(cx);
        self.voted(cx.me(), cx);
    }

    /// Thesis, 9.6: ask whether a term would be won before it is begun. A node that is cut off begins none, and disturbs nobody
    /// when it is back.
    fn canvass(&mut self, cx: &mut Context<'_>) {
        self.role = Role::PreCandidate(BTreeSet::from([cx.me()]));
        self.await_leader(cx);
        self.ask(cx);
        self.pre_voted(cx.me(), cx);
    }

    /// Asks for the votes, or pre-votes, that have not come.
    pub(super) fn ask(&self, cx: &mut Context<'_>) {
        let (last_index, last_term) = (self.log.last_index(), self.log.last_term());
        let (message, votes) = match &self.role {
            Role::Candidate(votes) => {
                (Message::RequestVote(Candidacy { term: self.term, last_index, last_term }), votes)
            }
            Role::PreCandidate(votes) => {
                (Message::RequestPreVote(Candidacy { term: self.term + 1, last_index, last_term }), votes)
            }
            Role::Follower(_) | Role::Leader => return,
        };
        let packet = message.packet();
        cx.others().filter(|node| !votes.contains(node)).for_each(|node| cx.send(To::One(node), packet.clone()));
    }

    /// Figure 2, RequestVote: one vote a term, and only for a candidate whose log is up to date. (5.2, 5.4)
    pub(super) fn request_vote(&mut self, from: NodeId, candidacy: Candidacy, cx: &mut Context<'_>) {
        let free = self.vote.is_none_or(|vote| vote == from) || cx.bug(Bug::VotesTwice);
        let granted = candidacy.term == self.term && free && self.is_up_to_date(candidacy, cx);
        if granted {
            self.await_leader(cx);
            if self.vote != Some(from) {
                self.vote = Some(from);
                self.persist_vote(cx);
                cx.indicate(Indication::Vote { term: self.term, r#for: from });
            }
        }
        cx.send(To::One(from), Message::Vote { term: self.term, granted }.packet());
    }

    /// Section 5.4.1: of two logs the one whose last entry has the later term is more up to date, and of those that end in one
    /// term the longer one. So a leader has every entry that is committed.
    fn is_up_to_date(&self, candidacy: Candidacy, cx: &Context<'_>) -> bool {
        (candidacy.last_term, candidacy.last_index) >= (self.log.last_term(), self.log.last_index())
            || cx.bug(Bug::ElectsAnyLog)
    }

    /// Thesis, 9.6: a pre-vote is granted for a later term, to an up-to-date log, and by one that has no leader either. It binds
    /// nobody, so nothing is stored.
    pub(super) fn request_pre_vote(&self, from: NodeId, candidacy: Candidacy, cx: &mut Context<'_>) {
        let silent = self.heard.is_none_or(|heard| cx.now >= heard + ELECTION_MIN_NS);
        let leaderless = silent && !matches!(self.role, Role::Leader);
        let granted = candidacy.term > self.term && leaderless && self.is_up_to_date(candidacy, cx);
        cx.send(To::One(from), Message::PreVote { term: self.term, asked: candidacy.term, granted }.packet());
    }

    /// With the pre-votes of a majority the node stands.
    pub(super) fn pre_voted(&mut self, voter: NodeId, cx: &mut Context<'_>) {
        let Role::PreCandidate(votes) = &mut self.role else { return };
        votes.insert(voter);
        if votes.len() >= quorum(cx) {
            self.stand(cx);
        }
    }

    /// Figure 2, candidates: with the votes of a majority the node leads. (5.2)
    pub(super) fn voted(&mut self, voter: NodeId, cx: &mut Context<'_>) {
        let Role::Candidate(votes) = &mut self.role else { return };
        votes.insert(voter);
        if votes.len() >= quorum(cx) {
            self.lead(cx);
        }
    }

    /// A new leader appends a no-op: with it, what earlier terms left is committed too, as soon as a majority has it. (section 8)
    /// Who counts entries of earlier terms thinks that it needs none.
    fn lead(&mut self, cx: &mut Context<'_>) {
        cx.indicate(Indication::Leader { term: self.term });
        self.role = Role::Leader;
        self.followers = self.no_progress(cx);
        cx.timer(HEARTBEAT, HEARTBEAT_NS);
        if !cx.bug(Bug::CountsEarlierTerms) {
            self.extend(vec![Entry { term: self.term, command: None }], cx);
        }
        let open = self.requests.open(cx.me(), super::clients::LIFE).collect();
        self.propose(open, cx);
    }
}
