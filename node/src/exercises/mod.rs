//! Maelstrom's first exercises, as systems like any other: what nodes are asked and answer, without a word about deliveries.
//! Somebody else's node is judged by them as it is; these are temblor's own, and what they are compared with.

pub mod echo;
pub mod ids;
pub mod shelf;
