//! `temblor plan`: prints the plan that a seed gives.

use anyhow::Result;

use super::{answer, note};
use crate::cli::PlanArgs;
use crate::drawing;
use crate::exit::Exit;
use crate::system::System;

/// Draws a plan and prints it; the seed is told on stderr when it was not given.
pub fn plan(args: &PlanArgs) -> Result<Exit> {
    let system = System::find(&args.system.or_of(args.wishes.workload.as_deref())?, None)?;
    let seed = args.wishes.seed.unwrap_or_else(|| {
        let seed = drawing::fresh_seed();
        note(&format!("seed {seed}"));
        seed
    });
    answer(&drawing::drawn(&system, &args.wishes, seed)?.to_json())?;
    Ok(Exit::Clean)
}
