//! Payments: what was asked for, answered and charged, asked of the whole list.

use serde_json::Value;
use temblor_checkers::op::{Event, Kind, Op, Process};

use super::Past;

type Purchase = (String, u64);

fn purchase(value: &Value) -> Purchase {
    (value["card"].as_str().unwrap().to_owned(), value["amount"].as_u64().unwrap())
}

/// How often a client's charge of this purchase came to this.
fn requests(past: &Past, of: &Purchase, kind: Kind) -> usize {
    past.ops.iter().filter(|op| op.kind == kind && charge(op).as_ref() == Some(of)).count()
}

fn charge(op: &Op) -> Option<Purchase> {
    match (op.process, &op.event) {
        (Process::Client(_), Event::Other(other)) if other.f == "charge" => Some(purchase(&other.value)),
        _ => None,
    }
}

/// The records of the last reading.
pub fn ledger(past: &Past) -> Option<Vec<Purchase>> {
    let mut readings = past.ops.iter().filter_map(|op| match (op.process, op.kind, &op.event) {
        (Process::Client(_), Kind::Ok, Event::Other(other)) if other.f == "ledger" => Some(&other.value["ledger"]),
        _ => None,
    });
    readings.next_back().map(|ledger| ledger.as_array().unwrap().iter().map(purchase).collect())
}

/// Whether anybody asked for a charge.
pub fn asked(past: &Past) -> bool {
    past.ops.iter().any(|op| op.kind == Kind::Invoke && charge(op).is_some())
}

/// The purchases for which this holds of: asked, acknowledged, failed, charged.
fn where_true(past: &Past, holds: impl Fn([usize; 4]) -> bool) -> Vec<Option<u16>> {
    let Some(ledger) = ledger(past) else { return Vec::new() };
    let mut all: Vec<Purchase> = past.ops.iter().filter_map(charge).chain(ledger.iter().cloned()).collect();
    all.sort();
    all.dedup();
    let of = |p: &Purchase| {
        let [asked, ok, failed] = [Kind::Invoke, Kind::Ok, Kind::Fail].map(|kind| requests(past, p, kind));
        [asked, ok, failed, ledger.iter().filter(|record| *record == p).count()]
    };
    all.iter().filter(|p| holds(of(p))).map(|_| None).collect()
}

pub fn at_most_once(past: &Past) -> Vec<Option<u16>> {
    where_true(past, |[asked, _, failed, charged]| asked > failed && charged > asked - failed)
}

pub fn acknowledged(past: &Past) -> Vec<Option<u16>> {
    where_true(past, |[_, ok, _, charged]| charged < ok)
}

pub fn failed(past: &Past) -> Vec<Option<u16>> {
    where_true(past, |[asked, _, failed, charged]| asked > 0 && failed >= asked && charged > 0)
}

pub fn invented(past: &Past) -> Vec<Option<u16>> {
    where_true(past, |[asked, _, _, charged]| asked == 0 && charged > 0)
}
