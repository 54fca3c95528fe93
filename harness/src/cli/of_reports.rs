//! The arguments of what shows runs to people: reports.

use std::path::PathBuf;

use clap::Args;

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
