//! Causal order, total order and leadership: histories good and bad, and what is said about each.

use expect_test::{Expect, expect};
use temblor_checkers::judge::{FifoGaps, Options};

use crate::script::{header, judge, ops, render};

const TOTAL: [&str; 4] = ["total-order", "uniform-total-order", "one-order", "gap-free-order"];

fn check(promises: &[&str], script: &str, expected: Expect) {
    check_as(FifoGaps::Forbidden, promises, script, expected);
}

fn check_as(fifo_gaps: FifoGaps, promises: &[&str], script: &str, expected: Expect) {
    let options = Options { require: None, fifo_gaps };
    expected.assert_eq(&render(&judge(Some(&header(4, promises)), &ops(script), &options)));
}

/// A message and its answer: n1 broadcasts m1, n2 delivers it and answers with m2.
const ANSWERED: &str = "
    n1 broadcasts m1
    n1 delivers m1
    n2 delivers m1
    n2 broadcasts m2
    n2 delivers m2
    n1 delivers m2\n";

fn answered(then: &str) -> String {
    format!("{ANSWERED}{then}\nnemesis ok drained")
}

#[test]
fn an_answer_before_its_question_is_shown_in_five_steps() {
    check(
        &["causal-order", "fifo-order"],
        &answered("n3 delivers m2 \n n3 delivers m1"),
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 1 violations, exercised 0
          n3 delivered m2 before m1, which n2 had delivered before it broadcast m2 [swap]
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 2: n2 delivers m1 (from here on all that n2 broadcasts depends on m1)
            3. line 3: n2 broadcasts m2 (so m1 precedes m2)
            4. line 6: n3 delivers m2 (m1 has not been delivered at n3)
            5. line 7: n3 delivers m1 (too late)
    "#]],
    );
}

#[test]
fn an_answer_without_its_question_is_a_gap_and_weak_causal_order_allows_it() {
    check(
        &["causal-order"],
        &answered("n3 delivers m2"),
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 1 violations, exercised 0
          n3 delivered m2 and never m1, which n2 had delivered before it broadcast m2 [gap]
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 2: n2 delivers m1 (from here on all that n2 broadcasts depends on m1)
            3. line 3: n2 broadcasts m2 (so m1 precedes m2)
            4. line 6: n3 delivers m2 (m1 has not been delivered at n3)
    "#]],
    );
    check_as(
        FifoGaps::Allowed,
        &["causal-order"],
        &answered("n3 delivers m2"),
        expect![[r#"
        Clean, none
    "#]],
    );
    let late = answered("n3 delivers m2 \n n3 delivers m1");
    check_as(
        FifoGaps::Allowed,
        &["causal-order"],
        &late,
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 1 violations, exercised 0
          n3 delivered m2 before m1, which n2 had delivered before it broadcast m2 [swap]
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 2: n2 delivers m1 (from here on all that n2 broadcasts depends on m1)
            3. line 3: n2 broadcasts m2 (so m1 precedes m2)
            4. line 6: n3 delivers m2 (m1 has not been delivered at n3)
            5. line 7: n3 delivers m1 (too late)
    "#]],
    );
}

#[test]
fn a_cause_of_a_cause_is_a_cause() {
    let script = answered("n3 delivers m1 \n n3 delivers m2 \n n3 broadcasts m3 \n n4 delivers m2 \n n4 delivers m3");
    check(
        &["causal-order"],
        &script,
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 2 violations, exercised 0
          n4 delivered m2 and never m1, which n2 had delivered before it broadcast m2 [gap]
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 2: n2 delivers m1 (from here on all that n2 broadcasts depends on m1)
            3. line 3: n2 broadcasts m2 (so m1 precedes m2)
            4. line 9: n4 delivers m2 (m1 has not been delivered at n4)
          n4 delivered m3 and never m1, which n3 had delivered before it broadcast m3 [gap]
            follows: m1 is missing at n4
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 6: n3 delivers m1 (from here on all that n3 broadcasts depends on m1)
            3. line 8: n3 broadcasts m3 (so m1 precedes m3)
            4. line 10: n4 delivers m3 (m1 has not been delivered at n4)
    "#]],
    );
    // Now n4 has not delivered the question either, but what it lacks first is what began it all.
    let chained = answered("n3 delivers m1 \n n3 delivers m2 \n n3 broadcasts m3 \n n4 delivers m3");
    check(
        &["causal-order"],
        &chained,
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 1 violations, exercised 0
          n4 delivered m3 and never m1, which n3 had delivered before it broadcast m3 [gap]
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 6: n3 delivers m1 (from here on all that n3 broadcasts depends on m1)
            3. line 8: n3 broadcasts m3 (so m1 precedes m3)
            4. line 9: n4 delivers m3 (m1 has not been delivered at n4)
    "#]],
    );
}

#[test]
fn of_several_causes_that_are_lacking_the_senders_own_is_told_else_that_of_the_lowest_sender() {
    let script = answered("n4 delivers m2 \n n4 broadcasts m3 \n n3 delivers m3");
    check(
        &["causal-order"],
        &script,
        expect![[r#"
            Violation, none
            causal-order Invalid Promised, 2 violations, exercised 0
              n4 delivered m2 and never m1, which n2 had delivered before it broadcast m2 [gap]
                1. line 0: n1 broadcasts m1 (m1 is the cause)
                2. line 2: n2 delivers m1 (from here on all that n2 broadcasts depends on m1)
                3. line 3: n2 broadcasts m2 (so m1 precedes m2)
                4. line 6: n4 delivers m2 (m1 has not been delivered at n4)
              n3 delivered m3 and never m1, which precedes m3 [gap]
                1. line 0: n1 broadcasts m1 (m1 is the cause)
                2. line 7: n4 broadcasts m3 (so m1 precedes m3)
                3. line 8: n3 delivers m3 (m1 has not been delivered at n3)
        "#]],
    );
    let script = "
        n1 broadcasts m1
        n2 broadcasts m2
        n2 delivers m1
        n2 broadcasts m3
        n3 delivers m3";
    check(
        &["causal-order"],
        &format!("{script}\nnemesis ok drained"),
        expect![[r#"
            Violation, none
            causal-order Invalid Promised, 1 violations, exercised 0
              n3 delivered m3 and never m2, which n2 had broadcast before [gap]
                1. line 1: n2 broadcasts m2 (m2 is the cause)
                2. line 3: n2 broadcasts m3 (so m2 precedes m3)
                3. line 4: n3 delivers m3 (m2 has not been delivered at n3)
        "#]],
    );
}

#[test]
fn a_cause_that_the_sender_had_not_seen_is_told_as_what_precedes() {
    let script = answered("n4 delivers m2 \n n4 broadcasts m3 \n n3 delivers m2 \n n3 delivers m3");
    check(
        &["causal-order"],
        &script,
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 3 violations, exercised 0
          n4 delivered m2 and never m1, which n2 had delivered before it broadcast m2 [gap]
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 2: n2 delivers m1 (from here on all that n2 broadcasts depends on m1)
            3. line 3: n2 broadcasts m2 (so m1 precedes m2)
            4. line 6: n4 delivers m2 (m1 has not been delivered at n4)
          n3 delivered m2 and never m1, which n2 had delivered before it broadcast m2 [gap]
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 2: n2 delivers m1 (from here on all that n2 broadcasts depends on m1)
            3. line 3: n2 broadcasts m2 (so m1 precedes m2)
            4. line 8: n3 delivers m2 (m1 has not been delivered at n3)
          n3 delivered m3 and never m1, which precedes m3 [gap]
            follows: m1 is missing at n3
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 7: n4 broadcasts m3 (so m1 precedes m3)
            3. line 9: n3 delivers m3 (m1 has not been delivered at n3)
    "#]],
    );
}

#[test]
fn an_own_message_is_a_cause_because_it_was_broadcast() {
    let script = "n1 broadcasts m1 \n n1 delivers m1 \n n1 broadcasts m2 \n n3 delivers m2 \n nemesis ok drained";
    check(
        &["causal-order"],
        script,
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 1 violations, exercised 0
          n3 delivered m2 and never m1, which n1 had broadcast before [gap]
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 2: n1 broadcasts m2 (so m1 precedes m2)
            3. line 3: n3 delivers m2 (m1 has not been delivered at n3)
    "#]],
    );
}

#[test]
fn which_cause_is_told_does_not_depend_on_what_the_sender_delivers_later() {
    let sent = "n1 broadcasts m1 \n n1 broadcasts m2 \n n2 delivers m2 \n n2 broadcasts m3 \n n2 broadcasts m4";
    let told = |then: &str| {
        let verdict = judge(Some(&header(4, &[])), &ops(&format!("{sent} \n {then}")), &Options::default());
        let of = verdict.properties.iter().find(|p| p.property == "causal-order").expect("it is in the table");
        of.witnesses.iter().map(|witness| witness.sentence.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told("n3 delivers m4 \n n2 delivers m1"), told("n2 delivers m1 \n n3 delivers m4"));
}

#[test]
fn a_late_message_is_told_with_the_first_that_came_before_it() {
    let late = answered("n1 broadcasts m3 \n n3 delivers m2 \n n3 delivers m3 \n n3 delivers m1");
    check_as(
        FifoGaps::Allowed,
        &["causal-order"],
        &late,
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 1 violations, exercised 0
          n3 delivered m2 before m1, which n2 had delivered before it broadcast m2 [swap]
            1. line 0: n1 broadcasts m1 (m1 is the cause)
            2. line 2: n2 delivers m1 (from here on all that n2 broadcasts depends on m1)
            3. line 3: n2 broadcasts m2 (so m1 precedes m2)
            4. line 7: n3 delivers m2 (m1 has not been delivered at n3)
            5. line 9: n3 delivers m1 (too late)
    "#]],
    );
}

#[test]
fn what_a_node_received_after_its_broadcast_is_no_cause_of_it() {
    let script = "
        n1 broadcasts m1
        n2 broadcasts m2
        n2 delivers m1
        n3 delivers m2
        n3 delivers m1
        nemesis ok drained";
    check(
        &["causal-order"],
        script,
        expect![[r#"
        Clean, none
    "#]],
    );
}

#[test]
fn an_answer_that_stands_in_the_file_before_its_question_is_no_answer_less() {
    let script = "
        n3 delivers m2
        n2 delivers m1
        n2 broadcasts m2
        n3 delivers m1
        n1 broadcasts m1
        nemesis ok drained";
    check(
        &["causal-order"],
        script,
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 1 violations, exercised 0
          n3 delivered m2 before m1, which n2 had delivered before it broadcast m2 [swap]
            1. line 4: n1 broadcasts m1 (m1 is the cause)
            2. line 1: n2 delivers m1 (from here on all that n2 broadcasts depends on m1)
            3. line 2: n2 broadcasts m2 (so m1 precedes m2)
            4. line 0: n3 delivers m2 (m1 has not been delivered at n3)
            5. line 3: n3 delivers m1 (too late)
    "#]],
    );
}

#[test]
fn a_later_life_has_forgotten_and_owes_no_cause() {
    let script = answered(
        r#"nemesis invoke kill {"id":1,"class":"kill","node":"n3"}
        n3 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n3"}
        n3 starts
        n3 delivers m2"#,
    );
    check(
        &["causal-order", "gap-free-order"],
        &script,
        expect![[r#"
        Clean, none
    "#]],
    );
}

#[test]
fn messages_that_caused_each_other_break_causal_order_wherever_they_are_delivered() {
    let script = "
        n1 delivers m2
        n1 broadcasts m1
        n2 delivers m1
        n2 broadcasts m2
        nemesis ok drained";
    check(
        &["causal-order"],
        script,
        expect![[r#"
        Violation, none
        causal-order Invalid Promised, 1 violations, exercised 0
          n2 delivered m1 and never m2, which n1 had delivered before it broadcast m1 [gap]
            1. line 3: n2 broadcasts m2 (m2 is the cause)
            2. line 0: n1 delivers m2 (from here on all that n1 broadcasts depends on m2)
            3. line 1: n1 broadcasts m1 (so m2 precedes m1)
            4. line 2: n2 delivers m1 (m2 has not been delivered at n2)
    "#]],
    );
}

/// Two messages that nobody broadcast after having delivered the other.
const CONCURRENT: &str = "
    n1 broadcasts m1
    n2 broadcasts m2
    n3 broadcasts m3\n";

fn delivered(orders: &[(&str, &[u32])]) -> String {
    let lines = orders.iter().flat_map(|(node, order)| order.iter().map(move |m| format!("{node} delivers m{m}\n")));
    format!("{CONCURRENT}{}nemesis ok drained", lines.collect::<String>())
}

#[test]
fn two_orders_at_two_nodes_are_shown_in_four_steps() {
    check(
        &TOTAL,
        &delivered(&[("n1", &[1, 2]), ("n2", &[2, 1])]),
        expect![[r#"
            Violation, none
            total-order Invalid Promised, 1 violations, exercised 0
              n1 delivered m1 before m2, and n2 m2 before m1 [inversion]
                1. line 3: n1 delivers m1 (m1 comes first at n1)
                2. line 4: n1 delivers m2 (then m2)
                3. line 5: n2 delivers m2 (m2 comes first at n2)
                4. line 6: n2 delivers m1 (then m1: the other order)
            uniform-total-order Invalid Promised, 1 violations, exercised 0
              n1 delivered m1 before m2, and n2 m2 before m1 [inversion]
                follows: m1 and m2 violate total order already
                1. line 3: n1 delivers m1 (m1 comes first at n1)
                2. line 4: n1 delivers m2 (then m2)
                3. line 5: n2 delivers m2 (m2 comes first at n2)
                4. line 6: n2 delivers m1 (then m1: the other order)
            one-order Invalid Promised, 1 violations, exercised 0
              n1 delivered m1 before m2, and n2 m2 before m1 [inversion]
                follows: m1 and m2 violate uniform total order already
                1. line 3: n1 delivers m1 (m1 comes first at n1)
                2. line 4: n1 delivers m2 (then m2)
                3. line 5: n2 delivers m2 (m2 comes first at n2)
                4. line 6: n2 delivers m1 (then m1: the other order)
            gap-free-order Invalid Promised, 1 violations, exercised 0
              n1 delivered m1 as message number 1, and n2 m2 [swap]
                1. line 3: n1 delivers m1 (number 1 at n1; all before it are the same at both)
                2. line 5: n2 delivers m2 (number 1 at n2 is another message)
        "#]],
    );
}

#[test]
fn an_inversion_is_told_from_the_side_of_the_lower_node_whoever_shows_it() {
    check(
        &TOTAL[..1],
        &delivered(&[("n2", &[1, 2]), ("n1", &[2, 1])]),
        expect![[r#"
            Violation, none
            total-order Invalid Promised, 1 violations, exercised 0
              n1 delivered m2 before m1, and n2 m1 before m2 [inversion]
                1. line 5: n1 delivers m2 (m2 comes first at n1)
                2. line 6: n1 delivers m1 (then m1)
                3. line 3: n2 delivers m1 (m1 comes first at n2)
                4. line 4: n2 delivers m2 (then m2: the other order)
        "#]],
    );
}

/// How often a property was exercised.
fn exercised(property: &str, script: &str) -> u64 {
    let verdict = judge(Some(&header(4, &[])), &ops(script), &Options::default());
    verdict.properties.iter().find(|p| p.property == property).expect("it is in the table").exercised
}

const PARTITION: &str = r#"nemesis invoke partition {"id":1,"class":"partition"}"#;

#[test]
fn total_order_is_exercised_behind_others_messages_while_a_fault_is_in_force() {
    // Neither the first to come so far, nor who delivers its own message, nor the first message counts.
    let agreed = delivered(&[("n1", &[1, 2]), ("n2", &[1, 2])]);
    assert_eq!(exercised("total-order", &format!("{PARTITION}\n{agreed}")), 0);
    let third = delivered(&[("n1", &[1, 2]), ("n2", &[1, 2]), ("n3", &[1, 2])]);
    assert_eq!(exercised("total-order", &format!("{PARTITION}\n{third}")), 1);
    assert_eq!(exercised("total-order", &third), 0);
    // n4 leaves the common sequence, which ends there; n3 goes on behind its end.
    let inverted = delivered(&[("n1", &[1, 2]), ("n4", &[2, 1]), ("n3", &[1, 2])]);
    assert_eq!(exercised("total-order", &format!("{PARTITION}\n{inverted}")), 2);
    // Behind another message of the same sender there is nothing to get wrong.
    let own =
        "n1 broadcasts m1 \n n1 broadcasts m2 \n n2 delivers m1 \n n2 delivers m2 \n n3 delivers m1 \n n3 delivers m2";
    assert_eq!(exercised("total-order", &format!("{PARTITION}\n{own}")), 0);
}

#[test]
fn causal_order_is_exercised_by_answers_while_a_fault_is_in_force() {
    let script = answered("n3 delivers m1 \n n3 delivers m2");
    assert_eq!(exercised("causal-order", &format!("{PARTITION}\n{script}")), 2);
    assert_eq!(exercised("causal-order", &script), 0);
    let own = "n1 broadcasts m1 \n n1 delivers m1 \n n1 broadcasts m2 \n n2 delivers m1 \n n2 delivers m2";
    assert_eq!(exercised("causal-order", &format!("{PARTITION}\n{own}")), 0);
    let unrelated = delivered(&[("n1", &[1, 2]), ("n2", &[2, 1])]);
    assert_eq!(exercised("causal-order", &format!("{PARTITION}\n{unrelated}")), 0);
}

#[test]
fn an_order_that_only_a_crashed_node_breaks_is_broken_uniformly() {
    let crash = r#"
        n4 delivers m2
        n4 delivers m1
        nemesis invoke kill {"id":1,"class":"kill","node":"n4"}
        n4 exits signal 9
        nemesis ok kill {"id":1,"class":"kill","node":"n4"}
        nemesis ok drained"#;
    let script = delivered(&[("n1", &[1, 2]), ("n2", &[1, 2])]).replace("nemesis ok drained", crash);
    check(
        &TOTAL[..2],
        &script,
        expect![[r#"
        Violation, none
        uniform-total-order Invalid Promised, 2 violations, exercised 0
          n1 delivered m1 before m2, and n4 m2 before m1 [inversion]
            1. line 3: n1 delivers m1 (m1 comes first at n1)
            2. line 4: n1 delivers m2 (then m2)
            3. line 7: n4 delivers m2 (m2 comes first at n4)
            4. line 8: n4 delivers m1 (then m1: the other order)
          n2 delivered m1 before m2, and n4 m2 before m1 [inversion]
            1. line 5: n2 delivers m1 (m1 comes first at n2)
            2. line 6: n2 delivers m2 (then m2)
            3. line 7: n4 delivers m2 (m2 comes first at n4)
            4. line 8: n4 delivers m1 (then m1: the other order)
    "#]],
    );
}

#[test]
fn whichever_of_two_nodes_crashed_their_orders_break_total_order_uniformly_alone() {
    let crash = r#"
        nemesis invoke kill {"id":1,"class":"kill","node":"n1"}
        n1 exits signal 9
        nemesis ok drained"#;
    let script = delivered(&[("n1", &[1, 2]), ("n2", &[2, 1])]).replace("nemesis ok drained", crash);
    check(
        &TOTAL[..2],
        &script,
        expect![[r#"
        Violation, none
        uniform-total-order Invalid Promised, 1 violations, exercised 0
          n1 delivered m1 before m2, and n2 m2 before m1 [inversion]
            1. line 3: n1 delivers m1 (m1 comes first at n1)
            2. line 4: n1 delivers m2 (then m2)
            3. line 5: n2 delivers m2 (m2 comes first at n2)
            4. line 6: n2 delivers m1 (then m1: the other order)
    "#]],
    );
}

#[test]
fn of_several_inversions_the_first_says_why_there_is_no_one_order() {
    check(
        &TOTAL[2..3],
        &delivered(&[("n1", &[1, 2, 3]), ("n2", &[2, 1]), ("n3", &[3, 2])]),
        expect![[r#"
        Violation, none
        one-order Invalid Promised, 1 violations, exercised 0
          n1 delivered m1 before m2, and n2 m2 before m1 [inversion]
            follows: m1 and m2 violate uniform total order already
            1. line 3: n1 delivers m1 (m1 comes first at n1)
            2. line 4: n1 delivers m2 (then m2)
            3. line 6: n2 delivers m2 (m2 comes first at n2)
            4. line 7: n2 delivers m1 (then m1: the other order)
    "#]],
    );
}

#[test]
fn a_circle_over_three_nodes_breaks_one_order_and_no_pair() {
    check(
        &TOTAL,
        &delivered(&[("n1", &[1, 2]), ("n2", &[2, 3]), ("n3", &[3, 1])]),
        expect![[r#"
            Violation, none
            one-order Invalid Promised, 1 violations, exercised 0
              no one order fits all nodes: n1 delivered m1 before m2; n2 delivered m2 before m3; n3 delivered m3 before m1 [cycle]
                1. line 3: n1 delivers m1 (m1 first at n1)
                2. line 4: n1 delivers m2 (then m2)
                3. line 5: n2 delivers m2 (m2 first at n2)
                4. line 6: n2 delivers m3 (then m3)
                5. line 7: n3 delivers m3 (m3 first at n3)
                6. line 8: n3 delivers m1 (then m1)
            gap-free-order Invalid Promised, 2 violations, exercised 0
              n1 delivered m1 as message number 1, and n2 m2 [gap]
                1. line 3: n1 delivers m1 (number 1 at n1; all before it are the same at both)
                2. line 5: n2 delivers m2 (number 1 at n2 is another message)
              n1 delivered m1 as message number 1, and n3 m3 [gap]
                1. line 3: n1 delivers m1 (number 1 at n1; all before it are the same at both)
                2. line 7: n3 delivers m3 (number 1 at n3 is another message)
        "#]],
    );
}

#[test]
fn a_message_left_out_breaks_gap_free_order_alone() {
    check(
        &TOTAL,
        &delivered(&[("n1", &[1, 2, 3]), ("n2", &[1, 3]), ("n3", &[1])]),
        expect![[r#"
            Violation, none
            gap-free-order Invalid Promised, 1 violations, exercised 0
              n1 delivered m2 as message number 2, and n2 m3 [gap]
                1. line 4: n1 delivers m2 (number 2 at n1; all before it are the same at both)
                2. line 7: n2 delivers m3 (number 2 at n2 is another message)
        "#]],
    );
}

#[test]
fn a_node_that_is_behind_breaks_nothing() {
    check(
        &TOTAL,
        &delivered(&[("n1", &[2, 1, 3]), ("n2", &[2]), ("n3", &[2, 1])]),
        expect![[r#"
        Clean, none
    "#]],
    );
}

#[test]
fn a_follower_names_another_leader_than_the_one_of_the_term() {
    let promises = ["one-leader-per-term"];
    check(
        &promises,
        "n1 leads 1 \n n2 follows n1 in 1 \n n3 follows n2 in 1 \n nemesis ok drained",
        expect![[r#"
            Violation
            one-leader-per-term Invalid Promised, 1 violations, exercised 2
              n1 was the leader of term 1, and n3 followed n2 in it [two-leaders]
                1. line 0: n1 leads term 1 (the leader of the term)
                2. line 2: n3 follows n2 in term 1 (another leader)
        "#]],
    );
    check(
        &promises,
        "n2 follows n1 in 1 \n n3 follows n2 in 1 \n nemesis ok drained",
        expect![[r#"
            Violation
            one-leader-per-term Invalid Promised, 1 violations, exercised 1
              in term 1 n2 followed n1, and n3 followed n2 [two-leaders]
                1. line 0: n2 follows n1 in term 1 (the leader of the term)
                2. line 1: n3 follows n2 in term 1 (another leader)
        "#]],
    );
    check(
        &promises,
        "n3 follows n2 in 1 \n n1 leads 1 \n n2 leads 2 \n nemesis ok drained",
        expect![[r#"
            Violation
            one-leader-per-term Invalid Promised, 1 violations, exercised 2
              n1 was the leader of term 1, and n3 followed n2 in it [two-leaders]
                1. line 1: n1 leads term 1 (the leader of the term)
                2. line 0: n3 follows n2 in term 1 (another leader)
        "#]],
    );
    check(
        &promises,
        "n1 leads 1 \n n2 follows n1 in 1 \n n2 leads 2 \n n1 follows n2 in 2 \n nemesis ok drained",
        expect![[r#"
            Clean
        "#]],
    );
}
