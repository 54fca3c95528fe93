//! From a message's number to its place.
//!
//! Numbers follow each other as the messages do, but for a few, so what is kept is runs: numbers that follow each other and
//! whose places do too. A run is found by binary search among the first numbers of runs, in a tree, so that no choice of numbers
//! makes it slow.

use std::collections::BTreeMap;

/// Where each known number is.
#[derive(Default)]
pub struct Runs {
    /// By first number.
    runs: BTreeMap<u64, Run>,
}

/// Numbers that follow each other.
struct Run {
    /// The place of the first one.
    place: u32,
    length: u32,
}

impl Runs {
    /// The place of `number`, if it is known.
    pub fn find(&self, number: u64) -> Option<u32> {
        let (first, run) = self.runs.range(..=number).next_back()?;
        let nth = number - first;
        (nth < u64::from(run.length)).then(|| run.place + nth as u32)
    }

    /// Gives `number`, which is not known yet, a place.
    pub fn insert(&mut self, number: u64, place: u32) {
        if let Some((first, run)) = self.runs.range_mut(..=number).next_back()
            && (number - first, place) == (u64::from(run.length), run.place + run.length)
        {
            run.length += 1;
        } else {
            self.runs.insert(number, Run { place, length: 1 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Runs;

    fn runs(numbers: impl IntoIterator<Item = u64>) -> Runs {
        let mut runs = Runs::default();
        numbers.into_iter().enumerate().for_each(|(place, number)| runs.insert(number, place as u32));
        runs
    }

    #[test]
    fn numbers_that_follow_each_other_are_one_run() {
        let runs = runs((7..1_000).chain(2_000..2_010).chain([1_001, 1_000]));
        assert_eq!(runs.runs.len(), 4);
        assert_eq!(
            [6, 7, 999, 2_000, 2_009, 2_010].map(|number| runs.find(number)),
            [None, Some(0), Some(992), Some(993), Some(1_002), None]
        );
        assert_eq!([1_000, 1_001, 1_002].map(|number| runs.find(number)), [Some(1_004), Some(1_003), None]);
    }

    #[test]
    fn each_number_has_its_place_in_whatever_order_they_come() {
        let numbers = || (0..7_919_u64).map(|n| n * n * n % 7_919 * 3 % 10_007);
        let mut places = std::collections::BTreeMap::new();
        numbers().for_each(|number| {
            let next = places.len() as u32;
            places.entry(number).or_insert(next);
        });
        let mut in_order: Vec<_> = places.iter().map(|(number, place)| (*place, *number)).collect();
        in_order.sort();
        let runs = runs(in_order.into_iter().map(|(_, number)| number));
        (0..10_100).for_each(|number| assert_eq!(runs.find(number), places.get(&number).copied(), "{number}"));
    }
}
