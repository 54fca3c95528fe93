//! The rows of what nodes and clients did.

use super::super::evidence::{Seen, What};
use super::super::passage::Passage;
use super::super::{Mark, Row, Sort, passage};
use super::{Entry, Origin, Scene};
use crate::words::{clipped, harmless};

/// A deed that has no mark of its own is called by its name, in so many columns.
const WORD_MAX: usize = 12;

impl Scene<'_> {
    /// A row for each op that is a step, or concerns the same messages or the life of a node that is drawn.
    pub(super) fn add_ops(&mut self) {
        let (first, last) = self.window();
        for (at, seen) in self.evidence.seen.iter().enumerate() {
            let step = self.step(seen.index);
            let lane = seen.node.and_then(|node| self.lane(node));
            // Where a message comes from is worth knowing however long ago that was.
            let origin = matches!(seen.what, What::Broadcast(_)) && seen.time < first;
            let within = origin || (first..=last).contains(&seen.time);
            if step.is_none() && (lane.is_none() || !within || !self.is_context(seen)) {
                continue;
            }
            let mut row = Row { time: seen.time, step, ..Row::default() };
            row.marks = self.marks(seen, lane);
            row.note = self.note(seen, step);
            row.wrong = step.is_some() && self.is_wrong(seen);
            self.entries.push(Entry { origin: Origin::Op(at), row });
        }
    }

    /// Whether an op that is no step helps to understand: a delivery does where the node passed the message on.
    fn is_context(&self, seen: &Seen) -> bool {
        match &seen.what {
            What::Deliver(message) => {
                let passed_on = |way: &Passage| Some(way.from) == seen.node && way.message == Some(*message);
                let own = passage::broadcast(self.evidence, *message).is_some_and(|(node, _)| Some(node) == seen.node);
                !own && self.passages.iter().any(passed_on)
            }
            What::Starts(incarnation) => *incarnation > 1,
            What::Broadcast(_) | What::Exits(_) => true,
            _ => false,
        }
    }

    fn marks(&self, seen: &Seen, lane: Option<usize>) -> Vec<Mark> {
        let (sort, label) = match &seen.what {
            What::Broadcast(message) => (Sort::Broadcast, format!("m{message}")),
            What::Deliver(message) => (Sort::Delivery, format!("m{message}")),
            What::Client(message) => (Sort::Client, message.map_or(String::new(), |message| format!("m{message}"))),
            What::Leads(term) => (Sort::Leader, format!("term {term}")),
            What::Starts(_) => (Sort::Start, String::new()),
            What::Exits(_) => (Sort::End, String::new()),
            What::Other(f) => (Sort::Other, clipped(&harmless(f), WORD_MAX)),
            What::Drained => return self.balance(),
        };
        lane.map(|lane| Mark { lane, sort, label }).into_iter().collect()
    }

    /// At the end of the judgement: who has what, and who lacks it.
    fn balance(&self) -> Vec<Mark> {
        let [message] = self.witness.messages.as_slice() else { return Vec::new() };
        let mut marks = Vec::new();
        for (lane, node) in self.lanes.iter().enumerate() {
            let has = passage::deliveries(self.evidence, *message, *node).next().is_some();
            if !self.is_down(*node) {
                let sort = if has { Sort::Has } else { Sort::Lacks };
                marks.push(Mark { lane, sort, label: String::new() });
            }
        }
        marks
    }

    fn note(&self, seen: &Seen, step: Option<usize>) -> String {
        if let What::Exits(status) = &seen.what {
            let killed = self
                .evidence
                .faults
                .iter()
                .rev()
                .find(|f| f.f == "kill" && f.node == seen.node && f.began.0 < seen.index);
            let of_many =
                self.evidence.kills.iter().rev().find(|kill| Some(kill.node) == seen.node && kill.index < seen.index);
            let alone = killed.map(|fault| (fault.began.0, fault.name()));
            let latest = alone.into_iter().chain(of_many.map(|kill| (kill.index, kill.of.clone()))).max();
            let by_fault = latest.filter(|_| status.is_empty() || status == "signal 9");
            return by_fault.map_or_else(|| format!("exits by itself: {status}"), |(_, by)| self.ended(&by));
        }
        match (&seen.what, step) {
            (What::Starts(incarnation), None) => format!("starts again, life {incarnation}"),
            (What::Drained, _) => "all is healed and drained".to_owned(),
            (What::Client(_), Some(step)) => {
                format!("{} {}", self.witness.steps[step - 1].process, self.witness.steps[step - 1].what)
            }
            (_, Some(step)) => self.witness.steps[step - 1].what.clone(),
            (What::Broadcast(message), _) => format!("broadcasts m{message}"),
            (What::Deliver(message), _) => format!("delivers m{message}"),
            _ => String::new(),
        }
    }

    /// How a fault ended a life: with what it did to files, if that is what it is for.
    fn ended(&self, by: &str) -> String {
        let fault = self.evidence.faults.iter().find(|fault| fault.name() == by && !fault.damage.is_empty());
        fault.map_or_else(|| format!("killed by {by}"), |fault| format!("killed by {by}, which {}", fault.damage))
    }

    /// What a step shows that should not be: what the node did that broke the property, or failed to do.
    fn is_wrong(&self, seen: &Seen) -> bool {
        let guilty = seen.node.is_some_and(|node| Some(&self.evidence.nodes[node]) == self.witness.node.as_ref());
        match seen.what {
            What::Drained => true,
            What::Broadcast(_) | What::Client(_) | What::Starts(_) => false,
            // The first of two deliveries of one message is as it should be.
            What::Deliver(_) if self.witness.shape == "duplicate" => {
                self.witness.steps.iter().all(|s| s.index <= seen.index)
            }
            _ => guilty,
        }
    }
}
