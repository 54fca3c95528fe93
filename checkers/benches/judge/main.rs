//! How fast a history is judged, and in how much memory.
//!
//! ```text
//! cargo bench -p temblor-checkers --bench judge               ten million lines
//! cargo bench -p temblor-checkers --bench judge -- 100000     as many as you like
//! ```
//!
//! The histories are: broadcast in no order, in FIFO order with faults, in causal order and in total order, among 5 and (but for
//! FIFO order) among 50 nodes; one that violates integrity at every line, and one in which every second delivery comes too
//! early. Each is judged by every checker in the table, in a process of its own, so that one peak of memory does not hide
//! another. Of the first one it is told, too, what the scan for newlines takes, which nothing that reads lines can beat, and what
//! the reader takes.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark has a clock, files and processes")]
#![allow(clippy::print_stdout, reason = "its figures are what it is for")]

mod figures;
mod generate;
mod machine;
mod measure;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use figures::Figures;
use generate::Shape;
use measure::Case;

/// The issue asks for figures at this size.
const LINES: u64 = 10_000_000;
/// What `cargo test --benches` runs: enough to see that everything still works.
const SMOKE_LINES: u64 = 10_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [measure::VERB, case, shape, path] => measure::child(case, shape, Path::new(path)),
        _ => benchmark(lines(&arguments)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed to measure: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many lines: the number among the arguments, else the default. Cargo says `--bench` when it means it.
fn lines(arguments: &[String]) -> u64 {
    let default = if arguments.iter().any(|argument| argument == "--bench") { LINES } else { SMOKE_LINES };
    arguments.iter().find_map(|argument| argument.replace('_', "").parse().ok()).unwrap_or(default)
}

fn benchmark(lines: u64) -> io::Result<()> {
    println!("{}", machine::describe());
    println!("{lines} lines a history; lines/s and ns are of the time on a core\n");
    println!("{}", Figures::HEADING);
    for shape in Shape::ALL {
        let file = Temporary(path(shape));
        let written = generate::generate(shape, lines, &file.0)?;
        if shape == Shape::ALL[0] {
            for case in [Case::Scan, Case::Reader] {
                println!("{}", measure::in_child(case, shape, &file.0)?.row(case.name(), &written));
            }
        }
        println!("{}", measure::in_child(Case::Check, shape, &file.0)?.row(shape.name(), &written));
    }
    println!();
    Shape::ALL.iter().for_each(|shape| println!("{:<14}{}", shape.name(), shape.what()));
    Ok(())
}

fn path(shape: Shape) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "judge-{}-{}.jsonl",
        shape.name().replace(' ', "-"),
        std::process::id()
    ))
}

/// A file that goes when it is no longer needed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            println!("{} is left: {error}", self.0.display());
        }
    }
}
