//! What is no history, or a damaged one: an error that names the line and says what was expected, or a verdict. Never a panic, a
//! hang, or memory without bound.

use std::io::{self, Read};

use expect_test::{Expect, expect};
use temblor_checkers::check::check as judge;
use temblor_checkers::judge::Options;
use temblor_checkers::reader::{LINE_MAX, Reader};

const HEADER: &str = r#"{"index":0,"time":0,"process":"nemesis","type":"info","f":"run","value":{"format":1,"system":"fifo","nodes":["n1","n2","n3"],"crashes":"stop","faulty_max":2,"ok":"taken","promises":{"no-creation":"always"}}}"#;

/// Judges these bytes, and compares what a user would read.
fn check(bytes: impl AsRef<[u8]>, expected: Expect) {
    let bytes = bytes.as_ref();
    let said = match judge(|| Ok(bytes), &Options::default()) {
        Ok(verdict) => {
            let end = if verdict.counts.cut_short { "cut short" } else { "drained" };
            format!("{} ops, {end}: {:?}", verdict.counts.ops, verdict.outcome)
        }
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&format!("{said}\n"));
}

/// Judges the header and these lines.
fn check_after_header(lines: &str, expected: Expect) {
    check(format!("{HEADER}\n{lines}"), expected);
}

fn deliver(index: u64, message: &str) -> String {
    format!(r#"{{"index":{index},"time":{index},"process":"n1","type":"info","f":"deliver","value":{message}}}"#) + "\n"
}

#[test]
fn an_empty_file_has_nothing_to_judge() {
    check(
        "",
        expect![[r#"
            0 ops, cut short: Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
}

#[test]
fn a_torn_last_line_is_no_op_and_the_history_is_cut_short() {
    check_after_header(
        &deliver(1, "17")[..40],
        expect![[r#"
            1 ops, cut short: Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
    check(
        &HEADER[..HEADER.len() - 9],
        expect![[r#"
            0 ops, cut short: Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
}

#[test]
fn a_last_line_without_lf_is_torn_even_where_it_happens_to_be_whole() {
    check_after_header(
        deliver(1, "17").trim_end(),
        expect![[r#"
            1 ops, cut short: Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
}

#[test]
fn what_no_killed_writer_leaves_behind_is_not_called_torn() {
    check(
        "hello",
        expect![[r#"
            line 1 (byte 0): no op: every line is a JSON object and ends with LF; found hello
        "#]],
    );
    check(
        format!("{HEADER}\n\0\0\0\0"),
        expect![[r#"
            line 2 (byte 208): no op: every line is a JSON object and ends with LF; found \u{0}\u{0}\u{0}\u{0}
        "#]],
    );
}

#[test]
fn garbage_is_no_op() {
    check(
        "hello, world\n",
        expect![[r#"
            line 1 (byte 0): no op: every line is a JSON object; found hello, world
        "#]],
    );
    check(
        "PK\x03\x04\x14\0\0\n",
        expect![[r#"
            line 1 (byte 0): no op: every line is a JSON object; found PK\u{3}\u{4}\u{14}\u{0}\u{0}
        "#]],
    );
    check_after_header(
        "\n",
        expect![[r#"
            line 2 (byte 208): an empty line; every line is one op
        "#]],
    );
    check_after_header(
        "{\n",
        expect![[r#"
            line 2 (byte 208): no op: EOF while parsing an object (column 1): {
        "#]],
    );
    check_after_header(
        "{}\n",
        expect![[r#"
            line 2 (byte 208): no op: missing field `index` (column 2): {}
        "#]],
    );
    check_after_header(
        "17\n",
        expect![[r#"
            line 2 (byte 208): no op: every line is a JSON object; found 17
        "#]],
    );
    check_after_header(
        "[1,1,\"n1\",\"info\",\"deliver\",17]\n",
        expect![[r#"
            line 2 (byte 208): no op: every line is a JSON object; found [1,1,"n1","info","deliver",17]
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("}\n", "} {}\n"),
        expect![[r#"
            line 2 (byte 208): no op: trailing characters (column 76): {"index":1,"time":1,"process":"n1","type":"info","f":"deliver","value":17} ...
        "#]],
    );
}

#[test]
fn a_key_of_an_op_is_missing_or_there_twice() {
    check_after_header(
        "{\"time\":1,\"process\":\"n1\",\"type\":\"info\",\"f\":\"x\"}\n",
        expect![[r#"
            line 2 (byte 208): no op: missing field `index` (column 47): {"time":1,"process":"n1","type":"info","f":"x"}
        "#]],
    );
    check_after_header(
        "{\"index\":1,\"index\":1}\n",
        expect![[r#"
            line 2 (byte 208): no op: duplicate field `index` (column 18): {"index":1,"index":1}
        "#]],
    );
}

#[test]
fn unknown_keys_and_unknown_fs_are_ignored() {
    check_after_header(
        &deliver(1, "17").replace("\"f\"", "\"lamport\":[4,{}],\"f\""),
        expect![[r#"
            2 ops, cut short: Violation
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("deliver", "rejoice"),
        expect![[r#"
            2 ops, cut short: Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
}

#[test]
fn an_unknown_type_or_process_is_named() {
    check_after_header(
        &deliver(1, "17").replace("\"info\"", "\"maybe\""),
        expect![[r#"
            line 2 (byte 208): no op: invalid value: string "maybe", expected a type: "invoke", "ok", "fail" or "info" (column 49): {"index":1,"time":1,"process":"n1","type":"maybe","f":"deliver","value":17}
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"info\"", "{\"ok\":null}"),
        expect![[r#"
            line 2 (byte 208): no op: invalid type: map, expected a type: "invoke", "ok", "fail" or "info" (column 42): {"index":1,"time":1,"process":"n1","type":{"ok":null},"f":"deliver","value"...
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"n1\"", "null"),
        expect![[r#"
            line 2 (byte 208): no op: invalid type: null, expected a process: a client's number, a node's name, or "nemesis" (column 34): {"index":1,"time":1,"process":null,"type":"info","f":"deliver","value":17}
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"n1\"", "-1"),
        expect![[r#"
            line 2 (byte 208): no op: invalid type: integer `-1`, expected a process: a client's number, a node's name, or "nemesis" (column 32): {"index":1,"time":1,"process":-1,"type":"info","f":"deliver","value":17}
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"n1\"", "4294967296"),
        expect![[r#"
            line 2 (byte 208): no op: a client's number up to 2^32 - 1 was expected, not 4294967296 (column 40): {"index":1,"time":1,"process":4294967296,"type":"info","f":"deliver","value...
        "#]],
    );
}

#[test]
fn a_line_is_missing_or_there_twice() {
    check_after_header(
        &deliver(2, "17"),
        expect![[r#"
            line 2 (byte 208): index 2 where 1 was expected: lines are missing
        "#]],
    );
    check_after_header(
        &deliver(1, "17").repeat(2),
        expect![[r#"
            line 3 (byte 283): index 1 where 2 was expected: a line stands twice or out of place
        "#]],
    );
    check(
        deliver(1, "17"),
        expect![[r#"
            line 1 (byte 0): index 1 where 0 was expected: lines are missing
        "#]],
    );
}

#[test]
fn time_never_falls() {
    let lines = deliver(1, "17").replace("\"time\":1", "\"time\":900") + &deliver(2, "18");
    check_after_header(
        &lines,
        expect![[r#"
            line 3 (byte 285): time goes back from 900 to 2 ns; it never falls in a history
        "#]],
    );
}

#[test]
fn numbers_have_to_be_whole_and_in_range() {
    check_after_header(
        &deliver(1, "9007199254740991"),
        expect![[r#"
            2 ops, cut short: Violation
        "#]],
    );
    check_after_header(
        &deliver(1, "9007199254740992"),
        expect![[r#"
            line 2 (byte 208): a delivery needs a message, a whole number up to 2^53 - 1; found 9007199254740992
        "#]],
    );
    check_after_header(
        &deliver(1, "-1"),
        expect![[r#"
            line 2 (byte 208): a delivery needs a message, a whole number up to 2^53 - 1; found -1
        "#]],
    );
    check_after_header(
        &deliver(1, "1.5"),
        expect![[r#"
            line 2 (byte 208): a delivery needs a message, a whole number up to 2^53 - 1; found 1.5
        "#]],
    );
    check_after_header(
        &deliver(1, "1e400"),
        expect![[r#"
            line 2 (byte 208): no op: number out of range (column 76): {"index":1,"time":1,"process":"n1","type":"info","f":"deliver","value":1e40...
        "#]],
    );
    check_after_header(
        &deliver(1, "017"),
        expect![[r#"
            line 2 (byte 208): no op: invalid number (column 73): {"index":1,"time":1,"process":"n1","type":"info","f":"deliver","value":017}
        "#]],
    );
    check_after_header(
        &deliver(1, "\"17\""),
        expect![[r#"
            line 2 (byte 208): a delivery needs a message, a whole number up to 2^53 - 1; found "17"
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"time\":1", "\"time\":18446744073709551616"),
        expect![[r#"
            line 2 (byte 208): no op: invalid type: floating point `1.8446744073709552e+19`, expected a whole number from 0 to 2^64 - 1 (column 38): {"index":1,"time":18446744073709551616,"process":"n1","type":"info","f":"de...
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"index\":1", "\"index\":1.0"),
        expect![[r#"
            line 2 (byte 208): no op: invalid type: floating point `1.0`, expected a whole number from 0 to 2^64 - 1 (column 12): {"index":1.0,"time":1,"process":"n1","type":"info","f":"deliver","value":17...
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"index\":1", "\"index\":-1"),
        expect![[r#"
            line 2 (byte 208): no op: invalid type: integer `-1`, expected a whole number from 0 to 2^64 - 1 (column 11): {"index":-1,"time":1,"process":"n1","type":"info","f":"deliver","value":17}
        "#]],
    );
}

#[test]
fn values_have_the_shape_of_their_f() {
    check_after_header(
        &deliver(1, "{\"message\":17}"),
        expect![[r#"
            line 2 (byte 208): a delivery with a position needs pos, a whole number from 1 to 2^32 - 1; found {"message":17}
        "#]],
    );
    check_after_header(
        &deliver(1, "{\"message\":17,\"pos\":0}"),
        expect![[r#"
            line 2 (byte 208): a delivery with a position needs pos, a whole number from 1 to 2^32 - 1; found {"message":17,"pos":0}
        "#]],
    );
    check_after_header(
        &deliver(1, "{}").replace("deliver", "start"),
        expect![[r#"
            line 2 (byte 208): a start needs an incarnation, a whole number up to 2^32 - 1; found {}
        "#]],
    );
    check_after_header(
        &deliver(1, "{\"term\":-4}").replace("deliver", "leader"),
        expect![[r#"
            line 2 (byte 208): a leader needs a term, a whole number; found {"term":-4}
        "#]],
    );
    check_after_header(
        &deliver(1, "null").replace("deliver", "broadcast"),
        expect![[r#"
            line 2 (byte 208): a node's broadcast needs a message, a whole number up to 2^53 - 1; found null
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"n1\"", "0").replace("deliver", "broadcast"),
        expect![[r#"
            line 2 (byte 208): a client's broadcast needs a node and a message; found 17
        "#]],
    );
    check_after_header(
        &deliver(1, "{\"node\":\"n1\"}").replace("\"process\":\"n1\"", "\"process\":0").replace("deliver", "broadcast"),
        expect![[r#"
            line 2 (byte 208): a client's broadcast needs a message, a whole number up to 2^53 - 1; found none
        "#]],
    );
}

#[test]
fn the_nodes_of_the_first_line_are_all_there_are() {
    check_after_header(
        &deliver(1, "17").replace("\"n1\"", "\"n9\""),
        expect![[r#"
            line 2 (byte 208): unknown node n9; the first line names n1, n2, n3
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"n1\"", "\"\""),
        expect![[r#"
            line 2 (byte 208): a node's name is empty
        "#]],
    );
    let request =
        r#"{"index":1,"time":1,"process":0,"type":"invoke","f":"broadcast","value":{"node":"n4","message":17}}"#;
    check_after_header(
        &format!("{request}\n"),
        expect![[r#"
            line 2 (byte 208): unknown node n4; the first line names n1, n2, n3
        "#]],
    );
    let many: Vec<String> = (1..=100).map(|n| format!("\"node-{n}\"")).collect();
    let header = HEADER.replace(r#""n1","n2","n3""#, &many.join(","));
    check(
        format!("{header}\n{}", deliver(1, "17")),
        expect![[r#"
            line 2 (byte 1185): unknown node n1; the first line names node-1, node-2, node-3, node-4, node-5, node-6, node-7, node-8, node-9, nod... and 90 more
        "#]],
    );
}

#[test]
fn names_that_no_node_can_have_are_refused() {
    check(
        format!("{}\n", HEADER.replace("\"n2\"", "\"n1\"")),
        expect![[r#"
            line 1 (byte 0): the first line names n1 twice
        "#]],
    );
    check(
        format!("{}\n", HEADER.replace("\"n2\"", "\"\"")),
        expect![[r#"
            line 1 (byte 0): a node's name is empty
        "#]],
    );
    check(
        format!("{}\n", HEADER.replace("\"n2\"", "\"nemesis\"")),
        expect![[r#"
            line 1 (byte 0): a node is called nemesis, which is the process that injects faults
        "#]],
    );
    check(
        format!("{}\n", HEADER.replace("n2", &"n".repeat(256))),
        expect![[r#"
            line 1 (byte 0): a node's name has more than 255 bytes: nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...
        "#]],
    );
}

#[test]
fn more_nodes_than_have_a_number_are_refused() {
    let lines: String = (0..=65_536).map(|n| deliver(n, "17").replace("\"n1\"", &format!("\"{n:x}\""))).collect();
    check(
        lines,
        expect![[r#"
            line 65537 (byte 5543972): a history names at most 65,536 nodes; here is one more
        "#]],
    );
}

#[test]
fn a_header_says_all_that_it_must_and_stands_first() {
    check(
        format!("{}\n", HEADER.replace("\"format\":1", "\"format\":2")),
        expect![[r#"
            line 1 (byte 0): format 2 is newer than 1, the newest that this temblor reads
        "#]],
    );
    check(
        format!("{}\n", HEADER.replace("\"format\":1,", "")),
        expect![[r#"
            line 1 (byte 0): the first line has no format version: {"system":"fifo","nodes":["n1","n2","n3"],"crashes":"stop","faulty_max":2,"...
        "#]],
    );
    check(
        format!("{}\n", HEADER.replace("\"format\":1", "\"format\":\"1\"")),
        expect![[r#"
            line 1 (byte 0): the first line has no format version: {"format":"1","system":"fifo","nodes":["n1","n2","n3"],"crashes":"stop","fa...
        "#]],
    );
    check(
        format!("{}\n", HEADER.replace("\"ok\":\"taken\",", "")),
        expect![[r#"
            line 1 (byte 0): the first line is no header: missing field `ok`
        "#]],
    );
    check(
        format!("{}\n", HEADER.replace("\"stop\"", "\"sometimes\"")),
        expect![[r#"
            line 1 (byte 0): the first line is no header: unknown variant `sometimes`, expected `stop` or `recover`
        "#]],
    );
    check(
        format!("{}\n", HEADER.replace("\"always\"", "\"on-sundays\"")),
        expect![[r#"
            line 1 (byte 0): the first line is no header: unknown variant `on-sundays`, expected one of `always`, `while-sender-lives`, `while-leader-lives`, `while-nobody-crashes`, `while-majority-lives`, `as-statistic`
        "#]],
    );
    check(
        format!("{}\n", HEADER.replace("no-creation", "no-such-thing")),
        expect![[r#"
            unknown property `no-such-thing`; there are: validity, no-duplication, no-creation, agreement, uniform-agreement, fifo-order, causal-order, total-order, uniform-total-order, one-order, gap-free-order, stable-log, one-leader-per-term, rising-terms, one-vote-per-term, log-matching, leader-append-only, leader-completeness, commit-order, state-machine-safety, consensus-agreement, consensus-integrity, consensus-validity, termination, charged-at-most-once, acknowledged-is-charged, failed-is-not-charged, no-invented-charge, reads-complete, reads-invent-nothing, reads-repeat-nothing, echoes-exact, ids-unique, survives
        "#]],
    );
    check_after_header(
        &format!("{}\n", HEADER.replace("\"index\":0", "\"index\":1")),
        expect![[r#"
            line 2 (byte 208): a second header: "f":"run" stands in the first line only
        "#]],
    );
    check(
        deliver(0, "17") + &HEADER.replace("\"index\":0,\"time\":0", "\"index\":1,\"time\":1") + "\n",
        expect![[r#"
            line 2 (byte 75): a second header: "f":"run" stands in the first line only
        "#]],
    );
}

#[test]
fn deep_nesting_is_refused() {
    let deep = |depth| deliver(1, &("[".repeat(depth) + &"]".repeat(depth))).replace("deliver", "rejoice");
    check_after_header(
        &deep(100),
        expect![[r#"
            2 ops, cut short: Nothing("no request was acknowledged and nothing was delivered")
        "#]],
    );
    check_after_header(
        &deep(100_000),
        expect![[r#"
            line 2 (byte 208): no op: recursion limit exceeded (column 198): {"index":1,"time":1,"process":"n1","type":"info","f":"rejoice","value":[[[[...
        "#]],
    );
}

#[test]
fn text_is_utf8_without_a_byte_order_mark() {
    let mut latin = format!("{HEADER}\n{}", deliver(1, "17")).into_bytes();
    let at = latin.len() - 40;
    latin[at] = 0xe9;
    check(
        latin,
        expect![[r#"
            line 2 (byte 208): not UTF-8: byte 0xe9 in column 36: {"index":1,"time":1,"process":"n1",\xe9type":"info","f":"deliver","value":1...
        "#]],
    );
    check(
        format!("\u{feff}{HEADER}\n"),
        expect![[r#"
            line 1 (byte 0): a byte order mark; a history is UTF-8 without one
        "#]],
    );
}

#[test]
fn line_ends_of_windows_are_accepted() {
    check(
        format!("{HEADER}\n{}", deliver(1, "17")).replace('\n', "\r\n"),
        expect![[r#"
            2 ops, cut short: Violation
        "#]],
    );
}

#[test]
fn nuls_are_shown_and_do_nothing() {
    check_after_header(
        &deliver(1, "17").replace("\"n1\"", "\"n1\0\""),
        expect![[r#"
            line 2 (byte 208): no op: control character (\u0000-\u001F) found while parsing a string (column 34): {"index":1,"time":1,"process":"n1\u{0}","type":"info","f":"deliver","value"...
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("\"n1\"", "\"n1\\u0000\""),
        expect![[r#"
            line 2 (byte 208): unknown node n1\u{0}; the first line names n1, n2, n3
        "#]],
    );
}

#[test]
fn what_is_quoted_is_escaped_and_short() {
    check_after_header(
        "\x1b[2J\x1b[1;31mhello\u{202e}\n",
        expect![[r#"
            line 2 (byte 208): no op: every line is a JSON object; found \u{1b}[2J\u{1b}[1;31mhello\u{202e}
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("17", &format!("\"{}\"", "x".repeat(100_000))),
        expect![[r#"
            line 2 (byte 208): a delivery needs a message, a whole number up to 2^53 - 1; found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("info", &"x".repeat(100_000)),
        expect![[r#"
            line 2 (byte 208): no op: invalid value: string "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", expected a type: "invoke", "ok", "fail" or "info" (column 100044): {"index":1,"time":1,"process":"n1","type":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
        "#]],
    );
    check_after_header(
        &deliver(1, "17").replace("n1", &"x".repeat(100_000)),
        expect![[r#"
            line 2 (byte 208): unknown node xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...; the first line names n1, n2, n3
        "#]],
    );
}

#[test]
fn a_line_of_the_greatest_length_is_read_and_a_longer_one_is_not() {
    let line = deliver(1, "17");
    let padded = |length: usize| line.replace("}\n", &(" ".repeat(length - (line.len() - 1)) + "}\n"));
    check_after_header(
        &padded(LINE_MAX),
        expect![[r#"
            2 ops, cut short: Violation
        "#]],
    );
    check_after_header(
        &padded(LINE_MAX + 1),
        expect![[r#"
            line 2 (byte 208): a line of more than 1048576 bytes, which no op has: {"index":1,"time":1,"process":"n1","type":"info","f":"deliver","value":17  ...
        "#]],
    );
}

/// A gigabyte of one byte, and how much of it was taken.
struct Gigabyte {
    begin: &'static [u8],
    byte: u8,
    taken: usize,
}

impl Read for Gigabyte {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min((1 << 30) - self.taken);
        buffer[..count].fill(self.byte);
        if self.taken < self.begin.len() {
            let rest = &self.begin[self.taken..];
            let shown = rest.len().min(count);
            buffer[..shown].copy_from_slice(&rest[..shown]);
        }
        self.taken += count;
        Ok(count)
    }
}

#[test]
fn a_gigabyte_on_one_line_is_refused_as_soon_as_it_is_too_long() {
    let error = br#"{"index":0,"time":0,"process":0,"type":"info","f":"broadcast","value":{"node":"n1","message":1},"error":[""#;
    let number = br#"{"index":"#;
    for (begin, byte) in [(&b""[..], b'['), (b"{", b'x'), (error, b'e'), (number, b'7'), (b"", 0)] {
        let mut input = Gigabyte { begin, byte, taken: 0 };
        let error = Reader::new(&mut input).next().expect_err("no op is so long").to_string();
        assert!(error.starts_with("line 1 (byte 0): a line of more than 1048576 bytes"), "{error}");
        assert!(input.taken < 2 * LINE_MAX, "{} bytes were taken", input.taken);
    }
}

/// Gives the bytes one at a time, and now and then says that it was interrupted.
struct Trickle<'b>(&'b [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
        buffer[0] = *first;
        self.0 = rest;
        Ok(1)
    }
}

#[test]
fn a_history_may_come_byte_by_byte() {
    let text = format!("{HEADER}\n{}{}", deliver(1, "17"), deliver(2, "18"));
    let mut reader = Reader::new(Trickle(text.as_bytes(), false));
    while reader.next().expect("it is a history").is_some() {}
    assert_eq!((reader.lines(), reader.bytes(), reader.torn()), (3, text.len() as u64, false));
    let mut reader = Reader::new(Trickle(&text.as_bytes()[..text.len() - 1], false));
    while reader.next().expect("it is a history").is_some() {}
    assert_eq!((reader.lines(), reader.torn()), (2, true));
}

#[test]
fn a_device_that_fails_is_no_end_of_the_file() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is on fire"))
        }
    }
    let text = format!("{HEADER}\n{}", &deliver(1, "17")[..30]);
    let mut reader = Reader::new(text.as_bytes().chain(Broken));
    assert!(reader.next().expect("the first line is whole").is_some());
    let error = reader.next().expect_err("the second is not").to_string();
    expect![[r#"
        line 2 (byte 208): the disk is on fire
    "#]]
    .assert_eq(&format!("{error}\n"));
}

#[test]
fn an_error_says_in_which_line_and_where_that_begins() {
    let error = format!("{HEADER}\n{}hello\n", deliver(1, "17"));
    let mut reader = Reader::new(error.as_bytes());
    let error = loop {
        match reader.next() {
            Ok(op) => assert!(op.is_some(), "the error comes first"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.line, error.offset), (3, (HEADER.len() + 1 + deliver(1, "17").len()) as u64));
}
