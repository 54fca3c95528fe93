//! Clients: who asked which node for what, and what is still unanswered.
//!
//! A client has one request outstanding at a time, so a free one is taken for each request and a new one made when none is
//! free. A client whose request ended without a known result is never used again (Jepsen's rule).

use std::collections::BTreeMap;

use crate::asked::Asked;

/// A request that has had no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The node that was asked.
    pub node: usize,
    /// For what.
    pub asked: Asked,
    /// The request's number.
    pub msg_id: u64,
}

/// All clients of a run.
#[derive(Debug, Default)]
pub struct Clients {
    made: u32,
    free: Vec<u32>,
    requests: u64,
    pending: BTreeMap<u32, Pending>,
}

impl Clients {
    /// Takes a client for a request to `node` and gives its number and the request.
    pub fn ask(&mut self, node: usize, asked: Asked) -> (u32, Pending) {
        let client = self.free.pop().unwrap_or_else(|| {
            self.made += 1;
            self.made
        });
        // 1 is the number of `init`.
        self.requests += 1;
        let pending = Pending { node, asked, msg_id: self.requests + 1 };
        self.pending.insert(client, pending);
        (client, pending)
    }

    /// The request of `client` that has this number, if it is still open.
    pub fn open(&self, client: u32, msg_id: u64) -> Option<Pending> {
        self.pending.get(&client).copied().filter(|pending| pending.msg_id == msg_id)
    }

    /// The client's request has ended with a known result; the client is free again.
    pub fn settle(&mut self, client: u32) {
        if self.pending.remove(&client).is_some() {
            self.free.push(client);
        }
    }

    /// The client's request has ended and nobody knows how; the client is never used again.
    pub fn abandon(&mut self, client: u32) {
        self.pending.remove(&client);
    }

    /// Whether there is room for one more request, if there may be so many at a time.
    pub fn has_room(&self, clients_max: Option<u32>) -> bool {
        clients_max.is_none_or(|most| self.pending.len() < most as usize)
    }

    /// All open requests, to one node or to all.
    pub fn unanswered(&self, node: Option<usize>) -> Vec<(u32, Pending)> {
        let of_node = |pending: &Pending| node.is_none_or(|node| pending.node == node);
        self.pending.iter().filter(|(_, pending)| of_node(pending)).map(|(c, p)| (*c, *p)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Clients;
    use crate::asked::Asked::Broadcast;

    #[test]
    fn a_client_has_one_request_outstanding_and_is_used_again_after_it() {
        let mut clients = Clients::default();
        let (first, _) = clients.ask(0, Broadcast(10));
        let (second, _) = clients.ask(0, Broadcast(11));
        assert_ne!(first, second);
        clients.settle(first);
        assert_eq!(clients.ask(1, Broadcast(12)).0, first);
    }

    #[test]
    fn a_client_without_a_known_result_is_never_used_again() {
        let mut clients = Clients::default();
        let (first, _) = clients.ask(0, Broadcast(10));
        clients.abandon(first);
        assert_ne!(clients.ask(0, Broadcast(11)).0, first);
    }

    #[test]
    fn a_late_reply_matches_nothing() {
        let mut clients = Clients::default();
        let (client, old) = clients.ask(0, Broadcast(10));
        clients.settle(client);
        let (again, _) = clients.ask(0, Broadcast(11));
        assert_eq!(again, client);
        assert_eq!(clients.open(client, old.msg_id), None);
    }
}
