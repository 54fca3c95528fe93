//! One change to a correct run for each property: exactly that property is violated, or it first and others as consequences.

use temblor_checkers::verdict::{Judgement, Standing, Verdict};

use crate::script::{header, judge, ops};
use crate::twin::{OF_A_SINGLE_VALUE, TWINS};

/// Three nodes, two senders, a kill, and everything as it should be.
const CORRECT: &str = r#"
    n1 starts
    n2 starts
    n3 starts
    n4 starts
    n1 leads 1
    c1 asks n1 m1
    n1 broadcasts m1
    c1 ok n1 m1
    n1 delivers m1
    n2 delivers m1
    c1 asks n1 m2
    n1 broadcasts m2
    c1 ok n1 m2
    n1 delivers m2
    n3 delivers m1
    n2 leads 2
    c2 asks n2 m3
    n2 broadcasts m3
    c2 ok n2 m3
    n2 delivers m2
    n2 delivers m3
    n3 delivers m2
    n1 delivers m3
    n3 delivers m3
    n4 delivers m1
    n4 delivers m2
    n4 delivers m3
    nemesis invoke kill {"id":1,"class":"kill","node":"n4"}
    n4 exits signal 9
    nemesis ok kill {"id":1,"class":"kill","node":"n4"}
    nemesis ok heal
    nemesis ok drained"#;

fn verdict(script: &str) -> Verdict {
    let names = TWINS.iter().map(|(name, _)| *name).filter(|name| !OF_A_SINGLE_VALUE.contains(name));
    let names: Vec<&str> = names.collect();
    judge(Some(&header(4, &names)), &ops(script), &Default::default())
}

/// The properties that are violated for themselves, not only in consequence of others.
fn violated(verdict: &Verdict) -> Vec<&str> {
    let invalid =
        verdict.properties.iter().filter(|p| p.judgement == Judgement::Invalid && p.standing == Standing::Promised);
    let for_itself = invalid.filter(|p| p.witnesses.iter().any(|witness| witness.consequence_of.is_none()));
    for_itself.map(|p| p.property.as_str()).collect()
}

/// The properties that are violated, those that follow from others included.
fn invalid(verdict: &Verdict) -> Vec<&str> {
    let invalid = verdict.properties.iter().filter(|p| p.judgement == Judgement::Invalid);
    invalid.map(|p| p.property.as_str()).collect()
}

fn change(from: &str, to: &str) -> String {
    assert_eq!(CORRECT.matches(from).count(), 1, "`{from}` names one place");
    CORRECT.replace(from, to)
}

#[test]
fn the_run_is_correct_before_it_is_changed() {
    assert_eq!(violated(&verdict(CORRECT)), Vec::<&str>::new());
}

#[test]
fn a_dropped_own_delivery_violates_validity() {
    let orphan = "c1 asks n3 m9 \n n3 broadcasts m9 \n c1 ok n3 m9 \n";
    assert_eq!(violated(&verdict(&change("nemesis ok heal", &format!("{orphan} nemesis ok heal")))), ["validity"]);
}

#[test]
fn a_dropped_broadcast_of_an_acknowledged_message_violates_validity() {
    let never = "c1 asks n2 m9 \n c1 ok n2 m9 \n nemesis ok heal";
    assert_eq!(violated(&verdict(&change("nemesis ok heal", never))), ["validity"]);
}

#[test]
fn a_repeated_delivery_violates_no_duplication() {
    assert_eq!(violated(&verdict(&change("n3 delivers m3", "n3 delivers m3 \n n3 delivers m1"))), ["no-duplication"]);
}

#[test]
fn an_invented_delivery_violates_no_creation() {
    assert_eq!(violated(&verdict(&change("n3 delivers m3", "n3 delivers m3 \n n3 delivers m7"))), ["no-creation"]);
}

#[test]
fn a_dropped_delivery_violates_agreement() {
    assert_eq!(violated(&verdict(&change("n3 delivers m3\n", "\n"))), ["agreement"]);
}

#[test]
fn a_delivery_at_a_crashed_node_only_violates_uniform_agreement() {
    let unknown = "c1 asks n4 m8 \n n4 broadcasts m8 \n n4 delivers m8 \n n4 exits";
    assert_eq!(violated(&verdict(&change("n4 exits", unknown))), ["uniform-agreement"]);
}

/// The run with other deliveries of one node, in this order.
fn delivering(node: &str, messages: &[u32]) -> String {
    let own = |line: &&str| line.trim().starts_with(&format!("{node} delivers"));
    let last = CORRECT.lines().rfind(own).unwrap();
    let instead: Vec<String> = messages.iter().map(|m| format!("{node} delivers m{m}")).collect();
    let lines = CORRECT.lines().filter(|line| *line == last || !own(line));
    lines.map(|line| if line == last { instead.join("\n") } else { line.to_owned() }).collect::<Vec<_>>().join("\n")
}

#[test]
fn swapped_deliveries_of_one_sender_violate_fifo_order_and_all_that_is_above_it() {
    let above = ["fifo-order", "causal-order", "total-order", "uniform-total-order", "gap-free-order"];
    assert_eq!(violated(&verdict(&delivering("n3", &[2, 1, 3]))), above);
    assert_eq!(
        violated(&verdict(&delivering("n4", &[2, 1, 3])))[..3],
        ["fifo-order", "causal-order", "uniform-total-order"]
    );
}

#[test]
fn an_effect_before_its_cause_violates_causal_order_and_not_fifo_order() {
    // n2 had delivered m1 when it broadcast m3.
    let above = ["causal-order", "total-order", "uniform-total-order", "gap-free-order"];
    assert_eq!(violated(&verdict(&delivering("n3", &[3, 1, 2]))), above);
}

#[test]
fn swapped_deliveries_of_concurrent_messages_violate_total_order_alone() {
    let swapped = |node| verdict(&delivering(node, &[1, 3, 2]));
    // Uniformly it is n4 too, which crashed, that n3 contradicts.
    assert_eq!(violated(&swapped("n3")), ["total-order", "uniform-total-order", "gap-free-order"]);
    assert_eq!(violated(&swapped("n4")), ["uniform-total-order", "gap-free-order"]);
    // What is violated with them says from what it follows.
    assert_eq!(invalid(&swapped("n3")), ["total-order", "uniform-total-order", "one-order", "gap-free-order"]);
    assert_eq!(invalid(&swapped("n4")), ["uniform-total-order", "one-order", "gap-free-order"]);
}

#[test]
fn a_gap_at_a_crashed_node_violates_gap_free_order_alone() {
    assert_eq!(violated(&verdict(&delivering("n4", &[1, 3]))), ["gap-free-order"]);
}

#[test]
fn three_nodes_that_contradict_each_other_in_a_circle_violate_one_order_and_no_pair_does() {
    let circle =
        "n1 delivers m1 \n n1 delivers m2 \n n2 delivers m2 \n n2 delivers m3 \n n3 delivers m3 \n n3 delivers m1";
    let sent = "n4 broadcasts m1 \n n1 broadcasts m2 \n n2 broadcasts m3";
    let verdict = judge(
        Some(&header(4, &["total-order", "uniform-total-order", "one-order"])),
        &ops(&format!("{sent}\n{circle}\nnemesis ok drained")),
        &Default::default(),
    );
    assert_eq!(violated(&verdict), ["one-order"]);
    let witness =
        verdict.properties.iter().find(|property| property.property == "one-order").unwrap().witnesses[0].clone();
    assert_eq!((witness.shape.as_str(), witness.steps.len()), ("cycle", 6));
}

#[test]
fn a_follower_of_another_node_violates_one_leader_per_term() {
    assert_eq!(violated(&verdict(&change("n2 leads 2", "n2 leads 2 \n n3 follows n1 in 2"))), ["one-leader-per-term"]);
    assert_eq!(violated(&verdict(&change("n2 leads 2", "n2 leads 2 \n n3 follows n2 in 2"))), Vec::<&str>::new());
}

#[test]
fn a_second_leader_violates_one_leader_per_term() {
    assert_eq!(violated(&verdict(&change("n2 leads 2", "n2 leads 2 \n n3 leads 2"))), ["one-leader-per-term"]);
}

#[test]
fn an_exit_without_a_kill_violates_survives() {
    assert_eq!(violated(&verdict(&change("nemesis ok heal", "n3 exits code 1 \n nemesis ok heal"))), ["survives"]);
}
