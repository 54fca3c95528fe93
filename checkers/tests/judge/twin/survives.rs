//! Survives: every exit that no kill explains, and every misdeed.

use super::Past;
use super::past::{f, node};

pub fn survives(past: &Past) -> Vec<Option<u16>> {
    let exits = past.nodes().into_iter().flat_map(|p| past.exits(p)).filter(|(_, killed)| !killed);
    let misdeeds = past.at(|op| node(op).is_some() && ["silent", "nonsense", "flood", "breach"].contains(&f(op)));
    exits.map(|_| None).chain(misdeeds.into_iter().map(|_| None)).collect()
}
