//! Shrinking: from a plan that fails to a small one that fails in the same way.
//!
//! After Zeller and Hildebrandt's delta debugging (2002). Whether a candidate still fails is asked of an oracle, which runs it;
//! everything else is here, and pure. The end of time is cut first, since it costs few questions and makes all others cheap.
//! Then operations, rules, faults, nodes and links are taken away, in halves, quarters, and one by one; then what is left is
//! made simpler. All of it is repeated until no single step keeps the plan failing.

mod list;
mod removal;
mod simplify;

use crate::plan::Plan;
use crate::validity;

/// Other seeds under which a candidate is tried before it is given up: whether a failure shows may hang on how long frames take.
const OTHER_SEEDS: u64 = 3;

/// What can be asked about plans.
pub trait Oracle {
    /// Whether this plan fails in the same way as the one to be shrunk.
    fn fails(&mut self, plan: &Plan) -> bool;

    /// This is the smallest plan so far.
    fn best(&mut self, plan: &Plan);

    /// Whether to go on; asked before each question.
    fn goes_on(&self) -> bool;
}

/// Makes a failing plan smaller.
pub fn shrink(plan: Plan, oracle: &mut dyn Oracle) -> Plan {
    let mut shrinker = Shrinker { best: plan, oracle };
    loop {
        let before = shrinker.best.clone();
        shrinker.cut_the_end();
        removal::remove(&mut shrinker);
        simplify::simplify(&mut shrinker);
        if shrinker.best == before || !shrinker.oracle.goes_on() {
            return shrinker.best;
        }
    }
}

/// A plan on its way.
pub(crate) struct Shrinker<'a> {
    /// The smallest failing plan so far.
    pub best: Plan,
    oracle: &'a mut dyn Oracle,
}

impl Shrinker<'_> {
    /// Takes a candidate if it makes sense and fails, under the same seed or another; whether it was taken.
    pub fn attempt(&mut self, candidate: Plan) -> bool {
        if candidate == self.best || validity::check(&candidate).is_err() {
            return false;
        }
        let seeds = (0..=OTHER_SEEDS).map(|other| candidate.seed.wrapping_add(other) & validity::MESSAGE_MAX);
        for seed in seeds.collect::<Vec<_>>() {
            if !self.oracle.goes_on() {
                return false;
            }
            let candidate = Plan { seed, ..candidate.clone() };
            if self.oracle.fails(&candidate) {
                self.oracle.best(&candidate);
                self.best = candidate;
                return true;
            }
        }
        false
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

#[cfg(test)]
mod tests;
