//! The arguments of what is done many times: campaigns, shards, regressions, and cleaning up after them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::durations::parse_us;
use crate::campaign::file::Keep;

/// `temblor campaign`
#[derive(Debug, Clone, Args)]
pub struct CampaignArgs {
    /// A campaign file, or a preset: smoke, nightly, soak
    #[arg(value_name = "FILE", required_unless_present = "resume", conflicts_with = "resume")]
    pub file: Option<String>,
    /// Go on with a campaign that was interrupted
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
    /// Every plan comes from it; drawn and printed if absent
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub seed: Option<u64>,
    /// Where the seed comes from: date, for a new one each day (UTC)
    #[arg(long, value_name = "WHAT", value_parser = ["date"], conflicts_with_all = ["seed", "resume"])]
    pub seed_from: Option<String>,
    /// How many runs, over all shards, instead of what the file says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "resume")]
    pub runs: Option<u64>,
    /// How long, instead of what the file says
    #[arg(long = "for", value_name = "TIME", value_parser = parse_us, conflicts_with_all = ["runs", "resume"])]
    pub time: Option<u64>,
    /// How many runs go on at once at most; fewer where the machine is busy
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub jobs: Option<u64>,
    /// Which of several machines this is: i/n, or auto for what the CI service,
    /// Kubernetes, Slurm or GNU parallel says in the environment
    #[arg(long, value_name = "I/N", conflicts_with = "resume")]
    pub shard: Option<String>,
    /// Do not look for a planted bug first
    #[arg(long, conflicts_with = "resume")]
    pub no_canary: bool,
    /// Which run folders stay, instead of what the file says
    #[arg(long, value_name = "WHICH", value_enum, conflicts_with = "resume")]
    pub keep: Option<Keep>,
    /// Where failures are kept from one campaign to the next, instead of what
    /// the file says
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub regressions: Option<PathBuf>,
    /// Where the campaign's folder and the `latest` link go
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Print what it came to as JSON
    #[arg(long)]
    pub json: bool,
}

/// `temblor merge`
#[derive(Debug, Clone, Args)]
pub struct MergeArgs {
    /// The folders of the shards
    #[arg(required = true, value_name = "DIR")]
    pub shards: Vec<PathBuf>,
    /// Where the folder of the whole goes
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Print what it came to as JSON
    #[arg(long)]
    pub json: bool,
}

/// `temblor regressions`
#[derive(Debug, Clone, Args)]
pub struct RegressionsArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: RegressionsVerb,
}

/// What can be done with regressions.
#[derive(Debug, Clone, Subcommand)]
pub enum RegressionsVerb {
    /// Keep the failure of a run, with its smallest plan
    Add {
        /// The folder of a run with a violation
        #[arg(value_name = "RUN", default_value = "results/latest")]
        run: PathBuf,
        /// Where regressions are
        #[arg(long, value_name = "DIR", default_value = "regressions")]
        regressions: PathBuf,
    },
    /// List them
    List {
        /// Where regressions are
        #[arg(long, value_name = "DIR", default_value = "regressions")]
        regressions: PathBuf,
        /// As one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Run them: 1 if one still fails
    Verify {
        /// Only these
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Where regressions are
        #[arg(long, value_name = "DIR", default_value = "regressions")]
        regressions: PathBuf,
    },
}

/// `temblor prune`
#[derive(Debug, Clone, Args)]
pub struct PruneArgs {
    /// The results folder
    #[arg(value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// How many of the newest stay
    #[arg(long, value_name = "N", required_unless_present = "older_than")]
    pub keep: Option<u64>,
    /// Only what is older goes: 720h is a month
    #[arg(long, value_name = "TIME", value_parser = parse_us)]
    pub older_than: Option<u64>,
    /// Runs and campaigns with a violation go too
    #[arg(long)]
    pub violations: bool,
    /// Say what would go, and leave it
    #[arg(long)]
    pub dry_run: bool,
}
