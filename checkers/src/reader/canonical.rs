//! The fast path: lines exactly as the recorder writes them.
//!
//! A hot op (a client's request and its completion, a node's `broadcast`, `deliver` and `start`) is read by comparing bytes,
//! without allocation. `None` means no more than "not in this form": the tolerant path decides.

use std::num::NonZeroU32;

use super::names::{NameTable, SHORT};
use crate::op::{Event, Kind, MAX_MESSAGE, Op, Process};

/// Reads a canonical line, without its LF, of known nodes.
#[inline]
pub(super) fn read(line: &[u8], names: &NameTable) -> Option<Op> {
    let mut at = Cursor { rest: line };
    at.literal(b"{\"index\":")?;
    let index = at.number()?;
    at.literal(b",\"time\":")?;
    let time = at.number()?;
    at.literal(b",\"process\":")?;
    let (process, kind, event) =
        if *at.rest.first()? == b'"' { node(&mut at, names)? } else { client(&mut at, names)? };
    at.literal(b"}")?;
    at.rest.is_empty().then_some(Op { index, time, process, kind, event })
}

#[inline]
fn node(at: &mut Cursor<'_>, names: &NameTable) -> Option<(Process, Kind, Event)> {
    let node = names.find_packed(at.name()?)?;
    at.literal(b",\"type\":\"info\",\"f\":\"")?;
    let event = if at.literal(b"deliver\",\"value\":").is_some() {
        deliver(at)?
    } else if at.literal(b"broadcast\",\"value\":").is_some() {
        Event::Broadcast(at.message()?)
    } else {
        at.literal(b"start\",\"value\":{\"incarnation\":")?;
        let incarnation = u32::try_from(at.number()?).ok()?;
        at.literal(b"}")?;
        Event::Start { incarnation }
    };
    Some((Process::Node(node), Kind::Info, event))
}

#[inline]
fn deliver(at: &mut Cursor<'_>) -> Option<Event> {
    if at.literal(b"{\"message\":").is_none() {
        return Some(Event::Deliver { message: at.message()?, pos: None });
    }
    let message = at.message()?;
    at.literal(b",\"pos\":")?;
    let pos = NonZeroU32::new(u32::try_from(at.number()?).ok()?)?;
    at.literal(b"}")?;
    Some(Event::Deliver { message, pos: Some(pos) })
}

#[inline]
fn client(at: &mut Cursor<'_>, names: &NameTable) -> Option<(Process, Kind, Event)> {
    let client = u32::try_from(at.number()?).ok()?;
    at.literal(b",\"type\":\"")?;
    let kind = at.kind()?;
    at.literal(b"\",\"f\":\"broadcast\",\"value\":{\"node\":")?;
    let node = names.find_packed(at.name()?)?;
    at.literal(b",\"message\":")?;
    let message = at.message()?;
    at.literal(b"}")?;
    if at.literal(b",\"error\":[").is_some() {
        at.text()?;
        at.literal(b",")?;
        at.text()?;
        at.literal(b"]")?;
    }
    Some((Process::Client(client), kind, Event::Request { node, message }))
}

/// The rest of a line.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    #[inline]
    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    /// A whole number as JSON writes it: no sign, no zeros in front.
    #[inline]
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        let mut length = 0;
        while let Some(digit) = self.rest.get(length).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            length += 1;
        }
        let padded = length > 1 && self.rest[0] == b'0';
        // 19 digits always fit.
        if length == 0 || length > 19 || padded {
            return None;
        }
        self.rest = &self.rest[length..];
        Some(number)
    }

    #[inline]
    fn message(&mut self) -> Option<u64> {
        self.number().filter(|message| *message <= MAX_MESSAGE)
    }

    /// A string of at most eight plain characters, packed as [`NameTable`] packs it.
    #[inline]
    fn name(&mut self) -> Option<u64> {
        let text = self.rest.strip_prefix(b"\"")?;
        let mut packed = 0;
        for (at, byte) in text.iter().enumerate().take(SHORT + 1) {
            if *byte == b'"' {
                self.rest = &text[at + 1..];
                return Some(packed);
            }
            if !plain(*byte) || at == SHORT {
                return None;
            }
            packed |= u64::from(*byte) << (8 * at);
        }
        None
    }

    /// A string of plain characters, whatever it says.
    fn text(&mut self) -> Option<()> {
        let text = self.rest.strip_prefix(b"\"")?;
        let end = memchr::memchr(b'"', text)?;
        self.rest = &text[end + 1..];
        text[..end].iter().all(|byte| plain(*byte)).then_some(())
    }

    #[inline]
    fn kind(&mut self) -> Option<Kind> {
        const KINDS: [(&[u8], Kind); 4] =
            [(b"invoke", Kind::Invoke), (b"ok", Kind::Ok), (b"info", Kind::Info), (b"fail", Kind::Fail)];
        KINDS.iter().find(|(text, _)| self.literal(text).is_some()).map(|(_, kind)| *kind)
    }
}

/// Whether a character stands for itself in a JSON string. Whatever JSON escapes or forbids is left to the tolerant path, and so
/// is all that is not ASCII.
#[inline]
fn plain(byte: u8) -> bool {
    (b' '..0x7f).contains(&byte) && byte != b'\\'
}
