//! The executor `processes`: runs a plan on real node processes, in real time, over TCP through the proxy.
//!
//! A run has five phases: the nodes start; the plan's operations and faults fall due (the main phase); everything is healed;
//! what is still owed is waited for (the drain); all processes are ended. Each phase ends by a condition and has a bound.

mod child;
mod clients;
mod conductor;
mod descriptors;
mod disturbances;
mod envelope;
mod events;
mod faults;
mod hearing;
mod interrupts;
mod lives;
mod logs;
mod node;
mod obligations;
mod pauses;
mod phases;
mod processor;
mod pulse;
mod reboots;
mod rehearsal;
mod schedule;
mod shim;
mod signals;
mod writes;

use anyhow::{Context, Result};
use serde_json::Value;
use temblor_checkers::header::Header;
use temblor_workloads::plan::Plan;
use tokio::sync::mpsc;

pub use child::{Launch, status_text};
pub use clients::{Clients, Pending};
pub use conductor::WAIT_NS;
pub use descriptors::{needed as needed_descriptors, provide as provide_descriptors};
pub use disturbances::{describe, told};
pub use envelope::{Body, CONTROLLER, Envelope, INDICATION_MAX, is_definite, read as read_envelope};
pub use interrupts::Interrupts;
pub use logs::last_lines;
pub use obligations::Obligations;
pub use phases::OBSERVE;
pub use rehearsal::{Rehearsal, rehearse};
pub use schedule::{Due, FrameAnchor, Schedule, position};

use crate::clock::{Clock, Time};
use crate::proxy::{Framing, Proxy, Settings};
use crate::recorder::Recorder;
use crate::results::RunFolder;
use conductor::Conductor;
use phases::Phases;

/// Events that wait for the controller; a node that writes faster is held back by its pipe.
const EVENTS_MAX: usize = 64;

/// All that a run needs.
pub struct Setup<'a> {
    /// What is to be done.
    pub plan: &'a Plan,
    /// What the history will be judged by.
    pub header: &'a Header,
    /// How to start a node.
    pub launch: &'a Launch,
    /// Where the files go.
    pub folder: &'a RunFolder,
    /// The bound of the system's model: how long the drain may take at most, ms.
    pub bound_ms: u64,
    /// How long a node has to answer `init`, us.
    pub init_timeout_us: u64,
    /// Whether a person wants to stop.
    pub interrupts: &'a Interrupts,
}

/// How a run ended. What it means is decided from the history alone.
#[derive(Debug)]
pub struct Ended {
    /// Whether a second interrupt ended it before the drain.
    pub aborted: bool,
    /// Sentences for the person who watches: entries that never came due, nodes that were not ready.
    pub notes: Vec<String>,
    /// What differs from run to run (pids, ports, frame counts, lateness), for `run.json`.
    pub facts: Value,
    /// Why the history or the trace could not be written, if so.
    pub failure: Option<anyhow::Error>,
}

/// Runs a plan. The history is in the run folder afterwards, whatever happened.
pub async fn run(setup: &Setup<'_>) -> Result<Ended> {
    provide_descriptors(setup.plan.nodes.len(), 1)?;
    let clock = Clock::start();
    let path = setup.folder.file("history.jsonl");
    let recorder = Recorder::create(&path, Time::Real(clock), setup.header);
    let recorder = recorder.with_context(|| format!("failed to write {}", path.display()))?;
    let proxy = open_network(setup, clock)?;
    let (sender, events) = mpsc::channel(EVENTS_MAX);
    let nodes: Vec<node::Node> = setup.plan.nodes.iter().map(|name| node::Node::new(name)).collect();
    let conductor = Conductor {
        setup,
        plan: setup.plan,
        clock,
        recorder,
        proxy,
        obligations: obligations::Obligations::new(nodes.len()),
        nodes,
        clients: clients::Clients::default(),
        schedule: schedule::Schedule::default(),
        faults: faults::Faults::default(),
        leader: None,
        events: sender,
        outgoing: Vec::new(),
    };
    Phases::new(setup, conductor, events).run().await
}

/// Binds the proxies, so that faults can be attached to a link before its first byte.
fn open_network(setup: &Setup<'_>, clock: Clock) -> Result<Proxy> {
    let path = setup.folder.file("messages.jsonl");
    let trace = std::fs::File::options().write(true).create_new(true).open(&path);
    let trace = trace.with_context(|| format!("failed to write {}", path.display()))?;
    let framing = if setup.plan.http { Framing::Http } else { Framing::Lines };
    let settings = Settings { nodes: setup.plan.nodes.clone(), seed: setup.plan.seed, trace, clock, framing };
    Proxy::bind(settings).context("failed to open the network between the nodes")
}
