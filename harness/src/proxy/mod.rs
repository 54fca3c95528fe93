//! The proxy: the network between real nodes.
//!
//! Every ordered pair of nodes has a listener of its own, so a cut from a to b says nothing about b to a, and a node's own
//! outgoing connections can't leak around it (etcd's proxy, one listener a target, has that flaw). Faults act on whole frames: a
//! stream never loses bytes out of its middle. What becomes of a frame is decided by [`temblor_workloads::link::decide`],
//! the function that every executor shares.
//!
//! Control (a fault begins, a heal) changes state and returns; it never waits for a connection that can't write. A frame that
//! has been read and written on is in the receiver's hands, or its socket's: a fault that begins later does not call it back.
//!
//! | part | what it is |
//! | --- | --- |
//! | `framing`, `frames` | what a frame is; whole frames out of a stream, and their keys |
//! | `policy` | the faults in force on a link |
//! | `queue`, `buffer` | frames that wait, in their order and out of it |
//! | `link` | one ordered pair: decides and counts |
//! | `connection` | the task that moves frames, with its `inlet` and `outlet`; `adrift`: one that is half open |
//! | `bell` | how control reaches a connection |
//! | `target` | where a node listens |
//! | `trace`, `counters`, `residence` | what is known afterwards |

mod adrift;
mod bell;
mod buffer;
mod connection;
mod counters;
mod frames;
pub(crate) mod framing;
mod inlet;
mod link;
mod outlet;
pub(crate) mod policy;
pub(crate) mod queue;
mod residence;
mod target;
pub(crate) mod trace;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use serde_json::{Value, json};
use temblor_workloads::link::ActiveFault;
use temblor_workloads::plan::Kind;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::AbortHandle;

pub use counters::{Counters, Facts, Tally};
pub use framing::Framing;
pub use residence::{Residence, Summary};

use crate::clock::Clock;
use bell::Cause;
use link::{Link, Network};
use policy::Marks;
use target::{Place, Target};
use trace::Trace;

/// Connections that may wait to be accepted on one link. All nodes start at once, and where this overflows links are lost
/// without a word.
const BACKLOG: u32 = 4_096;
/// What may wait in the queues of all links, each with one connection, bytes ...
const QUEUES_MAX: usize = 512 << 20;
/// ... and in one, at least and at most.
const QUEUE_MAX: (usize, usize) = (256 << 10, 16 << 20);

/// What a network is made from.
pub struct Settings {
    /// The nodes' names, in the plan's order.
    pub nodes: Vec<String>,
    /// What chances are a function of.
    pub seed: u64,
    /// Where every frame is written down; open for writing and empty.
    pub trace: File,
    /// The run's clock.
    pub clock: Clock,
    /// What the nodes take for a frame.
    pub framing: Framing,
}

/// What a fault did, for each of its links.
pub type Bites = Vec<Bite>;

/// What a fault did on one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bite {
    /// The sender's position among the nodes.
    pub from: usize,
    /// The receiver's position.
    pub to: usize,
    /// How many frames it took, kept, doubled, or had overtaken.
    pub frames: u64,
    /// How many connections it closed.
    pub connections: u64,
    /// How long the frames stayed that it kept.
    pub residence: Summary,
}

impl Bite {
    fn new((from, to): (usize, usize), marks: &Marks) -> Self {
        let Marks { frames, connections, residence } = marks;
        Self { from, to, frames: *frames, connections: *connections, residence: residence.summary() }
    }
}

/// The network between the nodes. A copy is another handle of the same.
#[derive(Clone)]
pub struct Proxy {
    inner: Rc<Inner>,
}

struct Inner {
    names: Vec<String>,
    network: Rc<Network>,
    targets: Vec<Rc<Target>>,
    /// Sender by sender, and receiver by receiver without the sender itself.
    links: Vec<(Rc<Link>, SocketAddr)>,
    tasks: Vec<AbortHandle>,
}

impl Proxy {
    /// Binds a listener for every ordered pair, on ports that the system chooses, before any node runs. To be called on a
    /// tokio runtime, in a `LocalSet`.
    pub fn bind(settings: Settings) -> io::Result<Self> {
        let Settings { nodes, seed, trace, clock, framing } = settings;
        let (panicked, pairs) = (Cell::new(false), nodes.len() * nodes.len().saturating_sub(1));
        let queue_max = (QUEUES_MAX / pairs.max(1)).clamp(QUEUE_MAX.0, QUEUE_MAX.1);
        let scratch = RefCell::new(vec![0; inlet::READ_MAX]);
        let trace = Trace::new(trace);
        let network = Rc::new(Network { seed, clock, trace, scratch, queue_max, panicked, framing });
        let targets: Vec<Rc<Target>> = nodes.iter().map(|_| Rc::default()).collect();
        let (mut links, mut tasks) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs + 1));
        for (from, to) in ordered_pairs(nodes.len()) {
            let listener = listen()?;
            let address = listener.local_addr()?;
            let shared = (Rc::clone(&network), Rc::clone(&targets[to]));
            let link = Rc::new(Link::new((from, to), (&nodes[from], &nodes[to]), shared));
            let accept = connection::accept(Rc::clone(&link), listener);
            tasks.push(tokio::task::spawn_local(accept).abort_handle());
            links.push((link, address));
        }
        if framing == Framing::Http {
            pair(&links);
        }
        let flushed = Rc::clone(&network);
        let flush = async move { flushed.trace.flush_in_time().await };
        tasks.push(tokio::task::spawn_local(flush).abort_handle());
        Ok(Self { inner: Rc::new(Inner { names: nodes, network, targets, links, tasks }) })
    }

    /// The address that `from` dials to reach `to`.
    pub fn address(&self, from: usize, to: usize) -> SocketAddr {
        self.inner.entry(from, to).1
    }

    /// `node` listens there from now on. Connections that waited for it are dialled.
    pub fn target(&self, node: usize, listen: SocketAddr) {
        self.inner.targets[node].set(Place::At(listen));
    }

    /// `node` has crashed: connections to it are reset, new ones too, and frames on the way to it are lost. What it had sent
    /// itself still arrives.
    pub fn down(&self, node: usize) {
        self.inner.targets[node].set(Place::Down);
        let to_node = self.inner.links.iter().filter(|(link, _)| link.to == node);
        to_node.for_each(|(link, _)| {
            link.break_connections(Cause::Down);
        });
    }

    /// The fault `id` of links begins, at once. `kind` disturbs frames; `links` are the pairs that it is about.
    pub fn apply(&self, id: u32, kind: &Kind, links: &[(usize, usize)]) {
        let names = &self.inner.names;
        for (from, to) in links {
            let fault = ActiveFault::on_link(id, kind, (&names[*from], &names[*to]));
            let fault = fault.expect("a fault of processes is none of the network's");
            self.inner.entry(*from, *to).0.apply(fault);
        }
    }

    /// The fault `id` ends; what it kept goes on in its order. Gives what it did on each of its links.
    pub fn lift(&self, id: u32) -> Bites {
        let lifted = |link: &Link| link.lift(id).map(|marks| Bite::new((link.from, link.to), &marks));
        self.inner.links.iter().filter_map(|(link, _)| lifted(link)).collect()
    }

    /// The fault `id` resets every connection that is open on these links, at once. Gives what it did on each of them.
    pub fn reset(&self, id: u32, links: &[(usize, usize)]) -> Bites {
        let reset = |(from, to): &(usize, usize)| {
            let connections = self.inner.entry(*from, *to).0.break_connections(Cause::Fault(id));
            Bite::new((*from, *to), &Marks { connections, ..Marks::default() })
        };
        links.iter().map(reset).collect()
    }

    /// Lifts every fault; gives what each did, by its id.
    pub fn heal(&self) -> Vec<(u32, Bites)> {
        let mut ids: Vec<u32> = self.inner.links.iter().flat_map(|(link, _)| link.faults()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(|id| (id, self.lift(id))).collect()
    }

    /// Has `call` called once, when the `nth` frame of this key from now on has been read on the link from and to, whatever
    /// becomes of it. Frames on other links cost nothing.
    pub fn watch(&self, (from, to): (usize, usize), key: &str, (nth, call): (u64, impl FnOnce() + 'static)) {
        self.inner.entry(from, to).0.watch(key, nth, Box::new(call));
    }

    /// What went over each link, by positions from and to.
    pub fn counters(&self) -> Vec<(usize, usize, Counters)> {
        self.inner.links.iter().map(|(link, _)| (link.from, link.to, link.counters())).collect()
    }

    /// What went over the network, for `run.json`.
    pub fn facts(&self) -> Value {
        let mut sum = Counters::default();
        self.inner.links.iter().for_each(|(link, _)| sum.merge(&link.counters()));
        json!(sum.facts(self.inner.links.len()))
    }

    /// Why the trace could not be written, if so.
    pub fn trace_failure(&self) -> Option<String> {
        self.inner.network.trace.failure()
    }

    /// Whether a task of the proxy has panicked: a bug of the harness, and nothing that happened on the network since then says
    /// anything about the nodes.
    pub fn has_panicked(&self) -> bool {
        self.inner.network.panicked.get()
    }

    /// Ends all connections and writes the rest of the trace.
    pub fn shutdown(&self) {
        self.inner.end();
    }
}

impl Inner {
    fn entry(&self, from: usize, to: usize) -> &(Rc<Link>, SocketAddr) {
        let nodes = self.names.len();
        assert!(from != to && from < nodes && to < nodes, "there is no link {from} to {to}");
        &self.links[from * (nodes - 1) + to - usize::from(to > from)]
    }

    fn end(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.network.trace.flush();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}

/// Has each link know the one that leads back.
fn pair(links: &[(Rc<Link>, SocketAddr)]) {
    for (link, _) in links {
        let back = links.iter().find(|(other, _)| (other.from, other.to) == (link.to, link.from));
        let back = Rc::downgrade(&back.expect("every link has one that leads back").0);
        link.back.set(back).expect("links are paired once");
    }
}

/// How many descriptors a network of so many nodes takes in the controller: a listener and two ends of a connection a link.
pub fn descriptors(nodes: usize) -> usize {
    3 * nodes * nodes.saturating_sub(1)
}

/// In the order in which [`Inner::entry`] finds them.
fn ordered_pairs(nodes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..nodes).flat_map(move |from| (0..nodes).filter(move |to| from != *to).map(move |to| (from, to)))
}

/// Binds by hand: `TcpListener::bind` sets `SO_REUSEADDR`, with which thousands of binds to port 0 take many seconds.
fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests;
