//! State transfer in viewstamped replication (section 5.2): a replica that lacks operations, though it has not crashed, gets the
//! log of another. Its own stays until then.

use super::log::Log;
use super::message::Message;
use super::{Status, Viewstamped, primary};
use crate::id::NodeId;
use crate::layer::{Context, To};

impl Viewstamped {
    /// This replica has no log of this view, in which another one is.
    pub(super) fn ask_for_state(&mut self, from: NodeId, view: u64, cx: &mut Context<'_>) {
        if self.asked.is_none_or(|(_, asked)| view > asked) {
            self.asked = Some((from, view));
            self.send(To::One(from), Message::GetState { view, op: self.commit }, cx);
        }
    }

    /// What was asked for and did not come, or operations between the log and one that was heard of.
    pub(super) fn ask_again(&mut self, cx: &mut Context<'_>) {
        let lacks = self.status == Status::Normal && self.heard_op > self.log.op();
        let gap = lacks.then(|| (primary(self.view, cx), self.view));
        if let Some((from, view)) = self.asked.or(gap) {
            self.send(To::One(from), Message::GetState { view, op: self.commit }, cx);
        }
        self.asked = None;
    }

    /// A replica whose status is normal in that view, or in a later one, gives its log.
    pub(super) fn get_state(&self, from: NodeId, view: u64, cx: &mut Context<'_>) {
        if self.status == Status::Normal && view <= self.view {
            let state = Message::NewState { view: self.view, log: self.log.clone(), commit: self.commit };
            self.send(To::One(from), state, cx);
        }
    }

    /// The log of a view that this replica was not in, or more of its own view's.
    pub(super) fn new_state(&mut self, of: (NodeId, u64), (log, commit): (Log, u64), cx: &mut Context<'_>) {
        let (_, view) = of;
        if view > self.view || view == self.view && self.status == Status::ViewChange {
            self.join((primary(view, cx), view), (log, commit), cx);
        } else if view == self.view && !self.leads(cx) && log.op() > self.log.op() {
            self.adopt(log, cx);
            self.learn_commit(commit, cx);
            self.send(To::One(primary(view, cx)), Message::PrepareOk { view, op: self.log.op() }, cx);
        }
    }
}
