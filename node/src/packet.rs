//! Packets: what layers hand to each other, and what leaves a node.
//!
//! A layer wraps what the layer above gave it and passes it on unread (encapsulation). The application's own payload is
//! the bare number of a message, so on the wire a FIFO message over eager broadcast over reliable links is
//!
//! ```json
//! {"type":"data","seq":3,"m":{"type":"relay","sender":"n1","seq":2,"m":{"type":"fifo","sender":"n1","seq":2,"m":17}}}
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The name of a protocol step: `relay/17`, `ack/relay/17`. A retransmission has the same key again. Faults that strike with
/// some chance decide by it, so it must not depend on how many frames came before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(Arc<str>);

impl Key {
    /// The key of this step for this message of the application.
    pub fn new(step: &str, message: u64) -> Self {
        Self(format!("{step}/{message}").into())
    }

    /// The key of this step of a protocol that counts: `append/3/17` is of term 3, up to index 17.
    pub fn of(step: &str, subject: &[u64]) -> Self {
        let key = subject.iter().fold(step.to_owned(), |key, number| format!("{key}/{number}"));
        Self(key.into())
    }

    /// A key that came over the wire.
    pub fn from_wire(text: &str) -> Self {
        Self(text.into())
    }

    /// The key of the acknowledgement of a frame with this key.
    pub fn ack(&self) -> Self {
        Self(format!("ack/{}", self.0).into())
    }

    /// The key of the same message in another step: `send/17` becomes `relay/17`.
    pub fn step(&self, step: &str) -> Self {
        let message = self.0.rsplit('/').next().unwrap_or_default();
        Self(format!("{step}/{message}").into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A piece of JSON that is carried unread. A copy is cheap.
#[derive(Clone, Debug)]
pub struct Payload(Arc<RawValue>);

impl Payload {
    /// Encodes a layer's message.
    pub fn encode(message: &impl Serialize) -> Self {
        let raw = serde_json::value::to_raw_value(message).expect("a layer's messages are plain data");
        Self(raw.into())
    }

    /// A piece of JSON that came over the wire.
    pub fn from_wire(raw: &RawValue) -> Self {
        Self(raw.to_owned().into())
    }

    /// Reads a layer's message, borrowing from this payload.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }

    /// The JSON itself.
    pub fn raw(&self) -> &RawValue {
        &self.0
    }
}

/// What a layer hands to its neighbour: a payload, and the name of the step that it belongs to.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The name of the step.
    pub key: Key,
    /// What is carried.
    pub payload: Payload,
}

impl Packet {
    /// The packet with which the application asks to broadcast a message.
    pub fn application(message: u64) -> Self {
        Self { key: Key::new("send", message), payload: Payload::encode(&message) }
    }

    /// A packet with the same key and another payload.
    pub fn carrying(&self, message: &impl Serialize) -> Self {
        Self { key: self.key.clone(), payload: Payload::encode(message) }
    }
}
