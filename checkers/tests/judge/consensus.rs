//! Consensus by hand: for each property of terms, votes, logs and single values a history that holds it and one that breaks it.

use expect_test::{Expect, expect};
use temblor_checkers::header::{Crashes, Header};
use temblor_checkers::judge::Options;

use crate::script::{header, judge, ops, render};

fn check(promise: &str, script: &str, expected: Expect) {
    let header = Header { crashes: Crashes::Recover, ..header(3, &[promise]) };
    let script = format!("n1 starts\nn2 starts\nn3 starts\n{script}\nnemesis ok drained");
    expected.assert_eq(&render(&judge(Some(&header), &ops(&script), &Options::default())));
}

/// A life that a fault ends, and the next one.
fn reboot(n: u8) -> String {
    format!(
        "nemesis invoke kill {{\"id\":1,\"class\":\"kill\",\"node\":\"n{n}\"}}
         n{n} exits signal 9
         nemesis ok kill {{\"id\":1,\"class\":\"kill\",\"node\":\"n{n}\"}}
         n{n} starts"
    )
}

#[test]
fn a_term_that_falls_over_a_restart_is_seen_and_a_vote_in_a_term_that_was_left() {
    let property = "rising-terms";
    check(
        property,
        &format!("n1 in 2\n{}\nn1 in 2\nn1 votes n2 in 2\nn1 in 3", reboot(1)),
        expect![[r#"
            Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
    check(
        property,
        &format!("n1 in 2\n{}\nn1 in 1", reboot(1)),
        expect![[r#"
            Violation
            rising-terms Invalid Promised, 1 violations, exercised 1
              n1 had been in term 2, and went back to term 1 [term-falls]
                1. line 3: n1 is in term 2 (a term that is never left for a lower one)
                2. line 4: nemesis kill n1 (its life ends here)
                3. line 8: n1 is in term 1 (a lower term)
        "#]],
    );
    check(
        property,
        "n1 in 2\nn1 votes n3 in 1",
        expect![[r#"
            Violation
            rising-terms Invalid Promised, 1 violations, exercised 1
              n1 had been in term 2, and voted in term 1 [vote-in-the-past]
                1. line 3: n1 is in term 2 (a term that is never left for a lower one)
                2. line 4: n1 votes in term 1 (a lower term)
        "#]],
    );
}

#[test]
fn two_votes_in_one_term_are_one_too_many_in_any_lives() {
    let property = "one-vote-per-term";
    check(
        property,
        &format!("n1 votes n2 in 1\n{}\nn1 votes n2 in 1\nn1 votes n3 in 2", reboot(1)),
        expect![[r#"
            Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
    check(
        property,
        &format!("n1 votes n2 in 1\n{}\nn1 votes n3 in 1", reboot(1)),
        expect![[r#"
            Violation
            one-vote-per-term Invalid Promised, 1 violations, exercised 1
              n1 voted for n2 and for n3 in term 1 [two-votes]
                1. line 3: n1 votes for n2 in term 1 (the vote of the term)
                2. line 4: nemesis kill n1 (its life ends here)
                3. line 8: n1 votes for n3 in term 1 (a second vote)
        "#]],
    );
}

#[test]
fn logs_with_the_same_entry_are_the_same_before_it() {
    let property = "log-matching";
    check(
        property,
        "n1 appends 1 of 1 #1\nn2 appends 1 of 1 #1\nn2 truncates 1\nn2 appends 1 of 2 #2",
        expect![[r#"
            Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
    check(
        property,
        "n1 appends 2 of 1 #1\nn2 appends 2 of 1 #2",
        expect![[r#"
            Violation
            log-matching Invalid Promised, 1 violations, exercised 1
              n1 and n2 have the entry 2 of term 1, and their logs up to it differ [logs-differ]
                1. line 3: n1 has entry 2 of term 1, hash 0000000000000001 (the log up to this entry)
                2. line 4: n2 has entry 2 of term 1, hash 0000000000000002 (another log up to this entry)
        "#]],
    );
    check(
        property,
        "n1 appends 2 of 1 #1\nn2 snapshots 2 of 1 #2",
        expect![[r#"
            Violation
            log-matching Invalid Promised, 1 violations, exercised 1
              n1 and n2 have the entry 2 of term 1, and their logs up to it differ [logs-differ]
                1. line 3: n1 has entry 2 of term 1, hash 0000000000000001 (the log up to this entry)
                2. line 4: n2 has entry 2 of term 1, hash 0000000000000002 (another log up to this entry)
        "#]],
    );
}

#[test]
fn a_leader_takes_nothing_away_and_an_ex_leader_may() {
    let property = "leader-append-only";
    check(
        property,
        "n1 leads 1\nn1 appends 1 of 1 #1\nn1 in 2\nn1 truncates 1",
        expect![[r#"
            Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
    check(
        property,
        "n1 leads 1\nn1 appends 1 of 1 #1\nn1 truncates 1",
        expect![[r#"
            Violation
            leader-append-only Invalid Promised, 1 violations, exercised 2
              n1 led term 1, and took entries away from its own log, from 1 on [leader-truncates]
                1. line 5: n1 takes away its log from entry 1 on (a leader only appends)
        "#]],
    );
    check(
        property,
        "n1 appends 1 of 1 #1\nn1 leads 2\nn1 appends 1 of 2 #2",
        expect![[r#"
            Violation
            leader-append-only Invalid Promised, 1 violations, exercised 1
              n1 led term 2, and took entries away from its own log, from 1 on [leader-truncates]
                1. line 5: n1 takes away its log from entry 1 on (a leader only appends)
        "#]],
    );
}

#[test]
fn later_leaders_have_what_is_committed_whichever_stands_first_in_the_file() {
    let property = "leader-completeness";
    let committed = "n1 leads 1\nn1 appends 1 of 1 #1\nn1 commits 1";
    check(
        property,
        &format!("{committed}\nn2 appends 1 of 1 #1\nn2 leads 2\nn2 truncates 1"),
        expect![[r#"
            Clean
        "#]],
    );
    check(
        property,
        &format!("{committed}\nn2 leads 2"),
        expect![[r#"
            Violation
            leader-completeness Invalid Promised, 1 violations, exercised 1
              n1 knew entry 1 to be committed in term 1; n2, leader of term 2, has no such entry [incomplete-leader]
                1. line 5: n1 knows that the entries up to 1 are committed (each later leader has them)
                2. line 6: n2 leads term 2 (its log has no such entry)
        "#]],
    );
    check(
        property,
        &format!("n2 leads 2\nn2 appends 1 of 1 #1\n{committed}"),
        expect![[r#"
            Violation
            leader-completeness Invalid Promised, 1 violations, exercised 1
              n1 knew entry 1 to be committed in term 1; n2, leader of term 2, has no such entry [incomplete-leader]
                1. line 7: n1 knows that the entries up to 1 are committed (each later leader has them)
                2. line 3: n2 leads term 2 (its log has no such entry)
        "#]],
    );
    check(
        property,
        &format!("n2 appends 1 of 1 #2\nn2 leads 2\nn2 truncates 1\n{committed}"),
        expect![[r#"
            Violation
            leader-completeness Invalid Promised, 1 violations, exercised 1
              n1 knew entry 1 to be committed in term 1; n2, leader of term 2, has another log up to there [incomplete-leader]
                1. line 8: n1 knows that the entries up to 1 are committed (each later leader has them)
                2. line 4: n2 leads term 2 (its log has another log up to there)
        "#]],
    );
}

#[test]
fn of_a_log_that_came_back_nothing_is_known_until_it_says_where_it_ends() {
    let property = "leader-completeness";
    let committed = "n1 leads 1\nn1 appends 1 of 1 #1\nn1 commits 1";
    check(
        property,
        &format!("{committed}\n{}\nn2 leads 2", reboot(2)),
        expect![[r#"
            Clean
        "#]],
    );
    check(
        property,
        &format!("{committed}\n{}\nn2 truncates 1\nn2 leads 2", reboot(2)),
        expect![[r#"
            Violation
            leader-completeness Invalid Promised, 1 violations, exercised 1
              n1 knew entry 1 to be committed in term 1; n2, leader of term 2, has no such entry [incomplete-leader]
                1. line 5: n1 knows that the entries up to 1 are committed (each later leader has them)
                2. line 6: nemesis kill n2 (its life ends here)
                3. line 11: n2 leads term 2 (its log has no such entry)
        "#]],
    );
}

#[test]
fn the_commit_index_grows_within_the_log() {
    let property = "commit-order";
    let log = "n1 appends 1 of 1 #1\nn1 appends 2 of 1 #2";
    check(
        property,
        &format!("{log}\nn1 commits 1\nn1 commits 2\n{}\nn1 commits 1", reboot(1)),
        expect![[r#"
            Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
    check(
        property,
        &format!("{log}\nn1 commits 2\nn1 commits 1"),
        expect![[r#"
            Violation
            commit-order Invalid Promised, 1 violations, exercised 2
              n1 went back from commit index 2 to 1 [commit-falls]
                1. line 6: n1 knows that the entries up to 1 are committed (the commit index only grows, within the log)
        "#]],
    );
    check(
        property,
        &format!("{log}\nn1 commits 3"),
        expect![[r#"
            Violation
            commit-order Invalid Promised, 1 violations, exercised 1
              n1 had 3 committed, and its log ends at 2 [commit-past-the-log]
                1. line 5: n1 knows that the entries up to 3 are committed (the commit index only grows, within the log)
        "#]],
    );
    check(
        property,
        &format!("{log}\nn1 commits 2\nn1 truncates 2"),
        expect![[r#"
            Violation
            commit-order Invalid Promised, 1 violations, exercised 1
              n1 took away entry 2, and had 2 committed [committed-lost]
                1. line 6: n1 has no entry from 2 on (the commit index only grows, within the log)
        "#]],
    );
}

#[test]
fn what_is_committed_at_an_index_is_the_same_everywhere() {
    let property = "state-machine-safety";
    let log = "n1 appends 1 of 1 #1\nn1 appends 2 of 1 #2\nn1 commits 2";
    check(
        property,
        &format!("{log}\nn2 appends 1 of 1 #1\nn2 appends 2 of 2 #3\nn2 commits 1"),
        expect![[r#"
            Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
    check(
        property,
        &format!("{log}\nn2 appends 1 of 1 #1\nn2 appends 2 of 2 #3\nn2 commits 2"),
        expect![[r#"
            Violation
            state-machine-safety Invalid Promised, 1 violations, exercised 2
              n1 and n2 have different logs committed up to entry 2 [commits-differ]
                1. line 5: n1 has committed up to entry 2, hash 0000000000000002 (committed for good)
                2. line 8: n2 has committed up to entry 2, hash 0000000000000003 (another log is committed)
        "#]],
    );
    check(
        property,
        &format!("{log}\nn2 appends 1 of 2 #4\nn2 appends 2 of 2 #5\nn2 commits 2"),
        expect![[r#"
            Violation
            state-machine-safety Invalid Promised, 2 violations, exercised 2
              n1 and n2 have different logs committed up to entry 1 [commits-differ]
                1. line 5: n1 has committed up to entry 1, hash 0000000000000001 (committed for good)
                2. line 8: n2 has committed up to entry 1, hash 0000000000000004 (another log is committed)
              n1 and n2 have different logs committed up to entry 2 [commits-differ]
                follows: logs that differ up to entry 1 are committed
                1. line 5: n1 has committed up to entry 2, hash 0000000000000002 (committed for good)
                2. line 8: n2 has committed up to entry 2, hash 0000000000000005 (another log is committed)
        "#]],
    );
}

const PROPOSED: &str = "c1 asks n1 m1\nn1 broadcasts m1\nc2 asks n2 m2\nn2 broadcasts m2";
const ALL: &str = "n1 delivers m1 @1\nn2 delivers m1 @1\nn3 delivers m1 @1";

#[test]
fn all_nodes_decide_the_same() {
    let property = "consensus-agreement";
    check(
        property,
        &format!("{PROPOSED}\n{ALL}"),
        expect![[r#"
        Clean, none
    "#]],
    );
    check(
        property,
        &format!("{PROPOSED}\nn1 delivers m1 @1\nn2 delivers m2 @1"),
        expect![[r#"
        Violation, none
        consensus-agreement Invalid Promised, 1 violations, exercised 1
          n1 decided m1, and n2 decided m2 [two-decisions]
            1. line 7: n1 delivers m1 (a decision)
            2. line 8: n2 delivers m2 (another decision)
    "#]],
    );
}

#[test]
fn a_decision_is_for_good() {
    let property = "consensus-integrity";
    check(
        property,
        &format!("{PROPOSED}\n{ALL}\n{}\nn1 delivers m1 @1", reboot(1)),
        expect![[r#"
        Clean, none
    "#]],
    );
    check(
        property,
        &format!("{PROPOSED}\n{ALL}\nn1 delivers m2 @2"),
        expect![[r#"
        Violation, none
        consensus-integrity Invalid Promised, 1 violations, exercised 3
          n1 decided m1 and m2 [decides-twice]
            1. line 7: n1 delivers m1 (a decision)
            2. line 10: n1 delivers m2 (another decision)
    "#]],
    );
}

#[test]
fn what_is_decided_was_proposed() {
    let property = "consensus-validity";
    check(
        property,
        &format!("{PROPOSED}\n{ALL}"),
        expect![[r#"
        Clean, none
    "#]],
    );
    check(
        property,
        &format!("{PROPOSED}\nn1 delivers m3 @1"),
        expect![[r#"
        Violation, none
        consensus-validity Invalid Promised, 1 violations, exercised 1
          n1 decided m3, which nobody proposed [unproposed]
            1. line 7: n1 delivers m3 (nobody proposed it)
    "#]],
    );
}

#[test]
fn every_correct_node_decides_once_one_has_proposed() {
    let property = "termination";
    check(
        property,
        &format!("{PROPOSED}\n{ALL}"),
        expect![[r#"
        Clean, none
    "#]],
    );
    check(
        property,
        "n1 in 1",
        expect![[r#"
            Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
    check(
        property,
        &format!("{PROPOSED}\nn1 delivers m1 @1\nn2 delivers m1 @1"),
        expect![[r#"
        Violation, none
        termination Invalid Promised, 1 violations, exercised 3
          n3 never decided, though n1 proposed m1 [undecided]
            1. line 4: n1 broadcasts m1 (a proposal of a node that is up)
            2. line 9: nemesis says that all is healed and drained (n3 has not decided, and never will)
    "#]],
    );
}

#[test]
fn where_nobody_speaks_of_a_single_value_it_is_not_judged() {
    let header = Header { crashes: Crashes::Recover, ..header(3, &["no-creation"]) };
    let script = format!("{PROPOSED}\n{ALL}\nn1 delivers m2 @2\nnemesis ok drained");
    let verdict = judge(Some(&header), &ops(&script), &Options::default());
    let of = |name: &str| crate::random::find(&verdict, name);
    for name in crate::twin::OF_A_SINGLE_VALUE {
        assert_eq!((of(name).violations, of(name).reason.is_some()), (0, true), "{name}");
    }
}
