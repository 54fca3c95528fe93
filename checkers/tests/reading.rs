//! The two ways of reading a line, the canonical and the tolerant one, mean the same: an op written as the recorder writes it, and
//! the same op with its keys in another order, with spaces, with unknown keys, with escapes in its strings, are one op.

use std::num::NonZeroU32;

use proptest::prelude::*;
use temblor_checkers::op::{Event, Kind, MAX_MESSAGE, Names, Node, Op, Process};
use temblor_checkers::reader::Reader;

/// Node names of all kinds: at most eight bytes or more, with what JSON escapes, not ASCII.
const NAMES: [&str; 8] = ["n1", "n2", "a", "exactly8", "more than 8", "b\\n", "\"q\"", "\u{e9}\u{1f600}"];

/// What a line says, before it is written in one way or another.
#[derive(Clone, Debug)]
struct Said {
    step: u64,
    process: Who,
    event: What,
}

#[derive(Clone, Copy, Debug)]
enum Who {
    Client(u32, Kind),
    Node(usize),
}

#[derive(Clone, Copy, Debug)]
enum What {
    Broadcast(u64),
    Deliver(u64, Option<NonZeroU32>),
    Start(u32),
    Request(usize, u64),
    RequestWithError(usize, u64),
}

fn said() -> impl Strategy<Value = Said> {
    // Numbers of all lengths.
    let message = || (0_u32..54).prop_flat_map(|bits| 0..=MAX_MESSAGE >> (53 - bits.min(53)));
    let pos = prop::option::of((0_u32..32).prop_flat_map(|bits| 1..=u32::MAX >> bits));
    let kind = prop::sample::select(vec![Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info]);
    let client = (any::<u32>(), kind).prop_map(|(client, kind)| Who::Client(client, kind));
    let node = (0..NAMES.len()).prop_map(Who::Node);
    let request = (0..NAMES.len(), message(), any::<bool>()).prop_map(|(node, message, error)| match error {
        true => What::RequestWithError(node, message),
        false => What::Request(node, message),
    });
    let indication = prop_oneof![
        message().prop_map(What::Broadcast),
        (message(), pos).prop_map(|(message, pos)| What::Deliver(message, pos.and_then(NonZeroU32::new))),
        any::<u32>().prop_map(What::Start),
    ];
    let said = prop_oneof![(client, request), (node, indication)];
    let step = (0_u32..50).prop_flat_map(|bits| 0_u64..=1 << bits);
    (step, said).prop_map(|(step, (process, event))| Said { step, process, event })
}

/// The op that the reader has to come to.
fn op(said: &Said, (index, time): (u64, u64), names: &Names) -> Op {
    let node = |at: usize| names.find(NAMES[at]).expect("the first line names it");
    let (process, kind) = match said.process {
        Who::Client(client, kind) => (Process::Client(client), kind),
        Who::Node(at) => (Process::Node(node(at)), Kind::Info),
    };
    let event = match said.event {
        What::Broadcast(message) => Event::Broadcast(message),
        What::Deliver(message, pos) => Event::Deliver { message, pos },
        What::Start(incarnation) => Event::Start { incarnation },
        What::Request(at, message) | What::RequestWithError(at, message) => Event::Request { node: node(at), message },
    };
    Op { index, time, process, kind, event }
}

/// The keys of a line and their values as JSON, in canonical order.
fn keys(said: &Said, (index, time): (u64, u64), string: fn(&str) -> String) -> Vec<(&'static str, String)> {
    let (process, kind) = match said.process {
        Who::Client(client, kind) => (client.to_string(), format!("{kind:?}").to_lowercase()),
        Who::Node(at) => (string(NAMES[at]), "info".to_owned()),
    };
    let (f, value) = match said.event {
        What::Broadcast(message) => ("broadcast", message.to_string()),
        What::Deliver(message, None) => ("deliver", message.to_string()),
        What::Deliver(message, Some(pos)) => ("deliver", format!("{{\"message\":{message},\"pos\":{pos}}}")),
        What::Start(incarnation) => ("start", format!("{{\"incarnation\":{incarnation}}}")),
        What::Request(at, message) | What::RequestWithError(at, message) => {
            ("broadcast", format!("{{\"node\":{},\"message\":{message}}}", string(NAMES[at])))
        }
    };
    let mut keys = vec![
        ("index", index.to_string()),
        ("time", time.to_string()),
        ("process", process),
        ("type", string(&kind)),
        ("f", string(f)),
        ("value", value),
    ];
    if matches!(said.event, What::RequestWithError(..)) {
        keys.push(("error", "[\"timeout\",\"no answer\"]".to_owned()));
    }
    keys
}

fn plain(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}

/// Every character as an escape.
fn escaped(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{units}\"")
}

fn canonical(said: &Said, at: (u64, u64)) -> String {
    let keys: Vec<String> = keys(said, at, plain).iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}\n", keys.join(","))
}

/// How a line differs from its canonical form.
#[derive(Clone, Debug)]
struct Manner {
    rotated: usize,
    space: &'static str,
    escapes: bool,
    more: &'static str,
    end: &'static str,
}

fn manner() -> impl Strategy<Value = Manner> {
    let space = prop::sample::select(vec!["", " ", "\t  "]);
    let more =
        prop::sample::select(vec!["", "\"lamport\":[17,{\"a\":null}]", "\"values\":\"}\\n\"", "\"indexes\":-1.5e3"]);
    let end = prop::sample::select(vec!["\n", "\r\n", " \n"]);
    (0_usize..7, space, any::<bool>(), more, end).prop_map(|(rotated, space, escapes, more, end)| Manner {
        rotated,
        space,
        escapes,
        more,
        end,
    })
}

fn in_this_manner(said: &Said, at: (u64, u64), manner: &Manner) -> String {
    let Manner { rotated, space, escapes, more, end } = manner;
    let keys = keys(said, at, if *escapes { escaped } else { plain });
    let mut keys: Vec<String> =
        keys.iter().map(|(key, value)| format!("{space}\"{key}\"{space}:{space}{value}{space}")).collect();
    if !more.is_empty() {
        keys.push((*more).to_owned());
    }
    let count = keys.len();
    keys.rotate_left(rotated % count);
    format!("{space}{{{}}}{end}", keys.join(","))
}

fn header() -> String {
    let nodes = serde_json::to_string(&NAMES).expect("strings are always JSON");
    format!(
        r#"{{"index":0,"time":0,"process":"nemesis","type":"info","f":"run","value":{{"format":1,"system":"fifo","nodes":{nodes},"crashes":"stop","faulty_max":2,"ok":"taken","promises":{{}}}}}}"#
    ) + "\n"
}

fn read(text: &str) -> Vec<Op> {
    let mut reader = Reader::new(text.as_bytes());
    let mut ops = Vec::new();
    while let Some(op) = reader.next().unwrap_or_else(|error| panic!("{error}\n{text}")) {
        ops.push(op);
    }
    assert!(!reader.torn());
    assert_eq!((reader.lines(), reader.bytes()), (ops.len() as u64, text.len() as u64));
    ops
}

proptest! {
    #[test]
    fn a_line_means_the_same_in_every_form(history in prop::collection::vec((said(), manner()), 0..20)) {
        let mut names = Names::default();
        NAMES.iter().for_each(|name| assert!(names.intern(name).is_some()));
        let (mut expected, mut one, mut other) = (Vec::new(), header(), header());
        let mut time = 0;
        for (at, (said, manner)) in history.iter().enumerate() {
            time += said.step;
            let place = (at as u64 + 1, time);
            expected.push(op(said, place, &names));
            one += &canonical(said, place);
            other += &in_this_manner(said, place, manner);
        }
        prop_assert_eq!(&read(&one)[1..], &expected);
        prop_assert_eq!(&read(&other)[1..], &expected);
    }

    #[test]
    fn a_history_cut_anywhere_has_the_ops_before_the_cut(history in prop::collection::vec(said(), 1..6), cut in any::<prop::sample::Index>()) {
        let mut text = header();
        for (at, said) in history.iter().enumerate() {
            text += &canonical(said, (at as u64 + 1, at as u64));
        }
        let cut = cut.index(text.len() + 1);
        let whole = text.as_bytes()[..cut].iter().filter(|byte| **byte == b'\n').count();
        let mut reader = Reader::new(&text.as_bytes()[..cut]);
        let mut ops = 0;
        while reader.next().expect("what is there is right").is_some() {
            ops += 1;
        }
        prop_assert_eq!(ops, whole);
        prop_assert_eq!(reader.torn(), cut > 0 && text.as_bytes()[cut - 1] != b'\n');
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'"'), any::<u8>()], 0..200)) {
        let mut reader = Reader::new(bytes.as_slice());
        while let Ok(Some(_)) = reader.next() {}
        prop_assert!(reader.lines() <= bytes.len() as u64);
    }

    #[test]
    fn a_line_with_one_byte_changed_reads_alike_on_both_paths(said in said(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut line = canonical(&said, (1, 1)).into_bytes();
        let at = at.index(line.len() - 1);
        line[at] = byte;
        // A space in front means nothing, and no canonical line has one.
        let alike = [&b""[..], b" "].map(|space| {
            let text = [header().as_bytes(), space, &line].concat();
            let mut reader = Reader::new(text.as_slice());
            assert!(reader.next().is_ok());
            reader.next().map_err(|_| "an error")
        });
        prop_assert_eq!(&alike[0], &alike[1]);
    }
}

#[test]
fn without_a_header_nodes_are_known_as_they_occur() {
    let lines = r#"{"index":0,"time":0,"process":"b","type":"info","f":"deliver","value":1}
{"index":1,"time":0,"process":0,"type":"invoke","f":"broadcast","value":{"node":"a","message":1}}
{"index":2,"time":0,"process":"b","type":"info","f":"deliver","value":2}
"#;
    let mut reader = Reader::new(lines.as_bytes());
    while reader.next().expect("it is a history").is_some() {}
    let names: Vec<(Node, &str)> = reader.names().iter().collect();
    assert_eq!(names, [(Node(0), "b"), (Node(1), "a")]);
    assert!(reader.header().is_none());
}
