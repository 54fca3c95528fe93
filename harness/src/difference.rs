//! The first difference of two histories: what a run that does not come out the same has to show for itself.

use std::fmt;

/// Where two histories part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line, from 1.
    pub line: usize,
    /// As it was recorded.
    pub recorded: String,
    /// As it came out now.
    pub now: String,
}

impl Difference {
    /// The first line in which they differ, if any.
    pub fn first(recorded: &[u8], now: &[u8]) -> Option<Self> {
        if recorded == now {
            return None;
        }
        let text =
            |line: Option<&[u8]>| line.map_or("(the end)".to_owned(), |l| String::from_utf8_lossy(l).into_owned());
        let (mut first, mut second) = (recorded.split(|byte| *byte == b'\n'), now.split(|byte| *byte == b'\n'));
        (1..).find_map(|line| match (first.next(), second.next()) {
            (a, b) if a == b && a.is_some() => None,
            (a, b) => Some(Self { line, recorded: text(a), now: text(b) }),
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line: _, recorded, now } = self;
        writeln!(f, "  recorded  {recorded}\n  now       {now}")
    }
}

#[cfg(test)]
mod tests {
    use super::Difference;

    #[test]
    fn the_first_line_that_differs_is_named() {
        let line =
            |a: &str, b: &str| Difference::first(a.as_bytes(), b.as_bytes()).map(|d| (d.line, d.recorded, d.now));
        assert_eq!(line("a\nb\n", "a\nb\n"), None);
        assert_eq!(line("a\nb\n", "a\nc\n"), Some((2, "b".to_owned(), "c".to_owned())));
        assert_eq!(line("a\nb", "a"), Some((2, "b".to_owned(), "(the end)".to_owned())));
    }
}
