//! `temblor demo`: every algorithm under every class of faults of its model, the planted bugs, and a matrix of what came of it.
//!
//! A cell of the matrix is one run of about a second. Several go on at once, since a run on real processes mostly waits. Then each
//! planted bug that was chosen is run by its demonstration. The answer is the same for everybody as far as real processes
//! allow: all plans come from one seed.

mod crew;
mod finding;
mod matrix;
mod product;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::execution::die_of_panics;
use super::{answer, complain, note};
use crate::cli::{DemoArgs, Executor};
use crate::exit::Exit;
use crate::machine;
use crate::mark::Mark;
use crate::processes::provide_descriptors;
use crate::render::wrap;
use crate::results::{create_group, point_latest};
use crate::words::counted;
use crew::{Crew, Settings};
use finding::Finding;
use matrix::Matrix;

/// So many nodes has each run of a cell; a demonstration has its own.
const NODES: usize = 5;

/// Runs the product and prints the matrix.
pub fn demo(args: &DemoArgs) -> Result<Exit> {
    let begun = Instant::now();
    let systems = product::systems(&args.algorithms)?;
    let tasks = product::tasks(&systems, args);
    let width = width(&tasks);
    provide_descriptors(NODES, width)?;
    die_of_panics();
    let folder = create_group(&args.out, "demo", args.seed)?;
    let program = machine::program(&std::env::current_exe().context("failed to find this program's own file")?)?;
    let (seed, full, length_us, folder) = (args.seed, args.full, args.time_limit, folder.as_path());
    let settings = Settings { program, seed, full, length_us, folder };
    announce(&tasks, (width, args));
    let (findings, interrupted) = Crew::new(&tasks, &settings).work(width)?;
    let matrix = Matrix { systems: &systems, tasks: &tasks, findings: &findings, interrupted: interrupted.as_deref() };
    let took = begun.elapsed().as_secs();
    let text = matrix.text(args.full, took);
    keep(folder, (&matrix, &text))?;
    if let Some(shown) = most_telling(&findings) {
        point_latest(&args.out, shown)?;
    }
    answer(&if args.json { format!("{}\n", matrix.json()) } else { text })?;
    tell_more(&findings, folder);
    Ok(matrix.exit())
}

/// How many runs go on at once. Those on real processes wait most of the time; those in virtual time compute.
fn width(tasks: &[product::Task]) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let per_core = if tasks.iter().any(|task| task.executor == Executor::Processes) { 2 } else { 1 };
    (cores * per_core).min(tasks.len()).max(1)
}

fn announce(tasks: &[product::Task], (width, args): (usize, &DemoArgs)) {
    let bugs = tasks.iter().filter(|task| task.bug().is_some()).count();
    let text = format!(
        "{} and {}, {width} at once, seed {}",
        counted(tasks.len() - bugs, "cell", "cells"),
        counted(bugs, "planted bug", "planted bugs"),
        args.seed
    );
    note(&wrap(&text, 0));
}

/// The matrix as the demo printed it, and as data, beside the run folders.
fn keep(folder: &Path, (matrix, text): (&Matrix<'_>, &str)) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| anyhow::anyhow!("failed to write {}: {error}", path.display()))
    };
    write("matrix.txt", text)?;
    write("matrix.json", &(serde_json::to_string_pretty(&matrix.json())? + "\n"))
}

/// The run that a person wants to look at: the first violation, else the first bug that was found, else any.
fn most_telling(findings: &[Finding]) -> Option<&PathBuf> {
    let of = |mark: Mark| findings.iter().find(|finding| finding.mark == mark);
    [Mark::Violation, Mark::Found].into_iter().find_map(of).or_else(|| findings.first())?.folder.as_ref()
}

/// What did not go as it should, and where to read on.
fn tell_more(findings: &[Finding], folder: &Path) {
    for finding in findings {
        finding.failure.iter().for_each(complain);
    }
    for mark in [Mark::Violation, Mark::Found] {
        let path = findings.iter().find(|finding| finding.mark == mark).and_then(|finding| finding.folder.as_ref());
        if let Some(path) = path {
            note(&format!("why:   temblor explain {}", path.display()));
            break;
        }
    }
    note(&format!("files: {}", folder.display()));
}
