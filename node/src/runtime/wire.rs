//! Envelopes: reading what comes, writing what leaves (PROTOCOL.md).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::id::NodeId;
use crate::layer::Nanos;

/// Nobody knows whether it has been done (Maelstrom's code).
pub const TIMEOUT: u32 = 0;
/// Maelstrom's code for a type of request that a node does not know.
pub const NOT_SUPPORTED: u32 = 10;
/// It can't be done now, and has not been (Maelstrom's code).
pub const UNAVAILABLE: u32 = 11;
/// Maelstrom's code for a request that makes no sense.
pub const MALFORMED: u32 = 12;

/// An envelope, its body unread.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// Who sent it.
    #[serde(borrow)]
    pub src: Cow<'a, str>,
    /// The name of the protocol step, between temblor's own nodes.
    #[serde(borrow, default)]
    pub key: Option<Cow<'a, str>>,
    /// The body.
    #[serde(borrow)]
    pub body: &'a RawValue,
    /// The virtual time of this input, ns.
    #[serde(default)]
    pub now: Option<Nanos>,
    /// The number of this input, under a virtual clock.
    #[serde(default)]
    pub input: Option<u64>,
}

/// The parts of a request's body.
#[derive(Debug, Deserialize)]
pub struct Request<'a> {
    /// What is asked for.
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
    /// The request's number.
    #[serde(default)]
    pub msg_id: Option<u64>,
    /// The message to broadcast.
    #[serde(borrow, default)]
    pub message: Option<&'a RawValue>,
    /// What to echo.
    #[serde(borrow, default)]
    pub echo: Option<&'a RawValue>,
}

/// What a node learns first.
#[derive(Debug, Deserialize)]
pub struct Init {
    /// The request's number.
    #[serde(default)]
    pub msg_id: Option<u64>,
    /// This node.
    pub node_id: NodeId,
    /// All nodes.
    pub node_ids: Vec<NodeId>,
    /// Which life this is.
    #[serde(default)]
    pub incarnation: Option<u32>,
    /// What random choices come from.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Indications on offer.
    #[serde(default)]
    pub observe: Vec<String>,
    /// Peers over TCP, on offer.
    #[serde(default)]
    pub transport: Option<Transport>,
    /// Which clock the node lives by.
    #[serde(default)]
    pub clock: Clock,
    /// Who asked.
    #[serde(skip)]
    pub asker: String,
    /// The virtual time and the number of this input; zeros in real time.
    #[serde(skip)]
    pub moment: Moment,
}

/// Which clock a node lives by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// Its machine's.
    #[default]
    Real,
    /// The one that each input brings along.
    Virtual,
}

/// When an input comes, under a virtual clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The virtual time, ns.
    pub now: Nanos,
    /// Which input of this life it is, from 1.
    pub input: u64,
}

/// Peers over TCP.
#[derive(Debug, Deserialize)]
pub struct Transport {
    /// Where to listen.
    pub listen: String,
    /// Where to dial each peer.
    pub peers: BTreeMap<NodeId, String>,
    /// What a message on the wire is.
    #[serde(default)]
    pub framing: Framing,
}

/// What a message between peers is on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// A line.
    #[default]
    Lines,
    /// An HTTP/1.1 request or response.
    Http,
}

/// The answer to `init`: who took up what.
#[derive(Debug, Serialize)]
pub struct InitOk<'a> {
    /// `init_ok`.
    pub r#type: &'static str,
    /// The request's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<u64>,
    /// The indications that will be given.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub observe: &'a [String],
    /// Where the node listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// The clock, where it is not the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
}

/// The end of the answer to an input, under a virtual clock.
#[derive(Debug, Serialize)]
pub struct Idle {
    /// `idle`.
    pub r#type: &'static str,
    /// The input.
    pub input: u64,
    /// When the node wants to be woken, ns.
    pub wake: Option<Nanos>,
}

/// An answer that says no.
#[derive(Debug, Serialize)]
pub struct Refusal<'a> {
    r#type: &'static str,
    in_reply_to: u64,
    code: u32,
    text: &'a str,
}

impl<'a> Refusal<'a> {
    /// The request with this number is refused, with one of Maelstrom's codes and in words.
    pub fn of(in_reply_to: u64, code: u32, text: &'a str) -> Self {
        Self { r#type: "error", in_reply_to, code, text }
    }
}

impl Envelope<'_> {
    /// When this input comes; `None` if it does not say.
    pub fn moment(&self) -> Option<Moment> {
        Some(Moment { now: self.now?, input: self.input? })
    }
}

/// Reads the first line.
pub fn read_init(line: &[u8]) -> Result<Init> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        r#type: Cow<'a, str>,
    }
    let envelope: Envelope<'_> = serde_json::from_slice(line).context("no envelope")?;
    let head: Head<'_> = serde_json::from_str(envelope.body.get()).context("no body with a type")?;
    if head.r#type != "init" {
        bail!("{} came instead", head.r#type);
    }
    let mut init: Init = serde_json::from_str(envelope.body.get()).context("no proper init")?;
    check(&init)?;
    if init.clock == Clock::Virtual {
        init.moment = envelope.moment().context("a virtual clock, and init brings no now and input")?;
    }
    init.asker = envelope.src.into_owned();
    Ok(init)
}

fn check(init: &Init) -> Result<()> {
    let distinct: BTreeSet<NodeId> = init.node_ids.iter().copied().collect();
    if distinct.len() < init.node_ids.len() {
        bail!("a node is named twice in node_ids");
    }
    if !distinct.contains(&init.node_id) {
        bail!("{} is not among the node_ids", init.node_id);
    }
    let Some(transport) = &init.transport else { return Ok(()) };
    match distinct.iter().find(|node| **node != init.node_id && !transport.peers.contains_key(node)) {
        Some(node) => bail!("transport has no address for {node}"),
        None => Ok(()),
    }
}

/// The answer to a first line that is no proper `init`: an error to whoever can be made out as the asker, else nothing.
pub fn refusal_of_init(line: &[u8], why: &str) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        msg_id: u64,
        #[serde(borrow, default)]
        node_id: Cow<'a, str>,
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(line) else { return Vec::new() };
    let Ok(asked) = serde_json::from_str::<Asked<'_>>(envelope.body.get()) else { return Vec::new() };
    let (src, dest) = (quoted(&asked.node_id), quoted(&envelope.src));
    let body = body(&Refusal::of(asked.msg_id, MALFORMED, why));
    format!("{{\"src\":{src},\"dest\":{dest},\"body\":{body}}}\n").into_bytes()
}

/// Appends a line from this node: `body` is JSON already, and so is what `key` holds.
pub fn write(out: &mut Vec<u8>, (src, dest): (NodeId, &str), key: Option<&str>, body: &str) {
    use std::io::Write as _;
    let written = match key {
        Some(key) => {
            writeln!(out, "{{\"src\":\"{src}\",\"dest\":{},\"key\":{},\"body\":{body}}}", quoted(dest), quoted(key))
        }
        None => writeln!(out, "{{\"src\":\"{src}\",\"dest\":{},\"body\":{body}}}", quoted(dest)),
    };
    written.expect("writing to memory does not fail");
}

/// A body from plain data.
pub fn body(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("bodies are plain data")
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}
