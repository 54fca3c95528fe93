//! Recovery in viewstamped replication (section 4.3): a replica that comes back has nothing, and learns from the others what it
//! had known.

use super::log::Log;
use super::message::Message;
use super::{Status, Viewstamped, primary, quorum};
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, To};

/// An answer to a recovery.
#[derive(Debug)]
pub(super) struct Response {
    pub view: u64,
    /// From the primary of the view only.
    pub log: Option<Log>,
    pub commit: u64,
}

impl Viewstamped {
    /// 4.3, 1: who comes back asks everybody, with a nonce that it has never used: the number of its life.
    pub(super) fn begin_recovery(&mut self, cx: &mut Context<'_>) {
        self.status = Status::Recovering;
        self.send(To::Others, Message::Recovery { nonce: cx.identity.incarnation }, cx);
        if cx.bug(Bug::AnswersBeforeCaughtUp) {
            self.begin(1, cx);
        }
    }

    /// 4.3, 2: only a replica whose status is normal answers, and the primary with its log.
    pub(super) fn answer_recovery(&self, from: NodeId, nonce: u32, cx: &mut Context<'_>) {
        if self.status == Status::Normal {
            let log = self.leads(cx).then(|| self.log.clone());
            let response = Message::RecoveryResponse { view: self.view, nonce, log, commit: self.commit };
            self.send(To::One(from), response, cx);
        }
    }

    /// 4.3, 3: the replica waits for f + 1 answers, and among them one of the primary of the latest view that they tell of.
    pub(super) fn recovery_response(&mut self, of: (NodeId, u32), response: Response, cx: &mut Context<'_>) {
        let (from, nonce) = of;
        if nonce != cx.identity.incarnation || self.responses.get(&from).is_some_and(|known| known.view > response.view)
        {
            return;
        }
        self.responses.insert(from, response);
        let latest = self.responses.values().map(|response| response.view).max().unwrap_or(0);
        let leader = primary(latest, cx);
        let has_log = self.responses.get(&leader).is_some_and(|known| known.view == latest && known.log.is_some());
        if self.responses.len() < quorum(cx) || !has_log {
            return;
        }
        let known = std::mem::take(&mut self.responses).remove(&leader);
        if let Some(Response { log: Some(log), commit, .. }) = known {
            self.join((leader, latest), (log, commit), cx);
        }
    }
}
