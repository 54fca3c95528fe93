//! The JSON schema of a plan.

/// JSON Schema 2020-12 of `plan.json`.
pub const SCHEMA: &str = include_str!("../plan.schema.json");
