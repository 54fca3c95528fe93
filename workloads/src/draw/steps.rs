//! The steps of the bundled algorithms: how the frames are called that carry a message.
//!
//! A story that waits for a frame has to know its key. Of a system that is not in the table nothing is known, nor where it
//! depends on the run who sends what to whom (gossip, a leader), and its stories wait for deliveries only.

use crate::setting::Setting;

/// What is known of an algorithm's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    /// The frame with message 17 has the key `<data>/17`.
    pub data: &'static str,
    /// Whether receivers pass on what they receive, in frames with the same key.
    pub relays: bool,
    /// Whether receivers acknowledge, and senders send again.
    pub acknowledges: bool,
}

const SENT_ONCE: Steps = Steps { data: "send", relays: false, acknowledges: false };
const SENT_AGAIN: Steps = Steps { data: "send", relays: false, acknowledges: true };
const RELAYED: Steps = Steps { data: "relay", relays: true, acknowledges: true };
const STAMPED: Steps = Steps { data: "message", relays: false, acknowledges: true };

/// The steps of the system under test, if it is a bundled one. FIFO and causal order add no step to the layer below.
pub(super) fn of(setting: &Setting) -> Option<Steps> {
    let below = setting.over.as_deref().unwrap_or("eager");
    let name = if ["fifo", "causal"].contains(&setting.algorithm.as_str()) { below } else { &setting.algorithm };
    match name {
        "best-effort" => Some(SENT_ONCE),
        "retransmit" => Some(SENT_AGAIN),
        "eager" | "eager-uniform" => Some(RELAYED),
        "total-lamport" => Some(STAMPED),
        _ => None,
    }
}
