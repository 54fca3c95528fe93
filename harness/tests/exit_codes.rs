//! Exit codes, each with what is said: every row of the table of `temblor --help`, and which wins when several apply.
#![allow(clippy::too_many_lines, reason = "a test here is a list of commands and what each prints")]

mod command;

use command::{Ended, Temblor};
use expect_test::{Expect, expect};

/// A clean history of two nodes.
const CLEAN: &str = r#"{"index":0,"time":0,"process":"nemesis","type":"info","f":"run","value":{"format":1,"system":"hand-made","nodes":["n1","n2"],"crashes":"stop","faulty_max":1,"ok":"taken","promises":{"no-creation":"always","agreement":"always"}}}
{"index":1,"time":1,"process":"n1","type":"info","f":"start","value":{"incarnation":1}}
{"index":2,"time":2,"process":"n2","type":"info","f":"start","value":{"incarnation":1}}
{"index":3,"time":3,"process":1,"type":"invoke","f":"broadcast","value":{"node":"n1","message":17}}
{"index":4,"time":4,"process":"n1","type":"info","f":"broadcast","value":17}
{"index":5,"time":5,"process":"n1","type":"info","f":"deliver","value":17}
{"index":6,"time":6,"process":1,"type":"ok","f":"broadcast","value":{"node":"n1","message":17}}
{"index":7,"time":7,"process":"n2","type":"info","f":"deliver","value":17}
{"index":8,"time":8,"process":"nemesis","type":"ok","f":"heal","value":{}}
{"index":9,"time":9,"process":"nemesis","type":"ok","f":"drained","value":{}}
"#;

/// A plan by hand: n1 broadcasts, and a link that carries nothing in best-effort broadcast is cut.
const PLAN: &str = r#"{
  "format": 1,
  "algorithm": "best-effort",
  "seed": 7,
  "nodes": ["n1", "n2", "n3"],
  "length_us": 300000,
  "requested": ["partition"],
  "operations": [
    {"when": {"at_us": 50000}, "node": "n1", "broadcast": 1}
  ],
  "faults": [
    {"id": 1, "when": {"at_us": 0}, "for_us": 200000, "fault": {"partition": {"cut": [["n3", "n2"]]}}}
  ]
}
"#;

/// A folder with histories of every kind.
fn histories() -> Temblor {
    let temblor = Temblor::new();
    temblor.write("clean.jsonl", CLEAN);
    temblor.write("violation.jsonl", CLEAN.replace("\"deliver\",\"value\":17", "\"deliver\",\"value\":18"));
    temblor.write("inconclusive.jsonl", first_lines(9));
    temblor.write("torn.jsonl", &CLEAN[..CLEAN.len() - 10]);
    temblor.write("nothing.jsonl", first_lines(3));
    temblor.write("empty.jsonl", "");
    temblor.write("garbage.jsonl", first_lines(4) + "garbage\n");
    temblor
}

fn first_lines(count: usize) -> String {
    CLEAN.split_inclusive('\n').take(count).collect()
}

/// Runs a command: its exit code, and what it says on stderr, which must fit.
#[track_caller]
fn check(temblor: &Temblor, words: &str, (code, said): (i32, Expect)) -> Ended {
    let ended = temblor.run(words).expect(code);
    let text = temblor.plain(&ended.err);
    said.assert_eq(&text);
    fits(&text);
    fits(&temblor.plain(&ended.out));
    ended
}

/// At most 80 columns, but for what can't be broken.
#[track_caller]
fn fits(text: &str) {
    let long = text.lines().find(|line| line.chars().count() > 80 && line.trim().contains(' '));
    assert_eq!(long, None, "longer than 80 columns");
}

#[test]
fn a_run_that_is_clean_is_0() {
    let temblor = Temblor::new();
    let words = "run fifo --nodes 2 --nemesis none --seed 1 --rate 20 --time-limit 300ms";
    let ended = check(
        &temblor,
        words,
        (
            0,
            expect![[r#"
        fifo: 2 nodes, 6 operations, 0 faults, 0.3 s, seed 1
        files: results/RUN
    "#]],
        ),
    );
    assert!(ended.out.contains("OK: every promised property held."), "{}", ended.out);
    check(&temblor, "explain", (0, expect![[""]]));
}

#[test]
fn what_only_prints_is_0() {
    let temblor = Temblor::new();
    for words in
        ["list algorithms", "list bugs", "list workloads", "list faults", "list checkers", "--help", "--version"]
    {
        check(&temblor, words, (0, expect![[""]]));
    }
    for words in ["run --help", "check --help", "explain --help"] {
        check(&temblor, words, (0, expect![[""]]));
    }
    // Files, not prose: they are as wide as their lines.
    for words in ["schema history", "schema plan", "plan fifo --seed 1"] {
        assert_eq!(temblor.run(words).expect(0).err, "");
    }
    for verb in ["doctor", "demo", "plan", "list", "schema", "node"] {
        check(&temblor, &format!("{verb} --help"), (0, expect![[""]]));
    }
}

#[test]
fn a_plan_without_a_seed_says_which_it_drew() {
    let temblor = Temblor::new();
    let ended = temblor.run("plan fifo").expect(0);
    let seed = ended.err.trim().strip_prefix("seed ").expect("the seed is said").to_owned();
    assert_eq!(temblor.run(&format!("plan fifo --seed {seed}")).expect(0).out, ended.out);
}

#[test]
fn a_run_with_a_violation_is_1() {
    let temblor = Temblor::new();
    let words = "run best-effort --bug wrong-number --nodes 2 --nemesis none --seed 1 --rate 20 --time-limit 300ms";
    let ended = check(
        &temblor,
        words,
        (
            1,
            expect![[r#"
                best-effort, bug wrong-number: 2 nodes, 6 operations, 0 faults, 0.3 s, seed 1
                why:   temblor explain results/RUN
                page:  results/RUN/report.html
                files: results/RUN
            "#]],
        ),
    );
    assert!(ended.out.contains("VIOLATION of no-creation."), "{}", ended.out);
    let explained = check(&temblor, "explain", (0, expect![[""]]));
    assert!(explained.out.starts_with("no-creation: "), "{}", explained.out);
}

#[test]
fn histories_are_judged_by_what_they_show() {
    let temblor = histories();
    for (name, code) in [("clean", 0), ("violation", 1), ("inconclusive", 3), ("torn", 3), ("nothing", 4), ("empty", 4)]
    {
        check(&temblor, &format!("check {name}.jsonl"), (code, expect![[""]]));
        check(&temblor, &format!("explain {name}.jsonl"), (0, expect![[""]]));
    }
    check(
        &temblor,
        "check garbage.jsonl",
        (
            5,
            expect![[r#"
        error: failed to read garbage.jsonl: line 5 (byte 505): no op: every line is a
        JSON object; found garbage
    "#]],
        ),
    );
    check(
        &temblor,
        "explain garbage.jsonl",
        (
            5,
            expect![[r#"
        error: failed to read garbage.jsonl: line 5 (byte 505): no op: every line is a
        JSON object; found garbage
    "#]],
        ),
    );
}

#[test]
fn the_worst_of_several_histories_wins() {
    let temblor = histories();
    let names = ["clean", "inconclusive", "nothing", "garbage", "violation"];
    let codes = [0, 3, 4, 5, 1];
    for worse in 0..names.len() {
        for better in 0..=worse {
            let (a, b) = (names[better], names[worse]);
            for words in [format!("check {a}.jsonl {b}.jsonl"), format!("check {b}.jsonl {a}.jsonl")] {
                assert_eq!(temblor.run(&words).code, Some(codes[worse]), "{words}");
            }
        }
    }
}

#[test]
fn an_absent_path_is_2_before_anything_is_judged() {
    let temblor = histories();
    std::fs::create_dir(temblor.file("hollow")).expect("the folder can be made");
    check(
        &temblor,
        "check nowhere.jsonl",
        (
            2,
            expect![[r#"
        error: there is no history at nowhere.jsonl; `temblor run` leaves one in
        results/latest
    "#]],
        ),
    );
    check(
        &temblor,
        "check hollow",
        (
            2,
            expect![[r#"
        error: hollow holds no history.jsonl; name a run folder, such as results/latest
    "#]],
        ),
    );
    check(
        &temblor,
        "explain nowhere.jsonl",
        (
            2,
            expect![[r#"
        error: there is no history at nowhere.jsonl; `temblor run` leaves one in
        results/latest
    "#]],
        ),
    );
    check(
        &temblor,
        "explain",
        (
            2,
            expect![[r#"
        error: there is no history at results/latest; `temblor run` leaves one in
        results/latest
    "#]],
        ),
    );
    let ended = check(
        &temblor,
        "check violation.jsonl nowhere.jsonl",
        (
            2,
            expect![[r#"
        error: there is no history at nowhere.jsonl; `temblor run` leaves one in
        results/latest
    "#]],
        ),
    );
    assert_eq!(ended.out, "", "a violation that is not shown is not masked");
}

#[test]
fn a_demo_of_what_does_not_exist_is_2() {
    let temblor = Temblor::new();
    check(
        &temblor,
        "demo --algorithms fifo,fofo",
        (
            2,
            expect![[r#"
        error: there is no algorithm fofo; see temblor list algorithms
    "#]],
        ),
    );
    assert!(!temblor.file("results").exists(), "nothing was begun");
}

#[test]
fn a_demo_that_shows_everything_is_0() {
    let temblor = Temblor::new();
    let ended = temblor.run("demo --algorithms retransmit --executor sim").expect(0);
    fits(&temblor.plain(&ended.out));
    fits(&temblor.plain(&ended.err));
}

#[test]
fn a_machine_on_which_nothing_runs_is_5() {
    let temblor = Temblor::new();
    temblor.write("file", "");
    let ended = temblor.run("doctor --out file/results").expect(5);
    fits(&temblor.plain(&ended.out));
    assert_eq!(ended.err, "");
}

#[test]
fn a_wrong_command_line_is_2() {
    let temblor = Temblor::new();
    check(
        &temblor,
        "run fifo --nope",
        (
            2,
            expect![[r#"
        error: unexpected argument '--nope' found

          tip: a similar argument exists: '--nodes'
          tip: to pass '--nope' as a value, use '-- --nope'

        Usage: temblor run --nodes <N> <ALGORITHM> [-- <ARGS>...]

        For more information, try '--help'.
    "#]],
        ),
    );
    check(
        &temblor,
        "run",
        (
            2,
            expect![[r#"
                error: no algorithm: `temblor run fifo`, or any of `temblor list algorithms`
            "#]],
        ),
    );
    check(
        &temblor,
        "rum fifo",
        (
            2,
            expect![[r#"
        error: unrecognized subcommand 'rum'

          tip: a similar subcommand exists: 'run'

        Usage: temblor <COMMAND>

        For more information, try '--help'.
    "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --nodes 0",
        (
            2,
            expect![[r#"
        error: invalid value '0' for '--nodes <N>': 0 is not in 1..=128

        For more information, try '--help'.
    "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --runs 0",
        (
            2,
            expect![[r#"
        error: invalid value '0' for '--runs <N>': 0 is not in 1..18446744073709551615

        For more information, try '--help'.
    "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --time-limit 5x",
        (
            2,
            expect![[r#"
        error: invalid value '5x' for '--time-limit <TIME>': no unit of time: "x"

          tip: use us, ms, s, m or h; bare numbers are seconds

        For more information, try '--help'.
    "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --plan a.json --seed 7",
        (
            2,
            expect![[r#"
        error: the argument '--plan <FILE>' cannot be used with '--seed <N>'

        Usage: temblor run --plan <FILE> <ALGORITHM> [-- <ARGS>...]

        For more information, try '--help'.
    "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --seed 18446744073709551615 --runs 2",
        (
            2,
            expect![[r#"
        error: seed 18446744073709551615 and 2 runs from it go beyond the largest number
    "#]],
        ),
    );
    check(
        &temblor,
        "list nonsense",
        (
            2,
            expect![[r#"
                error: invalid value 'nonsense' for '<TABLE>'
                  [possible values: algorithms, bugs, workloads, faults, checkers, plans]

                For more information, try '--help'.
            "#]],
        ),
    );
    assert!(!temblor.file("results").exists(), "decided before anything runs");
}

#[test]
fn an_unknown_name_is_2_and_the_known_ones_are_said() {
    let temblor = histories();
    check(
        &temblor,
        "run fiffo",
        (
            2,
            expect![[r#"
                error: there is no algorithm fiffo; there are best-effort, retransmit, eager,
                fifo, eager-uniform, gossip, causal, total-sequencer, total-lamport, fifo-total,
                election, paxos, multi-paxos, raft, viewstamped, zab, rpc, broadcast, echo,
                unique-ids
            "#]],
        ),
    );
    check(
        &temblor,
        "plan fiffo",
        (
            2,
            expect![[r#"
                error: there is no algorithm fiffo; there are best-effort, retransmit, eager,
                fifo, eager-uniform, gossip, causal, total-sequencer, total-lamport, fifo-total,
                election, paxos, multi-paxos, raft, viewstamped, zab, rpc, broadcast, echo,
                unique-ids
            "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --over fiffo",
        (
            2,
            expect![[r#"
                error: fifo does not run over fiffo; it has: eager, retransmit, best-effort,
                durable-eager
            "#]],
        ),
    );
    check(
        &temblor,
        "run eager --over retransmit",
        (
            2,
            expect![[r#"
                error: eager does not run over retransmit; it has: durable-links
            "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --bug skips-gaps",
        (
            2,
            expect![[r#"
        error: there is no bug skips-gaps; fifo has ignores-numbers, skips-gap,
        releases-newest-first
    "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --bug no-deduplication",
        (
            2,
            expect![[r#"
        error: no-deduplication is a bug of retransmit, not of fifo; fifo has
        ignores-numbers, skips-gap, releases-newest-first
    "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --nemesis partitions",
        (
            2,
            expect![[r#"
                error: there is no fault partitions; did you mean partition? (there are all,
                bitflip, connection, crash-during-recovery, crash-loop, delay, disk, duplicate,
                flap, half-open, jitter, kill, kill-all, link, lose-unsynced, loss, none,
                partition, pause, rate, reorder, reset-connections, restart, rolling-restart,
                stutter, torn-write, truncate-tail, wipe)
            "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --nemesis none,kill",
        (
            2,
            expect![[r#"
        error: --nemesis none can't be combined with faults
    "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --workload broadcasts",
        (
            2,
            expect![[r#"
                error: there is no workload broadcasts; did you mean broadcast? (there are
                broadcast, burst, chat, payments, echo, unique-ids)
            "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --require fifo",
        (
            2,
            expect![[r#"
                error: unknown property `fifo`; there are: validity, no-duplication,
                no-creation, agreement, uniform-agreement, fifo-order, causal-order,
                total-order, uniform-total-order, one-order, gap-free-order, stable-log,
                one-leader-per-term, rising-terms, one-vote-per-term, log-matching,
                leader-append-only, leader-completeness, commit-order, state-machine-safety,
                consensus-agreement, consensus-integrity, consensus-validity, termination,
                charged-at-most-once, acknowledged-is-charged, failed-is-not-charged,
                no-invented-charge, reads-complete, reads-invent-nothing, reads-repeat-nothing,
                echoes-exact, ids-unique, survives
            "#]],
        ),
    );
    check(
        &temblor,
        "check clean.jsonl --require fifo",
        (
            2,
            expect![[r#"
                error: unknown property `fifo`; there are: validity, no-duplication,
                no-creation, agreement, uniform-agreement, fifo-order, causal-order,
                total-order, uniform-total-order, one-order, gap-free-order, stable-log,
                one-leader-per-term, rising-terms, one-vote-per-term, log-matching,
                leader-append-only, leader-completeness, commit-order, state-machine-safety,
                consensus-agreement, consensus-integrity, consensus-validity, termination,
                charged-at-most-once, acknowledged-is-charged, failed-is-not-charged,
                no-invented-charge, reads-complete, reads-invent-nothing, reads-repeat-nothing,
                echoes-exact, ids-unique, survives
            "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --bin nowhere",
        (
            2,
            expect![[r#"
        error: there is no program nowhere to start as a node: No such file or directory
        (os error 2)
    "#]],
        ),
    );
    assert!(!temblor.file("results").exists(), "decided before anything runs");
}

#[test]
fn a_fault_outside_the_model_is_2_with_a_hint() {
    let temblor = Temblor::new();
    check(
        &temblor,
        "run fifo --over best-effort --nemesis loss",
        (
            2,
            expect![[r#"
        error: loss is outside the system model of fifo over best-effort, which does not
        claim to withstand it; add --beyond-model to inject it all the same
    "#]],
        ),
    );
    check(
        &temblor,
        "plan fifo --over best-effort --nemesis half-open --seed 1",
        (
            2,
            expect![[r#"
        error: half-open is outside the system model of fifo over best-effort, which
        does not claim to withstand it; add --beyond-model to inject it all the same
    "#]],
        ),
    );
    let plan = PLAN.replace("best-effort", "fifo\", \"over\": \"best-effort");
    temblor.write("lossy.json", plan);
    check(
        &temblor,
        "run fifo --over best-effort --plan lossy.json",
        (
            2,
            expect![[r#"
        error: lossy.json, line 12, column 5: partition is outside the model of fifo
        (set "beyond_model": true or use --beyond-model)
    "#]],
        ),
    );
    let kill = r#"{"id": 1, "when": {"at_us": 0}, "fault": {"kill": {"node": "n1"}}}"#;
    let kills: Vec<String> =
        (1..=3).map(|n| kill.replace("\"id\": 1", &format!("\"id\": {n}")).replace("n1", &format!("n{n}"))).collect();
    let begin = PLAN.find("    {\"id\": 1").expect("the plan has a fault");
    temblor.write("deadly.json", format!("{}    {}\n  ]\n}}\n", &PLAN[..begin], kills.join(",\n    ")));
    check(
        &temblor,
        "run best-effort --plan deadly.json",
        (
            2,
            expect![[r#"
        error: deadly.json, line 14, column 5: 3 nodes killed, and the model allows 2
    "#]],
        ),
    );
    assert!(!temblor.file("results").exists(), "decided before anything runs");
}

#[test]
fn a_bad_plan_is_2_with_file_and_line() {
    let temblor = Temblor::new();
    for (name, from, to) in [
        ("comma.json", "\"seed\": 7,", "\"seed\": 7"),
        ("key.json", "\"seed\"", "\"seeed\""),
        ("node.json", "\"node\": \"n1\"", "\"node\": \"n9\""),
        ("link.json", "\"n3\", \"n2\"]]", "\"n3\", \"n9\"]]"),
        ("newer.json", "\"format\": 1", "\"format\": 2"),
    ] {
        temblor.write(name, PLAN.replace(from, to));
    }
    temblor.write("plan.json", PLAN);
    check(
        &temblor,
        "run best-effort --plan nowhere.json",
        (
            2,
            expect![[r#"
                error: failed to read the plan nowhere.json: No such file or directory (os error
                2), and no plan has this name (see `temblor list plans`)
            "#]],
        ),
    );
    check(
        &temblor,
        "run best-effort --plan comma.json",
        (
            2,
            expect![[r#"
        error: comma.json, line 5, column 3: expected `,` or `}`
    "#]],
        ),
    );
    check(
        &temblor,
        "run best-effort --plan key.json",
        (
            2,
            expect![[r#"
                error: key.json, line 4, column 9: unknown field `seeed`, expected one of
                `format`, `algorithm`, `over`, `fanout`, `http`, `topology`, `clients_max`,
                `workload`, `seed`, `nodes`, `length_us`, `beyond_model`, `requested`,
                `operations`, `faults`, `rules`
            "#]],
        ),
    );
    check(
        &temblor,
        "run best-effort --plan node.json",
        (
            2,
            expect![[r#"
        error: node.json, line 9, column 5: there is no node n9; the plan's nodes are
        n1, n2, n3
    "#]],
        ),
    );
    check(
        &temblor,
        "run best-effort --plan link.json",
        (
            2,
            expect![[r#"
        error: link.json, line 12, column 5: there is no node n9; the plan's nodes are
        n1, n2, n3
    "#]],
        ),
    );
    check(
        &temblor,
        "run best-effort --plan newer.json",
        (
            2,
            expect![[r#"
        error: newer.json, line 2, column 13: format 2 is newer than 1, the newest that
        this temblor reads
    "#]],
        ),
    );
    check(
        &temblor,
        "run fifo --plan plan.json",
        (
            2,
            expect![[r#"
        error: plan.json, line 3, column 16: the plan is for best-effort, and fifo is to
        run
    "#]],
        ),
    );
    assert!(!temblor.file("results").exists(), "decided before anything runs");
}

#[test]
fn a_requested_fault_that_never_bit_is_3() {
    let temblor = Temblor::new();
    temblor.write("plan.json", PLAN);
    let ended = check(
        &temblor,
        "run best-effort --plan plan.json",
        (
            3,
            expect![[r#"
                best-effort: 3 nodes, 1 operation, 1 fault, 0.3 s, seed 7
                files: results/RUN
            "#]],
        ),
    );
    assert!(ended.out.contains("INCONCLUSIVE") && ended.out.contains("partition"), "{}", ended.out);
    temblor.run("check results/latest").expect(3);
    temblor.write("biting.json", PLAN.replace("\"n3\", \"n2\"]]", "\"n1\", \"n2\"]]"));
    temblor.run("run best-effort --plan biting.json").expect(0);
}

#[test]
fn a_run_in_which_nothing_is_asked_is_4() {
    let temblor = Temblor::new();
    let words = "run fifo --nodes 2 --nemesis none --seed 1 --rate 0 --time-limit 200ms";
    let ended = check(
        &temblor,
        words,
        (
            4,
            expect![[r#"
        fifo: 2 nodes, 0 operations, 0 faults, 0.2 s, seed 1
        files: results/RUN
    "#]],
        ),
    );
    assert!(ended.out.contains("NOTHING TO JUDGE"), "{}", ended.out);
}

#[test]
fn results_that_cannot_be_written_are_5() {
    let temblor = Temblor::new();
    temblor.write("file", "");
    let words = "run fifo --nodes 2 --nemesis none --seed 1 --time-limit 200ms";
    check(
        &temblor,
        &format!("{words} --out file"),
        (
            5,
            expect![[r#"
        error: failed to create the results folder file: File exists (os error 17)
    "#]],
        ),
    );
    check(
        &temblor,
        &format!("{words} --out /proc/nowhere"),
        (
            5,
            expect![[r#"
        error: failed to create the results folder /proc/nowhere: No such file or
        directory (os error 2)
    "#]],
        ),
    );
}

#[test]
fn a_node_that_cannot_be_started_is_5() {
    let temblor = Temblor::new();
    temblor.write("prose", "#!/no/such/interpreter\n");
    // What can be seen before anything runs is a mistake of the command line.
    let ended = temblor.run("run best-effort --nodes 2 --seed 1 --bin prose").expect(2);
    assert!(ended.said().contains("it is not executable; try chmod +x prose"), "{}", ended.said());
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(temblor.file("prose"), permissions).unwrap();
    let ended = temblor.run("run best-effort --nodes 2 --seed 1 --bin prose").expect(5);
    // Where the line breaks depends on the length of the folder's name.
    let said = temblor.plain(&ended.said());
    let error = "error: the run in results/RUN failed: failed to start node n1: FOLDER/prose: No such file or directory (os error 2)";
    assert!(said.ends_with(error), "{said}");
}
