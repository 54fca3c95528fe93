//! What the lectures' algorithms promise and what they do not, as a text; the tables of the code are compared with it.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use temblor::cli::SystemArgs;
use temblor::system::System;
use temblor_checkers::table::CHECKERS;
use temblor_node::algorithms::{ALGORITHMS, Algorithm};
use temblor_node::bugs::BUGS;
use temblor_node::model::Crashes;

/// `yes`: always promised, and held in every run of `classes.rs`. `sender`, `leader`, `all`, `most`: the same while the sender,
/// the leader, all nodes, most nodes live. `odds`: as a statistic, in a run without faults. `*`: there are planted bugs that
/// break it, each with its case in `demonstrations.rs`. `no`: not promised, and a plan of `separations.rs` breaks it. `-`: not
/// promised, and nothing here breaks it. `outside`: the class of faults that the model does not allow.
pub const HIERARCHY: &str = "
                        crea  dupl  vali    agree   unif  fifo  caus  total utot  one   gap   lead    surv  outside
best-effort             yes*  no    -       no      no    no    no    no    no    no    no    -       yes   -
retransmit              yes*  yes*  yes*    sender* no    no    no    no    no    no    no    -       yes*  -
eager                   yes   yes*  yes*    yes*    no    no    no    no    no    no    no    -       yes   -
eager-uniform           yes   yes   most    most    most* no    no    no    no    no    no    -       yes   -
gossip                  yes   yes*  -       odds*   no    no    no    no    no    no    no    -       yes   -
fifo over best-effort   yes   yes   yes     sender  no    yes   no    no    no    no    no    -       yes   connection
fifo over retransmit    yes   yes   yes     sender  no    yes   no    no    no    no    no    -       yes   -
fifo over eager         yes   yes   yes     yes     no    yes*  no    no    no    no    no    -       yes   -
causal over best-effort yes   yes   yes     no      no    yes   yes   no    no    no    no    -       yes   connection
causal over retransmit  yes   yes   yes     no      no    yes   yes   no    no    no    no    -       yes   -
causal over eager       yes   yes   yes     yes     no    yes*  yes*  no    no    no    no    -       yes   -
total-sequencer         yes   yes*  leader* leader  no    no    no    yes*  yes   yes   yes*  yes*    yes   -
total-lamport           yes   yes   all*    all*    no    yes   yes   yes*  yes   yes   yes   -       yes   kill
fifo-total              yes   yes   leader  leader  no    yes*  yes   yes   yes   yes   yes   yes     yes   -
";

/// The properties, as the columns have them.
const COLUMNS: &[(&str, &str)] = &[
    ("crea", "no-creation"),
    ("dupl", "no-duplication"),
    ("vali", "validity"),
    ("agree", "agreement"),
    ("unif", "uniform-agreement"),
    ("fifo", "fifo-order"),
    ("caus", "causal-order"),
    ("total", "total-order"),
    ("utot", "uniform-total-order"),
    ("one", "one-order"),
    ("gap", "gap-free-order"),
    ("lead", "one-leader-per-term"),
    ("surv", "survives"),
];

/// Where the first column begins: behind the names of the systems.
const NAMES_WIDTH: usize = 24;

/// An algorithm over a layer, and what it promises.
pub struct Row {
    /// Its name, as in the text.
    pub name: &'static str,
    /// Its line of the table of algorithms.
    pub algorithm: &'static Algorithm,
    /// By property.
    pub cells: Vec<(&'static str, Cell)>,
    /// The class of faults outside of the model.
    pub outside: Option<&'static str>,
}

/// What is said of one property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Promised under this condition, in the words of the table of algorithms; whether planted bugs break it.
    Promised(&'static str, bool),
    /// Not promised, and broken.
    Broken,
    /// Not promised.
    Unsaid,
}

impl Row {
    /// What is said of a property.
    pub fn cell(&self, property: &str) -> Cell {
        let found = self.cells.iter().find(|(name, _)| *name == property);
        found.unwrap_or_else(|| panic!("{property} is no column")).1
    }

    /// The system, ready to run.
    pub fn system(&self) -> System {
        let Algorithm { name, over, .. } = self.algorithm;
        let arguments =
            SystemArgs { algorithm: (*name).to_owned(), over: over.map(str::to_owned), fanout: None, http: false };
        System::find(&arguments, None).expect("it stands in the table")
    }

    fn parse(line: &'static str) -> Row {
        let (name, rest) = line.split_at(NAMES_WIDTH);
        let (name, words) = (name.trim_end(), rest.split_whitespace().collect::<Vec<_>>());
        let algorithm = ALGORITHMS.iter().find(|algorithm| label(algorithm) == name);
        let (outside, cells) = words.split_last().expect("a row has cells");
        assert_eq!(cells.len(), COLUMNS.len(), "{line}");
        let cells = COLUMNS.iter().zip(cells).map(|((_, property), word)| (*property, Cell::parse(word))).collect();
        Row {
            name,
            algorithm: algorithm.unwrap_or_else(|| panic!("{name} is no algorithm")),
            cells,
            outside: (*outside != "-").then_some(*outside),
        }
    }
}

impl Cell {
    fn parse(word: &str) -> Cell {
        let condition = match word.trim_end_matches('*') {
            "no" => return Cell::Broken,
            "-" => return Cell::Unsaid,
            "yes" => "always",
            "sender" => "while-sender-lives",
            "leader" => "while-leader-lives",
            "all" => "while-nobody-crashes",
            "most" => "while-majority-lives",
            "odds" => "as-statistic",
            other => panic!("{other} says nothing"),
        };
        Cell::Promised(condition, word.ends_with('*'))
    }
}

/// A system's name in the text.
fn label(algorithm: &Algorithm) -> String {
    let over = algorithm.over.map_or(String::new(), |over| format!(" over {over}"));
    format!("{}{over}", algorithm.name)
}

/// The rows of the text.
pub fn rows() -> Vec<Row> {
    HIERARCHY.lines().skip(2).map(Row::parse).collect()
}

/// What can be said of the text without a run.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("the_columns_are_the_properties_that_are_judged", columns_are_all),
        Trial::test("the_rows_are_the_algorithms_with_their_promises", rows_are_all),
        Trial::test("the_stars_are_the_planted_bugs_each_with_its_demonstration", stars_are_bugs),
        Trial::test("readme_shows_the_matrix", readme_shows_it),
    ]
}

fn columns_are_all() -> Result<(), Failed> {
    let headings: Vec<&str> = COLUMNS.iter().map(|(heading, _)| *heading).chain(["outside"]).collect();
    assert_eq!(HIERARCHY.lines().nth(1).unwrap_or_default().split_whitespace().collect::<Vec<_>>(), headings);
    let mut properties: Vec<&str> = COLUMNS.iter().map(|(_, property)| *property).collect();
    // Where nobody comes back there is no log to change, and nobody votes or decides; and who only answers delivers nothing.
    let elsewhere = |name: &str| ALGORITHMS.iter().filter(|a| !is_row(a)).any(|a| promises(a, name));
    let of_broadcast = |name: &str| ALGORITHMS.iter().filter(|a| is_row(a)).any(|a| promises(a, name));
    let judged = CHECKERS.iter().map(|checker| checker.name);
    let judged = judged.filter(|name| of_broadcast(name) || !elsewhere(name));
    let mut judged: Vec<&str> = judged.collect();
    properties.sort_unstable();
    judged.sort_unstable();
    assert_eq!(properties, judged);
    Ok(())
}

/// Whether it is a broadcast of the lectures in which who crashes stays down. An exercise of Maelstrom's is not: what it
/// promises is seen in answers to clients.
fn is_row(algorithm: &Algorithm) -> bool {
    matches!(algorithm.model.crashes, Crashes::None | Crashes::Stop) && !algorithm.source.starts_with("Maelstrom")
}

fn promises(algorithm: &Algorithm, property: &str) -> bool {
    algorithm.promises.iter().any(|(name, _)| *name == property)
}

fn rows_are_all() -> Result<(), Failed> {
    let rows = rows();
    // Where nodes come back, other plans tell systems apart.
    assert_eq!(rows.len(), ALGORITHMS.iter().filter(|algorithm| is_row(algorithm)).count());
    for row in &rows {
        let mut said: Vec<(&str, &str)> = Vec::new();
        for (property, cell) in &row.cells {
            if let Cell::Promised(condition, _) = cell {
                said.push((property, condition));
            }
        }
        let mut promised = row.algorithm.promises.to_vec();
        said.sort_unstable();
        promised.sort_unstable();
        assert_eq!(said, promised, "{}", row.name);
    }
    Ok(())
}

fn stars_are_bugs() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/demonstrations");
    for bug in BUGS {
        assert!(folder.join(format!("{}.json", bug.name)).is_file(), "{} has no demonstration", bug.name);
    }
    for row in rows() {
        // A bug is planted in an algorithm over its default layer, which stands first in the table.
        let default = ALGORITHMS.iter().find(|first| first.name == row.algorithm.name).expect("it is there");
        let is_default = default.over == row.algorithm.over;
        for (property, cell) in &row.cells {
            let planted = BUGS.iter().any(|bug| bug.algorithm == row.algorithm.name && bug.property == *property);
            let starred = matches!(cell, Cell::Promised(_, true));
            assert_eq!(starred, planted && is_default, "{}, {property}", row.name);
        }
    }
    Ok(())
}

fn readme_shows_it() -> Result<(), Failed> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))?;
    assert!(readme.contains(&format!("```text{HIERARCHY}```\n")), "README is to show this:\n```text{HIERARCHY}```");
    Ok(())
}
