//! The executor `sim`: runs a plan in virtual time, on nodes that answer one input at a time.
//!
//! Nothing here reads a clock or draws a number while the run goes on, so the same plan gives the same history, byte for byte. A
//! run has the phases of one on real processes: start, main phase, heal, drain, end.

mod agenda;
mod answer;
mod cluster;
mod ground;
mod lockstep;
mod nemesis;
mod network;
mod process;
mod reboots;
mod simulated;
mod troubles;
mod turns;
mod world;

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use serde_json::json;
use temblor_checkers::header::{Acknowledges, Header};
use temblor_workloads::plan::Plan;

pub use cluster::{Answer, Cluster, End, Frame, Input, Life, Said};
pub use lockstep::Lockstep;
pub use network::LATENCY_MAX_NS;
pub use simulated::{Build, Simulated};

use crate::asked::Asked;
use crate::clock::Time;
use crate::processes::{Ended, Schedule, Setup};
use crate::proxy::trace::Trace;
use crate::reads::Reads;
use crate::recorder::{Recorder, Type};
use crate::script::Script;
use world::World;

/// How often the drain looks whether anything is still owed, ns.
const LOOK_NS: u64 = 10_000_000;

/// What a run came to, beside its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Sentences for the person who watches.
    pub notes: Vec<String>,
    /// Inputs that nodes have taken.
    pub inputs: u64,
    /// Frames that nodes have sent.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The time at the end, ns.
    pub length_ns: u64,
    /// The history, if it was kept in memory.
    pub history: Vec<u8>,
    /// Why the trace could not be written, if so.
    pub untraced: Option<String>,
}

/// Where a run writes.
#[derive(Debug, Default)]
pub struct Files<'a> {
    /// The history; `None` keeps it in memory.
    pub history: Option<&'a Path>,
    /// A line for every frame; `None` if nobody wants it.
    pub messages: Option<File>,
}

/// Runs the plan of `setup` on a cluster. The history is in the run folder afterwards.
///
/// # Errors
/// The files can't be begun.
pub fn carry_out<C: Cluster>(setup: &Setup<'_>, cluster: C) -> Result<Ended> {
    let (history, messages) = (setup.folder.file("history.jsonl"), setup.folder.file("messages.jsonl"));
    let trace = File::options().write(true).create_new(true).open(&messages);
    let trace = trace.with_context(|| format!("failed to write {}", messages.display()))?;
    let files = Files { history: Some(&history), messages: Some(trace) };
    let facts = run((setup.plan, setup.header, setup.bound_ms), cluster, files);
    let facts = facts.with_context(|| format!("failed to write {}", history.display()))?;
    let Facts { notes, inputs, frames, bytes, length_ns, untraced, history: _ } = facts;
    let failure = untraced.map(|error| anyhow!("failed to write {}: {error}", messages.display()));
    let facts = json!({ "inputs": inputs, "frames": frames, "bytes": bytes, "length_ns": length_ns });
    Ok(Ended { aborted: false, notes, facts, failure })
}

/// Runs a plan on a cluster. `bound_ms` is the bound of the system's model.
///
/// # Errors
/// The history can't be written.
pub fn run<C: Cluster>(
    (plan, header, bound_ms): (&Plan, &Header, u64),
    cluster: C,
    files: Files<'_>,
) -> io::Result<Facts> {
    let now = Rc::new(Cell::new(0));
    let time = Time::Virtual(Rc::clone(&now));
    let recorder = match files.history {
        Some(path) => Recorder::create(path, time.clone(), header)?,
        None => Recorder::in_memory(time.clone(), header),
    };
    let script = Script::new(plan, time, recorder).in_mode(header.crashes);
    let trace = files.messages.map(Trace::new);
    let mut world = World::new(script, (now, trace), cluster);
    (0..plan.nodes.len()).for_each(|node| world.start(node));
    world.open(Schedule::new(plan, world.now.get()));
    world.run_until(plan.length_us * 1_000);
    let dropped = world.script.schedule.drop_plan();
    world.notes.extend(dropped);
    world.lift_all();
    world.script.recorder.nemesis(Type::Ok, "heal", &json!({}));
    if header.ok == Acknowledges::Delivered {
        probe(&mut world);
    }
    let met = drain(&mut world, (header, bound_ms * 1_000_000));
    read_in_the_end(&mut world, header);
    drained(&mut world, met);
    facts(world)
}

fn facts<C: Cluster>(world: World<'_, C>) -> io::Result<Facts> {
    let (frames, bytes) = world.network.sent;
    let untraced = world.network.close_trace();
    Ok(Facts {
        inputs: world.inputs,
        frames,
        bytes,
        length_ns: world.now.get(),
        untraced,
        notes: world.notes,
        history: world.script.recorder.finish()?,
    })
}

/// Everybody who is up is asked for one more broadcast: after the heal it has to be delivered everywhere.
fn probe<C: Cluster>(world: &mut World<'_, C>) {
    for node in 0..world.seats.len() {
        if world.seats[node].up {
            world.ask(node, Script::probe(world.script.plan, node));
        }
    }
}

/// Waits until nothing is owed and stays so, or the model's bound has passed; says whether nothing is owed.
fn drain<C: Cluster>(world: &mut World<'_, C>, (header, bound_ns): (&Header, u64)) -> bool {
    let (begun, calm_ns) = (world.now.get(), bound_ns / 10 + 50_000_000);
    let (mut met_since, mut reads) = (None, Reads::begin(begun));
    loop {
        let now = world.now.get();
        met_since = if world.script.settled() { met_since.or(Some(now)) } else { None };
        if met_since.is_some_and(|since| now - since >= calm_ns) || now - begun >= bound_ns {
            return met_since.is_some();
        }
        // Nodes that report nothing are read now and then, to see whether they have what they owe.
        let owes = Script::has_reads(header) && !world.script.obligations.met();
        if owes && world.script.clients.unanswered(None).is_empty() && reads.is_due(now) {
            ask_for_reads(world);
        }
        world.run_until(now + LOOK_NS);
    }
}

fn ask_for_reads<C: Cluster>(world: &mut World<'_, C>) {
    for node in 0..world.seats.len() {
        if world.seats[node].up {
            world.ask(node, Asked::Messages);
        }
    }
}

/// Where there is a payment service, on the first node, it is asked for what it has charged; and where nodes are judged by what
/// they hold, each is read.
fn read_in_the_end<C: Cluster>(world: &mut World<'_, C>, header: &Header) {
    let (ledger, reads) = (Script::has_ledger(world.script.plan) && world.seats[0].up, Script::has_reads(header));
    if ledger {
        world.ask(0, Asked::Ledger);
    }
    if reads {
        ask_for_reads(world);
    }
    if ledger || reads {
        world.run_until(world.now.get() + LOOK_NS);
    }
}

/// Says what is open in the end, and that all is over.
fn drained<C: Cluster>(world: &mut World<'_, C>, met: bool) {
    for node in 0..world.seats.len() {
        let open = world.script.unanswered(node);
        if open > 0 && world.seats[node].up {
            let value = json!({ "reason": "requests unanswered at the end of the drain", "requests": open });
            world.script.reported(node, "silent", &value);
        }
    }
    world.script.abandon(None, ("timeout", "no answer by the end of the drain"));
    let unmet = world.script.obligations.unmet();
    let value = if met { json!({}) } else { json!({ "unmet": unmet }) };
    world.script.recorder.nemesis(Type::Ok, "drained", &value);
}
