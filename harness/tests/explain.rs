//! What `temblor explain` shows, property by property: the whole output, in Unicode and in ASCII, within 80 columns. It stands in
//! the folder `explanations`, to be looked at as a reader of it would.
//!
//! The histories are written in short: `TIME_US PROCESS WHAT ...` a line, where `!` is the nemesis and `c1` client 1; the traces
//! as `SENT_US ARRIVED_US FROM TO KEY FATE [FAULT]`.

#![allow(clippy::too_many_lines, reason = "a test holds the whole output that it expects")]

use std::fs;
use std::path::Path;
use std::process::Command;

use expect_test::expect_file;
use temblor::words::columns;

/// A run of a few nodes, in short.
struct Story {
    nodes: usize,
    property: &'static str,
    history: String,
    trace: &'static str,
}

impl Story {
    /// Writes the run's files.
    fn tell(&self, folder: &Path) {
        let nodes: Vec<String> = (1..=self.nodes).map(|n| format!("\"n{n}\"")).collect();
        let header = format!(
            "\"type\":\"info\",\"f\":\"run\",\"value\":{{\"format\":1,\"system\":\"story\",\"nodes\":[{}],\"crashes\":\"stop\",\
             \"faulty_max\":9,\"ok\":\"taken\",\"promises\":{{\"{}\":\"always\"}}}}",
            nodes.join(","),
            self.property
        );
        let mut lines = vec![(0, "\"nemesis\"".to_owned(), header)];
        lines.extend(self.history.lines().map(str::trim).filter(|line| !line.is_empty()).map(op));
        let line = |(index, (time, process, rest)): (usize, &(u64, String, String))| {
            format!("{{\"index\":{index},\"time\":{},\"process\":{process},{rest}}}\n", time * 1000)
        };
        let history: String = lines.iter().enumerate().map(line).collect();
        fs::write(folder.join("history.jsonl"), history).unwrap();
        if !self.trace.is_empty() {
            let frames: String = self.trace.lines().map(str::trim).filter(|line| !line.is_empty()).map(frame).collect();
            fs::write(folder.join("messages.jsonl"), format!("{{\"format\":1,\"f\":\"messages\"}}\n{frames}")).unwrap();
        }
    }

    fn explained(&self, arguments: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        self.tell(folder.path());
        explain(folder.path(), arguments)
    }

    /// Everything that is shown, in Unicode and in ASCII, is as in the folder `explanations`; UPDATE_EXPECT=1 writes it anew.
    #[track_caller]
    fn is_explained(&self, name: &str) {
        expect_file![format!("explanations/{name}.txt")].assert_eq(&self.explained(&[]));
        let plain = self.explained(&["--ascii"]);
        assert!(plain.is_ascii());
        expect_file![format!("explanations/{name}-ascii.txt")].assert_eq(&plain);
    }
}

/// What `explain` prints, where the locale is UTF-8; no line is too wide.
#[track_caller]
fn explain(path: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_temblor"));
    let output = command.arg("explain").arg(path).args(arguments).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let wide = text.lines().find(|line| columns(line) > 80);
    assert_eq!(wide, None, "wider than 80 columns");
    text
}

/// An op: its time in us, its process, and the rest of its line.
fn op(line: &str) -> (u64, String, String) {
    let words: Vec<&str> = line.splitn(4, ' ').collect();
    let [time, process, f, value] = words[..] else { panic!("too short: {line}") };
    let (kind, f, value) = match (process, f) {
        ("!", "end") => {
            let (f, value) = value.split_once(' ').unwrap();
            ("ok", f, value.to_owned())
        }
        ("!", "drained") => ("ok", f, value.to_owned()),
        ("!", _) => ("invoke", f, value.to_owned()),
        (client, "asks" | "ok") if client.starts_with('c') => {
            let (node, message) = value.split_once(' ').unwrap();
            let kind = if f == "asks" { "invoke" } else { "ok" };
            (kind, "broadcast", format!("{{\"node\":\"{node}\",\"message\":{message}}}"))
        }
        _ => ("info", f, value.to_owned()),
    };
    let process = match process {
        "!" => "\"nemesis\"".to_owned(),
        client if client.starts_with('c') => client[1..].to_owned(),
        node => format!("\"{node}\""),
    };
    (time.parse().unwrap(), process, format!("\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value}"))
}

fn frame(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let [sent, arrived, from, to, key, fate] = words[..6] else { panic!("too short: {line}") };
    let arrived = arrived.parse().map_or("null".to_owned(), |us: u64| (us * 1000).to_string());
    let fault = words.get(6).map_or(String::new(), |fault| format!(",\"fault\":{fault}"));
    format!(
        "{{\"in\":{}000,\"out\":{arrived},\"from\":\"{from}\",\"to\":\"{to}\",\"key\":\"{key}\",\"bytes\":9,\"what\":\"{fate}\"{fault}}}\n",
        sent
    )
}

#[test]
fn fifo_order_shows_the_order_of_the_sender_against_that_of_the_node() {
    let story = Story {
        nodes: 3,
        property: "fifo-order",
        history: r#"
            12000 ! partition {"id":1,"class":"partition","mode":"drop","cut":[["n1","n3"]]}
            33000 n1 broadcast 1
            33100 n1 deliver 1
            35000 n2 deliver 1
            308000 ! end partition {"id":1,"class":"partition","blocked":[["n1","n3",4]]}
            309000 n1 broadcast 2
            309100 n1 deliver 2
            310000 n3 deliver 2
            310100 n2 deliver 2
            414000 n3 deliver 1
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "
            33200 34000 n1 n2 send/1 passed
            33300 - n1 n3 send/1 dropped 1
            213300 - n1 n3 send/1 dropped 1
            309200 309500 n1 n2 send/2 passed
            309300 309600 n1 n3 send/2 passed
            413300 413600 n1 n3 send/1 passed
        ",
    };
    story.is_explained("fifo-order");
}

#[test]
fn agreement_shows_who_has_it_and_who_has_not_up_to_the_end() {
    let rest = (4..=50).filter(|n| *n != 9).map(|n| format!("{} n{n} deliver 1\n", 40_000 + n));
    let (begin, end) = (
        r#"
        12000 ! partition {"id":1,"class":"partition","mode":"drop","cut":[["n1","n3"]]}
        34000 n1 broadcast 1
        36000 n2 deliver 1
        36500 ! kill {"id":2,"class":"kill","node":"n1"}
        38000 n1 exit {"status":"signal 9"}
        38100 ! end kill {"id":2,"class":"kill","node":"n1","status":"signal 9"}
        "#,
        r#"
        814000 ! end partition {"id":1,"class":"partition","blocked":[["n1","n3",1]]}
        814100 ! heal {}
        2814000 ! drained {"unmet":1}
        "#,
    );
    let story = Story {
        nodes: 50,
        property: "agreement",
        history: format!("{begin}{}{end}", rest.collect::<String>()),
        trace: "
            34200 35000 n1 n2 relay/1 passed
            34300 - n1 n3 relay/1 dropped 1
        ",
    };
    story.is_explained("agreement");
}

#[test]
fn uniform_agreement_shows_that_who_delivered_it_crashed() {
    let story = Story {
        nodes: 3,
        property: "uniform-agreement",
        history: r#"
            20000 n1 broadcast 7
            20100 n1 deliver 7
            20500 ! kill {"id":1,"class":"kill","node":"n1"}
            21000 n1 exit {"status":"signal 9"}
            21100 ! end kill {"id":1,"class":"kill","node":"n1","status":"signal 9"}
            2021000 ! drained {"unmet":1}
        "#
        .to_owned(),
        trace: "
            20900 - n1 n2 relay/7 reset
        ",
    };
    story.is_explained("uniform-agreement");
}

#[test]
fn validity_shows_the_broadcast_and_the_end() {
    let story = Story {
        nodes: 2,
        property: "validity",
        history: r#"
            78000 c1 asks n1 3
            78500 n1 broadcast 3
            78600 c1 ok n1 3
            90000 n2 deliver 3
            2626000 ! drained {"unmet":1}
        "#
        .to_owned(),
        trace: "
            78700 79000 n1 n2 send/3 passed
        ",
    };
    story.is_explained("validity");
}

#[test]
fn no_duplication_shows_both_deliveries_and_what_led_to_them() {
    let story = Story {
        nodes: 2,
        property: "no-duplication",
        history: r#"
            8000 ! loss {"id":1,"class":"link","links":[["n2","n1"]],"chance_ppm":500000}
            30000 n1 broadcast 1
            30100 n1 deliver 1
            31000 n2 deliver 1
            57000 n2 deliver 1
            99000 ! end loss {"id":1,"class":"link","bites":[["n2","n1",1]]}
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "
            30200 30300 n1 n2 send/1 passed
            30900 - n2 n1 ack/send/1 dropped 1
            56200 56300 n1 n2 send/1 passed
        ",
    };
    story.is_explained("no-duplication");
}

#[test]
fn no_creation_shows_what_arrived_before() {
    let story = Story {
        nodes: 3,
        property: "no-creation",
        history: r#"
            70000 n1 broadcast 3
            70100 n1 deliver 3
            71300 n2 deliver 900000003
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "
            70900 70950 n1 n2 send/3 passed
        ",
    };
    story.is_explained("no-creation");
}

#[test]
fn two_leaders_of_one_term_stand_side_by_side() {
    let story = Story {
        nodes: 5,
        property: "one-leader-per-term",
        history: r#"
            100000 n2 leader {"term":4}
            130000 ! pause {"id":1,"class":"pause","node":"n2"}
            131000 ! end pause {"id":1,"class":"pause","node":"n2","after_us":1000}
            400000 n5 leader {"term":4}
            410000 ! end resume {"id":1,"class":"pause","node":"n2","stopped_us":280000}
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "",
    };
    story.is_explained("one-leader-per-term");
}

#[test]
fn survives_shows_what_the_node_was_doing() {
    let story = Story {
        nodes: 3,
        property: "survives",
        history: r#"
            100000 ! pause {"id":1,"class":"pause","node":"n2"}
            101000 ! end pause {"id":1,"class":"pause","node":"n2","after_us":1000}
            613000 ! end resume {"id":1,"class":"pause","node":"n2","stopped_us":512000}
            625000 n1 exit {"status":"code 101"}
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "
            613200 613300 n2 n1 ack/send/1 passed
        ",
    };
    story.is_explained("survives");
}

#[test]
fn a_message_that_is_held_hangs_in_front_of_the_node() {
    let story = Story {
        nodes: 3,
        property: "fifo-order",
        history: r#"
            10000 ! partition {"id":1,"class":"partition","mode":"hold","cut":[["n1","n3"],["n3","n1"],["n2","n3"],["n3","n2"]]}
            20000 n1 broadcast 1
            30000 n2 deliver 1
            40000 ! kill {"id":2,"class":"kill","node":"n2"}
            40500 n2 exit {"status":"signal 9"}
            41000 ! end kill {"id":2,"class":"kill","node":"n2","status":"signal 9"}
            50000 n1 broadcast 2
            90000 ! end partition {"id":1,"class":"partition","blocked":[["n1","n3",2]]}
            90500 n3 deliver 2
            90600 n3 deliver 1
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "
            20100 90100 n1 n3 send/1 held 1
            50100 90200 n1 n3 send/2 held 1
            20200 21000 n1 n2 send/1 passed
        ",
    };
    story.is_explained("held");
}

#[test]
fn without_a_trace_arrows_run_from_broadcast_to_delivery() {
    let story = Story {
        nodes: 2,
        property: "fifo-order",
        history: r#"
            20000 n1 broadcast 1
            50000 n1 broadcast 2
            90000 n2 deliver 2
            95000 n2 deliver 1
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "",
    };
    story.is_explained("without-trace");
}

#[test]
fn causal_order_shows_the_chain_of_causes() {
    let story = Story {
        nodes: 3,
        property: "causal-order",
        history: r#"
            10000 ! delay {"id":1,"class":"link","links":[["n1","n3"]],"delay_us":80000}
            20000 n1 broadcast 1
            20100 n1 deliver 1
            25000 n2 deliver 1
            40000 n2 broadcast 2
            40100 n2 deliver 2
            45000 n3 deliver 2
            45100 n1 deliver 2
            101000 n3 deliver 1
            200000 ! end delay {"id":1,"class":"link","bites":[["n1","n3",1]]}
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "
            20200 20300 n1 n2 send/1 passed
            20200 100300 n1 n3 send/1 delayed 1
            40200 40300 n2 n3 send/2 passed
        ",
    };
    story.is_explained("causal-order");
}

#[test]
fn total_order_shows_the_sequences_side_by_side() {
    let before = (1..=40).flat_map(|m| {
        let ops = [("n1", "broadcast"), ("n1", "deliver"), ("n2", "deliver"), ("n3", "deliver")];
        ops.map(|(node, what)| format!("{} {node} {what} {m}\n", 1_000 * m))
    });
    let end = r#"
        60000 n1 broadcast 101
        60100 n2 broadcast 102
        60200 n1 deliver 101
        61000 n1 deliver 102
        61100 n2 deliver 101
        61200 n2 deliver 102
        61300 n3 deliver 102
        61400 n3 deliver 101
        70000 n1 broadcast 103
        70001 n1 deliver 103
        70002 n2 deliver 103
        70003 n3 deliver 103
        900000 ! drained {}
        "#;
    let story =
        Story { nodes: 3, property: "total-order", history: before.chain([end.to_owned()]).collect(), trace: "" };
    story.is_explained("total-order");
}

#[test]
fn gap_free_order_shows_the_first_position_that_differs() {
    let story = Story {
        nodes: 3,
        property: "gap-free-order",
        history: r#"
            10000 n1 broadcast 1
            10100 n1 broadcast 2
            10200 n1 broadcast 3
            11000 n1 deliver 1
            11100 n1 deliver 2
            11200 n1 deliver 3
            12000 n2 deliver 1
            12100 n2 deliver 3
            13000 n3 deliver 1
            13100 n3 deliver 2
            13200 n3 deliver 3
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "",
    };
    story.is_explained("gap-free-order");
}

#[test]
fn one_order_shows_the_cycle() {
    let story = Story {
        nodes: 3,
        property: "one-order",
        history: r#"
            10000 n1 broadcast 1
            10100 n2 broadcast 2
            10200 n3 broadcast 3
            11000 n1 deliver 1
            11100 n1 deliver 2
            12000 n2 deliver 2
            12100 n2 deliver 3
            13000 n3 deliver 3
            13100 n3 deliver 1
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "",
    };
    story.is_explained("one-order");
}

#[test]
fn uniform_total_order_counts_the_nodes_that_crash() {
    let story = Story {
        nodes: 3,
        property: "uniform-total-order",
        history: r#"
            10000 n1 broadcast 1
            10100 n2 broadcast 2
            11000 n1 deliver 1
            11100 n1 deliver 2
            11200 n2 deliver 1
            11300 n2 deliver 2
            12000 n3 deliver 2
            12100 n3 deliver 1
            13000 ! kill {"id":1,"class":"kill","node":"n3"}
            13500 n3 exit {"status":"signal 9"}
            13600 ! end kill {"id":1,"class":"kill","node":"n3","status":"signal 9"}
            900000 ! drained {}
        "#
        .to_owned(),
        trace: "",
    };
    story.is_explained("uniform-total-order");
}

/// Two messages that one node delivers twice each.
fn duplicates() -> Story {
    let ops = "10000 n1 broadcast 1\n11000 n2 deliver 1\n12000 n2 deliver 1\n20000 n1 broadcast 2\n\
               21000 n2 deliver 2\n22000 n2 deliver 2\n900000 ! drained {}";
    Story { nodes: 2, property: "no-duplication", history: ops.to_owned(), trace: "" }
}

#[test]
fn the_first_violation_is_in_full_and_the_others_are_folded_unless_all_are_wanted() {
    let (first, all) = (duplicates().explained(&[]), duplicates().explained(&["--all"]));
    assert_eq!((first.matches("  who  ").count(), all.matches("  who  ").count()), (1, 2));
    assert!(
        first.ends_with(
            "1 more violation (--all shows it as above):\n  no-duplication: n2 delivered m2 more than once\n"
        )
    );
    assert!(!all.contains("more violation"));
}

#[test]
fn the_locale_decides_about_unicode() {
    let folder = tempfile::tempdir().unwrap();
    duplicates().tell(folder.path());
    let shown = |locale: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_temblor"));
        command.arg("explain").arg(folder.path()).env("LC_ALL", locale).output().unwrap().stdout
    };
    assert!(shown("C").is_ascii() && shown("POSIX").is_ascii());
    assert!(!shown("en_US.UTF-8").is_ascii());
}

#[test]
fn names_that_a_terminal_would_obey_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    duplicates().tell(folder.path());
    let path = folder.path().join("history.jsonl");
    for name in
        ["\\u001b[2J", "\\u202e", "\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}", &"x".repeat(250)]
    {
        duplicates().tell(folder.path());
        let history = fs::read_to_string(&path).unwrap().replace("\"n2\"", &format!("\"{name}\""));
        fs::write(&path, history).unwrap();
        for style in [&[][..], &["--ascii"][..]] {
            let text = explain(folder.path(), style);
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('\u{202e}'), "{text}");
        }
    }
}

#[test]
fn a_trace_that_is_damaged_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    duplicates().tell(folder.path());
    let without = explain(folder.path(), &[]);
    fs::write(folder.path().join("messages.jsonl"), b"{\"in\":\n\xff\xfe\n{\"in\":1,\"key\":\"send/1\"}").unwrap();
    assert_eq!(explain(folder.path(), &[]), without);
}
