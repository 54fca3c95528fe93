//! The conductor: the state of one run on real processes, and how it reacts to each event.
//!
//! Everything happens on one thread. An event is handled to its end: what it means is recorded, the record is written, and
//! only then what follows from it (requests, signals) leaves.

use std::collections::BTreeMap;

use temblor_checkers::header::Crashes;
use temblor_workloads::plan::Plan;
use tokio::sync::mpsc;

use super::Setup;
use super::child::{Life, status_text};
use super::clients::{Clients, Pending};
use super::events::Event;
use super::faults::Faults;
use super::node::Node;
use super::obligations::Obligations;
use super::schedule::{Due, Schedule, position};
use crate::asked::Asked;
use crate::clock::Clock;
use crate::proxy::Proxy;
use crate::recorder::{Recorder, Request, Type};

/// A request without an answer for so long ends as `info`.
const REQUEST_TIMEOUT_NS: u64 = 5_000_000_000;

/// A request for which no client is free waits so long, and then again.
pub const WAIT_NS: u64 = 1_000_000;

/// The state of one run.
pub struct Conductor<'a> {
    /// What the run was set up with.
    pub setup: &'a Setup<'a>,
    /// What is to be done.
    pub plan: &'a Plan,
    /// The run's clock.
    pub clock: Clock,
    /// The history.
    pub recorder: Recorder,
    /// The network between the nodes.
    pub proxy: Proxy,
    /// The nodes, in the plan's order.
    pub nodes: Vec<Node>,
    /// Requests.
    pub clients: Clients,
    /// What is due.
    pub schedule: Schedule,
    /// What is still owed.
    pub obligations: Obligations,
    /// Faults in force.
    pub faults: Faults,
    /// The latest claim to lead: term and node.
    pub leader: Option<(u64, usize)>,
    /// Where the tasks around the run put their events.
    pub events: mpsc::Sender<Event>,
    /// Lines for nodes, to leave once the record of them is written.
    pub outgoing: Vec<(usize, u32, Vec<u8>)>,
}

impl Conductor<'_> {
    /// Reacts to an event, up to but not including [`Conductor::let_go`].
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Output { node, lines } => {
                lines.split_inclusive(|byte| *byte == b'\n').for_each(|line| self.hear(node, line));
            }
            Event::Flood { node, bytes } => self.flooded(node, bytes),
            Event::Exited { node, status } => self.exited(node, &status_text(status)),
            Event::Stopped(signalled) => self.stopped(signalled),
            Event::Continued(signalled) => self.continued(signalled),
            Event::Wrote { fault } => self.wrote(fault),
            Event::Frame(anchor) => self.schedule.frame_seen(self.clock.now_ns(), anchor),
        }
    }

    /// Does what is due by now.
    pub fn act(&mut self) {
        let now = self.clock.now_ns();
        while let Some(due) = self.schedule.pop(now) {
            match due {
                Due::Operation(_) if !self.clients.has_room(self.plan.clients_max) => {
                    self.schedule.push(now + WAIT_NS, due);
                }
                Due::Operation(at) => {
                    let operation = &self.plan.operations[at];
                    self.ask(position(self.plan, &operation.node), Asked::of(operation));
                }
                Due::Rule(at) => {
                    let rule = &self.plan.rules[at];
                    self.ask(position(self.plan, &rule.node), Asked::Broadcast(rule.broadcast));
                }
                Due::Fault(at) => self.begin_fault(at),
                Due::Lift(id) => self.lift_fault(id),
                Due::Turn(id) => self.turn(id),
                Due::Timeout(client, msg_id) => self.timed_out(client, msg_id),
            }
        }
    }

    /// Writes the record of what was decided, and then lets it happen.
    pub fn let_go(&mut self) {
        self.recorder.flush();
        for (node, client, line) in std::mem::take(&mut self.outgoing) {
            let sent = self.nodes[node].life.as_ref().is_some_and(|life: &Life| life.send(line));
            if !sent {
                self.unsent(client, "the node does not read its input");
            }
        }
        self.recorder.flush();
    }

    /// A client asks `node` for something.
    pub fn ask(&mut self, node: usize, asked: Asked) {
        let (client, pending) = self.clients.ask(node, asked);
        let name = &self.nodes[node].name;
        self.recorder.client(Type::Invoke, Request { client, node: name, asked }, None);
        if !self.nodes[node].is_up() {
            self.unsent(client, "the node is down");
            return;
        }
        let body = asked.body(pending.msg_id);
        let line = format!("{{\"src\":\"c{client}\",\"dest\":{},\"body\":{body}}}\n", serde_json::json!(name));
        let line = line.into_bytes();
        self.outgoing.push((node, client, line));
        let due = self.clock.now_ns() + REQUEST_TIMEOUT_NS;
        self.schedule.push(due, Due::Timeout(client, pending.msg_id));
    }

    /// Ends every open request to `node` (or to all) as `info`: nobody knows what became of it.
    pub fn abandon(&mut self, node: Option<usize>, error: (&str, &str)) {
        for (client, pending) in self.clients.unanswered(node) {
            self.complete(client, pending, (Type::Info, Some(error)));
            self.clients.abandon(client);
        }
    }

    /// Records the end of a request.
    pub fn complete(&mut self, client: u32, pending: Pending, (kind, error): (Type, Option<(&str, &str)>)) {
        let node = &self.nodes[pending.node].name;
        self.recorder.client(kind, Request { client, node, asked: pending.asked }, error);
    }

    /// A request never left: it has definitely not happened.
    fn unsent(&mut self, client: u32, why: &str) {
        let open = self.clients.unanswered(None).into_iter().find(|(number, _)| *number == client);
        if let Some((client, pending)) = open {
            self.complete(client, pending, (Type::Fail, Some(("unsent", why))));
            self.clients.settle(client);
        }
    }

    fn timed_out(&mut self, client: u32, msg_id: u64) {
        if let Some(pending) = self.clients.open(client, msg_id) {
            self.nodes[pending.node].ignored += 1;
            self.complete(client, pending, (Type::Info, Some(("timeout", "no answer within 5 s"))));
            self.clients.abandon(client);
        }
    }

    fn flooded(&mut self, node: usize, bytes: u64) {
        self.recorder.node(&self.nodes[node].name, "flood", &BTreeMap::from([("bytes", bytes)]));
        self.nodes[node].trouble = Some(format!("wrote {bytes} bytes, more than is accepted, and was ended for it"));
        if let Some(life) = &self.nodes[node].life {
            // If it is gone already, its exit is on the way.
            let _ = super::signals::send(life.pid, nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// A life has ended: by a kill, or by itself.
    fn exited(&mut self, at: usize, status: &str) {
        let node = &mut self.nodes[at];
        (node.life, node.shim) = (None, None);
        if node.killed_by.is_none() {
            node.trouble.get_or_insert_with(|| format!("exited by itself ({status})"));
        }
        self.recorder.node(&node.name, "exit", &BTreeMap::from([("status", status)]));
        self.proxy.down(at);
        self.disarm(at);
        if self.setup.header.crashes == Crashes::Stop {
            self.obligations.crashed(at);
        }
        self.abandon(Some(at), ("crashed", "the node exited before it answered"));
        if let Some(id) = self.nodes[at].killed_by.take() {
            self.killed(id, at, status);
        }
        self.end_pauses_of(at);
    }
}
