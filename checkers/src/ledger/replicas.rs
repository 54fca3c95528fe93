//! What the nodes say of their terms and logs, each in its own order.

use super::replicated_log::ReplicatedLog;
use crate::op::Node;
use crate::property::Reported;

/// One node of a replicated system.
#[derive(Debug, Default)]
pub struct Replica {
    /// Its log.
    pub log: ReplicatedLog,
    /// The term that it spoke of last as its own.
    pub term: Option<u64>,
    /// The highest term that it was in or voted in.
    pub highest: Option<u64>,
    /// The term that this life leads, as far as it has said.
    pub leads: Option<u64>,
    /// The last index that this life said to be committed.
    pub committed: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Replicas {
    replicas: Vec<Replica>,
    silent: Replica,
}

impl Replicas {
    /// A node; one that has said nothing has an empty log.
    pub fn get(&self, node: Node) -> &Replica {
        self.replicas.get(node.at()).unwrap_or(&self.silent)
    }

    /// Takes what a node said, after the checkers have heard of it.
    pub fn take(&mut self, node: Node, what: &Reported) {
        let replica = self.get_mut(node);
        match *what {
            Reported::Leads(term) => (replica.term, replica.leads) = (Some(term), Some(term)),
            Reported::Follows(term, _) => replica.now_in(term, replica.leads.filter(|leads| *leads > term)),
            Reported::Term(term) => {
                replica.now_in(term, replica.leads.filter(|leads| *leads >= term));
                replica.highest = replica.highest.max(Some(term));
            }
            Reported::Voted(term, _) => replica.highest = replica.highest.max(Some(term)),
            Reported::Appended(entry) => replica.log.append(entry),
            Reported::Truncated(from) => replica.log.truncate(from),
            Reported::Snapshot(entry) => replica.log.snapshot(entry),
            Reported::Committed(index) => replica.committed = index,
            _ => {}
        }
    }

    /// A later life of a node begins.
    pub fn restarted(&mut self, node: Node) {
        let replica = self.get_mut(node);
        replica.log.restarted();
        (replica.leads, replica.committed) = (None, 0);
    }

    fn get_mut(&mut self, node: Node) -> &mut Replica {
        if node.at() >= self.replicas.len() {
            self.replicas.resize_with(node.at() + 1, Replica::default);
        }
        &mut self.replicas[node.at()]
    }
}

impl Replica {
    fn now_in(&mut self, term: u64, leads: Option<u64>) {
        (self.term, self.leads) = (Some(term), leads);
    }
}
