//! From the evidence to the diagram: what happened becomes rows in the order of time, frames become arrows between rows, and
//! faults become spans over them.
//!
//! An arrow is drawn within one row where nothing else happened while the frame was on its way, and ends at the delivery that
//! it led to unless something happened in between: so what is held up on a link, and what is held back at a node, is seen as that.

use temblor_checkers::verdict::Witness;

use super::evidence::{Evidence, Seen, What};
use super::faults::Fault;
use super::frames::Frames;
use super::passage::{self, LAG_NS, Passage};
use super::{Arrow, Diagram, Fate, Holders, Lasts, Mark, Order, OrderOf, Row, Sort, Span, lanes, messages_of};

/// A diagram has so many rows at most; what is no step gives way.
const ROWS_MAX: usize = 48;
/// A fault that was over so long before the first event is still shown, ns: its consequences may be what is seen.
const RECENT_NS: u64 = 500_000_000;

/// The shapes of violations by which a message is never delivered where it should be.
const NEVER: [&str; 3] = ["gap", "missing", "undelivered"];

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
    witness: &'a Witness,
    evidence: &'a Evidence,
    lanes: Vec<usize>,
    entries: Vec<Entry>,
    passages: Vec<Passage>,
    arrows: Vec<(Origin, Origin, usize, usize, Fate)>,
}

/// The diagram of a witness.
pub fn compose(witness: &Witness, evidence: &Evidence, frames: &Frames) -> Diagram {
    let lanes = lanes::choose(witness, evidence, frames);
    let passages = passage::all(evidence, frames, &lanes);
    let mut scene = Scene { witness, evidence, lanes, entries: Vec::new(), passages, arrows: Vec::new() };
    scene.add_ops();
    scene.add_faults();
    scene.sort();
    scene.add_passages();
    scene.sort();
    scene.merge_kills();
    scene.shorten();
    scene.into_diagram()
}

impl Scene<'_> {
    /// A row for each op that is a step, or concerns the same messages or the life of a node that is drawn.
    fn add_ops(&mut self) {
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

    /// Whether an op that is no step helps to understand: not what a sender delivers itself.
    fn is_context(&self, seen: &Seen) -> bool {
        match &seen.what {
            What::Deliver(message) => {
                let own = passage::broadcast(self.evidence, *message).is_some_and(|(node, _)| Some(node) == seen.node);
                !own
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
            What::Client(message) => (Sort::Client, format!("m{message}")),
            What::Leads(term) => (Sort::Leader, format!("term {term}")),
            What::Starts(_) => (Sort::Start, String::new()),
            What::Exits(_) => (Sort::End, String::new()),
            What::Other(_) => (Sort::Other, String::new()),
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
            if has || !self.is_down(*node) {
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
            let by_fault = killed.filter(|_| status.is_empty() || status == "signal 9");
            return by_fault
                .map_or_else(|| format!("exits by itself: {status}"), |fault| format!("ends by {}", fault.name()));
        }
        match (&seen.what, step) {
            (What::Starts(incarnation), None) => format!("starts again, life {incarnation}"),
            (What::Drained, _) => "all is healed and drained".to_owned(),
            (What::Client(_), Some(step)) => {
                format!("{} {}", self.witness.steps[step - 1].process, self.witness.steps[step - 1].what)
            }
            (_, Some(step)) => self.witness.steps[step - 1].what.clone(),
            _ => String::new(),
        }
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

    /// Faults that were in force at the nodes and links drawn.
    fn add_faults(&mut self) {
        let (first, last) = self.window();
        let end = self.witness.steps.iter().map(|step| step.index).max().unwrap_or(0);
        for (at, fault) in self.evidence.faults.iter().enumerate() {
            let step = self.step(fault.began.0);
            let recent = fault.ended.is_none_or(|(_, time)| time + RECENT_NS >= first);
            let shown = recent && fault.began.0 <= end && self.concerns(fault) && fault.f != "kill";
            if step.is_none() && !shown {
                continue;
            }
            let row = Row { time: fault.began.1, step, note: self.begins(fault), ..Row::default() };
            self.entries.push(Entry { origin: Origin::Begin(at), row });
            if let (Some((_, time)), false) = (fault.ended, fault.f == "kill")
                && time <= last
            {
                let row = Row { time, note: ends(fault), ..Row::default() };
                self.entries.push(Entry { origin: Origin::End(at), row });
            }
        }
    }

    fn concerns(&self, fault: &Fault) -> bool {
        let drawn = |node: &usize| self.lanes.contains(node);
        fault.node.as_ref().is_some_and(drawn) || fault.links.iter().any(|(from, to)| drawn(from) && drawn(to))
    }

    fn begins(&self, fault: &Fault) -> String {
        if let Some(node) = fault.node {
            return format!("{} {}", fault.f, self.evidence.nodes[node]);
        }
        let what = match (fault.f.as_str(), fault.mode.as_str()) {
            ("partition", "hold") => " holds",
            ("partition", _) => " cuts",
            _ => ":",
        };
        format!("{}{what} {}", fault.name(), fault.place(&self.evidence.nodes))
    }

    fn add_passages(&mut self) {
        for at in 0..self.passages.len() {
            let passage = self.passages[at].clone();
            let Some(to) = self.lane(passage.to) else { continue };
            // What led to a delivery that is not drawn, or was lost when all was over, tells nothing.
            let undrawn = passage.delivery.is_some_and(|op| self.find(Origin::Op(op)).is_none());
            if undrawn || (!passage.arrived && passage.sent > self.window().1) {
                continue;
            }
            let Some(from) = self.lane(passage.from) else {
                self.credit(&passage);
                continue;
            };
            let end = self.arrival(at, &passage);
            let begin = self.departure((at, end), &passage);
            let fate = if passage.arrived { Fate::Arrived } else { Fate::Lost };
            self.arrows.push((begin, end, from, to, fate));
        }
        self.infer();
    }

    /// A delivery whose frame came from a node that is not drawn says from which.
    fn credit(&mut self, passage: &Passage) {
        let Some(row) = passage.delivery.and_then(|op| self.find(Origin::Op(op))) else { return };
        let comma = if passage.note.is_empty() { "" } else { ", " };
        let note = format!("by {}{comma}{}", self.evidence.nodes[passage.from], passage.note);
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
        let never = passage.arrived && passage.delivery.is_none() && NEVER.contains(&self.witness.shape.as_str());
        let arrives = match passage.note.as_str() {
            "" => "arrives, and waits".to_owned(),
            note if never => format!("{note}, and is never delivered"),
            note => note.to_owned(),
        };
        let row = Row { time: passage.ended, note: arrives, ..Row::default() };
        self.entries.push(Entry { origin: Origin::Arrives(at), row });
        Origin::Arrives(at)
    }

    /// Where a frame leaves: in the row where it ends, unless something else happened while it was on its way.
    fn departure(&mut self, (at, end): (usize, Origin), passage: &Passage) -> Origin {
        if passage.ended <= passage.sent + LAG_NS || !self.happened(passage.sent, passage.ended) {
            return end;
        }
        let just_broadcast = |entry: &&Entry| {
            let from = self.evidence.nodes.get(passage.from);
            let broadcast = matches!(entry.origin, Origin::Op(op) if self.evidence.seen[op].node == Some(passage.from)
                && matches!(self.evidence.seen[op].what, What::Broadcast(_)));
            from.is_some() && broadcast && entry.row.time <= passage.sent && passage.sent - entry.row.time < LAG_NS
        };
        if let Some(entry) = self.entries.iter().rev().find(just_broadcast) {
            return entry.origin;
        }
        let row = Row { time: passage.sent, ..Row::default() };
        self.entries.push(Entry { origin: Origin::Leaves(at), row });
        Origin::Leaves(at)
    }

    /// Where no frame is known to have led to a delivery, an arrow from the broadcast says at least whose message it is.
    fn infer(&mut self) {
        let deliveries: Vec<(usize, u64, usize)> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let Origin::Op(op) = entry.origin else { return None };
                let What::Deliver(message) = self.evidence.seen[op].what else { return None };
                Some((op, message, self.evidence.seen[op].node?))
            })
            .collect();
        for (op, message, node) in deliveries {
            let end = Origin::Op(op);
            let known = self.passages.iter().any(|passage| passage.delivery == Some(op));
            let sought = What::Broadcast(message);
            let begin = self.evidence.seen.iter().position(|seen| seen.what == sought).map(Origin::Op);
            let begin = begin.filter(|origin| self.find(*origin).is_some());
            let sender = passage::broadcast(self.evidence, message).and_then(|(node, _)| self.lane(node));
            if let (false, Some(begin), Some(from), Some(to)) = (known, begin, sender, self.lane(node))
                && from != to
            {
                self.arrows.push((begin, end, from, to, Fate::Inferred));
            }
        }
    }

    /// Whether an op or a fault stands between two times.
    fn happened(&self, from: u64, to: u64) -> bool {
        self.entries.iter().any(|entry| from < entry.row.time && entry.row.time < to)
    }

    /// By time; what happened at the same time in the order of the file, and frames behind it.
    fn sort(&mut self) {
        let key = |entry: &Entry| match entry.origin {
            Origin::Op(at) => (entry.row.time, 0, self.evidence.seen[at].index),
            Origin::Begin(at) => (entry.row.time, 0, self.evidence.faults[at].began.0),
            Origin::End(at) => (entry.row.time, 0, self.evidence.faults[at].ended.map_or(0, |(index, _)| index)),
            Origin::Leaves(at) => (entry.row.time, 1, at as u64),
            Origin::Arrives(at) => (entry.row.time, 1, at as u64),
        };
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by_key(key);
        self.entries = entries;
    }

    /// A kill that is followed at once by the node's end is one row.
    fn merge_kills(&mut self) {
        for at in (1..self.entries.len()).rev() {
            let (Origin::Begin(fault), Origin::Op(op)) = (self.entries[at - 1].origin, self.entries[at].origin) else {
                continue;
            };
            let (fault, seen) = (&self.evidence.faults[fault], &self.evidence.seen[op]);
            if fault.f == "kill" && matches!(seen.what, What::Exits(_)) && seen.node == fault.node {
                let begin = self.entries.remove(at - 1).row;
                let end = &mut self.entries[at - 1].row;
                end.step = end.step.or(begin.step);
                end.note = begin.note;
            }
        }
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
        let (orders, holders) = (self.orders(), self.holders());
        let name = |node: usize| self.evidence.nodes[node].clone();
        let others = (0..self.evidence.nodes.len()).filter(|node| !self.lanes.contains(node)).map(name).collect();
        let lanes = self.lanes.iter().copied().map(name).collect();
        let rows = self.entries.into_iter().map(|entry| entry.row).collect();
        Diagram { lanes, others, rows, arrows, spans, orders, holders }
    }

    fn drawn_arrows(&self) -> Vec<Arrow> {
        let arrow = |(begin, end, from, to, fate): &(Origin, Origin, usize, usize, Fate)| {
            Some(Arrow { from: (*from, self.find(*begin)?), to: (*to, self.find(*end)?), fate: *fate })
        };
        // The report of a broadcast may come after that of its delivery: an arrow never runs back in time.
        self.arrows.iter().filter_map(arrow).map(|a| Arrow { from: (a.from.0, a.from.1.min(a.to.1)), ..a }).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for (row, entry) in self.entries.iter().enumerate() {
            let Origin::Begin(at) = entry.origin else { continue };
            let fault = &self.evidence.faults[at];
            let lasts = match fault.node.map(|node| self.lane(node)) {
                Some(Some(lane)) if fault.pauses() => Lasts::Paused(lane),
                Some(_) => continue,
                None => Lasts::Links,
            };
            spans.push(Span { lasts, from: row, to: self.find(Origin::End(at)) });
        }
        (0..self.lanes.len()).for_each(|lane| spans.extend(self.downs(lane)));
        spans
    }

    /// From each end of a life to the next one's beginning.
    fn downs(&self, lane: usize) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mine = self.evidence.seen.iter().enumerate().filter(|(_, seen)| seen.node == Some(self.lanes[lane]));
        for (at, seen) in mine {
            let row = self.find(Origin::Op(at));
            match seen.what {
                What::Exits(_) if row.is_some() || seen.time < self.window().0 => {
                    spans.push(Span { lasts: Lasts::Down(lane), from: row.unwrap_or(0), to: None });
                }
                What::Starts(_) => match spans.last_mut().filter(|span| span.to.is_none()) {
                    Some(span) if row.is_some() => span.to = row,
                    Some(_) if seen.time < self.window().0 => drop(spans.pop()),
                    _ => {}
                },
                _ => {}
            }
        }
        spans
    }

    fn orders(&self) -> Vec<Order> {
        if !self.is_about_order() {
            return Vec::new();
        }
        let broadcasts = |of: OrderOf| of == OrderOf::Broadcasts;
        let several = |items: &[super::Item]| items.iter().filter(|item| item.named).count() > 1;
        let tracks = self.evidence.tracks.iter().filter(|track| !broadcasts(track.of) || several(&track.items));
        let order = |track: &super::orders::Track| Order {
            node: self.evidence.nodes[track.node].clone(),
            of: track.of,
            items: track.items.clone(),
        };
        let mut orders: Vec<Order> = tracks.map(order).collect();
        orders.sort_by_key(|order| !broadcasts(order.of));
        orders
    }

    /// Whether what is wrong is an order: then more than one message is named.
    fn is_about_order(&self) -> bool {
        messages_of(self.witness).len() > 1 && !self.is_about_liveness()
    }

    fn is_about_liveness(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| matches!(entry.origin, Origin::Op(op) if self.evidence.seen[op].what == What::Drained))
    }

    fn holders(&self) -> Vec<Holders> {
        let messages = if self.is_about_liveness() { self.witness.messages.as_slice() } else { &[] };
        let holders = |message: &u64| {
            let mut holders = Holders { message: *message, ..Holders::default() };
            for (node, name) in self.evidence.nodes.iter().enumerate() {
                let has = passage::deliveries(self.evidence, *message, node).next().is_some();
                let list = match (has, self.is_down(node)) {
                    (true, false) => &mut holders.has,
                    (true, true) => &mut holders.had,
                    (false, true) => &mut holders.down,
                    (false, false) => &mut holders.lacks,
                };
                list.push(name.clone());
            }
            holders
        };
        messages.iter().map(holders).collect()
    }

    /// Whether a node is down where the reading ended.
    fn is_down(&self, node: usize) -> bool {
        let lives = self.evidence.seen.iter().rev().filter(|seen| seen.node == Some(node));
        let mut ends = lives.filter_map(|seen| match seen.what {
            What::Exits(_) => Some(true),
            What::Starts(_) => Some(false),
            _ => None,
        });
        ends.next().unwrap_or(false)
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

/// Adds to a note.
fn add(note: &mut String, more: &str) {
    if !note.is_empty() && !more.is_empty() {
        note.push_str(", ");
    }
    note.push_str(more);
}

fn ends(fault: &Fault) -> String {
    if fault.node.is_some() {
        return format!("end of {}", fault.name());
    }
    let struck = if fault.struck > 0 { format!(", it took {}", passage::frames(fault.struck)) } else { String::new() };
    format!("{} is lifted{struck}", fault.name())
}
