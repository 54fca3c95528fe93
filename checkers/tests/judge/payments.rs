//! Remote procedure calls by hand and at random: for each property a history that holds it and one that breaks it, and the
//! comparison with the naive twins.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use temblor_checkers::header::{Crashes, Header};
use temblor_checkers::judge::{FifoGaps, Options};

use crate::random::agrees_with_twins;
use crate::script::{header, judge, ops, render};
use crate::twin::TWINS;

const PROPERTIES: [&str; 4] =
    ["charged-at-most-once", "acknowledged-is-charged", "failed-is-not-charged", "no-invented-charge"];

fn check(script: &str, expected: Expect) {
    let header = Header { crashes: Crashes::Recover, ..header(3, &PROPERTIES) };
    let script = format!("n1 starts\nn2 starts\nn3 starts\n{script}\nnemesis ok drained");
    expected.assert_eq(&render(&judge(Some(&header), &ops(&script), &Options::default())));
}

#[test]
fn exactly_what_was_acknowledged_is_charged_and_of_the_rest_perhaps_some() {
    check(
        "c1 charges n2 17
         n1 charged 17 @1 n2/1/1
         c1 charged n2 17
         c1 charges n2 18
         c1 lost n2 18
         c2 charges n2 19
         c2 lost n2 19
         c3 charges n3 20
         c3 declined n3 20
         c4 charges n3 21
         c5 reads n1 17 18 21",
        expect![[r#"
            Clean
        "#]],
    );
}

#[test]
fn a_charge_that_stands_twice_in_the_ledger_is_one_too_many() {
    check(
        "c1 charges n2 17
         nemesis invoke loss {\"id\":1,\"class\":\"link\",\"links\":[[\"n1\",\"n2\"]]}
         n1 charged 17 @1 n2/1/1
         nemesis ok loss {\"id\":1,\"class\":\"link\",\"bites\":[[\"n1\",\"n2\",1]]}
         n1 charged 17 @2 n2/1/2
         c1 charged n2 17
         n1 charged 17 @1 n2/1/1
         c5 reads n1 17 17",
        expect![[r#"
            Violation
            charged-at-most-once Invalid Promised, 1 violations, exercised 1
              n1 has charged 17p on card 4000 twice, for charge 17 of n2 [charged-again]
                1. line 3: client 1 asks n2 for charge 17 (17p on card 4000)
                2. line 4: nemesis loss n1 → n2 (in force until 6 ms)
                3. line 5: n1 charges 17p on card 4000 (record 1, with the key n2/1/1)
                4. line 7: n1 charges 17p on card 4000 (record 2, with the key n2/1/2)
                5. line 8: client 1 is told ok by n2 for charge 17 (it is charged)
                6. line 10: client 5 reads the ledger of n1 (17p on card 4000: twice)
        "#]],
    );
    check(
        "c1 charges n2 17\nc1 lost n2 17\nc5 reads n1 17 17",
        expect![[r#"
            Violation
            charged-at-most-once Invalid Promised, 1 violations, exercised 0
              n1 has charged 17p on card 4000 twice, for charge 17 of n2 [charged-again]
                1. line 3: client 1 asks n2 for charge 17 (17p on card 4000)
                2. line 4: client 1 has no answer about charge 17 (it may have happened)
                3. line 5: client 5 reads the ledger of n1 (17p on card 4000: twice)
        "#]],
    );
}

#[test]
fn what_was_acknowledged_stands_in_the_ledger() {
    check(
        "c1 charges n2 17\nc1 charged n2 17\nc2 charges n3 18\nc2 charged n3 18\nc5 reads n1 18",
        expect![[r#"
            Violation
            acknowledged-is-charged Invalid Promised, 1 violations, exercised 0
              charge 17 of n2 was acknowledged, and n1 has not charged 17p on card 4000 [not-charged]
                1. line 3: client 1 asks n2 for charge 17 (17p on card 4000)
                2. line 4: client 1 is told ok by n2 for charge 17 (it is charged)
                3. line 7: client 5 reads the ledger of n1 (17p on card 4000: not at all)
        "#]],
    );
}

#[test]
fn what_failed_does_not_stand_in_the_ledger_and_what_is_unknown_may() {
    check(
        "c1 charges n2 17\nc1 declined n2 17\nn1 charged 17 @1 n2/1/1\nc5 reads n1 17",
        expect![[r#"
            Violation
            failed-is-not-charged Invalid Promised, 1 violations, exercised 1
              charge 17 of n2 failed, and n1 has charged 17p on card 4000 [charged-though-failed]
                1. line 3: client 1 asks n2 for charge 17 (17p on card 4000)
                2. line 4: client 1 is told by n2 that charge 17 failed (it never happens)
                3. line 5: n1 charges 17p on card 4000 (record 1, with the key n2/1/1)
                4. line 6: client 5 reads the ledger of n1 (17p on card 4000: once)
        "#]],
    );
}

#[test]
fn what_nobody_asked_for_does_not_stand_in_the_ledger() {
    check(
        "c1 charges n2 17\nc1 charged n2 17\nc5 reads n1 17 18",
        expect![[r#"
            Violation
            no-invented-charge Invalid Promised, 1 violations, exercised 2
              n1 has charged 18p on card 4000, and nobody asked for that [invented]
                1. line 5: client 5 reads the ledger of n1 (18p on card 4000: once)
        "#]],
    );
}

#[test]
fn only_the_last_reading_counts_and_without_any_nothing_is_known() {
    check(
        "c1 charges n2 17\nc1 charged n2 17\nc5 reads n1\nc5 reads n1 17",
        expect![[r#"
            Clean
        "#]],
    );
    check(
        "c1 charges n2 17\nc1 charged n2 17",
        expect![[r#"
            Inconclusive(["charged-at-most-once is unknown: nobody has read what was charged", "acknowledged-is-charged is unknown: nobody has read what was charged", "failed-is-not-charged is unknown: nobody has read what was charged", "no-invented-charge is unknown: nobody has read what was charged"])
            charged-at-most-once Unknown Promised, 0 violations, exercised 0
              because nobody has read what was charged
            acknowledged-is-charged Unknown Promised, 0 violations, exercised 0
              because nobody has read what was charged
            failed-is-not-charged Unknown Promised, 0 violations, exercised 0
              because nobody has read what was charged
            no-invented-charge Unknown Promised, 0 violations, exercised 0
              because nobody has read what was charged
        "#]],
    );
}

/// A line of any kind about payments: few charges, so that they meet.
fn line() -> impl Strategy<Value = String> {
    let ledger = prop::collection::vec(17..=19u8, 0..4);
    (0..12u8, 1..=3u8, 17..=19u8, 1..=3u8, ledger).prop_map(|(kind, c, number, pos, ledger)| match kind {
        0..=3 => format!("c{c} charges n2 {number}"),
        4..=5 => format!("c{c} charged n2 {number}"),
        6 => format!("c{c} declined n2 {number}"),
        7 => format!("c{c} lost n2 {number}"),
        8..=9 => format!("n1 charged {number} @{pos} n2/1/{c}"),
        _ => format!("c{c} reads n1 {}", ledger.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_any_lines_about_payments_every_checker_agrees_with_its_twin(lines in prop::collection::vec(line(), 0..14)) {
        let names: Vec<&str> = TWINS.iter().map(|(name, _)| *name).collect();
        let header = Header { crashes: Crashes::Recover, ..header(3, &names) };
        let options = Options { require: None, fifo_gaps: FifoGaps::Forbidden };
        let starts = (1..=3).map(|n| format!("n{n} starts"));
        let lines: Vec<String> = starts.chain(lines).chain(["nemesis ok drained".to_owned()]).collect();
        agrees_with_twins(&lines, &(header, options))?;
    }
}
