//! Payments: what clients had charged, what they were told, and what stands in the ledger of the payment service in the end.
//!
//! A charge is known by its card and its amount; whoever draws a plan sees to it that no two are the same. Where some are, they
//! are counted together.

use std::collections::BTreeMap;

use serde_json::Value;

use super::faults::Moment;
use crate::op::{Kind, Node};

/// The most lines that are kept of one account for witnesses.
const KEPT: usize = 8;

/// What is charged: a card, and an amount in pence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purchase {
    /// The card.
    pub card: String,
    /// The amount, pence.
    pub amount: u64,
}

/// All that is known of one purchase.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Requests for it.
    pub asked: u64,
    /// Requests that were acknowledged.
    pub acknowledged: u64,
    /// Requests that definitely failed.
    pub failed: u64,
    /// How often it stands in the ledger.
    pub charged: u64,
    /// Whether a fault was in force at some time between a request and its end.
    pub disturbed: bool,
    /// How many faults had begun when the first request was made.
    faults_before: u64,
    /// The first lines about it.
    pub lines: Vec<Line>,
}

/// A line about a purchase.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which line.
    pub at: Moment,
    /// Who wrote it: a client or the server.
    pub who: Who,
    /// What it says.
    pub what: What,
}

/// Who wrote a line about a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A client of the harness, and the node that it speaks to.
    Client(u32, Node),
    /// A node.
    Server(Node),
}

/// What a line about a purchase says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Charge this, by this number.
    Asked(u64),
    /// It is charged.
    Acknowledged(u64),
    /// It has definitely failed.
    Failed(u64),
    /// Nobody knows.
    Unsure(u64),
    /// The ledger has it now, at this position, with this key.
    Charged(u64, Option<String>),
}

/// A reading of the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Which line.
    pub at: Moment,
    /// Who read it.
    pub client: u32,
    /// Whose it is.
    pub server: Node,
}

/// All payments of a history.
#[derive(Debug, Default)]
pub struct Payments {
    /// By purchase.
    pub accounts: BTreeMap<Purchase, Account>,
    /// The last reading of the ledger.
    pub reading: Option<Reading>,
}

impl Account {
    /// How many charges there may be of it: as many as were asked for and have not definitely failed.
    pub fn allowed(&self) -> u64 {
        self.asked.saturating_sub(self.failed)
    }

    fn note(&mut self, line: Line) {
        if self.lines.len() < KEPT {
            self.lines.push(line);
        }
    }
}

impl Payments {
    /// A client asked for a charge, or was answered; `weather` is how many faults have begun, and whether one is in force.
    pub fn request(&mut self, kind: Kind, (at, who): (Moment, Who), (value, weather): (&Value, (u64, bool))) {
        let Some((purchase, number)) = purchase(value).zip(value.get("charge").and_then(Value::as_u64)) else { return };
        let account = self.accounts.entry(purchase).or_default();
        if account.asked == 0 {
            account.faults_before = weather.0;
        }
        account.disturbed |= weather.1 || weather.0 > account.faults_before;
        let what = match kind {
            Kind::Invoke => {
                account.asked += 1;
                What::Asked(number)
            }
            Kind::Ok => {
                account.acknowledged += 1;
                What::Acknowledged(number)
            }
            Kind::Fail => {
                account.failed += 1;
                What::Failed(number)
            }
            Kind::Info => What::Unsure(number),
        };
        account.note(Line { at, who, what });
    }

    /// The server reported a charge. A report that comes again after a start is no second charge.
    pub fn charged(&mut self, (at, server): (Moment, Node), value: &Value) {
        let Some(purchase) = purchase(value) else { return };
        let position = value.get("pos").and_then(Value::as_u64).unwrap_or_default();
        let key = value.get("key").and_then(Value::as_str).map(str::to_owned);
        let account = self.accounts.entry(purchase).or_default();
        let known = |line: &Line| matches!(line.what, What::Charged(known, _) if known == position);
        if !account.lines.iter().any(known) {
            account.note(Line { at, who: Who::Server(server), what: What::Charged(position, key) });
        }
    }

    /// A client has read the ledger; only the last reading counts.
    pub fn read(&mut self, reading: Reading, records: &[Value]) {
        self.accounts.values_mut().for_each(|account| account.charged = 0);
        for purchase in records.iter().filter_map(purchase) {
            self.accounts.entry(purchase).or_default().charged += 1;
        }
        self.reading = Some(reading);
    }
}

/// The card and the amount that a value names.
fn purchase(value: &Value) -> Option<Purchase> {
    let card = value.get("card")?.as_str()?.to_owned();
    Some(Purchase { card, amount: value.get("amount")?.as_u64()? })
}
