//! `csv`: every line of the history and of the trace as one table (RFC 4180), in the order of time.
//!
//! A cell that comes from a node and begins as a formula does gets an apostrophe in front, so that no spreadsheet computes it.

use std::io::{self, Read, Write};

use super::moments::{Moment, walk};

/// The columns.
pub const COLUMNS: [&str; 13] =
    ["what", "line", "time_ns", "end_ns", "process", "type", "f", "value", "from", "to", "key", "fate", "fault"];

/// Writes a run as one table.
///
/// # Errors
/// The run can't be read, or the output not be written.
pub fn csv(history: impl Read, trace: Option<impl Read>, out: &mut impl Write) -> io::Result<()> {
    line(out, &COLUMNS.map(str::to_owned))?;
    walk(history, trace, |moment| match moments(moment) {
        Some(cells) => line(out, &cells),
        None => Ok(()),
    })
}

/// The cells of a moment; a frame is one line, not two.
pub(super) fn moments(moment: Moment) -> Option<[String; 13]> {
    let text = str::to_owned;
    Some(match moment {
        Moment::Op(op) => {
            let value = if op.value.is_null() { String::new() } else { op.value.to_string() };
            let process = op.process.as_str().map_or_else(|| op.process.to_string(), text);
            let (line, time) = ((op.index + 1).to_string(), op.time.to_string());
            let none = String::new;
            [text("op"), line, time, none(), process, op.kind, op.f, value, none(), none(), none(), none(), none()]
        }
        Moment::Sent(frame) => {
            let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
            let (line, sent, end) = (frame.line.to_string(), frame.sent.to_string(), number(frame.arrived));
            let none = String::new;
            let fault = number(frame.fault);
            [
                text("frame"),
                line,
                sent,
                end,
                none(),
                none(),
                none(),
                none(),
                frame.from,
                frame.to,
                frame.key,
                frame.fate,
                fault,
            ]
        }
        Moment::Arrived(_) => return None,
    })
}

fn line(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    let cells: Vec<String> = cells.iter().map(|cell| self::cell(cell)).collect();
    write!(out, "{}\r\n", cells.join(","))
}

fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(cell("=1+2"), "'=1+2");
    }
}
