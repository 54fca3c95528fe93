//! The arguments of `new`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `temblor new`
#[derive(Debug, Clone, Args)]
pub struct NewArgs {
    /// What.
    #[command(subcommand)]
    pub what: NewWhat,
}

/// What can be written to begin with.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum NewWhat {
    /// Write a small correct broadcast node over stdin and stdout
    Node(NewNodeArgs),
}

/// `temblor new node`
#[derive(Debug, Clone, Args)]
pub struct NewNodeArgs {
    /// In which language
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub lang: Language,
    /// Where to (my-node if not said); nothing is overwritten
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// A language of a node to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Python 3, standard library only
    Python,
    /// JavaScript on Node.js, without packages
    Javascript,
    /// Go, standard library only
    Go,
    /// Rust, with `serde_json`
    Rust,
}
