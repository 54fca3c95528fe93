//! The executor `sim`: runs a plan in virtual time, on nodes that answer one input at a time.
//!
//! Nothing here reads a clock or draws a number while the run goes on, so the same plan gives the same history, byte for byte. A
//! run has the phases of one on real processes: start, main phase, heal, drain, end.

mod agenda;
mod answer;
mod cluster;
mod lockstep;
mod nemesis;
mod network;
mod simulated;
mod world;

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result};
use serde_json::json;
use temblor_checkers::header::Header;
use temblor_workloads::plan::Plan;

pub use cluster::{Answer, Cluster, End, Frame, Input, Life, Said};
pub use lockstep::Lockstep;
pub use simulated::{Build, Simulated};

use crate::clock::Time;
use crate::processes::{Ended, Schedule, Setup};
use crate::recorder::{Recorder, Type};
use crate::script::Script;
use world::World;

/// How often the drain looks whether anything is still owed, ns.
const LOOK_NS: u64 = 10_000_000;

/// What a run came to, beside its history.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// Runs the plan of `setup` on a cluster. The history is in the run folder afterwards.
///
/// # Errors
/// The history can't be begun.
pub fn carry_out<C: Cluster>(setup: &Setup<'_>, cluster: C) -> Result<Ended> {
    let path = setup.folder.file("history.jsonl");
    let facts = run((setup.plan, setup.header, setup.bound_ms), cluster, &path);
    let facts = facts.with_context(|| format!("failed to write {}", path.display()))?;
    let Facts { notes, inputs, frames, bytes, length_ns } = facts;
    let facts = json!({ "inputs": inputs, "frames": frames, "bytes": bytes, "length_ns": length_ns });
    Ok(Ended { aborted: false, notes, facts, failure: None })
}

/// Runs a plan on a cluster; the history goes to `history`. `bound_ms` is the bound of the system's model.
///
/// # Errors
/// The history can't be written.
pub fn run<C: Cluster>(
    (plan, header, bound_ms): (&Plan, &Header, u64),
    cluster: C,
    history: &Path,
) -> io::Result<Facts> {
    let now = Rc::new(Cell::new(0));
    let time = Time::Virtual(Rc::clone(&now));
    let recorder = Recorder::create(history, time.clone(), header)?;
    let mut world = World::new(Script::new(plan, time, recorder), now, cluster);
    (0..plan.nodes.len()).for_each(|node| world.start(node));
    world.script.schedule = Schedule::new(plan, world.now.get());
    world.run_until(plan.length_us * 1_000);
    let dropped = world.script.schedule.drop_plan();
    world.lift_all();
    world.script.recorder.nemesis(Type::Ok, "heal", &json!({}));
    drain(&mut world, bound_ms * 1_000_000);
    world.script.recorder.flush();
    let (frames, bytes) = world.network.sent;
    if dropped > 0 {
        world.notes.push(format!("{dropped} entries of the plan never came due: their anchors were not seen in time"));
    }
    let (notes, length_ns) = (std::mem::take(&mut world.notes), world.now.get());
    let facts = Facts { notes, inputs: world.inputs, frames, bytes, length_ns };
    world.script.recorder.into_failure().map_or(Ok(facts), Err)
}

/// Waits until nothing is owed and stays so, or the model's bound has passed.
fn drain<C: Cluster>(world: &mut World<'_, C>, bound_ns: u64) {
    let (begun, calm_ns) = (world.now.get(), bound_ns / 10 + 50_000_000);
    let mut met_since = None;
    loop {
        let now = world.now.get();
        met_since = if world.script.settled() { met_since.or(Some(now)) } else { None };
        if met_since.is_some_and(|since| now - since >= calm_ns) || now - begun >= bound_ns {
            break;
        }
        world.run_until(now + LOOK_NS);
    }
    for node in 0..world.seats.len() {
        let open = world.script.unanswered(node);
        if open > 0 && world.seats[node].up {
            let value = json!({ "reason": "requests unanswered at the end of the drain", "requests": open });
            world.script.reported(node, "silent", &value);
        }
    }
    world.script.abandon(None, ("timeout", "no answer by the end of the drain"));
    let unmet = world.script.obligations.unmet();
    let value = if met_since.is_some() { json!({}) } else { json!({ "unmet": unmet }) };
    world.script.recorder.nemesis(Type::Ok, "drained", &value);
}
