//! One measurement, in a process of its own.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use temblor_checkers::check::check;
use temblor_checkers::judge::Options;
use temblor_checkers::reader::Reader;
use temblor_checkers::verdict::Outcome;

use crate::figures::Figures;
use crate::generate::Shape;

/// The argument that makes this program measure one case and leave.
pub const VERB: &str = "--measure";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Reading the file and counting its lines.
    Scan,
    /// Reading ops.
    Reader,
    /// Judging them, by every checker in the table, and finding the witnesses.
    Check,
}

impl Case {
    /// All, in the order in which they are measured.
    pub const ALL: [Case; 3] = [Case::Scan, Case::Reader, Case::Check];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Case::Scan => "newline scan",
            Case::Reader => "reader",
            Case::Check => "reader + judge",
        }
    }
}

/// Has another process measure a case.
pub fn in_child(case: Case, shape: Shape, path: &Path) -> io::Result<Figures> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args([VERB, case.name(), shape.name()]).arg(path).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures = Figures::from_line(&text).filter(|_| output.status.success());
    figures
        .ok_or_else(|| io::Error::other(format!("{}: {text}{}", case.name(), String::from_utf8_lossy(&output.stderr))))
}

/// Is that other process.
pub fn child(case: &str, shape: &str, path: &Path) -> io::Result<()> {
    let case = Case::ALL.into_iter().find(|known| known.name() == case);
    let shape = Shape::ALL.into_iter().find(|known| known.name() == shape);
    let (Some(case), Some(shape)) = (case, shape) else { return Err(io::Error::other("no such case")) };
    let began = Instant::now();
    match case {
        Case::Scan => scan(path)?,
        Case::Reader => ops(path)?,
        Case::Check => verdict(shape, path)?,
    }
    let took_ns = began.elapsed().as_nanos() as u64;
    println!("{}", Figures { took_ns, on_core_ns: on_core_ns()?, peak_kb: peak_kb()? }.to_line());
    Ok(())
}

fn scan(path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 256 << 10];
    let mut lines = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        lines += memchr::memchr_iter(b'\n', &buffer[..count]).inspect(|at| _ = black_box(at)).count();
    }
    black_box(lines);
    Ok(())
}

fn ops(path: &Path) -> io::Result<()> {
    let mut reader = Reader::new(File::open(path)?);
    let Some(mut op) = reader.next().map_err(io::Error::other)? else { return Ok(()) };
    while reader.read(&mut op).map_err(io::Error::other)? {
        black_box(&op);
    }
    Ok(())
}

fn verdict(shape: Shape, path: &Path) -> io::Result<()> {
    let verdict = check(|| File::open(path), &Options::default()).map_err(io::Error::other)?;
    match (shape.is_clean(), &verdict.outcome) {
        (true, Outcome::Clean) | (false, Outcome::Violation) => Ok(()),
        _ => Err(io::Error::other(format!("{:?} is wrong: {:#?}", verdict.outcome, verdict.properties))),
    }
}

fn on_core_ns() -> io::Result<u64> {
    let spent = std::fs::read_to_string("/proc/self/schedstat")?;
    let first = spent.split(' ').next().and_then(|ns| ns.parse().ok());
    first.ok_or_else(|| io::Error::other("/proc/self/schedstat has no first number"))
}

fn peak_kb() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.ok_or_else(|| io::Error::other("/proc/self/status has no VmHWM"))
}
