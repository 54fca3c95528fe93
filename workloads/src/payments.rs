//! Payments: what a client of the lectures' online shop has charged.

use serde::Serialize;

/// A charge, as a node is asked for it: `{"charge":17,"card":"4000 0000 0000 0028","amount":117}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Charge {
    /// Its number in the plan.
    pub charge: u64,
    /// The card.
    pub card: &'static str,
    /// The amount, pence.
    pub amount: u64,
}

/// A card that is always declined.
pub const DECLINED: &str = "4000 0000 0000 0002";
/// All cards.
const CARDS: [&str; 7] = [
    "4000 0000 0000 0010",
    "4000 0000 0000 0028",
    "4000 0000 0000 0036",
    "4000 0000 0000 0044",
    "4000 0000 0000 0051",
    "4000 0000 0000 0069",
    DECLINED,
];
/// What the cheapest thing costs, pence.
const CHEAPEST: u64 = 100;

impl Charge {
    /// The charge of this number. No two have the same amount, so a charge is known by its card and amount wherever it turns up.
    pub fn of(number: u64) -> Self {
        let card = CARDS[(number % CARDS.len() as u64) as usize];
        Self { charge: number, card, amount: CHEAPEST.saturating_add(number) }
    }
}
