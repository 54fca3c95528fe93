//! What pages cost: `cargo bench -p temblor --bench report [-- 100000 1000000 10000000]`.
//!
//! For runs of so many events (lines of `history.jsonl` and `messages.jsonl` together) with one violation in the middle: the size of
//! the page, how long a browser takes to its first picture and to a redraw, and time and memory of `check`, `explain` and `report`.
//! The runs are those of `eager` on 5 nodes in virtual time, in which one line has been changed: a delivery that comes twice.
//!
//! The browser needs chromium, node, and `npm install --no-package-lock --prefix harness/tests/browser`; without them its
//! figures are left out.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../census/mod.rs"]
mod census;
#[path = "../figures/mod.rs"]
mod figures;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// About so many events come of one broadcast of `eager` on 5 nodes.
const EVENTS_A_BROADCAST: u64 = 47;
/// Broadcasts a second of virtual time.
const RATE: u64 = 1_000;
const SIZES: [u64; 3] = [100_000, 1_000_000, 10_000_000];
const LOOK: Duration = Duration::from_millis(10);

fn main() {
    let asked: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { SIZES.to_vec() } else { asked };
    figures::heading("cargo bench -p temblor --bench report");
    sizes.into_iter().for_each(measure);
}

fn measure(size: u64) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let run = folder.path().join("results/latest");
    let seconds = (size / EVENTS_A_BROADCAST).div_ceil(RATE).max(1).to_string();
    let status = Command::new(env!("CARGO_BIN_EXE_temblor"))
        .args([
            "run",
            "eager",
            "-x",
            "sim",
            "--nodes",
            "5",
            "--nemesis",
            "link",
            "--seed",
            "1",
            "--rate",
            &RATE.to_string(),
        ])
        .args(["--time-limit", &seconds, "--out"])
        .arg(folder.path().join("results"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("temblor starts");
    assert!(status.success(), "a correct system held");
    spoil(&run.join("history.jsonl"));
    let events = lines(&run.join("history.jsonl")) + lines(&run.join("messages.jsonl"));
    println!("\n{events} events");
    let check = timed(&["check"], &run);
    for verb in ["explain", "report"] {
        let (seconds, mb) = timed(&[verb], &run);
        let (slower, larger) = (seconds / check.0, mb / check.1);
        println!(
            "{verb:8} {seconds:>7.2} s {mb:>7.1} MB, {slower:.2} times the time and {larger:.2} times the memory of check"
        );
    }
    println!("check    {:>7.2} s {:>7.1} MB", check.0, check.1);
    let page = run.join("report.html").canonicalize().expect("a page was written");
    let bytes = fs::metadata(&page).map_or(0, |facts| facts.len());
    println!("page     {:.2} MB", bytes as f64 / 1e6);
    let measured = Command::new("node").arg("measure.mjs").arg(&page).current_dir(browser()).output();
    match measured {
        Ok(output) if output.status.success() => {
            println!("browser  {}", String::from_utf8_lossy(&output.stdout).trim())
        }
        _ => println!("browser  not measured: there is no chromium or node, or npm install was not run"),
    }
}

fn browser() -> String {
    format!("{}/tests/browser", env!("CARGO_MANIFEST_DIR"))
}

/// How long a command takes, s, and how much memory it needs at most, MB.
fn timed(words: &[&str], run: &Path) -> (f64, f64) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_temblor"))
        .args(words)
        .arg(run)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("temblor starts");
    let mut peak: f64 = 0.0;
    while child.try_wait().expect("a child can be waited for").is_none() {
        let below = census::Census::below(child.id());
        peak = peak.max(below.pids().map(census::peak_mb).fold(0.0, f64::max));
        sleep(LOOK);
    }
    (begun.elapsed().as_secs_f64(), peak)
}

fn lines(path: &Path) -> u64 {
    BufReader::new(File::open(path).expect("the file is there")).split(b'\n').count() as u64
}

/// Makes one delivery in the middle one of the message that was delivered there before.
fn spoil(path: &Path) {
    let middle = lines(path) / 2;
    let spoilt = path.with_extension("spoilt");
    let (input, mut out) =
        (File::open(path).expect("there is a history"), BufWriter::new(File::create(&spoilt).expect("room")));
    let (mut last, mut done) = (String::new(), false);
    for (number, line) in BufReader::new(input).lines().enumerate() {
        let line = line.expect("a line is text");
        let delivery = line.contains("\"process\":\"n2\"") && line.contains("\"f\":\"deliver\"");
        let value = |line: &str| line.rsplit_once("\"value\":").map_or(String::new(), |(_, value)| value.to_owned());
        if delivery && number as u64 > middle && !done && !last.is_empty() {
            let (head, _) = line.rsplit_once("\"value\":").expect("a delivery has a value");
            writeln!(out, "{head}\"value\":{last}").expect("room");
            done = true;
            continue;
        }
        if delivery {
            last = value(&line);
        }
        writeln!(out, "{line}").expect("room");
    }
    out.flush().expect("room");
    fs::rename(&spoilt, path).expect("a file can be renamed");
}
