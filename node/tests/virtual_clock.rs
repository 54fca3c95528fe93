//! Under a virtual clock: each input is answered up to `idle`, and the same inputs give the same bytes.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the test starts processes and talks to them")]

mod process;

use expect_test::expect;
use process::{Ended, Process};

const INIT: &str = r#"{"src":"c0","dest":"n1","now":0,"input":1,"body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"],"observe":["broadcast","deliver"],"clock":"virtual"}}"#;
const BROADCAST: &str =
    r#"{"src":"c1","dest":"n1","now":1000000,"input":2,"body":{"type":"broadcast","msg_id":2,"message":17}}"#;
const TOO_EARLY: &str = r#"{"src":"c0","dest":"n1","now":25999999,"input":3,"body":{"type":"wake"}}"#;
const WAKE: &str = r#"{"src":"c0","dest":"n1","now":26000000,"input":4,"body":{"type":"wake"}}"#;
const ACK: &str = r#"{"src":"n2","dest":"n1","now":30000000,"input":5,"body":{"type":"ack","seq":0}}"#;

fn play(script: &[&str]) -> Ended {
    let mut node = Process::start("retransmit");
    node.say(&script.join("\n"));
    node.close()
}

#[test]
fn a_frame_is_sent_again_at_the_time_at_which_the_node_wanted_to_be_woken() {
    let ended = play(&[INIT, BROADCAST, TOO_EARLY, WAKE, ACK]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    expect![[r#"
        {"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1,"observe":["broadcast","deliver"],"clock":"virtual"}}
        {"src":"n1","dest":"observer","body":{"type":"idle","input":1,"wake":null}}
        {"src":"n1","dest":"observer","body":{"type":"broadcast","message":17}}
        {"src":"n1","dest":"observer","body":{"type":"deliver","message":17}}
        {"src":"n1","dest":"n2","key":"send/17","body":{"type":"data","seq":0,"m":{"type":"send","m":17}}}
        {"src":"n1","dest":"c1","body":{"type":"broadcast_ok","in_reply_to":2}}
        {"src":"n1","dest":"observer","body":{"type":"idle","input":2,"wake":26000000}}
        {"src":"n1","dest":"observer","body":{"type":"idle","input":3,"wake":26000000}}
        {"src":"n1","dest":"n2","key":"send/17","body":{"type":"data","seq":0,"m":{"type":"send","m":17}}}
        {"src":"n1","dest":"observer","body":{"type":"idle","input":4,"wake":76000000}}
        {"src":"n1","dest":"observer","body":{"type":"idle","input":5,"wake":76000000}}
    "#]]
    .assert_eq(&ended.stdout);
}

#[test]
fn the_same_inputs_give_the_same_bytes_at_any_pace() {
    let script = [INIT, BROADCAST, TOO_EARLY, WAKE, ACK];
    let at_once = play(&script).stdout;
    let mut node = Process::start("retransmit");
    let mut one_by_one = String::new();
    for (at, input) in script.iter().enumerate() {
        node.say(input);
        let idle = format!("\"type\":\"idle\",\"input\":{}", at + 1);
        while !one_by_one.lines().last().is_some_and(|line| line.contains(&idle)) {
            one_by_one += &(node.hear() + "\n");
        }
    }
    assert_eq!(one_by_one, at_once);
}

#[test]
fn an_input_without_its_time_ends_the_node_with_the_reason() {
    let ended = play(&[INIT, r#"{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":17}}"#]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("without now and input"), "{}", ended.stderr);
    let ended = play(&[&INIT.replace(r#""now":0,"#, "")]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("init brings no now and input"), "{}", ended.stderr);
}
