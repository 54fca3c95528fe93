//! A sheet of cells, one column wide each: lines that meet join, what is written later does not move what is there.

use super::glyphs::{Glyph, LEFT, RIGHT};
use super::{Paint, Style};
use crate::words::{columns, harmless};

/// A sheet that grows downwards and to the right.
#[derive(Debug, Default)]
pub struct Canvas {
    lines: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, Default)]
struct Cell {
    content: Content,
    paint: Paint,
}

#[derive(Clone, Debug, Default)]
enum Content {
    #[default]
    Blank,
    /// Lines in these directions.
    Line {
        directions: u8,
        dashed: bool,
    },
    Glyph(Glyph),
    /// A piece of text of this cell and the following ones, which it takes up.
    Text(String),
    /// Taken up by the text before.
    Covered,
}

impl Canvas {
    /// Adds lines in these directions to a cell. What is no line stays as it is.
    pub fn line(&mut self, (x, y): (usize, usize), directions: u8, paint: Paint) {
        self.draw((x, y), (directions, false), paint);
    }

    /// Adds a dashed line to a cell; where a line is already, that one's kind stays.
    pub fn dashes(&mut self, (x, y): (usize, usize), directions: u8, paint: Paint) {
        self.draw((x, y), (directions, true), paint);
    }

    /// Puts a character into a cell.
    pub fn glyph(&mut self, (x, y): (usize, usize), glyph: Glyph, paint: Paint) {
        *self.cell(x, y) = Cell { content: Content::Glyph(glyph), paint };
    }

    /// Writes a text from a cell on.
    pub fn text(&mut self, (x, y): (usize, usize), text: &str, paint: Paint) {
        for (at, word) in pieces(text) {
            let width = columns(&word);
            *self.cell(x + at, y) = Cell { content: Content::Text(word), paint };
            for covered in 1..width {
                *self.cell(x + at + covered, y) = Cell { content: Content::Covered, paint };
            }
        }
    }

    /// Whether so many cells are blank or have nothing but a level line, which a text may interrupt.
    pub fn is_free(&self, (x, y): (usize, usize), width: usize) -> bool {
        let line = self.lines.get(y);
        let level = |directions: u8| directions & !(LEFT | RIGHT) == 0;
        (x..x + width).all(|x| match line.and_then(|line| line.get(x)).map(|cell| &cell.content) {
            None | Some(Content::Blank) => true,
            Some(Content::Line { directions, .. }) => level(*directions),
            _ => false,
        })
    }

    /// All of it as text, without blanks at the ends of lines.
    pub fn print(&self, style: Style) -> String {
        self.lines.iter().map(|line| print_line(line, style) + "\n").collect()
    }

    fn draw(&mut self, (x, y): (usize, usize), (directions, dashed): (u8, bool), paint: Paint) {
        let cell = self.cell(x, y);
        match &mut cell.content {
            Content::Blank => *cell = Cell { content: Content::Line { directions, dashed }, paint },
            Content::Line { directions: there, .. } => *there |= directions,
            _ => {}
        }
    }

    fn cell(&mut self, x: usize, y: usize) -> &mut Cell {
        if y >= self.lines.len() {
            self.lines.resize_with(y + 1, Vec::new);
        }
        let line = &mut self.lines[y];
        if x >= line.len() {
            line.resize_with(x + 1, Cell::default);
        }
        &mut line[x]
    }
}

/// A text in characters that take up columns, each with what stands on it, and where each begins.
fn pieces(text: &str) -> Vec<(usize, String)> {
    let mut pieces: Vec<(usize, String)> = Vec::new();
    let mut at = 0;
    for c in harmless(text).chars() {
        let width = columns(c.encode_utf8(&mut [0; 4]));
        match pieces.last_mut() {
            Some((_, piece)) if width == 0 => piece.push(c),
            _ => pieces.push((at, c.to_string())),
        }
        at += width;
    }
    pieces
}

fn print_line(line: &[Cell], style: Style) -> String {
    let mut runs: Vec<(Paint, String)> = Vec::new();
    let length = line.iter().rposition(|cell| !is_blank(cell)).map_or(0, |at| at + 1);
    for cell in &line[..length] {
        let text = match &cell.content {
            Content::Blank => " ".to_owned(),
            Content::Line { directions, dashed } => style.charset.line(*directions, *dashed).to_string(),
            Content::Glyph(glyph) => style.charset.glyph(*glyph).to_string(),
            Content::Text(text) => style.charset.text(text),
            Content::Covered => String::new(),
        };
        match runs.last_mut() {
            Some((paint, run)) if *paint == cell.paint => run.push_str(&text),
            _ => runs.push((cell.paint, text)),
        }
    }
    runs.iter().map(|(paint, run)| style.paint(run, *paint)).collect()
}

fn is_blank(cell: &Cell) -> bool {
    match &cell.content {
        Content::Blank => true,
        Content::Text(text) => text == " ",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Charset, Colours};
    use super::*;
    use crate::diagram::text::glyphs::{DOWN, UP};

    fn sheet() -> Canvas {
        let mut canvas = Canvas::default();
        canvas.line((2, 0), UP | DOWN, Paint::Plain);
        (0..4).for_each(|x| canvas.line((x, 0), LEFT | RIGHT, Paint::Fault));
        canvas.glyph((4, 0), Glyph::HeadRight, Paint::Wrong);
        canvas.text((6, 0), "a\u{1b}\u{6f22}b", Paint::Plain);
        canvas
    }

    #[test]
    fn lines_that_meet_join_and_text_takes_the_columns_that_it_needs() {
        let style = |charset| Style { charset, colours: Colours::Without };
        assert_eq!(sheet().print(style(Charset::Unicode)), "──┼─▶ a\\u{1b}\u{6f22}b\n");
        assert_eq!(sheet().print(style(Charset::Ascii)), "--+-> a\\u{1b}\\u{6f22}b\n");
    }

    #[test]
    fn colours_add_nothing_but_escape_sequences() {
        let style = |colours| Style { charset: Charset::Unicode, colours };
        let coloured = sheet().print(style(Colours::Ansi));
        let mut pieces = coloured.split("\u{1b}[");
        let first = pieces.next().unwrap_or_default().to_owned();
        let rest: String = pieces.map(|piece| piece.split_once('m').unwrap().1).collect();
        assert!(coloured.contains("\u{1b}[33m"));
        assert_eq!(first + &rest, sheet().print(style(Colours::Without)));
    }
}
