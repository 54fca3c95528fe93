//! The node in Python, node/python/fifo.py, and the page that walks through it: unchanged it is clean in both clocks, its planted
//! bug is found in both, and it answers the same inputs with the same bytes.
//!
//! Where there is no python3 these tests are ignored, unless everything is required. `TEMBLOR_UPDATE=1` writes the page's
//! transcript anew.

#[path = "command/mod.rs"]
mod command;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

use command::{Ended, Temblor};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// The node has fewer lines than this.
const LINES_MAX: usize = 200;
/// Within so many runs of one second the bug shows in lockstep.
const BUG_RUNS: u64 = 20;
/// A plan that shows the bug on real processes too.
const PLAN: &str = "workloads/demonstrations/skips-gap.json";

/// A test, by the sentence that it proves.
type Case = (&'static str, fn());

const CASES: &[Case] = &[
    ("it has fewer than 200 lines and imports what Python brings along", it_is_short),
    ("it is clean on real processes", clean_on_processes),
    ("it is clean in lockstep, and two runs have the same history", clean_in_lockstep),
    ("its bug is found on real processes", bug_on_processes),
    ("its bug is found in lockstep from drawn plans, and shrinks", bug_in_lockstep),
    ("the page's transcript is what it answers", transcript),
];

fn main() -> ExitCode {
    let trials = CASES.iter().map(|(name, case)| {
        Trial::ignorable_test(*name, || match obstacle() {
            Some(reason) if std::env::var_os("TEMBLOR_REQUIRE_ALL").is_some_and(|value| value == "1") => {
                Err(Failed::from(reason))
            }
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => {
                case();
                Ok(Completion::Completed)
            }
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Why nothing in Python can run here.
fn obstacle() -> Option<String> {
    match Command::new("python3").arg("--version").output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("python3 does not work: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Some(format!("there is no python3: {error}")),
    }
}

fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the workspace").join(path)
}

fn node() -> PathBuf {
    file("node/python/fifo.py")
}

fn read(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn it_is_short() {
    let text = read("node/python/fifo.py");
    assert!(text.lines().count() < LINES_MAX, "{} lines", text.lines().count());
    let imports: Vec<&str> = text.lines().filter(|line| line.contains("import ")).collect();
    let standard =
        ["heapq", "json", "queue", "socket", "sys", "threading", "time"].map(|name| format!("import {name}"));
    assert_eq!(imports, standard);
}

/// Runs clusters of it; `more` is what the command line has besides.
fn run(temblor: &Temblor, more: &str) -> Ended {
    let (options, arguments) = more.split_once(" -- ").unwrap_or((more, ""));
    temblor.run(&format!("run fifo {options} --bin {} -- {arguments}", node().display()))
}

fn clean_on_processes() {
    let ended = run(&Temblor::new(), "--seed 7 --time-limit 3s").expect(0);
    assert!(ended.out.contains("OK: every promised property held"), "{}", ended.out);
}

fn clean_in_lockstep() {
    let temblor = Temblor::new();
    run(&temblor, "--executor lockstep --seed 3 --time-limit 3s").expect(0);
    let history = temblor.read("results/latest/history.jsonl");
    assert!(history.matches("\"deliver\"").count() > 300, "hardly anything was delivered");
    run(&temblor, "--executor lockstep --seed 3 --time-limit 3s").expect(0);
    assert!(history == temblor.read("results/latest/history.jsonl"), "another history");
    let replayed = temblor.run("replay results/latest --times 2").expect(0);
    assert!(replayed.out.contains("identical 2 times in lockstep"), "{}", replayed.out);
}

fn bug_on_processes() {
    let (temblor, plan) = (Temblor::new(), file(PLAN));
    run(&temblor, &format!("--plan {}", plan.display())).expect(0);
    let ended = run(&temblor, &format!("--plan {} -- --bug", plan.display())).expect(1);
    assert!(ended.out.contains("VIOLATION of fifo-order"), "{}", ended.out);
}

fn bug_in_lockstep() {
    let temblor = Temblor::new();
    let more = format!("--executor lockstep --seed 1 --runs {BUG_RUNS} --time-limit 1s -- --bug");
    let ended = run(&temblor, &more).expect(1);
    assert!(ended.out.contains("VIOLATION of fifo-order"), "{}", ended.out);
    let replayed = temblor.run("replay results/latest --times 2").expect(1);
    assert!(replayed.out.contains("identical 2 times in lockstep"), "{}", replayed.out);
    let shrunk = temblor.run("shrink results/latest --budget 10s").expect(1);
    assert!(shrunk.out.contains("fifo-order"), "{}", shrunk.out);
}

/// In the page's transcript a line behind `> ` is an input, and those below it are the answer.
fn transcript() {
    let page = read("node/WRITE-YOUR-OWN.md");
    let (begin, end) = ("```text\n> ", "```\n");
    let (before, rest) = page.split_once(begin).expect("the page has a transcript");
    let (shown, after) = rest.split_once(end).expect("a block has an end");
    let inputs: Vec<&str> = std::iter::once(shown.lines().next().expect("the transcript has lines"))
        .chain(shown.lines().filter_map(|line| line.strip_prefix("> ")))
        .collect();
    assert!(inputs.len() >= 5, "{inputs:#?}");
    let spoken = converse(&inputs);
    let expected = format!("{before}```text\n{spoken}{end}{after}");
    if std::env::var_os("TEMBLOR_UPDATE").is_some() {
        fs::write(file("node/WRITE-YOUR-OWN.md"), expected).expect("the page can be written");
    } else {
        assert_eq!(format!("> {shown}"), spoken, "TEMBLOR_UPDATE=1 writes the page anew");
    }
}

/// Asks a node one input after the other, and waits for each answer.
fn converse(inputs: &[&str]) -> String {
    let mut child =
        Command::new(node()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it can be started");
    let (mut stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let (mut lines, mut spoken) = (BufReader::new(stdout), String::new());
    for input in inputs {
        writeln!(stdin, "{input}").expect("the node reads");
        spoken.push_str(&format!("> {input}\n"));
        spoken.push_str(&answer(&mut lines, &mut child));
    }
    drop(stdin);
    assert!(child.wait().expect("it was started").success(), "at the end of its input a node exits with code 0");
    spoken
}

/// The lines up to `idle`.
fn answer(lines: &mut BufReader<ChildStdout>, child: &mut Child) -> String {
    let mut answer = String::new();
    while !answer.lines().last().is_some_and(|line| line.contains("\"idle\"")) {
        let count = lines.read_line(&mut answer).expect("its output is text");
        assert!(count > 0, "it ended, {:?}, behind {answer}", child.wait());
    }
    answer
}
