//! Pieces of a file as parts of a message: short, and with nothing in them that a terminal would obey.

/// So many characters are shown, so that an excerpt with the mark of a cut and a point behind it fits into 80 columns.
const SHOWN: usize = 75;
/// So many characters of a message of serde_json are shown on each side of a cut.
const SIDE: usize = 100;

/// The beginning of these bytes. Control characters and what is no UTF-8 are escaped, and an escape is not cut through.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    // A character has four bytes at most, so more than these are never shown.
    let (mut text, mut shown) = (String::new(), 0);
    for piece in without_half_character(&bytes[..bytes.len().min(4 * SHOWN + 4)]).utf8_chunks().flat_map(pieces) {
        shown += piece.chars().count();
        if shown > SHOWN {
            return text + "...";
        }
        text.push_str(&piece);
    }
    text
}

/// The characters of a chunk, each in the form in which it is shown.
fn pieces(chunk: std::str::Utf8Chunk<'_>) -> impl Iterator<Item = String> {
    let valid = chunk.valid().chars().map(|c| escaped(c).collect());
    valid.chain(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")))
}

/// The beginning and the end of a message that quotes what it found and then says what was expected.
pub(super) fn abridged(message: &str) -> String {
    let text: Vec<char> = message.chars().flat_map(escaped).collect();
    if text.len() <= 2 * SIDE {
        return text.into_iter().collect();
    }
    let (begin, end) = (&text[..SIDE], &text[text.len() - SIDE..]);
    begin.iter().chain(&['.', '.', '.']).chain(end).collect()
}

/// A cut through a character would show it as an error of the file.
fn without_half_character(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// A character, or its escape if it is a control or a mark that turns the direction of what follows.
fn escaped(c: char) -> impl Iterator<Item = char> {
    let marks = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let hidden = c.is_control() || marks;
    let (plain, escape) = if hidden { (None, Some(c.escape_default())) } else { (Some(c), None) };
    plain.into_iter().chain(escape.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(excerpt(b"\x1b[2J\0\xff\xc3\xa9"), "\\u{1b}[2J\\u{0}\\xff\u{e9}");
        assert_eq!(excerpt("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    #[test]
    fn a_cut_goes_round_a_character() {
        let text = "x".repeat(SHOWN - 1) + "\u{e9}\u{e9}";
        assert_eq!(excerpt(text.as_bytes()), "x".repeat(SHOWN - 1) + "\u{e9}...");
    }

    #[test]
    fn no_excerpt_is_wider_than_a_terminal() {
        for bytes in [vec![b'x'; 80], vec![0x1b; 80], vec![0xff; 80], "\u{e9}".repeat(400).into_bytes()] {
            assert!(excerpt(&bytes).chars().count() < 80);
        }
    }

    #[test]
    fn a_long_message_keeps_what_it_expected() {
        let message = format!("invalid type: string \"{}\", expected a whole number", "x".repeat(1000));
        let short = abridged(&message);
        assert!(short.ends_with("expected a whole number") && short.len() < 250, "{short}");
    }
}
