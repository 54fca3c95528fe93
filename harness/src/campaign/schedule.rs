//! The schedule: run k of a campaign, from 0. Its cell and its seed depend on the campaign and on k alone.

use temblor_workloads::chance::mix;

/// Seeds have at most twelve digits, since people copy them.
const SEEDS: u64 = 1_000_000_000_000;
/// What the seeds of runs are drawn for.
const PURPOSE: u64 = 0x43_41_4D_50;

/// Which cell run `k` is of, of so many: they take turns.
pub fn cell(k: u64, cells: usize) -> usize {
    (k % cells as u64) as usize
}

/// Which turn of its cell run `k` is, from 0.
pub fn round(k: u64, cells: usize) -> u64 {
    k / cells as u64
}

/// The seed of run `k` in a campaign with this seed.
pub fn seed(campaign: u64, k: u64) -> u64 {
    mix(campaign, &[PURPOSE, k]) % SEEDS
}

/// The seed that belongs to a day, as `20261124`: the same on every machine, and another one tomorrow.
pub fn seed_of_day(moment: std::time::SystemTime) -> u64 {
    let stamp = crate::results::stamp(moment);
    stamp[..8].parse().expect("a stamp begins with eight digits")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_day_is_a_seed() {
        assert_eq!(super::seed_of_day(UNIX_EPOCH + Duration::from_secs(1_795_421_700)), 20_261_123);
    }
}
