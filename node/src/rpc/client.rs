//! The client's stub: sends a call, and waits for the result.
//!
//! ```text
//! on request to charge (card, amount) do
//!     key := a name that no other call has
//!     calls := calls ∪ {(call, key, card, amount)}
//!     send (CHARGE, call, key, card, amount) to the server
//! on receiving (CHARGED, call) do
//!     calls := calls − {call}; answer: it is charged
//! on receiving (DECLINED, call) do
//!     calls := calls − {call}; answer: it is not, and never will be
//! periodically, for each call of which nothing was heard for a while, do
//!     send it again                       // with the same key
//!     in the mode no-retry instead: calls := calls − {call}; answer: nobody knows
//! ```
//!
//! However often a call is repeated, the application need not wait: it gives up when it likes, and knows nothing then.

use std::collections::BTreeMap;

use super::{CallId, Charge, Message, Mode, server};
use crate::bugs::Bug;
use crate::layer::{Context, Nanos, To};
use crate::packet::{Key, Packet, Payload};

/// How often the client looks for calls without an answer, ns.
const LOOK: Nanos = 50_000_000;
/// A call without an answer is sent again after this time, ns.
const RETRY: Nanos = 200_000_000;
/// Who does not retry gives a call up after this time, ns.
const GIVE_UP: Nanos = 1_000_000_000;
/// The timer of [`LOOK`].
const TIMER: u32 = 0;

/// Calls that have no answer yet.
#[derive(Debug)]
pub struct Client {
    mode: Mode,
    made: u64,
    calls: BTreeMap<CallId, Call>,
}

#[derive(Debug)]
struct Call {
    charge: Charge,
    key: Option<String>,
    sent: Nanos,
}

impl Client {
    /// A client that has called nobody yet.
    pub fn new(mode: Mode) -> Self {
        Self { mode, made: 0, calls: BTreeMap::new() }
    }

    /// The client's life begins.
    pub fn start(&mut self, cx: &mut Context<'_>) {
        cx.timer(TIMER, LOOK);
    }

    /// A call that is to be sent to the server.
    pub fn call(&mut self, charge: Charge, cx: &mut Context<'_>) -> Packet {
        self.made += 1;
        // An answer to an earlier life of this client must not be taken for one to this life.
        let life = if cx.bug(Bug::CallNumbersReused) { 1 } else { cx.identity.incarnation };
        let call = CallId(life, self.made);
        let has_key = matches!(self.mode, Mode::MemoryKeys | Mode::DurableKeys);
        let key = has_key.then(|| format!("{}/{}/{}", cx.me(), cx.identity.incarnation, self.made));
        let waiting = Call { charge, key, sent: cx.now };
        let packet = waiting.packet(call);
        self.calls.insert(call, waiting);
        packet
    }

    /// The server has charged it.
    pub fn charged(&mut self, call: CallId, cx: &mut Context<'_>) {
        if let Some(Call { charge, .. }) = self.calls.remove(&call) {
            cx.done(charge.charge);
        }
    }

    /// The server has refused it.
    pub fn declined(&mut self, call: CallId, cx: &mut Context<'_>) {
        if let Some(Call { charge, .. }) = self.calls.remove(&call) {
            cx.refuse(charge.charge, "the card is declined");
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, cx: &mut Context<'_>) {
        cx.timer(TIMER, LOOK);
        if self.mode == Mode::NoRetry || cx.bug(Bug::TimeoutIsFailure) {
            return self.give_up(cx);
        }
        let now = cx.now;
        for (number, call) in self.calls.iter_mut().filter(|(_, call)| now >= call.sent + RETRY) {
            call.sent = now;
            if cx.bug(Bug::RetryWithNewKey) {
                call.key = call.key.take().map(|key| format!("{key}/{now}"));
            }
            cx.send(To::One(server(cx)), call.packet(*number));
        }
    }

    /// Of a call that is given up nobody knows whether it took effect.
    fn give_up(&mut self, cx: &mut Context<'_>) {
        let old: Vec<CallId> =
            self.calls.iter().filter(|(_, call)| cx.now >= call.sent + GIVE_UP).map(|(number, _)| *number).collect();
        for number in old {
            let Some(Call { charge, .. }) = self.calls.remove(&number) else { continue };
            if cx.bug(Bug::TimeoutIsFailure) {
                cx.refuse(charge.charge, "no answer from the server");
            } else {
                cx.give_up(charge.charge, "no answer from the server");
            }
        }
    }
}

impl Call {
    fn packet(&self, call: CallId) -> Packet {
        let Charge { charge, card, amount } = self.charge.clone();
        let message = Message::Charge { call, key: self.key.clone(), card, amount };
        Packet { key: Key::new("charge", charge), payload: Payload::encode(&message) }
    }
}
