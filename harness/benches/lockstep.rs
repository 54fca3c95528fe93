//! What exact repetition costs: `cargo bench -p temblor --bench lockstep`.
//!
//! Inputs a second of real processes in virtual time, on one core: the bundled node, and the one in Python. Then one plan in
//! all three executors, by the command itself, trace and verdict included: how long a run takes, and how many fit into an hour.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod figures;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use temblor::cli::SystemArgs;
use temblor::processes::Launch;
use temblor::system::System;
use temblor::virtual_time::{Files, Lockstep, run};
use temblor_workloads::draw::{Wishes, draw};
use temblor_workloads::plan::Plan;

/// Inputs a second that are asked for of the bundled node.
const INPUTS_TARGET: f64 = 50_000.0;
/// How long a plan of 30 s may take, s.
const PLAN_TARGET_S: f64 = 2.0;
/// How often each is measured; the median counts.
const TIMES: usize = 3;

fn main() {
    figures::heading("fifo over eager, 5 nodes, 50 broadcasts a second, no faults");
    let system =
        System::find(&SystemArgs { algorithm: "fifo".to_owned(), over: None, fanout: None, http: false }, None);
    let system = system.expect("it exists");
    let folder = tempfile::tempdir().expect("there is room for files");
    let bundled = Launch {
        program: env!("CARGO_BIN_EXE_temblor").into(),
        arguments: vec!["node".into(), "fifo".into()],
        ..Launch::default()
    };
    let python = Launch {
        program: "/usr/bin/python3".into(),
        arguments: vec![format!("{}/../node/python/fifo.py", env!("CARGO_MANIFEST_DIR"))],
        ..Launch::default()
    };
    let long = plan(&system, 30_000_000);
    let (inputs, seconds) = inputs((&system, &long), &bundled, folder.path());
    told("bundled node, inputs a second", inputs / seconds, INPUTS_TARGET);
    told("a plan of 30 s with its trace, s (at most)", seconds, PLAN_TARGET_S);
    if python.program.exists() {
        let (inputs, seconds) = self::inputs((&system, &plan(&system, 3_000_000)), &python, folder.path());
        println!("{:<44} {:>10.0}", "Python node, inputs a second", inputs / seconds);
    } else {
        println!("Python node: not measured, there is no /usr/bin/python3");
    }
    executors(&plan(&system, 3_000_000), folder.path());
}

fn told(what: &str, figure: f64, target: f64) {
    let shown = |value: f64| if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    let is_met = if what.ends_with("(at most)") { figure <= target } else { figure >= target };
    let verdict = if is_met { "met" } else { "MISSED" };
    println!("{what:<44} {:>10}   asked {:>7}   {verdict}", shown(figure), shown(target));
}

fn plan(system: &System, length_us: u64) -> Plan {
    let nodes = (1..=5).map(|n| format!("n{n}")).collect();
    let wishes = Wishes {
        workload: "broadcast".to_owned(),
        nemesis: vec!["none".to_owned()],
        length_us,
        rate: 50,
        ..Wishes::default()
    };
    draw(&system.setting(nodes), &wishes, 7).expect("a plan can be drawn")
}

/// How many inputs the nodes took, and how long that was, s; with the trace written.
fn inputs((system, plan): (&System, &Plan), launch: &Launch, folder: &Path) -> (f64, f64) {
    let header = system.header(plan).expect("the table is sound");
    let mut seconds = Vec::new();
    let mut inputs = 0;
    for nth in 0..TIMES {
        let nodes = folder.join(format!("{}-{nth}", launch.program.file_name().expect("it has one").to_string_lossy()));
        let trace = File::create(nodes.with_extension("messages.jsonl")).expect("a file can be made");
        let begun = Instant::now();
        let cluster = Lockstep::new(launch.clone(), &plan.nodes, nodes);
        let files = Files { messages: Some(trace), ..Files::default() };
        let facts = run((plan, &header, system.bound_ms()), cluster, files).expect("the history can be kept");
        seconds.push(begun.elapsed().as_secs_f64());
        inputs = facts.inputs;
    }
    (inputs as f64, figures::median(&mut seconds))
}

/// One plan of 3 s by the command in each executor.
fn executors(plan: &Plan, folder: &Path) {
    let file: PathBuf = folder.join("plan.json");
    std::fs::write(&file, plan.to_json()).expect("a file can be written");
    println!("\n{:<12} {:>10} {:>12} {:>10}", "executor", "s a run", "runs an hour", "ratio");
    let mut of_processes = None;
    for executor in ["processes", "lockstep", "sim"] {
        let mut seconds: Vec<f64> = (0..TIMES).map(|_| one(executor, &file, folder)).collect();
        let seconds = figures::median(&mut seconds);
        let slowest = *of_processes.get_or_insert(seconds);
        println!("{executor:<12} {seconds:>10.3} {:>12.0} {:>10.1}", 3_600.0 / seconds, slowest / seconds);
    }
}

fn one(executor: &str, plan: &Path, folder: &Path) -> f64 {
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_temblor"));
    command.args(["run", "fifo", "--executor", executor, "--plan"]).arg(plan);
    command.arg("--out").arg(folder.join("results")).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().expect("it can be started").success(), "a run without faults is clean");
    begun.elapsed().as_secs_f64()
}
