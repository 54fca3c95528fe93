//! The lines of an answer under a virtual clock: told apart by their bytes where they are as temblor's own nodes write them, and
//! by a JSON parser where not. Bodies for peers are not looked into.

use serde_json::Value;
use serde_json::value::RawValue;

use super::cluster::Said;
use crate::processes::{Body, CONTROLLER, Envelope, INDICATION_MAX, read_envelope};

/// What a line says.
pub enum Line<'a, B> {
    /// The answer ends here.
    Idle {
        /// Which input was answered.
        input: u64,
        /// When the node wants to be woken, ns.
        wake: Option<u64>,
    },
    /// A frame for a peer.
    Frame {
        /// The peer's position.
        to: usize,
        /// The frame key.
        key: String,
        /// The body's JSON.
        body: &'a [u8],
    },
    /// Something for a client or an observer, or nonsense.
    Said(Said<B>),
    /// An answer for the controller.
    Init(Introduction),
    /// What would be `idle` but for this.
    NoIdle(&'static str),
}

/// What a node made of `init`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Introduction {
    /// It lives by the virtual clock.
    Virtual {
        /// Whether it will report its syncs.
        reports_syncs: bool,
    },
    /// It took `init`, and lives by its machine's clock.
    Real,
    /// It did not take it: why.
    Refused(String),
    /// It answered something else.
    Other,
}

/// So much of a line of nonsense is shown, bytes.
const SHOWN: usize = 200;

/// As much of a line as is shown where it does not belong.
pub fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(SHOWN)]).into_owned()
}

/// Reads one line of a node; `names` are all nodes'.
pub fn read<'a, B>(line: &'a [u8], names: &[String]) -> Line<'a, B> {
    let line = line.trim_ascii();
    let nonsense = |why: String| Line::Said(Said::Nonsense(shown(line), why));
    if let Some((dest, key, body)) = canonical(line)
        && let Some(to) = names.iter().position(|name| name.as_bytes() == dest)
    {
        return match std::str::from_utf8(key) {
            Ok(key) => Line::Frame { to, key: key.to_owned(), body },
            Err(_) => nonsense("a key that is no text".to_owned()),
        };
    }
    match read_envelope(line) {
        Ok((envelope, body)) => told(&envelope, &body, (names, line)).unwrap_or_else(nonsense),
        Err(why) => nonsense(why),
    }
}

fn told<'a, B>(
    envelope: &Envelope<'a>,
    body: &Body<'_>,
    (names, line): (&[String], &'a [u8]),
) -> Result<Line<'a, B>, String> {
    match envelope.dest.as_ref() {
        "observer" => indication(envelope, body),
        CONTROLLER => Ok(Line::Init(introduction(envelope, body))),
        dest => {
            if let Some(to) = names.iter().position(|name| name == dest) {
                let raw = envelope.body.get().as_bytes();
                let key = key_of(line, raw);
                return Ok(Line::Frame { to, key, body: raw });
            }
            let client = dest.strip_prefix('c').and_then(|number| number.parse().ok());
            let client = client.ok_or_else(|| format!("an envelope for {dest}, which is nobody here"))?;
            Ok(Line::Said(reply(client, body, envelope.body)))
        }
    }
}

fn introduction(envelope: &Envelope<'_>, body: &Body<'_>) -> Introduction {
    #[derive(Default, serde::Deserialize)]
    struct Clocked {
        #[serde(default)]
        clock: Option<String>,
        #[serde(default)]
        observe: Vec<String>,
    }
    match body.kind.as_ref() {
        "init_ok" => {
            let clocked: Option<Clocked> = serde_json::from_str(envelope.body.get()).ok();
            let Clocked { clock, observe } = clocked.unwrap_or_default();
            match clock.as_deref() {
                Some("virtual") => Introduction::Virtual { reports_syncs: observe.iter().any(|f| f == "synced") },
                _ => Introduction::Real,
            }
        }
        "error" => {
            let (code, text) = (body.code.unwrap_or(0), body.text.as_deref().unwrap_or("no text"));
            Introduction::Refused(format!("refused init (code {code}: {text})"))
        }
        _ => Introduction::Other,
    }
}

fn reply<B>(client: u32, body: &Body<'_>, raw: &RawValue) -> Said<B> {
    let in_reply_to = body.in_reply_to.unwrap_or(0);
    let kind = body.kind.as_ref();
    match kind {
        "broadcast_ok" | "charge_ok" => Said::Done { client, in_reply_to },
        "read_ok" | "echo_ok" | "generate_ok" => {
            let body = serde_json::from_str(raw.get()).unwrap_or_default();
            Said::Told { client, in_reply_to, kind: kind.to_owned(), body }
        }
        "error" => {
            let (code, text) = (body.code.unwrap_or(0), body.text.as_deref().unwrap_or("").to_owned());
            Said::Refused { client, in_reply_to, code, text }
        }
        kind => Said::Unexpected { client, in_reply_to, kind: kind.to_owned() },
    }
}

fn indication<'a, B>(envelope: &Envelope<'_>, body: &Body<'_>) -> Result<Line<'a, B>, String> {
    if envelope.body.get().len() > INDICATION_MAX {
        return Err("an indication that is too long".to_owned());
    }
    let value = || -> Value {
        let mut value: Value = serde_json::from_str(envelope.body.get()).unwrap_or_default();
        value.as_object_mut().map(|body| body.shift_remove("type"));
        value
    };
    let said = match (body.kind.as_ref(), body.message, body.term) {
        ("idle", ..) => {
            return Ok(idle(&value()));
        }
        ("broadcast", Some(message), _) => Said::Broadcast(message),
        ("deliver", Some(message), _) => Said::Deliver(message, body.pos),
        ("leader", _, Some(term)) => Said::Leader(term),
        ("broadcast" | "deliver" | "leader", ..) => return Err("an indication without its number".to_owned()),
        (kind, ..) => Said::Indication(kind.to_owned(), value()),
    };
    Ok(Line::Said(said))
}

/// `wake` may be left out, as `null`; what is there and no time is a wish that would never be granted.
fn idle<'a, B>(body: &Value) -> Line<'a, B> {
    let Some(input) = body.get("input").and_then(Value::as_u64) else {
        return Line::NoIdle("idle without the number of its input");
    };
    match body.get("wake") {
        None | Some(Value::Null) => Line::Idle { input, wake: None },
        Some(wake) => match wake.as_u64() {
            Some(wake) => Line::Idle { input, wake: Some(wake) },
            None => Line::NoIdle("idle with a wake that is neither null nor whole nanoseconds"),
        },
    }
}

/// The parts of a line as temblor's own nodes write it: `{"src":"n1","dest":"n2","key":"relay/17","body":{...}}`.
fn canonical(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (_, rest) = quoted(line.strip_prefix(br#"{"src":"#)?)?;
    let (dest, rest) = quoted(rest.strip_prefix(br#","dest":"#)?)?;
    let (key, rest) = quoted(rest.strip_prefix(br#","key":"#)?)?;
    let body = rest.strip_prefix(br#","body":"#)?.strip_suffix(b"}")?;
    Some((dest, key, body))
}

/// A string in quotes without escapes, and what follows it.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', text)?;
    (text[end] == b'"').then(|| (&text[..end], &text[end + 1..]))
}

/// The envelope's key, or where it has none a hash of its body.
fn key_of(line: &[u8], body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Keyed {
        #[serde(default)]
        key: Option<String>,
    }
    let keyed: Option<Keyed> = serde_json::from_slice(line).ok();
    let hash = || format!("{:016x}", temblor_workloads::chance::of_bytes(body));
    keyed.and_then(|keyed| keyed.key).unwrap_or_else(hash)
}
