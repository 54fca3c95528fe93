//! The rows and spans of what went wrong around the nodes: faults of links, and nodes that were paused or down.

use super::super::evidence::What;
use super::super::faults::Fault;
use super::super::{Lasts, Row, Span, passage};
use super::{Entry, Origin, Scene};

/// A fault that was over so long before the first event is still shown, ns: its consequences may be what is seen.
const RECENT_NS: u64 = 500_000_000;
/// A pause that is shorter tells nothing, ns.
const SHORT_NS: u64 = 10_000_000;
/// So many faults of links are shown where it is not known which had a part in it.
const GUESSED: usize = 2;

impl Scene<'_> {
    /// Faults that were in force at the nodes and links drawn.
    pub(super) fn add_faults(&mut self) {
        let (first, last) = self.window();
        let end = self.witness.steps.iter().map(|step| step.index).max().unwrap_or(0);
        let shown = |(at, fault): &(usize, &Fault)| {
            let recent = fault.ended.is_none_or(|(_, time)| time + RECENT_NS >= first);
            recent && fault.began.0 <= end && self.concerns(fault) && !self.is_idle(*at)
        };
        let faults = self.evidence.faults.iter().enumerate();
        let shown: Vec<usize> = faults.clone().filter(shown).map(|(at, _)| at).collect();
        for (at, fault) in faults {
            let step = self.step(fault.began.0);
            if step.is_none() && !shown.contains(&at) {
                continue;
            }
            let row = Row { time: fault.began.1, step, note: self.begins(fault), ..Row::default() };
            self.entries.push(Entry { origin: Origin::Begin(at), row });
            // What ends a life ends with it.
            let lasts = fault.node.is_none() || fault.pauses();
            if let (Some((_, time)), true) = (fault.ended, lasts)
                && time <= last
            {
                let row = Row { time, note: ends(fault), ..Row::default() };
                self.entries.push(Entry { origin: Origin::End(at), row });
            }
        }
    }

    /// Whether a fault that is no step had no part in what is drawn: there are many in a long run.
    fn is_idle(&self, at: usize) -> bool {
        let fault = &self.evidence.faults[at];
        if fault.f == "kill" {
            return true;
        }
        if fault.node.is_some() {
            return fault.ended.is_some_and(|(_, time)| time - fault.began.1 < SHORT_NS);
        }
        let struck = |id: u64| self.passages.iter().any(|passage| passage.fault == Some(id));
        // Where the frames tell of no fault, or are not known, the last ones that began are as good a guess as any.
        let later = self.evidence.faults[at + 1..].iter().filter(|later| later.node.is_none() && self.concerns(later));
        !struck(fault.id) && (later.count() >= GUESSED || self.evidence.faults.iter().any(|fault| struck(fault.id)))
    }

    fn concerns(&self, fault: &Fault) -> bool {
        let drawn = |node: &usize| self.lanes.contains(node);
        fault.node.as_ref().is_some_and(drawn) || fault.links.iter().any(|(from, to)| drawn(from) && drawn(to))
    }

    fn begins(&self, fault: &Fault) -> String {
        if let Some(node) = fault.node {
            let number = if fault.f == "kill" { String::new() } else { format!(" #{}", fault.id) };
            return format!("{}{number} {}", fault.f, self.evidence.nodes[node]);
        }
        let what = match (fault.f.as_str(), fault.mode.as_str()) {
            ("partition", "hold") => " holds",
            ("partition", _) => " cuts",
            _ => ":",
        };
        format!("{}{what} {}", fault.name(), fault.place(&self.evidence.nodes, &self.lanes))
    }

    /// A kill that is followed at once by the node's end is one row.
    pub(super) fn merge_kills(&mut self) {
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

    pub(super) fn spans(&self) -> Vec<Span> {
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
}

fn ends(fault: &Fault) -> String {
    if fault.node.is_some() {
        return format!("end of {}", fault.name());
    }
    let struck = if fault.struck > 0 {
        format!(", it {} {}", fault.did(), passage::frames(fault.struck))
    } else {
        String::new()
    };
    format!("{} is lifted{struck}", fault.name())
}
