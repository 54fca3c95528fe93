//! What made it possible: the faults that took, kept or doubled the frames of a witness, in a sentence.

use std::collections::BTreeMap;

use super::{Diagram, Fate};
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
        let told: Vec<String> = causes.iter().take(NAMED).map(|(key, to)| self.told(key, to)).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    fn told(&self, key: &Key, to: &[usize]) -> String {
        let lanes: BTreeMap<usize, &str> = to.iter().map(|lane| (*lane, self.lanes[*lane].as_str())).collect();
        let what = if key.carries.is_empty() { "a frame" } else { &key.carries };
        let verb = if key.why.starts_with("lost") { "got" } else { "was" };
        format!("{what} from {} to {} {verb} {}", self.lanes[key.from], listed(lanes.into_values()), key.why)
    }
}

/// By what causes are told apart.
#[derive(PartialEq, Eq)]
struct Key {
    carries: String,
    from: usize,
    why: String,
}
