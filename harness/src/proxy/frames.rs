//! Frames: cutting a stream of bytes into whole frames, and the key that names a frame's protocol step.
//!
//! TCP hands out bytes in pieces of its own choosing. Whatever the pieces, the runs of whole frames that come out, one after
//! the other, are the stream up to the end of its last frame; what follows waits for its end. Nothing here parses JSON: a
//! newline inside a JSON string is written `\n`, and a quote inside one `\"`, so plain byte scans can't be deceived.

use std::sync::LazyLock;

use memchr::{memchr, memchr_iter, memmem, memrchr};
use temblor_workloads::chance::of_bytes;

use super::framing::{Framing, Malformed, http_message};

/// The longest frame, in bytes with its LF; a node that writes a longer one has gone wrong.
pub const LINE_MAX: usize = 16 << 20;
/// What a splitter keeps allocated between frames, bytes.
const PARTIAL_KEPT: usize = 64 << 10;

/// Cuts one stream into frames; holds the part of a frame whose end has not come yet.
#[derive(Debug, Default)]
pub struct Splitter {
    framing: Framing,
    partial: Vec<u8>,
}

/// A frame grew beyond [`LINE_MAX`], or what came is no beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oversized;

impl Splitter {
    /// A splitter for a stream that begins.
    pub fn new(framing: Framing) -> Self {
        Self { framing, partial: Vec::new() }
    }

    /// Takes the next bytes of the stream and calls `each` with every run of whole frames that they complete: at most one for
    /// a frame begun earlier, and one for the rest.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), Oversized> {
        if self.framing == Framing::Http {
            return self.feed_http(bytes, each);
        }
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', bytes) else { return self.keep(bytes) };
            let (last, rest) = bytes.split_at(end + 1);
            self.keep(last)?;
            each(&self.partial);
            self.forget();
            bytes = rest;
        }
        let whole = memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        if whole > 0 {
            each(&bytes[..whole]);
        }
        self.keep(&bytes[whole..])
    }

    /// Whether the stream stands in the middle of a frame.
    pub fn is_inside_a_frame(&self) -> bool {
        !self.partial.is_empty()
    }

    fn feed_http(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), Oversized> {
        self.partial.extend_from_slice(bytes);
        let mut whole = 0;
        let checked = loop {
            match http_message(&self.partial[whole..]) {
                Ok(Some(length)) => whole += length,
                Ok(None) => break Ok(()),
                Err(Malformed) => break Err(Oversized),
            }
        };
        if whole > 0 {
            each(&self.partial[..whole]);
            self.partial.drain(..whole);
            self.partial.shrink_to(PARTIAL_KEPT);
        }
        checked
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Oversized> {
        if self.partial.len() + bytes.len() > LINE_MAX {
            return Err(Oversized);
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    fn forget(&mut self) {
        self.partial.clear();
        self.partial.shrink_to(PARTIAL_KEPT);
    }
}

/// The frames of a run of whole ones, each with its LF where it is a line.
pub fn each(framing: Framing, run: &[u8]) -> impl Iterator<Item = &[u8]> {
    assert!(framing == Framing::Http || run.last().is_none_or(|last| *last == b'\n'), "a run ends with a whole frame");
    let (mut begin, mut ends) = (0, memchr_iter(b'\n', run));
    std::iter::from_fn(move || {
        let rest = &run[begin..];
        let length = match framing {
            Framing::Lines => ends.next()? + 1 - begin,
            Framing::Http if rest.is_empty() => return None,
            Framing::Http => http_message(rest).ok().flatten().expect("a run ends with a whole message"),
        };
        begin += length;
        Some(&rest[..length])
    })
}

/// How many frames a run of whole ones holds.
pub fn count(framing: Framing, run: &[u8]) -> u64 {
    match framing {
        Framing::Lines => memchr_iter(b'\n', run).count() as u64,
        Framing::Http => each(framing, run).count() as u64,
    }
}

/// The frame's key: what the envelope itself says directly before its body (`"key":"relay/17","body":`), else the hash of its
/// body, written in hex into `hex`. An HTTP message has an envelope as its body.
pub fn key<'a>(frame: &'a [u8], hex: &'a mut [u8; 16]) -> &'a [u8] {
    /// Made once: to make it takes longer than to find what it looks for.
    static BODY: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\"body\":"));
    let body = BODY.find(frame);
    if let Some(own) = body.and_then(|at| own_key(&frame[..at])) {
        return own;
    }
    write_hex(of_bytes(body_of(frame, body)), hex);
    hex
}

/// The key at the end of `head`, all that precedes the body; there may be blanks between the parts of JSON. One that JSON would
/// escape is none: it would have two spellings.
fn own_key(head: &[u8]) -> Option<&[u8]> {
    let text = head.trim_ascii_end().strip_suffix(b",")?.trim_ascii_end().strip_suffix(b"\"")?;
    let begin = memrchr(b'"', text)?;
    let name = text[..begin].trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let key = name.ends_with(b"\"key\"").then_some(&text[begin + 1..])?;
    let plain = key.iter().all(|byte| *byte >= b' ' && *byte != b'\\' && *byte != 0x7F);
    (plain && std::str::from_utf8(key).is_ok()).then_some(key)
}

/// The bytes of the body, from its first to the last before the envelope's closing brace; of a line that is no envelope, all.
fn body_of(frame: &[u8], body: Option<usize>) -> &[u8] {
    let line = frame.trim_ascii_end();
    match body {
        Some(at) => line[at + b"\"body\":".len()..].strip_suffix(b"}").unwrap_or(line),
        None => line,
    }
}

fn write_hex(number: u64, hex: &mut [u8; 16]) {
    for (at, digit) in hex.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (60 - 4 * at)) as usize & 15];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::framing::Framing::{Http, Lines};
    use super::{LINE_MAX, Oversized, Splitter, count, each, key};

    fn key_of(frame: &str) -> String {
        let mut hex = [0; 16];
        String::from_utf8(key(frame.as_bytes(), &mut hex).to_vec()).unwrap()
    }

    proptest! {
        #[test]
        fn whatever_the_pieces_the_frames_are_the_lines_of_the_stream(
            stream in proptest::collection::vec(prop_oneof![3 => Just(b'\n'), 7 => any::<u8>()], 0..400),
            cuts in proptest::collection::vec(1_usize..40, 1..60),
        ) {
            let (mut splitter, mut frames, mut rest) = (Splitter::default(), Vec::new(), stream.as_slice());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                splitter.feed(piece, |run| {
                    assert_eq!(each(Lines, run).count() as u64, count(Lines, run));
                    frames.extend(each(Lines, run).map(<[u8]>::to_vec));
                }).unwrap();
                rest = behind;
            }
            let lines: Vec<Vec<u8>> = stream.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            let whole = lines.iter().take_while(|line| line.ends_with(b"\n")).count();
            prop_assert_eq!(&frames[..], &lines[..whole]);
            prop_assert_eq!(splitter.is_inside_a_frame(), whole < lines.len());
        }

        #[test]
        fn no_bytes_make_the_key_scan_panic(frame in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut hex = [0; 16];
            prop_assert!(std::str::from_utf8(key(&frame, &mut hex)).is_ok());
        }
    }

    #[test]
    fn whatever_the_pieces_the_frames_are_the_messages_of_an_http_stream() {
        let message = |n: usize| {
            let body = format!("{{\"src\":\"n2\",\"key\":\"charge/{n}\",\"body\":{{\"text\":\"a\\nb\"}}}}\n");
            let head = if n.is_multiple_of(2) { "POST / HTTP/1.1" } else { "HTTP/1.1 200 OK" };
            format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        };
        let messages: Vec<String> = (0..5).map(message).collect();
        let stream = messages.concat();
        for piece in 1..stream.len() {
            let (mut splitter, mut frames) = (Splitter::new(Http), Vec::new());
            for bytes in stream.as_bytes().chunks(piece) {
                let taken = splitter.feed(bytes, |run| {
                    assert_eq!(each(Http, run).count() as u64, count(Http, run));
                    frames.extend(each(Http, run).map(|frame| String::from_utf8(frame.to_vec()).unwrap()));
                });
                taken.unwrap();
            }
            assert_eq!(frames, messages, "in pieces of {piece}");
            assert!(!splitter.is_inside_a_frame());
        }
        assert_eq!(key_of(&messages[3]), "charge/3");
    }

    #[test]
    fn what_is_no_http_is_refused_behind_the_messages_in_front_of_it() {
        let (mut splitter, mut seen) = (Splitter::new(Http), 0);
        let fed = splitter.feed(b"GET / HTTP/1.1\r\n\r\n{\"src\":1}\n", |run| seen += count(Http, run));
        assert_eq!((fed, seen), (Err(Oversized), 1));
    }

    #[test]
    fn a_line_without_an_end_is_refused_at_the_limit() {
        let (mut splitter, piece) = (Splitter::default(), vec![b'x'; 1 << 20]);
        for _ in 0..LINE_MAX / piece.len() {
            assert_eq!(splitter.feed(&piece, |_| panic!("no frame is whole")), Ok(()));
        }
        assert_eq!(splitter.feed(b"x", |_| panic!("no frame is whole")), Err(Oversized));
    }

    #[test]
    fn the_envelopes_own_key_counts_only_directly_before_the_body() {
        assert_eq!(
            key_of("{\"src\":\"n1\",\"dest\":\"n2\",\"key\":\"relay/17\",\"body\":{\"key\":\"x\"}}\n"),
            "relay/17"
        );
        for other in [
            "{\"src\":\"n1\",\"dest\":\"n2\",\"body\":{\"key\":\"relay/17\",\"body\":{}}}\n",
            "{\"key\":\"relay/17\",\"src\":\"n1\",\"body\":{}}\n",
            "{\"src\":\"n1\",\"key\":\"re\\\"lay\",\"body\":{}}\n",
            "{\"src\":\"n1\",\"kex\":\"relay/17\",\"body\":{}}\n",
        ] {
            assert_eq!(key_of(other).len(), 16, "{other}");
            assert!(key_of(other).bytes().all(|byte| byte.is_ascii_hexdigit()), "{other}");
        }
    }

    #[test]
    fn there_may_be_blanks_between_the_parts_of_an_envelope() {
        for frame in [
            "{\"src\": \"n1\", \"dest\": \"n2\", \"key\": \"relay/17\", \"body\": {\"a\": 1}}\n",
            "{ \"key\" :\t\"relay/17\" , \"body\": {}}\n",
        ] {
            assert_eq!(key_of(frame), "relay/17", "{frame}");
        }
    }

    #[test]
    fn without_a_key_of_their_own_frames_with_equal_bodies_have_equal_keys() {
        let (a, b) = ("{\"src\":\"n1\",\"body\":{\"m\":1}}\n", "{\"src\":\"n2\",\"dest\":\"n3\",\"body\":{\"m\":1}}\n");
        assert_eq!(key_of(a), key_of(b));
        assert_ne!(key_of(a), key_of(&a.replace("1}", "2}")));
    }
}
