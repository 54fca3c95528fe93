//! Frames: one line of an envelope, and the key that names its protocol step.

use std::borrow::Cow;

use memchr::memmem;
use temblor_workloads::chance::of_bytes;

/// The key of a frame: the envelope's own, if it stands before the body, else a hash of the body. Found by a scan of bytes; the
/// JSON is not parsed.
pub fn key(frame: &[u8]) -> Cow<'_, [u8]> {
    let body = memmem::find(frame, b"\"body\":");
    let head = &frame[..body.unwrap_or(frame.len())];
    if let Some(at) = memmem::find(head, b"\"key\":\"") {
        let text = &head[at + 7..];
        if let Some(end) = memchr::memchr(b'"', text) {
            return Cow::Borrowed(&text[..end]);
        }
    }
    let body = frame[body.unwrap_or(0)..].trim_ascii_end();
    Cow::Owned(format!("#{:016x}", of_bytes(body)).into_bytes())
}

/// The frames of some whole lines, each with its LF.
pub fn split(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (frame, behind) = rest.split_at(end);
        rest = behind;
        Some(frame)
    })
}

/// Puts chunks of a stream together to whole lines. What is left of a line waits for the rest of it.
#[derive(Debug, Default)]
pub struct Assembler {
    left: Vec<u8>,
}

impl Assembler {
    /// Takes a chunk and hands on the whole lines that are there now, if any.
    pub fn take(&mut self, chunk: &[u8], hand_on: impl FnOnce(&[u8])) {
        let Some(end) = memchr::memrchr(b'\n', chunk) else {
            self.left.extend_from_slice(chunk);
            return;
        };
        let (lines, rest) = chunk.split_at(end + 1);
        if self.left.is_empty() {
            hand_on(lines);
        } else {
            let mut whole = std::mem::take(&mut self.left);
            whole.extend_from_slice(lines);
            hand_on(&whole);
        }
        self.left.extend_from_slice(rest);
    }

    /// How many bytes of a line that is not whole yet wait here.
    pub fn waiting(&self) -> usize {
        self.left.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Assembler, key, split};

    #[test]
    fn an_envelopes_own_key_is_found_before_its_body_only() {
        let own = br#"{"src":"n1","dest":"n2","key":"relay/17","body":{"type":"data"}}"#;
        assert_eq!(&*key(own), b"relay/17");
        let inside = br#"{"src":"n1","dest":"n2","body":{"type":"data","key":"relay/17"}}"#;
        assert!(key(inside).starts_with(b"#"));
    }

    #[test]
    fn without_a_key_equal_bodies_have_equal_keys() {
        let frame = |id: u32, n: u32| format!("{{\"id\":{id},\"src\":\"n1\",\"body\":{{\"n\":{n}}}}}\n").into_bytes();
        assert_ne!(key(&frame(1, 1)), key(&frame(1, 2)));
        let (first, second) = (br#"{"a":1,"body":{}}"#, b"{\"a\":2,\"body\":{}}\n");
        assert_eq!(key(first).len(), 17);
        assert_eq!(key(first), key(second));
    }

    #[test]
    fn lines_are_whole_however_the_stream_is_cut() {
        let text: Vec<u8> = (0..50).flat_map(|n| format!("line {}\n", "x".repeat(n % 7)).into_bytes()).collect();
        for size in 1..40 {
            let (mut assembler, mut seen) = (Assembler::default(), Vec::new());
            for chunk in text.chunks(size) {
                assembler.take(chunk, |lines| {
                    assert_eq!(lines.last(), Some(&b'\n'));
                    assert!(split(lines).all(|frame| frame.ends_with(b"\n")));
                    seen.extend_from_slice(lines);
                });
            }
            assert_eq!((seen.as_slice(), assembler.waiting()), (text.as_slice(), 0));
        }
    }
}
