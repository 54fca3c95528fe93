//! The lectures' plans: what they say can go wrong, each as a plan of a few steps that shows it. `--plan NAME` takes them.

use crate::demonstrations;

/// A plan that shows a point of the lectures.
#[derive(Debug)]
pub struct Lecture {
    /// Its name, as `--plan` takes it.
    pub name: &'static str,
    /// What it is to be run on, as `temblor run` takes it.
    pub system: &'static str,
    /// What one sees.
    pub what: &'static str,
    /// The plan's text.
    pub text: &'static str,
}

/// Takes a plan into the program, so that it is there wherever that is installed.
macro_rules! lecture {
    ($name:literal, $system:literal, $what:literal) => {
        Lecture {
            name: $name,
            system: $system,
            what: $what,
            text: include_str!(concat!("../lectures/", $name, ".json")),
        }
    };
}

/// All of them, in the order of the lectures.
pub const LECTURES: &[Lecture] = &[
    lecture!("charge-answer-lost", "rpc --over no-retry", "the answer to a call is lost, and the client never knows"),
    lecture!("charge-repeated", "rpc --over retry", "the call is repeated, and the card is charged twice"),
    lecture!(
        "charge-repeated-after-crash",
        "rpc --over memory-keys",
        "an idempotency key in memory is forgotten in a crash, and the card is charged twice"
    ),
    lecture!("charge-once", "rpc", "a key on disk, in the record of the charge, survives the crash"),
    lecture!(
        "sender-killed-half-way",
        "retransmit",
        "the sender dies before all have its message, and one node never gets it"
    ),
    lecture!(
        "fifo-over-lossy-links",
        "fifo --over best-effort",
        "a message is lost, and those behind it are held back for good"
    ),
    lecture!("sequencer-killed", "total-sequencer", "without the leader nothing more is delivered"),
    lecture!("one-node-down", "total-lamport", "with one node down everybody waits for its timestamps"),
    lecture!(
        "split-brain",
        "raft",
        "a leader that is cut off can't commit; the others elect one in a later term and go on"
    ),
];

/// The text of the plan of this name: one of the lectures', or the demonstration of a bug.
pub fn plan(name: &str) -> Option<&'static str> {
    let lecture = LECTURES.iter().find(|lecture| lecture.name == name).map(|lecture| lecture.text);
    lecture.or_else(|| demonstrations::find(name))
}

#[cfg(test)]
mod tests {
    use super::{LECTURES, plan};
    use crate::plan::Plan;

    #[test]
    fn every_lecture_is_a_plan_of_its_system() {
        for lecture in LECTURES {
            let plan = Plan::parse(plan(lecture.name).unwrap()).unwrap();
            assert!(lecture.system.starts_with(&plan.algorithm), "{}", lecture.name);
        }
        assert_eq!(plan("no-such-plan"), None);
    }
}
