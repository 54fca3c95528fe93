//! Hearing: what a line of a node's output means.
//!
//! A line is an indication (for `observer`), an answer to a client, the answer to `init`, or nonsense. Whatever it is, it is
//! recorded first; then whoever waits for it is served.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::json;
use serde_json::value::RawValue;

use super::clients::Pending;
use super::conductor::Conductor;
use super::envelope::{self, Body, CONTROLLER, Envelope, INDICATION_MAX};
use super::shim::Shim;
use crate::recorder::{Request, Type};
use crate::script;

/// So many lines of nonsense are shown for each life; all are counted.
const NONSENSE_SHOWN: u64 = 10;
/// So much of such a line is shown, bytes.
const NONSENSE_LENGTH: usize = 200;

impl Conductor<'_> {
    /// One line of a node's output, with its LF.
    pub(super) fn hear(&mut self, node: usize, line: &[u8]) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        match envelope::read(line) {
            Ok((envelope, body)) => self.heard((node, line), &envelope, &body),
            Err(why) => self.nonsense(node, line, &why),
        }
    }

    fn heard(&mut self, (node, line): (usize, &[u8]), envelope: &Envelope<'_>, body: &Body<'_>) {
        match envelope.dest.as_ref() {
            "observer" => self.indication(node, envelope.body, body),
            CONTROLLER => self.introduced(node, body),
            dest => match dest.strip_prefix('c').and_then(|number| number.parse().ok()) {
                Some(client) => self.answered(client, body, envelope.body),
                None => self.for_a_peer(node, (dest, line), envelope.body),
            },
        }
    }

    /// The node reports what it did.
    fn indication(&mut self, node: usize, raw: &RawValue, body: &Body<'_>) {
        if raw.get().len() > INDICATION_MAX {
            return self.nonsense(node, raw.get().as_bytes(), "an indication that is too long");
        }
        let name = &self.nodes[node].name;
        match (body.kind.as_ref(), body.message, body.term) {
            ("broadcast", Some(message), _) => self.recorder.broadcast(name, message),
            ("deliver", Some(message), _) => {
                self.recorder.delivery(name, message, body.pos);
                self.delivered(node, message);
            }
            ("leader", _, Some(term)) => {
                self.recorder.node(name, "leader", &BTreeMap::from([("term", term)]));
                self.leader = self.leader.max(Some((term, node)));
                self.schedule.led(self.clock.now_ns(), term);
            }
            ("broadcast" | "deliver" | "leader", _, _) => {
                let why = "an indication without its number";
                self.nonsense(node, raw.get().as_bytes(), why);
            }
            (kind, _, _) => {
                let value = without_type(raw);
                self.recorder.node(name, kind, &value);
                if let ("synced", Some(file), Some(bytes)) = (kind, value["file"].as_str(), value["bytes"].as_u64()) {
                    self.nodes[node].synced.insert(file.to_owned(), bytes);
                }
            }
        }
    }

    fn delivered(&mut self, node: usize, message: u64) {
        self.nodes[node].deliveries += 1;
        let count = self.nodes[node].deliveries;
        self.obligations.delivered(node, message);
        self.schedule.delivered(self.clock.now_ns(), node, (count, message));
    }

    /// The node answered `init`.
    fn introduced(&mut self, node: usize, body: &Body<'_>) {
        let state = &mut self.nodes[node];
        if body.kind == "error" && !state.ready {
            let (code, text) = (body.code.unwrap_or(0), body.text.as_deref().unwrap_or("no text"));
            state.refusal = Some(format!("refused init (code {code}: {text})"));
        }
        if body.kind != "init_ok" || state.ready {
            return;
        }
        state.ready = true;
        state.listen = body.listen.as_deref().and_then(|listen| listen.parse::<SocketAddr>().ok());
        let observed = body.observe.as_deref().unwrap_or_default();
        state.reports_deliveries = observed.iter().any(|f| f == "deliver");
        state.reports_syncs = observed.iter().any(|f| f == "synced");
        let listen = state.listen.or_else(|| self.open_shim(node));
        if let Some(listen) = listen {
            self.proxy.target(node, listen);
        }
        self.restarted(node);
    }

    /// A plain node: the harness has the connections that it has not, and tells it who its neighbours are.
    fn open_shim(&mut self, node: usize) -> Option<SocketAddr> {
        if self.plan.http {
            let trouble = "did not take up the transport that init offers: HTTP can't be spoken over stdin and stdout";
            self.nodes[node].trouble = Some(trouble.to_owned());
            return None;
        }
        let inbox = self.nodes[node].life.as_ref()?.inbox();
        let peers = (0..self.nodes.len()).map(|peer| (peer != node).then(|| self.proxy.address(node, peer)));
        match Shim::open(peers.collect(), inbox) {
            Ok(shim) => {
                let listen = shim.listen;
                self.nodes[node].shim = Some(shim);
                let body = json!({ "type": "topology", "msg_id": 2, "topology": self.plan.topology.neighbours(&self.plan.nodes) });
                let line = envelope::line(CONTROLLER, &self.nodes[node].name, &body);
                self.outgoing.push((node, 0, line));
                Some(listen)
            }
            Err(error) => {
                self.nodes[node].trouble = Some(format!("could not be given a port for its peers: {error}"));
                None
            }
        }
    }

    /// A frame for a peer on stdout: right for a plain node, and for nobody else.
    fn for_a_peer(&mut self, node: usize, (dest, line): (&str, &[u8]), body: &RawValue) {
        let peer = self.plan.nodes.iter().position(|name| name == dest);
        match (&self.nodes[node].shim, peer) {
            (Some(shim), Some(peer)) if peer != node => shim.send(peer, &[line, b"\n"].concat()),
            (Some(_), _) => {
                let why = format!("an envelope for {dest}, which is no peer, no client and not the observer");
                self.nonsense(node, body.get().as_bytes(), &why);
            }
            (None, _) => {
                let why =
                    format!("an envelope for {dest} on stdout; who takes up the transport reaches peers over TCP");
                self.nonsense(node, body.get().as_bytes(), &why);
            }
        }
    }

    /// A client's request was answered; a late or doubled answer is skipped.
    fn answered(&mut self, client: u32, body: &Body<'_>, raw: &RawValue) {
        let asked = body.in_reply_to.and_then(|msg_id| self.clients.open(client, msg_id));
        let Some(pending) = asked else { return };
        self.nodes[pending.node].ignored = 0;
        match body.kind.as_ref() {
            reply if reply == pending.asked.reply() && pending.asked.told().is_some() => {
                self.told((client, pending), (reply, raw));
            }
            reply if reply == pending.asked.reply() => {
                self.complete(client, pending, (Type::Ok, None));
                if let Some(message) = pending.asked.message() {
                    self.obligations.acknowledged(pending.node, message);
                }
                self.clients.settle(client);
            }
            "error" => self.refused(client, pending, body),
            kind => self.unexpected(client, pending, kind),
        }
    }

    /// The answer brings a value.
    fn told(&mut self, (client, pending): (u32, Pending), (reply, raw): (&str, &RawValue)) {
        let body: serde_json::Value = serde_json::from_str(raw.get()).unwrap_or_default();
        let Some((name, value)) = script::told(pending.asked, (reply, &body)) else {
            return self.unexpected(client, pending, reply);
        };
        let request = Request { client, node: &self.nodes[pending.node].name, asked: pending.asked };
        self.recorder.told(request, (name, value));
        script::read(pending.asked, value).for_each(|message| self.obligations.delivered(pending.node, message));
        self.clients.settle(client);
    }

    fn unexpected(&mut self, client: u32, pending: Pending, kind: &str) {
        let text = format!("{kind} is no answer to {}", pending.asked.f());
        self.complete(client, pending, (Type::Info, Some(("unexpected", &text))));
        self.clients.abandon(client);
    }

    fn refused(&mut self, client: u32, pending: Pending, body: &Body<'_>) {
        let code = body.code.unwrap_or(0);
        let (name, text) = (format!("code {code}"), body.text.as_deref().unwrap_or(""));
        if envelope::is_definite(code) {
            self.complete(client, pending, (Type::Fail, Some((&name, text))));
            self.clients.settle(client);
        } else {
            self.complete(client, pending, (Type::Info, Some((&name, text))));
            self.clients.abandon(client);
        }
    }

    /// The node wrote something that is no envelope.
    fn nonsense(&mut self, node: usize, line: &[u8], why: &str) {
        let state = &mut self.nodes[node];
        state.nonsense += 1;
        state.trouble.get_or_insert_with(|| format!("printed what is no answer and no indication ({why})"));
        if state.nonsense <= NONSENSE_SHOWN {
            let shown = String::from_utf8_lossy(&line[..line.len().min(NONSENSE_LENGTH)]).into_owned();
            let value = serde_json::json!({ "count": state.nonsense, "line": shown, "why": why });
            self.recorder.node(&state.name, "nonsense", &value);
        }
    }
}

/// An indication's value: its body without `type`, which has become the op's `f`.
fn without_type(raw: &RawValue) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_str(raw.get()).unwrap_or_default();
    if let Some(body) = value.as_object_mut() {
        body.shift_remove("type");
    }
    value
}
