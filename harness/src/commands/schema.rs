//! `temblor schema`: the JSON schemas of the file formats.

use anyhow::Result;

use super::answer;
use crate::cli::{SchemaArgs, SchemaWhat};
use crate::exit::Exit;

/// Prints a schema.
pub fn schema(args: &SchemaArgs) -> Result<Exit> {
    answer(match args.what {
        SchemaWhat::History => temblor_checkers::schema::SCHEMA,
        SchemaWhat::Campaign => crate::campaign::SCHEMA,
        SchemaWhat::Plan => temblor_workloads::schema::SCHEMA,
    })?;
    Ok(Exit::Clean)
}
