//! What the consensus algorithms are worth: `cargo bench -p temblor --bench consensus -- raft`.
//!
//! One algorithm at a time, measure by measure. Each result is a line of `harness/benches/consensus/figures.jsonl`, with the commit and
//! the machine; what stands there for this commit is not measured again, so that a measurement that was stopped goes on. A word behind
//! the algorithm takes only the measures that have it in their names (`-- raft leader`). Without an algorithm what is there is printed as a table. `TEMBLOR_MINUTES` sets how long the real processes run (30 by default).
//!
//! - Zero alarms: runs of drawn plans with all faults of the model, in `sim`, in `lockstep`, and on real processes. `unknown` are
//!   runs in which something promised, liveness included, was not decided; `idle` those that showed too little and do not count.
//! - Committed broadcasts a second of 3 and of 5 nodes on real processes, in a closed loop with 50 outstanding; with the data on a
//!   disk, and in memory, where a sync costs nothing.
//! - The time to a new leader after the old one was killed, cut off or stopped.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../figures/mod.rs"]
mod figures;
mod leaders;
mod quiet;
mod record;
mod throughput;

use std::path::PathBuf;

use serde_json::Value;
use temblor::cli::{Executor, SystemArgs};
use temblor::processes::Launch;
use temblor::system::System;

use record::Record;

/// The algorithms that broadcast in total order while a majority lives.
const ALGORITHMS: [&str; 4] = ["multi-paxos", "raft", "viewstamped", "zab"];

/// An algorithm under measurement.
pub struct Subject {
    /// It.
    pub system: System,
    /// How its nodes are started.
    pub launch: Launch,
}

/// A measure: its name, and how it is taken.
type Measure = (&'static str, fn(&Subject) -> Value);

const MEASURES: &[Measure] = &[
    ("2000 runs in sim", |subject| quiet::runs(subject, Executor::Sim, 2_000)),
    ("200 runs in lockstep", |subject| quiet::runs(subject, Executor::Lockstep, 200)),
    ("new leader after a kill", |subject| leaders::after(subject, leaders::Cause::Kill)),
    ("new leader after a partition", |subject| leaders::after(subject, leaders::Cause::Partition)),
    ("new leader after a pause", |subject| leaders::after(subject, leaders::Cause::Pause)),
    ("3 nodes, disk", |subject| throughput::of(subject, 3, &std::env::temp_dir())),
    ("3 nodes, memory", |subject| throughput::of(subject, 3, &memory())),
    ("5 nodes, disk", |subject| throughput::of(subject, 5, &std::env::temp_dir())),
    ("5 nodes, memory", |subject| throughput::of(subject, 5, &memory())),
    ("real processes", quiet::on_processes),
];

fn main() {
    let record = Record::open();
    // `cargo bench` adds a flag of its own.
    let mut words = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let Some(name) = words.next() else {
        return record.print();
    };
    let part = words.next().unwrap_or_default();
    assert!(ALGORITHMS.contains(&name.as_str()), "{name} is none of {}", ALGORITHMS.join(", "));
    figures::heading(&format!("cargo bench -p temblor --bench consensus -- {name}"));
    let args = SystemArgs { algorithm: name.clone(), over: None, fanout: None, http: false };
    let system = System::find(&args, None).expect("the algorithm stands in the table");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_temblor"));
    let launch = Launch { program, arguments: vec!["node".to_owned(), name.clone()], ..Launch::default() };
    let subject = Subject { system, launch };
    for (measure, take) in MEASURES.iter().filter(|(measure, _)| measure.contains(&part)) {
        if record.has(&name, measure) {
            println!("{measure}: stands there");
            continue;
        }
        let value = take(&subject);
        println!("{measure}: {value}");
        record.append(&name, measure, value);
    }
}

/// A folder in memory.
fn memory() -> PathBuf {
    PathBuf::from("/dev/shm")
}
