//! View changes of viewstamped replication (section 4.2).

use super::log::Log;
use super::message::{DoViewChange, Message};
use super::{Status, Viewstamped, primary, quorum};
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, To};

impl Viewstamped {
    /// 4.2, 1: the primary is silent, or the view that was to begin does not: on to the next view.
    pub(super) fn suspect(&mut self, cx: &mut Context<'_>) {
        match self.status {
            Status::Normal if self.leads(cx) => {}
            Status::Normal | Status::ViewChange => self.enter(self.view + 1, cx),
            Status::Recovering => {}
        }
    }

    /// 4.2, 1: a replica that has heard of a later view is in no normal one any more.
    fn enter(&mut self, view: u64, cx: &mut Context<'_>) {
        (self.view, self.status) = (view, Status::ViewChange);
        cx.indicate(Indication::Term { term: view });
        self.start_view_changes.clear();
        self.do_view_changes.clear();
        self.send(To::Others, Message::StartViewChange { view }, cx);
        self.await_primary(cx);
        self.bring(cx);
    }

    /// 4.2, 1 and 2: one more replica is on its way into this view.
    pub(super) fn start_view_change(&mut self, from: NodeId, view: u64, cx: &mut Context<'_>) {
        if view > self.view {
            self.enter(view, cx);
        }
        if view == self.view && self.status == Status::ViewChange && self.start_view_changes.insert(from) {
            self.bring(cx);
        }
    }

    /// 4.2, 2: once f others are on their way too, the primary of the view is told what this replica has.
    fn bring(&mut self, cx: &mut Context<'_>) {
        if self.start_view_changes.len() + 1 < quorum(cx) {
            return;
        }
        let brought =
            DoViewChange { view: self.view, log: self.log.clone(), last_normal: self.last_normal, commit: self.commit };
        match primary(self.view, cx) {
            primary if primary == cx.me() => self.collect(primary, brought, cx),
            primary => self.send(To::One(primary), Message::DoViewChange(brought), cx),
        }
    }

    /// 4.2, 1 and 3: the primary of the view that is to begin is told what another replica has.
    pub(super) fn do_view_change(&mut self, from: NodeId, brought: DoViewChange, cx: &mut Context<'_>) {
        if brought.view > self.view {
            self.enter(brought.view, cx);
        }
        if brought.view == self.view && self.status == Status::ViewChange && self.leads(cx) {
            self.collect(from, brought, cx);
        }
    }

    /// 4.2, 3: each replica counts once, and the new primary is one of them.
    fn collect(&mut self, from: NodeId, brought: DoViewChange, cx: &mut Context<'_>) {
        if !cx.bug(Bug::CountsViewChangeTwice) {
            self.do_view_changes.retain(|(node, _)| *node != from);
        }
        self.do_view_changes.push((from, brought));
        let own = self.do_view_changes.iter().any(|(node, _)| *node == cx.me());
        if own && self.do_view_changes.len() >= quorum(cx) {
            self.lead(cx);
        }
    }

    /// 4.2, 3: the log of the latest normal view, and of these the longest one, has everything that is committed.
    fn lead(&mut self, cx: &mut Context<'_>) {
        let brought = std::mem::take(&mut self.do_view_changes);
        let commit = brought.iter().map(|(_, brought)| brought.commit).max().unwrap_or(0);
        let best = brought.iter().max_by_key(|(_, brought)| (brought.last_normal, brought.log.op()));
        let best = if cx.bug(Bug::TakesFirstLog) { brought.first() } else { best };
        let log = best.expect("a quorum has brought its logs").1.log.clone();
        self.adopt(log, cx);
        let commit = commit.min(self.log.op());
        self.send(To::Others, Message::StartView { view: self.view, log: self.log.clone(), commit }, cx);
        self.begin(self.view, cx);
        self.commit_to(commit, cx);
    }

    /// 4.2, 5: the view begins, and the primary's log is everybody's.
    pub(super) fn start_view(&mut self, of: (NodeId, u64), log: (Log, u64), cx: &mut Context<'_>) {
        let (from, view) = of;
        if view > self.view || view == self.view && self.status == Status::ViewChange {
            self.join((from, view), log, cx);
        }
    }

    /// 4.2, 5: a replica is in the view from now on, and tells the primary what it has of what is not committed.
    pub(super) fn join(&mut self, (from, view): (NodeId, u64), (log, commit): (Log, u64), cx: &mut Context<'_>) {
        if view > self.view {
            cx.indicate(Indication::Term { term: view });
            self.view = view;
        }
        self.adopt(log, cx);
        self.begin(view, cx);
        self.learn_commit(commit, cx);
        self.send(To::One(from), Message::PrepareOk { view, op: self.log.op() }, cx);
    }

    /// What was sent for a view that has not begun is sent again.
    pub(super) fn repeat_view_change(&mut self, cx: &mut Context<'_>) {
        self.send(To::Others, Message::StartViewChange { view: self.view }, cx);
        self.bring(cx);
    }
}
