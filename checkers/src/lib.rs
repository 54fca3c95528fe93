//! Histories of distributed systems, and what they prove.
//!
//! A history ([`op`], [`header`]) is the only input of a checker, and a [`verdict`] its only output. This crate does no IO
//! and shares no code with the nodes that it judges.

pub mod check;
mod flight;
pub mod header;
pub mod judge;
mod ledger;
pub mod op;
mod orders;
mod proof;
mod properties;
mod property;
pub mod reader;
pub mod schema;
mod spread;
pub mod table;
mod tally;
pub mod verdict;
