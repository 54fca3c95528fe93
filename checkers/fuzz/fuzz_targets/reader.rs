//! Any bytes: the reader ends, with ops or with an error, and both of its paths mean the same.
//!
//! A space in front of each line changes nothing for JSON and keeps the line off the fast path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temblor_checkers::op::{Names, Op};
use temblor_checkers::reader::Reader;

fuzz_target!(|bytes: &[u8]| {
    let (mut plain, mut spaced) = (read(bytes), read(&with_spaces(bytes)));
    // A fragment at the end is judged by its first byte, which is a space now.
    let torn = !bytes.is_empty() && !bytes.ends_with(b"\n");
    if torn {
        (plain.end, spaced.end) = (End::Torn, End::Torn);
    }
    assert_eq!(plain, spaced);
});

#[derive(Debug, PartialEq)]
struct Reading {
    ops: Vec<Op>,
    names: Names,
    end: End,
}

#[derive(Debug, PartialEq)]
enum End {
    Whole,
    Torn,
    Error { line: u64 },
}

fn read(bytes: &[u8]) -> Reading {
    let mut reader = Reader::new(bytes);
    let mut ops = Vec::new();
    let end = loop {
        match reader.next() {
            Ok(Some(op)) => ops.push(op),
            Ok(None) if reader.torn() => break End::Torn,
            Ok(None) => break End::Whole,
            Err(error) => {
                let text = error.to_string();
                assert!(text.len() < 1000 && !text.contains(char::is_control), "{text:?}");
                break End::Error { line: error.line };
            }
        }
    };
    assert_eq!(reader.lines(), ops.len() as u64);
    Reading { ops, names: reader.names().clone(), end }
}

fn with_spaces(bytes: &[u8]) -> Vec<u8> {
    let mut spaced = Vec::with_capacity(2 * bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        spaced.push(b' ');
        spaced.extend_from_slice(line);
    }
    spaced
}
