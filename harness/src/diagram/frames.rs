//! The frames that carried the messages of a witness, from the trace `messages.jsonl`.
//!
//! A frame belongs to a message if its key ends with the message's number (`relay/17`) and it is no acknowledgement
//! (`ack/relay/17`). The frames of systems that give no keys have a hash for a key and are not known here: then the diagram
//! draws the way from broadcast to delivery without them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt as _;

use serde::Deserialize;

/// So many frames that arrived are kept for each message and receiver.
const KEPT: usize = 64;
/// A line of more bytes is none of the recorder's, and is passed over.
const LINE_MAX: u64 = 1 << 16;
/// A place in a trace is found to so many bytes; it holds some lines.
const NEAR: u64 = 1 << 16;
/// The trace is read so far beyond the last step, ns: its lines stand in the order in which the fates of frames were known.
const SLACK_NS: u64 = 1_000_000_000;

/// What is looked for in a trace.
#[derive(Debug, Default)]
pub struct Sought {
    /// The messages.
    pub messages: BTreeSet<u64>,
    /// Nodes and times, ns: the last frame that arrived there by then, whatever it carried.
    pub last_before: Vec<(usize, u64)>,
    /// Whether lost acknowledgements matter too: then the sender could not know that its message had arrived.
    pub acknowledgements: bool,
    /// Nothing that came later matters, ns.
    pub until: u64,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The sender, as a position in the history's names.
    pub from: usize,
    /// The receiver.
    pub to: usize,
    /// The frame's key.
    pub key: String,
    /// When it reached the proxy, ns.
    pub sent: u64,
    /// When it left it, ns; none for a frame that was lost.
    pub arrived: Option<u64>,
    /// What became of it: `passed`, `dropped`, `held`, `delayed`, `doubled`, `down`, `reset`.
    pub fate: String,
    /// The fault that did it, by its number in the history.
    pub fault: Option<u64>,
}

/// Frames with the same message, sender and receiver that were lost in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The first of them.
    pub first: Frame,
    /// How many.
    pub count: u64,
    /// When the last of them was sent, ns.
    pub last: u64,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// By message and receiver, in the order of the trace.
    pub arrived: BTreeMap<(u64, usize), Vec<Frame>>,
    /// By message and receiver.
    pub lost: BTreeMap<(u64, usize), Vec<Lost>>,
    /// For each of [`Sought::last_before`].
    pub last_before: Vec<Option<Frame>>,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    Message(u64),
    Acknowledgement(u64),
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "in")]
    sent: u64,
    #[serde(rename = "out")]
    arrived: Option<u64>,
    from: &'a str,
    to: &'a str,
    key: &'a str,
    what: &'a str,
    fault: Option<u64>,
}

/// Reads a trace; `nodes` are the names of the history. Lines that are no frames between them are passed over.
pub fn read(input: impl Read, nodes: &[String], sought: &Sought) -> io::Result<Frames> {
    let names: BTreeMap<&str, usize> = nodes.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let mut frames = Frames { last_before: vec![None; sought.last_before.len()], ..Frames::default() };
    let mut input = BufReader::with_capacity(1 << 18, input);
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(frames);
        }
        if sent_of(&line).is_some_and(|sent| sent > sought.until.saturating_add(SLACK_NS)) {
            return Ok(frames);
        }
        let carried = carried_by(&line).filter(|carried| sought.messages.contains(&carried.message()));
        if carried.is_none() && sought.last_before.is_empty() {
            continue;
        }
        let Ok(parsed) = serde_json::from_slice::<Line<'_>>(&line) else { continue };
        let (Some(from), Some(to)) = (names.get(parsed.from), names.get(parsed.to)) else { continue };
        let frame = parsed.into_frame(*from, *to);
        frames.note_last(&frame, sought);
        match carried {
            Some(Carried::Message(message)) => frames.note(frame, message),
            Some(Carried::Acknowledgement(message)) if sought.acknowledgements && frame.arrived.is_none() => {
                frames.note(frame, message);
            }
            _ => {}
        }
    }
}

/// Where in a trace the frames begin that were sent at this time, ns, or later: its lines stand in the order in which their fates
/// were known, but for a little.
///
/// # Errors
/// The file can't be read.
pub fn begin(file: &File, from: u64) -> io::Result<u64> {
    let from = from.saturating_sub(SLACK_NS);
    let (mut low, mut high) = (0, file.metadata()?.len());
    // All lines that begin before `low` are older.
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        match known_at(file, middle)? {
            Some((line, known)) if known < from => low = line,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The first line that begins at or behind a place: where, and when its frame's fate was known, ns.
fn known_at(file: &File, place: u64) -> io::Result<Option<(u64, u64)>> {
    let mut bytes = vec![0; NEAR as usize];
    let count = file.read_at(&mut bytes, place)?;
    let begins = if place == 0 { Some(0) } else { memchr::memchr(b'\n', &bytes[..count]).map(|at| at + 1) };
    let Some(begins) = begins else { return Ok(None) };
    let line = &bytes[begins..count];
    let known = line.split(|byte| *byte == b'\n').find_map(|line| {
        let parsed: Line<'_> = serde_json::from_slice(line).ok()?;
        Some(parsed.arrived.unwrap_or(parsed.sent).max(parsed.sent))
    });
    Ok(known.map(|known| (place + begins as u64, known)))
}

/// When the frame of a line reached the proxy, found without parsing the line.
fn sent_of(line: &[u8]) -> Option<u64> {
    let number = line.strip_prefix(b"{\"in\":")?;
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&number[..digits]).ok()?.parse().ok()
}

/// What a line's key says that its frame carries, found without parsing the line.
fn carried_by(line: &[u8]) -> Option<Carried> {
    const KEY: &[u8] = b"\"key\":\"";
    let key = &line[memchr::memmem::find(line, KEY)? + KEY.len()..];
    let key = &key[..memchr::memchr(b'"', key)?];
    Carried::of_key(std::str::from_utf8(key).ok()?)
}

impl Carried {
    fn of_key(key: &str) -> Option<Self> {
        let (step, number) = key.rsplit_once('/')?;
        let number = number.parse().ok()?;
        let acknowledges = step.split('/').any(|part| part == "ack");
        Some(if acknowledges { Carried::Acknowledgement(number) } else { Carried::Message(number) })
    }

    fn message(self) -> u64 {
        match self {
            Carried::Message(message) | Carried::Acknowledgement(message) => message,
        }
    }
}

impl Line<'_> {
    fn into_frame(self, from: usize, to: usize) -> Frame {
        let (key, fate) = (self.key.to_owned(), self.what.to_owned());
        Frame { from, to, key, sent: self.sent, arrived: self.arrived, fate, fault: self.fault }
    }
}

impl Frames {
    fn note(&mut self, frame: Frame, message: u64) {
        let place = (message, frame.to);
        if frame.arrived.is_some() {
            let arrived = self.arrived.entry(place).or_default();
            if arrived.len() < KEPT {
                arrived.push(frame);
            }
            return;
        }
        let kind = |frame: &Frame| (frame.from, Carried::of_key(&frame.key), frame.fate.clone(), frame.fault);
        let alike = |lost: &&mut Lost| kind(&lost.first) == kind(&frame);
        let lost = self.lost.entry(place).or_default();
        match lost.iter_mut().find(alike) {
            Some(lost) => {
                lost.count += 1;
                lost.last = frame.sent;
            }
            None => lost.push(Lost { last: frame.sent, first: frame, count: 1 }),
        }
    }

    fn note_last(&mut self, frame: &Frame, sought: &Sought) {
        let Some(arrived) = frame.arrived else { return };
        for ((node, before), last) in sought.last_before.iter().zip(&mut self.last_before) {
            let later = last.as_ref().is_none_or(|last| last.arrived <= frame.arrived);
            if *node == frame.to && arrived <= *before && later {
                *last = Some(frame.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_frame_is_the_number_at_the_end_of_its_key() {
        for (key, carried) in [
            ("relay/17", Some(Carried::Message(17))),
            ("fifo/relay/17", Some(Carried::Message(17))),
            ("ack/relay/17", Some(Carried::Acknowledgement(17))),
            ("545aa8c54f55b7f1", None),
            ("relay/", None),
        ] {
            assert_eq!(Carried::of_key(key), carried, "{key}");
        }
    }

    #[test]
    fn a_long_trace_is_entered_shortly_before_the_time_that_matters() {
        let mut file = tempfile::tempfile().unwrap();
        let line = |at: u64| {
            let (sent, out) = (at * 1_000_000, at * 1_000_000 + 500_000);
            format!(
                "{{\"in\":{sent},\"out\":{out},\"from\":\"a\",\"to\":\"b\",\"key\":\"send/{at}\",\"bytes\":9,\"what\":\"passed\"}}\n"
            )
        };
        let lines: Vec<String> = (0..20_000).map(line).collect();
        std::io::Write::write_all(&mut file, lines.concat().as_bytes()).unwrap();
        let offset = |at: usize| lines[..at].iter().map(|line| line.len() as u64).sum::<u64>();
        assert_eq!(begin(&file, 0).unwrap(), 0);
        for at in [2_000, 10_000, 19_999] {
            let found = begin(&file, at * 1_000_000).unwrap();
            let earliest = offset(at as usize - 1_000);
            assert!(found <= earliest && earliest - found <= 2 * NEAR, "{at}: {found}, {earliest}");
        }
        assert!(begin(&file, u64::MAX).unwrap() >= offset(20_000) - 2 * NEAR);
    }

    #[test]
    fn frames_that_were_lost_alike_are_counted_together() {
        let lines = [(1, "null", "dropped"), (2, "null", "dropped"), (3, "4", "passed")].map(|(sent, out, what)| {
            format!("{{\"in\":{sent},\"out\":{out},\"from\":\"a\",\"to\":\"b\",\"key\":\"send/1\",\"bytes\":9,\"what\":\"{what}\"}}\n")
        });
        let sought =
            Sought { messages: BTreeSet::from([1]), last_before: vec![(1, 4)], until: 10, ..Sought::default() };
        let names = ["a".to_owned(), "b".to_owned()];
        let found = read(format!("garbage\n{}", lines.concat()).as_bytes(), &names, &sought).unwrap();
        assert_eq!(found.lost[&(1, 1)].iter().map(|lost| (lost.count, lost.last)).collect::<Vec<_>>(), [(2, 2)]);
        assert_eq!(found.arrived[&(1, 1)][0].arrived, Some(4));
        assert_eq!(found.last_before[0].as_ref().map(|frame| frame.sent), Some(3));
    }
}
