//! The script: what a plan has clients ask for, and what is made of what nodes say, whatever the nodes run on.
//!
//! Everything is recorded first; then whoever waits for it is served. Time comes from [`Time`], so a script can be followed in
//! real and in virtual time.

use std::collections::BTreeMap;

use serde_json::Value;
use temblor_checkers::header::{Crashes, Header};
use temblor_workloads::plan::{Ask, Plan};

use crate::asked::Asked;
use crate::clock::Time;
use crate::processes::{Clients, Obligations, Pending, Schedule, is_definite};
use crate::recorder::{Recorder, Request, Type};

/// What is known of a run, apart from what its nodes run on.
#[derive(Debug)]
pub struct Script<'a> {
    /// What is to be done.
    pub plan: &'a Plan,
    /// The run's clock.
    pub time: Time,
    /// The history.
    pub recorder: Recorder,
    /// Requests.
    pub clients: Clients,
    /// What is due.
    pub schedule: Schedule,
    /// What is still owed.
    pub obligations: Obligations,
    /// What a crash means for a node.
    pub crashes: Crashes,
    /// The latest claim to lead: term and node.
    pub leader: Option<(u64, usize)>,
    /// Deliveries that each node has reported.
    deliveries: Vec<u64>,
    /// Requests that ran into their time-out since the node last answered one.
    ignored: Vec<usize>,
}

/// What a node answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// It took, or has done, what was asked for.
    Ok,
    /// A reply of this type that brings a value, in this body.
    Told(&'a str, &'a Value),
    /// An error, with Maelstrom's code and a text.
    Error(i64, &'a str),
    /// A reply of another type.
    Other(&'a str),
}

/// What a reply has to say, and what it is called; `None` if it is no answer to what was asked.
pub fn told<'b>(asked: Asked, (kind, body): (&str, &'b Value)) -> Option<(&'static str, &'b Value)> {
    let name = asked.told().filter(|_| kind == asked.reply())?;
    body.get(name).map(|value| (name, value))
}

/// The messages that a node is known to have by what was read of it.
pub fn read(asked: Asked, value: &Value) -> impl Iterator<Item = u64> {
    let list = value.as_array().filter(|_| asked == Asked::Messages);
    list.into_iter().flatten().filter_map(Value::as_u64)
}

impl<'a> Script<'a> {
    /// A script of which nothing has happened.
    pub fn new(plan: &'a Plan, time: Time, recorder: Recorder) -> Self {
        let nodes = plan.nodes.len();
        Self {
            plan,
            time,
            recorder,
            clients: Clients::default(),
            schedule: Schedule::default(),
            obligations: Obligations::new(nodes),
            crashes: Crashes::Stop,
            leader: None,
            deliveries: vec![0; nodes],
            ignored: vec![0; nodes],
        }
    }

    /// The same, where a crash means this.
    #[must_use]
    pub fn in_mode(self, crashes: Crashes) -> Self {
        Self { crashes, ..self }
    }

    /// The probe for a node: a request that nothing in the plan makes.
    pub fn probe(plan: &Plan, node: usize) -> Asked {
        let of_operations = plan.operations.iter().map(|operation| operation.number);
        let last = of_operations.chain(plan.rules.iter().map(|rule| rule.broadcast)).max().unwrap_or(0);
        let ask = plan.operations.first().map(|operation| operation.ask).unwrap_or_default();
        Asked::new(ask, last + 1 + node as u64)
    }

    /// A node's name.
    pub fn name(&self, node: usize) -> &'a str {
        &self.plan.nodes[node]
    }

    /// Whether the nodes of a plan have a ledger that is to be read in the end.
    pub fn has_ledger(plan: &Plan) -> bool {
        plan.operations.iter().any(|operation| operation.ask == Ask::Charge)
    }

    /// Whether what nodes hold is to be read in the end.
    pub fn has_reads(header: &Header) -> bool {
        header.promises.contains_key("reads-complete")
    }

    /// A client is about to ask `node` for something.
    pub fn ask(&mut self, node: usize, asked: Asked) -> (u32, Pending) {
        let (client, pending) = self.clients.ask(node, asked);
        let request = Request { client, node: &self.plan.nodes[node], asked };
        self.recorder.client(Type::Invoke, request, None);
        (client, pending)
    }

    /// A request never left: it has definitely not happened.
    pub fn unsent(&mut self, client: u32, why: &str) {
        let open = self.clients.unanswered(None).into_iter().find(|(number, _)| *number == client);
        if let Some((client, pending)) = open {
            self.complete(client, pending, (Type::Fail, Some(("unsent", why))));
            self.clients.settle(client);
        }
    }

    /// A request has had no answer for too long.
    pub fn timed_out(&mut self, client: u32, msg_id: u64) {
        if let Some(pending) = self.clients.open(client, msg_id) {
            self.ignored[pending.node] += 1;
            self.complete(client, pending, (Type::Info, Some(("timeout", "no answer within 5 s"))));
            self.clients.abandon(client);
        }
    }

    /// Ends every open request to `node` (or to all) as `info`: nobody knows what became of it.
    pub fn abandon(&mut self, node: Option<usize>, error: (&str, &str)) {
        for (client, pending) in self.clients.unanswered(node) {
            self.complete(client, pending, (Type::Info, Some(error)));
            self.clients.abandon(client);
        }
    }

    /// A client's request was answered; a late or doubled answer is skipped.
    pub fn answered(&mut self, client: u32, in_reply_to: u64, answer: Answer<'_>) {
        let Some(pending) = self.clients.open(client, in_reply_to) else { return };
        self.ignored[pending.node] = 0;
        match answer {
            Answer::Ok => {
                self.complete(client, pending, (Type::Ok, None));
                if let Some(message) = pending.asked.message() {
                    self.obligations.acknowledged(pending.node, message);
                }
                self.clients.settle(client);
            }
            Answer::Told(kind, body) => match told(pending.asked, (kind, body)) {
                Some((name, value)) => {
                    let node = &self.plan.nodes[pending.node];
                    self.recorder.told(Request { client, node, asked: pending.asked }, (name, value));
                    read(pending.asked, value).for_each(|message| self.obligations.delivered(pending.node, message));
                    self.clients.settle(client);
                }
                None => self.answered(client, in_reply_to, Answer::Other(kind)),
            },
            Answer::Error(code, text) => {
                let kind = if is_definite(code) { Type::Fail } else { Type::Info };
                self.complete(client, pending, (kind, Some((&format!("code {code}"), text))));
                if kind == Type::Fail { self.clients.settle(client) } else { self.clients.abandon(client) }
            }
            Answer::Other(kind) => {
                let text = format!("{kind} is no answer to {}", pending.asked.f());
                self.complete(client, pending, (Type::Info, Some(("unexpected", &text))));
                self.clients.abandon(client);
            }
        }
    }

    /// A node took a message for broadcast.
    pub fn broadcast(&mut self, node: usize, message: u64) {
        self.recorder.broadcast(self.name(node), message);
    }

    /// A node delivered a message, where it keeps a delivery log at this position.
    pub fn delivered(&mut self, node: usize, message: u64, position: Option<u64>) {
        self.recorder.delivery(self.name(node), message, position);
        self.deliveries[node] += 1;
        self.obligations.delivered(node, message);
        self.schedule.delivered(self.time.now_ns(), node, (self.deliveries[node], message));
    }

    /// A node claims to lead.
    pub fn led(&mut self, node: usize, term: u64) {
        self.recorder.node(self.name(node), "leader", &BTreeMap::from([("term", term)]));
        self.leader = self.leader.max(Some((term, node)));
        self.schedule.led(self.time.now_ns(), term);
    }

    /// A node reported something else.
    pub fn reported(&mut self, node: usize, kind: &str, value: &Value) {
        self.recorder.node(self.name(node), kind, value);
    }

    /// A life has ended: what was asked of it will not be answered.
    pub fn exited(&mut self, node: usize, status: &str) {
        self.recorder.node(self.name(node), "exit", &BTreeMap::from([("status", status)]));
        if self.crashes == Crashes::Stop {
            self.obligations.crashed(node);
        }
        self.abandon(Some(node), ("crashed", "the node exited before it answered"));
    }

    /// How many requests a node has left unanswered.
    pub fn unanswered(&self, node: usize) -> usize {
        self.clients.unanswered(Some(node)).len() + self.ignored[node]
    }

    /// Whether nothing is owed and everything is answered.
    pub fn settled(&self) -> bool {
        self.obligations.met() && self.clients.unanswered(None).is_empty()
    }

    fn complete(&mut self, client: u32, pending: Pending, (kind, error): (Type, Option<(&str, &str)>)) {
        let node = &self.plan.nodes[pending.node];
        self.recorder.client(kind, Request { client, node, asked: pending.asked }, error);
    }
}
