//! Remote procedure calls: the lectures' online shop, which has a payment service charge its customers' cards.
//!
//! The first node is the server, all others are clients. An application asks a client to charge a card; the client's stub sends
//! the call to the server, and answers once it has the result. What can go wrong is what the lectures ask: the service crashes
//! during the call, a message is lost or delayed, and is it safe to retry? (Kleppmann, lectures, Remote Procedure Calls; Birrell
//! and Nelson 1984, Implementing remote procedure calls.)
//!
//! | mode | the client | the server | a charge that was acknowledged |
//! | --- | --- | --- | --- |
//! | no-retry | sends a call once | charges whatever comes | at least once: links may double frames |
//! | retry | sends it again and again | charges whatever comes | at least once |
//! | memory-keys | the same, with an idempotency key | charges a key once a life | once, if the server did not crash |
//! | durable-keys | the same | charges a key once for good | exactly once |

mod client;
mod server;

use serde::{Deserialize, Serialize};

use client::Client;
pub use server::Record;
use server::Server;

use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// What is done so that a call takes effect exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    NoRetry,
    /// Calls are repeated.
    Retry,
    /// Repeated calls are known by their keys, which the server keeps in memory.
    MemoryKeys,
    /// The key is a part of the record of the charge, on stable storage.
    DurableKeys,
}

/// What the application asks a client for: `{"charge":17,"card":"4000 0000 0000 0028","amount":117}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The application's number of the request.
    pub charge: u64,
    /// The card.
    pub card: String,
    /// The amount, pence.
    pub amount: u64,
}

/// A call of a client: which of the client's lives, and which of its calls, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct CallId(u32, u64);

/// What client and server send each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Message {
    /// The call: charge this card.
    Charge {
        /// Tells the answer to this call from that to another, as a connection would.
        call: CallId,
        /// The idempotency key: calls with the same key are one. Absent where there are none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        card: String,
        amount: u64,
    },
    /// The result: it is charged.
    Charged { call: CallId },
    /// The result: the card is declined, and nothing was charged.
    Declined { call: CallId },
}

/// The stub of a client, or the server.
#[derive(Debug)]
pub struct Rpc {
    client: Client,
    server: Server,
}

impl Rpc {
    /// Calls in this mode.
    pub fn new(mode: Mode) -> Self {
        Self { client: Client::new(mode), server: Server::new(mode) }
    }
}

/// The server: the first node.
fn server(cx: &Context<'_>) -> NodeId {
    cx.identity.nodes[0]
}

impl Layer for Rpc {
    fn start(&mut self, cx: &mut Context<'_>) {
        self.client.start(cx);
    }

    /// The application has something to charge. One that runs on the server's node calls it without a network.
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        let me = cx.me();
        let Some(charge) = cx.read::<Charge>(me, &packet) else { return };
        let call = self.client.call(charge, cx);
        if me == server(cx) {
            self.receive(me, call, cx);
        } else {
            cx.send(To::One(server(cx)), call);
        }
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let result = match cx.read(from, &packet) {
            None => return,
            Some(Message::Charged { call }) => return self.client.charged(call, cx),
            Some(Message::Declined { call }) => return self.client.declined(call, cx),
            Some(Message::Charge { call, key, card, amount }) => self.server.charge((call, key), (card, amount), cx),
        };
        let Some(result) = result else { return };
        let answer = Packet { key: packet.key.step("charged"), payload: Payload::encode(&result) };
        if from == cx.me() {
            self.receive(from, answer, cx);
        } else {
            cx.send(To::One(from), answer);
        }
    }

    fn timeout(&mut self, _: u32, cx: &mut Context<'_>) {
        self.client.tick(cx);
    }

    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        self.server.recover(records, cx);
    }

    fn answers_later(&self) -> bool {
        true
    }

    /// The ledger.
    fn read(&self) -> Option<(&'static str, Payload)> {
        Some(("ledger", Payload::encode(&self.server.ledger())))
    }

    fn takes(&self, kind: &str) -> bool {
        kind == "charge"
    }
}
