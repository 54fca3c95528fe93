//! Plain Maelstrom mode: a script of lines on stdin, and what the node writes to stdout.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the test starts processes and talks to them")]

mod process;

use expect_test::{Expect, expect};
use process::{Ended, Process};

const INIT_OF_ONE: &str =
    r#"{"id":0,"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}}"#;
const INIT_OF_THREE: &str =
    r#"{"id":0,"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}}"#;

const SYSTEMS: &[&str] = &["best-effort", "retransmit", "eager", "fifo", "fifo --over best-effort"];

/// What the node makes of a script, which it gets at once. After the last line its stdin ends.
fn play(arguments: &str, script: &[&str]) -> Ended {
    let mut node = Process::start(arguments);
    node.say(&script.join("\n"));
    node.close()
}

fn check(arguments: &str, script: &[&str], expected: Expect) {
    let ended = play(arguments, script);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    expected.assert_eq(&ended.stdout);
}

#[test]
fn a_node_alone_answers_every_request() {
    let script = [
        INIT_OF_ONE,
        r#"{"id":1,"src":"c1","dest":"n0","body":{"type":"topology","msg_id":2,"topology":{"n0":[]}}}"#,
        r#"{"id":2,"src":"c1","dest":"n0","body":{"type":"echo","msg_id":3,"echo":{"a": [1, "\u00e9"]}}}"#,
        r#"{"id":3,"src":"c1","dest":"n0","body":{"type":"broadcast","msg_id":4,"message":17}}"#,
        r#"{"id":4,"src":"c2","dest":"n0","body":{"type":"broadcast","msg_id":1,"message":5}}"#,
        r#"{"id":5,"src":"c1","dest":"n0","body":{"type":"read","msg_id":5}}"#,
    ];
    let answers: Vec<String> = SYSTEMS.iter().map(|system| play(system, &script).stdout).collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    expect![[r#"
        {"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}
        {"src":"n0","dest":"c1","body":{"type":"topology_ok","in_reply_to":2}}
        {"src":"n0","dest":"c1","body":{"type":"echo_ok","in_reply_to":3,"echo":{"a": [1, "\u00e9"]}}}
        {"src":"n0","dest":"c1","body":{"type":"broadcast_ok","in_reply_to":4}}
        {"src":"n0","dest":"c2","body":{"type":"broadcast_ok","in_reply_to":1}}
        {"src":"n0","dest":"c1","body":{"type":"read_ok","in_reply_to":5,"messages":[17,5]}}
    "#]]
    .assert_eq(&answers[0]);
}

#[test]
fn nodes_talk_over_stdout_without_extensions() {
    let script = [
        INIT_OF_THREE,
        r#"{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":17}}"#,
        r#"{"src":"n2","dest":"n1","body":{"type":"ack","seq":0}}"#,
        r#"{"src":"n3","dest":"n1","body":{"type":"data","seq":0,"m":{"type":"relay","sender":"n2","seq":1,"m":{"type":"fifo","sender":"n2","seq":1,"m":19}}}}"#,
        r#"{"src":"n3","dest":"n1","body":{"type":"data","seq":1,"m":{"type":"relay","sender":"n2","seq":0,"m":{"type":"fifo","sender":"n2","seq":0,"m":18}}}}"#,
        // Everything is acknowledged, so that no time-out adds lines, however slow the machine.
        r#"{"src":"n2","dest":"n1","body":{"type":"ack","seq":1}}"#,
        r#"{"src":"n2","dest":"n1","body":{"type":"ack","seq":2}}"#,
        r#"{"src":"n3","dest":"n1","body":{"type":"ack","seq":0}}"#,
        r#"{"src":"n3","dest":"n1","body":{"type":"ack","seq":1}}"#,
        r#"{"src":"n3","dest":"n1","body":{"type":"ack","seq":2}}"#,
        r#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":3}}"#,
    ];
    check(
        "fifo",
        &script,
        expect![[r#"
        {"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}
        {"src":"n1","dest":"n2","body":{"type":"data","seq":0,"m":{"type":"relay","sender":"n1","seq":0,"m":{"type":"fifo","sender":"n1","seq":0,"m":17}}}}
        {"src":"n1","dest":"n3","body":{"type":"data","seq":0,"m":{"type":"relay","sender":"n1","seq":0,"m":{"type":"fifo","sender":"n1","seq":0,"m":17}}}}
        {"src":"n1","dest":"c1","body":{"type":"broadcast_ok","in_reply_to":2}}
        {"src":"n1","dest":"n3","body":{"type":"ack","seq":0}}
        {"src":"n1","dest":"n2","body":{"type":"data","seq":1,"m":{"type":"relay","sender":"n2","seq":1,"m":{"type":"fifo","sender":"n2","seq":1,"m":19}}}}
        {"src":"n1","dest":"n3","body":{"type":"data","seq":1,"m":{"type":"relay","sender":"n2","seq":1,"m":{"type":"fifo","sender":"n2","seq":1,"m":19}}}}
        {"src":"n1","dest":"n3","body":{"type":"ack","seq":1}}
        {"src":"n1","dest":"n2","body":{"type":"data","seq":2,"m":{"type":"relay","sender":"n2","seq":0,"m":{"type":"fifo","sender":"n2","seq":0,"m":18}}}}
        {"src":"n1","dest":"n3","body":{"type":"data","seq":2,"m":{"type":"relay","sender":"n2","seq":0,"m":{"type":"fifo","sender":"n2","seq":0,"m":18}}}}
        {"src":"n1","dest":"c1","body":{"type":"read_ok","in_reply_to":3,"messages":[17,18,19]}}
    "#]],
    );
}

#[test]
fn observe_is_taken_up_as_far_as_it_is_known() {
    let script = [
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"],"observe":["broadcast","colour","deliver"]}}"#,
        r#"{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":17}}"#,
        r#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":3}}"#,
    ];
    check(
        "eager",
        &script,
        expect![[r#"
        {"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1,"observe":["broadcast","deliver"]}}
        {"src":"n1","dest":"observer","body":{"type":"broadcast","message":17}}
        {"src":"n1","dest":"observer","body":{"type":"deliver","message":17}}
        {"src":"n1","dest":"c1","body":{"type":"broadcast_ok","in_reply_to":2}}
        {"src":"n1","dest":"c1","body":{"type":"read_ok","in_reply_to":3,"messages":[17]}}
    "#]],
    );
}

#[test]
fn what_makes_no_sense_is_answered_where_somebody_waits_and_logged_where_not() {
    let script = [
        INIT_OF_ONE,
        r#"{"src":"c1","dest":"n0","body":{"type":"generate","msg_id":2}}"#,
        r#"{"src":"c1","dest":"n0","body":{"type":"broadcast","msg_id":3}}"#,
        r#"{"src":"c1","dest":"n0","body":{"type":"broadcast","msg_id":4,"message":"x"}}"#,
        r#"{"src":"c1","dest":"n0","body":{"type":"broadcast","msg_id":5,"message":-1}}"#,
        r#"{"src":"c1","dest":"n0","body":{"type":7,"msg_id":6}}"#,
        r#"{"src":"c1","dest":"n0","body":{"msg_id":7}}"#,
        r#"{"src":"c1","dest":"n0","body":{"type":"init","msg_id":8,"node_id":"n0","node_ids":["n0"]}}"#,
        r#"{"src":"c1","dest":"n0","body":{"type":"broadcast","message":"nobody waits"}}"#,
        r#"{"src":"n9","dest":"n0","body":{"type":"data","seq":0,"m":1}}"#,
        "hello",
        "[1,2",
        "\u{0}\u{1}",
        "",
        r#"{"src":"c1","dest":"n0","body":{"type":"echo","msg_id":9,"echo":"alive"}}"#,
    ];
    let ended = play("eager", &script);
    assert_eq!(ended.code, Some(0));
    expect![[r#"
        {"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}
        {"src":"n0","dest":"c1","body":{"type":"error","in_reply_to":2,"code":10,"text":"\"generate\" is not supported here"}}
        {"src":"n0","dest":"c1","body":{"type":"error","in_reply_to":3,"code":12,"text":"broadcast needs a message, a whole number"}}
        {"src":"n0","dest":"c1","body":{"type":"error","in_reply_to":4,"code":12,"text":"broadcast needs a message, a whole number"}}
        {"src":"n0","dest":"c1","body":{"type":"error","in_reply_to":5,"code":12,"text":"broadcast needs a message, a whole number"}}
        {"src":"n0","dest":"c1","body":{"type":"error","in_reply_to":6,"code":12,"text":"invalid type: integer `7`, expected a string at line 1 column 9"}}
        {"src":"n0","dest":"c1","body":{"type":"error","in_reply_to":7,"code":12,"text":"missing field `type` at line 1 column 12"}}
        {"src":"n0","dest":"c1","body":{"type":"error","in_reply_to":8,"code":10,"text":"\"init\" is not supported here"}}
        {"src":"n0","dest":"c1","body":{"type":"echo_ok","in_reply_to":9,"echo":"alive"}}
    "#]].assert_eq(&ended.stdout);
    expect![[r#"
        refused a request of c1: broadcast needs a message, a whole number
        ignored a frame of n9, which is no peer
        ignored a line that is no envelope: expected value at line 1 column 1
        ignored a line that is no envelope: invalid type: integer `1`, expected a string at line 1 column 2
        ignored a line that is no envelope: expected value at line 1 column 1
    "#]]
    .assert_eq(&ended.stderr);
}

#[test]
fn a_line_that_is_too_long_is_left_out_and_the_next_one_is_heard() {
    let long = "x".repeat(17 << 20);
    let echo = r#"{"src":"c1","dest":"n0","body":{"type":"echo","msg_id":9,"echo":"alive"}}"#;
    let ended = play("eager", &[INIT_OF_ONE, &long, echo]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.ends_with("\"echo\":\"alive\"}}\n"), "{}", ended.stdout);
    expect![[r#"
        ignored what is no request: a line of more than 16777216 bytes
    "#]]
    .assert_eq(&ended.stderr);
}

#[test]
fn an_end_of_stdin_is_the_end_with_code_0_before_and_after_init() {
    for script in [&[][..], &["", " "], &[INIT_OF_THREE], &["", INIT_OF_THREE]] {
        let ended = play("fifo", script);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{script:?}");
    }
}

#[test]
fn an_init_that_can_t_be_taken_is_refused_with_the_reason() {
    let refused = |init: &str| {
        let ended = play("fifo", &[init]);
        assert_eq!(ended.code, Some(1));
        ended.stdout + &ended.stderr
    };
    let of = |node: &str, nodes: &str| {
        format!(
            r#"{{"src":"c0","dest":"{node}","body":{{"type":"init","msg_id":1,"node_id":"{node}","node_ids":{nodes}}}}}"#
        )
    };
    expect![[r#"
        {"src":"alpha","dest":"c0","body":{"type":"error","in_reply_to":1,"code":12,"text":"the first line has to be init: no proper init: \"alpha\" is no name of a node; temblor's own nodes are called n1, n2, ... at line 1 column 43"}}
        error: the first line has to be init: no proper init: "alpha" is no name of a node; temblor's own nodes are called n1, n2, ... at line 1 column 43
    "#]].assert_eq(&refused(&of("alpha", r#"["alpha","beta"]"#)));
    expect![[r#"
        {"src":"n1","dest":"c0","body":{"type":"error","in_reply_to":1,"code":12,"text":"the first line has to be init: n1 is not among the node_ids"}}
        error: the first line has to be init: n1 is not among the node_ids
    "#]].assert_eq(&refused(&of("n1", r#"["n2","n3"]"#)));
    let twice = of("n1", r#"["n1","n2","n1"]"#);
    assert!(refused(&twice).contains("a node is named twice in node_ids"));
    let transport = r#""node_ids":["n1","n2"],"transport":{"listen":"127.0.0.1:0","peers":{}}"#;
    let alone = of("n1", r#"["n1","n2"]"#).replace(r#""node_ids":["n1","n2"]"#, transport);
    assert!(refused(&alone).contains("transport has no address for n2"));
    expect![[r#"
        {"src":"","dest":"c0","body":{"type":"error","in_reply_to":1,"code":12,"text":"the first line has to be init: echo came instead"}}
        error: the first line has to be init: echo came instead
    "#]].assert_eq(&refused(r#"{"src":"c0","dest":"n1","body":{"type":"echo","msg_id":1,"echo":1}}"#));
    expect![[r#"
        error: the first line has to be init: no envelope: expected value at line 1 column 1
    "#]]
    .assert_eq(&refused("hello"));
}

#[test]
fn a_wrong_command_line_ends_with_code_2_and_says_what_there_is() {
    let refused = |arguments: &str| {
        let ended = Process::start(arguments).close();
        assert_eq!(ended.code, Some(2));
        ended.stderr
    };
    expect![[r#"
        error: there is no algorithm fifi; there are best-effort, retransmit, eager, fifo, eager-uniform, gossip, causal, total-sequencer, total-lamport, fifo-total, election, paxos, multi-paxos, raft, viewstamped, zab, rpc, broadcast, echo, unique-ids
    "#]]
    .assert_eq(&refused("fifi"));
    expect![[r#"
        error: fifo does not run over gossip; it has: eager, retransmit, best-effort, durable-eager
    "#]]
    .assert_eq(&refused("fifo --over gossip"));
    expect![[r#"
        error: eager does not run over retransmit; it has: durable-links
    "#]]
    .assert_eq(&refused("eager --over retransmit"));
    expect![[r#"
        error: there is no bug skip-gap; fifo has ignores-numbers, skips-gap, releases-newest-first
    "#]]
    .assert_eq(&refused("fifo --bug skip-gap"));
    expect![[r#"
        error: the bug forgets-relay is one of eager, not of fifo
    "#]]
    .assert_eq(&refused("fifo --bug forgets-relay"));
}

#[test]
fn a_file_as_stdin_is_read_to_its_end() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let echo = r#"{"src":"c1","dest":"n0","body":{"type":"echo","msg_id":9,"echo":"alive"}}"#;
    std::fs::write(file.path(), format!("{INIT_OF_ONE}\n{echo}")).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_temblor-node"))
        .arg("eager")
        .stdin(std::fs::File::open(file.path()).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    expect![[r#"
        {"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}
        {"src":"n0","dest":"c1","body":{"type":"echo_ok","in_reply_to":9,"echo":"alive"}}
    "#]]
    .assert_eq(&String::from_utf8(output.stdout).unwrap());
}
