//! Occurrences: how often each frame key has been seen by one fault on one link.
//!
//! A chance is drawn anew for each occurrence of a key, so somebody has to count. Whoever owns the faults in force on a link owns
//! one counter for each of them, begins it with the fault and drops it with the fault.
//!
//! Memory is bounded. The first [`KEYS_MAX`] keys are counted exactly; those that come later share counters. A shared counter
//! still rises with each occurrence, so a frame that is sent again and again meets new chances for ever, as fair loss demands;
//! what is given up is only that two late keys are independent of each other.

/// So many keys are counted exactly: at 16 bytes a slot, and half of the slots free, 1 MiB a fault and link at most.
pub const KEYS_MAX: usize = 1 << 15;
/// The late keys share so many counters.
const SHARED: usize = 1 << 10;
/// The table begins with so many slots.
const SLOTS_MIN: usize = 64;

/// How often each frame key has been seen. Allocates only when its table grows.
#[derive(Clone, Debug, Default)]
pub struct Occurrences {
    /// Open addressing with linear probing; the length is 0 or a power of two, and half of the slots are free.
    slots: Vec<Slot>,
    used: usize,
    /// Empty until a late key comes.
    shared: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: u64,
    /// 0 marks a free slot.
    count: u32,
}

impl Occurrences {
    /// Counts a frame of the key with this hash; the first is 1.
    pub fn next(&mut self, key: u64) -> u32 {
        if 2 * self.used >= self.slots.len() && self.used < KEYS_MAX {
            self.grow();
        }
        let at = place(&self.slots, key);
        let slot = &mut self.slots[at];
        if slot.count > 0 {
            slot.count = slot.count.saturating_add(1);
            return slot.count;
        }
        if self.used == KEYS_MAX {
            return self.next_shared(key);
        }
        *slot = Slot { key, count: 1 };
        self.used += 1;
        1
    }

    fn next_shared(&mut self, key: u64) -> u32 {
        self.shared.resize(SHARED, 0);
        // The upper bits: the lower ones choose the slot.
        let count = &mut self.shared[(key >> 54) as usize];
        *count = count.saturating_add(1);
        *count
    }

    fn grow(&mut self) {
        let mut slots = vec![Slot::default(); (2 * self.slots.len()).max(SLOTS_MIN)];
        for slot in self.slots.iter().filter(|slot| slot.count > 0) {
            let at = place(&slots, slot.key);
            slots[at] = *slot;
        }
        self.slots = slots;
    }
}

/// The slot of this key, or the free one where it belongs. There is always a free one.
fn place(slots: &[Slot], key: u64) -> usize {
    let mask = slots.len() - 1;
    // The key is a hash already, so its lower bits are as good as any.
    let mut at = key as usize & mask;
    while slots[at].count > 0 && slots[at].key != key {
        at = (at + 1) & mask;
    }
    at
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{KEYS_MAX, Occurrences, SHARED};
    use crate::chance::mix;

    proptest! {
        #[test]
        fn each_key_is_counted_from_one_as_a_map_would(keys in prop::collection::vec(0_u64..300, 0..2_000)) {
            let (mut occurrences, mut naive) = (Occurrences::default(), BTreeMap::<u64, u32>::new());
            for key in keys {
                // Equal lower bits, so that all of them want the same slot.
                let key = key << 20;
                let count = naive.entry(key).or_default();
                *count += 1;
                prop_assert_eq!(occurrences.next(key), *count);
            }
        }
    }

    #[test]
    fn memory_is_bounded_and_late_keys_meet_new_numbers_all_the_same() {
        let mut occurrences = Occurrences::default();
        let key = |number: u64| mix(7, &[number]);
        for number in 0..4 * KEYS_MAX as u64 {
            occurrences.next(key(number));
        }
        assert!(occurrences.slots.len() <= 2 * KEYS_MAX && occurrences.shared.len() == SHARED);
        assert_eq!(occurrences.next(key(0)), 2);
        let late = key(4 * KEYS_MAX as u64 - 1);
        let first = occurrences.next(late);
        assert!(occurrences.next(late) > first);
    }
}
