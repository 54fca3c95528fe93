//! The fast path: lines exactly as the recorder writes them.
//!
//! A hot op (a client's request and its completion, a node's `broadcast`, `deliver` and `start`) is read by comparing bytes,
//! without allocation, without looking for the end of the line first, and numbers eight digits at a time. `None` means no more
//! than "not in this form": the tolerant path decides.

use std::num::NonZeroU32;

use super::names::NameTable;
use crate::op::{Event, Kind, MAX_MESSAGE, Op, Process};

/// Reads the canonical line, of known nodes, with which these bytes begin; with its length, LF included.
#[inline(always)]
pub(super) fn read(bytes: &[u8], names: &NameTable) -> Option<(Op, usize)> {
    let mut at = Cursor { rest: bytes };
    at.literal(b"{\"index\":")?;
    let index = at.number()?;
    at.literal(b",\"time\":")?;
    let time = at.number()?;
    at.literal(b",\"process\":")?;
    let (process, kind, event) =
        if *at.rest.first()? == b'"' { node(&mut at, names)? } else { client(&mut at, names)? };
    at.literal(b"}\n")?;
    Some((Op { index, time, process, kind, event }, bytes.len() - at.rest.len()))
}

#[inline(always)]
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

#[inline(always)]
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

#[inline(always)]
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

/// What comes next. Everything here is inlined into one function, so that the cursor lives in registers: that saves a fifth of the
/// time.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    #[inline(always)]
    fn literal<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    /// A whole number as JSON writes it: no sign, no zeros in front.
    #[inline(always)]
    fn number(&mut self) -> Option<u64> {
        let zero = self.rest.first() == Some(&b'0');
        let (mut number, mut length) = (0_u64, 0);
        loop {
            let (part, digits) = digits(self.eight(length));
            length += digits;
            // 19 digits always fit.
            if length == 0 || length > 19 || zero && length > 1 {
                return None;
            }
            number = number * TEN_TO_THE[digits] + part;
            if digits < 8 {
                self.rest = &self.rest[length..];
                return Some(number);
            }
        }
    }

    #[inline(always)]
    fn message(&mut self) -> Option<u64> {
        self.number().filter(|message| *message <= MAX_MESSAGE)
    }

    /// A string of at most eight bytes, packed as [`NameTable`] packs it. Whether its bytes stand for themselves is not looked
    /// at: no other name is in the table.
    #[inline(always)]
    fn name(&mut self) -> Option<u64> {
        self.literal(b"\"")?;
        let eight = self.eight(0);
        let length = first_quote(eight);
        if *self.rest.get(length)? != b'"' {
            return None;
        }
        self.rest = &self.rest[length + 1..];
        Some(eight & u64::MAX >> (8 * (7 - length.min(7))))
    }

    /// A short string of characters that stand for themselves, whatever it says.
    fn text(&mut self) -> Option<()> {
        self.literal(b"\"")?;
        let end = memchr::memchr(b'"', &self.rest[..self.rest.len().min(TEXT_MAX)])?;
        let text;
        (text, self.rest) = (&self.rest[..end], &self.rest[end + 1..]);
        text.iter().all(|byte| (b' '..0x7f).contains(byte) && *byte != b'\\').then_some(())
    }

    #[inline(always)]
    fn kind(&mut self) -> Option<Kind> {
        if self.literal(b"invoke").is_some() {
            Some(Kind::Invoke)
        } else if self.literal(b"ok").is_some() {
            Some(Kind::Ok)
        } else if self.literal(b"info").is_some() {
            Some(Kind::Info)
        } else {
            self.literal(b"fail").map(|()| Kind::Fail)
        }
    }

    /// Eight bytes as a number, the first one lowest; with NULs behind the end.
    #[inline(always)]
    fn eight(&self, from: usize) -> u64 {
        let rest = &self.rest[from..];
        match rest.first_chunk() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => rest.iter().rev().fold(0, |packed, byte| packed << 8 | u64::from(*byte)),
        }
    }
}

/// A longer text is left to the tolerant path.
const TEXT_MAX: usize = 4096;

const TEN_TO_THE: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The digits at the beginning of eight bytes: their value, and how many they are.
#[inline(always)]
fn digits(eight: u64) -> (u64, usize) {
    const ONES: u64 = u64::MAX / 0xff;
    let values = eight ^ (ONES * u64::from(b'0'));
    // A byte from 10 on carries into its own highest bit. What it does to those above it is of no interest.
    let others = (values.wrapping_add(ONES * 0x76) | values) & (ONES * 0x80);
    let count = others.trailing_zeros() as usize / 8;
    if count == 0 {
        return (0, 0);
    }
    // As eight digits with zeros in front, the first one lowest; neighbours are joined to pairs, those to fours, those to eight.
    let digits = values << (64 - 8 * count);
    let pairs = (digits.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(1 + (10_000 << 32)) >> 32, count)
}

/// Where the first quotation mark stands among eight bytes; 8 if there is none.
#[inline(always)]
fn first_quote(eight: u64) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    let others = eight ^ (ONES * u64::from(b'"'));
    // The lowest byte that is zero borrows from its own highest bit.
    let zeros = others.wrapping_sub(ONES) & !others & (ONES * 0x80);
    zeros.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_end_at_the_first_byte_that_is_none() {
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
            for count in 0..=8 {
                let mut eight = *b"98765432";
                eight[count..].fill(byte);
                let value = std::str::from_utf8(&eight[..count]).unwrap_or_default().parse().unwrap_or(0);
                assert_eq!(digits(u64::from_le_bytes(eight)), (value, count), "{byte:#x}");
                eight[count..].fill(b'9');
                if count < 8 {
                    eight[count] = byte;
                }
                assert_eq!(digits(u64::from_le_bytes(eight)), (value, count), "{byte:#x}");
            }
        }
    }

    #[test]
    fn numbers_of_every_length_are_read() {
        for number in (0..19).map(|power| 10_u64.pow(power)).flat_map(|ten| [ten - 1, ten, ten * 3 / 2]) {
            let text = format!("{number}}}");
            let mut at = Cursor { rest: text.as_bytes() };
            assert_eq!((at.number(), at.rest), (Some(number), &b"}"[..]));
        }
        for bad in ["", "-1", "01", "00", "x", "12345678901234567890", "999999999999999999999999999"] {
            assert_eq!(Cursor { rest: bad.as_bytes() }.number(), None, "{bad}");
        }
    }
}
