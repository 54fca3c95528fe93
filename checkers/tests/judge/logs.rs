//! Random delivery logs in mode `recover`, compared with the naive twin.

use proptest::prelude::*;
use temblor_checkers::header::{Crashes, Header};
use temblor_checkers::judge::Options;
use temblor_checkers::verdict::Judgement;

use crate::random::find;
use crate::script::{header, judge, ops};
use crate::twin::{Past, TWINS};

/// What two nodes report: mostly the log as it is, over several lives, now and then something else.
fn reports() -> impl Strategy<Value = Vec<String>> {
    let report = (1..=2u32, 1..=5u32, prop::option::weighted(0.1, 1..=5u32), prop::bool::weighted(0.1));
    prop::collection::vec(report, 0..20).prop_map(|reports| {
        let mut lines: Vec<String> = (1..=5).map(|m| format!("n1 broadcasts m{m}")).collect();
        for (node, position, message, starts) in reports {
            if starts {
                lines.push(format!("nemesis invoke kill {{\"class\":\"kill\",\"node\":\"n{node}\"}}"));
                lines.push(format!("n{node} exits signal 9"));
                lines.push(format!("n{node} starts"));
            }
            lines.push(format!("n{node} delivers m{} @{position}", message.unwrap_or(position)));
        }
        lines
    })
}

proptest! {
    #[test]
    fn stable_log_agrees_with_its_twin(lines in reports()) {
        let recover = Header { crashes: Crashes::Recover, ..header(2, &["stable-log", "no-duplication"]) };
        let ops = ops(&lines.join("\n"));
        let options = Options::default();
        let verdict = judge(Some(&recover), &ops, &options);
        let past = Past::new(&recover, &ops, options.fifo_gaps);
        let (_, twin) = TWINS.iter().find(|(name, _)| *name == "stable-log").expect("every checker has a twin");
        let expected = twin(&past).len() as u64;
        let found = find(&verdict, "stable-log");
        prop_assert_eq!(found.violations, expected);
        prop_assert_eq!(found.judgement == Judgement::Invalid, expected > 0);
    }
}
