//! Histories good and bad, and what is said about each.

use expect_test::{Expect, expect};
use temblor_checkers::header::{Acknowledges, Condition, Crashes, Header};
use temblor_checkers::judge::{FifoGaps, Judge, JudgeError, Options, Tail};

use crate::script::{header, judge, names, ops, render};
use crate::twin::TWINS;

const RELIABLE: [&str; 4] = ["validity", "no-duplication", "no-creation", "agreement"];

fn check(promises: &[&str], script: &str, expected: Expect) {
    check_under(&header(3, promises), script, expected);
}

fn check_under(header: &Header, script: &str, expected: Expect) {
    expected.assert_eq(&render(&judge(Some(header), &ops(script), &Options::default())));
}

#[test]
fn a_swap_is_shown_with_both_broadcasts_and_the_late_delivery() {
    check(
        &["fifo-order"],
        "
        c1 asks n1 m1
        n1 broadcasts m1
        c1 ok n1 m1
        c1 asks n1 m2
        n1 broadcasts m2
        c1 ok n1 m2
        n1 delivers m1
        n1 delivers m2
        n2 delivers m1
        n2 delivers m2
        n3 delivers m2
        n3 delivers m1
        nemesis ok drained",
        expect![[r#"
            Violation, uniform-reliable
            fifo-order Invalid Promised, 1 violations, exercised 0
              n3 delivered m2 before m1, though n1 broadcast m1 first [swap]
                1. line 1: n1 broadcasts m1 (m1 is before m2)
                2. line 4: n1 broadcasts m2 (after m1, so m1 must come first everywhere)
                3. line 10: n3 delivers m2 (m1 has not been delivered at n3)
                4. line 11: n3 delivers m1 (too late)
        "#]],
    );
}

#[test]
fn a_gap_is_told_from_a_swap_and_what_follows_from_it_says_so() {
    check(
        &["fifo-order"],
        "
        c1 asks n1 m1
        n1 broadcasts m1
        c1 asks n1 m2
        n1 broadcasts m2
        c1 asks n1 m3
        n1 broadcasts m3
        n3 delivers m2
        n3 delivers m3
        nemesis ok drained",
        expect![[r#"
            Violation, none
            fifo-order Invalid Promised, 2 violations, exercised 0
              n3 delivered m2 but never m1, though n1 broadcast m1 first [gap]
                1. line 1: n1 broadcasts m1 (m1 is before m2)
                2. line 3: n1 broadcasts m2 (after m1, so m1 must come first everywhere)
                3. line 6: n3 delivers m2 (m1 has not been delivered at n3)
              n3 delivered m3 but never m1, though n1 broadcast m1 first [gap]
                follows: n3 skipped m1
                1. line 1: n1 broadcasts m1 (m1 is before m3)
                2. line 5: n1 broadcasts m3 (after m1, so m1 must come first everywhere)
                3. line 7: n3 delivers m3 (m1 has not been delivered at n3)
        "#]],
    );
}

#[test]
fn each_new_gap_is_a_violation_of_its_own() {
    check(
        &["fifo-order"],
        "
        n1 broadcasts m1
        n1 broadcasts m2
        n1 broadcasts m3
        n1 broadcasts m4
        n3 delivers m2
        n3 delivers m4
        nemesis ok drained",
        expect![[r#"
            Violation, none
            fifo-order Invalid Promised, 2 violations, exercised 0
              n3 delivered m2 but never m1, though n1 broadcast m1 first [gap]
                1. line 0: n1 broadcasts m1 (m1 is before m2)
                2. line 1: n1 broadcasts m2 (after m1, so m1 must come first everywhere)
                3. line 4: n3 delivers m2 (m1 has not been delivered at n3)
              n3 delivered m4 but never m3, though n1 broadcast m3 first [gap]
                1. line 2: n1 broadcasts m3 (m3 is before m4)
                2. line 3: n1 broadcasts m4 (after m3, so m3 must come first everywhere)
                3. line 5: n3 delivers m4 (m3 has not been delivered at n3)
        "#]],
    );
}

#[test]
fn with_gaps_allowed_a_gap_is_legal_and_a_swap_is_not() {
    let options = Options { fifo_gaps: FifoGaps::Allowed, ..Options::default() };
    let script = "
        n1 broadcasts m1
        n1 broadcasts m2
        n1 broadcasts m3
        n2 delivers m2
        n3 delivers m3
        n3 delivers m1
        n3 delivers m2
        nemesis ok drained";
    expect![[r#"
        Violation, none
        fifo-order Invalid Promised, 2 violations, exercised 0
          n3 delivered m3 before m1, though n1 broadcast m1 first [swap]
            1. line 0: n1 broadcasts m1 (m1 is before m3)
            2. line 2: n1 broadcasts m3 (after m1, so m1 must come first everywhere)
            3. line 4: n3 delivers m3 (m1 has not been delivered at n3)
            4. line 5: n3 delivers m1 (too late)
          n3 delivered m3 before m2, though n1 broadcast m2 first [swap]
            follows: n3 delivered m3 too early
            1. line 1: n1 broadcasts m2 (m2 is before m3)
            2. line 2: n1 broadcasts m3 (after m2, so m2 must come first everywhere)
            3. line 4: n3 delivers m3 (m2 has not been delivered at n3)
            4. line 6: n3 delivers m2 (too late)
    "#]]
    .assert_eq(&render(&judge(Some(&header(3, &["fifo-order"])), &ops(script), &options)));
}

#[test]
fn a_sender_that_reports_nothing_orders_only_what_it_acknowledged_before_the_next_request() {
    check(
        &["fifo-order"],
        "
        c1 asks n1 m1
        c1 ok n1 m1
        c1 asks n1 m2
        c2 asks n1 m3
        c1 ok n1 m2
        c2 ok n1 m3
        n2 delivers m3
        n2 delivers m1
        n2 delivers m2
        n3 delivers m1
        n3 delivers m3
        n3 delivers m2
        nemesis ok drained",
        expect![[r#"
            Violation, none
            fifo-order Invalid Promised, 1 violations, exercised 0
              n2 delivered m3 before m1, though n1 acknowledged m1 before m3 was asked for [swap]
                1. line 1: client 1 is told ok by n1 for m1 (m1 is before m3)
                2. line 3: client 2 asks n1 to broadcast m3 (after m1, so m1 must come first everywhere)
                3. line 6: n2 delivers m3 (m1 has not been delivered at n2)
                4. line 7: n2 delivers m1 (too late)
        "#]],
    );
}

#[test]
fn of_overlapping_requests_to_a_sender_that_reports_nothing_each_must_come_before_what_follows_both() {
    let script = "
        c1 asks n1 m1
        c2 asks n1 m2
        c1 ok n1 m1
        c2 ok n1 m2
        c1 asks n1 m3
        n2 delivers m2
        n2 delivers m3
        nemesis ok drained";
    check(
        &["fifo-order"],
        script,
        expect![[r#"
        Violation, none
        fifo-order Invalid Promised, 1 violations, exercised 0
          n2 delivered m3 but never m1, though n1 acknowledged m1 before m3 was asked for [gap]
            1. line 2: client 1 is told ok by n1 for m1 (m1 is before m3)
            2. line 4: client 1 asks n1 to broadcast m3 (after m1, so m1 must come first everywhere)
            3. line 6: n2 delivers m3 (m1 has not been delivered at n2)
    "#]],
    );
}

#[test]
fn a_delivery_that_stands_before_its_broadcast_fools_nobody() {
    check(
        &["fifo-order", "no-creation"],
        "
        n2 delivers m1
        n2 delivers m2
        n1 broadcasts m1
        n1 broadcasts m2
        c1 asks n1 m1
        c1 asks n1 m2
        n1 delivers m1
        n1 delivers m2
        n3 delivers m1
        n3 delivers m2
        nemesis ok drained",
        expect![[r#"
            Clean, uniform-reliable and fifo-total
        "#]],
    );
}

#[test]
fn a_duplicate_is_a_duplicate_and_nothing_else() {
    check(
        &["fifo-order", "no-duplication"],
        "
        c1 asks n1 m1
        n1 broadcasts m1
        n1 broadcasts m2
        n2 delivers m1
        n2 delivers m2
        n2 delivers m1
        nemesis ok drained",
        expect![[r#"
            Violation, none
            no-duplication Invalid Promised, 1 violations, exercised 0
              n2 delivered m1 more than once [duplicate]
                1. line 3: n2 delivers m1 (m1 is delivered at n2)
                2. line 5: n2 delivers m1 (delivered again)
        "#]],
    );
}

#[test]
fn what_nobody_broadcast_violates_no_creation_and_nothing_else() {
    check(
        &RELIABLE,
        "
        n1 delivers m9
        n2 delivers m9
        nemesis ok drained",
        expect![[r#"
            Violation, none
            no-creation Invalid Promised, 2 violations, exercised 2
              n1 delivered m9, which nobody broadcast [creation]
                1. line 0: n1 delivers m9 (nobody asked for it or broadcast it)
              n2 delivered m9, which nobody broadcast [creation]
                1. line 1: n2 delivers m9 (nobody asked for it or broadcast it)
        "#]],
    );
}

#[test]
fn what_one_correct_node_delivers_the_others_owe() {
    check(
        &RELIABLE,
        r#"
        nemesis invoke partition {"id":1,"class":"partition","cut":[["n1","n3"]]}
        c1 asks n1 m4
        n1 broadcasts m4
        c1 ok n1 m4
        n1 delivers m4
        n2 delivers m4
        nemesis ok partition {"id":1,"class":"partition","blocked":[["n1","n3",2]]}
        nemesis ok heal {}
        nemesis ok drained"#,
        expect![[r#"
            Violation, none
            agreement Invalid Promised, 1 violations, exercised 1
              n1 delivered m4, but n3 never did [missing]
                1. line 0: nemesis partition n1 → n3 (in force until 6 ms)
                2. line 2: n1 broadcasts m4 (m4 begins here)
                3. line 4: n1 delivers m4 (from now on every correct node has to deliver it too)
                4. line 8: nemesis says that all is healed and drained (m4 is not delivered at n3)
        "#]],
    );
}

#[test]
fn behind_a_lost_message_fifo_order_holds_back_the_rest() {
    check(
        &["fifo-order", "agreement"],
        "
        n1 broadcasts m1
        n1 broadcasts m2
        n1 delivers m1
        n1 delivers m2
        n2 delivers m1
        n2 delivers m2
        nemesis ok drained",
        expect![[r#"
            Violation, none
            agreement Invalid Promised, 2 violations, exercised 0
              n1 delivered m1, but n3 never did [missing]
                1. line 0: n1 broadcasts m1 (m1 begins here)
                2. line 2: n1 delivers m1 (from now on every correct node has to deliver it too)
                3. line 6: nemesis says that all is healed and drained (m1 is not delivered at n3)
              n1 delivered m2, but n3 never did [missing]
                follows: n3 lacks m1, and FIFO order holds back what comes after it
                1. line 1: n1 broadcasts m2 (m2 begins here)
                2. line 3: n1 delivers m2 (from now on every correct node has to deliver it too)
                3. line 6: nemesis says that all is healed and drained (m2 is not delivered at n3)
        "#]],
    );
}

#[test]
fn agreement_while_the_sender_lives_is_judged_message_by_message() {
    let mut header = header(3, &["validity"]);
    header.promises.insert("agreement".to_owned(), Condition::WhileSenderLives);
    let orphan = r#"
        n1 broadcasts m1
        n2 delivers m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n1","status":"signal 9"}"#;
    check_under(
        &header,
        &format!("{orphan}\n nemesis ok drained"),
        expect![[r#"
            Clean, best-effort
            agreement Invalid NotInForce("n1, the sender of m1, crashed"), 1 violations, exercised 0
              n2 delivered m1, but n3 never did [missing]
                1. line 0: n1 broadcasts m1 (m1 begins here)
                2. line 1: n2 delivers m1 (from now on every correct node has to deliver it too)
                3. line 2: nemesis kill n1 (its life ends here)
                4. line 5: nemesis says that all is healed and drained (m1 is not delivered at n3)
        "#]],
    );
    let both = format!("{orphan}\n n2 broadcasts m2 \n n2 delivers m2 \n nemesis ok drained");
    check_under(
        &header,
        &both,
        expect![[r#"
            Violation, none
            agreement Invalid Promised, 1 violations, exercised 0
              n2 delivered m2, but n3 never did [missing]
                1. line 5: n2 broadcasts m2 (m2 begins here)
                2. line 6: n2 delivers m2 (from now on every correct node has to deliver it too)
                3. line 7: nemesis says that all is healed and drained (m2 is not delivered at n3)
        "#]],
    );
}

#[test]
fn uniform_agreement_holds_the_correct_to_what_the_crashed_delivered() {
    check(
        &["agreement", "uniform-agreement"],
        r#"
        n1 broadcasts m1
        n1 delivers m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n1"}
        nemesis ok drained"#,
        expect![[r#"
            Violation, fifo-total
            uniform-agreement Invalid Promised, 1 violations, exercised 1
              n1, which crashed, delivered m1, but n2 and n3 never did [missing]
                1. line 0: n1 broadcasts m1 (m1 begins here)
                2. line 1: n1 delivers m1 (from now on every correct node has to deliver it too)
                3. line 2: nemesis kill n1 (its life ends here)
                4. line 5: nemesis says that all is healed and drained (m1 is not delivered at n2 and n3)
        "#]],
    );
}

#[test]
fn what_is_broadcast_its_sender_delivers() {
    check(
        &["validity"],
        "
        c1 asks n1 m1
        n1 broadcasts m1
        c1 ok n1 m1
        n2 delivers m1
        nemesis ok drained",
        expect![[r#"
            Violation, none
            validity Invalid Promised, 1 violations, exercised 1
              n1 broadcast m1 and never delivered it [undelivered]
                1. line 1: n1 broadcasts m1 (n1 has not delivered its own message, and nothing more is coming)
                2. line 4: nemesis says that all is healed and drained (m1 is not delivered)
        "#]],
    );
}

#[test]
fn what_is_acknowledged_and_then_ignored_violates_validity() {
    check(
        &["validity"],
        "
        c1 asks n1 m1
        n1 broadcasts m1
        c1 ok n1 m1
        n1 delivers m1
        c1 asks n1 m2
        c1 ok n1 m2
        nemesis ok drained",
        expect![[r#"
            Violation, none
            validity Invalid Promised, 1 violations, exercised 2
              n1 acknowledged m2 and never broadcast it [acknowledged-not-taken]
                1. line 4: client 1 asks n1 to broadcast m2 (m2 begins here)
                2. line 5: client 1 is told ok by n1 for m2 (n1 reports its broadcasts, and not this one)
                3. line 6: nemesis says that all is healed and drained (m2 is not broadcast)
        "#]],
    );
}

#[test]
fn a_node_that_reports_no_broadcasts_still_owes_what_it_acknowledged() {
    check(
        &["validity"],
        "
        c1 asks n1 m1
        c1 ok n1 m1
        nemesis ok drained",
        expect![[r#"
            Violation
            validity Invalid Promised, 1 violations, exercised 1
              n1 acknowledged m1 and never delivered it [undelivered]
                1. line 0: client 1 asks n1 to broadcast m1 (m1 begins here)
                2. line 1: client 1 is told ok by n1 for m1 (n1 has not delivered what it acknowledged, and nothing more is coming)
                3. line 2: nemesis says that all is healed and drained (m1 is not delivered)
        "#]],
    );
}

#[test]
fn a_crash_excuses_the_sender_unless_the_acknowledgement_binds_for_ever() {
    let script = r#"
        c1 asks n1 m1
        n1 broadcasts m1
        c1 ok n1 m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n1"}
        nemesis ok drained"#;
    check(
        &RELIABLE,
        script,
        expect![[r#"
            Clean
        "#]],
    );
    let forever = Header { ok: Acknowledges::Delivered, ..header(3, &["validity", "uniform-agreement"]) };
    check_under(
        &forever,
        script,
        expect![[r#"
            Violation
            validity Invalid Promised, 1 violations, exercised 1
              m1 was acknowledged as delivered, and no correct node has delivered it [forgotten]
                1. line 0: client 1 asks n1 to broadcast m1 (m1 begins here)
                2. line 2: client 1 is told ok by n1 for m1 (the acknowledgement binds for ever)
                3. line 3: nemesis kill n1 (its life ends here)
                4. line 6: nemesis says that all is healed and drained (m1 is not delivered)
            uniform-agreement Invalid Promised, 1 violations, exercised 0
              m1 was acknowledged as delivered, but n2 and n3 never did [missing]
                1. line 1: n1 broadcasts m1 (m1 begins here)
                2. line 2: client 1 is told ok by n1 for m1 (the acknowledgement binds for ever)
                3. line 3: nemesis kill n1 (its life ends here)
                4. line 6: nemesis says that all is healed and drained (m1 is not delivered at n2 and n3)
        "#]],
    );
}

#[test]
fn an_exit_that_no_kill_explains_excuses_nothing() {
    check(
        &RELIABLE,
        "
        n1 broadcasts m1
        n1 delivers m1
        n2 delivers m1
        n3 exits code 101
        nemesis ok drained",
        expect![[r#"
            Violation, none
            agreement Invalid Promised, 1 violations, exercised 0
              n1 delivered m1, but n3 never did [missing]
                follows: n3 exited by itself
                1. line 0: n1 broadcasts m1 (m1 begins here)
                2. line 1: n1 delivers m1 (from now on every correct node has to deliver it too)
                3. line 4: nemesis says that all is healed and drained (m1 is not delivered at n3)
            survives Invalid Promised, 1 violations, exercised 3
              n3 exited by itself (code 101) [exit]
                1. line 3: n3 exited by itself (code 101) (no fault made it)
        "#]],
    );
}

#[test]
fn a_kill_explains_one_exit_and_no_other_status() {
    check(
        &[],
        r#"
        nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n1"}
        n1 starts
        n1 exits signal 9
        nemesis invoke kill {"id":2,"class":"kill","node":"n2"}
        n2 exits code 101
        nemesis fail kill {"id":2,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok drained"#,
        expect![[r#"
            Violation
            survives Invalid Promised, 3 violations, exercised 2
              n1 exited by itself (signal 9) [exit]
                1. line 4: n1 exited by itself (signal 9) (no fault made it)
              n2 exited by itself (code 101) [exit]
                1. line 6: n2 exited by itself (code 101) (no fault made it)
              n2 exited by itself (signal 9) [exit]
                follows: n2 exited by itself (code 101)
                1. line 8: n2 exited by itself (signal 9) (no fault made it)
        "#]],
    );
}

#[test]
fn whoever_is_silent_or_talks_nonsense_or_floods_does_not_survive() {
    check(
        &["no-creation"],
        "
        c1 asks n1 m1
        n1 nonsense
        n2 silent
        n3 flood
        n3 exits signal 9
        n1 delivers m1
        nemesis ok drained",
        expect![[r#"
            Violation, none
            survives Invalid Promised, 4 violations, exercised 3
              n1 printed what is no envelope: "hello" [nonsense]
                1. line 1: n1 printed what is no envelope: "hello" (no fault made it)
              n2 did not answer: 3 requests in a row [silent]
                1. line 2: n2 did not answer: 3 requests in a row (no fault made it)
              n3 wrote more than the harness accepts [flood]
                1. line 3: n3 wrote more than the harness accepts (no fault made it)
              n3 exited by itself (signal 9) [exit]
                follows: n3 wrote more than the harness accepts
                1. line 4: n3 exited by itself (signal 9) (no fault made it)
        "#]],
    );
}

#[test]
fn two_leaders_of_one_term_are_one_too_many_and_of_two_terms_none() {
    check(
        &["one-leader-per-term"],
        "
        n1 leads 4
        n2 leads 5
        n1 leads 4
        n3 leads 4
        n1 delivers m1
        nemesis ok drained",
        expect![[r#"
            Violation, none
            one-leader-per-term Invalid Promised, 1 violations, exercised 3
              n1 and n3 both led term 4 [two-leaders]
                1. line 0: n1 leads term 4 (the first to claim the term)
                2. line 3: n3 leads term 4 (the term has a leader already)
        "#]],
    );
}

#[test]
fn two_lives_of_one_node_are_two_leaders() {
    check(
        &["one-leader-per-term"],
        "
        n1 starts
        n1 leads 4
        n1 exits signal 9
        n1 starts
        n1 leads 4
        nemesis ok drained",
        expect![[r#"
            Violation
            one-leader-per-term Invalid Promised, 1 violations, exercised 1
              n1 led term 4 in two of its lives [two-leaders]
                1. line 1: n1 leads term 4 (the first to claim the term)
                2. line 4: n1 leads term 4 (the term has a leader already)
            survives Invalid Promised, 1 violations, exercised 1
              n1 exited by itself (signal 9) [exit]
                1. line 2: n1 exited by itself (signal 9) (no fault made it)
        "#]],
    );
}

#[test]
fn a_later_life_may_deliver_again_and_begin_in_the_middle() {
    check(
        &["fifo-order", "no-duplication"],
        r#"
        n1 broadcasts m1
        n1 broadcasts m2
        n1 broadcasts m3
        n2 starts
        n2 delivers m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        n2 delivers m1
        n2 delivers m3
        n2 delivers m2
        n2 delivers m3
        nemesis ok drained"#,
        expect![[r#"
            Violation, none
            no-duplication Invalid Promised, 1 violations, exercised 4
              n2 delivered m3 more than once [duplicate]
                1. line 10: n2 delivers m3 (m3 is delivered at n2)
                2. line 12: n2 delivers m3 (delivered again)
            fifo-order Invalid Promised, 1 violations, exercised 2
              n2 delivered m3 before m2, though n1 broadcast m2 first [swap]
                1. line 1: n1 broadcasts m2 (m2 is before m3)
                2. line 2: n1 broadcasts m3 (after m2, so m2 must come first everywhere)
                3. line 5: nemesis kill n2 (its life ends here)
                4. line 10: n2 delivers m3 (m2 has not been delivered at n2)
                5. line 11: n2 delivers m2 (too late)
        "#]],
    );
}

#[test]
fn in_mode_recover_a_position_reported_again_with_the_same_message_is_no_duplicate() {
    let recover =
        Header { crashes: Crashes::Recover, ..header(2, &["no-duplication", "stable-log", "agreement", "fifo-order"]) };
    check_under(
        &recover,
        r#"
        n1 broadcasts m1
        n1 delivers m1 @1
        n2 starts
        n2 delivers m1 @1
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        n2 delivers m1 @1
        nemesis ok drained"#,
        expect![[r#"
            Clean, uniform-reliable and fifo-total
        "#]],
    );
}

#[test]
fn in_mode_recover_without_positions_what_is_reported_again_is_undecided() {
    let recover =
        Header { crashes: Crashes::Recover, ..header(2, &["no-duplication", "stable-log", "agreement", "fifo-order"]) };
    check_under(
        &recover,
        r#"
        n1 broadcasts m1
        n1 delivers m1
        n2 starts
        n2 delivers m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        n2 delivers m1
        nemesis ok drained"#,
        expect![[r#"
            Inconclusive(["no-duplication is unknown: after restarts, deliveries were reported again (1), and without positions nobody can tell"]), at least none
            no-duplication Unknown Promised, 0 violations, exercised 1
              because after restarts, deliveries were reported again (1), and without positions nobody can tell
        "#]],
    );
}

#[test]
fn in_mode_recover_another_message_at_a_reported_position_changes_the_log() {
    let recover =
        Header { crashes: Crashes::Recover, ..header(2, &["no-duplication", "stable-log", "agreement", "fifo-order"]) };
    check_under(
        &recover,
        r#"
        n1 broadcasts m1
        n1 broadcasts m2
        n1 delivers m1 @1
        n1 delivers m2 @2
        n2 starts
        n2 delivers m1 @1
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        n2 delivers m2 @1
        n2 delivers m1 @2
        nemesis ok drained"#,
        expect![[r#"
            Violation, none
            no-duplication Invalid Promised, 1 violations, exercised 1
              n2 delivered m1 more than once [duplicate]
                1. line 5: n2 delivers m1 (m1 is delivered at n2)
                2. line 6: nemesis kill n2 (its life ends here)
                3. line 11: n2 delivers m1 (delivered again)
            agreement Invalid Promised, 1 violations, exercised 1
              n1 delivered m2, but n2 never did [missing]
                1. line 1: n1 broadcasts m2 (m2 begins here)
                2. line 3: n1 delivers m2 (from now on every correct node has to deliver it too)
                3. line 6: nemesis kill n2 (its life ends here)
                4. line 12: nemesis says that all is healed and drained (m2 is not delivered at n2)
            stable-log Invalid Promised, 1 violations, exercised 1
              n2 delivered m1 at position 1, and later m2 there [displaced]
                1. line 5: n2 delivers m1 (m1 is delivered at position 1)
                2. line 6: nemesis kill n2 (its life ends here)
                3. line 10: n2 delivers m2 at position 1 (another message)
        "#]],
    );
}

#[test]
fn in_mode_recover_a_message_at_a_second_position_is_a_duplicate() {
    let recover =
        Header { crashes: Crashes::Recover, ..header(2, &["no-duplication", "stable-log", "agreement", "fifo-order"]) };
    check_under(
        &recover,
        r#"
        n1 broadcasts m1
        n1 delivers m1 @1
        n2 starts
        n2 delivers m1 @1
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        n2 delivers m1 @1
        n2 delivers m1 @2
        nemesis ok drained"#,
        expect![[r#"
            Violation, none
            no-duplication Invalid Promised, 1 violations, exercised 1
              n2 delivered m1 more than once [duplicate]
                1. line 8: n2 delivers m1 (m1 is delivered at n2)
                2. line 9: n2 delivers m1 (delivered again)
        "#]],
    );
}

#[test]
fn in_mode_recover_a_position_that_is_left_out_is_told() {
    let recover =
        Header { crashes: Crashes::Recover, ..header(2, &["no-duplication", "stable-log", "agreement", "fifo-order"]) };
    check_under(
        &recover,
        r#"
        n1 broadcasts m1
        n1 broadcasts m2
        n1 delivers m1 @1
        n1 delivers m2 @2
        n2 delivers m1 @1
        n2 delivers m2 @3
        nemesis ok drained"#,
        expect![[r#"
            Violation, uniform-reliable and fifo-total
            stable-log Invalid Promised, 1 violations, exercised 1
              n2 delivered m2 at position 3, and nothing at 2 [displaced]
                1. line 5: n2 delivers m2 at position 3 (position 2 is left out)
        "#]],
    );
}

#[test]
fn in_mode_recover_a_snapshot_stands_for_what_the_others_delivered() {
    let recover =
        Header { crashes: Crashes::Recover, ..header(2, &["no-duplication", "stable-log", "agreement", "fifo-order"]) };
    check_under(
        &recover,
        r#"
        n1 broadcasts m1
        n1 broadcasts m2
        n1 broadcasts m3
        n2 starts
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        n2 installed {"through":2,"hash":"7717980363c8e066"}
        n2 delivers m3 @3
        n1 delivers m1 @1
        n1 delivers m2 @2
        n1 delivers m3 @3
        nemesis ok drained"#,
        expect![[r#"
            Clean, uniform-reliable and fifo-total
        "#]],
    );
}

#[test]
fn in_mode_recover_a_snapshot_of_something_else_changes_the_log() {
    let recover =
        Header { crashes: Crashes::Recover, ..header(2, &["no-duplication", "stable-log", "agreement", "fifo-order"]) };
    check_under(
        &recover,
        r#"
        n1 broadcasts m1
        n1 broadcasts m2
        n1 delivers m1 @1
        n1 delivers m2 @2
        n2 starts
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        n2 installed {"through":2,"hash":"0000000000000001"}
        nemesis ok drained"#,
        expect![[r#"
            Violation, uniform-reliable and fifo-total
            stable-log Invalid Promised, 1 violations, exercised 1
              n2 installed a snapshot through position 2 that differs from what others delivered [displaced]
                1. line 9: n2 installs a snapshot through position 2 (its hash is not that of these deliveries)
        "#]],
    );
}

#[test]
fn in_mode_recover_a_snapshot_beyond_what_anybody_delivered_stands_for_what_is_known() {
    let recover =
        Header { crashes: Crashes::Recover, ..header(2, &["no-duplication", "stable-log", "agreement", "fifo-order"]) };
    check_under(
        &recover,
        r#"
        n1 broadcasts m1
        n1 broadcasts m2
        n1 delivers m1 @1
        n2 starts
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        n2 installed {"through":2,"hash":"7717980363c8e066"}
        nemesis ok drained"#,
        expect![[r#"
            Clean, none
        "#]],
    );
}

#[test]
fn in_mode_recover_an_acknowledged_message_that_is_lost_is_told() {
    let recover = Header {
        crashes: Crashes::Recover,
        ok: Acknowledges::Delivered,
        ..header(2, &["validity", "agreement", "stable-log"])
    };
    check_under(
        &recover,
        r#"
        n2 starts
        c1 asks n2 m1
        n2 broadcasts m1
        c1 ok n2 m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        nemesis ok drained"#,
        expect![[r#"
            Violation
            validity Invalid Promised, 1 violations, exercised 1
              n2 broadcast m1 and never delivered it [undelivered]
                1. line 2: n2 broadcasts m1 (n2 has not delivered its own message, and nothing more is coming)
                2. line 4: nemesis kill n2 (its life ends here)
                3. line 8: nemesis says that all is healed and drained (m1 is not delivered)
        "#]],
    );
}

#[test]
fn in_mode_recover_a_request_that_a_crash_left_unanswered_is_owed_to_nobody() {
    let recover = Header {
        crashes: Crashes::Recover,
        ok: Acknowledges::Delivered,
        ..header(2, &["validity", "agreement", "fifo-order", "stable-log"])
    };
    check_under(
        &recover,
        r#"
        n2 starts
        c1 asks n2 m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n2"}
        n2 starts
        c1 unsure n2 m1
        n1 broadcasts m2
        n1 delivers m2 @1
        n2 delivers m2 @1
        nemesis ok drained"#,
        expect![[r#"
            Clean, uniform-reliable and fifo-total
        "#]],
    );
}

#[test]
fn a_history_cut_short_leaves_liveness_unknown_and_safety_judged() {
    check(
        &RELIABLE,
        "
        c1 asks n1 m1
        n1 broadcasts m1
        n1 delivers m1",
        expect![[r#"
            Inconclusive(["the history is cut short", "validity is unknown: the history is cut short with requests open", "agreement is unknown: the history is cut short with requests open, and so far n1 delivered m1, but n2 and n3 never did"]), at least none
            validity Unknown Promised, 0 violations, exercised 1
              because the history is cut short with requests open
            agreement Unknown Promised, 0 violations, exercised 0
              because the history is cut short with requests open, and so far n1 delivered m1, but n2 and n3 never did
        "#]],
    );
    check(
        &RELIABLE,
        "
        c1 asks n1 m1
        n1 broadcasts m1
        n1 delivers m1
        n1 delivers m1",
        expect![[r#"
            Violation, none
            validity Unknown Promised, 0 violations, exercised 1
              because the history is cut short with requests open
            no-duplication Invalid Promised, 1 violations, exercised 0
              n1 delivered m1 more than once [duplicate]
                1. line 2: n1 delivers m1 (m1 is delivered at n1)
                2. line 3: n1 delivers m1 (delivered again)
            agreement Unknown Promised, 0 violations, exercised 0
              because the history is cut short with requests open, and so far n1 delivered m1, but n2 and n3 never did
        "#]],
    );
}

#[test]
fn when_the_harness_was_late_what_is_unmet_proves_nothing() {
    check(
        &RELIABLE,
        r#"
        n1 broadcasts m1
        n1 delivers m1
        nemesis info drained {"late_us":250000}"#,
        expect![[r#"
            Inconclusive(["agreement is unknown: the harness itself, or a node for want of a processor, was 250000 us late, and so far n1 delivered m1, but n2 and n3 never did"]), at least none
            agreement Unknown Promised, 0 violations, exercised 0
              because the harness itself, or a node for want of a processor, was 250000 us late, and so far n1 delivered m1, but n2 and n3 never did
        "#]],
    );
}

#[test]
fn lines_after_the_drained_line_count_for_nothing() {
    check(
        &RELIABLE,
        "
        n1 broadcasts m1
        n1 delivers m1
        n2 delivers m1
        n3 delivers m1
        nemesis ok drained
        n3 delivers m1
        n3 exits code 101
        n2 delivers m7",
        expect![[r#"
            Clean, uniform-reliable and fifo-total
        "#]],
    );
}

#[test]
fn over_no_correct_node_liveness_is_unknown() {
    let alone = header(1, &["validity", "agreement"]);
    check_under(
        &alone,
        r#"
        n1 broadcasts m1
        n1 delivers m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n1"}
        nemesis ok drained"#,
        expect![[r#"
            Inconclusive(["validity is unknown: no node is correct", "agreement is unknown: no node is correct"]), at least none
            validity Unknown Promised, 0 violations, exercised 0
              because no node is correct
            agreement Unknown Promised, 0 violations, exercised 0
              because no node is correct
        "#]],
    );
}

#[test]
fn outside_the_model_lost_liveness_is_no_violation_and_lost_safety_is() {
    let outside = Header { faulty_max: 0, ..header(3, &["agreement", "no-duplication"]) };
    check_under(
        &outside,
        r#"
        n1 broadcasts m1
        n1 delivers m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n3"}
        n3 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n3"}
        n1 delivers m1
        nemesis ok drained"#,
        expect![[r#"
            Violation, none
            no-duplication Invalid Promised, 1 violations, exercised 0
              n1 delivered m1 more than once [duplicate]
                1. line 1: n1 delivers m1 (m1 is delivered at n1)
                2. line 5: n1 delivers m1 (delivered again)
            agreement Invalid NotInForce("outside the model: n3 crashed, and at most 0 of the nodes may"), 1 violations, exercised 0
              n1 delivered m1, but n2 never did [missing]
                1. line 0: n1 broadcasts m1 (m1 begins here)
                2. line 1: n1 delivers m1 (from now on every correct node has to deliver it too)
                3. line 6: nemesis says that all is healed and drained (m1 is not delivered at n2)
        "#]],
    );
    let beyond = Header { beyond: vec!["loss".to_owned()], ..header(3, &["agreement"]) };
    check_under(
        &beyond,
        r#"
        n1 broadcasts m1
        n1 delivers m1
        nemesis invoke loss {"id":1,"class":"link","links":[["n1","n2"]]}
        nemesis ok loss {"id":1,"class":"link","links":[["n1","n2"]],"bites":[["n1","n2",7]]}
        nemesis ok drained"#,
        expect![[r#"
            Clean, none
            agreement Invalid NotInForce("outside the model: loss"), 1 violations, exercised 0
              n1 delivered m1, but n2 and n3 never did [missing]
                1. line 0: n1 broadcasts m1 (m1 begins here)
                2. line 1: n1 delivers m1 (from now on every correct node has to deliver it too)
                3. line 2: nemesis loss n1 → n2 (in force until 3 ms)
                4. line 4: nemesis says that all is healed and drained (m1 is not delivered at n2 and n3)
        "#]],
    );
}

#[test]
fn a_promise_is_in_force_only_while_its_condition_holds() {
    let conditions = [Condition::WhileLeaderLives, Condition::WhileNobodyCrashes, Condition::WhileMajorityLives];
    for (condition, expected) in conditions.into_iter().zip([
        expect![[r#"
            Clean, none
            agreement Invalid NotInForce("n1, the leader, crashed"), 1 violations, exercised 0
              n2 delivered m1, but n3 never did [missing]
                1. line 0: n2 broadcasts m1 (m1 begins here)
                2. line 1: n2 delivers m1 (from now on every correct node has to deliver it too)
                3. line 5: nemesis says that all is healed and drained (m1 is not delivered at n3)
        "#]],
        expect![[r#"
            Clean, none
            agreement Invalid NotInForce("n1 crashed"), 1 violations, exercised 0
              n2 delivered m1, but n3 never did [missing]
                1. line 0: n2 broadcasts m1 (m1 begins here)
                2. line 1: n2 delivers m1 (from now on every correct node has to deliver it too)
                3. line 5: nemesis says that all is healed and drained (m1 is not delivered at n3)
        "#]],
        expect![[r#"
            Violation, none
            agreement Invalid Promised, 1 violations, exercised 0
              n2 delivered m1, but n3 never did [missing]
                1. line 0: n2 broadcasts m1 (m1 begins here)
                2. line 1: n2 delivers m1 (from now on every correct node has to deliver it too)
                3. line 5: nemesis says that all is healed and drained (m1 is not delivered at n3)
        "#]],
    ]) {
        let mut header = header(3, &[]);
        header.promises.insert("agreement".to_owned(), condition);
        check_under(
            &header,
            r#"
            n2 broadcasts m1
            n2 delivers m1
            nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
            n1 exits signal 9
            nemesis ok kill {"id":1,"class":"kill","node":"n1"}
            nemesis ok drained"#,
            expected,
        );
    }
}

#[test]
fn a_majority_is_more_than_half() {
    let mut header = header(5, &[]);
    header.promises.insert("agreement".to_owned(), Condition::WhileMajorityLives);
    let killed = |dead: &[usize]| {
        let kill = |n: &usize| {
            format!(
                "nemesis invoke kill {{\"id\":{n},\"node\":\"n{n}\"}} \n n{n} exits signal 9 \n nemesis ok kill {{\"id\":{n}}} \n"
            )
        };
        format!(
            "n1 broadcasts m1 \n n1 delivers m1 \n {} nemesis ok drained",
            dead.iter().map(kill).collect::<String>()
        )
    };
    let standing = |script: &str, header: &Header| {
        let verdict = judge(Some(header), &ops(script), &Options::default());
        let agreement = verdict.properties.into_iter().find(|p| p.property == "agreement");
        format!("{:?}", agreement.expect("it is judged").standing)
    };
    expect!["Promised"].assert_eq(&standing(&killed(&[4, 5]), &header));
    expect![[r#"NotInForce("only 2 of 5 nodes are correct")"#]].assert_eq(&standing(&killed(&[3, 4, 5]), &header));
    header.nodes.pop();
    expect![[r#"NotInForce("only 2 of 4 nodes are correct")"#]].assert_eq(&standing(&killed(&[3, 4]), &header));
}

#[test]
fn where_an_acknowledgement_binds_for_ever_every_delivery_still_obliges() {
    let forever = Header { ok: Acknowledges::Delivered, ..header(3, &["uniform-agreement"]) };
    check_under(
        &forever,
        r#"
        n1 broadcasts m1
        n1 delivers m1
        n2 delivers m1
        c1 asks n2 m2
        n2 broadcasts m2
        n2 delivers m2
        c1 ok n2 m2
        nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n1"}
        nemesis ok drained"#,
        expect![[r#"
            Violation, none
            uniform-agreement Invalid Promised, 2 violations, exercised 1
              n2 delivered m1, but n3 never did [missing]
                follows: m1 violates agreement already
                1. line 0: n1 broadcasts m1 (m1 begins here)
                2. line 2: n2 delivers m1 (from now on every correct node has to deliver it too)
                3. line 7: nemesis kill n1 (its life ends here)
                4. line 10: nemesis says that all is healed and drained (m1 is not delivered at n3)
              n2 delivered m2, but n3 never did [missing]
                follows: m2 violates agreement already
                1. line 4: n2 broadcasts m2 (m2 begins here)
                2. line 5: n2 delivers m2 (from now on every correct node has to deliver it too)
                3. line 10: nemesis says that all is healed and drained (m2 is not delivered at n3)
        "#]],
    );
}

#[test]
fn a_requested_fault_that_never_bit_makes_the_run_inconclusive() {
    let asked = Header { requested: vec!["partition".to_owned(), "kill".to_owned()], ..header(1, &[]) };
    check_under(
        &asked,
        r#"
        n1 delivers m1
        c1 asks n1 m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n1"}
        nemesis invoke partition {"id":2,"class":"partition","cut":[]}
        nemesis info partition {"id":2,"class":"partition","cut":[]}
        nemesis ok drained"#,
        expect![[r#"
            Inconclusive(["`partition` was asked for and never bit"]), at least none
        "#]],
    );
}

#[test]
fn an_interrupted_run_is_inconclusive() {
    check(
        &[],
        r#"
        c1 asks n1 m1
        n1 delivers m1
        nemesis info interrupted {"reason":"Ctrl-C"}
        nemesis ok drained"#,
        expect![[r#"
            Inconclusive(["the run was interrupted: Ctrl-C"]), none
        "#]],
    );
}

#[test]
fn a_run_in_which_nothing_happened_is_nothing_to_judge() {
    check(
        &RELIABLE,
        "
        c1 asks n1 m1
        c1 refused n1 m1
        nemesis ok drained",
        expect![[r#"
            Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
}

#[test]
fn what_is_required_replaces_what_is_promised() {
    let script = ops("n1 broadcasts m1 \n n1 delivers m1 \n n1 delivers m1 \n nemesis ok drained");
    let require = |name: &str| Options { require: Some(vec![name.to_owned()]), ..Options::default() };
    let promised = header(1, &["no-duplication"]);
    expect![[r#"
        Clean, none
    "#]]
    .assert_eq(&render(&judge(Some(&promised), &script, &require("no-creation"))));
    expect![[r#"
        Violation, none
        no-duplication Invalid Promised, 1 violations, exercised 0
          n1 delivered m1 more than once [duplicate]
            1. line 1: n1 delivers m1 (m1 is delivered at n1)
            2. line 2: n1 delivers m1 (delivered again)
    "#]]
    .assert_eq(&render(&judge(None, &script, &require("no-duplication"))));
}

/// How many lines of one node wait for a broadcast, as the judge documents it.
const LONGEST: usize = 32_768;

#[test]
fn a_broadcast_that_comes_long_after_its_delivery_leaves_order_unknown() {
    let script = |late: usize| {
        let waiting: String = (0..late).map(|_| "n2 delivers m2\n").collect();
        ops(&format!(
            "c1 asks n1 m1 \n n1 broadcasts m1 \n c1 asks n1 m2 \n {waiting} n1 broadcasts m2 \n nemesis ok drained"
        ))
    };
    let verdict = |late: usize| render(&judge(Some(&header(2, &["fifo-order"])), &script(late), &Options::default()));
    expect![[r#"
        Violation, none
        fifo-order Invalid Promised, 1 violations, exercised 0
          n2 delivered m2 but never m1, though n1 broadcast m1 first [gap]
            1. line 1: n1 broadcasts m1 (m1 is before m2)
            2. line 32771: n1 broadcasts m2 (after m1, so m1 must come first everywhere)
            3. line 3: n2 delivers m2 (m1 has not been delivered at n2)
    "#]]
    .assert_eq(&verdict(LONGEST));
    expect![[r#"
        Inconclusive(["fifo-order is unknown: a broadcast stands so far behind a delivery of it that the order there was not judged"]), none
        fifo-order Unknown Promised, 0 violations, exercised 0
          because a broadcast stands so far behind a delivery of it that the order there was not judged
    "#]].assert_eq(&verdict(LONGEST + 1));
}

#[test]
fn what_waits_for_an_invented_message_does_not_wait_for_ever() {
    let good: String = (0..LONGEST).map(|_| "n2 delivers m1\n").collect();
    let script = format!("n1 broadcasts m1 \n n2 delivers m9 \n {good} n2 delivers m1 \n n1 broadcasts m9");
    let verdict = judge(Some(&header(2, &["no-creation"])), &ops(&script), &Options::default());
    expect![[r#"
        Violation, none
        no-creation Invalid Promised, 1 violations, exercised 32770
          n2 delivered m9, which nobody broadcast [creation]
            1. line 1: n2 delivers m9 (nobody asked for it or broadcast it)
    "#]]
    .assert_eq(&render(&verdict));
}

#[test]
fn a_sender_that_reports_nothing_for_long_is_taken_to_report_nothing() {
    let deliveries: String = (0..=LONGEST).map(|_| "n2 delivers m1\n").collect();
    let script =
        format!("c1 asks n1 m1 \n c1 ok n1 m1 \n c1 asks n1 m2 \n {deliveries} n3 delivers m2 \n n3 delivers m1");
    let silent = judge(Some(&header(3, &["fifo-order"])), &ops(&script), &Options::default());
    expect![[r#"
        Violation, none
        fifo-order Invalid Promised, 1 violations, exercised 0
          n3 delivered m2 before m1, though n1 acknowledged m1 before m2 was asked for [swap]
            1. line 1: client 1 is told ok by n1 for m1 (m1 is before m2)
            2. line 2: client 1 asks n1 to broadcast m2 (after m1, so m1 must come first everywhere)
            3. line 32772: n3 delivers m2 (m1 has not been delivered at n3)
            4. line 32773: n3 delivers m1 (too late)
    "#]]
    .assert_eq(&render(&silent));
    let speaks = ops(&format!("{script} \n n1 broadcasts m2"));
    let speaks = judge(Some(&header(3, &["no-creation"])), &speaks, &Options::default());
    let fifo = speaks.properties.iter().find(|p| p.property == "fifo-order").expect("it is judged");
    assert_eq!(fifo.violations, 1, "what was found before is not masked");
}

#[test]
fn more_nodes_than_can_be_judged_make_everything_unknown() {
    let crowd = ops("n1 broadcasts m1 \n n1 delivers m1 \n n1025 delivers m1 \n nemesis ok drained");
    let (names, mut judge) = (names(1025), Judge::new(None, &Options::default()).expect("no promises"));
    crowd.iter().for_each(|op| judge.op(op, &names));
    expect![[r#"
        Inconclusive(["no-duplication is unknown: there are more nodes than can be judged", "no-creation is unknown: there are more nodes than can be judged"]), none
        no-duplication Unknown Promised, 0 violations, exercised 0
          because there are more nodes than can be judged
        no-creation Unknown Promised, 0 violations, exercised 1
          because there are more nodes than can be judged
    "#]].assert_eq(&render(&judge.finish(&names, Tail::Whole).into_verdict(&names)));
}

#[test]
fn a_torn_last_line_is_a_history_cut_short_even_behind_the_end() {
    let script = ops("n1 broadcasts m1 \n n1 delivers m1 \n nemesis ok drained");
    let (names, mut judge) = (names(1), Judge::new(Some(header(1, &[])), &Options::default()).expect("no promises"));
    script.iter().for_each(|op| judge.op(op, &names));
    expect![[r#"
        Inconclusive(["the history is cut short"]), uniform-reliable and fifo-total
    "#]]
    .assert_eq(&render(&judge.finish(&names, Tail::Torn).into_verdict(&names)));
}

#[test]
fn what_happened_is_counted() {
    let script = ops(r#"
        c1 asks n1 m1
        n1 broadcasts m1
        c1 ok n1 m1
        c1 asks n1 m2
        c1 refused n1 m2
        c1 asks n1 m3
        c1 unsure n1 m3
        c2 asks n1 m4
        n1 delivers m1
        n2 delivers m1
        nemesis invoke pause {"id":1,"class":"pause","node":"n2"}
        nemesis ok pause {"id":1,"class":"pause","node":"n2"}
        nemesis ok resume {"id":1,"class":"pause","node":"n2"}
        nemesis invoke loss {"id":2,"class":"link","links":[["n1","n2"]]}
        nemesis ok loss {"id":2,"class":"link","links":[["n1","n2"]]}
        nemesis invoke kill {"id":3,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok kill {"id":3,"class":"kill","node":"n1"}
        nemesis ok heal
        nemesis ok drained
        n2 delivers m1"#);
    let verdict = judge(Some(&header(2, &[])), &script, &Options::default());
    expect![[r#"
        Counts {
            ops: 21,
            invoked: 4,
            acknowledged: 1,
            failed: 1,
            indeterminate: 2,
            broadcasts: 1,
            deliveries: 2,
            bites: {
                "kill": 1,
                "link": 1,
                "pause": 1,
            },
            recoveries: {
                "kill": Recoveries {
                    seen: 0,
                    unseen: 1,
                    median_us: 0,
                    longest_us: 0,
                },
                "loss": Recoveries {
                    seen: 0,
                    unseen: 1,
                    median_us: 0,
                    longest_us: 0,
                },
                "pause": Recoveries {
                    seen: 0,
                    unseen: 1,
                    median_us: 0,
                    longest_us: 0,
                },
            },
            crashed: 1,
            cut_short: false,
        }"#]]
    .assert_eq(&format!("{:#?}", verdict.counts));
}

#[test]
fn an_occasion_to_fail_is_a_message_that_met_a_fault() {
    let exercised = |script: &str| {
        let verdict = judge(Some(&header(2, &[])), &ops(script), &Options::default());
        verdict.properties.iter().map(|p| format!("{} {}, ", p.property, p.exercised)).collect::<String>()
    };
    let pair = "n1 broadcasts m1 \n n1 broadcasts m2";
    let received = "n1 delivers m1 \n n1 delivers m2 \n n2 delivers m1 \n n2 delivers m2";
    let cut = r#"nemesis invoke partition {"id":1,"class":"partition","cut":[["n1","n2"]]}"#;
    let lifted = r#"nemesis ok partition {"id":1,"class":"partition","cut":[["n1","n2"]]}"#;
    let end = "nemesis ok drained";
    expect!["validity 2, no-duplication 0, no-creation 4, agreement 0, uniform-agreement 0, fifo-order 0, causal-order 0, total-order 0, uniform-total-order 0, one-order 0, gap-free-order 0, stable-log 0, one-leader-per-term 0, rising-terms 0, one-vote-per-term 0, log-matching 0, leader-append-only 0, leader-completeness 0, commit-order 0, state-machine-safety 0, consensus-agreement 0, consensus-integrity 0, consensus-validity 0, termination 0, charged-at-most-once 0, acknowledged-is-charged 0, failed-is-not-charged 0, no-invented-charge 0, reads-complete 0, reads-invent-nothing 0, reads-repeat-nothing 0, echoes-exact 0, ids-unique 0, survives 2, "].assert_eq(&exercised(&format!("{cut}\n{lifted}\n{pair}\n{received}\n{end}")));
    expect!["validity 2, no-duplication 2, no-creation 4, agreement 2, uniform-agreement 0, fifo-order 1, causal-order 0, total-order 0, uniform-total-order 0, one-order 0, gap-free-order 0, stable-log 0, one-leader-per-term 0, rising-terms 0, one-vote-per-term 0, log-matching 0, leader-append-only 0, leader-completeness 0, commit-order 0, state-machine-safety 0, consensus-agreement 0, consensus-integrity 0, consensus-validity 0, termination 0, charged-at-most-once 0, acknowledged-is-charged 0, failed-is-not-charged 0, no-invented-charge 0, reads-complete 0, reads-invent-nothing 0, reads-repeat-nothing 0, echoes-exact 0, ids-unique 0, survives 2, "].assert_eq(&exercised(&format!("{pair}\n{cut}\n{lifted}\n{received}\n{end}")));
    expect!["validity 2, no-duplication 2, no-creation 4, agreement 2, uniform-agreement 0, fifo-order 1, causal-order 0, total-order 0, uniform-total-order 0, one-order 0, gap-free-order 0, stable-log 0, one-leader-per-term 0, rising-terms 0, one-vote-per-term 0, log-matching 0, leader-append-only 0, leader-completeness 0, commit-order 0, state-machine-safety 0, consensus-agreement 0, consensus-integrity 0, consensus-validity 0, termination 0, charged-at-most-once 0, acknowledged-is-charged 0, failed-is-not-charged 0, no-invented-charge 0, reads-complete 0, reads-invent-nothing 0, reads-repeat-nothing 0, echoes-exact 0, ids-unique 0, survives 2, "].assert_eq(&exercised(&format!("{cut}\n{pair}\n{received}\n{lifted}\n{end}")));
    expect!["validity 2, no-duplication 0, no-creation 4, agreement 0, uniform-agreement 0, fifo-order 0, causal-order 0, total-order 0, uniform-total-order 0, one-order 0, gap-free-order 0, stable-log 0, one-leader-per-term 0, rising-terms 0, one-vote-per-term 0, log-matching 0, leader-append-only 0, leader-completeness 0, commit-order 0, state-machine-safety 0, consensus-agreement 0, consensus-integrity 0, consensus-validity 0, termination 0, charged-at-most-once 0, acknowledged-is-charged 0, failed-is-not-charged 0, no-invented-charge 0, reads-complete 0, reads-invent-nothing 0, reads-repeat-nothing 0, echoes-exact 0, ids-unique 0, survives 2, "].assert_eq(&exercised(&format!("{pair}\n{received}\n{cut}\n{lifted}\n{end}")));
    let paused = r#"
        nemesis invoke pause {"id":1,"class":"pause","node":"n2"}
        nemesis ok pause {"id":1,"class":"pause","node":"n2"}"#;
    expect!["validity 2, no-duplication 2, no-creation 4, agreement 2, uniform-agreement 0, fifo-order 1, causal-order 0, total-order 0, uniform-total-order 0, one-order 0, gap-free-order 0, stable-log 0, one-leader-per-term 0, rising-terms 0, one-vote-per-term 0, log-matching 0, leader-append-only 0, leader-completeness 0, commit-order 0, state-machine-safety 0, consensus-agreement 0, consensus-integrity 0, consensus-validity 0, termination 0, charged-at-most-once 0, acknowledged-is-charged 0, failed-is-not-charged 0, no-invented-charge 0, reads-complete 0, reads-invent-nothing 0, reads-repeat-nothing 0, echoes-exact 0, ids-unique 0, survives 2, "].assert_eq(&exercised(&format!("{paused}\n{pair}\n{received}\n{end}")));
    let healed = "nemesis ok heal";
    expect!["validity 2, no-duplication 0, no-creation 4, agreement 0, uniform-agreement 0, fifo-order 0, causal-order 0, total-order 0, uniform-total-order 0, one-order 0, gap-free-order 0, stable-log 0, one-leader-per-term 0, rising-terms 0, one-vote-per-term 0, log-matching 0, leader-append-only 0, leader-completeness 0, commit-order 0, state-machine-safety 0, consensus-agreement 0, consensus-integrity 0, consensus-validity 0, termination 0, charged-at-most-once 0, acknowledged-is-charged 0, failed-is-not-charged 0, no-invented-charge 0, reads-complete 0, reads-invent-nothing 0, reads-repeat-nothing 0, echoes-exact 0, ids-unique 0, survives 2, "].assert_eq(&exercised(&format!("{paused}\n{healed}\n{pair}\n{received}\n{end}")));
    let failed = r#"nemesis fail partition {"id":1,"class":"partition"}"#;
    expect!["validity 2, no-duplication 0, no-creation 4, agreement 0, uniform-agreement 0, fifo-order 0, causal-order 0, total-order 0, uniform-total-order 0, one-order 0, gap-free-order 0, stable-log 0, one-leader-per-term 0, rising-terms 0, one-vote-per-term 0, log-matching 0, leader-append-only 0, leader-completeness 0, commit-order 0, state-machine-safety 0, consensus-agreement 0, consensus-integrity 0, consensus-validity 0, termination 0, charged-at-most-once 0, acknowledged-is-charged 0, failed-is-not-charged 0, no-invented-charge 0, reads-complete 0, reads-invent-nothing 0, reads-repeat-nothing 0, echoes-exact 0, ids-unique 0, survives 2, "].assert_eq(&exercised(&format!("{cut}\n{failed}\n{pair}\n{received}\n{end}")));
}

#[test]
fn a_witness_shows_the_faults_of_its_nodes_and_time_and_at_most_two() {
    check(
        &["agreement"],
        r#"
        nemesis invoke partition {"id":1,"class":"partition","cut":[["n1","n3"]]}
        nemesis ok partition {"id":1,"class":"partition"}
        c1 asks n1 m1
        n1 broadcasts m1
        nemesis invoke loss {"id":2,"class":"link","links":[["n2","n2"]]}
        nemesis invoke loss {"id":3,"class":"link","links":[["n1","n3"],["n3","n1"]]}
        nemesis invoke pause {"id":4,"class":"pause","node":"n3"}
        nemesis invoke pause {"id":5,"class":"pause","node":"n1"}
        n1 delivers m1
        n2 delivers m1
        nemesis ok drained"#,
        expect![[r#"
            Violation, none
            agreement Invalid Promised, 1 violations, exercised 1
              n1 delivered m1, but n3 never did [missing]
                1. line 3: n1 broadcasts m1 (m1 begins here)
                2. line 5: nemesis loss on 2 links (in force to the end)
                3. line 6: nemesis pause n3 (in force to the end)
                4. line 8: n1 delivers m1 (from now on every correct node has to deliver it too)
                5. line 10: nemesis says that all is healed and drained (m1 is not delivered at n3)
        "#]],
    );
}

#[test]
fn ten_violations_are_shown_and_all_are_counted() {
    let many: String =
        (1..=12).map(|m| format!("n1 broadcasts m{m} \n n1 delivers m{m} \n n1 delivers m{m} \n")).collect();
    let verdict = judge(Some(&header(1, &["no-duplication"])), &ops(&many), &Options::default());
    let duplicates = verdict.properties.iter().find(|p| p.property == "no-duplication").expect("it is judged");
    assert_eq!((duplicates.violations, duplicates.witnesses.len()), (12, 10));
    assert!(duplicates.witnesses.iter().all(|witness| witness.steps.len() == 2));
}

#[test]
fn a_later_life_of_a_sender_begins_an_order_of_its_own() {
    check(
        &["fifo-order"],
        r#"
        n1 starts
        n1 broadcasts m1
        n1 broadcasts m2
        nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n1"}
        n1 starts
        n1 broadcasts m3
        n1 broadcasts m4
        n2 delivers m3
        n2 delivers m4
        n2 delivers m2
        n3 delivers m4
        nemesis ok drained"#,
        expect![[r#"
            Violation, best-effort
            fifo-order Invalid Promised, 2 violations, exercised 1
              n2 delivered m2 but never m1, though n1 broadcast m1 first [gap]
                1. line 1: n1 broadcasts m1 (m1 is before m2)
                2. line 2: n1 broadcasts m2 (after m1, so m1 must come first everywhere)
                3. line 3: nemesis kill n1 (its life ends here)
                4. line 11: n2 delivers m2 (m1 has not been delivered at n2)
              n3 delivered m4 but never m3, though n1 broadcast m3 first [gap]
                1. line 7: n1 broadcasts m3 (m3 is before m4)
                2. line 8: n1 broadcasts m4 (after m3, so m3 must come first everywhere)
                3. line 12: n3 delivers m4 (m3 has not been delivered at n3)
        "#]],
    );
}

#[test]
fn only_promised_strict_fifo_order_holds_anything_back() {
    let script = "
        n1 broadcasts m1
        n1 broadcasts m2
        n1 delivers m1
        n1 delivers m2
        nemesis ok drained";
    let consequences = |promises: &[&str], fifo_gaps: FifoGaps| {
        let options = Options { fifo_gaps, ..Options::default() };
        let verdict = judge(Some(&header(2, promises)), &ops(script), &options);
        let agreement = verdict.properties.into_iter().find(|p| p.property == "agreement").expect("it is judged");
        agreement.witnesses.iter().filter(|witness| witness.consequence_of.is_some()).count()
    };
    assert_eq!(consequences(&["agreement", "fifo-order"], FifoGaps::Forbidden), 1);
    assert_eq!(consequences(&["agreement", "fifo-order"], FifoGaps::Allowed), 0);
    assert_eq!(consequences(&["agreement"], FifoGaps::Forbidden), 0);
}

#[test]
fn of_many_messages_that_are_acknowledged_for_ever_none_is_forgotten() {
    let forever = Header { ok: Acknowledges::Delivered, ..header(1, &["uniform-agreement"]) };
    let many: String = (1..=150).map(|m| format!("c1 asks n1 m{m} \n c1 ok n1 m{m} \n")).collect();
    let verdict = judge(Some(&forever), &ops(&format!("{many} nemesis ok drained")), &Options::default());
    let uniform = verdict.properties.iter().find(|p| p.property == "uniform-agreement").expect("it is judged");
    assert_eq!(uniform.violations, 150);
}

#[test]
fn every_later_life_begins_in_the_middle_and_forgets_the_one_before() {
    check(
        &["fifo-order"],
        "
        n1 broadcasts m1
        n1 broadcasts m2
        n1 broadcasts m3
        n2 starts
        n2 starts
        n2 delivers m2
        n2 delivers m3
        n2 starts
        n2 delivers m1
        n2 delivers m3
        nemesis ok drained",
        expect![[r#"
            Clean, none
        "#]],
    );
}

#[test]
fn in_mode_recover_a_node_goes_on_where_it_was() {
    let recover = Header { crashes: Crashes::Recover, ..header(2, &["fifo-order"]) };
    check_under(
        &recover,
        "
        n1 broadcasts m1
        n1 broadcasts m2
        n1 broadcasts m3
        n2 starts
        n2 delivers m1
        n2 starts
        n2 delivers m3
        nemesis ok drained",
        expect![[r#"
            Violation, none
            fifo-order Invalid Promised, 1 violations, exercised 0
              n2 delivered m3 but never m2, though n1 broadcast m2 first [gap]
                1. line 1: n1 broadcasts m2 (m2 is before m3)
                2. line 2: n1 broadcasts m3 (after m2, so m2 must come first everywhere)
                3. line 6: n2 delivers m3 (m2 has not been delivered at n2)
        "#]],
    );
}

#[test]
fn of_three_lives_of_a_sender_each_has_its_own_order() {
    check(
        &["fifo-order"],
        "
        n1 starts
        n1 broadcasts m1
        n1 starts
        n1 broadcasts m2
        n1 broadcasts m3
        n1 starts
        n1 broadcasts m4
        n1 broadcasts m5
        n2 delivers m4
        n2 delivers m5
        n2 delivers m3
        nemesis ok drained",
        expect![[r#"
            Violation, none
            fifo-order Invalid Promised, 1 violations, exercised 0
              n2 delivered m3 but never m2, though n1 broadcast m2 first [gap]
                1. line 3: n1 broadcasts m2 (m2 is before m3)
                2. line 4: n1 broadcasts m3 (after m2, so m2 must come first everywhere)
                3. line 10: n2 delivers m3 (m2 has not been delivered at n2)
        "#]],
    );
}

#[test]
fn what_was_asked_for_in_one_life_and_acknowledged_in_the_next_is_of_the_next() {
    check(
        &["fifo-order"],
        "
        n2 starts
        c1 asks n2 m1
        n2 starts
        n2 delivers m3
        n2 delivers m1
        c1 ok n2 m1
        c1 asks n2 m3
        nemesis ok drained",
        expect![[r#"
            Violation, none
            fifo-order Invalid Promised, 1 violations, exercised 0
              n2 delivered m3 before m1, though n2 acknowledged m1 before m3 was asked for [swap]
                1. line 5: client 1 is told ok by n2 for m1 (m1 is before m3)
                2. line 6: client 1 asks n2 to broadcast m3 (after m1, so m1 must come first everywhere)
                3. line 3: n2 delivers m3 (m1 has not been delivered at n2)
                4. line 4: n2 delivers m1 (too late)
        "#]],
    );
}

#[test]
fn what_one_node_delivers_late_another_may_never_deliver() {
    check(
        &["fifo-order"],
        "
        n1 broadcasts m1
        n1 broadcasts m2
        n2 delivers m2
        n3 delivers m2
        n2 delivers m1
        nemesis ok drained",
        expect![[r#"
            Violation, none
            fifo-order Invalid Promised, 2 violations, exercised 0
              n2 delivered m2 before m1, though n1 broadcast m1 first [swap]
                1. line 0: n1 broadcasts m1 (m1 is before m2)
                2. line 1: n1 broadcasts m2 (after m1, so m1 must come first everywhere)
                3. line 2: n2 delivers m2 (m1 has not been delivered at n2)
                4. line 4: n2 delivers m1 (too late)
              n3 delivered m2 but never m1, though n1 broadcast m1 first [gap]
                1. line 0: n1 broadcasts m1 (m1 is before m2)
                2. line 1: n1 broadcasts m2 (after m1, so m1 must come first everywhere)
                3. line 3: n3 delivers m2 (m1 has not been delivered at n3)
        "#]],
    );
}

#[test]
fn in_the_weak_form_every_delivery_calls_for_all_before_it() {
    let weak = |script: &str| {
        let options = Options { fifo_gaps: FifoGaps::Allowed, ..Options::default() };
        render(&judge(Some(&header(2, &["fifo-order"])), &ops(script), &options))
    };
    expect![[r#"
        Violation, none
        fifo-order Invalid Promised, 1 violations, exercised 0
          n2 delivered m4 before m3, though n1 broadcast m3 first [swap]
            1. line 2: n1 broadcasts m3 (m3 is before m4)
            2. line 3: n1 broadcasts m4 (after m3, so m3 must come first everywhere)
            3. line 5: n2 delivers m4 (m3 has not been delivered at n2)
            4. line 6: n2 delivers m3 (too late)
    "#]]
    .assert_eq(&weak(
        "
        n1 broadcasts m1
        n1 broadcasts m2
        n1 broadcasts m3
        n1 broadcasts m4
        n2 delivers m2
        n2 delivers m4
        n2 delivers m3
        nemesis ok drained",
    ));
    expect![[r#"
        Violation, none
        fifo-order Invalid Promised, 1 violations, exercised 0
          n2 delivered m2 before m1, though n1 acknowledged m1 before m2 was asked for [swap]
            1. line 1: client 1 is told ok by n1 for m1 (m1 is before m2)
            2. line 2: client 1 asks n1 to broadcast m2 (after m1, so m1 must come first everywhere)
            3. line 4: n2 delivers m2 (m1 has not been delivered at n2)
            4. line 6: n2 delivers m1 (too late)
    "#]]
    .assert_eq(&weak(
        "
        c1 asks n1 m1
        c1 ok n1 m1
        c1 asks n1 m2
        c2 asks n1 m3
        n2 delivers m2
        n2 delivers m3
        n2 delivers m1
        nemesis ok drained",
    ));
}

#[test]
fn one_correct_node_can_not_disagree() {
    let script = r#"
        nemesis invoke kill {"id":1,"class":"kill","node":"n2"}
        n2 exits signal 9
        n1 broadcasts m1
        n2 delivers m1
        n1 delivers m1
        nemesis ok drained"#;
    let verdict = judge(Some(&header(2, &["agreement"])), &ops(script), &Options::default());
    let agreement = verdict.properties.iter().find(|p| p.property == "agreement").expect("it is judged");
    assert_eq!(agreement.exercised, 0);
}

#[test]
fn an_unknown_property_is_refused_by_name() {
    let options = Options { require: Some(vec!["happiness".to_owned()]), ..Options::default() };
    let refused = temblor_checkers::judge::Judge::new(None, &options).err();
    assert_eq!(refused, Some(JudgeError::UnknownProperty("happiness".to_owned())));
    expect!["unknown property `happiness`; there are: validity, no-duplication, no-creation, agreement, uniform-agreement, fifo-order, causal-order, total-order, uniform-total-order, one-order, gap-free-order, stable-log, one-leader-per-term, rising-terms, one-vote-per-term, log-matching, leader-append-only, leader-completeness, commit-order, state-machine-safety, consensus-agreement, consensus-integrity, consensus-validity, termination, charged-at-most-once, acknowledged-is-charged, failed-is-not-charged, no-invented-charge, reads-complete, reads-invent-nothing, reads-repeat-nothing, echoes-exact, ids-unique, survives"].assert_eq(&refused.map(|e| e.to_string()).unwrap_or_default());
}

#[test]
fn every_checker_has_a_twin_and_says_what_it_checks() {
    for checker in temblor_checkers::table::CHECKERS {
        assert!(TWINS.iter().any(|(name, _)| *name == checker.name), "{} has no twin", checker.name);
        assert!(!checker.definition.is_empty() && !checker.source.is_empty() && !checker.exercise.is_empty());
    }
}
