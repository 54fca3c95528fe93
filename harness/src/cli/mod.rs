//! The command line: one subcommand a verb. `--help` of each teaches; everything it says is checked against what it does.

mod durations;
mod of_campaigns;
mod of_nodes;
mod of_reports;
mod verbs;

use clap::Parser;

pub use durations::parse_us;
pub use of_campaigns::{CampaignArgs, MergeArgs, PruneArgs, RegressionsArgs, RegressionsVerb};
pub use of_nodes::{Language, NewArgs, NewWhat};
pub use of_reports::{ExportArgs, ExportFormat, ReportArgs, ServeArgs};
pub use verbs::{
    CheckArgs, CompletionsArgs, DemoArgs, DiffArgs, DoctorArgs, Executor, ExplainArgs, Gaps, HuntArgs, JudgeArgs,
    ListArgs, ListWhat, ManArgs, PlanArgs, ReplayArgs, RunArgs, SchemaArgs, SchemaWhat, ShrinkArgs, SystemArgs,
    WishArgs,
};
pub(crate) use verbs::{parse_concurrency, parse_topology};

/// Start real node processes, inject faults, record a history, prove from it what held.
#[derive(Debug, Parser)]
#[command(name = "temblor", version, about, max_term_width = 80, after_help = EXITS)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The subcommands.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Run an algorithm under faults and judge what it did
    #[command(visible_alias = "test", after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Write a node to begin with, in a language of your choice
    #[command(after_help = NEW_EXAMPLES)]
    New(NewArgs),
    /// Judge a history that is there already
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show in a diagram and step by step why a history is wrong
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Write a page that shows in a browser why a run is wrong
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Show runs and campaigns in a browser, on this machine alone
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Write a run in the format of another tool
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Print the plan that a seed gives, without running it
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Do a run again, and say whether it comes out the same
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArgs),
    /// Make the plan of a failed run as small as can be
    #[command(after_help = SHRINK_EXAMPLES)]
    Shrink(ShrinkArgs),
    /// Show where two runs part
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffArgs),
    /// Find the planted bugs, and say how long that took
    #[command(after_help = HUNT_EXAMPLES)]
    Hunt(HuntArgs),
    /// Make many runs, from a file or a preset, and say what they came to
    #[command(after_help = CAMPAIGN_EXAMPLES)]
    Campaign(CampaignArgs),
    /// Join what the shards of a campaign came to
    #[command(after_help = MERGE_EXAMPLES)]
    Merge(MergeArgs),
    /// List, add or run the failures that campaigns have kept
    #[command(after_help = REGRESSIONS_EXAMPLES)]
    Regressions(RegressionsArgs),
    /// Remove old runs from a results folder
    #[command(after_help = PRUNE_EXAMPLES)]
    Prune(PruneArgs),
    /// Say what works on this machine, and what would enable the rest
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Show it all in a minute: each algorithm under each class of faults
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// List algorithms, bugs, workloads, faults or checkers
    List(ListArgs),
    /// Print the JSON schema of a file format
    Schema(SchemaArgs),
    /// Print a script by which a shell completes this command line
    Completions(CompletionsArgs),
    /// Write a manual page for each subcommand
    Man(ManArgs),
    /// Be a node: what `run` starts for each node of a cluster
    Node(temblor_node::NodeArgs),
}

const NEW_EXAMPLES: &str = "\
Examples:
  temblor new node --lang python
  temblor new node --lang go my-broadcast";

const CAMPAIGN_EXAMPLES: &str = "\
Examples:
  temblor campaign smoke                     a minute
  temblor campaign nightly --seed-from date  the same plans all day long
  temblor campaign my.toml --jobs 8
  temblor campaign my.toml --shard 2/7       one machine of seven
  temblor campaign --resume results/20261124T020000Z-campaign-nightly-7

`temblor schema campaign` describes the file. A failure is shrunk, stored in
regressions/ and tried first the next time. Exit codes as of temblor --help;
a canary that is not found is 3, a campaign without a run 4.";

const MERGE_EXAMPLES: &str = "\
Examples:
  temblor merge shard-*/results/*-campaign-nightly-* --out results
Shards that are missing are named, and the exit code is 3 at least.";

const REGRESSIONS_EXAMPLES: &str = "\
Examples:
  temblor regressions list
  temblor regressions add results/latest   keep the failure of a run
  temblor regressions verify               run them all: 1 if one still fails";

const PRUNE_EXAMPLES: &str = "\
Examples:
  temblor prune --keep 20             the 20 newest stay, and all violations
  temblor prune --older-than 720h --violations";

const EXITS: &str = "\
Exit codes:
  0  all that was asked ran, was checked and is clean
  1  a violation
  2  wrong command line or plan file, or a path that is absent
  3  inconclusive: a promised property unknown, a history cut short,
     a requested fault that never bit, interrupted
  4  nothing ran, or nothing to judge
  5  the harness failed, or the input is no history
When several apply: 1 > 5 > 4 > 3 > 0.

Answers go to stdout; progress, notes and errors to stderr.";

const RUN_EXAMPLES: &str = "\
Examples:
  temblor run fifo --nemesis partition,kill,pause --seed 7
  temblor run eager --runs 20 --time-limit 2s
  temblor run retransmit --bug no-deduplication
  temblor run fifo --plan my-plan.json
  temblor test -w broadcast --bin ./node --node-count 5 --nemesis partition

All files are left in results/latest/.";

const CHECK_EXAMPLES: &str = "\
Examples:
  temblor check results/latest
  temblor check history.jsonl.zst --require fifo-order,no-creation
  zstdcat history.jsonl.zst | temblor check -";

const REPORT_EXAMPLES: &str = "\
Examples:
  temblor report                                  # results/latest/report.html
  temblor report results/latest --open
  temblor report history.jsonl.zst --out why.html

The page is one file that needs nothing else: no server, no network. A run with
a violation gets it by itself.";

const SERVE_EXAMPLES: &str = "\
Examples:
  temblor serve                                   # results, on any free port
  temblor serve nightly --port 8080

List, filter by algorithm, fault, verdict and seed, compare two runs, download
one as a zip. Only 127.0.0.1 is answered, and nothing is ever written.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  temblor export --format zip                     # the run, to send it
  temblor explain 20261123T081500Z-fifo-7.zip
  temblor export --format mermaid                 # for an issue on GitHub
  temblor export --format shiviz --out run.log    # bestchai.bitbucket.io/shiviz
  temblor export --format jepsen-edn | temblor check -";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  temblor explain results/latest
  temblor explain history.jsonl.zst --all
  temblor explain results/latest --ascii | mail -s 'why' you@example.org

Frames are drawn where messages.jsonl stands beside the history. Colours are
for terminals only, and not even there if NO_COLOR is set.";

const PLAN_EXAMPLES: &str = "\
Examples:
  temblor plan fifo --seed 7 --nemesis kill > my-plan.json
  temblor run fifo --plan my-plan.json";

const REPLAY_EXAMPLES: &str = "\
In virtual time (lockstep, sim) the history has to be identical, byte for
byte. On real processes it is counted how often the violation comes back, and
the run is then tried in lockstep, frame by frame, from messages.jsonl.

Examples:
  temblor replay results/latest
  temblor replay results/latest --times 20
  temblor replay results/latest --executor lockstep";

const SHRINK_EXAMPLES: &str = "\
Operations, faults, nodes and frames are taken away for as long as the same
property is violated in the same way. The smallest plan so far is always in
RUN/shrunk.json. At the end it is run and explained.

Examples:
  temblor shrink results/latest
  temblor run fifo --bug ignores-numbers --plan results/latest/shrunk.json";

const DIFF_EXAMPLES: &str = "\
Times are left aside. On real processes the order between nodes is a matter of
chance, so each process is also compared by itself. Exit code 0 if they are
the same, 3 if not.

Examples:
  temblor diff results/monday results/tuesday
  temblor diff old/history.jsonl new/history.jsonl";

const DOCTOR_EXAMPLES: &str = "\
Everything is found out by trying. Exit code 0 if runs on real processes are
possible, 5 if not; what is limited keeps no run from working.

Examples:
  temblor doctor
  temblor doctor --out /data/results --json";

const DEMO_EXAMPLES: &str = "\
A cell of the matrix is one run of about a second. A cell where no fault took
effect, or nothing could have gone wrong, is tried with two more seeds and
then counts as not exercised, which is exit code 3; so does a planted bug
that was not found. A broken promise of an unchanged algorithm is 1.

Examples:
  temblor demo
  temblor demo --algorithms fifo,causal --executor sim
  temblor demo --full --seed 7";

const HUNT_EXAMPLES: &str = "\
Each bug is hunted from each starting seed: plans are drawn, run and judged
until the property that the bug is said to violate is violated; the plan is
then shrunk. The planner never sees the bug. An alarm of an unchanged
algorithm is exit code 1, a bug that was not found 3.

Examples:
  temblor hunt
  temblor hunt --bug ignores-numbers,skips-gap --starts 20
  temblor hunt --executor lockstep --starts 5 --quiet-runs 500";
