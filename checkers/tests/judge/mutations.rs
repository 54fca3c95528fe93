//! One change to a correct run for each property: exactly that property is violated, or it first and others as consequences.

use temblor_checkers::verdict::{Judgement, Standing, Verdict};

use crate::script::{header, judge, ops};
use crate::twin::TWINS;

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
    nemesis invoke kill {"id":1,"class":"kill","node":"n4"}
    n4 exits signal 9
    nemesis ok kill {"id":1,"class":"kill","node":"n4"}
    n2 leads 2
    c2 asks n2 m3
    n2 broadcasts m3
    c2 ok n2 m3
    n2 delivers m3
    n2 delivers m2
    n3 delivers m2
    n1 delivers m3
    n3 delivers m3
    nemesis ok heal
    nemesis ok drained"#;

fn verdict(script: &str) -> Verdict {
    let names: Vec<&str> = TWINS.iter().map(|(name, _)| *name).collect();
    judge(Some(&header(4, &names)), &ops(script), &Default::default())
}

/// The properties that are violated for themselves, not only in consequence of others.
fn violated(verdict: &Verdict) -> Vec<&str> {
    let invalid =
        verdict.properties.iter().filter(|p| p.judgement == Judgement::Invalid && p.standing == Standing::Promised);
    let for_itself = invalid.filter(|p| p.witnesses.iter().any(|witness| witness.consequence_of.is_none()));
    for_itself.map(|p| p.property.as_str()).collect()
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
    assert_eq!(
        violated(&verdict(&change(
            "n2 broadcasts m3\n",
            "n2 broadcasts m4 \n n2 delivers m4 \n n1 delivers m4 \n n3 delivers m4\n"
        ))),
        ["validity"]
    );
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

#[test]
fn swapped_deliveries_violate_fifo_order() {
    let swapped = change("n3 delivers m1\n", "n3 delivers m2\n");
    let swapped = swapped.replacen("n3 delivers m2\n    n1 delivers m3", "n3 delivers m1\n    n1 delivers m3", 1);
    assert_eq!(violated(&verdict(&swapped)), ["fifo-order"]);
}

#[test]
fn a_second_leader_violates_one_leader_per_term() {
    assert_eq!(violated(&verdict(&change("n2 leads 2", "n2 leads 2 \n n3 leads 2"))), ["one-leader-per-term"]);
}

#[test]
fn an_exit_without_a_kill_violates_survives() {
    assert_eq!(violated(&verdict(&change("nemesis ok heal", "n3 exits code 1 \n nemesis ok heal"))), ["survives"]);
}
