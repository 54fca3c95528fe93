//! Simplification: the same entries, said with fewer and rounder numbers.

use super::Shrinker;
use crate::plan::{Kind, Mode, When};

/// Round times, us, the roundest first.
const ROUND_US: &[u64] = &[1_000_000, 100_000, 10_000, 1_000];

/// Makes what is left simpler.
pub fn simplify(shrinker: &mut Shrinker<'_>) {
    for at in 0..shrinker.best.faults.len() {
        shorten(shrinker, at);
        plain_kind(shrinker, at);
        round_fault(shrinker, at);
    }
    (0..shrinker.best.operations.len()).for_each(|at| round_operation(shrinker, at));
    let mut plan = shrinker.best.clone();
    plan.requested.clear();
    shrinker.attempt(plan);
}

/// Lets a fault last until the heal, or half as long, as often as that works.
fn shorten(shrinker: &mut Shrinker<'_>, at: usize) {
    let mut endless = shrinker.best.clone();
    if endless.faults[at].for_us.take().is_some() {
        shrinker.attempt(endless);
    }
    while let Some(for_us @ 2_000..) = shrinker.best.faults[at].for_us {
        let mut plan = shrinker.best.clone();
        plan.faults[at].for_us = Some(round(for_us / 2));
        if let Kind::LoseUnsynced { wait_us, .. } = &mut plan.faults[at].fault {
            *wait_us = (*wait_us).min(for_us / 4);
        }
        if !shrinker.attempt(plan) {
            return;
        }
    }
}

/// The plainest form of a fault: it drops rather than holds, always rather than sometimes, and goes by no name.
fn plain_kind(shrinker: &mut Shrinker<'_>, at: usize) {
    let mut plan = shrinker.best.clone();
    match &mut plan.faults[at].fault {
        Kind::Partition { mode, shape, .. } => {
            *mode = Mode::Drop;
            shape.clear();
        }
        Kind::Loss { chance_ppm, .. } | Kind::Duplicate { chance_ppm, .. } => *chance_ppm = 1_000_000,
        Kind::Delay { delay_us: time_us, .. } | Kind::Jitter { delay_max_us: time_us, .. } => {
            *time_us = round(*time_us);
        }
        Kind::Reorder { chance_ppm, delay_us, .. } => {
            *chance_ppm = 1_000_000;
            *delay_us = round(*delay_us);
        }
        Kind::Rate { bytes_per_second, .. } => *bytes_per_second = round(*bytes_per_second),
        Kind::Flap { up_us: first_us, down_us: second_us, .. }
        | Kind::Stutter { stopped_us: first_us, running_us: second_us, .. } => {
            (*first_us, *second_us) = (round(*first_us), round(*second_us));
        }
        Kind::RollingRestart { down_us, up_us }
        | Kind::CrashLoop { down_us, up_us, .. }
        | Kind::CrashDuringRecovery { down_us, up_us, .. } => {
            (*down_us, *up_us) = (round(*down_us), round(*up_us));
        }
        Kind::LoseUnsynced { keep_ppm, wait_us, .. } => {
            *keep_ppm = 0;
            *wait_us = round(*wait_us);
        }
        _ => return,
    }
    shrinker.attempt(plan);
}

fn round_fault(shrinker: &mut Shrinker<'_>, at: usize) {
    for when in rounder(&shrinker.best.faults[at].when) {
        let mut plan = shrinker.best.clone();
        plan.faults[at].when = when;
        if shrinker.attempt(plan) {
            return;
        }
    }
}

fn round_operation(shrinker: &mut Shrinker<'_>, at: usize) {
    for when in rounder(&shrinker.best.operations[at].when) {
        let mut plan = shrinker.best.clone();
        plan.operations[at].when = when;
        if shrinker.attempt(plan) {
            return;
        }
    }
}

/// Rounder moments, the roundest first.
fn rounder(when: &When) -> Vec<When> {
    let rounded = |time_us: u64| ROUND_US.iter().map(move |unit| time_us / unit * unit).filter(move |r| *r < time_us);
    match when {
        When::AtUs(at_us) => rounded(*at_us).map(When::AtUs).collect(),
        When::After(anchor) => {
            let delayed = |delay_us| When::After(crate::plan::Anchor { delay_us, ..anchor.clone() });
            let mut delays: Vec<u64> = (anchor.delay_us > 0).then_some(0).into_iter().collect();
            delays.extend(rounded(anchor.delay_us).filter(|delay_us| *delay_us > 0));
            delays.into_iter().map(delayed).collect()
        }
    }
}

/// A time with one digit that is not 0.
fn round(time_us: u64) -> u64 {
    let unit = 10_u64.pow(time_us.max(1).ilog10());
    time_us / unit * unit
}
