//! When nodes that report nothing are read in the drain, to see whether they have what they owe: now and then, ever more seldom.

/// The first time, from the beginning of the drain, ns.
const FIRST_NS: u64 = 100_000_000;

/// The times of reads.
#[derive(Debug)]
pub struct Reads {
    next_ns: u64,
    gap_ns: u64,
}

impl Reads {
    /// The drain begins.
    pub fn begin(now_ns: u64) -> Self {
        Self { next_ns: now_ns + FIRST_NS, gap_ns: FIRST_NS }
    }

    /// Whether it is time for one; the next is then due after twice the pause.
    pub fn is_due(&mut self, now_ns: u64) -> bool {
        let due = now_ns >= self.next_ns;
        if due {
            self.gap_ns *= 2;
            self.next_ns = now_ns + self.gap_ns;
        }
        due
    }
}
