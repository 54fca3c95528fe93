//! The tolerant path: any JSON object that means an op, with errors in words.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::Value;

use super::Context;
use super::excerpt::{abridged, excerpt};
use crate::header::{FORMAT, Header};
use crate::op::{Event, Kind, MAX_MESSAGE, Message, Op, Other, Process};

/// A line by its keys; unknown ones are ignored.
#[derive(Deserialize)]
struct Line {
    index: Whole,
    time: Whole,
    process: Who,
    #[serde(rename = "type")]
    kind: Type,
    f: String,
    #[serde(default)]
    value: Value,
}

/// A client's number or a name.
enum Who {
    Client(u32),
    Name(String),
}

/// A whole number.
struct Whole(u64);

/// How far an op has come.
struct Type(Kind);

/// Reads a line, without its LF.
pub(super) fn read(line: &[u8], context: &mut Context) -> Result<Op, String> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = text(line)?;
    let line: Line = serde_json::from_str(text).map_err(|error| malformed(&error, text))?;
    let (process, event) = match line.process {
        Who::Client(client) => (Process::Client(client), request(&line.f, line.value, context)?),
        Who::Name(name) if name == "nemesis" => (Process::Nemesis, nemesis(line.f, line.value, context)?),
        Who::Name(name) => {
            let node = context.node(&name)?;
            (Process::Node(node), indication(line.f, line.value)?)
        }
    };
    Ok(Op { index: line.index.0, time: line.time.0, process, kind: line.kind.0, event })
}

/// The line as text, if it can be an object at all.
fn text(line: &[u8]) -> Result<&str, String> {
    if line.starts_with(&[0xEF, 0xBB, 0xBF]) {
        return Err("a byte order mark; a history is UTF-8 without one".to_owned());
    }
    let text = std::str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to();
        format!("not UTF-8: byte 0x{:02x} in column {}: {}", line[at], at + 1, excerpt(line))
    })?;
    match text.trim_start_matches([' ', '\t', '\r']) {
        "" => Err("an empty line; every line is one op".to_owned()),
        object if object.starts_with('{') => Ok(text),
        _ => Err(format!("no op: every line is a JSON object; found {}", excerpt(line))),
    }
}

fn malformed(error: &serde_json::Error, text: &str) -> String {
    let what = error.to_string();
    let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
    format!("no op: {} (column {}): {}", abridged(what), error.column(), excerpt(text.as_bytes()))
}

fn request(f: &str, value: Value, context: &mut Context) -> Result<Event, String> {
    match f {
        "broadcast" => {}
        "charge" | "ledger" => return payment(f, value, context),
        _ => return Ok(other(f.to_owned(), value)),
    }
    let node = value.get("node").and_then(Value::as_str);
    let node =
        node.ok_or_else(|| format!("a client's broadcast needs a node and a message; found {}", json(&value)))?;
    let message = message(value.get("message"), "a client's broadcast")?;
    Ok(Event::Request { node: context.node(node)?, message })
}

/// A client's charge, or its reading of the ledger.
fn payment(f: &str, value: Value, context: &mut Context) -> Result<Event, String> {
    let node = value.get("node").and_then(Value::as_str);
    let node = node.ok_or_else(|| format!("a client's {f} needs a node; found {}", json(&value)))?;
    context.node(node)?;
    let is_text = |key: &str| value.get(key).is_some_and(Value::is_string);
    let is_number = |key: &str| value.get(key).is_some_and(Value::is_u64);
    if f == "charge" && !(is_text("card") && is_number("charge") && is_number("amount")) {
        return Err(format!("a charge needs a charge, a card and an amount; found {}", json(&value)));
    }
    Ok(other(f.to_owned(), value))
}

fn indication(f: String, value: Value) -> Result<Event, String> {
    match f.as_str() {
        "broadcast" => Ok(Event::Broadcast(message(Some(&value), "a node's broadcast")?)),
        "deliver" if value.is_object() => {
            let message = message(value.get("message"), "a delivery")?;
            let pos = u32_in(&value, "pos").and_then(NonZeroU32::new);
            let needed = "a delivery with a position needs pos, a whole number from 1 to 2^32 - 1";
            let pos = pos.ok_or_else(|| format!("{needed}; found {}", json(&value)))?;
            Ok(Event::Deliver { message, pos: Some(pos) })
        }
        "deliver" => Ok(Event::Deliver { message: message(Some(&value), "a delivery")?, pos: None }),
        "start" => {
            let needed = "a start needs an incarnation, a whole number up to 2^32 - 1";
            let incarnation = u32_in(&value, "incarnation");
            let incarnation = incarnation.ok_or_else(|| format!("{needed}; found {}", json(&value)))?;
            Ok(Event::Start { incarnation })
        }
        "leader" => {
            let term = value.get("term").and_then(Value::as_u64);
            let term = term.ok_or_else(|| format!("a leader needs a term, a whole number; found {}", json(&value)))?;
            Ok(Event::Leader { term })
        }
        _ => Ok(other(f, value)),
    }
}

fn nemesis(f: String, value: Value, context: &mut Context) -> Result<Event, String> {
    if f == "run" {
        if context.index > 0 {
            return Err("a second header: \"f\":\"run\" stands in the first line only".to_owned());
        }
        context.begin(header(&value)?)?;
    }
    Ok(other(f, value))
}

fn header(value: &Value) -> Result<Header, String> {
    match value.get("format").and_then(Value::as_u64) {
        Some(format) if format > u64::from(FORMAT) => {
            return Err(format!("format {format} is newer than {FORMAT}, the newest that this temblor reads"));
        }
        Some(1..) => {}
        _ => return Err(format!("the first line has no format version: {}", json(value))),
    }
    Header::deserialize(value).map_err(|error| format!("the first line is no header: {}", abridged(&error.to_string())))
}

fn other(f: String, value: Value) -> Event {
    Event::Other(Box::new(Other { f, value }))
}

fn message(value: Option<&Value>, of: &str) -> Result<Message, String> {
    let found = || value.map_or("none".to_owned(), json);
    let number = value.and_then(Value::as_u64).filter(|number| *number <= MAX_MESSAGE);
    number.ok_or_else(|| format!("{of} needs a message, a whole number up to 2^53 - 1; found {}", found()))
}

fn u32_in(value: &Value, key: &str) -> Option<u32> {
    value.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
}

fn json(value: &Value) -> String {
    excerpt(value.to_string().as_bytes())
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a whole number from 0 to 2^64 - 1")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Whole, E> {
        Ok(Whole(number))
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TypeVisitor)
    }
}

struct TypeVisitor;

impl Visitor<'_> for TypeVisitor {
    type Value = Type;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a type: \"invoke\", \"ok\", \"fail\" or \"info\"")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Type, E> {
        let kind = match word {
            "invoke" => Kind::Invoke,
            "ok" => Kind::Ok,
            "fail" => Kind::Fail,
            "info" => Kind::Info,
            _ => return Err(E::invalid_value(de::Unexpected::Str(word), &self)),
        };
        Ok(Type(kind))
    }
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WhoVisitor)
    }
}

struct WhoVisitor;

impl Visitor<'_> for WhoVisitor {
    type Value = Who;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a process: a client's number, a node's name, or \"nemesis\"")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Who, E> {
        let client = u32::try_from(number);
        client
            .map(Who::Client)
            .map_err(|_| E::custom(format!("a client's number up to 2^32 - 1 was expected, not {number}")))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Who, E> {
        Ok(Who::Name(name.to_owned()))
    }
}
