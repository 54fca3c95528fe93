//! Shrinking: from a plan that fails to a small one that fails in the same way.
//!
//! After Zeller and Hildebrandt's delta debugging (2002). Whether a candidate still fails is asked of an oracle, which runs it;
//! everything else is here, and pure. The end of time is cut first, since it costs few questions and makes all others cheap.
//! Then operations, rules, faults, nodes and links are taken away, in halves, quarters, and one by one; then what is left is
//! made simpler. All of it is repeated until no single step keeps the plan failing.

mod list;
mod removal;
mod simplify;

use crate::plan::{Kind, Plan};
use crate::validity;

/// Other seeds under which a candidate is tried before it is given up: whether a failure shows may hang on how long frames take.
const OTHER_SEEDS: u64 = 3;

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

    /// Whether to go on; asked before each question.
    fn goes_on(&self) -> bool;
}

/// Makes a failing plan smaller.
pub fn shrink(plan: Plan, oracle: &mut dyn Oracle) -> Plan {
    let mut shrinker = Shrinker { best: plan, oracle };
    shrinker.take_away();
    shrinker.say_frames();
    shrinker.best
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

    /// Takes away and simplifies until nothing more can be.
    fn take_away(&mut self) {
        loop {
            let before = self.best.clone();
            self.cut_the_end();
            removal::remove(self);
            simplify::simplify(self);
            if self.best == before || !self.oracle.goes_on() {
                return;
            }
        }
    }

    /// Replaces faults of links by what they did to single frames, of which most turn out not to matter. What that comes to is
    /// kept only if it is smaller: one cut says more than the ten frames that it took.
    fn say_frames(&mut self) {
        let before = self.best.clone();
        let Some(concrete) = self.oracle.concrete(&before) else { return };
        if self.attempt(concrete) {
            self.take_away();
        }
        if burden(&self.best) >= burden(&before) {
            self.oracle.best(&before);
            self.best = before;
        }
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
