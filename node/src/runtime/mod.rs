//! The runtime: a stack as a real process (PROTOCOL.md).
//!
//! One thread. Each source of input (stdin, a peer's connection, the timer) takes a batch, hands every line of it to the
//! core, and has the result flushed once: stable records first, then stdout, then the peers.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the runtime is the part of this crate that does the IO"
)]

mod core;
mod http;
mod lines;
mod peers;
mod stdio;
mod storage;
#[cfg(test)]
mod tests;
mod virtual_clock;
mod wire;

use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use tokio::sync::Notify;
use tokio::task::LocalSet;

use self::core::Core;
use crate::algorithms::{Algorithm, Settings, system};
use crate::bugs::{self, Bug, BugEntry};
use crate::layer::{Identity, Layer};
use crate::records::Records;
use crate::stack::Stack;
use storage::Storage;
use wire::{Clock, Init};

/// What a node is told on its command line; the rest comes with `init`.
#[derive(Clone, Debug, clap::Args)]
pub struct NodeArgs {
    /// The algorithm
    pub algorithm: String,
    /// The layer below, for algorithms that take one
    #[arg(long, value_name = "LAYER")]
    pub over: Option<String>,
    /// To how many others gossip passes a message on
    #[arg(long, value_name = "K", default_value_t = Settings::default().fanout,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub fanout: u32,
    /// A planted bug
    #[arg(long, value_name = "NAME")]
    pub bug: Option<String>,
}

/// Runs a node until its stdin ends.
pub fn main(args: &NodeArgs) -> ExitCode {
    let (algorithm, bug) = match resolve(args) {
        Ok(resolved) => resolved,
        Err(error) => {
            log(&format!("error: {error:#}"));
            return ExitCode::from(2);
        }
    };
    let settings = Settings { fanout: args.fanout };
    run(&|| (algorithm.build)(settings), bug.map(|entry| entry.bug))
}

/// Runs a node with layers of one's own, the top one first, until its stdin ends: a new algorithm without a line in the table.
pub fn serve(build: fn() -> Vec<Box<dyn Layer>>) -> ExitCode {
    run(&build, None)
}

/// A panic in a task would end that task only, and leave a node that is half alive: it has to end the process.
fn die_of_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(101);
    }));
}

/// A line of the node's log.
fn log(text: &str) {
    // A node whose log is gone has nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn resolve(args: &NodeArgs) -> Result<(&'static Algorithm, Option<&'static BugEntry>)> {
    let algorithm = system(&args.algorithm, args.over.as_deref())?;
    let Some(name) = &args.bug else { return Ok((algorithm, None)) };
    let Some(entry) = bugs::find(name) else {
        let names: Vec<&str> =
            bugs::BUGS.iter().filter(|bug| bug.algorithm == algorithm.name).map(|bug| bug.name).collect();
        bail!("there is no bug {name}; {} has {}", algorithm.name, names.join(", "));
    };
    if entry.algorithm != algorithm.name {
        bail!("the bug {name} is one of {}, not of {}", entry.algorithm, algorithm.name);
    }
    Ok((algorithm, Some(entry)))
}

fn run(build: &dyn Fn() -> Vec<Box<dyn Layer>>, bug: Option<Bug>) -> ExitCode {
    die_of_panics();
    match begin(build, bug) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// A whole life: `init`, and then whatever comes, until stdin ends.
fn begin(build: &dyn Fn() -> Vec<Box<dyn Layer>>, bug: Option<Bug>) -> Result<()> {
    let mut stdin = File::from(std::io::stdin().as_fd().try_clone_to_owned().context("failed to open stdin")?);
    let Some((init, rest)) = first(&mut stdin)? else { return Ok(()) };
    let identity = Identity {
        me: init.node_id,
        nodes: init.node_ids.clone(),
        incarnation: init.incarnation.unwrap_or(1),
        seed: init.seed.unwrap_or(0),
        bug,
    };
    let (storage, records) = Storage::open(std::env::var_os("TEMBLOR_DATA_DIR").map(Into::into))?;
    let stdout = std::io::stdout().as_fd().try_clone_to_owned().context("failed to open stdout")?;
    let core = Core::new((Stack::new(identity, build()), storage), &init, stdout.into());
    if init.clock == Clock::Virtual {
        return virtual_clock::live((core, records), &init, (stdin, rest));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("failed to start the runtime")?;
    LocalSet::new().block_on(&runtime, live((core, records), &init, &rest))
}

/// A life in real time.
async fn live((core, records): (Core, Records), init: &Init, rest: &[u8]) -> Result<()> {
    let mut stdin = stdio::Stdin::open(rest).context("failed to open stdin")?;
    let core = Rc::new(RefCell::new(core));
    let rearmed = Rc::new(Notify::new());
    let listen = peers::open(&core, &rearmed, init).await?;
    core.borrow_mut().introduce(init, listen);
    core.borrow_mut().begin(records);
    core.borrow_mut().flush()?;
    tokio::task::spawn_local(keep_time(Rc::clone(&core), Rc::clone(&rearmed)));
    while let Some(lines) = stdin.lines().await? {
        take(&core, &rearmed, &lines)?;
    }
    Ok(())
}

/// The first line, which has to be `init`, and what came with it. An end of stdin before it is an end. Without a proper
/// `init` there is no node; whoever asked is told why.
fn first(stdin: &mut File) -> Result<Option<(Init, Vec<u8>)>> {
    let Some((line, rest)) = lines::first(stdin)? else { return Ok(None) };
    match wire::read_init(&line).context("the first line has to be init") {
        Ok(init) => Ok(Some((init, rest))),
        Err(error) => {
            let refusal = wire::refusal_of_init(&line, &format!("{error:#}"));
            std::io::stdout().write_all(&refusal).context("failed to write to stdout")?;
            Err(error)
        }
    }
}

/// Handles whole lines, and lets what follows from them leave.
fn take(core: &Rc<RefCell<Core>>, rearmed: &Notify, lines: &[u8]) -> Result<()> {
    let mut core = core.borrow_mut();
    lines::each(lines, |line| core.line(line));
    core.flush()?;
    rearmed.notify_one();
    Ok(())
}

/// Fires the stack's timers.
async fn keep_time(core: Rc<RefCell<Core>>, rearmed: Rc<Notify>) {
    loop {
        let next = core.borrow().next_wake();
        match next {
            Some(at) => tokio::select! {
                () = tokio::time::sleep_until(at) => {
                    let mut core = core.borrow_mut();
                    core.wake();
                    if let Err(error) = core.flush() {
                        log(&format!("error: {error:#}"));
                        std::process::exit(1);
                    }
                }
                () = rearmed.notified() => {}
            },
            None => rearmed.notified().await,
        }
    }
}
