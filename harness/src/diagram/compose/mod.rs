//! From the evidence to the diagram: what happened becomes rows in the order of time, frames become arrows between rows, and
//! faults become spans over them.

mod answers;
mod ops;
mod troubles;
mod ways;

use temblor_checkers::verdict::Witness;

use super::evidence::{Evidence, What};
use super::frames::Frames;
use super::passage::{self, Passage};
use super::{Diagram, Fate, Row, lanes};

/// A diagram has so many rows at most; what is no step gives way.
const ROWS_MAX: usize = 48;

/// What belongs to a row while rows come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// An op, as a position in [`Evidence::seen`].
    Op(usize),
    /// The beginning of a fault, as a position in [`Evidence::faults`].
    Begin(usize),
    /// Its end.
    End(usize),
    /// A frame leaves, as a position in the list of passages.
    Leaves(usize),
    /// It arrives, or is lost.
    Arrives(usize),
}

/// A row, and where it comes from.
struct Entry {
    origin: Origin,
    row: Row,
}

/// What is put together.
struct Scene<'a> {
    property: &'a str,
    witness: &'a Witness,
    evidence: &'a Evidence,
    frames: &'a Frames,
    lanes: Vec<usize>,
    entries: Vec<Entry>,
    passages: Vec<Passage>,
    ways: Vec<Way>,
}

/// An arrow while rows come and go.
struct Way {
    /// The rows where it begins and ends.
    rows: (Origin, Origin),
    /// The lanes.
    lanes: (usize, usize),
    fate: Fate,
    carries: String,
    why: String,
}

/// The diagram of a witness of a property.
pub fn compose((property, witness): (&str, &Witness), evidence: &Evidence, frames: &Frames) -> Diagram {
    let concerned = lanes::concerned(witness, evidence);
    let lanes = lanes::choose(witness, evidence, frames);
    let passages = passage::all(evidence, frames, &concerned);
    let mut scene =
        Scene { property, witness, evidence, frames, lanes, entries: Vec::new(), passages, ways: Vec::new() };
    scene.add_ops();
    scene.sort();
    scene.choose_passages();
    scene.add_faults();
    scene.sort();
    scene.add_passages();
    scene.sort();
    scene.merge_kills();
    scene.shorten();
    scene.into_diagram()
}

impl Scene<'_> {
    /// By time. In virtual time much happens at once: then it goes in the order of the file, frames come behind what nodes did, and
    /// the end of a node comes behind the frames that it had sent.
    fn sort(&mut self) {
        let kill = |at: usize| self.evidence.faults[at].f == "kill";
        let key = |entry: &Entry| match entry.origin {
            Origin::Op(at) => {
                let ends = matches!(self.evidence.seen[at].what, What::Exits(_));
                (entry.row.time, if ends { 2 } else { 0 }, self.evidence.seen[at].index)
            }
            Origin::Begin(at) => (entry.row.time, if kill(at) { 2 } else { 0 }, self.evidence.faults[at].began.0),
            Origin::End(at) => (entry.row.time, 0, self.evidence.faults[at].ended.map_or(0, |(index, _)| index)),
            Origin::Leaves(at) | Origin::Arrives(at) => (entry.row.time, 1, at as u64),
        };
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by_key(key);
        self.entries = entries;
    }

    /// Takes rows out while there are too many: lost frames and what others did first, steps and faults never.
    fn shorten(&mut self) {
        while self.entries.len() > ROWS_MAX {
            let lost = |entry: &Entry| matches!(entry.origin, Origin::Arrives(_) | Origin::Leaves(_));
            let op = |entry: &Entry| matches!(entry.origin, Origin::Op(_)) && entry.row.step.is_none();
            let Some(at) = self.entries.iter().rposition(lost).or_else(|| self.entries.iter().rposition(op)) else {
                return;
            };
            self.entries.remove(at);
        }
    }

    fn into_diagram(self) -> Diagram {
        let (arrows, spans) = (self.drawn_arrows(), self.spans());
        let (orders, arrangement, holders) = (self.orders(), self.arrangement(), self.holders());
        let name = |node: usize| self.evidence.nodes[node].clone();
        let others = (0..self.evidence.nodes.len()).filter(|node| !self.lanes.contains(node)).map(name).collect();
        let lanes = self.lanes.iter().copied().map(name).collect();
        let rows = self.entries.into_iter().map(|entry| entry.row).collect();
        let tables = self.evidence.tables.clone();
        Diagram { lanes, others, rows, arrows, spans, orders, arrangement, holders, tables }
    }

    /// From the first step to the last, ns.
    fn window(&self) -> (u64, u64) {
        let faults =
            self.witness.steps.iter().filter(|step| step.process != "nemesis" || step.what.contains("drained"));
        let times: Vec<u64> = faults.map(|step| step.time).collect();
        (times.iter().min().copied().unwrap_or(0), times.iter().max().copied().unwrap_or(0))
    }

    fn step(&self, index: u64) -> Option<usize> {
        self.witness.steps.iter().position(|step| step.index == index).map(|at| at + 1)
    }

    fn lane(&self, node: usize) -> Option<usize> {
        self.lanes.iter().position(|lane| *lane == node)
    }

    fn find(&self, origin: Origin) -> Option<usize> {
        self.entries.iter().position(|entry| entry.origin == origin)
    }
}
