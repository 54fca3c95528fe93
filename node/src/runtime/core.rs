//! The core: from a line to what leaves the node.
//!
//! What a step results in is gathered in order; [`Core::flush`] makes its records durable, then writes stdout, then wakes the
//! writers of the peers: whatever leaves follows from nothing that is not recorded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::value::RawValue;
use tokio::time::{Duration, Instant};

use super::log;
use super::peers::Mailbox;
use super::storage::Storage;
use super::wire::{
    self, Envelope, Idle, Init, InitOk, MALFORMED, NOT_SUPPORTED, Refusal, Request, TIMEOUT, UNAVAILABLE,
};
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::Nanos;
use crate::packet::{Key, Packet, Payload};
use crate::records::Records;
use crate::rpc::Charge;
use crate::stack::{Output, Stack};

/// What an observer can be told beside [`Indication`]s.
const OFFERED: &[&str] = &["broadcast", "deliver", "synced"];

/// Who asked for something: the client, the number of the request, and the type of the answer.
type Asker = (String, Option<u64>, &'static str);

/// A node at work.
pub struct Core {
    me: NodeId,
    peers: Vec<NodeId>,
    stack: Stack,
    storage: Storage,
    clock: Clock,
    /// Indications that were asked for and are given.
    observed: Vec<String>,
    /// Where frames for each peer go; empty where stdout is the network.
    mailboxes: BTreeMap<NodeId, Mailbox>,
    /// Deliveries, for `read`: 8 bytes a message.
    delivered: Vec<u64>,
    /// Requests that are not answered yet, by the numbers of their messages or charges.
    asked: BTreeMap<u64, Vec<Asker>>,
    /// Requests that had to be given a number.
    numbered: u64,
    out: Vec<u8>,
    stdout: File,
}

/// The time of a step.
enum Clock {
    /// That which has passed since the node began.
    Since(Instant),
    /// That which the last input brought along.
    At(Nanos),
}

impl Core {
    /// A node that has been told who it is.
    pub fn new((stack, storage): (Stack, Storage), init: &Init, stdout: File) -> Self {
        let offered = |name: &str| OFFERED.contains(&name) || Indication::NAMES.contains(&name);
        Self {
            me: init.node_id,
            peers: init.node_ids.iter().copied().filter(|node| *node != init.node_id).collect(),
            stack,
            storage,
            clock: match init.clock {
                wire::Clock::Real => Clock::Since(Instant::now()),
                wire::Clock::Virtual => Clock::At(init.moment.now),
            },
            observed: init.observe.iter().filter(|name| offered(name)).cloned().collect(),
            mailboxes: BTreeMap::new(),
            delivered: Vec::new(),
            asked: BTreeMap::new(),
            numbered: 0,
            out: Vec::new(),
            stdout,
        }
    }

    /// Where frames for a peer go from now on; gives where they went before.
    pub fn connect(&mut self, peer: NodeId, mailbox: Mailbox) -> Option<Mailbox> {
        self.mailboxes.insert(peer, mailbox)
    }

    /// Answers `init`.
    pub fn introduce(&mut self, init: &Init, listen: Option<SocketAddr>) {
        let clock = Some(init.clock).filter(|clock| *clock != wire::Clock::Real);
        let body = InitOk { r#type: "init_ok", in_reply_to: init.msg_id, observe: &self.observed, listen, clock };
        wire::write(&mut self.out, (self.me, &init.asker), None, &wire::body(&body));
    }

    /// The life begins: the stack is handed what was stored before a crash, and starts.
    pub fn begin(&mut self, records: Records) {
        if let Some(synced) = self.storage.recovered()
            && self.observes("synced")
        {
            wire::write(&mut self.out, (self.me, "observer"), None, &wire::body(&synced));
        }
        if !records.is_empty() {
            let outputs = self.stack.recover(self.now(), records);
            self.emit(outputs);
        }
        let outputs = self.stack.start(self.now());
        self.emit(outputs);
    }

    /// A line from a client or a peer. What makes no sense is answered where somebody waits for an answer, and logged.
    pub fn line(&mut self, line: &[u8]) {
        match serde_json::from_slice(line) {
            Ok(envelope) => self.envelope(&envelope),
            Err(error) => log(&format!("ignored a line that is no envelope: {error}")),
        }
    }

    /// A line, once it is known to be an envelope.
    pub fn envelope(&mut self, envelope: &Envelope<'_>) {
        match envelope.src.parse() {
            Ok(peer) if self.peers.contains(&peer) => self.frame(peer, envelope),
            Ok(stranger) => log(&format!("ignored a frame of {stranger}, which is no peer")),
            Err(_) => self.request(envelope),
        }
    }

    /// Fires what is due.
    pub fn wake(&mut self) {
        let outputs = self.stack.wake(self.now());
        self.emit(outputs);
    }

    /// When [`Core::wake`] is wanted.
    pub fn next_wake(&self) -> Option<Instant> {
        match self.clock {
            Clock::Since(began) => self.stack.next_wake().map(|at| began + Duration::from_nanos(at)),
            Clock::At(_) => None,
        }
    }

    /// From now on it is this virtual time.
    pub fn set_time(&mut self, now: Nanos) {
        self.clock = Clock::At(now);
    }

    /// Ends the answer to an input.
    pub fn idle(&mut self, input: u64) {
        let idle = Idle { r#type: "idle", input, wake: self.stack.next_wake() };
        wire::write(&mut self.out, (self.me, "observer"), None, &wire::body(&idle));
    }

    /// Lets everything that was decided leave, in the order that the contract of [`crate::layer`] asks for.
    pub fn flush(&mut self) -> Result<()> {
        if let Some(synced) = self.storage.sync()? {
            let mut report = Vec::new();
            if self.observes("synced") {
                wire::write(&mut report, (self.me, "observer"), None, &wire::body(&synced));
            }
            self.out.splice(0..0, report);
        }
        // A full pipe stops the node here: nothing that follows from what it has to say may leave before it.
        self.stdout.write_all(&self.out).context("failed to write to stdout")?;
        self.out.clear();
        self.mailboxes.values().for_each(Mailbox::wake);
        Ok(())
    }

    fn frame(&mut self, peer: NodeId, envelope: &Envelope<'_>) {
        let key = Key::from_wire(envelope.key.as_deref().unwrap_or("frame"));
        let packet = Packet { key, payload: Payload::from_wire(envelope.body) };
        let outputs = self.stack.receive(self.now(), peer, packet);
        self.emit(outputs);
    }

    fn request(&mut self, envelope: &Envelope<'_>) {
        let request: Request<'_> = match serde_json::from_str(envelope.body.get()) {
            Ok(request) => request,
            Err(error) => return self.malformed(envelope, &error.to_string()),
        };
        let client = (envelope.src.as_ref(), request.msg_id);
        match request.kind.as_ref() {
            "broadcast" => self.broadcast(client, request.message),
            "wake" if matches!(self.clock, Clock::At(_)) => self.wake(),
            "charge" => self.charge(client, envelope.body),
            "read" => {
                let read = match self.stack.read() {
                    Some((name, value)) => format!(",\"{name}\":{}", value.raw()),
                    None => format!(",\"messages\":{}", wire::body(&self.delivered)),
                };
                self.reply(client, ("read_ok", &read));
            }
            "echo" if self.stack.takes("echo") => self.ask(client, ("echo", "echo_ok"), request.echo),
            "generate" if self.stack.takes("generate") => self.ask(client, ("generate", "generate_ok"), None),
            "echo" => {
                let echo = format!(",\"echo\":{}", request.echo.map_or("null", RawValue::get));
                self.reply(client, ("echo_ok", &echo));
            }
            "topology" => self.reply(client, ("topology_ok", "")),
            kind => self.refuse(client, (NOT_SUPPORTED, &format!("{kind:?} is not supported here"))),
        }
    }

    fn broadcast(&mut self, client: (&str, Option<u64>), message: Option<&RawValue>) {
        let Some(message) = message.and_then(|message| message.get().parse().ok()) else {
            return self.refuse(client, (MALFORMED, "broadcast needs a message, a whole number"));
        };
        self.asked.entry(message).or_default().push((client.0.to_owned(), client.1, "broadcast_ok"));
        let outputs = self.stack.broadcast(self.now(), message);
        self.emit(outputs);
    }

    fn charge(&mut self, client: (&str, Option<u64>), body: &RawValue) {
        if !self.stack.takes("charge") {
            return self.refuse(client, (NOT_SUPPORTED, "there is no payment service here"));
        }
        let charge: Charge = match serde_json::from_str(body.get()) {
            Ok(charge) => charge,
            Err(error) => return self.refuse(client, (MALFORMED, &format!("no charge: {error}"))),
        };
        self.asked.entry(charge.charge).or_default().push((client.0.to_owned(), client.1, "charge_ok"));
        let packet = Packet { key: Key::new("charge", charge.charge), payload: Payload::encode(&charge) };
        let outputs = self.stack.ask(self.now(), packet);
        self.emit(outputs);
    }

    /// A request that the top layer answers with a value.
    fn ask(&mut self, client: (&str, Option<u64>), (kind, answer): (&str, &'static str), what: Option<&RawValue>) {
        self.numbered += 1;
        let number = self.numbered;
        self.asked.entry(number).or_default().push((client.0.to_owned(), client.1, answer));
        let packet = Packet { key: Key::new(kind, number), payload: Payload::encode(&(number, what)) };
        let outputs = self.stack.ask(self.now(), packet);
        self.emit(outputs);
    }

    fn reply(&mut self, (client, msg_id): (&str, Option<u64>), (kind, rest): (&str, &str)) {
        let answered = msg_id.map_or(String::new(), |msg_id| format!(",\"in_reply_to\":{msg_id}"));
        let body = format!("{{\"type\":\"{kind}\"{answered}{rest}}}");
        wire::write(&mut self.out, (self.me, client), None, &body);
    }

    fn refuse(&mut self, (client, msg_id): (&str, Option<u64>), (code, text): (u32, &str)) {
        let Some(msg_id) = msg_id else { return log(&format!("refused a request of {client}: {text}")) };
        wire::write(&mut self.out, (self.me, client), None, &wire::body(&Refusal::of(msg_id, code, text)));
    }

    /// A request has failed, or nobody knows what became of it.
    fn end(&mut self, message: u64, why: (u32, &str)) {
        let askers = self.askers(message);
        askers.iter().for_each(|(client, msg_id, _)| self.refuse((client, *msg_id), why));
    }

    /// Those who asked for a broadcast or a charge, and wait for an answer.
    fn askers(&mut self, message: u64) -> Vec<Asker> {
        self.asked.remove(&message).unwrap_or_default()
    }

    fn malformed(&mut self, envelope: &Envelope<'_>, why: &str) {
        let body: serde_json::Value = serde_json::from_str(envelope.body.get()).unwrap_or_default();
        let msg_id = body.get("msg_id").and_then(serde_json::Value::as_u64);
        self.refuse((envelope.src.as_ref(), msg_id), (MALFORMED, why));
    }

    fn emit(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send { to, key, body } => self.send(to, &key, &body),
                Output::Broadcast(message) => self.indicate("broadcast", message, None),
                Output::Deliver(message, position) => {
                    self.indicate("deliver", message, position);
                    self.delivered.push(message);
                }
                Output::Done(message) => {
                    let askers = self.askers(message);
                    askers.iter().for_each(|(client, msg_id, answer)| self.reply((client, *msg_id), (answer, "")));
                }
                Output::Answer(number, name, value) => {
                    let value = format!(",\"{name}\":{}", value.raw());
                    let askers = self.askers(number);
                    askers.iter().for_each(|(client, msg_id, answer)| self.reply((client, *msg_id), (answer, &value)));
                }
                Output::Refuse(message, why) => self.end(message, (UNAVAILABLE, &why)),
                Output::GiveUp(message, why) => self.end(message, (TIMEOUT, &why)),
                Output::Indicate(indication) => {
                    if self.observes(indication.name()) {
                        wire::write(&mut self.out, (self.me, "observer"), None, &wire::body(&indication));
                    }
                }
                Output::Store(stored) => self.storage.store(stored),
                Output::Complain(what) => log(&what),
            }
        }
    }

    fn send(&mut self, to: NodeId, key: &Key, body: &Payload) {
        let dest = to.to_string();
        match self.mailboxes.get(&to) {
            Some(mailbox) => {
                mailbox.put(|out| wire::write(out, (self.me, &dest), Some(key.as_str()), body.raw().get()))
            }
            None => {
                // Plain Maelstrom knows no keys; whoever keeps a virtual clock decides by them.
                let key = matches!(self.clock, Clock::At(_)).then_some(key.as_str());
                wire::write(&mut self.out, (self.me, &dest), key, body.raw().get());
            }
        }
    }

    fn indicate(&mut self, kind: &str, message: u64, position: Option<u64>) {
        if self.observes(kind) {
            let position = position.map_or(String::new(), |position| format!(",\"pos\":{position}"));
            let body = format!("{{\"type\":\"{kind}\",\"message\":{message}{position}}}");
            wire::write(&mut self.out, (self.me, "observer"), None, &body);
        }
    }

    fn observes(&self, kind: &str) -> bool {
        self.observed.iter().any(|observed| observed == kind)
    }

    fn now(&self) -> Nanos {
        match self.clock {
            Clock::Since(began) => u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Clock::At(now) => now,
        }
    }
}
