//! What made it possible: the faults that took, kept or doubled the frames of a witness, in a sentence.

use std::collections::BTreeMap;

use super::{Diagram, Fate, Row, Sort};
use crate::words::listed;

/// So many causes are named; the rest is in the drawing.
const NAMED: usize = 3;

impl Diagram {
    /// `m1 from n3 to n1, n2 was dropped by partition 1`; `None` where every frame that is drawn was just passed on.
    pub fn cause(&self) -> Option<String> {
        let mut causes: Vec<(Key, Vec<usize>)> = Vec::new();
        let touched = self.arrows.iter().filter(|arrow| !arrow.why.is_empty() && arrow.fate != Fate::Inferred);
        for arrow in touched {
            let key = Key { carries: arrow.carries.clone(), from: arrow.from.0, why: arrow.why.clone() };
            match causes.iter_mut().find(|(other, _)| *other == key) {
                Some((_, to)) => to.push(arrow.to.0),
                None => causes.push((key, vec![arrow.to.0])),
            }
        }
        let told = causes.iter().take(NAMED).map(|(key, to)| self.told(key, to));
        let told: Vec<String> = told.chain(self.restarts()).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// The nodes that were killed and came back between the first row and the last: what they had not stored is gone.
    fn restarts(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            for mark in row.marks.iter().filter(|mark| mark.sort == Sort::End && row.note.starts_with("killed by ")) {
                let again = |row: &Row| row.marks.iter().any(|m| m.lane == mark.lane && m.sort == Sort::Start);
                if self.rows[at..].iter().any(again) && told.len() < NAMED {
                    told.push(format!("{} was {}, and started again", self.lanes[mark.lane], row.note));
                }
            }
        }
        told
    }

    fn told(&self, key: &Key, to: &[usize]) -> String {
        let lanes: BTreeMap<usize, &str> = to.iter().map(|lane| (*lane, self.lanes[*lane].as_str())).collect();
        let what = if key.carries.is_empty() { "a frame" } else { &key.carries };
        let verb = if key.why.starts_with("lost") { "got" } else { "was" };
        format!(
            "{what} from {} to {} {verb} {}",
            self.lanes[key.from],
            and_listed(listed(lanes.into_values())),
            key.why
        )
    }
}

/// By what causes are told apart.
#[derive(PartialEq, Eq)]
struct Key {
    carries: String,
    from: usize,
    why: String,
}

/// The last of a list behind `and`.
fn and_listed(list: String) -> String {
    list.rsplit_once(", ").map_or(list.clone(), |(others, last)| format!("{others} and {last}"))
}
