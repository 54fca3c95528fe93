//! Histories of distributed systems, and what they prove.
//!
//! A history ([`op`], [`header`]) is the only input of a checker, and a [`verdict`] its only output. This crate does no IO
//! and shares no code with the nodes that it judges.

pub mod header;
pub mod op;
pub mod verdict;
