//! The crew: threads that each make one run after the other, until all are made, one fails, or a person interrupts.
//!
//! Each has a runtime of its own, so that judging one run never makes the controller of another late.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use temblor_checkers::judge::{FifoGaps, Options};

use super::finding::Finding;
use super::product::Task;
use crate::commands::execution::{Execution, INIT_TIMEOUT_US, Order, block_on, execute, open};
use crate::commands::note;
use crate::mark::Mark;
use crate::processes::Interrupts;
use crate::render::wrap;

/// A cell in which nothing happened is tried with so many seeds.
const ATTEMPTS: usize = 3;
/// In full, so is one in which some promise was never put to the test.
const ATTEMPTS_IN_FULL: usize = 5;
/// How long a signal that has come may take to be noticed.
const HEARING: Duration = Duration::from_millis(1);

/// What all runs have in common.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The program of all nodes, as it stands in `run.json`.
    pub program: Value,
    /// The first seed.
    pub seed: u64,
    /// Whether every promise is to be put to the test.
    pub full: bool,
    /// Length of a cell's main phase, us.
    pub length_us: u64,
    /// Where the run folders go.
    pub folder: &'a Path,
}

/// Who shares the tasks.
pub struct Crew<'a> {
    tasks: &'a [Task],
    settings: &'a Settings<'a>,
    next: AtomicUsize,
    over: AtomicBool,
    board: Mutex<Board>,
}

/// What all of them write on.
#[derive(Default)]
struct Board {
    findings: Vec<Finding>,
    interrupted: Option<String>,
}

impl<'a> Crew<'a> {
    /// A crew that has done nothing yet.
    pub fn new(tasks: &'a [Task], settings: &'a Settings<'a>) -> Self {
        let (next, over, board) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::default());
        Self { tasks, settings, next, over, board }
    }

    /// Does the tasks, `width` at once. Gives what they came to, in their order, and the name of the signal that interrupted.
    pub fn work(self, width: usize) -> Result<(Vec<Finding>, Option<String>)> {
        let worker = || block_on(self.take_turns());
        let results: Vec<Result<()>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..width).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().map(|worker| worker.join().expect("a panic ends the process")).collect()
        });
        results.into_iter().collect::<Result<()>>()?;
        let Board { mut findings, interrupted } = self.board.into_inner().expect("a panic ends the process");
        findings.sort_by_key(|finding| finding.at);
        Ok((findings, interrupted))
    }

    async fn take_turns(&self) -> Result<()> {
        let interrupts = Interrupts::listen().context("failed to listen for signals")?;
        while !self.over.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = self.tasks.get(at) else { break };
            let finding = self.perform((*task, at), &interrupts).await;
            // A run in virtual time leaves no moment in which a signal could be noticed.
            let _ = tokio::time::timeout(HEARING, interrupts.beyond(interrupts.count())).await;
            self.book(finding, &interrupts);
        }
        Ok(())
    }

    /// Makes a run, and further ones with the next seeds as long as these may show more.
    async fn perform(&self, (task, at): (Task, usize), interrupts: &Interrupts) -> Finding {
        let attempts = if self.settings.full { ATTEMPTS_IN_FULL } else { ATTEMPTS };
        let mut sum: Option<Finding> = None;
        for (attempt, seed) in (self.settings.seed..).take(attempts).enumerate() {
            let finding = match self.attempt(task, (seed, attempt), interrupts).await {
                Ok((seed, execution)) => Finding::new((task, at, seed), execution),
                Err(error) => Finding::failed((task, at, seed), error),
            };
            let so_far = match sum {
                Some(earlier) => finding.absorb(earlier),
                None => finding,
            };
            if !so_far.wants_more(self.settings.full) || interrupts.count() > 0 {
                return so_far;
            }
            sum = Some(so_far);
        }
        sum.expect("there is at least one attempt")
    }

    /// One run, and the seed of its plan.
    async fn attempt(
        &self,
        task: Task,
        (seed, attempt): (u64, usize),
        interrupts: &Interrupts,
    ) -> Result<(u64, Execution)> {
        let system = task.system()?;
        let (launch, drawn) = (system.launch(None)?, (seed, attempt, self.settings.length_us));
        let plan = task.plan(&system, drawn)?;
        let order = Order {
            system: &system,
            launch: &launch,
            program: &self.settings.program,
            foreign: None,
            plan: &plan,
            executor: task.executor,
            init_timeout_us: INIT_TIMEOUT_US,
            results: self.settings.folder,
            options: &Options { require: None, fifo_gaps: FifoGaps::Forbidden },
        };
        Ok((plan.seed, execute(&order, open(&order)?, interrupts).await?))
    }

    /// Writes down what a run came to, and says it to whoever watches.
    fn book(&self, finding: Finding, interrupts: &Interrupts) {
        let mut board = self.board();
        if finding.mark == Mark::Failed || interrupts.count() > 0 {
            self.over.store(true, Ordering::Relaxed);
        }
        if interrupts.count() > 0 {
            board.interrupted = Some(interrupts.name());
        }
        let done = format!("[{}/{}]", board.findings.len() + 1, self.tasks.len());
        let (what, mark, why) = (finding.task.what(), finding.mark.name(), &finding.why);
        note(&wrap(&format!("{done} {what}: {mark}, {why}"), 0));
        board.findings.push(finding);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().expect("a panic ends the process")
    }
}
