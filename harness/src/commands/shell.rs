//! `temblor completions` and `temblor man`: what shells and readers of manuals want of the command line.

use std::fs;

use anyhow::{Context, Result};
use clap::CommandFactory;

use super::{answer, note};
use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::exit::Exit;

/// Prints a completion script.
pub fn completions(args: &CompletionsArgs) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "temblor", &mut script);
    answer(&String::from_utf8(script).context("a completion script is text")?)?;
    Ok(Exit::Clean)
}

/// Writes a manual page for each subcommand.
pub fn man(args: &ManArgs) -> Result<Exit> {
    let folder = &args.folder;
    fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    clap_mangen::generate_to(Cli::command(), folder)
        .with_context(|| format!("failed to write manual pages into {}", folder.display()))?;
    note(&format!("pages: {}", folder.display()));
    Ok(Exit::Clean)
}
