//! The whole trace inside the page: lines of `history.jsonl` and `messages.jsonl` as they are, packed.
//!
//! A run may have millions of lines, and a page that takes a minute to open shows nothing. What does not fit is sampled: every
//! k-th line, and between them all lines around the violation, all faults, and all lives of nodes. The page says so.
//!
//! The text that is packed has the lines of the history, then `=`, then those of the messages, then `=`, and a line of JSON about the
//! whole. A line is the next one of its file, unless `@17` before it says that it is the 17th. All is done in one reading.

use std::io::{self, BufRead, BufReader, Read, Write};

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
const LINE_MAX: u64 = 1 << 20;
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

/// Something that can be read again and again from its beginning.
pub type Again<'a> = &'a dyn Fn() -> io::Result<Option<Box<dyn Read + 'a>>>;

/// What the script finds behind the lines of each file.
const END: &[u8] = b"=\n";

/// Packs a history and its messages, which have about so many bytes together.
///
/// # Errors
/// One of them can't be read.
pub fn pack((history, messages): (Again<'_>, Again<'_>), bytes: u64, mut about: About) -> io::Result<Packed> {
    about.every = if bytes > RAW_MAX { bytes.div_ceil(RAW_MAX_SAMPLED) } else { 1 };
    for attempt in 0.. {
        let choice = Choice::of(&about, attempt < TRIES);
        let mut packer = GzEncoder::new(Vec::new(), Compression::new(6));
        about.lines.0 = copy(history()?, &mut packer, |index, line| choice.keeps_op(index, line))?;
        packer.write_all(END)?;
        let mut whole = FRAMES_WHOLE;
        about.lines.1 = copy(messages()?, &mut packer, |index, line| choice.keeps_frame(index, line, &mut whole))?;
        packer.write_all(END)?;
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

/// Copies the lines that are kept, each with its number where that does not follow from the one before; how many there were.
fn copy(
    input: Option<Box<dyn Read + '_>>,
    out: &mut impl Write,
    mut keeps: impl FnMut(u64, &[u8]) -> bool,
) -> io::Result<u64> {
    let Some(input) = input else { return Ok(0) };
    let mut input = BufReader::with_capacity(1 << 18, input);
    let (mut line, mut next, mut lines) = (Vec::new(), 1, 0);
    for number in 1.. {
        line.clear();
        if input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        lines = number;
        let whole = line.last() == Some(&b'\n');
        if !whole {
            skip_line(&mut input)?;
        }
        // A torn line at the end, or one of garbage, is for `check` to complain of.
        let sound = whole && line.first() == Some(&b'{');
        if !sound || !keeps(number, &line) || std::str::from_utf8(&line).is_err() {
            continue;
        }
        if number != next {
            writeln!(out, "@{number}")?;
        }
        out.write_all(&line)?;
        next = number + 1;
    }
    Ok(lines)
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, over) = match memchr::memchr(b'\n', buffer) {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if over {
            return Ok(());
        }
    }
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
        let telling = || {
            let words: [&[u8]; 4] = [b"\"nemesis\"", b"\"start\"", b"\"exit\"", b"\"leader\""];
            self.faults && words.iter().any(|word| memchr::memmem::find(line, word).is_some())
        };
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
        let long = "x".repeat(3 * LINE_MAX as usize);
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
