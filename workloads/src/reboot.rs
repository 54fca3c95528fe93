//! What a fault that ends lives does, step by step: the same on real processes and in virtual time.

use std::collections::VecDeque;

use crate::plan::Kind;

/// One step; each waits for the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing happens until the node writes to its files, or so long has passed, us.
    AwaitWrite(String, u64),
    /// SIGKILL. A node that is down already is left out.
    Kill(String),
    /// So long nothing happens, us.
    Wait(u64),
    /// A node that this fault has killed is started.
    Start(String),
}

/// The steps of a fault that ends lives, `leader` standing for `target`; none for any other.
pub fn steps(kind: &Kind, target: &str, nodes: &[String]) -> VecDeque<Step> {
    let kill = || Step::Kill(target.to_owned());
    let again = |kills: u32, down_us: u64, up_us: u64| {
        let turn = [kill(), Step::Wait(down_us), Step::Start(target.to_owned()), Step::Wait(up_us)];
        let mut steps: VecDeque<Step> = (0..kills).flat_map(|_| turn.clone()).collect();
        steps.pop_back();
        steps
    };
    match kind {
        Kind::KillAll {} => nodes.iter().cloned().map(Step::Kill).collect(),
        Kind::Restart { .. } => [kill(), Step::Start(target.to_owned())].into(),
        Kind::CrashLoop { kills, down_us, up_us, .. } => again(*kills, *down_us, *up_us),
        Kind::CrashDuringRecovery { down_us, up_us, .. } => again(2, *down_us, *up_us),
        Kind::RollingRestart { down_us, up_us } => {
            let turn = |node: &String| {
                let (kill, start) = (Step::Kill(node.clone()), Step::Start(node.clone()));
                [kill, Step::Wait(*down_us), start, Step::Wait(*up_us)]
            };
            nodes.iter().flat_map(turn).collect()
        }
        Kind::LoseUnsynced { wait_us, .. } if *wait_us > 0 => {
            [Step::AwaitWrite(target.to_owned(), *wait_us), kill()].into()
        }
        kind if kind.ends_lives() => [kill()].into(),
        _ => VecDeque::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, steps};
    use crate::plan::Kind;

    #[test]
    fn a_crash_loop_ends_with_a_start() {
        let kind = Kind::CrashLoop { node: "n2".to_owned(), kills: 2, down_us: 3, up_us: 5 };
        let (kill, start) = (Step::Kill("n2".to_owned()), Step::Start("n2".to_owned()));
        let all = [kill.clone(), Step::Wait(3), start.clone(), Step::Wait(5), kill, Step::Wait(3), start];
        assert_eq!(steps(&kind, "n2", &[]), all);
    }

    #[test]
    fn what_takes_the_unsynced_waits_for_a_write_if_it_is_to() {
        let kind = |wait_us| Kind::LoseUnsynced { node: "n2".to_owned(), keep_ppm: 0, wait_us };
        let kill = Step::Kill("n2".to_owned());
        assert_eq!(steps(&kind(7), "n2", &[]), [Step::AwaitWrite("n2".to_owned(), 7), kill.clone()]);
        assert_eq!(steps(&kind(0), "n2", &[]), [kill]);
    }

    #[test]
    fn a_rolling_restart_comes_to_everybody_and_a_kill_of_all_too() {
        let nodes = ["n1".to_owned(), "n2".to_owned()];
        let rolling = steps(&Kind::RollingRestart { down_us: 3, up_us: 5 }, "", &nodes);
        assert_eq!(rolling.iter().filter(|step| matches!(step, Step::Start(_))).count(), 2);
        assert_eq!(steps(&Kind::KillAll {}, "", &nodes).len(), 2);
    }
}
