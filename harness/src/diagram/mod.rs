//! The space-time diagram of a witness: the few events that prove a violation, in the order of time, on a lane for each node
//! that matters, with the frames between them and the faults that were in force.
//!
//! A diagram is data ([`Diagram`]) and knows nothing of how it is shown: [`text`] draws it in 80 columns, in Unicode or ASCII.
//! It is made of three things: the witness that the judge gave, a reading of the history for what concerns it
//! ([`evidence`]), and, where the run left a trace, the frames that carried its messages ([`frames`]). Both files are read
//! as streams; what is kept is bounded by the witness and the number of nodes, not by the length of the run.
//!
//! Time runs down, as in the lectures' diagrams turned by a quarter: lanes are few, and each row has room for words. Rows stand
//! for events, not for lengths of time; where a long time passes between two of them, the diagram says how long.

mod cause;
mod compose;
mod elections;
pub mod evidence;
mod faults;
pub mod frames;
mod lanes;
mod logs;
mod orders;
mod passage;
mod payments;
pub mod text;

use std::collections::BTreeSet;

use temblor_checkers::verdict::Witness;

pub use compose::compose;

/// A gap is shown where more than this part of the whole time passes between two rows ...
const GAP_PART: u64 = 12;
/// ... and no less than this, ns.
const GAP_MIN_NS: u64 = 1_000_000;

/// What a witness looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// The names of the nodes that are drawn, in the order of the history's first line.
    pub lanes: Vec<String>,
    /// The names of those that are not.
    pub others: Vec<String>,
    /// What happened, oldest first.
    pub rows: Vec<Row>,
    /// Frames on their way, and where no frames are known the way from a broadcast to a delivery.
    pub arrows: Vec<Arrow>,
    /// What was in force at nodes and links.
    pub spans: Vec<Span>,
    /// In which order nodes broadcast and delivered: empty but for properties of order.
    pub orders: Vec<Order>,
    /// How these are to be compared.
    pub arrangement: Arrangement,
    /// Who delivered a message and who did not: empty but for properties of liveness.
    pub holders: Vec<Holders>,
    /// Terms, logs, charges: empty but for properties of elections, of replicated logs, of payments.
    pub tables: Vec<Table>,
}

/// What is seen best side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// The titles of its columns.
    pub head: Vec<String>,
    /// Its rows, each with as many cells.
    pub rows: Vec<TableRow>,
}

/// A row of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRow {
    /// Its cells.
    pub cells: Vec<String>,
    /// Whether this is what is wrong.
    pub wrong: bool,
    /// What to say of it; mostly nothing.
    pub remark: String,
}

/// One moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// ns since the run began.
    pub time: u64,
    /// The number of the witness's step that this is, from 1.
    pub step: Option<usize>,
    /// What happened on the lanes.
    pub marks: Vec<Mark>,
    /// What a reader can't see from the marks.
    pub note: String,
    /// Whether this is where it went wrong.
    pub wrong: bool,
}

/// What happened on one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The lane, as a position in [`Diagram::lanes`].
    pub lane: usize,
    /// What happened.
    pub sort: Sort,
    /// The message or the term, such as `m17`; may be empty.
    pub label: String,
}

/// What can happen on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// The node takes a message for broadcast.
    Broadcast,
    /// The node delivers a message.
    Delivery,
    /// A client asks the node, or is answered by it.
    Client,
    /// The node claims to lead.
    Leader,
    /// A life of the node ends.
    End,
    /// A life of the node begins.
    Start,
    /// The node has delivered the message when all is drained.
    Has,
    /// It has not, and should.
    Lacks,
    /// Anything else that the node did.
    Other,
}

/// Something on its way from one lane to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Where it leaves: lane and row.
    pub from: (usize, usize),
    /// Where it arrives, or would have: lane and row.
    pub to: (usize, usize),
    /// What became of it.
    pub fate: Fate,
    /// What it carries, if that is known: `m17`, `ack of m17`; may be empty.
    pub carries: String,
    /// What kept it or lost it, in few words: `dropped by partition 3`; may be empty.
    pub why: String,
}

/// What became of something on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// A frame that arrived.
    Arrived,
    /// A frame that was lost.
    Lost,
    /// From a broadcast to a delivery: by which frames is not known.
    Inferred,
}

/// Something that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What.
    pub lasts: Lasts,
    /// The first row of it.
    pub from: usize,
    /// The last row of it; without one it outlasts the diagram.
    pub to: Option<usize>,
}

/// What can last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// The node of this lane is down.
    Down(usize),
    /// The node of this lane is stopped, or stopped again and again.
    Paused(usize),
    /// A fault of links; the note of its first row says which.
    Links,
}

/// A piece of the order in which one node broadcast or delivered messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The node's name.
    pub node: String,
    /// Which order it is.
    pub of: OrderOf,
    /// The piece, positions rising.
    pub items: Vec<Item>,
}

/// How orders are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// Each by itself: what matters is what comes before what.
    #[default]
    Rows,
    /// By position: all nodes should have the same message at each.
    Positions,
}

/// Which order of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderOf {
    /// Its own broadcasts.
    Broadcasts,
    /// Its deliveries.
    Deliveries,
}

/// One place in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// From 1.
    pub position: u64,
    /// Which message.
    pub message: u64,
    /// Whether the witness is about it.
    pub named: bool,
}

/// Who has a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// The message.
    pub message: u64,
    /// Who delivered it and went down.
    pub had: Vec<String>,
    /// Who delivered it and is up.
    pub has: Vec<String>,
    /// Who is up and never did.
    pub lacks: Vec<String>,
    /// Who is down and never did, so that nothing is owed there.
    pub down: Vec<String>,
    /// Who sent it to those that lack it, and what became of that; empty where no frames are known.
    pub tried: Vec<String>,
}

impl Diagram {
    /// How long nothing happened before a row, ns, if that is long beside the whole: then it is said, not drawn to scale.
    pub fn gap_before(&self, row: usize) -> Option<u64> {
        let time = |at: usize| self.rows.get(at).map_or(0, |row| row.time);
        let whole = self.rows.last().map_or(0, |row| row.time).saturating_sub(time(0));
        let passed = time(row).saturating_sub(time(row.checked_sub(1)?));
        (passed >= GAP_MIN_NS && passed > whole / GAP_PART).then_some(passed)
    }
}

/// The messages that a witness speaks of, in its list or in its steps.
pub fn messages_of(witness: &Witness) -> BTreeSet<u64> {
    let words = witness.steps.iter().flat_map(|step| step.what.split(|c: char| !c.is_alphanumeric()));
    let numbers = words.filter_map(|word| word.strip_prefix('m')?.parse().ok());
    witness.messages.iter().copied().chain(numbers).collect()
}
