//! Campaigns: many runs, from one file, that can be trusted in the morning.
//!
//! ```text
//! file, presets    what a person writes, and three that are built in
//! cells            scenarios multiplied: algorithm x faults x size x workload x executor
//! schedule, shard  run k: its cell, its seed, and which machine makes it
//! journal, record  runs.jsonl: a line for each finished run, synced before the next begins
//! crew, pace       how many runs go on at once, and what each came to
//! canary           a planted bug that must be found, or the green means nothing
//! triage, shape    a failure: tried in virtual time, shrunk, told from others, kept
//! regressions      failures of earlier campaigns, which run first
//! summary, report  what it all came to: campaign.json, the matrix, FAILURES.md
//! junit, services  the same for CI
//! ```
//!
//! Everything that is told at the end is computed from `runs.jsonl` and the campaign's definition alone, so that shards are
//! joined by putting their lines together.

pub mod canary;
pub mod cells;
pub mod crew;
pub mod definition;
pub mod file;
pub mod folder;
pub mod journal;
pub mod junit;
pub mod pace;
pub mod presets;
pub mod record;
pub mod regressions;
pub mod report;
pub mod schedule;
pub mod services;
pub mod shape;
pub mod shard;
pub mod summary;
#[cfg(test)]
mod told;
pub mod triage;

/// JSON Schema 2020-12 of a campaign file, seen as JSON.
pub const SCHEMA: &str = include_str!("../../campaign.schema.json");
