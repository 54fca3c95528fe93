//! Calm: which messages spread while nothing could have kept them from anybody.
//!
//! A statistic of how messages spread holds only for messages whose spread met no crash and no fault of a link. Which these are
//! must not depend on how they fared, or the statistic would be skewed. So it is decided by time alone: a message counts if
//! no such fault was in force when the file first named it nor within [`HORIZON_NS`] after. A node that is paused loses nothing,
//! but what waits in it may outlast the horizon; so a pause belongs to the fault that follows it.
//!
//! Times of messages are known only roughly, by marks on the file's own clock, of which there are never more than
//! [`MARKS_MAX`]: a message between two marks counts if it would at any time between them.

use std::collections::BTreeMap;

/// So long a message is taken to be on its way at most, ns, while nothing keeps it.
pub const HORIZON_NS: u64 = 1_000_000_000;
/// The first distance of two marks, ns.
const STEP_NS: u64 = 50_000_000;
/// The most marks; when there are so many, every second one goes.
const MARKS_MAX: usize = 4_096;
/// The most faults in force at a time that are told apart; of more it is not noted when they end.
const OPEN_MAX: usize = 1_024;

/// Whether a fault can keep a message from somebody for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It can.
    Loses,
    /// It only makes messages late.
    Delays,
}

/// What disturbed the spread of messages, and when messages were named.
pub struct Calm {
    /// A time, and how many messages had been named before it.
    marks: Vec<(u64, usize)>,
    step_ns: u64,
    /// The next mark is due at this time.
    due_ns: u64,
    troubles: Vec<Trouble>,
    /// The place among `troubles` of each fault in force, by its id.
    open: BTreeMap<u64, usize>,
}

/// Something that disturbed.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    harm: Harm,
    from_ns: u64,
    /// `u64::MAX` while it lasts.
    to_ns: u64,
}

impl Default for Calm {
    fn default() -> Self {
        let (marks, troubles, open) = (vec![(0, 0)], Vec::new(), BTreeMap::new());
        Calm { marks, step_ns: STEP_NS, due_ns: STEP_NS, troubles, open }
    }
}

impl Calm {
    /// Takes note of the time of a line; `named` is how many messages the lines before it have named.
    #[inline]
    pub fn tick(&mut self, time_ns: u64, named: usize) {
        if time_ns >= self.due_ns {
            self.mark(time_ns, named);
        }
    }

    /// Something begins to disturb: a fault of this id, or something that nobody lifts.
    pub fn begins(&mut self, id: Option<u64>, harm: Harm, time_ns: u64) {
        if let Some(id) = id.filter(|_| self.open.len() < OPEN_MAX) {
            self.open.insert(id, self.troubles.len());
        }
        self.troubles.push(Trouble { harm, from_ns: time_ns, to_ns: u64::MAX });
    }

    /// A fault is lifted.
    pub fn ends(&mut self, id: u64, time_ns: u64) {
        if let Some(at) = self.open.remove(&id) {
            self.troubles[at].to_ns = time_ns;
        }
    }

    /// A fault was never in force.
    pub fn never_was(&mut self, id: u64) {
        if let Some(at) = self.open.remove(&id) {
            self.troubles[at].to_ns = self.troubles[at].from_ns;
            self.troubles[at].harm = Harm::Delays;
        }
    }

    /// All faults are lifted, but for what nobody can lift.
    pub fn all_end(&mut self, time_ns: u64) {
        for at in std::mem::take(&mut self.open).into_values() {
            self.troubles[at].to_ns = time_ns;
        }
    }

    /// Whether nothing ever disturbed in such a way that messages could be lost.
    pub fn is_unbroken(&self) -> bool {
        self.troubles.iter().all(|trouble| trouble.harm == Harm::Delays)
    }

    /// The messages that count among the first `named`, as ranges of their places in the order of the file.
    pub fn stretches(&self, named: usize) -> Vec<std::ops::Range<usize>> {
        let zones = self.zones();
        let ends = self.marks.iter().skip(1).copied().chain([(u64::MAX, named)]);
        let spans = self.marks.iter().zip(ends).map(|(from, to)| (from.0..=to.0, from.1..to.1.min(named)));
        let met = |from_ns: u64, to_ns: u64| zones.iter().any(|zone| from_ns <= zone.1 && to_ns >= zone.0);
        spans.filter(|(times, _)| !met(*times.start(), *times.end())).map(|(_, places)| places).collect()
    }

    #[cold]
    fn mark(&mut self, time_ns: u64, named: usize) {
        self.marks.push((time_ns, named));
        if self.marks.len() == MARKS_MAX {
            let mut nth = 0;
            self.marks.retain(|_| {
                nth += 1;
                nth % 2 == 1
            });
            self.step_ns = self.step_ns.saturating_mul(2);
        }
        self.due_ns = time_ns.saturating_add(self.step_ns);
    }

    /// The times at which a message must not be named: troubles that follow close upon each other, up to the last one that loses.
    fn zones(&self) -> Vec<(u64, u64)> {
        let mut troubles = self.troubles.clone();
        troubles.sort_by_key(|trouble| trouble.from_ns);
        let mut zones: Vec<Zone> = Vec::new();
        for trouble in troubles {
            match zones.last_mut() {
                Some(zone) if trouble.from_ns <= zone.to_ns.saturating_add(HORIZON_NS) => zone.take(trouble),
                _ => zones.push(Zone::of(trouble)),
            }
        }
        zones.iter().filter_map(|zone| Some((zone.from_ns.saturating_sub(HORIZON_NS), zone.lost_to_ns?))).collect()
    }
}

/// Troubles that follow close upon each other.
struct Zone {
    from_ns: u64,
    to_ns: u64,
    /// The end of the last one that loses.
    lost_to_ns: Option<u64>,
}

impl Zone {
    fn of(trouble: Trouble) -> Zone {
        let mut zone = Zone { from_ns: trouble.from_ns, to_ns: trouble.to_ns, lost_to_ns: None };
        zone.take(trouble);
        zone
    }

    fn take(&mut self, trouble: Trouble) {
        self.to_ns = self.to_ns.max(trouble.to_ns);
        if trouble.harm == Harm::Loses {
            self.lost_to_ns = self.lost_to_ns.max(Some(trouble.to_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Calm, HORIZON_NS, Harm, MARKS_MAX};

    const SECOND: u64 = 1_000_000_000;

    /// The places that count, of one message named at every tenth of a second in `seconds`.
    fn counting(seconds: u64, disturb: impl Fn(&mut Calm)) -> Vec<u64> {
        let mut calm = Calm::default();
        let named = seconds * 10;
        (0..named).for_each(|place| calm.tick(place * SECOND / 10, place as usize));
        disturb(&mut calm);
        calm.stretches(named as usize).into_iter().flatten().map(|place| place as u64).collect()
    }

    fn without(seconds: u64, gone: std::ops::Range<u64>) -> Vec<u64> {
        (0..seconds * 10).filter(|place| !gone.contains(place)).collect()
    }

    #[test]
    fn without_trouble_all_count() {
        assert_eq!(counting(3, |_| ()), without(3, 0..0));
    }

    #[test]
    fn a_fault_takes_what_is_named_from_a_second_before_it_until_it_is_lifted() {
        let cut = |calm: &mut Calm| {
            calm.begins(Some(1), Harm::Loses, 3 * SECOND);
            calm.ends(1, 4 * SECOND);
        };
        // The message that stands at the edge of a mark goes too.
        assert_eq!(counting(6, cut), without(6, 19..41));
    }

    #[test]
    fn a_crash_takes_all_that_comes_after() {
        assert_eq!(counting(6, |calm| calm.begins(None, Harm::Loses, 3 * SECOND)), without(6, 19..60));
    }

    #[test]
    fn a_pause_takes_nothing_unless_a_fault_that_loses_follows_it() {
        let paused = |calm: &mut Calm| {
            calm.begins(Some(1), Harm::Delays, 3 * SECOND);
            calm.ends(1, 4 * SECOND);
        };
        assert_eq!(counting(8, paused), without(8, 0..0));
        let killed = |calm: &mut Calm| {
            paused(calm);
            calm.begins(None, Harm::Loses, 5 * SECOND);
        };
        assert_eq!(counting(8, killed), without(8, 19..80));
        let later = |calm: &mut Calm| {
            paused(calm);
            calm.begins(None, Harm::Loses, 5 * SECOND + 1);
        };
        assert_eq!(counting(8, later), without(8, 40..80));
    }

    #[test]
    fn a_fault_that_failed_takes_nothing_and_a_heal_ends_all() {
        let failed = |calm: &mut Calm| {
            calm.begins(Some(1), Harm::Loses, 3 * SECOND);
            calm.never_was(1);
        };
        assert_eq!(counting(6, failed), without(6, 0..0));
        let healed = |calm: &mut Calm| {
            calm.begins(Some(1), Harm::Loses, 3 * SECOND);
            calm.all_end(4 * SECOND);
        };
        assert_eq!(counting(6, healed), without(6, 19..41));
    }

    #[test]
    fn a_long_history_keeps_few_marks_and_every_message_has_its_place() {
        let mut calm = Calm::default();
        (0..100_000).for_each(|place| calm.tick(place * HORIZON_NS, place as usize));
        assert!(calm.marks.len() < MARKS_MAX);
        assert_eq!(calm.stretches(100_000).into_iter().flatten().count(), 100_000);
    }
}
