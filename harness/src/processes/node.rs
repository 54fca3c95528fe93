//! What the controller knows of one node.

use std::collections::{BTreeMap, BTreeSet};

use super::child::Life;
use super::shim::Shim;

/// One node of the cluster.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its process, while it has one.
    pub life: Option<Life>,
    /// Which life this is, from 1.
    pub incarnation: u32,
    /// The pid of its last process, as others see it.
    pub pid: Option<i32>,
    /// When its last process was started, ns.
    pub started_ns: u64,
    /// How many bytes of each of its files it has reported to be durable.
    pub synced: BTreeMap<String, u64>,
    /// Whether it has answered `init`.
    pub ready: bool,
    /// With which words it refused `init`.
    pub refusal: Option<String>,
    /// Where it listens for its peers.
    pub listen: Option<std::net::SocketAddr>,
    /// Its connections, where it has none of its own.
    pub shim: Option<Shim>,
    /// Whether it reports its deliveries.
    pub reports_deliveries: bool,
    /// Whether it reports its syncs: what it has not reported is not durable then.
    pub reports_syncs: bool,
    /// The kill that ended, or is about to end, this life.
    pub killed_by: Option<u32>,
    /// The pauses in force.
    pub paused_by: BTreeSet<u32>,
    /// Since when its process stands still, ns.
    pub stopped_ns: Option<u64>,
    /// Deliveries reported.
    pub deliveries: u64,
    /// Lines that were no envelope.
    pub nonsense: u64,
    /// What it did that no fault made it do, in words.
    pub trouble: Option<String>,
    /// Requests that ran into their time-out since the node last answered one.
    pub ignored: usize,
}

impl Node {
    /// A node that has not been started.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            life: None,
            incarnation: 0,
            pid: None,
            started_ns: 0,
            synced: BTreeMap::new(),
            ready: false,
            refusal: None,
            listen: None,
            shim: None,
            reports_deliveries: false,
            reports_syncs: false,
            killed_by: None,
            paused_by: BTreeSet::new(),
            stopped_ns: None,
            deliveries: 0,
            nonsense: 0,
            trouble: None,
            ignored: 0,
        }
    }

    /// A life of it begins; gives its number.
    pub fn begin(&mut self, life: Life, pid: i32, now_ns: u64) -> u32 {
        self.incarnation += 1;
        (self.life, self.pid, self.started_ns) = (Some(life), Some(pid), now_ns);
        (self.ready, self.listen, self.refusal, self.ignored) = (false, None, None, 0);
        self.shim = None;
        self.incarnation
    }

    /// Whether it runs and nobody is about to end it.
    pub fn is_up(&self) -> bool {
        self.life.is_some() && self.killed_by.is_none()
    }
}
