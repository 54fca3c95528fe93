//! `temblor`: the command.

use std::process::ExitCode;

use clap::Parser;
use temblor::cli::{Cli, Verb};
use temblor::commands;
use temblor::containment::{Mode, contain};
use temblor::exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.verb {
        Verb::Node(node) => temblor_node::main(&node),
        // What starts processes is contained, before there is any thread.
        Verb::Run(_)
        | Verb::Campaign(_)
        | Verb::Regressions(_)
        | Verb::Demo(_)
        | Verb::Hunt(_)
        | Verb::Replay(_)
        | Verb::Shrink(_) => match Mode::from_environment() {
            Ok(mode) => ExitCode::from(contain(mode, || commands::execute(cli).code())),
            Err(text) => {
                commands::note(&format!("error: {text}"));
                ExitCode::from(Exit::Usage.code())
            }
        },
        _ => ExitCode::from(commands::execute(cli).code()),
    }
}
