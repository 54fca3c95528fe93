//! From a message's number to its place: an open-addressing table of four bytes a slot.
//!
//! A slot of a table of 2^k slots holds a place in its low k bits and, in the bits above, some bits of the number's hash,
//! so that a slot of another number is nearly always told apart without a look at that number. At most three quarters of
//! the slots are taken, so a place always fits below, and all ones means empty. The table is only ever asked for one
//! number; nobody walks through it, so its order shows nowhere.
//!
//! Numbers that follow each other, as nearly all do, lie close together: four of them in four slots, so that a number that is new
//! is mostly looked for where its predecessor was just put. Only where each four go is left to the hash.
//!
//! Numbers come from a file that anybody may have written. Crafted ones can make a probe long, never wrong; a probe of
//! more than [`LONGEST`] slots makes the table hash anew under another key, so that no file can make it crawl.

/// Beyond this a probe is no accident (chance alone stays below 500 fours even with a hundred million messages).
const LONGEST: usize = 4096;

const EMPTY: u32 = u32::MAX;
const FIRST_BITS: u32 = 10;

/// Where each known number is.
pub struct Slots {
    slots: Vec<u32>,
    bits: u32,
    taken: usize,
    key: u64,
}

/// What a probe came to.
enum Probe {
    Found(u32),
    Free(usize),
    TooLong,
}

impl Slots {
    /// An empty table.
    pub fn new() -> Slots {
        Slots { slots: vec![EMPTY; 1 << FIRST_BITS], bits: FIRST_BITS, taken: 0, key: 0 }
    }

    /// The place of `number`, if it is known, where `numbers(place)` is the number at a place.
    #[inline]
    pub fn find(&self, number: u64, numbers: impl Fn(usize) -> u64) -> Option<usize> {
        match self.probe(number, numbers) {
            Probe::Found(place) => Some(place as usize),
            // A probe that was too long for an insertion made the table change its key, so it did not come to one.
            Probe::Free(_) | Probe::TooLong => None,
        }
    }

    /// Gives `number`, which is not known yet, the next place: how many there were.
    pub fn insert(&mut self, number: u64, numbers: impl Fn(usize) -> u64) -> usize {
        loop {
            match self.probe(number, &numbers) {
                Probe::Found(_) => unreachable!("only unknown numbers are inserted"),
                Probe::Free(slot) if self.taken < self.slots.len() / 4 * 3 => {
                    self.slots[slot] = self.packed(self.hash(number), self.taken);
                    self.taken += 1;
                    return self.taken - 1;
                }
                Probe::Free(_) => self.rebuild(self.bits + 1, self.key, &numbers),
                Probe::TooLong => self.rebuild(self.bits, self.hash(number) | 1, &numbers),
            }
        }
    }

    #[inline]
    fn probe(&self, number: u64, numbers: impl Fn(usize) -> u64) -> Probe {
        let hash = self.hash(number);
        let (mask, tag) = (self.slots.len() - 1, self.packed(hash, 0));
        let mut slot = hash as usize & mask;
        for _ in 0..LONGEST {
            let held = self.slots[slot];
            if held == EMPTY {
                return Probe::Free(slot);
            }
            let place = held & mask as u32;
            if held - place == tag && numbers(place as usize) == number {
                return Probe::Found(place);
            }
            slot = (slot + 1) & mask;
        }
        Probe::TooLong
    }

    fn rebuild(&mut self, bits: u32, key: u64, numbers: impl Fn(usize) -> u64) {
        assert!(bits < 32, "a history of more than 1,600,000,000 messages");
        // The old table goes before the new one comes: all that it says is known from the numbers.
        self.slots = Vec::new();
        *self = Slots { slots: vec![EMPTY; 1 << bits], bits, key, ..*self };
        let mask = self.slots.len() - 1;
        for place in 0..self.taken {
            let hash = self.hash(numbers(place));
            let mut slot = hash as usize & mask;
            while self.slots[slot] != EMPTY {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = self.packed(hash, place);
        }
    }

    fn packed(&self, hash: u64, place: usize) -> u32 {
        ((hash >> 32) as u32) << self.bits | place as u32
    }

    /// Two rounds of multiply and xor-shift: every bit of the number but the last two reaches the low bits and the tag. Those
    /// two say which of four slots it is, and are in the tag as well.
    fn hash(&self, number: u64) -> u64 {
        let (four, within) = (number >> 2, number & 3);
        let mixed = (four ^ self.key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let mixed = mixed ^ mixed >> 32;
        (mixed & !3 | within) ^ within << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(numbers: &[u64]) -> Vec<usize> {
        let (mut slots, mut known) = (Slots::new(), Vec::new());
        let mut places = Vec::new();
        for number in numbers {
            let place = slots.find(*number, |at| known[at]);
            places.push(place.unwrap_or_else(|| slots.insert(*number, |at| known[at])));
            if place.is_none() {
                known.push(*number);
            }
        }
        places
    }

    #[test]
    fn a_number_keeps_its_place_however_large_the_table_grows() {
        let numbers: Vec<u64> = (0..5000).map(|n| n * n % 7919).collect();
        let mut first = std::collections::BTreeMap::new();
        let expected: Vec<usize> = numbers
            .iter()
            .map(|n| {
                let next = first.len();
                *first.entry(*n).or_insert(next)
            })
            .collect();
        assert_eq!(places(&numbers), expected);
    }

    #[test]
    fn numbers_crafted_to_collide_make_the_table_change_its_key() {
        let slots = Slots::new();
        let crafted: Vec<u64> = (0..).filter(|n| slots.hash(*n) & 0xFFF == 0).take(3 * LONGEST / 2).collect();
        let expected: Vec<usize> = (0..crafted.len()).collect();
        assert_eq!(places(&crafted), expected);
    }
}
