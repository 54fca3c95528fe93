//! The payment service: charges cards, and keeps a ledger of it on stable storage.
//!
//! ```text
//! on receiving (CHARGE, call, key, card, amount) from client c do
//!     if the card is declined then send (DECLINED, call) to c
//!     else if key is known then send (CHARGED, call) to c        // it is done already
//!     else
//!         append (key, card, amount) to the ledger               // one record: both or neither survive
//!         send (CHARGED, call) to c
//! ```

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{CallId, Message, Mode};
use crate::bugs::Bug;
use crate::indication::Indication;
use crate::layer::Context;

/// The card that the bank always declines.
const DECLINED: &str = "4000 0000 0000 0002";

/// A charge, as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The idempotency key of the call, if it had one.
    pub key: Option<String>,
    /// The card.
    pub card: String,
    /// The amount, pence.
    pub amount: u64,
}

/// The server's state.
#[derive(Debug)]
pub struct Server {
    mode: Mode,
    ledger: Vec<Record>,
    keys: BTreeSet<String>,
}

impl Server {
    /// A server that has charged nothing yet.
    pub fn new(mode: Mode) -> Self {
        Self { mode, ledger: Vec::new(), keys: BTreeSet::new() }
    }

    /// Everything that was ever charged.
    pub fn ledger(&self) -> &[Record] {
        &self.ledger
    }

    /// A call has come; `None` leaves it without an answer.
    pub fn charge(
        &mut self,
        (call, key): (CallId, Option<String>),
        (card, amount): (String, u64),
        cx: &mut Context<'_>,
    ) -> Option<Message> {
        if card == DECLINED && !cx.bug(Bug::ChargesDeclinedCard) {
            return Some(Message::Declined { call });
        }
        let known = key.as_ref().is_some_and(|key| self.keys.contains(key));
        if known {
            return (!cx.bug(Bug::SilentOnRepeat)).then_some(Message::Charged { call });
        }
        let declined = card == DECLINED;
        let amount = if cx.bug(Bug::TruncatesPence) { (amount as f64 / 100.0 * 100.0) as u64 } else { amount };
        self.append(Record { key, card, amount }, cx);
        Some(if declined { Message::Declined { call } } else { Message::Charged { call } })
    }

    fn append(&mut self, record: Record, cx: &mut Context<'_>) {
        let bytes = serde_json::to_vec(&record).expect("a record is plain data");
        if cx.bug(Bug::AnswersBeforeStored) && self.ledger.len() % 4 != 3 {
            cx.store_lazily(bytes);
        } else {
            cx.store(bytes);
        }
        if let (Some(key), Mode::MemoryKeys | Mode::DurableKeys) = (&record.key, self.mode) {
            self.keys.insert(key.clone());
        }
        self.ledger.push(record);
        self.report(self.ledger.len() - 1, cx);
    }

    /// The ledger is read from stable storage. With keys in memory only, none is known any more.
    pub fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        for bytes in records {
            let record: Record = serde_json::from_slice(bytes).expect("a record is as this layer wrote it");
            if self.mode == Mode::DurableKeys && !cx.bug(Bug::KeysForgotten) {
                self.keys.extend(record.key.clone());
            }
            self.ledger.push(record);
            // The report of it may have been lost with the life that wrote it.
            self.report(self.ledger.len() - 1, cx);
        }
    }

    fn report(&self, at: usize, cx: &mut Context<'_>) {
        let Record { key, card, amount } = self.ledger[at].clone();
        cx.indicate(Indication::Charged { pos: at as u64 + 1, key, card, amount });
    }
}
