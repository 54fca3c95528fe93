//! Residence: how long frames stayed in the proxy, from the read that ended them to the write that sent them on.
//!
//! It tells a slow harness from a slow node. A histogram by powers of two: a quantile is exact to a factor of two, the maximum
//! is exact, and adding costs a few instructions.

use serde::Serialize;

/// How long the frames of a link stayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residence {
    /// `buckets[k]` counts stays of less than 2^k ns, and no less than half of that.
    buckets: [u64; 65],
    max_ns: u64,
}

/// What a histogram says in short; all 0 if it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many frames.
    pub frames: u64,
    /// Half of them stayed no longer than this, ns, exact to a factor of two.
    pub p50_ns: u64,
    /// 99 in 100 stayed no longer than this, ns, exact to a factor of two.
    pub p99_ns: u64,
    /// The longest stay, ns.
    pub max_ns: u64,
}

impl Default for Residence {
    fn default() -> Self {
        Self { buckets: [0; 65], max_ns: 0 }
    }
}

impl Residence {
    /// Counts `frames` that stayed for `stay_ns`.
    pub fn add(&mut self, stay_ns: u64, frames: u64) {
        self.buckets[(u64::BITS - stay_ns.leading_zeros()) as usize] += frames;
        self.max_ns = self.max_ns.max(if frames > 0 { stay_ns } else { 0 });
    }

    /// Adds what another histogram counted.
    pub fn merge(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// The histogram in short.
    pub fn summary(&self) -> Summary {
        let frames: u64 = self.buckets.iter().sum();
        let quantile = |percent: u64| self.at_rank((frames * percent).div_ceil(100));
        Summary { frames, p50_ns: quantile(50), p99_ns: quantile(99), max_ns: self.max_ns }
    }

    /// An upper bound of the stay of this rank, counted from 1.
    fn at_rank(&self, rank: u64) -> u64 {
        let mut below = 0;
        let bucket = self.buckets.iter().position(|count| {
            below += count;
            below >= rank
        });
        let bound =
            bucket.map_or(u64::MAX, |bits| (1_u64.checked_shl(bits as u32)).map_or(u64::MAX, |bound| bound - 1));
        bound.min(self.max_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::{Residence, Summary};

    #[test]
    fn quantiles_are_upper_bounds_within_a_factor_of_two() {
        let mut residence = Residence::default();
        residence.add(1_000, 98);
        residence.add(5_000, 1);
        residence.add(70_000, 1);
        let summary = Summary { frames: 100, p50_ns: 1_023, p99_ns: 8_191, max_ns: 70_000 };
        assert_eq!(residence.summary(), summary);
    }

    #[test]
    fn an_empty_histogram_and_the_longest_stay_are_no_special_cases() {
        assert_eq!(Residence::default().summary(), Summary { frames: 0, p50_ns: 0, p99_ns: 0, max_ns: 0 });
        let mut residence = Residence::default();
        residence.add(u64::MAX, 1);
        residence.merge(&Residence::default());
        assert_eq!(residence.summary().p50_ns, u64::MAX);
    }
}
