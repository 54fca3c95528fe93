//! The fast path: lines exactly as the recorder writes them.
//!
//! A hot op (a client's request and its completion without an error, a node's `broadcast`, `deliver` and `start`) is read by
//! comparing bytes, without allocation. `None` means no more than "not in this form": the tolerant path decides.

use std::num::NonZeroU32;

use crate::op::{Event, Kind, MAX_MESSAGE, Node, Op, Process};

/// Reads a canonical line, without its LF, of known nodes.
#[inline]
pub(super) fn read(line: &[u8], names: &NameTable) -> Option<Op> {
    let mut at = Cursor { rest: line };
    at.literal(b"{\"index\":")?;
    let index = at.number()?;
    at.literal(b",\"time\":")?;
    let time = at.number()?;
    at.literal(b",\"process\":")?;
    let (process, kind, event) = if *at.rest.first()? == b'"' { node(&mut at, names)? } else { client(&mut at, names)? };
    at.literal(b"}")?;
    at.rest.is_empty().then_some(Op { index, time, process, kind, event })
}

#[inline]
fn node(at: &mut Cursor<'_>, names: &NameTable) -> Option<(Process, Kind, Event)> {
    let node = names.find(at.string()?)?;
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
    let node = names.find(at.string()?)?;
    at.literal(b",\"message\":")?;
    let message = at.message()?;
    at.literal(b"}")?;
    Some((Process::Client(client), kind, Event::Request { node, message }))
}

/// The rest of a line.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
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

    /// A string of at most eight bytes without escapes, as its bytes.
    #[inline]
    fn string(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.strip_prefix(b"\"")?;
        let length = text.iter().take(SHORT + 1).position(|byte| *byte == b'"')?;
        self.rest = &text[length + 1..];
        let text = &text[..length];
        // Anything that JSON escapes or forbids in a string is left to the tolerant path.
        text.iter().all(|byte| (b' '..0x7f).contains(byte) && *byte != b'\\').then_some(text)
    }

    #[inline]
    fn kind(&mut self) -> Option<Kind> {
        for (text, kind) in
            [(&b"invoke"[..], Kind::Invoke), (b"ok", Kind::Ok), (b"info", Kind::Info), (b"fail", Kind::Fail)]
        {
            if self.literal(text).is_some() {
                return Some(kind);
            }
        }
        None
    }
}

/// Names of so many bytes fit in the table.
const SHORT: usize = 8;
const SLOTS: usize = 1024;

/// Nodes by their short names: a table with open addressing, filled to a quarter at most.
pub(super) struct NameTable {
    slots: Vec<Option<(u64, Node)>>,
    count: usize,
}

impl Default for NameTable {
    fn default() -> Self {
        Self { slots: vec![None; SLOTS], count: 0 }
    }
}

impl NameTable {
    /// Adds a node. One with a long name, or beyond the table's size, is found by the tolerant path only.
    pub(super) fn insert(&mut self, name: &str, node: Node) {
        let name = name.as_bytes();
        if name.len() > SHORT || name.contains(&0) || self.count >= SLOTS / 4 {
            return;
        }
        let key = pack(name);
        let mut slot = slot(key);
        while self.slots[slot].is_some() {
            slot = (slot + 1) % SLOTS;
        }
        self.slots[slot] = Some((key, node));
        self.count += 1;
    }

    #[inline]
    fn find(&self, name: &[u8]) -> Option<Node> {
        let key = pack(name);
        let mut slot = slot(key);
        while let Some((other, node)) = self.slots[slot] {
            if other == key {
                return Some(node);
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }
}

/// At most eight bytes as a number; no two names without NULs have the same.
#[inline]
fn pack(name: &[u8]) -> u64 {
    name.iter().fold(0, |packed, byte| packed << 8 | u64::from(*byte))
}

#[inline]
fn slot(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as usize % SLOTS
}
