//! `temblor`: the command.

use std::process::ExitCode;

use clap::Parser;
use temblor::cli::{Cli, Verb};
use temblor::commands;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Verb::Node(node) = &cli.verb {
        return temblor_node::main(node);
    }
    ExitCode::from(commands::execute(cli).code())
}
