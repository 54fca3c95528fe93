//! The whole trace inside the page: lines of `history.jsonl` and `messages.jsonl` as they are, packed.
//!
//! A run may have millions of lines, and a page that takes a minute to open shows nothing. What does not fit is sampled: every
//! k-th line, and between them all lines around the violation, all faults, and all lives of nodes. The page says so.
//!
//! The text that is packed has the lines of the history, then `=`, then those of the messages, then `=`, and a line of JSON about the
//! whole. A line is the next one of its file, unless `@17` before it says that it is the 17th. All is done in one reading.

use std::io::{self, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

/// A packed trace has so many bytes at most.
const PACKED_MAX: usize = 2_000_000;
/// Lines that follow each other pack about so well, and lines far from each other so well: with this the first try nearly always
/// fits.
const RAW_MAX: u64 = 8 * PACKED_MAX as u64;
const RAW_MAX_SAMPLED: u64 = 4 * PACKED_MAX as u64;
/// A longer line is no line of ours and is left out.
const LINE_MAX: usize = 1 << 20;
/// Within so many bytes a line of the recorder says whose it is.
const HEAD: usize = 80;
/// So many lines around each step of the first violation are kept whole.
const AROUND: u64 = 400;
/// So many frames in the time of the first violation are kept whole.
const FRAMES_WHOLE: u64 = 20_000;
/// The time of a violation begins so long before its first step and ends so long after its last, ns.
const MARGIN_NS: u64 = 50_000_000;
/// After so many tries even faults are sampled.
const TRIES: u32 = 4;

/// What the page is told of the whole.
#[derive(Clone, Debug, Default, Serialize)]
pub struct About {
    /// The names of the nodes, in the order of the history.
    pub nodes: Vec<String>,
    /// The violations that the page shows.
    pub violations: Vec<Shown>,
    /// Lines of the history and of the messages.
    pub lines: (u64, u64),
    /// Every so many lines are there, where not all are.
    pub every: u64,
}

/// A violation, as the explorer needs it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Shown {
    /// The property.
    pub property: String,
    /// The sentence.
    pub sentence: String,
    /// The lines of its steps in the history, from 1, with their times, ns.
    pub steps: Vec<(u64, u64)>,
}

/// A trace, packed.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    /// gzip, in base64.
    pub text: String,
    /// What the page is told.
    pub about: About,
}

/// Something that can be read again and again from its beginning, on any thread.
pub type Again<'a> = &'a (dyn Fn() -> io::Result<Option<Box<dyn Read + 'a>>> + Sync);

/// What the script finds behind the lines of each file.
const END: &[u8] = b"=\n";
/// How hard gzip tries: a sample packs badly anyway.
const PACKS_WHOLE: u32 = 6;
const PACKS_SAMPLE: u32 = 3;

/// Packs a history and its messages, which have about so many bytes together.
///
/// # Errors
/// One of them can't be read.
pub fn pack((history, messages): (Again<'_>, Again<'_>), bytes: u64, mut about: About) -> io::Result<Packed> {
    about.every = if bytes > RAW_MAX { bytes.div_ceil(RAW_MAX_SAMPLED) } else { 1 };
    for attempt in 0.. {
        let choice = Choice::of(&about, attempt < TRIES);
        let ops = || copy(history, |index, line| choice.keeps_op(index, line));
        let mut whole = FRAMES_WHOLE;
        let mut frames = || copy(messages, |index, line| choice.keeps_frame(index, line, &mut whole));
        let (frames, ops) = std::thread::scope(|scope| {
            let ops = scope.spawn(ops);
            (frames(), ops.join().expect("copying lines does not panic"))
        });
        let (ops, frames) = (ops?, frames?);
        about.lines = (ops.lines, frames.lines);
        let level = if about.every == 1 { PACKS_WHOLE } else { PACKS_SAMPLE };
        let mut packer = GzEncoder::new(Vec::new(), Compression::new(level));
        for part in [&ops.kept, END, &frames.kept, END] {
            packer.write_all(part)?;
        }
        serde_json::to_writer(&mut packer, &about)?;
        let packed = packer.finish()?;
        if packed.len() <= PACKED_MAX || about.every > about.lines.0 + about.lines.1 {
            return Ok(Packed { text: STANDARD.encode(packed), about });
        }
        let factor = packed.len().div_ceil(PACKED_MAX) as u64;
        about.every *= factor.max(2);
    }
    unreachable!("the numbers of attempts have no end")
}

/// What is kept of a file.
#[derive(Default)]
struct Copied {
    /// The lines, each with its number where that does not follow from the one before.
    kept: Vec<u8>,
    /// How many lines the file has.
    lines: u64,
}

fn copy(again: Again<'_>, mut keeps: impl FnMut(u64, &[u8]) -> bool) -> io::Result<Copied> {
    let Some(input) = again()? else { return Ok(Copied::default()) };
    let (mut copied, mut next) = (Copied::default(), 1);
    let lines = each_line(input, |number, line| {
        // A torn line at the end, or one of garbage, is for `check` to complain of.
        let sound = line.last() == Some(&b'\n') && line.first() == Some(&b'{');
        if !sound || !keeps(number, line) || std::str::from_utf8(line).is_err() {
            return;
        }
        if number != next {
            copied.kept.extend_from_slice(format!("@{number}\n").as_bytes());
        }
        copied.kept.extend_from_slice(line);
        next = number + 1;
    })?;
    Ok(Copied { lines, ..copied })
}

/// Calls `take` with the number of each line, from 1, and its bytes with the LF; of a line that is too long with none. How many
/// lines there were.
fn each_line(mut input: impl Read, mut take: impl FnMut(u64, &[u8])) -> io::Result<u64> {
    let mut buffer = vec![0; 2 * LINE_MAX];
    // So much of the buffer is filled with the beginning of a line; of one that is too long nothing is kept.
    let (mut filled, mut number, mut too_long) = (0, 0, false);
    loop {
        let count = input.read(&mut buffer[filled..])?;
        if count == 0 {
            break;
        }
        let (end, mut begin) = (filled + count, 0);
        for at in memchr::memchr_iter(b'\n', &buffer[filled..end]).map(|at| filled + at) {
            number += 1;
            let line = &buffer[begin..=at];
            take(number, if too_long || line.len() > LINE_MAX { b"" } else { line });
            (begin, too_long) = (at + 1, false);
        }
        too_long |= end - begin > LINE_MAX;
        filled = if too_long { 0 } else { end - begin };
        buffer.copy_within(end - filled..end, 0);
    }
    if filled > 0 || too_long {
        number += 1;
        take(number, &buffer[..filled]);
    }
    Ok(number)
}

/// Which lines are kept.
struct Choice {
    every: u64,
    faults: bool,
    /// The lines of the first violation's steps.
    steps: Vec<u64>,
    /// The time of the first violation, ns.
    time: (u64, u64),
}

impl Choice {
    fn of(about: &About, faults: bool) -> Self {
        let steps = about.violations.first().map_or(&[][..], |first| first.steps.as_slice());
        let times = || steps.iter().map(|(_, time)| *time);
        let time = (
            times().min().unwrap_or(0).saturating_sub(MARGIN_NS),
            times().max().unwrap_or(0).saturating_add(MARGIN_NS),
        );
        // The steps of the other violations are kept too, so that each can be found.
        let steps =
            about.violations.iter().flat_map(|violation| violation.steps.iter().map(|(line, _)| *line)).collect();
        Self { every: about.every, faults, steps, time }
    }

    fn keeps_op(&self, number: u64, line: &[u8]) -> bool {
        let telling = || self.faults && is_telling(line);
        let around = |step: &u64| number.abs_diff(*step) <= if self.faults { AROUND } else { 0 };
        number % self.every == 1 % self.every || self.steps.iter().any(around) || telling()
    }

    fn keeps_frame(&self, number: u64, line: &[u8], whole: &mut u64) -> bool {
        if number % self.every == 1 % self.every {
            return true;
        }
        let sent = line.strip_prefix(b"{\"in\":").map(|rest| {
            rest.iter()
                .take_while(|byte| byte.is_ascii_digit())
                .fold(0_u64, |n, byte| n.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
        });
        let within = self.faults && sent.is_some_and(|sent| (self.time.0..=self.time.1).contains(&sent));
        let kept = within && *whole > 0;
        *whole -= u64::from(kept);
        kept
    }
}

/// Whether a line of a history is about a fault, a life or a leader. Who did what stands at the beginning of a line that the
/// recorder wrote; any other is looked through.
fn is_telling(line: &[u8]) -> bool {
    const PROCESS: &[u8] = b",\"process\":";
    let words: [&[u8]; 4] = [b"\"nemesis\"", b"\"start\"", b"\"exit\"", b"\"leader\""];
    let head = &line[..line.len().min(HEAD)];
    let Some(at) = memchr::memmem::find(head, PROCESS) else {
        return words.iter().any(|word| memchr::memmem::find(line, word).is_some());
    };
    let rest = &line[at + PROCESS.len()..];
    let f = memchr::memmem::find(rest, b"\"f\":").map(|at| &rest[at + 4..]);
    rest.starts_with(words[0]) || words[1..].iter().any(|word| f.is_some_and(|f| f.starts_with(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the page would unpack.
    fn unpacked(packed: &Packed) -> String {
        let bytes = STANDARD.decode(&packed.text).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    fn pack_text(history: &str, messages: Option<&str>, about: About) -> Packed {
        let reader =
            |text: Option<&str>| Ok(text.map(|text| Box::new(io::Cursor::new(text.to_owned())) as Box<dyn Read>));
        let bytes = history.len() + messages.map_or(0, str::len);
        pack((&|| reader(Some(history)), &|| reader(messages)), bytes as u64, about).unwrap()
    }

    #[test]
    fn a_small_trace_is_there_as_it_is() {
        let text = unpacked(&pack_text("{\"a\":1}\n{\"a\":2}\n", Some("{\"in\":3}\n"), About::default()));
        let about = r#"{"nodes":[],"violations":[],"lines":[2,1],"every":1}"#;
        assert_eq!(text, format!("{{\"a\":1}}\n{{\"a\":2}}\n=\n{{\"in\":3}}\n=\n{about}"));
    }

    #[test]
    fn garbage_and_torn_lines_are_left_out_and_numbers_stay_right() {
        let long = "x".repeat(3 * LINE_MAX);
        let text = format!("{{\"a\":1}}\n{{\"{long}\n\u{7}?\n{{\"a\":4}}\n{{\"a\":5");
        let text = unpacked(&pack_text(&text, None, About::default()));
        assert!(text.starts_with("{\"a\":1}\n@4\n{\"a\":4}\n=\n=\n"), "{text}");
    }

    #[test]
    fn a_trace_that_is_too_large_keeps_faults_and_what_is_around_the_violation() {
        let mut noise = 1_u64;
        let mut random = || {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            noise
        };
        let line = |n: u64, random: u64| match n % 10_000 {
            7 => format!("{{\"process\":\"nemesis\",\"n\":{n}}}\n"),
            _ => format!("{{\"n\":{n},\"x\":\"{random:x}{:x}\"}}\n", random.rotate_left(17)),
        };
        let history: String = (1..=400_000).map(|n| line(n, random())).collect();
        let shown = Shown { steps: vec![(300_001, 5)], ..Shown::default() };
        let packed = pack_text(&history, None, About { violations: vec![shown], ..About::default() });
        assert!(packed.about.every > 1 && packed.text.len() < PACKED_MAX * 4 / 3 + 4, "{:?}", packed.about);
        let text = unpacked(&packed);
        for n in 299_700..300_300 {
            assert!(text.contains(&format!("{{\"n\":{n},")) || n % 10_000 == 7, "{n}");
        }
        assert_eq!(text.matches("nemesis").count(), 40);
    }
}
