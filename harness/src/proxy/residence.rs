//! How long frames stay in the proxy: a histogram by powers of two, so that a slow harness is told from a slow node.

/// Counts of durations; bucket k holds those under 2^k us.
#[derive(Clone, Debug, Default)]
pub struct Residence {
    buckets: [u64; 32],
}

impl Residence {
    /// Counts some frames that stayed so long, ns.
    pub fn add(&mut self, stayed_ns: u64, frames: u64) {
        let micros = stayed_ns / 1_000;
        let bucket = (u64::BITS - micros.leading_zeros()).min(31);
        self.buckets[bucket as usize] += frames;
    }

    /// Adds another histogram's counts.
    pub fn merge(&mut self, other: &Residence) {
        self.buckets.iter_mut().zip(other.buckets).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// So many in a thousand frames stayed less than this, us; 0 if there was none.
    pub fn under_us(&self, per_mille: u64) -> u64 {
        let wanted = (self.buckets.iter().sum::<u64>() * per_mille).div_ceil(1_000);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return 1 << bucket;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::Residence;

    #[test]
    fn quantiles_are_upper_bounds_within_a_factor_of_two() {
        let mut residence = Residence::default();
        assert_eq!(residence.under_us(500), 0);
        residence.add(10_000, 99);
        residence.add(3_000_000, 1);
        assert_eq!((residence.under_us(500), residence.under_us(990), residence.under_us(1_000)), (16, 16, 4_096));
    }
}
