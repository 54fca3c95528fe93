//! `temblor check`: judges histories that are there already.

use anyhow::Result;

use super::judging::{judge_path, options, present};
use super::{answer, complain};
use crate::cli::CheckArgs;
use crate::exit::Exit;
use crate::render;

/// Judges each path; the exit code is the worst of all. A path that can't be judged doesn't keep the others from it.
pub fn check(args: &CheckArgs) -> Result<Exit> {
    options(&args.judge)?;
    // What is absent is a mistake of the command line: nothing is judged then, so no violation is masked by it.
    args.paths.iter().try_for_each(|path| present(path))?;
    let mut exit = Exit::Clean;
    for path in &args.paths {
        let verdict = match judge_path(path, &args.judge) {
            Ok(verdict) => verdict,
            Err(error) => {
                complain(&error);
                exit = exit.worst(Exit::Failed);
                continue;
            }
        };
        exit = exit.worst(Exit::from(&verdict));
        if args.judge.json {
            answer(&format!("{}\n", serde_json::to_string(&verdict)?))?;
        } else {
            let system = if verdict.system.is_empty() { "" } else { &format!(": {}", verdict.system) };
            answer(&format!("{}{system}\n{}", path.display(), render::verdict(&verdict)))?;
        }
    }
    Ok(exit)
}
