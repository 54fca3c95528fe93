//! What clients were told of charges, beside what the ledger has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use temblor_checkers::op::{Kind, Names, Node, Other};

use super::{Table, TableRow};

/// So many charges are remembered; the oldest give way.
const KEPT: usize = 65_536;

/// One charge.
#[derive(Clone, Debug, Default)]
struct Charge {
    node: String,
    card: String,
    amount: u64,
    told: &'static str,
}

/// One record of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    node: usize,
    pos: u64,
    key: String,
}

/// Charges while a history is read.
#[derive(Debug, Default)]
pub struct Payments {
    charges: BTreeMap<u64, Charge>,
    /// By card and amount.
    records: BTreeMap<(String, u64), Vec<Record>>,
}

impl Payments {
    /// Takes a line of a client.
    pub fn asked(&mut self, kind: Kind, other: &Other) {
        let text = |key: &str| other.value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |key: &str| other.value.get(key).and_then(Value::as_u64);
        let (true, Some(charge)) = (other.f == "charge", number("charge")) else { return };
        if self.charges.len() >= KEPT {
            self.charges.pop_first();
        }
        let entry = self.charges.entry(charge).or_default();
        *entry = Charge {
            node: text("node"),
            card: text("card"),
            amount: number("amount").unwrap_or_default(),
            told: match kind {
                Kind::Invoke => "nothing",
                Kind::Ok => "charged",
                Kind::Fail => "failed",
                Kind::Info => "unknown",
            },
        };
    }

    /// Takes a record of a ledger.
    pub fn charged(&mut self, node: Node, other: &Other) {
        let text = |key: &str| other.value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |key: &str| other.value.get(key).and_then(Value::as_u64).unwrap_or_default();
        if other.f == "charged" && self.records.len() < KEPT {
            let records = self.records.entry((text("card"), number("amount"))).or_default();
            records.push(Record { node: node.at(), pos: number("pos"), key: text("key") });
        }
    }

    /// The charges of these numbers; `None` where there are none.
    pub fn table(&self, named: &BTreeSet<u64>, names: &Names) -> Option<Table> {
        let name = |node: usize| names.iter().nth(node).map_or_else(String::new, |(_, name)| name.to_owned());
        let row = |number: &u64| {
            let charge = self.charges.get(number)?;
            let records = self.records.get(&(charge.card.clone(), charge.amount));
            let records: BTreeSet<&Record> = records.into_iter().flatten().collect();
            let listed = records.iter().map(|Record { node, pos, key }| {
                let key = if key.is_empty() { String::new() } else { format!(" (key {key})") };
                format!("{} record {pos}{key}", name(*node))
            });
            let listed = listed.collect::<Vec<_>>().join("; ");
            let ledger = if listed.is_empty() { "no record".to_owned() } else { listed };
            let wrong = matches!((charge.told, records.len()), ("charged", 0) | ("failed", 1..) | (_, 2..));
            let cells = vec![
                number.to_string(),
                format!("{} asked {}: {}p", "client", charge.node, charge.amount),
                charge.told.to_owned(),
                ledger,
            ];
            Some(TableRow { cells, wrong, remark: if wrong { "wrong".to_owned() } else { String::new() } })
        };
        let rows: Vec<TableRow> = named.iter().filter_map(row).collect();
        let head = ["charge", "asked", "client was told", "ledger"].map(str::to_owned).to_vec();
        (!rows.is_empty()).then(|| Table { title: "Answers against the ledger".to_owned(), head, rows })
    }
}
