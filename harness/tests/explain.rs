//! What `temblor explain` shows, property by property: the whole output, in Unicode and in ASCII, within 80 columns.
//!
//! The histories are written in short: `TIME_US PROCESS WHAT ...` a line, where `!` is the nemesis and `c1` client 1; the traces
//! as `SENT_US ARRIVED_US FROM TO KEY FATE [FAULT]`.

#![allow(clippy::too_many_lines, reason = "a test holds the whole output that it expects")]

use std::fs;
use std::path::Path;
use std::process::Command;

use expect_test::{Expect, expect};
use temblor::words::columns;

/// A run of a few nodes, in short.
struct Story {
    nodes: usize,
    property: &'static str,
    history: &'static str,
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

    /// What is shown with Unicode and with ASCII.
    #[track_caller]
    fn is_explained(&self, unicode: &Expect, ascii: &Expect) {
        unicode.assert_eq(&self.explained(&["--all"]));
        let plain = self.explained(&["--all", "--ascii"]);
        assert!(plain.is_ascii());
        ascii.assert_eq(&plain);
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
        "#,
        trace: "
            33200 34000 n1 n2 send/1 passed
            33300 - n1 n3 send/1 dropped 1
            213300 - n1 n3 send/1 dropped 1
            309200 309500 n1 n2 send/2 passed
            309300 309600 n1 n3 send/2 passed
            413300 413600 n1 n3 send/1 passed
        ",
    };
    story.is_explained(
        &expect![[r#"
        fifo-order: n3 delivered m2 before m1, though n1 broadcast m1 first.

          #         ms  n1          n3
                        │           │
          1     12.000  │           │           ╭ partition 1 cuts n1 → n3
          2     33.000  ◆ m1        │           │ broadcasts m1
                33.300  ├─────────╳ │           │ m1 dropped by partition 1, 2 times
                        │           │           │ until 213.300 ms
               +274 ms  ⋮           ⋮           │
               308.000  │           │           ╰ partition 1 is lifted, it took 4
                        │           │             frames
          3    309.000  ◆ m2        │             broadcasts m2
          4    310.000  ├──────────▶● m2          delivers m2
               +104 ms  ⋮           ⋮
          5    414.000  ├──────────▶● m1          delivers m1, sent again

            n1 broadcast  m1 m2
            n3 delivered  m2 m1

            ◆ broadcast   ● delivery   ─▶ frame   ─╳ frame lost
            Not drawn: n2.

           #          time  who      what                line
           1     12.000 ms  nemesis  partition n1 to n3  2
                                     in force until 308 ms
           2     33.000 ms  n1       broadcasts m1       3
                                     m1 is before m2
           3    309.000 ms  n1       broadcasts m2       7
                                     after m1, so m1 must come first everywhere
           4    310.000 ms  n3       delivers m2         9
                                     m1 has not been delivered at n3
           5    414.000 ms  n3       delivers m1         11
                                     too late
    "#]],
        &expect![[r#"
        fifo-order: n3 delivered m2 before m1, though n1 broadcast m1 first.

          #         ms  n1          n3
                        |           |
          1     12.000  |           |           + partition 1 cuts n1 -> n3
          2     33.000  B m1        |           | broadcasts m1
                33.300  +---------x |           | m1 dropped by partition 1, 2 times
                        |           |           | until 213.300 ms
               +274 ms  :           :           |
               308.000  |           |           + partition 1 is lifted, it took 4
                        |           |             frames
          3    309.000  B m2        |             broadcasts m2
          4    310.000  +---------->D m2          delivers m2
               +104 ms  :           :
          5    414.000  +---------->D m1          delivers m1, sent again

            n1 broadcast  m1 m2
            n3 delivered  m2 m1

            B broadcast   D delivery   -> frame   -x frame lost
            Not drawn: n2.

           #          time  who      what                line
           1     12.000 ms  nemesis  partition n1 to n3  2
                                     in force until 308 ms
           2     33.000 ms  n1       broadcasts m1       3
                                     m1 is before m2
           3    309.000 ms  n1       broadcasts m2       7
                                     after m1, so m1 must come first everywhere
           4    310.000 ms  n3       delivers m2         9
                                     m1 has not been delivered at n3
           5    414.000 ms  n3       delivers m1         11
                                     too late
    "#]],
    );
}

#[test]
fn agreement_shows_who_has_it_and_who_has_not_up_to_the_end() {
    let story = Story {
        nodes: 50,
        property: "agreement",
        history: r#"
            12000 ! partition {"id":1,"class":"partition","mode":"drop","cut":[["n1","n3"]]}
            34000 n1 broadcast 1
            36000 n2 deliver 1
            36500 ! kill {"id":2,"class":"kill","node":"n1"}
            38000 n1 exit {"status":"signal 9"}
            38100 ! end kill {"id":2,"class":"kill","node":"n1","status":"signal 9"}
            40004 n4 deliver 1
            40005 n5 deliver 1
            40006 n6 deliver 1
            40007 n7 deliver 1
            40008 n8 deliver 1
            40010 n10 deliver 1
            40011 n11 deliver 1
            40012 n12 deliver 1
            40013 n13 deliver 1
            40014 n14 deliver 1
            40015 n15 deliver 1
            40016 n16 deliver 1
            40017 n17 deliver 1
            40018 n18 deliver 1
            40019 n19 deliver 1
            40020 n20 deliver 1
            40021 n21 deliver 1
            40022 n22 deliver 1
            40023 n23 deliver 1
            40024 n24 deliver 1
            40025 n25 deliver 1
            40026 n26 deliver 1
            40027 n27 deliver 1
            40028 n28 deliver 1
            40029 n29 deliver 1
            40030 n30 deliver 1
            40031 n31 deliver 1
            40032 n32 deliver 1
            40033 n33 deliver 1
            40034 n34 deliver 1
            40035 n35 deliver 1
            40036 n36 deliver 1
            40037 n37 deliver 1
            40038 n38 deliver 1
            40039 n39 deliver 1
            40040 n40 deliver 1
            40041 n41 deliver 1
            40042 n42 deliver 1
            40043 n43 deliver 1
            40044 n44 deliver 1
            40045 n45 deliver 1
            40046 n46 deliver 1
            40047 n47 deliver 1
            40048 n48 deliver 1
            40049 n49 deliver 1
            40050 n50 deliver 1

            814000 ! end partition {"id":1,"class":"partition","blocked":[["n1","n3",1]]}
            814100 ! heal {}
            2814000 ! drained {"unmet":1}
        "#,
        trace: "
            34200 35000 n1 n2 relay/1 passed
            34300 - n1 n3 relay/1 dropped 1
        ",
    };
    story.is_explained(
        &expect![[r#"
        agreement: n2 delivered m1, but n3 and n9 never did.

          #         ms  n1     n2     n3     n9
                        │      │      │      │
          1     12.000  │      │      │      │      ╭ partition 1 cuts n1 → n3
          2     34.000  ◆ m1   │      │      │      │ broadcasts m1
                34.300  ├──────┼────╳ │      │      │ m1 dropped by partition 1
          3     36.000  ├─────▶● m1   │      │      │ delivers m1
          4     38.000  ■      │      │      │      │ kill n1
               +776 ms         ⋮      ⋮      ⋮      │
               814.000         │      │      │      ╰ partition 1 is lifted, it took 1
                               │      │      │        frame
              +2000 ms         ⋮      ⋮      ⋮
          5   2814.000         ✓      ✗      ✗        all is healed and drained

            m1 delivered at     n2, n4-n8, n10-n50 (47 nodes)
            m1 missing at       n3, n9 (2 nodes)
            down, owes nothing  n1 (1 node)

            ◆ broadcast   ● delivery   ■ a life ends   ✓ has it   ✗ lacks it   ─▶ frame
            ─╳ frame lost
            Not drawn: n4-n8, n10-n50.

           #          time  who      what                                 line
           1     12.000 ms  nemesis  partition n1 to n3                   2
                                     in force until 814 ms
           2     34.000 ms  n1       broadcasts m1                        3
                                     m1 begins here
           3     36.000 ms  n2       delivers m1                          4
                                     every correct node owes it now
           4     36.500 ms  nemesis  kill n1                              5
                                     a life ends here
           5   2814.000 ms  nemesis  says that all is healed and drained  56
                                     m1 is not delivered at n3 and n9
    "#]],
        &expect![[r#"
        agreement: n2 delivered m1, but n3 and n9 never did.

          #         ms  n1     n2     n3     n9
                        |      |      |      |
          1     12.000  |      |      |      |      + partition 1 cuts n1 -> n3
          2     34.000  B m1   |      |      |      | broadcasts m1
                34.300  +------+----x |      |      | m1 dropped by partition 1
          3     36.000  +----->D m1   |      |      | delivers m1
          4     38.000  X      |      |      |      | kill n1
               +776 ms         :      :      :      |
               814.000         |      |      |      + partition 1 is lifted, it took 1
                               |      |      |        frame
              +2000 ms         :      :      :
          5   2814.000         y      N      N        all is healed and drained

            m1 delivered at     n2, n4-n8, n10-n50 (47 nodes)
            m1 missing at       n3, n9 (2 nodes)
            down, owes nothing  n1 (1 node)

            B broadcast   D delivery   X a life ends   y has it   N lacks it   -> frame
            -x frame lost
            Not drawn: n4-n8, n10-n50.

           #          time  who      what                                 line
           1     12.000 ms  nemesis  partition n1 to n3                   2
                                     in force until 814 ms
           2     34.000 ms  n1       broadcasts m1                        3
                                     m1 begins here
           3     36.000 ms  n2       delivers m1                          4
                                     every correct node owes it now
           4     36.500 ms  nemesis  kill n1                              5
                                     a life ends here
           5   2814.000 ms  nemesis  says that all is healed and drained  56
                                     m1 is not delivered at n3 and n9
    "#]],
    );
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
        "#,
        trace: "
            20900 - n1 n2 relay/7 reset
        ",
    };
    story.is_explained(
        &expect![[r#"
            uniform-agreement: n1, which crashed, delivered m7, but n2 and n3 never did.

              #         ms  n1         n2         n3
                            │          │          │
              1     20.000  ◆ m7       │          │          broadcasts m7
              2     20.100  ● m7       │          │          delivers m7
              3     20.500  │          │          │          kill n1
                    20.900  ├────────╳ │          │          m7 lost in a reset
                    21.000  ■          │          │          ends by kill 1
                  +2000 ms             ⋮          ⋮
              4   2021.000  ✓          ✗          ✗          all is healed and drained

                m7 delivered, then down  n1 (1 node)
                m7 missing at            n2, n3 (2 nodes)

                ◆ broadcast   ● delivery   ■ a life ends   ✓ has it   ✗ lacks it
                ─╳ frame lost

               #          time  who      what                                 line
               1     20.000 ms  n1       broadcasts m7                        2
                                         m7 begins here
               2     20.100 ms  n1       delivers m7                          3
                                         every correct node owes it now
               3     20.500 ms  nemesis  kill n1                              4
                                         a life ends here
               4   2021.000 ms  nemesis  says that all is healed and drained  7
                                         m7 is not delivered at n2 and n3
        "#]],
        &expect![[r#"
            uniform-agreement: n1, which crashed, delivered m7, but n2 and n3 never did.

              #         ms  n1         n2         n3
                            |          |          |
              1     20.000  B m7       |          |          broadcasts m7
              2     20.100  D m7       |          |          delivers m7
              3     20.500  |          |          |          kill n1
                    20.900  +--------x |          |          m7 lost in a reset
                    21.000  X          |          |          ends by kill 1
                  +2000 ms             :          :
              4   2021.000  y          N          N          all is healed and drained

                m7 delivered, then down  n1 (1 node)
                m7 missing at            n2, n3 (2 nodes)

                B broadcast   D delivery   X a life ends   y has it   N lacks it
                -x frame lost

               #          time  who      what                                 line
               1     20.000 ms  n1       broadcasts m7                        2
                                         m7 begins here
               2     20.100 ms  n1       delivers m7                          3
                                         every correct node owes it now
               3     20.500 ms  nemesis  kill n1                              4
                                         a life ends here
               4   2021.000 ms  nemesis  says that all is healed and drained  7
                                         m7 is not delivered at n2 and n3
        "#]],
    );
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
        "#,
        trace: "
            78700 79000 n1 n2 send/3 passed
        ",
    };
    story.is_explained(
        &expect![[r#"
        validity: n1 broadcast m3 and never delivered it.

          #         ms  n1
                        │
          1     78.500  ◆ m3        broadcasts m3
              +2547 ms  ⋮
          2   2626.000  ✗           all is healed and drained

            m3 delivered at  n2 (1 node)
            m3 missing at    n1 (1 node)

            ◆ broadcast   ✗ lacks it
            Not drawn: n2.

           #          time  who      what                                 line
           1     78.500 ms  n1       broadcasts m3                        3
                                     n1 owes itself the delivery
           2   2626.000 ms  nemesis  says that all is healed and drained  6
                                     m3 is not delivered
    "#]],
        &expect![[r#"
        validity: n1 broadcast m3 and never delivered it.

          #         ms  n1
                        |
          1     78.500  B m3        broadcasts m3
              +2547 ms  :
          2   2626.000  N           all is healed and drained

            m3 delivered at  n2 (1 node)
            m3 missing at    n1 (1 node)

            B broadcast   N lacks it
            Not drawn: n2.

           #          time  who      what                                 line
           1     78.500 ms  n1       broadcasts m3                        3
                                     n1 owes itself the delivery
           2   2626.000 ms  nemesis  says that all is healed and drained  6
                                     m3 is not delivered
    "#]],
    );
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
        "#,
        trace: "
            30200 30300 n1 n2 send/1 passed
            30900 - n2 n1 ack/send/1 dropped 1
            56200 56300 n1 n2 send/1 passed
        ",
    };
    story.is_explained(
        &expect![[r#"
            no-duplication: n2 delivered m1 more than once.

              #         ms  n1          n2
                            │           │
              1      8.000  │           │           ╭ loss 1: n2 → n1
                    +22 ms  ⋮           ⋮           │
                    30.000  ◆ m1        │           │ broadcasts m1
                    30.900  │ ╳─────────┤           │ ack/send/1 dropped by loss 1
              2     31.000  ├──────────▶● m1        │ delivers m1
                    +26 ms  ⋮           ⋮           │
              3     57.000  ├──────────▶● m1        │ delivers m1, sent again

                ◆ broadcast   ● delivery   ─▶ frame   ─╳ frame lost

               #          time  who      what           line
               1      8.000 ms  nemesis  loss n2 to n1  2
                                         in force until 99 ms
               2     31.000 ms  n2       delivers m1    5
                                         m1 is delivered at n2
               3     57.000 ms  n2       delivers m1    6
                                         delivered again
        "#]],
        &expect![[r#"
            no-duplication: n2 delivered m1 more than once.

              #         ms  n1          n2
                            |           |
              1      8.000  |           |           + loss 1: n2 -> n1
                    +22 ms  :           :           |
                    30.000  B m1        |           | broadcasts m1
                    30.900  | x---------+           | ack/send/1 dropped by loss 1
              2     31.000  +---------->D m1        | delivers m1
                    +26 ms  :           :           |
              3     57.000  +---------->D m1        | delivers m1, sent again

                B broadcast   D delivery   -> frame   -x frame lost

               #          time  who      what           line
               1      8.000 ms  nemesis  loss n2 to n1  2
                                         in force until 99 ms
               2     31.000 ms  n2       delivers m1    5
                                         m1 is delivered at n2
               3     57.000 ms  n2       delivers m1    6
                                         delivered again
        "#]],
    );
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
        "#,
        trace: "
            70900 70950 n1 n2 send/3 passed
        ",
    };
    story.is_explained(
        &expect![[r#"
        no-creation: n2 delivered m900000003, which nobody broadcast.

          #         ms  n1          n2
                        │           │
                70.950  ├──────────▶│           send/3 arrives
          1     71.300  │           ● m900000003delivers m900000003

            ● delivery   ─▶ frame
            Not drawn: n3.

           #          time  who  what                 line
           1     71.300 ms  n2   delivers m900000003  4
                                 nobody asked for it or broadcast it
    "#]],
        &expect![[r#"
        no-creation: n2 delivered m900000003, which nobody broadcast.

          #         ms  n1          n2
                        |           |
                70.950  +---------->|           send/3 arrives
          1     71.300  |           D m900000003delivers m900000003

            D delivery   -> frame
            Not drawn: n3.

           #          time  who  what                 line
           1     71.300 ms  n2   delivers m900000003  4
                                 nobody asked for it or broadcast it
    "#]],
    );
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
        "#,
        trace: "",
    };
    story.is_explained(
        &expect![[r#"
        one-leader-per-term: n2 and n5 both led term 4.

          #         ms  n2          n5
                        │           │
          1    100.000  ★ term 4    │           leads term 4
                +30 ms  ⋮           ⋮
          2    130.000  ▒           │           pause n2
               +270 ms  ⋮           ⋮
          3    400.000  ▒           ★ term 4    leads term 4

            ★ claims to lead   ▒ paused
            Not drawn: n1, n3, n4.

           #          time  who      what          line
           1    100.000 ms  n2       leads term 4  2
                                     the first to claim the term
           2    130.000 ms  nemesis  pause n2      3
                                     in force until 410 ms
           3    400.000 ms  n5       leads term 4  5
                                     the term has a leader already
    "#]],
        &expect![[r#"
        one-leader-per-term: n2 and n5 both led term 4.

          #         ms  n2          n5
                        |           |
          1    100.000  L term 4    |           leads term 4
                +30 ms  :           :
          2    130.000  #           |           pause n2
               +270 ms  :           :
          3    400.000  #           L term 4    leads term 4

            L claims to lead   # paused
            Not drawn: n1, n3, n4.

           #          time  who      what          line
           1    100.000 ms  n2       leads term 4  2
                                     the first to claim the term
           2    130.000 ms  nemesis  pause n2      3
                                     in force until 410 ms
           3    400.000 ms  n5       leads term 4  5
                                     the term has a leader already
    "#]],
    );
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
        "#,
        trace: "
            613200 613300 n2 n1 ack/send/1 passed
        ",
    };
    story.is_explained(
        &expect![[r#"
        survives: n1 exited by itself (code 101).

          #         ms  n1          n2
                        │           │
               100.000  │           ▒           pause n2
               +513 ms  ⋮           ⋮
               613.000  │           │           end of pause 1
               613.300  │◀──────────┤           ack/send/1 arrives
          1    625.000  ■           │           exits by itself: code 101

            ■ a life ends   ─▶ frame   ▒ paused
            Not drawn: n3.

           #          time  who  what                         line
           1    625.000 ms  n1   exited by itself (code 101)  5
                                 no fault made it
    "#]],
        &expect![[r#"
        survives: n1 exited by itself (code 101).

          #         ms  n1          n2
                        |           |
               100.000  |           #           pause n2
               +513 ms  :           :
               613.000  |           |           end of pause 1
               613.300  |<----------+           ack/send/1 arrives
          1    625.000  X           |           exits by itself: code 101

            X a life ends   -> frame   # paused
            Not drawn: n3.

           #          time  who  what                         line
           1    625.000 ms  n1   exited by itself (code 101)  5
                                 no fault made it
    "#]],
    );
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
        "#,
        trace: "
            20100 90100 n1 n3 send/1 held 1
            50100 90200 n1 n3 send/2 held 1
            20200 21000 n1 n2 send/1 passed
        ",
    };
    story.is_explained(
        &expect![[r#"
        fifo-order: n3 delivered m2 before m1, though n1 broadcast m1 first.

          #         ms  n1          n3
                        │           │
          1     10.000  │           │           ╭ partition 1 holds n1, n2 | n3
                +10 ms  ⋮           ⋮           │
          2     20.000  ◆ m1 ─────╮ │           │ broadcasts m1
                +30 ms  ⋮         │ ⋮           │
          3     50.000  ◆ m2 ────╮│ │           │ broadcasts m2
                +40 ms  ⋮        ││ ⋮           │
                90.000  │        ││ │           ╰ partition 1 is lifted, it took 2
                        │        ││ │             frames
          4     90.500  │        ╰┼▶● m2          delivers m2, held 40 ms by partition 1
          5     90.600  │         ╰▶● m1          delivers m1, held 70 ms by partition 1

            n1 broadcast  m1 m2
            n3 delivered  m2 m1

            ◆ broadcast   ● delivery   ─▶ frame
            Not drawn: n2.

           #          time  who      what                  line
           1     10.000 ms  nemesis  partition on 4 links  2
                                     in force until 90 ms
           2     20.000 ms  n1       broadcasts m1         3
                                     m1 is before m2
           3     50.000 ms  n1       broadcasts m2         8
                                     after m1, so m1 must come first everywhere
           4     90.500 ms  n3       delivers m2           10
                                     m1 has not been delivered at n3
           5     90.600 ms  n3       delivers m1           11
                                     too late
    "#]],
        &expect![[r#"
        fifo-order: n3 delivered m2 before m1, though n1 broadcast m1 first.

          #         ms  n1          n3
                        |           |
          1     10.000  |           |           + partition 1 holds n1, n2 | n3
                +10 ms  :           :           |
          2     20.000  B m1 -----+ |           | broadcasts m1
                +30 ms  :         | :           |
          3     50.000  B m2 ----+| |           | broadcasts m2
                +40 ms  :        || :           |
                90.000  |        || |           + partition 1 is lifted, it took 2
                        |        || |             frames
          4     90.500  |        ++>D m2          delivers m2, held 40 ms by partition 1
          5     90.600  |         +>D m1          delivers m1, held 70 ms by partition 1

            n1 broadcast  m1 m2
            n3 delivered  m2 m1

            B broadcast   D delivery   -> frame
            Not drawn: n2.

           #          time  who      what                  line
           1     10.000 ms  nemesis  partition on 4 links  2
                                     in force until 90 ms
           2     20.000 ms  n1       broadcasts m1         3
                                     m1 is before m2
           3     50.000 ms  n1       broadcasts m2         8
                                     after m1, so m1 must come first everywhere
           4     90.500 ms  n3       delivers m2           10
                                     m1 has not been delivered at n3
           5     90.600 ms  n3       delivers m1           11
                                     too late
    "#]],
    );
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
        "#,
        trace: "",
    };
    story.is_explained(
        &expect![[r#"
        fifo-order: n2 delivered m2 before m1, though n1 broadcast m1 first.

          #         ms  n1          n2
                        │           │
          1     20.000  ◆ m1 ┄┄┄┄╮  │           broadcasts m1
                +30 ms  ⋮        ┆  ⋮
          2     50.000  ◆ m2 ┄┄┄┄┼╮ │           broadcasts m2
                +40 ms  ⋮        ┆┆ ⋮
          3     90.000  │        ┆╰▶● m2        delivers m2
          4     95.000  │        ╰┄▶● m1        delivers m1

            n1 broadcast  m1 m2
            n2 delivered  m2 m1

            ◆ broadcast   ● delivery   ┄▶ from its broadcast

           #          time  who  what           line
           1     20.000 ms  n1   broadcasts m1  2
                                 m1 is before m2
           2     50.000 ms  n1   broadcasts m2  3
                                 after m1, so m1 must come first everywhere
           3     90.000 ms  n2   delivers m2    4
                                 m1 has not been delivered at n2
           4     95.000 ms  n2   delivers m1    5
                                 too late
    "#]],
        &expect![[r#"
        fifo-order: n2 delivered m2 before m1, though n1 broadcast m1 first.

          #         ms  n1          n2
                        |           |
          1     20.000  B m1 ....+  |           broadcasts m1
                +30 ms  :        :  :
          2     50.000  B m2 ....++ |           broadcasts m2
                +40 ms  :        :: :
          3     90.000  |        :+>D m2        delivers m2
          4     95.000  |        +.>D m1        delivers m1

            n1 broadcast  m1 m2
            n2 delivered  m2 m1

            B broadcast   D delivery   .> from its broadcast

           #          time  who  what           line
           1     20.000 ms  n1   broadcasts m1  2
                                 m1 is before m2
           2     50.000 ms  n1   broadcasts m2  3
                                 after m1, so m1 must come first everywhere
           3     90.000 ms  n2   delivers m2    4
                                 m1 has not been delivered at n2
           4     95.000 ms  n2   delivers m1    5
                                 too late
    "#]],
    );
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
        "#,
        trace: "
            20200 20300 n1 n2 send/1 passed
            20200 100300 n1 n3 send/1 delayed 1
            40200 40300 n2 n3 send/2 passed
        ",
    };
    story.is_explained(
        &expect![[r#"
            causal-order: n3 delivered m2 before m1, which n2 had delivered before it
            broadcast m2.

              #         ms  n1        n2        n3
                            │         │         │
              1     10.000  │         │         │         ╭ delay 1: n1 → n3
                    +10 ms  ⋮         ⋮         ⋮         │
              2     20.000  ◆ m1 ─────┼───────╮ │         │ broadcasts m1
              3     25.000  ├────────▶● m1    │ │         │ delivers m1
                    +15 ms  ⋮         ⋮       │ ⋮         │
              4     40.000  │         ◆ m2    │ │         │ broadcasts m2
              5     45.000  │         ├───────┼▶● m2      │ delivers m2
                    +56 ms  ⋮         ⋮       │ ⋮         │
              6    101.000  │         │       ╰▶● m1      │ delivers m1, 80 ms late by delay
                            │         │         │         │ 1

                n2 delivered  m1 m2
                n3 delivered  m2 m1

                ◆ broadcast   ● delivery   ─▶ frame

               #          time  who      what            line
               1     10.000 ms  nemesis  delay n1 to n3  2
                                         in force until 200 ms
               2     20.000 ms  n1       broadcasts m1   3
                                         m1 is the cause
               3     25.000 ms  n2       delivers m1     5
                                         from here on all that n2 broadcasts depends on m1
               4     40.000 ms  n2       broadcasts m2   6
                                         so m1 precedes m2
               5     45.000 ms  n3       delivers m2     8
                                         m1 has not been delivered at n3
               6    101.000 ms  n3       delivers m1     10
                                         too late
        "#]],
        &expect![[r#"
            causal-order: n3 delivered m2 before m1, which n2 had delivered before it
            broadcast m2.

              #         ms  n1        n2        n3
                            |         |         |
              1     10.000  |         |         |         + delay 1: n1 -> n3
                    +10 ms  :         :         :         |
              2     20.000  B m1 -----+-------+ |         | broadcasts m1
              3     25.000  +-------->D m1    | |         | delivers m1
                    +15 ms  :         :       | :         |
              4     40.000  |         B m2    | |         | broadcasts m2
              5     45.000  |         +-------+>D m2      | delivers m2
                    +56 ms  :         :       | :         |
              6    101.000  |         |       +>D m1      | delivers m1, 80 ms late by delay
                            |         |         |         | 1

                n2 delivered  m1 m2
                n3 delivered  m2 m1

                B broadcast   D delivery   -> frame

               #          time  who      what            line
               1     10.000 ms  nemesis  delay n1 to n3  2
                                         in force until 200 ms
               2     20.000 ms  n1       broadcasts m1   3
                                         m1 is the cause
               3     25.000 ms  n2       delivers m1     5
                                         from here on all that n2 broadcasts depends on m1
               4     40.000 ms  n2       broadcasts m2   6
                                         so m1 precedes m2
               5     45.000 ms  n3       delivers m2     8
                                         m1 has not been delivered at n3
               6    101.000 ms  n3       delivers m1     10
                                         too late
        "#]],
    );
}

#[test]
fn total_order_shows_the_sequences_side_by_side() {
    let story = Story {
        nodes: 3,
        property: "total-order",
        history: r#"
            1001 n1 broadcast 1
            1001 n1 deliver 1
            1002 n2 deliver 1
            1003 n3 deliver 1
            2001 n1 broadcast 2
            2001 n1 deliver 2
            2002 n2 deliver 2
            2003 n3 deliver 2
            3001 n1 broadcast 3
            3001 n1 deliver 3
            3002 n2 deliver 3
            3003 n3 deliver 3
            4001 n1 broadcast 4
            4001 n1 deliver 4
            4002 n2 deliver 4
            4003 n3 deliver 4
            5001 n1 broadcast 5
            5001 n1 deliver 5
            5002 n2 deliver 5
            5003 n3 deliver 5
            6001 n1 broadcast 6
            6001 n1 deliver 6
            6002 n2 deliver 6
            6003 n3 deliver 6
            7001 n1 broadcast 7
            7001 n1 deliver 7
            7002 n2 deliver 7
            7003 n3 deliver 7
            8001 n1 broadcast 8
            8001 n1 deliver 8
            8002 n2 deliver 8
            8003 n3 deliver 8
            9001 n1 broadcast 9
            9001 n1 deliver 9
            9002 n2 deliver 9
            9003 n3 deliver 9
            10001 n1 broadcast 10
            10001 n1 deliver 10
            10002 n2 deliver 10
            10003 n3 deliver 10
            11001 n1 broadcast 11
            11001 n1 deliver 11
            11002 n2 deliver 11
            11003 n3 deliver 11
            12001 n1 broadcast 12
            12001 n1 deliver 12
            12002 n2 deliver 12
            12003 n3 deliver 12
            13001 n1 broadcast 13
            13001 n1 deliver 13
            13002 n2 deliver 13
            13003 n3 deliver 13
            14001 n1 broadcast 14
            14001 n1 deliver 14
            14002 n2 deliver 14
            14003 n3 deliver 14
            15001 n1 broadcast 15
            15001 n1 deliver 15
            15002 n2 deliver 15
            15003 n3 deliver 15
            16001 n1 broadcast 16
            16001 n1 deliver 16
            16002 n2 deliver 16
            16003 n3 deliver 16
            17001 n1 broadcast 17
            17001 n1 deliver 17
            17002 n2 deliver 17
            17003 n3 deliver 17
            18001 n1 broadcast 18
            18001 n1 deliver 18
            18002 n2 deliver 18
            18003 n3 deliver 18
            19001 n1 broadcast 19
            19001 n1 deliver 19
            19002 n2 deliver 19
            19003 n3 deliver 19
            20001 n1 broadcast 20
            20001 n1 deliver 20
            20002 n2 deliver 20
            20003 n3 deliver 20
            21001 n1 broadcast 21
            21001 n1 deliver 21
            21002 n2 deliver 21
            21003 n3 deliver 21
            22001 n1 broadcast 22
            22001 n1 deliver 22
            22002 n2 deliver 22
            22003 n3 deliver 22
            23001 n1 broadcast 23
            23001 n1 deliver 23
            23002 n2 deliver 23
            23003 n3 deliver 23
            24001 n1 broadcast 24
            24001 n1 deliver 24
            24002 n2 deliver 24
            24003 n3 deliver 24
            25001 n1 broadcast 25
            25001 n1 deliver 25
            25002 n2 deliver 25
            25003 n3 deliver 25
            26001 n1 broadcast 26
            26001 n1 deliver 26
            26002 n2 deliver 26
            26003 n3 deliver 26
            27001 n1 broadcast 27
            27001 n1 deliver 27
            27002 n2 deliver 27
            27003 n3 deliver 27
            28001 n1 broadcast 28
            28001 n1 deliver 28
            28002 n2 deliver 28
            28003 n3 deliver 28
            29001 n1 broadcast 29
            29001 n1 deliver 29
            29002 n2 deliver 29
            29003 n3 deliver 29
            30001 n1 broadcast 30
            30001 n1 deliver 30
            30002 n2 deliver 30
            30003 n3 deliver 30
            31001 n1 broadcast 31
            31001 n1 deliver 31
            31002 n2 deliver 31
            31003 n3 deliver 31
            32001 n1 broadcast 32
            32001 n1 deliver 32
            32002 n2 deliver 32
            32003 n3 deliver 32
            33001 n1 broadcast 33
            33001 n1 deliver 33
            33002 n2 deliver 33
            33003 n3 deliver 33
            34001 n1 broadcast 34
            34001 n1 deliver 34
            34002 n2 deliver 34
            34003 n3 deliver 34
            35001 n1 broadcast 35
            35001 n1 deliver 35
            35002 n2 deliver 35
            35003 n3 deliver 35
            36001 n1 broadcast 36
            36001 n1 deliver 36
            36002 n2 deliver 36
            36003 n3 deliver 36
            37001 n1 broadcast 37
            37001 n1 deliver 37
            37002 n2 deliver 37
            37003 n3 deliver 37
            38001 n1 broadcast 38
            38001 n1 deliver 38
            38002 n2 deliver 38
            38003 n3 deliver 38
            39001 n1 broadcast 39
            39001 n1 deliver 39
            39002 n2 deliver 39
            39003 n3 deliver 39
            40001 n1 broadcast 40
            40001 n1 deliver 40
            40002 n2 deliver 40
            40003 n3 deliver 40

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
        "#,
        trace: "",
    };
    story.is_explained(
        &expect![[r#"
            total-order: n1 delivered m101 before m102, and n3 m102 before m101.

              #         ms  n1         n2         n3
                            │          │          │
                    60.000  ◆ m101 ┄┄┄┄┼┄┄┄┄┄┄┄╮  │          broadcasts m101
                    60.100  │ ╭┄┄┄┄┄┄┄┄◆ m102 ┄┼╮ │          broadcasts m102
              1     60.200  ● ┆        │       ┆┆ │          delivers m101
              2     61.000  ●◀╯        │       ┆┆ │          delivers m102
              3     61.300  │          │       ┆╰▶● m102     delivers m102
              4     61.400  │          │       ╰┄▶● m101     delivers m101

                delivered as  n1              n3
                         ...
                         39.   m39             m39
                         40.   m40             m40
                         41.  [m101]          [m102]  differs
                         42.  [m102]          [m101]
                         43.   m103            m103

                ◆ broadcast   ● delivery   ┄▶ from its broadcast

               #          time  who  what           line
               1     60.200 ms  n1   delivers m101  164
                                     m101 comes first at n1
               2     61.000 ms  n1   delivers m102  165
                                     then m102
               3     61.300 ms  n3   delivers m102  168
                                     m102 comes first at n3
               4     61.400 ms  n3   delivers m101  169
                                     then m101: the other order

            total-order: n2 delivered m101 before m102, and n3 m102 before m101.

              #         ms  n1         n2         n3
                            │          │          │
                    60.000  ◆ m101 ┄┄┬┄┼┄┄┄┄┄┄┄╮  │          broadcasts m101
                    60.100  │        ┆ ◆ m102 ┄┼╮ │          broadcasts m102
                     +1 ms  ⋮        ┆ ⋮       ┆┆ ⋮
              1     61.100  │        ╰▶● m101  ┆┆ │          delivers m101
              2     61.200  │          ● m102  ┆┆ │          delivers m102
              3     61.300  │          │       ┆╰▶● m102     delivers m102
              4     61.400  │          │       ╰┄▶● m101     delivers m101

                delivered as  n2              n3
                         ...
                         39.   m39             m39
                         40.   m40             m40
                         41.  [m101]          [m102]  differs
                         42.  [m102]          [m101]
                         43.   m103            m103

                ◆ broadcast   ● delivery   ┄▶ from its broadcast

               #          time  who  what           line
               1     61.100 ms  n2   delivers m101  166
                                     m101 comes first at n2
               2     61.200 ms  n2   delivers m102  167
                                     then m102
               3     61.300 ms  n3   delivers m102  168
                                     m102 comes first at n3
               4     61.400 ms  n3   delivers m101  169
                                     then m101: the other order
        "#]],
        &expect![[r#"
            total-order: n1 delivered m101 before m102, and n3 m102 before m101.

              #         ms  n1         n2         n3
                            |          |          |
                    60.000  B m101 ....+.......+  |          broadcasts m101
                    60.100  | +........B m102 .++ |          broadcasts m102
              1     60.200  D :        |       :: |          delivers m101
              2     61.000  D<+        |       :: |          delivers m102
              3     61.300  |          |       :+>D m102     delivers m102
              4     61.400  |          |       +.>D m101     delivers m101

                delivered as  n1              n3
                         ...
                         39.   m39             m39
                         40.   m40             m40
                         41.  [m101]          [m102]  differs
                         42.  [m102]          [m101]
                         43.   m103            m103

                B broadcast   D delivery   .> from its broadcast

               #          time  who  what           line
               1     60.200 ms  n1   delivers m101  164
                                     m101 comes first at n1
               2     61.000 ms  n1   delivers m102  165
                                     then m102
               3     61.300 ms  n3   delivers m102  168
                                     m102 comes first at n3
               4     61.400 ms  n3   delivers m101  169
                                     then m101: the other order

            total-order: n2 delivered m101 before m102, and n3 m102 before m101.

              #         ms  n1         n2         n3
                            |          |          |
                    60.000  B m101 ..+.+.......+  |          broadcasts m101
                    60.100  |        : B m102 .++ |          broadcasts m102
                     +1 ms  :        : :       :: :
              1     61.100  |        +>D m101  :: |          delivers m101
              2     61.200  |          D m102  :: |          delivers m102
              3     61.300  |          |       :+>D m102     delivers m102
              4     61.400  |          |       +.>D m101     delivers m101

                delivered as  n2              n3
                         ...
                         39.   m39             m39
                         40.   m40             m40
                         41.  [m101]          [m102]  differs
                         42.  [m102]          [m101]
                         43.   m103            m103

                B broadcast   D delivery   .> from its broadcast

               #          time  who  what           line
               1     61.100 ms  n2   delivers m101  166
                                     m101 comes first at n2
               2     61.200 ms  n2   delivers m102  167
                                     then m102
               3     61.300 ms  n3   delivers m102  168
                                     m102 comes first at n3
               4     61.400 ms  n3   delivers m101  169
                                     then m101: the other order
        "#]],
    );
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
        "#,
        trace: "",
    };
    story.is_explained(
        &expect![[r#"
        gap-free-order: as message number 2 n1 delivered m2, and n2 m3.

          #         ms  n1          n2
                        │           │
                10.100  ◆ m2        │           broadcasts m2
                10.200  ◆ m3 ┄┄┄┄┄╮ │           broadcasts m3
          1     11.100  ● m2      ┆ │           delivers m2
                 +1 ms  ⋮         ┆ ⋮
          2     12.100  │         ╰▶● m3        delivers m3

            delivered as  n1              n2
                      1.   m1              m1
                      2.  [m2]            [m3]  differs
                      3.  [m3]             …

            ◆ broadcast   ● delivery   ┄▶ from its broadcast
            Not drawn: n3.

           #          time  who  what         line
           1     11.100 ms  n1   delivers m2  6
                                 number 2 at n1; all before it are the same at both
           2     12.100 ms  n2   delivers m3  9
                                 number 2 at n2 is another message
    "#]],
        &expect![[r#"
        gap-free-order: as message number 2 n1 delivered m2, and n2 m3.

          #         ms  n1          n2
                        |           |
                10.100  B m2        |           broadcasts m2
                10.200  B m3 .....+ |           broadcasts m3
          1     11.100  D m2      : |           delivers m2
                 +1 ms  :         : :
          2     12.100  |         +>D m3        delivers m3

            delivered as  n1              n2
                      1.   m1              m1
                      2.  [m2]            [m3]  differs
                      3.  [m3]             ~

            B broadcast   D delivery   .> from its broadcast
            Not drawn: n3.

           #          time  who  what         line
           1     11.100 ms  n1   delivers m2  6
                                 number 2 at n1; all before it are the same at both
           2     12.100 ms  n2   delivers m3  9
                                 number 2 at n2 is another message
    "#]],
    );
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
        "#,
        trace: "",
    };
    story.is_explained(
        &expect![[r#"
        one-order: no one order fits all nodes: n1 delivered m1 before m2; n2 delivered
        m2 before m3; n3 delivered m3 before m1.

          #         ms  n1         n2         n3
                        │          │          │
                10.000  ◆ m1 ┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄╮ │          broadcasts m1
                10.100  │ ╭┄┄┄┄┄┄┄┄◆ m2     ┆ │          broadcasts m2
                10.200  │ ┆        │ ╭┄┄┄┄┄┄┼┄◆ m3       broadcasts m3
          1     11.000  ● ┆        │ ┆      ┆ │          delivers m1
          2     11.100  ●◀╯        │ ┆      ┆ │          delivers m2
          3     12.000  │       m2 ● ┆      ┆ │          delivers m2
          4     12.100  │       m3 ●◀╯      ┆ │          delivers m3
          5     13.000  │          │        ┆ ● m3       delivers m3
          6     13.100  │          │        ╰▶● m1       delivers m1

            n1 delivered  m1 m2
            n2 delivered  m2 m3
            n3 delivered  m3 m1

            ◆ broadcast   ● delivery   ┄▶ from its broadcast

           #          time  who  what         line
           1     11.000 ms  n1   delivers m1  5
                                 m1 first at n1
           2     11.100 ms  n1   delivers m2  6
                                 then m2
           3     12.000 ms  n2   delivers m2  7
                                 m2 first at n2
           4     12.100 ms  n2   delivers m3  8
                                 then m3
           5     13.000 ms  n3   delivers m3  9
                                 m3 first at n3
           6     13.100 ms  n3   delivers m1  10
                                 then m1
    "#]],
        &expect![[r#"
        one-order: no one order fits all nodes: n1 delivered m1 before m2; n2 delivered
        m2 before m3; n3 delivered m3 before m1.

          #         ms  n1         n2         n3
                        |          |          |
                10.000  B m1 ......+........+ |          broadcasts m1
                10.100  | +........B m2     : |          broadcasts m2
                10.200  | :        | +......+.B m3       broadcasts m3
          1     11.000  D :        | :      : |          delivers m1
          2     11.100  D<+        | :      : |          delivers m2
          3     12.000  |       m2 D :      : |          delivers m2
          4     12.100  |       m3 D<+      : |          delivers m3
          5     13.000  |          |        : D m3       delivers m3
          6     13.100  |          |        +>D m1       delivers m1

            n1 delivered  m1 m2
            n2 delivered  m2 m3
            n3 delivered  m3 m1

            B broadcast   D delivery   .> from its broadcast

           #          time  who  what         line
           1     11.000 ms  n1   delivers m1  5
                                 m1 first at n1
           2     11.100 ms  n1   delivers m2  6
                                 then m2
           3     12.000 ms  n2   delivers m2  7
                                 m2 first at n2
           4     12.100 ms  n2   delivers m3  8
                                 then m3
           5     13.000 ms  n3   delivers m3  9
                                 m3 first at n3
           6     13.100 ms  n3   delivers m1  10
                                 then m1
    "#]],
    );
}
