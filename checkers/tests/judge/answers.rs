//! Reads, echoes and ids by hand and at random: for each property a history that holds it and one that breaks it, and the comparison
//! with the naive twins.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use temblor_checkers::header::{Acknowledges, Crashes, Header};
use temblor_checkers::judge::{FifoGaps, Options};

use crate::random::agrees_with_twins;
use crate::script::{header, judge, ops, render};
use crate::twin::TWINS;

const READS: [&str; 3] = ["reads-complete", "reads-invent-nothing", "reads-repeat-nothing"];
const REPLIES: [&str; 2] = ["echoes-exact", "ids-unique"];

fn check(promises: &[&str], script: &str, expected: Expect) {
    let script = format!("n1 starts\nn2 starts\nn3 starts\n{script}\nnemesis ok drained");
    expected.assert_eq(&render(&judge(Some(&header(3, promises)), &ops(&script), &Options::default())));
}

#[test]
fn what_is_acknowledged_everybody_reads_and_the_rest_perhaps() {
    check(
        &READS,
        "c1 asks n1 m1\nc1 ok n1 m1\nc2 asks n2 m2\nc2 unsure n2 m2\nc3 asks n3 m3\nc3 ok n3 m3\nc4 asks n3 m4
         c5 finds n1 m3 m1 m4\nc6 finds n2 m1 m3 m4\nc7 finds n3 m4 m1 m3",
        expect![[r#"
            Clean
        "#]],
    );
}

#[test]
fn only_the_last_read_of_a_node_counts() {
    check(
        &READS,
        "c5 finds n1 m9 m9\nc1 asks n1 m1\nc1 ok n1 m1\nc5 finds n1 m1\nc6 finds n2 m1\nc7 finds n3 m1",
        expect![[r#"
            Clean
        "#]],
    );
}

#[test]
fn what_is_acknowledged_and_missing_in_one_read_is_lost() {
    check(
        &READS,
        "c1 asks n1 m1\nc1 ok n1 m1\nc2 asks n1 m2\nc2 ok n1 m2\nc5 finds n1 m1 m2\nc6 finds n2 m1 m2\nc7 finds n3 m2",
        expect![[r#"
            Violation
            reads-complete Invalid Promised, 1 violations, exercised 4
              n1 acknowledged m1, and the final read of n3 does not hold it [not-read]
                1. line 3: client 1 asks n1 to broadcast m1 (m1 begins here)
                2. line 4: client 1 is told ok by n1 for m1 (m1 has to be read everywhere now)
                3. line 9: client 7 reads n3: 1 message (m1 is not among them)
        "#]],
    );
}

#[test]
fn what_one_node_has_read_all_have_to_read() {
    check(
        &READS,
        "c1 asks n1 m1\nc1 unsure n1 m1\nc5 finds n1 m1\nc6 finds n2 m1\nc7 finds n3",
        expect![[r#"
        Violation
        reads-complete Invalid Promised, 1 violations, exercised 2
          the final read of n1 holds m1, and that of n3 does not [not-read]
            1. line 3: client 1 asks n1 to broadcast m1 (m1 begins here)
            2. line 5: client 5 reads n1: 1 message (m1 is among them)
            3. line 7: client 7 reads n3: 0 messages (m1 is not among them)
    "#]],
    );
}

#[test]
fn what_a_node_acknowledged_before_it_was_killed_may_be_lost_with_it() {
    check(
        &READS,
        "c1 asks n1 m1\nc1 ok n1 m1\nc2 asks n2 m2\nc2 ok n2 m2
         nemesis invoke kill {\"id\":1,\"class\":\"kill\",\"node\":\"n1\"}\nn1 exits signal 9
         nemesis ok kill {\"id\":1,\"class\":\"kill\",\"node\":\"n1\"}
         c6 finds n2 m2\nc7 finds n3 m2",
        expect![[r#"
            Clean
        "#]],
    );
}

#[test]
fn what_nobody_asked_for_is_invented_and_what_stands_twice_is_repeated() {
    check(
        &READS,
        "c1 asks n1 m1\nc1 ok n1 m1\nc5 finds n1 m1 m0\nc6 finds n2 m1 m1 m1\nc7 finds n3 m1",
        expect![[r#"
        Violation
        reads-invent-nothing Invalid Promised, 1 violations, exercised 4
          the final read of n1 holds m0, which no client asked to broadcast [invented-read]
            1. line 5: client 5 reads n1: 2 messages (m0 is among them)
        reads-repeat-nothing Invalid Promised, 1 violations, exercised 4
          the final read of n2 holds m1 3 times [read-twice]
            1. line 3: client 1 asks n1 to broadcast m1 (m1 begins here)
            2. line 6: client 6 reads n2: 3 messages (m1 is among them 3 times)
    "#]],
    );
}

#[test]
fn a_node_that_was_not_read_leaves_the_reads_unknown() {
    check(
        &READS,
        "c1 asks n1 m1\nc1 ok n1 m1\nc5 finds n1 m1\nc6 finds n2 m1",
        expect![[r#"
        Inconclusive(["reads-complete is unknown: n3 was not read in the end", "reads-invent-nothing is unknown: n3 was not read in the end", "reads-repeat-nothing is unknown: n3 was not read in the end"])
        reads-complete Unknown Promised, 0 violations, exercised 1
          because n3 was not read in the end
        reads-invent-nothing Unknown Promised, 0 violations, exercised 2
          because n3 was not read in the end
        reads-repeat-nothing Unknown Promised, 0 violations, exercised 2
          because n3 was not read in the end
    "#]],
    );
}

#[test]
fn an_echo_is_what_was_said() {
    check(
        &REPLIES,
        "c1 says n1 a\nc2 says n2 b\nc2 hears n2 b\nc1 hears n1 a",
        expect![[r#"
        Clean
    "#]],
    );
    check(
        &REPLIES,
        "c1 says n1 a\nc2 says n1 b\nc2 hears n1 a\nc1 hears n1 a",
        expect![[r#"
        Violation
        echoes-exact Invalid Promised, 1 violations, exercised 2
          n1 echoed "b" as "a" [wrong-echo]
            1. line 4: client 2 says "b" to n1 (this is what has to come back)
            2. line 5: client 2 hears "a" from n1 (it is something else)
    "#]],
    );
}

#[test]
fn no_id_is_given_twice() {
    check(
        &REPLIES,
        "c1 given n1 a\nc2 given n2 b\nc1 given n1 c",
        expect![[r#"
        Clean
    "#]],
    );
    check(
        &REPLIES,
        "c1 given n1 a\nc2 given n2 b\nc1 given n3 a\nc1 given n2 b",
        expect![[r#"
        Violation
        ids-unique Invalid Promised, 2 violations, exercised 3
          n1 and n3 both gave the id "a" [repeated-id]
            1. line 3: client 1 is given the id "a" by n1 (it is taken now)
            2. line 5: client 1 is given the id "a" by n3 (it was taken)
          n2 gave the id "b" twice [repeated-id]
            1. line 4: client 2 is given the id "b" by n2 (it is taken now)
            2. line 6: client 1 is given the id "b" by n2 (it was taken)
    "#]],
    );
}

/// A line of any kind: few messages, so that they meet.
fn line() -> impl Strategy<Value = String> {
    let found = prop::collection::vec(1..=3u8, 0..4);
    (0..16u8, 1..=3u8, 1..=3u8, found).prop_map(|(kind, n, m, found)| match kind {
        0..=2 => format!("c{m} asks n{n} m{m}"),
        3..=4 => format!("c{m} ok n{n} m{m}"),
        5 => format!("c1 says n{n} {m}"),
        6 => format!("c{m} hears n{n} {m}"),
        7 => format!("c{m} given n{n} {}", found.len()),
        8 => format!("nemesis invoke kill {{\"id\":{m},\"class\":\"kill\",\"node\":\"n{n}\"}}"),
        9 => format!("n{n} exits signal 9"),
        10 => format!("n{n} starts"),
        _ => format!("c9 finds n{n} {}", found.iter().map(|m| format!("m{m} ")).collect::<String>()),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_any_lines_about_answers_every_checker_agrees_with_its_twin(
        lines in prop::collection::vec(line(), 0..20), recovers in any::<bool>(), drained in any::<bool>(),
    ) {
        let names: Vec<&str> = TWINS.iter().map(|(name, _)| *name).collect();
        let (crashes, ok) = match recovers {
            true => (Crashes::Recover, Acknowledges::Delivered),
            false => (Crashes::Stop, Acknowledges::Taken),
        };
        let header = Header { crashes, ok, ..header(3, &names) };
        let options = Options { require: None, fifo_gaps: FifoGaps::Forbidden };
        let starts = (1..=3).map(|n| format!("n{n} starts"));
        let end = if drained { "nemesis ok drained" } else { "nemesis info drained" };
        let lines: Vec<String> = starts.chain(lines).chain([end.to_owned()]).collect();
        agrees_with_twins(&lines, &(header, options))?;
    }
}
