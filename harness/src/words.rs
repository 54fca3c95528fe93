//! Words for a terminal: names that can do no harm, columns that are counted as a terminal counts them, lists and plurals.

use std::fmt::Display;

/// A text with nothing in it that a terminal would obey: controls, and marks that turn the direction of what follows, are
/// escaped.
pub fn harmless(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        let marks =
            matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if (c.is_control() && c != '\n') || marks { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    plain
}

/// How many columns a terminal needs for a text without controls.
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Two for the wide characters of East Asia and for pictures, none for marks that stand on the character before, else one.
fn columns_of(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x0483..=0x0489 | 0x0591..=0x05bd | 0x064b..=0x065f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff => 0,
        0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0x4dbf | 0x4e00..=0xa4cf | 0xa960..=0xa97f | 0xac00..=0xd7a3 => 2,
        0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f000..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The beginning of a text, so that it fits; a cut is shown.
pub fn clipped(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += columns_of(c);
        if used > width {
            break;
        }
        short.push(c);
    }
    short + "…"
}

/// A text in lines that fit; words that are too long by themselves are broken.
pub fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && columns(last) + 1 + columns(word) <= width {
            last.push(' ');
            last.push_str(word);
        } else if last.is_empty() && columns(word) <= width {
            last.push_str(word);
        } else {
            lines.extend(broken(word, width));
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn broken(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in word.chars() {
        let last = pieces.last_mut().expect("there is a piece");
        if columns(last) + columns_of(c) > width {
            pieces.push(String::from(c));
        } else {
            last.push(c);
        }
    }
    pieces
}

/// `1 frame`, `2 frames`.
pub fn counted(count: impl Display, one: &str, many: &str) -> String {
    let count = count.to_string();
    let noun = if count == "1" { one } else { many };
    format!("{count} {noun}")
}

/// Names in a row; three or more that only count up are given as `n4-n50`.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut runs: Vec<(&str, &str, u64)> = Vec::new();
    for name in names {
        match runs.last_mut() {
            Some((_, last, count)) if follows(last, name) => {
                *last = name;
                *count += 1;
            }
            _ => runs.push((name, name, 1)),
        }
    }
    let words = runs.iter().map(|(first, last, count)| match count {
        1 => (*first).to_owned(),
        2 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Whether a name is the next after another: the same word with the next number.
fn follows(name: &str, next: &str) -> bool {
    let split = |name: &str| {
        let word = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let number: Option<u64> = name[word..].parse().ok();
        number.map(|number| (name[..word].to_owned(), number))
    };
    match (split(name), split(next)) {
        (Some((word, number)), Some((same, greater))) => word == same && number.checked_add(1) == Some(greater),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_count_up_are_a_range() {
        let names: Vec<String> = [1, 2, 4, 5, 6, 7, 9].iter().map(|n| format!("n{n}")).collect();
        assert_eq!(listed(names.iter().map(String::as_str)), "n1, n2, n4-n7, n9");
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{202e}"), "a\\u{1b}[2Jb\\u{202e}");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        assert_eq!(columns("n\u{6f22}e\u{301}"), 4);
        assert_eq!(columns(&clipped(&"\u{6f22}".repeat(9), 8)), 7);
    }

    #[test]
    fn folded_lines_fit_whatever_the_words() {
        let text = format!("short {} and \u{6f22}\u{6f22}\u{6f22}\u{6f22}", "x".repeat(50));
        for width in 4..30 {
            assert!(folded(&text, width).iter().all(|line| columns(line) <= width));
        }
    }
}
