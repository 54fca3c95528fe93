//! What each subcommand does.

mod campaign;
mod check;
mod demo;
mod diff;
mod doctor;
pub(crate) mod execution;
pub mod explain;
mod export;
mod hunt;
pub mod judging;
mod list;
mod merge;
mod new;
mod plan;
mod prune;
mod regressions;
pub(crate) mod replay;
pub(crate) mod report;
mod run;
mod schema;
mod serve;
mod shell;
mod shrink;

use std::io::Write;

use anyhow::Result;

use crate::cli::{Cli, Verb};
use crate::exit::{Exit, UsageError};
use crate::render::wrap;

/// Does what was asked and gives the exit code; errors have been shown when it returns.
pub fn execute(cli: Cli) -> Exit {
    let done = match cli.verb {
        Verb::Run(args) => run::run(&args),
        Verb::New(args) => new::new(&args),
        Verb::Check(args) => check::check(&args),
        Verb::Explain(args) => explain::explain(&args),
        Verb::Report(args) => report::report(&args),
        Verb::Export(args) => export::export(&args),
        Verb::Serve(args) => serve::serve(&args),
        Verb::Plan(args) => plan::plan(&args),
        Verb::Replay(args) => replay::replay(&args),
        Verb::Shrink(args) => shrink::shrink(&args),
        Verb::Doctor(args) => doctor::doctor(&args),
        Verb::Demo(args) => demo::demo(&args),
        Verb::Hunt(args) => hunt::hunt(&args),
        Verb::Campaign(args) => campaign::campaign(&args),
        Verb::Merge(args) => merge::merge(&args),
        Verb::Regressions(args) => regressions::regressions(&args),
        Verb::Prune(args) => prune::prune(&args),
        Verb::Diff(args) => diff::diff(&args),
        Verb::Completions(args) => shell::completions(&args),
        Verb::Man(args) => shell::man(&args),
        Verb::List(args) => list::list(&args),
        Verb::Schema(args) => schema::schema(&args),
        Verb::Node(_) => unreachable!("a node is started before the harness begins"),
    };
    done.unwrap_or_else(|error| {
        complain(&error);
        if error.is::<UsageError>() { Exit::Usage } else { Exit::Failed }
    })
}

/// Prints an error and its causes on stderr.
pub fn complain(error: &anyhow::Error) {
    let text = format!("error: {error:#}");
    // What points into a file has lines of its own.
    let shown: Vec<String> =
        text.split('\n').map(|line| if line.contains(" |") { line.to_owned() } else { wrap(line, 0) }).collect();
    note(&shown.join("\n"));
}

/// Prints a line for people on stderr. A closed stderr is no reason to stop.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints an answer on stdout. A reader that has gone away (`| head`) is no error.
pub fn answer(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Into::into),
    }
}
