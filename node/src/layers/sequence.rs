//! A set of sequence numbers that is dense from below: all numbers under a mark, and a few above it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Numbers from 0; memory is what is missing, not what is there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SequenceSet {
    below: u64,
    above: BTreeSet<u64>,
}

impl SequenceSet {
    /// Adds a number; `false` if it was there already.
    pub fn insert(&mut self, number: u64) -> bool {
        if number < self.below || !self.above.insert(number) {
            return false;
        }
        while self.above.remove(&self.below) {
            self.below += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::SequenceSet;

    #[test]
    fn a_number_is_new_once() {
        let mut set = SequenceSet::default();
        for number in [0, 2, 1, 5] {
            assert!(set.insert(number));
            assert!(!set.insert(number));
        }
        assert_eq!((set.below, set.above.len()), (3, 1));
    }
}
