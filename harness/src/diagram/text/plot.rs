//! Puts a diagram on a sheet: first lanes, then arrows, then marks, then words.

use super::super::{Arrow, Diagram, Fate, Lasts, Row, Sort, Span};
use super::canvas::Canvas;
use super::glyphs::{DOWN, Glyph, LEFT, RIGHT, UP};
use super::{Paint, WIDTH};
use crate::words::{clipped, columns, folded};

/// Where the first lane stands: behind the numbers and the times.
const LANES_X: usize = 16;
/// A lane has at least and at most so many columns.
const PITCH: (usize, usize) = (7, 12);
/// Notes get at least so many columns, if lanes can spare them.
const NOTE_MIN: usize = 31;
/// So many faults of links get a column of their own.
const BANDS_MAX: usize = 4;

/// Where things are.
struct Layout {
    pitch: usize,
    lanes: usize,
    /// Each fault of links with its column.
    bands: Vec<(usize, Span)>,
    note_x: usize,
    /// For each row: its line, and how many lines belong to it.
    lines: Vec<(usize, usize)>,
    /// The lines that stand for time left out, with its length in ns.
    gaps: Vec<(usize, u64)>,
    height: usize,
}

/// Puts a diagram on a sheet.
pub fn plot(diagram: &Diagram, canvas: &mut Canvas) {
    let layout = Layout::of(diagram);
    head(diagram, &layout, canvas);
    lanes(diagram, &layout, canvas);
    bands(&layout, canvas);
    diagram.arrows.iter().enumerate().for_each(|(at, _)| arrow((diagram, at), &layout, canvas));
    for (at, row) in diagram.rows.iter().enumerate() {
        marks(row, (&layout, layout.lines[at].0), canvas);
        words(row, (&layout, layout.lines[at].0), canvas);
    }
}

impl Layout {
    fn of(diagram: &Diagram) -> Self {
        let lanes = diagram.lanes.len();
        let bands = columns_of_bands(&diagram.spans);
        let band_columns = bands.iter().map(|(column, _)| column + 1).max().unwrap_or(0);
        let spare = WIDTH - LANES_X - 2 * band_columns - NOTE_MIN;
        let pitch = (spare / lanes.max(1)).clamp(PITCH.0, PITCH.1);
        let note_x = LANES_X + pitch * lanes + 2 * band_columns;
        let mut layout = Layout { pitch, lanes, bands, note_x, lines: Vec::new(), gaps: Vec::new(), height: 2 };
        for (at, row) in diagram.rows.iter().enumerate() {
            if let Some(passed) = diagram.gap_before(at) {
                layout.gaps.push((layout.height, passed));
                layout.height += 1;
            }
            let lines = folded(&row.note, WIDTH - note_x).len().max(1);
            layout.lines.push((layout.height, lines));
            layout.height += lines;
        }
        layout
    }

    fn x(&self, lane: usize) -> usize {
        LANES_X + self.pitch * lane
    }

    fn is_gap(&self, y: usize) -> bool {
        self.gaps.iter().any(|(line, _)| *line == y)
    }
}

/// Faults that are in force at the same time get different columns, as far as there are columns.
fn columns_of_bands(spans: &[Span]) -> Vec<(usize, Span)> {
    let mut bands: Vec<(usize, Span)> = Vec::new();
    for span in spans.iter().filter(|span| span.lasts == Lasts::Links) {
        let meets =
            |other: &Span| other.to.is_none_or(|to| to >= span.from) && span.to.is_none_or(|to| to >= other.from);
        let taken = |column: usize| bands.iter().any(|(at, other)| *at == column && meets(other));
        if let Some(column) = (0..BANDS_MAX).find(|column| !taken(*column)) {
            bands.push((column, span.clone()));
        }
    }
    bands
}

fn head(diagram: &Diagram, layout: &Layout, canvas: &mut Canvas) {
    canvas.text((2, 0), "#", Paint::Faint);
    canvas.text((12, 0), "ms", Paint::Faint);
    for (lane, name) in diagram.lanes.iter().enumerate() {
        canvas.text((layout.x(lane), 0), &clipped(name, layout.pitch - 1), Paint::Strong);
    }
}

fn lanes(diagram: &Diagram, layout: &Layout, canvas: &mut Canvas) {
    for y in 1..layout.height {
        for lane in 0..layout.lanes {
            let at = (layout.x(lane), y);
            match state(diagram, (lane, y), layout) {
                Some(Lasts::Down(_)) => {}
                _ if layout.is_gap(y) => canvas.glyph(at, Glyph::Gap, Paint::Faint),
                Some(Lasts::Paused(_)) => canvas.glyph(at, Glyph::Paused, Paint::Fault),
                _ => canvas.line(at, UP | DOWN, Paint::Plain),
            }
        }
    }
    for (y, passed) in &layout.gaps {
        let length = format!("+{} ms", passed / 1_000_000);
        canvas.text((14_usize.saturating_sub(columns(&length)), *y), &length, Paint::Faint);
    }
}

/// What is in force on a lane at a line.
fn state(diagram: &Diagram, (lane, y): (usize, usize), layout: &Layout) -> Option<Lasts> {
    let here = |span: &&Span| {
        let begin = layout.lines[span.from].0;
        let end = span.to.map_or(layout.height, |row| layout.lines[row].0);
        let mine = matches!(span.lasts, Lasts::Down(l) | Lasts::Paused(l) if l == lane);
        mine && begin <= y && y < end
    };
    let mut states: Vec<Lasts> = diagram.spans.iter().filter(here).map(|span| span.lasts).collect();
    states.sort_by_key(|lasts| !matches!(lasts, Lasts::Down(_)));
    states.first().copied()
}

fn bands(layout: &Layout, canvas: &mut Canvas) {
    for (column, span) in &layout.bands {
        let x = layout.x(layout.lanes) + 2 * column;
        let begin = layout.lines[span.from].0;
        let end = span.to.map_or(layout.height - 1, |row| layout.lines[row].0);
        for y in begin..=end {
            let up = if y > begin { UP } else { 0 };
            let down = if y < end || span.to.is_none() { DOWN } else { 0 };
            let corner = if (y == begin) || (y == end && span.to.is_some()) { RIGHT } else { 0 };
            canvas.line((x, y), up | down | corner, Paint::Fault);
        }
    }
}

/// An arrow: level where it fits into one row, else level to a column beside the lane where it ends, and down there.
fn arrow((diagram, at): (&Diagram, usize), layout: &Layout, canvas: &mut Canvas) {
    let Arrow { from, to, fate, .. } = diagram.arrows[at].clone();
    let (x_from, x_to) = (layout.x(from.0), layout.x(to.0));
    let (y_from, y_to) = (layout.lines[from.1].0, layout.lines[to.1].0);
    let rightward = x_from < x_to;
    let step = |x: usize, by: usize| if rightward { x - by } else { x + by };
    let (ahead, back) = if rightward { (RIGHT, LEFT) } else { (LEFT, RIGHT) };
    let paint = if fate == Fate::Lost { Paint::Fault } else { Paint::Plain };
    let dashed = fate == Fate::Inferred;
    let mut put = |x: usize, y: usize, directions: u8| match dashed {
        true => canvas.dashes((x, y), directions, paint),
        false => canvas.line((x, y), directions, paint),
    };
    let turn = if y_from == y_to { x_to } else { step(x_to, 2 + channel(diagram, at)) };
    put(x_from, y_from, ahead);
    between(x_from, turn).for_each(|x| put(x, y_from, LEFT | RIGHT));
    if y_from != y_to {
        put(turn, y_from, back | DOWN);
        (y_from + 1..y_to).for_each(|y| put(turn, y, UP | DOWN));
        put(turn, y_to, UP | ahead);
        between(turn, x_to).for_each(|x| put(x, y_to, LEFT | RIGHT));
    }
    match (fate, rightward) {
        (Fate::Lost, _) => {
            canvas.glyph((step(x_to, 2), y_to), Glyph::Lost, Paint::Fault);
            canvas.text((step(x_to, 1), y_to), " ", Paint::Plain);
        }
        (_, true) => canvas.glyph((step(x_to, 1), y_to), Glyph::HeadRight, Paint::Plain),
        (_, false) => canvas.glyph((step(x_to, 1), y_to), Glyph::HeadLeft, Paint::Plain),
    }
}

/// The columns strictly between two.
fn between(a: usize, b: usize) -> std::ops::Range<usize> {
    a.min(b) + 1..a.max(b)
}

/// Which of the columns beside a lane an arrow goes down in: not the one of an arrow that is there at the same time.
fn channel(diagram: &Diagram, at: usize) -> usize {
    let this = &diagram.arrows[at];
    let alike = |other: &&Arrow| {
        let side = (other.from.0 < other.to.0) == (this.from.0 < this.to.0);
        let meets = other.from.1 <= this.to.1 && this.from.1 <= other.to.1;
        other.to.0 == this.to.0 && side && meets && other.from.1 != other.to.1
    };
    diagram.arrows[..at].iter().filter(alike).count() % 3
}

fn marks(row: &Row, (layout, y): (&Layout, usize), canvas: &mut Canvas) {
    for mark in &row.marks {
        let wrong = row.wrong && !matches!(mark.sort, Sort::Has);
        let paint = if wrong { Paint::Wrong } else { Paint::Strong };
        let x = layout.x(mark.lane);
        canvas.glyph((x, y), Glyph::Mark(mark.sort), paint);
        let room = if mark.lane + 1 < layout.lanes { x + layout.pitch } else { layout.x(layout.lanes) };
        label(&mark.label, ((x, y), room, paint), canvas);
    }
}

/// Writes a label behind its mark, or before it, where no line is in its way; elsewhere the note says it.
fn label(label: &str, ((x, y), room, paint): ((usize, usize), usize, Paint), canvas: &mut Canvas) {
    let width = columns(label);
    let places = [
        (x + 1, format!(" {label} ")),
        (x + 1, format!(" {label}")),
        (x.saturating_sub(width + 2), format!(" {label} ")),
    ];
    let fits = |(at, text): &&(usize, String)| {
        let within = at + 1 > LANES_X.min(x) && at + columns(text.trim_end()) < room;
        within && canvas.is_free((*at, y), columns(text))
    };
    if let (true, Some((at, text))) = (width > 0, places.iter().find(fits)) {
        canvas.text((*at, y), text, paint);
    }
}

fn words(row: &Row, (layout, y): (&Layout, usize), canvas: &mut Canvas) {
    if let Some(step) = row.step {
        let number = format!("{step:>3}");
        canvas.text((0, y), &number, Paint::Strong);
    }
    let time = crate::render::time_ms(row.time);
    let time = time.trim_end_matches(" ms");
    canvas.text((14_usize.saturating_sub(columns(time)), y), time, Paint::Plain);
    let paint = if row.wrong { Paint::Wrong } else { Paint::Plain };
    for (line, note) in folded(&row.note, WIDTH - layout.note_x).iter().enumerate() {
        canvas.text((layout.note_x, y + line), note, paint);
    }
}
