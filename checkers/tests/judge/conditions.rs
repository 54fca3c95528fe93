//! Conditions of promises, agreement as a statistic, and classification.

use expect_test::{Expect, expect};
use temblor_checkers::header::{Condition, Header};
use temblor_checkers::judge::Options;
use temblor_checkers::op::Op;
use temblor_checkers::verdict::Verdict;

use crate::script::{header, judge, ops, render};

fn verdict(header: &Header, ops: &[Op]) -> Verdict {
    judge(Some(header), ops, &Options::default())
}

fn under(condition: Condition) -> Header {
    let mut header = header(4, &[]);
    header.promises.insert("agreement".to_owned(), condition);
    header
}

/// How agreement stands if n2 delivers a message that others lack, after this.
fn standing(condition: Condition, before: &str) -> String {
    let script = format!("{before}\n n2 broadcasts m1 \n n2 delivers m1 \n nemesis ok drained");
    let verdict = verdict(&under(condition), &ops(&script));
    let agreement = verdict.properties.into_iter().find(|property| property.property == "agreement");
    format!("{:?}", agreement.expect("it is judged").standing)
}

fn killed(n: u8) -> String {
    let kill = format!(r#"kill {{"id":{n},"class":"kill","node":"n{n}"}}"#);
    format!("nemesis invoke {kill} \n n{n} exits signal 9 \n nemesis ok {kill}")
}

#[test]
fn the_leader_is_who_claimed_the_highest_term() {
    let leaderless = |before: &str| standing(Condition::WhileLeaderLives, before);
    expect![[r#"NotInForce("n1, the leader, crashed")"#]].assert_eq(&leaderless(&killed(1)));
    expect!["Promised"].assert_eq(&leaderless(&killed(3)));
    expect![[r#"NotInForce("n3, the leader of term 1, crashed")"#]]
        .assert_eq(&leaderless(&format!("n3 leads 1 \n {}", killed(3))));
    expect!["Promised"].assert_eq(&leaderless(&format!("n3 leads 1 \n {}", killed(1))));
    expect!["Promised"].assert_eq(&leaderless(&format!("n1 leads 1 \n {} \n n3 leads 2", killed(1))));
    expect![[r#"NotInForce("n3, the leader of term 2, crashed")"#]]
        .assert_eq(&leaderless(&format!("n3 leads 2 \n n1 leads 1 \n {}", killed(3))));
    expect![[r#"NotInForce("n3, the leader of term 2, crashed")"#]]
        .assert_eq(&leaderless(&format!("n1 leads 2 \n n3 leads 2 \n {}", killed(3))));
}

/// A run of gossip among four nodes, a message every 10 ms, of which these miss n4, and `more` in between by its time in ms.
fn gossip(messages: u64, misses: impl Fn(u64) -> bool, more: &[(u64, &str)]) -> Vec<Op> {
    let mut timed: Vec<(u64, Op)> = Vec::new();
    for m in 1..=messages {
        let lines = format!("n1 broadcasts m{m} \n n1 delivers m{m} \n n2 delivers m{m} \n n3 delivers m{m}");
        let lines = if misses(m) { lines } else { format!("{lines} \n n4 delivers m{m}") };
        timed.extend(ops(&lines).into_iter().map(|op| (10 * m, op)));
    }
    timed.extend(more.iter().flat_map(|(at, script)| ops(script).into_iter().map(move |op| (*at, op))));
    timed.extend(ops("nemesis ok heal \n nemesis ok drained").into_iter().map(|op| (1_000_000, op)));
    timed.sort_by_key(|(at, _)| *at);
    let number = |(index, (at, op)): (usize, (u64, Op))| Op { index: index as u64, time: at * 1_000_000, ..op };
    timed.into_iter().enumerate().map(number).collect()
}

fn check_gossip(fanout: Option<u32>, ops: &[Op], expected: Expect) {
    let header = Header { fanout, ..under(Condition::AsStatistic) };
    let text = render(&verdict(&header, ops));
    let brief: Vec<&str> = text.lines().filter(|line| !line.starts_with("    ")).take(4).collect();
    expected.assert_eq(&brief.join("\n"));
}

#[test]
fn gossip_may_miss_as_many_as_chance_explains() {
    // With fanout 2 among 4 nodes 1 message in 9 misses one.
    check_gossip(Some(2), &gossip(400, |m| m % 9 == 0, &[]), expect!["Clean, none"]);
    check_gossip(
        Some(2),
        &gossip(400, |m| m % 3 == 0, &[]),
        expect![[r#"
        Violation, none
        agreement Invalid Promised, 133 violations, exercised 0
          133 of 400 messages missed a node, and with fanout 2 among 4 nodes chance explains 11.1 % [statistic]
          n1 delivered m3, but n4 never did [missing]"#]],
    );
    check_gossip(
        Some(3),
        &gossip(400, |m| m == 7, &[]),
        expect![[r#"
        Violation, none
        agreement Invalid Promised, 1 violations, exercised 0
          1 of 400 messages missed a node, and with fanout 3 among 4 nodes chance explains 0.0 % [statistic]
          n1 delivered m7, but n4 never did [missing]"#]],
    );
    check_gossip(Some(3), &gossip(400, |_| false, &[]), expect!["Clean, uniform-reliable and fifo-total"]);
}

#[test]
fn too_few_messages_say_nothing() {
    check_gossip(
        Some(3),
        &gossip(99, |_| true, &[]),
        expect![[r#"
        Inconclusive(["agreement is unknown: there are 99 messages, and 100 are needed"]), none
        agreement Unknown Promised, 0 violations, exercised 0
          because there are 99 messages, and 100 are needed"#]],
    );
    check_gossip(
        Some(3),
        &gossip(100, |_| true, &[]),
        expect![[r#"
        Violation, none
        agreement Invalid Promised, 100 violations, exercised 0
          100 of 100 messages missed a node, and with fanout 3 among 4 nodes chance explains 0.0 % [statistic]
          n1 delivered m1, but n4 never did [missing]"#]],
    );
    check_gossip(
        None,
        &gossip(400, |_| true, &[]),
        expect![[r#"
        Inconclusive(["agreement is unknown: the history does not say to how many others a message is passed on"]), none
        agreement Unknown Promised, 0 violations, exercised 0
          because the history does not say to how many others a message is passed on"#]],
    );
    let mut late = gossip(400, |_| true, &[]);
    late.truncate(late.len() - 1);
    check_gossip(
        Some(3),
        &late,
        expect![[r#"
        Inconclusive(["the history is cut short", "agreement is unknown: the history does not end with everything drained in time"]), at least none
        agreement Unknown Promised, 0 violations, exercised 0
          because the history does not end with everything drained in time"#]],
    );
}

#[test]
fn a_message_that_its_own_sender_never_delivered_says_nothing_of_how_gossip_spreads() {
    let unheard = "n2 broadcasts m1001 \n n2 broadcasts m1002";
    check_gossip(Some(3), &gossip(400, |_| false, &[(2_000, unheard)]), expect!["Clean, none"]);
}

#[test]
fn messages_that_met_a_fault_of_a_link_or_a_crash_do_not_count() {
    let cut = r#"partition {"id":1,"class":"partition","cut":[["n1","n4"]]}"#;
    let (begins, ends) = (format!("nemesis invoke {cut}"), format!("nemesis ok {cut}"));
    let in_force = [(2_000, begins.as_str()), (3_000, ends.as_str())];
    check_gossip(Some(3), &gossip(500, |m| (200..300).contains(&m), &in_force), expect!["Clean, none"]);
    check_gossip(
        Some(3),
        &gossip(500, |m| m == 350, &in_force),
        expect![[r#"
        Violation, none
        agreement Invalid Promised, 1 violations, exercised 100
          1 of 290 messages missed a node, and with fanout 3 among 4 nodes chance explains 0.0 % [statistic]
          n1 delivered m350, but n4 never did [missing]"#]],
    );
    check_gossip(
        Some(3),
        &gossip(350, |m| m > 100, &in_force),
        expect![[r#"
        Violation, none
        agreement Invalid Promised, 46 violations, exercised 100
          46 of 140 messages missed a node, and with fanout 3 among 4 nodes chance explains 0.0 % [statistic]
          n1 delivered m101, but n4 never did [missing]"#]],
    );
    let kill = killed(4);
    check_gossip(
        Some(3),
        &gossip(500, |m| m >= 300, &[(3_000, &kill)]),
        expect!["Clean, uniform-reliable and fifo-total"],
    );
    let pause = r#"nemesis invoke pause {"id":1,"class":"pause","node":"n4"} \n nemesis ok pause {"id":1,"class":"pause","node":"n4"}"#;
    let pause = pause.replace(r"\n", "\n");
    check_gossip(
        Some(3),
        &gossip(500, |m| m == 350, &[(3_000, &pause)]),
        expect![[r#"
        Violation, none
        agreement Invalid Promised, 1 violations, exercised 200
          1 of 500 messages missed a node, and with fanout 3 among 4 nodes chance explains 0.0 % [statistic]
          n1 delivered m350, but n4 never did [missing]"#]],
    );
}

fn classified(script: &str) -> String {
    verdict(&header(3, &[]), &ops(script)).classification.join(" and ")
}

/// Three nodes, each of which delivers these messages in this order; n1 broadcasts m1 and m2, n2 m3 once it has m1, n3 m4.
fn run(orders: [&[u32]; 3]) -> String {
    let rest = |n: usize, from: usize| -> String {
        orders[n][from..].iter().map(|m| format!("n{} delivers m{m}\n", n + 1)).collect()
    };
    let until = orders[1].iter().position(|m| *m == 1).map_or(0, |at| at + 1);
    let first: String = orders[1][..until].iter().map(|m| format!("n2 delivers m{m}\n")).collect();
    format!(
        "n1 broadcasts m1\nn1 broadcasts m2\nn3 broadcasts m4\n{first}n2 broadcasts m3\n{}{}{}nemesis ok drained",
        rest(0, 0),
        rest(1, until),
        rest(2, 0)
    )
}

#[test]
fn a_history_is_classified_by_the_strongest_models_that_it_fits() {
    expect!["uniform-reliable and fifo-total"].assert_eq(&classified(&run([
        &[1, 2, 3, 4],
        &[1, 2, 3, 4],
        &[1, 2, 3, 4],
    ])));
    expect!["uniform-reliable and causal"].assert_eq(&classified(&run([&[1, 2, 3, 4], &[1, 2, 3, 4], &[4, 1, 2, 3]])));
    expect!["uniform-reliable and fifo"].assert_eq(&classified(&run([&[1, 2, 3, 4], &[1, 2, 3, 4], &[3, 1, 2, 4]])));
    expect!["uniform-reliable and total"].assert_eq(&classified(&run([&[2, 1, 3, 4], &[2, 1, 3, 4], &[2, 1, 3, 4]])));
    expect!["uniform-reliable"].assert_eq(&classified(&run([&[2, 1, 3, 4], &[1, 2, 3, 4], &[2, 1, 3, 4]])));
    expect!["none"].assert_eq(&classified(&run([&[1, 2, 3, 4], &[1, 2, 3, 4], &[1, 2, 3]])));
    expect!["none"].assert_eq(&classified(&run([&[1, 2, 3, 4], &[1, 2, 3, 4], &[1, 2, 3, 3, 4]])));
    expect!["uniform-reliable and fifo-total"]
        .assert_eq(&classified(&run([&[1, 2, 3, 4], &[1, 2, 3, 4], &[1, 2, 3, 4]]).replace("drained", "heal")));
}
