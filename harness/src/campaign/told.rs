//! What a campaign tells CI services, word by word; and what makes it inconclusive.

use std::path::Path;

use expect_test::expect;
use serde_json::json;

use super::definition::Definition;
use super::record::Line;
use super::services::{annotations, section, step_summary};
use super::shard::Shard;
use super::summary::Summary;
use super::{junit, report};

const FILE: &str =
    "runs = 2\n[[scenario]]\nalgorithms = [\"fifo\"]\nfaults = [\"none\", \"kill\"]\nexecutors = [\"sim\"]\n";

/// Two runs, of which the second broke a promise if `failed`; and a canary, found or not.
fn summary(failed: bool, found: bool) -> Summary {
    let Ok(definition) = Definition::new("trial", FILE, Path::new(".")) else { panic!("the file is sound") };
    let run = |k: u64, under: &str, mark: &str| {
        let failure = json!({ "property": "fifo-order", "shape": "gap", "sentence": "n1 delivered m2 | <b>, 100% early:\nnever m1" });
        let failure = (mark == "violation").then_some(failure);
        json!({ "line": "run", "k": k, "scenario": "1", "system": "fifo", "under": under, "nodes": 5, "executor": "sim",
            "workload": "broadcast", "seed": 7 + k, "plan": "00", "mark": mark, "why": "", "failure": failure, "ops": 9,
            "exercised": { "fifo-order": 3 }, "bites": {}, "took_ms": 4, "at_ms": 5 })
    };
    let lines = [
        json!({ "line": "canary", "executor": "sim", "bug": "skips-gap", "property": "fifo-order", "found": found }),
        run(0, "none", "held"),
        run(1, "kill", if failed { "violation" } else { "held" }),
    ];
    let lines: Vec<Line> = lines.into_iter().map(|line| serde_json::from_value(line).expect("a line")).collect();
    Summary::new(&definition, 7, (&lines, &[Shard { number: 1, of: 1 }]))
}

#[test]
fn a_canary_that_is_not_found_makes_a_clean_campaign_inconclusive() {
    assert_eq!(summary(false, true).exit, 0);
    let blind = summary(false, false);
    assert_eq!((blind.exit, blind.outcome.as_str()), (3, "inconclusive"));
    assert_eq!(blind.reasons, ["the harness is blind: the bug skips-gap was not found in sim"]);
    // Nothing masks a violation, not even a blind harness.
    assert_eq!(summary(true, false).exit, 1);
}

#[test]
fn github_is_told_in_its_commands() {
    expect![[r#"
        ::error title=fifo broke fifo-order::n1 delivered m2 | <b>, 100%25 early:%0Anever m1%0Afifo: fifo-order (gap), in 1 run, not reproduced in virtual time
    "#]].assert_eq(&annotations(&summary(true, true)));
    expect![[r#"
        ::warning title=temblor::INCONCLUSIVE: 2 of 2 runs: 2 held; the harness is blind: the bug skips-gap was not found in sim. Seed 7.
    "#]].assert_eq(&annotations(&summary(false, false)));
    expect![[r#"
        ## temblor: trial

        VIOLATION: 2 of 2 runs: 1 held, 1 violation; 1 run broke a promise. Seed 7.

        | | none | kill |
        |---|---|---|
        | fifo | ok 1/1 | FAIL 0/1 |

        ## 1. One
    "#]]
    .assert_eq(&step_summary(&summary(true, true), "# Failures of trial\n\n## 1. One\n"));
}

#[test]
fn gitlab_is_told_in_a_section() {
    let summary = summary(true, true);
    expect![[r#"
        ESC[0Ksection_start:0:temblor[collapsed=false]CRESC[0Ktemblor: VIOLATION: 2 of 2 runs: 1 held, 1 violation; 1 run broke a promise. Seed 7.
              none      kill
        fifo  ok 1/1    FAIL 0/1

        fifo: fifo-order (gap), in 1 run, not reproduced in virtual time
          n1 delivered m2 | <b>, 100% early: never m1

        VIOLATION: 2 of 2 runs: 1 held, 1 violation; 1 run broke a promise. Seed 7.
        ESC[0Ksection_end:0:temblorCRESC[0K
    "#]].assert_eq(
        &section(&summary, &report::text(&summary, Path::new("results/c")))
            .replace('\u{1b}', "ESC")
            .replace('\r', "CR"),
    );
}

#[test]
fn junit_has_a_case_for_each_scenario_and_failure() {
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="temblor" tests="5" failures="2" errors="0" skipped="0" time="0.008">
          <testsuite name="trial" tests="5" failures="2" errors="0" skipped="0" time="0.008">
            <testcase classname="fifo" name="none"/>
            <testcase classname="fifo" name="kill">
              <failure message="violation: 1 violation">violation: 1 violation</failure>
            </testcase>
            <testcase classname="fifo" name="fifo-order (gap)">
              <failure message="fifo: fifo-order (gap), in 1 run, not reproduced in virtual time">fifo: fifo-order (gap), in 1 run, not reproduced in virtual time
        n1 delivered m2 | &lt;b&gt;, 100% early:
        never m1
        seed 8, run 1
        </failure>
            </testcase>
            <testcase classname="campaign" name="canary in sim"/>
            <testcase classname="campaign" name="as a whole"/>
          </testsuite>
        </testsuites>
    "#]].assert_eq(&junit::junit(&summary(true, true)));
}
