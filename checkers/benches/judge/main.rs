//! How fast a history is judged, and in how much memory.
//!
//! ```text
//! cargo bench -p temblor-checkers                 ten million lines
//! cargo bench -p temblor-checkers -- 100000       as many as you like
//! ```
//!
//! The histories are: one that is valid by every property of `fifo` and by none above it (partitions that make some nodes lag, one
//! node killed half-way), a total order and a causal chat, each among 5 and among 50 nodes, one that violates integrity at every
//! line, and one in which every second delivery comes too early. Each is then measured in a process of its own, so that one peak of memory does not hide another: the scan for newlines, which
//! nothing that reads lines can beat; the reader; and the whole check, with every checker in the table.

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
    for shape in Shape::ALL {
        let file = Temporary(path(shape));
        let written = generate::generate(shape, lines, &file.0)?;
        println!("\n{}: {}", shape.name(), shape.what());
        println!("{} lines, {} messages, {:.1} MB", written.lines, written.messages, written.bytes as f64 / 1e6);
        println!("{}", Figures::HEADING);
        let mut reader_kb = 0;
        for case in Case::ALL {
            let figures = measure::in_child(case, shape, &file.0)?;
            if case == Case::Reader {
                reader_kb = figures.peak_kb;
            }
            println!("{}", figures.row(case.name(), &written));
            if case == Case::Check {
                let ledger = figures.peak_kb.saturating_sub(reader_kb) * 1024;
                println!("{:.1} bytes a message", ledger as f64 / written.messages as f64);
            }
        }
    }
    Ok(())
}

fn path(shape: Shape) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("judge-{}-{}.jsonl", shape.name(), std::process::id()))
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
