//! What it takes to start a run, and to have it, from 3 to 50 nodes: `cargo bench -p temblor --bench start`.
//!
//! Real runs of `eager`: ten broadcasts in a main phase of a second, the first at its beginning. A broadcast goes over every
//! link, so the links are up, all of them, when each has carried its first frame; that is the time in the table, counted from the
//! moment before the first listener is bound. A link takes three descriptors, and a hundred nodes have 9,900 links: under a limit
//! of 20,000 descriptors they start and deliver, or the program says what is needed and what is allowed.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod census;
mod figures;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use census::Census;
use figures::median;
use temblor_workloads::plan::{FORMAT, Operation, Plan, When};

/// How many nodes, and after what time all links are to be up, s.
const SIZES: [(usize, Option<f64>); 7] =
    [(3, None), (5, Some(0.2)), (7, None), (10, None), (20, None), (30, None), (50, Some(2.0))];
/// Too many nodes for so many descriptors, with three a link.
const CROWD: (usize, u64) = (100, 20_000);
/// How often each size runs: shown are the median of the time, and the most of everything else.
const RUNS: usize = 3;
const LENGTH_US: u64 = 1_000_000;
const BROADCASTS: u64 = 10;
/// How often the processes of a run are looked at.
const LOOK: Duration = Duration::from_millis(100);

fn main() {
    figures::heading("temblor run eager --plan PLAN, 10 broadcasts in 1 s");
    println!(
        "{:>5} {:>5} {:>8} {:>6} {:7} {:>9} {:>11} {:>10} {:>8}",
        "nodes", "links", "up, s", "target", "verdict", "processes", "descriptors", "memory, MB", "CPU, s"
    );
    for (nodes, target) in SIZES {
        row(nodes, target);
    }
    println!("descriptors, memory and CPU are the controller's, the most of three runs");
    crowd();
}

/// What was seen of the processes of a run: the most of each.
#[derive(Default)]
struct Seen {
    processes: usize,
    descriptors: usize,
    memory_mb: f64,
    cpu_s: f64,
}

impl Seen {
    fn look(&mut self, root: u32) {
        let census = Census::below(root);
        let Some(controller) = census.controller() else { return };
        self.processes = self.processes.max(census.count());
        self.descriptors = self.descriptors.max(census::descriptors(controller));
        self.memory_mb = self.memory_mb.max(census::peak_mb(controller));
        self.cpu_s = self.cpu_s.max(census::cpu_s(controller));
    }
}

fn row(nodes: usize, target: Option<f64>) {
    let mut seen = Seen::default();
    let mut up_s: Vec<f64> = (0..RUNS).map(|_| run(nodes, &mut seen)).collect();
    let up_s = median(&mut up_s);
    let shown = target.map_or(String::new(), |target| target.to_string());
    let verdict = target.map_or("", |target| if up_s <= target { "met" } else { "missed" });
    let Seen { processes, descriptors, memory_mb, cpu_s } = seen;
    let links = nodes * (nodes - 1);
    print!("{nodes:>5} {links:>5} {up_s:>8.3} {shown:>6} {verdict:7}");
    println!(" {processes:>9} {descriptors:>11} {memory_mb:>10.1} {cpu_s:>8.2}");
}

/// A run; gives the time after which all links were up, s.
fn run(nodes: usize, seen: &mut Seen) -> f64 {
    let results = tempfile::tempdir().expect("a temporary directory");
    let mut child = temblor(nodes, results.path()).spawn().expect("temblor starts");
    while child.try_wait().expect("a child can be waited for").is_none() {
        seen.look(child.id());
        sleep(LOOK);
    }
    let status = child.wait().expect("a child can be waited for");
    if !status.success() {
        println!("{nodes:>5} nodes: a run was not clean, {status}; the machine may be too busy for so many");
    }
    links_up_s(nodes, &results.path().join("latest/messages.jsonl"))
}

/// When each link had carried a frame, s; infinite if one never did.
fn links_up_s(nodes: usize, trace: &Path) -> f64 {
    let text = fs::read_to_string(trace).unwrap_or_default();
    let mut first_ns: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let field =
            |name: &str| line.split_once(name).map_or("", |(_, rest)| rest.split([',', '"']).next().unwrap_or(""));
        if let Ok(out_ns) = field("\"out\":").parse::<f64>() {
            let first = first_ns.entry((field("\"from\":\""), field("\"to\":\""))).or_insert(out_ns);
            *first = first.min(out_ns);
        }
    }
    let all = first_ns.len() == nodes * (nodes - 1);
    if all { first_ns.into_values().fold(0.0, f64::max) / 1e9 } else { f64::INFINITY }
}

/// Many nodes and few descriptors.
fn crowd() {
    let (nodes, limit) = CROWD;
    let results = tempfile::tempdir().expect("a temporary directory");
    let command = temblor(nodes, results.path());
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\"")]);
    limited.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    let begun = Instant::now();
    let output = limited.output().expect("sh starts");
    let seconds = begun.elapsed().as_secs_f64();
    let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
    println!("{nodes} nodes under a limit of {limit} descriptors: exit code {code} after {seconds:.2} s");
    if !output.status.success() {
        print!("{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn temblor(nodes: usize, results: &Path) -> Command {
    let path = results.join("plan.json");
    fs::write(&path, plan(nodes).to_json()).expect("a plan can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_temblor"));
    command.args(["run", "eager", "--plan"]).arg(path).arg("--out").arg(results);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn plan(nodes: usize) -> Plan {
    let operation = |at: u64| {
        let when = When::AtUs(at * LENGTH_US / BROADCASTS);
        Operation::broadcast(when, format!("n{}", at % nodes as u64 + 1), at + 1)
    };
    Plan {
        format: FORMAT,
        algorithm: "eager".to_owned(),
        over: None,
        fanout: None,
        http: false,
        topology: Default::default(),
        clients_max: None,
        workload: String::new(),
        seed: 7,
        nodes: (1..=nodes).map(|number| format!("n{number}")).collect(),
        length_us: LENGTH_US,
        beyond_model: false,
        requested: Vec::new(),
        operations: (0..BROADCASTS).map(operation).collect(),
        faults: Vec::new(),
        rules: Vec::new(),
    }
}
