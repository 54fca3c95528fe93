//! The arrows: which row a frame leaves and at which it arrives.
//!
//! An arrow is drawn within one row where nothing else happened while the frame was on its way, and ends at the delivery that
//! it led to unless something happened in between: so what is held up on a link, and what is held back at a node, is seen as that.

use super::super::evidence::What;
use super::super::passage::{self, LAG_NS, Passage};
use super::super::{Arrow, Fate, Row};
use super::{Entry, Origin, Scene, Way};

impl Scene<'_> {
    /// Leaves out the frames that tell nothing: those that led to a delivery that is not drawn, and those whose fate came when
    /// all was over, but for a message that never was delivered.
    pub(super) fn choose_passages(&mut self) {
        let mut passages = std::mem::take(&mut self.passages);
        let last = self.window().1;
        passages.retain(|passage| match passage.delivery {
            Some(op) => self.find(Origin::Op(op)).is_some(),
            None => self.lane(passage.to).is_some() && (passage.ended <= last || self.is_never_delivered(passage)),
        });
        self.passages = passages;
    }

    pub(super) fn add_passages(&mut self) {
        for at in 0..self.passages.len() {
            let passage = self.passages[at].clone();
            let Some(to) = self.lane(passage.to) else { continue };
            let Some(from) = self.lane(passage.from) else {
                self.credit(&passage);
                continue;
            };
            let end = self.arrival(at, &passage);
            let begin = self.departure((at, end), &passage);
            let fate = if passage.arrived { Fate::Arrived } else { Fate::Lost };
            let (carries, why) = (passage.carries.clone(), passage.why.clone());
            self.ways.push(Way { rows: (begin, end), lanes: (from, to), fate, carries, why });
        }
        self.infer();
    }

    /// Whether a frame arrived at a node that is known never to deliver its message: the one that broke the property, and where
    /// the witness goes to the end of the run each that lacks the message there.
    fn is_never_delivered(&self, passage: &Passage) -> bool {
        let guilty = Some(&self.evidence.nodes[passage.to]) == self.witness.node.as_ref();
        let never = match self.witness.shape.as_str() {
            "gap" => guilty && self.property != "gap-free-order",
            "missing" | "undelivered" => !self.is_down(passage.to),
            _ => false,
        };
        passage.arrived && passage.message.is_some() && passage.delivery.is_none() && never
    }

    /// A delivery whose frame came from a node that is not drawn says from which.
    fn credit(&mut self, passage: &Passage) {
        let Some(row) = passage.delivery.and_then(|op| self.find(Origin::Op(op))) else { return };
        let note = format!("by {}{}", self.evidence.nodes[passage.from], with_comma(&passage.note));
        add(&mut self.entries[row].row.note, &note);
    }

    /// Where a frame arrives: at the delivery that it led to, unless something else happened in between.
    fn arrival(&mut self, at: usize, passage: &Passage) -> Origin {
        let delivery = passage.delivery.map(Origin::Op).filter(|origin| self.find(*origin).is_some());
        if let Some(origin) = delivery {
            let row = self.find(origin).expect("it was found just now");
            let prompt = self.entries[row].row.time <= passage.ended + LAG_NS;
            if prompt || !self.happened(passage.ended, self.entries[row].row.time) {
                add(&mut self.entries[row].row.note, &passage.note);
                return origin;
            }
        }
        let never = self.is_never_delivered(passage);
        let mut note = passage.note.clone();
        match passage.message {
            Some(message) if passage.delivery.is_some() => {
                note = format!("m{message} arrives{}, and waits", with_comma(&note));
            }
            Some(message) if passage.arrived => {
                note = format!(
                    "m{message} arrives{}{}",
                    with_comma(&note),
                    if never { ", is never delivered" } else { "" }
                );
            }
            _ => {}
        }
        let row = Row { time: passage.ended, note, wrong: never, ..Row::default() };
        self.entries.push(Entry { origin: Origin::Arrives(at), row });
        Origin::Arrives(at)
    }

    /// Where a frame leaves: in the row where it ends, unless something else happened while it was on its way.
    fn departure(&mut self, (at, end): (usize, Origin), passage: &Passage) -> Origin {
        if passage.ended <= passage.sent + LAG_NS || !self.happened(passage.sent, passage.ended) {
            return end;
        }
        let what = passage.message.map(What::Broadcast);
        let just_broadcast = |entry: &&Entry| {
            let Origin::Op(op) = entry.origin else { return false };
            let seen = &self.evidence.seen[op];
            let here = seen.node == Some(passage.from) && Some(&seen.what) == what.as_ref();
            here && passage.sent < entry.row.time + LAG_NS
        };
        if let Some(entry) = self.entries.iter().find(just_broadcast) {
            return entry.origin;
        }
        let note = passage.message.map_or(String::new(), |message| format!("m{message} leaves"));
        let row = Row { time: passage.sent, note, ..Row::default() };
        self.entries.push(Entry { origin: Origin::Leaves(at), row });
        Origin::Leaves(at)
    }

    /// Where no frame is known to have led to a delivery, an arrow from the broadcast says at least whose message it is.
    fn infer(&mut self) {
        for at in 0..self.entries.len() {
            let Origin::Op(op) = self.entries[at].origin else { continue };
            let What::Deliver(message) = self.evidence.seen[op].what else { continue };
            let known = self.passages.iter().any(|passage| passage.delivery == Some(op));
            let begin = self.evidence.seen.iter().position(|seen| seen.what == What::Broadcast(message));
            let begin = begin.map(Origin::Op).filter(|origin| self.find(*origin).is_some());
            let from = passage::broadcast(self.evidence, message).and_then(|(node, _)| self.lane(node));
            let to = self.evidence.seen[op].node.and_then(|node| self.lane(node));
            if let (false, Some(begin), Some(from), Some(to)) = (known, begin, from, to)
                && from != to
            {
                let (fate, carries, why) = (Fate::Inferred, format!("m{message}"), String::new());
                self.ways.push(Way { rows: (begin, Origin::Op(op)), lanes: (from, to), fate, carries, why });
            }
        }
    }

    /// Whether an op or a fault stands between two times.
    fn happened(&self, from: u64, to: u64) -> bool {
        self.entries.iter().any(|entry| from < entry.row.time && entry.row.time < to)
    }

    pub(super) fn drawn_arrows(&self) -> Vec<Arrow> {
        let arrow = |way: &Way| {
            let (begin, end) = (self.find(way.rows.0)?, self.find(way.rows.1)?);
            let (fate, carries, why) = (way.fate, way.carries.clone(), way.why.clone());
            Some(Arrow { from: (way.lanes.0, begin), to: (way.lanes.1, end), fate, carries, why })
        };
        // The report of a broadcast may come after that of its delivery: an arrow never runs back in time.
        self.ways.iter().filter_map(arrow).map(|a| Arrow { from: (a.from.0, a.from.1.min(a.to.1)), ..a }).collect()
    }
}

fn with_comma(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(", {text}") }
}

/// Adds to a note.
fn add(note: &mut String, more: &str) {
    if !note.is_empty() && !more.is_empty() {
        note.push_str(", ");
    }
    note.push_str(more);
}
