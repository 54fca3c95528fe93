//! The arguments of what shows runs to people: reports.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::JudgeArgs;

/// `temblor report`
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// A run folder, a history (.jsonl, .jsonl.zst), or - for stdin
    #[arg(value_name = "RUN", default_value = "results/latest")]
    pub run: PathBuf,
    /// Where the page goes; if absent, report.html beside the history
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Show the page in the browser when it is written
    #[arg(long)]
    pub open: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened struct is documented")]
    pub judge: JudgeArgs,
}

/// `temblor export`
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// A run folder, a history (.jsonl, .jsonl.zst), or - for stdin
    #[arg(value_name = "RUN", default_value = "results/latest")]
    pub run: PathBuf,
    /// For which tool
    #[arg(long, value_name = "NAME", value_enum)]
    pub format: ExportFormat,
    /// Where it goes; if absent, to stdout, and for zip and parquet to a file
    /// named after the run
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The formats of other tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// The run folder as one file, which check, explain and replay take too
    Zip,
    /// ShiViz: events with vector clocks
    Shiviz,
    /// Perfetto, chrome://tracing: tracks, frames as arrows, faults as bars
    Perfetto,
    /// Mermaid: the first violation as a sequence diagram
    Mermaid,
    /// One table of all ops and frames
    Csv,
    /// The same with typed columns (if built with --features parquet)
    Parquet,
    /// Jepsen's history.edn, which check reads too
    JepsenEdn,
}

/// `temblor serve`
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The results folder
    #[arg(value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// The port; 0 is any that is free
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
}
