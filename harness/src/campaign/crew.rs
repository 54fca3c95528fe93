//! The crew: threads that each make one run of a campaign after the other, until the budget is used up or a person interrupts.
//!
//! Each has a runtime of its own, so that judging one run never makes the controller of another late.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_workloads::plan::Plan;

use super::cells::Cell;
use super::definition::{Budget, Definition};
use super::file::Keep;
use super::folder::CampaignFolder;
use super::journal::Journal;
use super::pace::Pace;
use super::record::{Line, RunLine};
use super::schedule;
use super::shard::Shard;
use super::triage::triage;
use crate::cli::Executor;
use crate::commands::execution::{Execution, Order, block_on, execute, open_as};
use crate::commands::note;
use crate::mark::Mark;
use crate::processes::Interrupts;
use crate::render::wrap;
use crate::results::RunFolder;
use crate::trial::Trials;
use crate::words::counted;

/// A run in which the harness was late, or which could not be made, is made again so often.
const RETRIES: u32 = 2;
/// So many runs in a row that could not be made end the campaign.
const FAILURES_MAX: u32 = 3;
/// How often somebody who has to wait looks whether it is time.
const PATIENCE: Duration = Duration::from_millis(20);
/// Progress is told for each run where runs are few, and otherwise so often.
const TELLING: Duration = Duration::from_secs(10);

/// Where a campaign stands.
pub struct Ground<'a> {
    /// What is to be done.
    pub definition: &'a Definition,
    /// Every plan comes from it.
    pub seed: u64,
    /// Where its files are.
    pub folder: &'a CampaignFolder,
    /// Which runs are made here.
    pub shard: Shard,
}

impl Ground<'_> {
    /// A folder for what is tried and forgotten.
    ///
    /// # Errors
    /// It can't be made.
    pub fn scratch(&self) -> Result<tempfile::TempDir> {
        // Below the campaign's own folder, so that the next session removes what a killed one left.
        tempfile::tempdir_in(self.folder.make(SCRATCH)?).context("failed to make a folder for the nodes")
    }
}

/// The name of the folder for what is tried and forgotten.
pub const SCRATCH: &str = ".scratch";

/// Who shares the runs.
pub struct Crew<'a> {
    ground: &'a Ground<'a>,
    pace: Pace,
    begun: Instant,
    deadline: Option<Instant>,
    /// Nothing new is begun.
    over: AtomicBool,
    /// Everybody has gone.
    ended: AtomicBool,
    board: Mutex<Board>,
}

/// What all of them share.
struct Board {
    journal: Journal,
    done: BTreeSet<u64>,
    next: u64,
    finished: u64,
    violations: u64,
    failed_in_a_row: u32,
    interrupted: Option<String>,
    told: Instant,
}

/// How a crew came to an end.
pub struct Outcome {
    /// The name of the signal that interrupted it.
    pub interrupted: Option<String>,
    /// The fewest and the most runs that went on at once.
    pub at_once: (usize, usize),
    /// The journal.
    pub journal: Journal,
}

impl<'a> Crew<'a> {
    /// A crew of at most `width` that has done nothing yet; the runs in `done` are not made again.
    pub fn new(
        ground: &'a Ground<'a>,
        (journal, done): (Journal, BTreeSet<u64>),
        (width, time): (usize, Option<Duration>),
    ) -> Self {
        let begun = Instant::now();
        let board = Board {
            journal,
            done,
            next: 0,
            finished: 0,
            violations: 0,
            failed_in_a_row: 0,
            interrupted: None,
            told: begun,
        };
        let deadline = time.map(|time| begun + time);
        let (over, ended, board) = (AtomicBool::new(false), AtomicBool::new(false), Mutex::new(board));
        Self { ground, pace: Pace::new(width), begun, deadline, over, ended, board }
    }

    /// Makes the runs.
    ///
    /// # Errors
    /// The journal can't be written, or one run after the other can't be made.
    pub fn work(self, width: usize) -> Result<Outcome> {
        let crew = &self;
        let results: Vec<Result<()>> = thread::scope(|scope| {
            let watch = scope.spawn(|| block_on(crew.watch()));
            let workers: Vec<_> = (0..width).map(|at| scope.spawn(move || crew.take_turns(at))).collect();
            let mut results: Vec<Result<()>> =
                workers.into_iter().map(|worker| worker.join().expect("a panic ends the process")).collect();
            crew.ended.store(true, Ordering::Relaxed);
            results.push(watch.join().expect("a panic ends the process"));
            results
        });
        results.into_iter().collect::<Result<()>>()?;
        let at_once = self.pace.range();
        let Board { journal, interrupted, .. } = self.board.into_inner().expect("a panic ends the process");
        Ok(Outcome { interrupted, at_once, journal })
    }

    /// Waits for a signal, until all is done. Runs on real processes hear it too, and end early.
    async fn watch(&self) -> Result<()> {
        let interrupts = Interrupts::listen().context("failed to listen for signals")?;
        while !self.ended.load(Ordering::Relaxed) {
            if tokio::time::timeout(PATIENCE, interrupts.beyond(0)).await.is_ok() {
                self.over.store(true, Ordering::Relaxed);
                self.board().interrupted.get_or_insert_with(|| interrupts.name());
                tokio::time::sleep(PATIENCE).await;
            }
        }
        Ok(())
    }

    fn take_turns(&self, at: usize) -> Result<()> {
        while !self.over.load(Ordering::Relaxed) {
            if at >= self.pace.now() {
                thread::sleep(PATIENCE);
                if self.is_exhausted() {
                    break;
                }
                continue;
            }
            let Some(k) = self.next() else { break };
            let done = self.make(k);
            if done.is_err() {
                self.over.store(true, Ordering::Relaxed);
            }
            done?;
        }
        Ok(())
    }

    /// Whether nothing is left to be begun.
    fn is_exhausted(&self) -> bool {
        let most = match self.ground.definition.budget {
            Budget::Runs(runs) => runs,
            Budget::Time(_) => u64::MAX,
        };
        self.board().next >= most || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The next run that is to be made here.
    fn next(&self) -> Option<u64> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return None;
        }
        let mut board = self.board();
        let most = match self.ground.definition.budget {
            Budget::Runs(runs) => runs,
            Budget::Time(_) => u64::MAX,
        };
        let k = (board.next..most).find(|k| self.ground.shard.has(*k) && !board.done.contains(k))?;
        board.next = k + 1;
        Some(k)
    }

    /// Makes a run, writes down what it came to, and looks into its failure.
    fn make(&self, k: u64) -> Result<()> {
        let cells = &self.ground.definition.cells;
        let cell = &cells[schedule::cell(k, cells.len())];
        let plan = cell.plan(schedule::round(k, cells.len()), schedule::seed(self.ground.seed, k))?;
        let Some(line) = self.attempts((k, cell), &plan)? else { return Ok(()) };
        let failure = line.failure.clone();
        self.book(line)?;
        if let Some(failure) = failure {
            self.look_into((k, cell), &failure)?;
        }
        Ok(())
    }

    /// Looks into the failure of a run whose line is written.
    ///
    /// # Errors
    /// What came of it can't be written.
    pub fn look_into(&self, (k, cell): (u64, &Cell), failure: &super::record::FailureLine) -> Result<()> {
        let triaged = triage(self.ground, (k, cell), (failure, self.ground.definition.shrink))?;
        let fresh = triaged.regression.keep(&self.ground.definition.regressions)?;
        let (name, (operations, faults)) = (triaged.regression.name(), triaged.line.size);
        self.board().journal.append(&Line::Triage(triaged.line.clone()))?;
        let news = if fresh { "new" } else { "known" };
        let size =
            format!("{}, {}", counted(operations, "operation", "operations"), counted(faults, "fault", "faults"));
        note(&wrap(&format!("run {k}: {news}, {name} ({}; {size}): {}", triaged.line.shape, triaged.line.sentence), 0));
        Ok(())
    }

    /// Makes a run until it counts; `None` if a person interrupted it before anything was violated.
    fn attempts(&self, (k, cell): (u64, &Cell), plan: &Plan) -> Result<Option<RunLine>> {
        let mut again = 0;
        loop {
            let begun = Instant::now();
            self.ground.folder.remove(&CampaignFolder::run(k))?;
            let made = self.attempt((k, cell), plan);
            let (mut line, late) = match made {
                Ok(made) => made,
                Err(error) => (RunLine::failed((k, cell), plan, &format!("{error:#}")), false),
            };
            if self.over.load(Ordering::Relaxed) && line.mark != Mark::Violation {
                self.ground.folder.remove(&CampaignFolder::run(k))?;
                return Ok(None);
            }
            self.pace.heed(late);
            let excused = line.mark == Mark::Failed || (late && line.mark == Mark::Undecided);
            if excused && again < RETRIES {
                again += 1;
                continue;
            }
            line.again = again;
            line.took_ms = begun.elapsed().as_millis() as u64;
            line.at_ms = self.begun.elapsed().as_millis() as u64;
            return Ok(Some(line));
        }
    }

    /// Makes a run once; whether the harness was late in it.
    fn attempt(&self, (k, cell): (u64, &Cell), plan: &Plan) -> Result<(RunLine, bool)> {
        let keep_all = self.ground.definition.keep == Keep::All;
        if cell.executor == Executor::Sim && !keep_all {
            let scratch = self.ground.folder.path();
            let trial = Trials::new(&cell.system, Executor::Sim, (&cell.launch, scratch))?.run(plan)?;
            let line = RunLine::judged((k, cell), plan, &trial.verdict);
            if !is_kept(line.mark) {
                return Ok((line, false));
            }
        }
        let execution = self.execute((k, cell), plan)?;
        let mut line = RunLine::judged((k, cell), plan, &execution.verdict);
        if let Some(failure) = execution.failures.first()
            && line.mark != Mark::Violation
        {
            return Err(anyhow!("{failure:#}"));
        }
        let late_ms = execution.ended.facts["drain_worst_lateness_us"].as_u64().unwrap_or(0) / 1_000;
        if keep_all || is_kept(line.mark) {
            line.folder = Some(CampaignFolder::run(k));
        } else {
            self.ground.folder.remove(&CampaignFolder::run(k))?;
        }
        // From a tenth of the bound on nothing is said of liveness.
        Ok((line, late_ms * 10 >= cell.system.bound_ms()))
    }

    /// Executes a run with all its files.
    fn execute(&self, (k, cell): (u64, &Cell), plan: &Plan) -> Result<Execution> {
        let path = self.ground.folder.below(&CampaignFolder::run(k));
        let order = Order {
            system: &cell.system,
            launch: &cell.launch,
            program: &crate::machine::program(&cell.launch.program)?,
            foreign: cell.foreign.as_ref(),
            plan,
            executor: cell.executor,
            init_timeout_us: cell.init_timeout_us,
            results: self.ground.folder.path(),
            options: &Options { require: None, fifo_gaps: FifoGaps::Forbidden },
        };
        let folder = open_as(&order, || RunFolder::at(path))?;
        block_on(async {
            let interrupts = Interrupts::listen().context("failed to listen for signals")?;
            execute(&order, folder, &interrupts).await
        })
    }

    /// Writes down what a run came to, and says it to whoever watches.
    fn book(&self, line: RunLine) -> Result<()> {
        let mut board = self.board();
        board.journal.append(&Line::Run(Box::new(line.clone())))?;
        board.finished += 1;
        board.violations += u64::from(line.mark == Mark::Violation);
        board.failed_in_a_row = if line.mark == Mark::Failed { board.failed_in_a_row + 1 } else { 0 };
        let telling = is_kept(line.mark) || line.executor == Executor::Processes.name();
        if telling || board.told.elapsed() >= TELLING {
            board.told = Instant::now();
            let what = format!("{} under {}, {} nodes, {}", line.system, line.under, line.nodes, line.executor);
            let of = match self.ground.definition.budget {
                Budget::Runs(runs) => format!("/{}", (0..runs).filter(|k| self.ground.shard.has(*k)).count()),
                Budget::Time(_) => String::new(),
            };
            let done = board.done.len() as u64 + board.finished;
            note(&wrap(&format!("[{done}{of}] {what}: {}, {}", line.mark.name(), line.why), 0));
        }
        if board.failed_in_a_row >= FAILURES_MAX {
            return Err(anyhow!(
                "{FAILURES_MAX} runs in a row could not be made, the last because: {}; what was finished stands in {}",
                line.why,
                self.ground.folder.path().display()
            ));
        }
        Ok(())
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().expect("a panic ends the process")
    }
}

/// Whether somebody will want to see the files of a run.
fn is_kept(mark: Mark) -> bool {
    matches!(mark, Mark::Violation | Mark::Undecided | Mark::Failed)
}
