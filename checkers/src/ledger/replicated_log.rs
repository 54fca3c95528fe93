//! A node's replicated log, as its indications tell it: which entry stands at which index, now and at earlier moments.
//!
//! A node that comes back may have written what it never told, and told what the harness never read. So after a start nothing is
//! known of its log until it says where the log ends: by its last entry, with the hash of all up to it, or by saying that
//! it is empty. Entries that were taken away are kept aside, since what a leader's log held when it was elected is
//! asked at the end of the judgement.

/// An entry of a log, as an indication tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1.
    pub index: u64,
    /// The term in which it was made.
    pub term: u64,
    /// The hash of all entries from the first to this one.
    pub hash: u64,
}

/// A moment in the life of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// So many times something had been taken away.
    cuts: usize,
    /// The last index then, if it was known.
    pub end: Option<u64>,
}

/// The log of one node.
#[derive(Debug)]
pub struct ReplicatedLog {
    /// The index of the first entry that is known.
    first: u64,
    /// Terms and hashes of the entries from `first` on, without a gap.
    entries: Vec<(u64, u64)>,
    /// The last index; `None` from a start on until the node says it.
    end: Option<u64>,
    cuts: Vec<Cut>,
}

/// What was taken away at one time: all from this index on.
#[derive(Debug)]
struct Cut {
    from: u64,
    /// The index of the first entry that was known of it.
    first: u64,
    entries: Vec<(u64, u64)>,
}

impl Default for ReplicatedLog {
    fn default() -> Self {
        Self { first: 1, entries: Vec::new(), end: Some(0), cuts: Vec::new() }
    }
}

impl ReplicatedLog {
    /// The last index, if it is known.
    pub fn end(&self) -> Option<u64> {
        self.end
    }

    /// The entry at an index, if it is known.
    pub fn entry(&self, index: u64) -> Option<Entry> {
        self.end?;
        self.known(index)
    }

    /// The node has this entry now, and nothing behind it.
    pub fn append(&mut self, entry: Entry) {
        let is_known = self.known(entry.index) == Some(entry);
        if self.end.is_none() && !is_known {
            // What is before it may be another than what was told by an earlier life.
            self.cut(self.first);
        }
        self.cut(entry.index);
        if entry.index != self.first + self.entries.len() as u64 {
            self.cut(self.first);
            self.first = entry.index;
        }
        self.entries.push((entry.term, entry.hash));
        self.end = Some(entry.index);
    }

    /// The node has no entry from this index on.
    pub fn truncate(&mut self, from: u64) {
        self.cut(if self.end.is_none() { self.first } else { from });
        self.end = Some(from.saturating_sub(1));
    }

    /// A snapshot stands for the entries up to this one. A log that has the entry goes on behind it; any other is replaced.
    pub fn snapshot(&mut self, entry: Entry) {
        let known = self.known(entry.index);
        let is_within_what_is_unknown = known.is_none() && self.end >= Some(entry.index);
        if is_within_what_is_unknown || known == Some(entry) {
            return;
        }
        self.cut(self.first.min(entry.index));
        self.first = entry.index;
        self.entries.push((entry.term, entry.hash));
        self.end = self.end.map(|_| entry.index);
    }

    /// A later life begins.
    pub fn restarted(&mut self) {
        self.end = None;
    }

    /// The log as it is now.
    pub fn version(&self) -> Version {
        Version { cuts: self.cuts.len(), end: self.end }
    }

    /// The entry that stood at an index in this version, if it is known.
    pub fn entry_in(&self, version: Version, index: u64) -> Option<Entry> {
        version.end.filter(|end| index <= *end)?;
        let later = self.cuts[version.cuts..].iter().find(|cut| cut.from <= index);
        later.map_or_else(|| self.known(index), |cut| nth(cut.first, &cut.entries, index))
    }

    fn known(&self, index: u64) -> Option<Entry> {
        nth(self.first, &self.entries, index)
    }

    /// Takes away all from this index on.
    fn cut(&mut self, from: u64) {
        let known = self.entries.len();
        let stay = usize::try_from(from.saturating_sub(self.first)).map_or(known, |stay| stay.min(known));
        // What is unknown goes too: it may be known later, and was not then.
        if stay < known || from < self.first || self.end >= Some(from) {
            let entries = self.entries.split_off(stay);
            self.cuts.push(Cut { from, first: from.max(self.first), entries });
        }
    }
}

fn nth(first: u64, entries: &[(u64, u64)], index: u64) -> Option<Entry> {
    let at = usize::try_from(index.checked_sub(first)?).ok()?;
    entries.get(at).map(|&(term, hash)| Entry { index, term, hash })
}

#[cfg(test)]
mod tests {
    use super::{Entry, ReplicatedLog};

    fn entry(index: u64, hash: u64) -> Entry {
        Entry { index, term: 1, hash }
    }

    #[test]
    fn a_version_keeps_what_stood_there() {
        let mut log = ReplicatedLog::default();
        (1..=4).for_each(|index| log.append(entry(index, index)));
        let before = log.version();
        log.truncate(3);
        log.append(entry(3, 30));
        let between = log.version();
        log.append(entry(2, 20));
        assert_eq!((log.end(), log.entry(2), log.entry(3)), (Some(2), Some(entry(2, 20)), None));
        let stood = |version, index| log.entry_in(version, index).map(|entry| entry.hash);
        assert_eq!([1, 2, 3, 4, 5].map(|index| stood(before, index)), [Some(1), Some(2), Some(3), Some(4), None]);
        assert_eq!([1, 2, 3, 4].map(|index| stood(between, index)), [Some(1), Some(2), Some(30), None]);
    }

    #[test]
    fn what_was_unknown_in_a_version_stays_so() {
        let mut log = ReplicatedLog::default();
        log.append(entry(3, 3));
        let before = log.version();
        log.append(entry(2, 2));
        assert_eq!((log.entry_in(before, 2), log.entry_in(before, 3)), (None, Some(entry(3, 3))));
    }

    #[test]
    fn after_a_start_nothing_is_known_until_the_log_says_where_it_ends() {
        let lived = || {
            let mut log = ReplicatedLog::default();
            (1..=3).for_each(|index| log.append(entry(index, index)));
            log.restarted();
            log
        };
        assert_eq!((lived().end(), lived().entry(2)), (None, None));
        let mut same = lived();
        same.append(entry(3, 3));
        assert_eq!((same.end(), same.entry(2)), (Some(3), Some(entry(2, 2))));
        let mut other = lived();
        other.append(entry(4, 4));
        assert_eq!((other.end(), other.entry(3), other.entry(4)), (Some(4), None, Some(entry(4, 4))));
        let mut empty = lived();
        empty.truncate(1);
        assert_eq!((empty.end(), empty.entry(1)), (Some(0), None));
    }

    #[test]
    fn a_snapshot_of_what_is_there_changes_nothing_and_any_other_replaces_the_log() {
        let mut log = ReplicatedLog::default();
        (1..=3).for_each(|index| log.append(entry(index, index)));
        log.snapshot(entry(2, 2));
        assert_eq!((log.end(), log.entry(1)), (Some(3), Some(entry(1, 1))));
        log.snapshot(entry(7, 7));
        assert_eq!((log.end(), log.entry(3), log.entry(7)), (Some(7), None, Some(entry(7, 7))));
        log.append(entry(8, 8));
        log.snapshot(entry(5, 5));
        assert_eq!((log.end(), log.entry(8)), (Some(8), Some(entry(8, 8))));
    }
}
