//! What a checker is: state that is fed with what happens, and a finding at the end.
//!
//! A checker hears of deliveries in each node's own order, and of each delivery only when all that can be known of its
//! message's place is known ([`crate::judge`] holds it back until then). So what it finds depends on no race of pipes.

use crate::header::{Acknowledges, Condition};
use crate::judge::FifoGaps;
use crate::ledger::faults::Moment;
use crate::ledger::messages::Id;
use crate::ledger::nodes::Cause;
use crate::ledger::replicated_log::Entry;
use crate::ledger::{Ledger, Place};
use crate::op::{Message, Names, Node};
use crate::orders::Orders;
use crate::proof::{Point, Proof};
use crate::tally::Tally;
use std::collections::BTreeMap;

/// A checker at work on one history. What a property does not care for it leaves out.
pub trait Property {
    /// Whether it wants to hear of deliveries; asked once.
    fn hears_deliveries(&self) -> bool {
        false
    }

    /// Whether it wants to hear of broadcasts; asked once.
    fn hears_broadcasts(&self) -> bool {
        false
    }

    /// A node reported the broadcast of a message, at this place of its own order. The ledger has noted it already.
    fn broadcast(&mut self, _ledger: &Ledger, _what: (Node, Id)) {}

    /// A node delivered a message. The ledger has noted it already.
    fn delivered(&mut self, _ledger: &Ledger, _delivery: &Delivery) {}

    /// A node delivered what nobody broadcast.
    fn invented(&mut self, _invention: &Invention) {}

    /// From here on, in its own order, a node lives a later life and remembers nothing (mode `stop`).
    fn restarted(&mut self, _node: Node) {}

    /// A node reported something else.
    fn reported(&mut self, _ledger: &Ledger, _report: &Report) {}

    /// The end of the judgement.
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding;
}

/// A delivery.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// Where.
    pub node: Node,
    /// Of what.
    pub id: Id,
    /// Its place in its sender's order, if it has one.
    pub place: Option<Place>,
    /// Which line says so.
    pub at: Moment,
    /// Whether this life of the node has delivered the message before.
    pub again: bool,
    /// Whether it was at another node than the sender, and a fault was in force at some time between broadcast and delivery.
    pub disturbed: bool,
}

/// A delivery of what nobody broadcast.
#[derive(Clone, Copy, Debug)]
pub struct Invention {
    /// Where.
    pub node: Node,
    /// Of what.
    pub message: Message,
    /// Which line says so.
    pub at: Moment,
}

/// Something that a node reported, or that was seen of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which node.
    pub node: Node,
    /// Which line says so.
    pub at: Moment,
    /// What.
    pub what: Reported,
}

/// What a node reported, or what was seen of it.
#[derive(Clone, Debug)]
pub enum Reported {
    /// It leads this term.
    Leads(u64),
    /// In this term it follows that node.
    Follows(u64, Node),
    /// Its term is this one now.
    Term(u64),
    /// In this term it votes for that node.
    Voted(u64, Node),
    /// Its log has this entry now, and nothing behind it.
    Appended(Entry),
    /// Its log has nothing from this index on.
    Truncated(u64),
    /// A snapshot stands for its log up to this entry.
    Snapshot(Entry),
    /// The entries of its log up to this index are committed.
    Committed(u64),
    /// A life of it ended; the status in the history's words.
    Exited(Cause, String),
    /// It delivered again at a position of its log what it had delivered there.
    Repeated,
    /// Its delivery log has changed.
    Displaced(Displaced),
    /// It broke the protocol in some way that no fault explains; what it did, in words that follow its name.
    Misbehaved(Misdeed, String),
}

/// What was wrong with a delivery log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Displaced {
    /// A position held another message before.
    Other {
        /// The position.
        position: u64,
        /// What was delivered there before.
        before: Message,
        /// What is delivered there now.
        after: Message,
    },
    /// A position was left out.
    Skipped {
        /// The position.
        expected: u64,
        /// The one that was reported instead.
        position: u64,
        /// What is delivered there.
        message: Message,
    },
    /// A snapshot differs from what others delivered.
    Snapshot {
        /// The last position that it stands for.
        through: u64,
    },
}

/// A way of breaking the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// It printed what is no envelope.
    Nonsense,
    /// It did not answer.
    Silent,
    /// It wrote more than the harness accepts.
    Flood,
    /// It did not keep the contract of a virtual clock.
    Breach,
}

/// What a checker may look at when the judgement ends.
pub struct Ending<'a> {
    /// All that the file said.
    pub ledger: &'a Ledger,
    /// In which orders the nodes delivered.
    pub orders: &'a Orders,
    /// The nodes' names.
    pub names: &'a Names,
    /// The nodes that belong to the system.
    pub group: &'a [Node],
    /// The last line that counts: `drained`, or where there is none the last line of the file.
    pub last: Moment,
    /// How the history ends.
    pub close: &'a Close,
    /// How many deliveries the history has.
    pub deliveries: u64,
    /// The requests that had no end when the judgement ended.
    pub open_requests: u64,
    /// What is promised.
    pub promises: &'a BTreeMap<String, Condition>,
    /// Which form of FIFO order is judged.
    pub fifo_gaps: FifoGaps,
}

/// How a history ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// `drained` is `ok`: what is unmet now will never be.
    Drained,
    /// `drained` is `info`: the harness was late; what is unmet proves nothing.
    Late {
        /// How late, us.
        late_us: u64,
    },
    /// There is no `drained` line.
    CutShort,
}

/// What a checker found.
pub struct Finding {
    /// The violations, or where they are in doubt the obligations that were not met.
    pub tally: Tally<Proof>,
    /// Why the violations prove nothing, if so.
    pub doubt: Option<String>,
    /// Why the property cannot be held valid though no violation was found, if so.
    pub unknown: Option<String>,
    /// How often it could have been violated.
    pub exercised: u64,
}

impl Finding {
    /// What a checker of safety found: violations are proof whatever comes later.
    pub fn of_safety(tally: Tally<Proof>, exercised: u64) -> Finding {
        Finding { tally, doubt: None, unknown: None, exercised }
    }
}

impl Ending<'_> {
    /// A node's name.
    pub fn name(&self, node: Node) -> &str {
        self.names.name(node)
    }

    /// A message's name.
    pub fn message(&self, id: Id) -> String {
        format!("m{}", self.ledger.messages.get(id).number)
    }

    /// The `drained` line, as the last step of a proof that something never happened.
    pub fn last_point(&self, fact: String) -> Point {
        Point::known(self.last, ("nemesis", "says that all is healed and drained".to_owned()), fact)
    }

    /// The nodes that are correct.
    pub fn correct(&self) -> Vec<Node> {
        self.group.iter().copied().filter(|node| !self.ledger.faulty(*node)).collect()
    }

    /// Whether an acknowledgement binds for ever.
    pub fn acknowledged_for_ever(&self) -> bool {
        self.ledger.ok == Acknowledges::Delivered
    }

    /// What a checker of liveness found, if `tally` are the obligations that are unmet at the end.
    pub fn finding_of_liveness(&self, tally: Tally<Proof>, exercised: u64) -> Finding {
        let (doubt, mut unknown) = match self.close {
            Close::Drained => (None, None),
            Close::Late { late_us } => {
                (Some(format!("the harness itself, or a node for want of a processor, was {late_us} us late")), None)
            }
            Close::CutShort => {
                let open = (self.open_requests > 0).then(|| "the history is cut short with requests open".to_owned());
                (Some("the history is cut short".to_owned()), open)
            }
        };
        if self.correct().is_empty() {
            unknown = Some("no node is correct".to_owned());
        }
        Finding { tally, doubt, unknown, exercised }
    }
}

/// Names joined for a sentence: `n1`, `n1 and n2`, `n1, n2 and n3`, `n1, n2, n3 and 2 more`.
pub fn listed(mut names: Vec<String>) -> String {
    if names.len() > 3 {
        let more = names.len() - 3;
        names.truncate(3);
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
