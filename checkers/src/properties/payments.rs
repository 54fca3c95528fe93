//! Remote procedure calls: what the payment service charged, against what its clients were told.
//!
//! The ledger is read once all is healed and drained. Birrell and Nelson 1984 and Spector 1982 name the semantics of calls by how
//! often one takes effect; the lectures ask whether it is safe to retry.
//!
//! - At most once: a charge stands in the ledger no more often than it was asked for.
//! - Acknowledged: what a client was told is charged is charged. With the first, that is exactly once.
//! - Failed: what a client was told has definitely failed is not charged.
//! - Nothing invented: what is charged was asked for.

use crate::ledger::payments::{Account, Line, Purchase, Reading, What, Who};
use crate::op::Node;
use crate::proof::{Point, Proof};
use crate::property::{Ending, Finding, Property};
use crate::tally::{Rank, Tally};

/// One of the four: what is wrong with an account, and what counts as an occasion.
struct Payments {
    shape: &'static str,
    is_wrong: fn(&Account) -> bool,
    exercises: fn(&Account) -> bool,
}

/// A checker of at-most-once.
pub fn at_most_once() -> Box<dyn Property> {
    Box::new(Payments {
        shape: "charged-again",
        is_wrong: |account| account.allowed() > 0 && account.charged > account.allowed(),
        exercises: |account| account.allowed() > 0 && account.disturbed,
    })
}

/// A checker of what was acknowledged.
pub fn acknowledged() -> Box<dyn Property> {
    Box::new(Payments {
        shape: "not-charged",
        is_wrong: |account| account.charged < account.acknowledged,
        exercises: |account| account.acknowledged > 0 && account.disturbed,
    })
}

/// A checker of what failed.
pub fn failed() -> Box<dyn Property> {
    Box::new(Payments {
        shape: "charged-though-failed",
        is_wrong: |account| account.asked > 0 && account.allowed() == 0 && account.charged > 0,
        exercises: |account| account.failed > 0,
    })
}

/// A checker of what nobody asked for.
pub fn invented() -> Box<dyn Property> {
    Box::new(Payments {
        shape: "invented",
        is_wrong: |account| account.asked == 0 && account.charged > 0,
        exercises: |account| account.charged > 0,
    })
}

impl Property for Payments {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let payments = &end.ledger.payments;
        let mut tally = Tally::new();
        let Some(reading) = payments.reading else {
            let asked = payments.accounts.values().any(|account| account.asked > 0);
            let unknown = asked.then(|| "nobody has read what was charged".to_owned());
            return Finding { unknown, ..Finding::of_safety(tally, 0) };
        };
        for (purchase, account) in payments.accounts.iter().filter(|(_, account)| (self.is_wrong)(account)) {
            let order = account.lines.first().map_or(u64::MAX, |line| line.at.index);
            tally.add(None, (Rank::First, order), || proof(self.shape, (purchase, account), (reading, end)));
        }
        let exercised = payments.accounts.values().filter(|account| (self.exercises)(account)).count();
        Finding::of_safety(tally, exercised as u64)
    }
}

fn proof(
    shape: &'static str,
    (purchase, account): (&Purchase, &Account),
    (reading, end): (Reading, &Ending<'_>),
) -> Proof {
    let server = end.name(reading.server);
    let of = money(purchase);
    let charge = requests(account, end);
    let (times, stands) = (often(account.charged), format!("{server} has charged {of}"));
    let sentence = match shape {
        "charged-again" => format!("{stands} {times}, for {charge}"),
        "not-charged" if account.charged == 0 => {
            format!("{charge} was acknowledged, and {server} has not charged {of}")
        }
        "not-charged" => format!("{charge} were acknowledged, and {server} has charged {of} only {times}"),
        "charged-though-failed" => format!("{charge} failed, and {stands}"),
        _ => format!("{stands}, and nobody asked for that"),
    };
    let mut points: Vec<Point> = account.lines.iter().map(|line| point(line, purchase, end)).collect();
    let what = format!("reads the ledger of {server}");
    points.push(Point::known(reading.at, (&format!("client {}", reading.client), what), format!("{of}: {times}")));
    let mut nodes = vec![reading.server];
    nodes.extend(account.lines.iter().filter_map(client));
    nodes.dedup();
    let numbers = account.lines.iter().filter_map(|line| match line.what {
        What::Asked(number) => Some(number),
        _ => None,
    });
    Proof { sentence, points, nodes, messages: numbers.collect(), shape, consequence_of: None }
}

/// The requests for a purchase, by number: `charge 17 of n2`.
fn requests(account: &Account, end: &Ending<'_>) -> String {
    let asked = account.lines.iter().filter_map(|line| match (&line.what, line.who) {
        (What::Asked(number), Who::Client(_, node)) => Some(format!("charge {number} of {}", end.name(node))),
        _ => None,
    });
    let asked: Vec<String> = asked.collect();
    if asked.is_empty() { "a charge".to_owned() } else { asked.join(" and ") }
}

fn client(line: &Line) -> Option<Node> {
    match line.who {
        Who::Client(_, node) => Some(node),
        Who::Server(_) => None,
    }
}

fn point(line: &Line, purchase: &Purchase, end: &Ending<'_>) -> Point {
    let process = match line.who {
        Who::Client(number, _) => format!("client {number}"),
        Who::Server(node) => end.name(node).to_owned(),
    };
    let node = client(line).map_or("", |node| end.name(node));
    let of = money(purchase);
    let (what, fact) = match &line.what {
        What::Asked(number) => (format!("asks {node} for charge {number}"), of),
        What::Acknowledged(number) => (format!("is told ok by {node} for charge {number}"), "it is charged".to_owned()),
        What::Failed(number) => {
            (format!("is told by {node} that charge {number} failed"), "it never happens".to_owned())
        }
        What::Unsure(number) => (format!("has no answer about charge {number}"), "it may have happened".to_owned()),
        What::Charged(position, key) => {
            let key = key.as_ref().map_or("without a key".to_owned(), |key| format!("with the key {key}"));
            (format!("charges {of}"), format!("record {position}, {key}"))
        }
    };
    Point::known(line.at, (&process, what), fact)
}

/// `117p on card 4000 0000 0000 0028`.
fn money(Purchase { card, amount }: &Purchase) -> String {
    format!("{amount}p on card {card}")
}

fn often(times: u64) -> String {
    match times {
        0 => "not at all".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        times => format!("{times} times"),
    }
}
