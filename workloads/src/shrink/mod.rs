//! Shrinking: from a plan that fails to a small one that fails in the same way.
//!
//! After Zeller and Hildebrandt's delta debugging (2002). Whether a candidate still fails is asked of an oracle, which runs it;
//! everything else is here, and pure. The end of time is cut first, since it costs few questions and makes all others cheap.
//! Then operations, rules, faults, nodes and links are taken away, in halves, quarters, and one by one; crashes within a step are
//! aimed again, and what can only go together goes in pairs; then what is left is made simpler. All of it is repeated until no
//! single step keeps the plan failing. Then other forms of what is left are tried: everything at a time of its own, and
//! frame by frame. At first, and at last where much is left, it leaps: to much smaller plans, chosen by chance.

mod aim;
mod leaps;
mod list;
mod moments;
mod pairs;
mod removal;
mod simplify;

use crate::plan::{Kind, Plan};
use crate::validity;

pub use moments::Moments;

/// Other seeds under which a candidate is tried before it is given up: whether a failure shows may hang on how long frames take.
const OTHER_SEEDS: u64 = 3;
/// The same, for the last attempts on a plan that is small already: there an order of arrival may be all that an entry brings about.
const OTHER_SEEDS_AT_LAST: u64 = 60;
/// Plans of so many entries are small.
const ENTRIES_SMALL: std::ops::RangeInclusive<usize> = 4..=16;

/// So many much smaller plans are tried at first ...
const LEAPS: u64 = 60;
/// ... and so many smaller ones at last, where this many entries are left: a person reads fewer at a glance.
const HOPS: u64 = 1_500;
const ENTRIES_MANY: usize = 5;

/// What can be asked about plans.
pub trait Oracle {
    /// Whether this plan fails in the same way as the one to be shrunk.
    fn fails(&mut self, plan: &Plan) -> bool;

    /// This is the smallest plan so far.
    fn best(&mut self, plan: &Plan);

    /// The plan in which faults of links are said frame by frame, as they came about when this plan ran; `None` if there is nothing
    /// to say, or no way to know.
    fn concrete(&mut self, _plan: &Plan) -> Option<Plan> {
        None
    }

    /// When the entries of this plan come about when it runs; `None` if there is no way to know.
    fn moments(&mut self, _plan: &Plan) -> Option<Moments> {
        None
    }

    /// Whether to go on; asked before each question.
    fn goes_on(&self) -> bool;
}

/// Makes a failing plan smaller.
pub fn shrink(plan: Plan, oracle: &mut dyn Oracle) -> Plan {
    let mut shrinker = Shrinker { best: plan, other_seeds: OTHER_SEEDS, oracle };
    leaps::leap(&mut shrinker, LEAPS);
    shrinker.take_away();
    shrinker.say_times();
    shrinker.say_frames();
    shrinker.try_more_seeds();
    while pairs::entries(&shrinker.best) >= ENTRIES_MANY && leaps::hop(&mut shrinker, HOPS) {
        shrinker.take_away();
        shrinker.try_more_seeds();
    }
    shrinker.best
}

/// A plan on its way.
pub(crate) struct Shrinker<'a> {
    /// The smallest failing plan so far.
    pub best: Plan,
    /// Under how many other seeds a candidate is tried.
    other_seeds: u64,
    oracle: &'a mut dyn Oracle,
}

impl Shrinker<'_> {
    /// Takes a candidate if it makes sense and fails, under the same seed or another; whether it was taken.
    pub fn attempt(&mut self, candidate: Plan) -> bool {
        if candidate == self.best || validity::check(&candidate).is_err() {
            return false;
        }
        (0..=self.other_seeds).any(|other| {
            let seed = candidate.seed.wrapping_add(other) & validity::MESSAGE_MAX;
            self.attempt_once(Plan { seed, ..candidate.clone() })
        })
    }

    /// Takes a candidate if it makes sense and fails, under its own seed; whether it was taken.
    pub fn attempt_once(&mut self, candidate: Plan) -> bool {
        if candidate == self.best || !self.goes_on() || validity::check(&candidate).is_err() {
            return false;
        }
        let fails = self.oracle.fails(&candidate);
        if fails {
            self.oracle.best(&candidate);
            self.best = candidate;
        }
        fails
    }

    /// Whether there is time left.
    pub fn goes_on(&self) -> bool {
        self.oracle.goes_on()
    }

    /// Takes away and simplifies until nothing more can be.
    fn take_away(&mut self) {
        loop {
            let before = self.best.clone();
            self.cut_the_end();
            removal::remove(self);
            aim::aim(self);
            pairs::remove_pairs(self);
            simplify::simplify(self);
            if self.best == before || !self.goes_on() {
                return;
            }
        }
    }

    /// Gives each entry of a small plan a last chance to go, under many other seeds.
    fn try_more_seeds(&mut self) {
        while ENTRIES_SMALL.contains(&pairs::entries(&self.best)) && self.goes_on() {
            let before = pairs::entries(&self.best);
            self.other_seeds = OTHER_SEEDS_AT_LAST;
            pairs::remove_singles(self);
            self.other_seeds = OTHER_SEEDS;
            if pairs::entries(&self.best) == before {
                return;
            }
            self.take_away();
        }
    }

    /// Says reactions, and what waits, with times. Who waits says more than a time does, so it is kept only if it is smaller.
    fn say_times(&mut self) {
        let Some(moments) = self.oracle.moments(&self.best) else { return };
        for timed in moments::timed(&self.best, &moments) {
            if self.prefer(timed) {
                return;
            }
        }
    }

    /// Replaces faults of links by what they did to single frames, of which most turn out not to matter. What that comes to is
    /// kept only if it is smaller: one cut says more than the ten frames that it took.
    fn say_frames(&mut self) {
        if let Some(concrete) = self.oracle.concrete(&self.best) {
            self.prefer(concrete);
        }
    }

    /// Goes on from another form of the plan, if what that comes to is smaller; whether it is.
    fn prefer(&mut self, form: Plan) -> bool {
        let before = self.best.clone();
        // Each form is tried once, so a small one can have many seeds.
        let is_small = ENTRIES_SMALL.contains(&pairs::entries(&form));
        self.other_seeds = if is_small { OTHER_SEEDS_AT_LAST } else { OTHER_SEEDS };
        let taken = self.attempt(form);
        self.other_seeds = OTHER_SEEDS;
        if taken {
            self.take_away();
        }
        let is_smaller = burden(&self.best) < burden(&before);
        if !is_smaller && self.best != before {
            self.oracle.best(&before);
            self.best = before;
        }
        is_smaller
    }

    /// Lets the main phase end earlier, as early as the plan still fails.
    fn cut_the_end(&mut self) {
        let mut passes = 0_u64;
        while self.best.length_us - passes > 1_000 {
            let middle = passes + (self.best.length_us - passes) / 2;
            if !self.attempt(removal::ending_at(&self.best, middle)) {
                passes = middle;
            }
        }
    }
}

/// What a reader of a plan has to keep in mind.
fn burden(plan: &Plan) -> usize {
    let frames = plan.faults.iter().map(|fault| match &fault.fault {
        Kind::Bites { frames, .. } => frames.len(),
        _ => 0,
    });
    4 * (plan.operations.len() + plan.rules.len() + plan.faults.len()) + frames.sum::<usize>()
}

#[cfg(test)]
mod tests;
