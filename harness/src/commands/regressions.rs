//! `temblor regressions`: the failures that campaigns have kept.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use temblor_checkers::judge::{FifoGaps, Options};

use super::execution::die_of_panics;
use super::judging::History;
use super::{answer, complain, note};
use crate::campaign::cells::Cell;
use crate::campaign::record::FailureLine;
use crate::campaign::regressions::{self, Now, Regression};
use crate::campaign::shape::shape;
use crate::campaign::triage;
use crate::cli::{Executor, RegressionsArgs, RegressionsVerb};
use crate::exit::{Exit, usage};
use crate::past::PastRun;
use crate::render::wrap;
use crate::trial::first_failure;
use crate::words::counted;

/// How many smaller plans are tried.
const TRIES: u64 = 400;

/// Lists, adds or runs them.
pub fn regressions(args: &RegressionsArgs) -> Result<Exit> {
    match &args.verb {
        RegressionsVerb::Add { run, regressions } => add(run, regressions),
        RegressionsVerb::List { regressions, json } => list(regressions, *json),
        RegressionsVerb::Verify { names, regressions } => verify(names, regressions),
    }
}

fn add(run: &Path, folder: &Path) -> Result<Exit> {
    die_of_panics();
    let past = PastRun::open(run)?;
    let options = Options { require: None, fifo_gaps: FifoGaps::Forbidden };
    let verdict = History::open(run)?.judge(&options)?;
    let Some(failure) = first_failure(&verdict) else {
        return Err(usage(format!("{}: nothing is violated, so there is nothing to keep", run.display())));
    };
    let cell = Cell::of(&past)?;
    let scratch = tempfile::tempdir().context("failed to make a folder for the nodes")?;
    let small = triage::small(&past, &cell, (&failure, TRIES, scratch.path()))?;
    let (executor, plan) = small.unwrap_or((past.executor, past.plan.clone()));
    let told = if executor == Executor::Processes { failure.shape.clone() } else { shape(&failure, &plan) };
    let sentence = FailureLine::new(failure.clone(), &verdict).sentence;
    let regression = Regression::new((&cell, executor), (&failure, &told, &sentence), plan);
    let (name, fresh) = (regression.name(), regression.keep(folder)?);
    let news = if fresh { "kept" } else { "there already" };
    answer(&format!("{news}: {}\n", folder.join(format!("{name}.json")).display()))?;
    Ok(Exit::Clean)
}

fn list(folder: &Path, as_json: bool) -> Result<Exit> {
    let all = regressions::load(folder)?;
    if as_json {
        let data: Vec<_> = all
            .iter()
            .map(|regression| {
                json!({ "name": regression.name(), "system": regression.what(), "property": regression.property,
                        "shape": regression.shape, "executor": regression.executor, "sentence": regression.sentence })
            })
            .collect();
        answer(&format!("{}\n", serde_json::to_string_pretty(&data)?))?;
        return Ok(Exit::Clean);
    }
    for regression in &all {
        answer(&format!("{}\n", regression.name()))?;
        let text = format!("{}, {}: {}", regression.what(), regression.shape, regression.sentence);
        answer(&format!("{}\n", wrap(&text, 2)))?;
    }
    note(&format!("{} in {}", counted(all.len(), "regression", "regressions"), folder.display()));
    Ok(Exit::Clean)
}

fn verify(names: &[String], folder: &Path) -> Result<Exit> {
    die_of_panics();
    let all = regressions::load(folder)?;
    if let Some(stranger) = names.iter().find(|name| !all.iter().any(|regression| regression.name() == **name)) {
        return Err(usage(format!("there is no regression {stranger} in {}", folder.display())));
    }
    let scratch = tempfile::tempdir().context("failed to make a folder for the nodes")?;
    let (mut exit, mut ran, mut still) = (Exit::Clean, 0, 0);
    for regression in all.iter().filter(|regression| names.is_empty() || names.contains(&regression.name())) {
        ran += 1;
        let name = regression.name();
        let text = match regression.run(scratch.path()) {
            Ok(Now::Fails) => {
                still += 1;
                exit = exit.worst(Exit::Violation);
                format!("{name}: still there: {}", regression.sentence)
            }
            Ok(Now::Holds) => format!("{name}: {} holds now", regression.property),
            Err(error) => {
                complain(&error);
                exit = exit.worst(Exit::Failed);
                format!("{name}: could not be run")
            }
        };
        answer(&format!("{}\n", wrap(&text, 0)))?;
    }
    if ran == 0 {
        note(&format!("there is no regression in {}", folder.display()));
        return Ok(Exit::Nothing);
    }
    note(&format!("{still} of {} still there", counted(ran, "regression", "regressions")));
    Ok(exit)
}
