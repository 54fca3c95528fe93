//! `mermaid`: a witness as a sequence diagram, which GitHub, GitLab and many wikis draw where they find it in Markdown.
//!
//! It is the same [`Diagram`] as in the terminal and on the page, in the order of its rows.

use std::fmt::Write as _;

use crate::diagram::{Arrow, Diagram, Fate, Lasts, Row, Sort};
use crate::words::{clipped, harmless};

/// A text has at most so many columns.
const TEXT_MAX: usize = 80;

/// The diagram as a sequence diagram.
pub fn mermaid(sentence: &str, diagram: &Diagram) -> String {
    let mut text = format!("%% {}\nsequenceDiagram\n", plain(sentence));
    for (lane, name) in diagram.lanes.iter().enumerate() {
        let _ = writeln!(text, "    participant L{lane} as {}", plain(name));
    }
    for (at, row) in diagram.rows.iter().enumerate() {
        if let Some(passed) = diagram.gap_before(at) {
            over_all(&mut text, diagram, &format!("{} ms later", passed / 1_000_000));
        }
        for arrow in diagram.arrows.iter().filter(|arrow| arrow.to.1 == at) {
            self::arrow(&mut text, arrow);
        }
        self::row(&mut text, diagram, (at, row));
    }
    text
}

fn arrow(text: &mut String, arrow: &Arrow) {
    let shaft = match arrow.fate {
        Fate::Arrived => "->>",
        Fate::Lost => "--x",
        Fate::Inferred => "-->>",
    };
    let words = plain(format!("{} {}", arrow.carries, arrow.why).trim());
    let words = if words.is_empty() { "frame".to_owned() } else { words };
    let _ = writeln!(text, "    L{}{shaft}L{}: {words}", arrow.from.0, arrow.to.0);
}

fn row(text: &mut String, diagram: &Diagram, (at, row): (usize, &Row)) {
    let number = row.step.map_or(String::new(), |step| format!("({step}) "));
    let wrong = if row.wrong { "WRONG: " } else { "" };
    let of_links = diagram.spans.iter().any(|span| span.lasts == Lasts::Links && span.from == at);
    let lanes: Vec<usize> = row.marks.iter().filter(|mark| mark.sort != Sort::Has).map(|mark| mark.lane).collect();
    let words = format!("{number}{wrong}{}", row.note);
    match (lanes.as_slice(), of_links) {
        (_, true) => over_all(text, diagram, &words),
        ([], false) if row.note.is_empty() || diagram.arrows.iter().any(|arrow| arrow.to.1 == at) => {}
        ([], false) => over_all(text, diagram, &words),
        (lanes, false) => lanes.iter().for_each(|lane| {
            let _ = writeln!(text, "    Note over L{lane}: {}", plain(&words));
        }),
    }
}

fn over_all(text: &mut String, diagram: &Diagram, words: &str) {
    let last = diagram.lanes.len().saturating_sub(1);
    let over = if last == 0 { "L0".to_owned() } else { format!("L0,L{last}") };
    let _ = writeln!(text, "    Note over {over}: {}", plain(words));
}

/// A text in which nothing is a word of the language: what could be one is an entity.
fn plain(text: &str) -> String {
    let mut told = String::new();
    for c in clipped(&harmless(text), TEXT_MAX).chars() {
        match c {
            '#' | ';' | '<' | '>' | '"' | '\\' | '{' | '}' | '%' | '|' | '`' => {
                let _ = write!(told, "#{};", u32::from(c));
            }
            '\n' => told.push(' '),
            c => told.push(c),
        }
    }
    told
}
