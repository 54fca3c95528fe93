//! Crash points: kills and pauses in the middle of a node's step, for executors that know such moments.
//!
//! On real processes a kill may come between any two system calls. In virtual time a step is done at once, so what a crash in the
//! middle of it leaves behind (some frames sent, others not; delivered and not reported) has to be asked for.

use crate::chance::mix;
use crate::plan::{Anchor, Kind, LEADER, Plan, Seen, When};

/// Sets these draws apart from all others.
const POINTS: u64 = 0x50_4F_49_4E_54_53;
/// The first inputs are hit as often as all up to this power of two: log-uniform.
const OCTAVES: u64 = 10;
/// Few steps have more outputs than this.
const CUT_MAX: u64 = 6;

/// Moves about half of the kills and a quarter of the pauses that are due at a time to a point within some input of their node.
pub fn to_points(plan: &mut Plan) {
    let seed = plan.seed;
    for fault in &mut plan.faults {
        let draw = |purpose: u64| mix(seed, &[POINTS, u64::from(fault.id), purpose]);
        let (node, one_in) = match &fault.fault {
            Kind::Pause { node } => (node.as_str(), 4),
            kind => match kind.victim() {
                Some(node) => (node, 2),
                None => continue,
            },
        };
        if node == LEADER || !matches!(fault.when, When::AtUs(_)) || !draw(0).is_multiple_of(one_in) {
            continue;
        }
        let octave = 1 << (draw(1) % OCTAVES);
        let count = octave + draw(2) % octave;
        let cut = (draw(3) % (CUT_MAX + 1)) as u32;
        fault.when = When::After(Anchor { seen: Seen::Input { node: node.to_owned(), count, cut }, delay_us: 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::to_points;
    use crate::plan::{Fault, Kind, Plan, When};
    use crate::validity;

    #[test]
    fn some_kills_move_into_a_step_and_the_plan_still_makes_sense() {
        let mut moved = 0;
        for seed in 0..100 {
            let kill = Fault { id: 1, when: When::AtUs(9), for_us: None, fault: Kind::Kill { node: "n1".to_owned() } };
            let text = r#"{"format":1,"algorithm":"fifo","seed":0,"nodes":["n1","n2"],"length_us":100}"#;
            let mut plan = Plan { seed, faults: vec![kill], ..Plan::parse(text).unwrap() };
            to_points(&mut plan);
            moved += u64::from(plan.faults[0].when.needs_virtual_time());
            validity::check(&plan).unwrap();
        }
        assert!((30..70).contains(&moved), "{moved}");
    }
}
