//! The JSON schema of a history.

/// JSON Schema 2020-12 of one line of `history.jsonl`.
pub const SCHEMA: &str = include_str!("../history.schema.json");
