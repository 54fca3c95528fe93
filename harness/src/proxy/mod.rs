//! The proxy: the network between real nodes.
//!
//! Every ordered pair of nodes has a listener of its own, so a cut from a to b says nothing about b to a, and a node's own
//! outgoing connections can't leak around it. What a link does to a frame is decided by
//! [`temblor_workloads::link::decide`], the function that every executor shares; a stream never loses bytes out of its
//! middle, only whole frames.

mod carrier;
mod frames;
mod link;
mod residence;
mod trace;

use std::cell::RefCell;
use std::fs::File;
use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use temblor_workloads::link::ActiveFault;
use temblor_workloads::plan::Kind;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use link::Link;
use residence::Residence;
use trace::Trace;

/// Connections that may wait to be accepted on one link.
const BACKLOG: u32 = 64;

/// What a proxy needs to know.
pub struct Settings {
    /// The nodes' names.
    pub nodes: Vec<String>,
    /// What the link decisions are a function of.
    pub seed: u64,
    /// Where the trace goes.
    pub trace: File,
    /// The run's clock.
    pub clock: Clock,
}

/// All links of a run.
pub struct Proxy {
    nodes: usize,
    links: Vec<Entry>,
    trace: Trace,
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

struct Entry {
    link: Rc<Link>,
    address: SocketAddr,
}

impl Proxy {
    /// Binds a listener for every ordered pair, on ports that the system chooses.
    pub fn bind(settings: Settings) -> Result<Self> {
        let nodes = settings.nodes.len();
        let trace = Trace::open(settings.trace);
        let (scratch, mut links, mut tasks) = (carrier::scratch(), Vec::new(), Vec::new());
        for (from, to) in pairs(nodes) {
            let listener = listen().context("failed to open a listener on 127.0.0.1")?;
            let address = listener.local_addr()?;
            let ends = ((from, settings.nodes[from].clone()), (to, settings.nodes[to].clone()));
            let link = Rc::new(Link::new(ends, settings.seed, (settings.clock, trace.clone())));
            let accept = carrier::accept(listener, Rc::clone(&link), Rc::clone(&scratch));
            tasks.push(tokio::task::spawn_local(accept));
            tasks.push(tokio::task::spawn_local(carrier::write(Rc::clone(&link))));
            links.push(Entry { link, address });
        }
        Ok(Self { nodes, links, trace, tasks: RefCell::new(tasks) })
    }

    /// The address that `from` dials to reach `to`.
    pub fn address(&self, from: usize, to: usize) -> SocketAddr {
        self.entry(from, to).address
    }

    /// `node` listens there from now on.
    pub fn target(&self, node: usize, listen: SocketAddr) {
        for link in self.links_to(node) {
            link.target.set(Some(listen));
            link.changed.notify_one();
        }
    }

    /// `node` has crashed: connections to it are reset, and frames on the way to it are lost.
    pub fn down(&self, node: usize) {
        self.links_to(node).for_each(|link| link.receiver_down());
    }

    /// A fault of links begins, at once.
    pub fn apply(&self, id: u32, kind: &Kind, links: &[(usize, usize)]) {
        for (from, to) in links {
            let fault = ActiveFault::new(id, kind).expect("kills and pauses are no faults of links");
            self.entry(*from, *to).link.apply(fault);
        }
    }

    /// A fault of links ends; gives for each of its links how much it took.
    pub fn lift(&self, id: u32) -> Vec<(usize, usize, u64)> {
        let bites = |link: &Rc<Link>| link.lift(id).map(|bites| (link.from.0, link.to.0, bites));
        self.links.iter().filter_map(|entry| bites(&entry.link)).collect()
    }

    /// Calls `call` when the `nth` frame of this key comes over this link.
    pub fn watch(&self, (from, to): (usize, usize), key: &str, (nth, call): (u64, impl FnOnce() + 'static)) {
        self.entry(from, to).link.watch(key, nth, Box::new(call));
    }

    /// What went over the network, in numbers.
    pub fn facts(&self) -> Value {
        let mut residence = Residence::default();
        let (mut frames, mut bytes, mut dropped, mut down, mut pressure) = (0, 0, 0, 0, 0);
        for entry in &self.links {
            let counters = entry.link.counters();
            residence.merge(&counters.residence);
            frames += counters.frames;
            bytes += counters.bytes;
            dropped += counters.dropped;
            down += counters.down;
            pressure += counters.back_pressure;
        }
        json!({
            "links": self.links.len(),
            "frames": frames,
            "bytes": bytes,
            "dropped": dropped,
            "lost_to_nodes_down": down,
            "back_pressure": pressure,
            "residence_us": {
                "p50": residence.under_us(500),
                "p99": residence.under_us(990),
                "max": residence.under_us(1_000),
            },
        })
    }

    /// Why the trace could not be written, if so.
    pub fn trace_failure(&self) -> Option<String> {
        self.trace.failure()
    }

    /// Ends all tasks and connections, and writes the rest of the trace.
    pub fn shutdown(&self) {
        self.tasks.borrow_mut().drain(..).for_each(|task| task.abort());
        self.links.iter().for_each(|entry| entry.link.reset());
        self.trace.flush();
    }

    fn entry(&self, from: usize, to: usize) -> &Entry {
        assert!(from != to && from < self.nodes && to < self.nodes, "no link {from} to {to}");
        &self.links[from * (self.nodes - 1) + to - usize::from(to > from)]
    }

    fn links_to(&self, node: usize) -> impl Iterator<Item = &Rc<Link>> {
        self.links.iter().map(|entry| &entry.link).filter(move |link| link.to.0 == node)
    }
}

/// All ordered pairs, in the order in which [`Proxy::entry`] finds them.
fn pairs(nodes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..nodes).flat_map(move |from| (0..nodes).filter(move |to| from != *to).map(move |to| (from, to)))
}

/// Without `SO_REUSEADDR`, which makes thousands of binds to port 0 slow.
fn listen() -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests;
