//! Which character stands for what, in Unicode and in ASCII.

use super::super::Sort;

/// The characters that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Lines, arrows and marks of Unicode, each one column wide.
    Unicode,
    /// What every terminal has.
    Ascii,
}

/// Directions in which a line leaves a cell; a cell has any number of them.
pub const LEFT: u8 = 1;
/// To the right.
pub const RIGHT: u8 = 2;
/// Upwards.
pub const UP: u8 = 4;
/// Downwards.
pub const DOWN: u8 = 8;

/// A character that is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// A mark on a lane.
    Mark(Sort),
    /// An arrow's head that points to the right.
    HeadRight,
    /// One that points to the left.
    HeadLeft,
    /// Where a frame is lost.
    Lost,
    /// A node that is stopped.
    Paused,
    /// Time that is left out.
    Gap,
}

impl Charset {
    /// The characters of a locale, as the environment names it: `LC_ALL`, else `LC_CTYPE`, else `LANG`, the first that says
    /// anything.
    pub fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let said =
            ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
        let locale = said.unwrap_or_default().to_lowercase();
        let unicode = locale.contains("utf-8") || locale.contains("utf8");
        if unicode { Charset::Unicode } else { Charset::Ascii }
    }

    /// The character of a cell from which lines leave in these directions.
    pub fn line(self, directions: u8, dashed: bool) -> char {
        const SOLID: [char; 16] = [' ', '─', '─', '─', '│', '╯', '╰', '┴', '│', '╮', '╭', '┬', '│', '┤', '├', '┼'];
        match (self, directions, dashed) {
            (Charset::Ascii, 0, _) => ' ',
            (Charset::Ascii, d, true) if d & (UP | DOWN) == 0 => '.',
            (Charset::Ascii, d, false) if d & (UP | DOWN) == 0 => '-',
            (Charset::Ascii, d, dashed) if d & (LEFT | RIGHT) == 0 => {
                if dashed {
                    ':'
                } else {
                    '|'
                }
            }
            (Charset::Ascii, ..) => '+',
            (_, d, true) if d == LEFT | RIGHT => '┄',
            (_, d, true) if d == UP | DOWN => '┆',
            (_, d, _) => SOLID[usize::from(d)],
        }
    }

    /// The character for a glyph.
    pub fn glyph(self, glyph: Glyph) -> char {
        let (unicode, ascii) = match glyph {
            Glyph::Mark(sort) => mark(sort),
            Glyph::HeadRight => ('▶', '>'),
            Glyph::HeadLeft => ('◀', '<'),
            Glyph::Lost => ('╳', 'x'),
            Glyph::Paused => ('▒', '#'),
            Glyph::Gap => ('⋮', ':'),
        };
        if self == Charset::Unicode { unicode } else { ascii }
    }

    /// A text in these characters; what ASCII lacks and has no likeness for is escaped.
    pub fn text(self, text: &str) -> String {
        if self == Charset::Unicode {
            return text.to_owned();
        }
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '→' => plain.push_str("->"),
                '…' => plain.push('~'),
                c if c.is_ascii() => plain.push(c),
                c => plain.extend(c.escape_unicode()),
            }
        }
        plain
    }
}

fn mark(sort: Sort) -> (char, char) {
    match sort {
        Sort::Broadcast => ('◆', 'B'),
        Sort::Delivery => ('●', 'D'),
        Sort::Client => ('◇', 'c'),
        Sort::Leader => ('★', 'L'),
        Sort::End => ('■', 'X'),
        Sort::Start => ('□', 'S'),
        Sort::Has => ('✓', 'y'),
        Sort::Lacks => ('✗', 'N'),
        Sort::Other => ('○', 'o'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_is_what_the_first_variable_says() {
        let locale = |all: &'static str, ctype: &'static str, lang: &'static str| {
            Charset::of_locale(move |name| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LC_CTYPE" => Some(ctype.to_owned()),
                _ => Some(lang.to_owned()),
            })
        };
        assert_eq!(locale("", "", "de_DE.UTF-8"), Charset::Unicode);
        assert_eq!(locale("", "C.utf8", "C"), Charset::Unicode);
        assert_eq!(locale("C", "C.UTF-8", "C.UTF-8"), Charset::Ascii);
        assert_eq!(Charset::of_locale(|_| None), Charset::Ascii);
    }
}
