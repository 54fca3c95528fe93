//! Envelopes on a node's pipes: what the controller says, and how it reads what a node says (node/PROTOCOL.md).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The controller's own name on the wire; clients are `c1`, `c2`, ...
pub const CONTROLLER: &str = "c0";

/// An indication longer than this is not recorded: a line of a history has an end, bytes.
pub const INDICATION_MAX: usize = 64 << 10;

/// A line from a node.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// Who it is for: `c3`, `observer`, or a node.
    #[serde(borrow)]
    pub dest: Cow<'a, str>,
    /// The body, not yet read.
    #[serde(borrow)]
    pub body: &'a RawValue,
}

/// The parts of a body that the controller looks at; a node may send more.
#[derive(Debug, Deserialize)]
pub struct Body<'a> {
    /// The body's type.
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
    /// The `msg_id` of the request that this answers.
    #[serde(default)]
    pub in_reply_to: Option<u64>,
    /// The message that was broadcast or delivered.
    #[serde(default)]
    pub message: Option<u64>,
    /// The position of a delivery, where the node keeps a delivery log.
    #[serde(default)]
    pub pos: Option<u64>,
    /// The term of a `leader` indication.
    #[serde(default)]
    pub term: Option<u64>,
    /// Where the node listens for its peers (`init_ok`).
    #[serde(default, borrow)]
    pub listen: Option<Cow<'a, str>>,
    /// What the node took up of `observe` (`init_ok`).
    #[serde(default)]
    pub observe: Option<Vec<String>>,
    /// An error's code.
    #[serde(default)]
    pub code: Option<i64>,
    /// An error's text.
    #[serde(default, borrow)]
    pub text: Option<Cow<'a, str>>,
}

/// Reads a line from a node, or says in words what is wrong with it.
pub fn read(line: &[u8]) -> Result<(Envelope<'_>, Body<'_>), String> {
    let envelope: Envelope<'_> = serde_json::from_slice(line).map_err(|error| format!("no envelope: {error}"))?;
    let body = serde_json::from_str(envelope.body.get()).map_err(|error| format!("no body: {error}"))?;
    Ok((envelope, body))
}

/// What `init` says, with all extensions on offer.
#[derive(Debug, Serialize)]
pub struct Init<'a> {
    /// Always `init`.
    pub r#type: &'static str,
    /// 1.
    pub msg_id: u64,
    /// The node's own name.
    pub node_id: &'a str,
    /// All nodes.
    pub node_ids: &'a [String],
    /// Which life this is.
    pub incarnation: u32,
    /// All randomness of this life comes from it.
    pub seed: u64,
    /// Indications that are wanted.
    pub observe: &'a [&'a str],
    /// Where to listen, and where the peers are.
    pub transport: Transport<'a>,
}

/// The transport that is on offer: TCP through the proxies.
#[derive(Debug, Serialize)]
pub struct Transport<'a> {
    /// Where to listen; port 0 lets the system choose.
    pub listen: &'static str,
    /// The address to dial for each peer.
    pub peers: BTreeMap<&'a str, String>,
    /// `http` where messages are HTTP requests and responses; lines where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framing: Option<&'static str>,
}

/// A line for a node.
pub fn line(src: &str, dest: &str, body: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Out<'a, B> {
        src: &'a str,
        dest: &'a str,
        body: &'a B,
    }
    let mut bytes = serde_json::to_vec(&Out { src, dest, body }).expect("envelopes are plain data");
    bytes.push(b'\n');
    bytes
}

/// Whether an error code says for certain that the request had no effect (Maelstrom's table).
pub fn is_definite(code: i64) -> bool {
    matches!(code, 1 | 10 | 11 | 12 | 14 | 20 | 21 | 22 | 30)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_reply_is_read_whatever_else_it_carries() {
        let line = br#"{"id":9,"src":"n1","dest":"c1","body":{"in_reply_to":5,"extra":[1],"type":"broadcast_ok"}}"#;
        let (envelope, body) = read(line).unwrap();
        assert_eq!((envelope.dest.as_ref(), body.kind.as_ref(), body.in_reply_to), ("c1", "broadcast_ok", Some(5)));
    }

    #[test]
    fn what_is_no_envelope_is_refused_in_words() {
        for line in ["hello", "{}", "[1]", r#"{"dest":"c1","body":7}"#, r#"{"dest":"c1","body":{}}"#] {
            assert!(read(line.as_bytes()).is_err(), "{line}");
        }
    }
}
