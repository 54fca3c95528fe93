//! Taking entries out of a list: halves, then quarters, and so on down to single ones.

/// Calls `attempt` with the places to take out of a list of so many entries; it says how long the list is afterwards.
pub fn thin_out(mut length: usize, mut attempt: impl FnMut(std::ops::Range<usize>) -> usize) {
    let mut size = length.div_ceil(2).max(1);
    loop {
        // From the end: what comes late follows from what comes early more often than the other way round.
        let mut end = length;
        while end > 0 {
            let begin = end.saturating_sub(size);
            let left = attempt(begin..end);
            end = begin.min(left);
            length = left;
        }
        if size == 1 {
            return;
        }
        size = size.div_ceil(2);
    }
}

#[cfg(test)]
mod tests {
    use super::thin_out;

    #[test]
    fn what_is_needed_stays_and_the_rest_goes() {
        for needed in [vec![], vec![0], vec![7, 8, 31], vec![99], (0..100).collect::<Vec<_>>()] {
            let mut list: Vec<usize> = (0..100).collect();
            let mut asked = 0;
            thin_out(100, |range| {
                asked += 1;
                if !list[range.clone()].iter().any(|entry| needed.contains(entry)) {
                    list.drain(range);
                }
                list.len()
            });
            assert_eq!(list, needed);
            assert!(asked < 230, "{asked}");
        }
    }
}
