//! Where the things of a drawing stand: a column for each row of the diagram, as wide as its words need.

use crate::diagram::{Diagram, Lasts, Span};
use crate::words::{clipped, columns, harmless};

/// Where lanes begin, below the numbers of the steps.
pub const TOP: f64 = 40.0;
/// The height of a lane.
pub const LANE: f64 = 68.0;
/// About so wide is a character.
const CHARACTER: f64 = 7.4;
/// A column is at least so wide.
const COLUMN_MIN: f64 = 72.0;
/// So wide is the place where time is left out.
const GAP: f64 = 46.0;
/// The longest name of a node that is shown whole, in characters.
pub const NAME_MAX: usize = 16;
/// So much is said of a fault of links, in characters.
const FAULT_MAX: usize = 90;

/// The places of one drawing.
pub struct Layout {
    /// The width of the whole.
    pub width: f64,
    begin: f64,
    /// For each row its left edge and its right edge.
    columns: Vec<(f64, f64)>,
    lanes: usize,
    /// Each fault of links with the line of its name.
    labels: Vec<(Span, usize)>,
}

impl Layout {
    /// The places of the things of a diagram.
    pub fn of(diagram: &Diagram) -> Self {
        let wide = |text: &str| f64::from(u32::try_from(columns(text)).unwrap_or(u32::MAX)) * CHARACTER;
        let names = diagram.lanes.iter().map(|name| wide(&clipped(&harmless(name), NAME_MAX)));
        let begin = names.fold(24.0, f64::max) + 20.0;
        let mut at = begin + 10.0;
        let mut columns = Vec::new();
        for (row, what) in diagram.rows.iter().enumerate() {
            at += diagram.gap_before(row).map_or(0.0, |_| GAP);
            let label = what.marks.iter().map(|mark| wide(&mark.label) + 16.0).fold(COLUMN_MIN, f64::max);
            // The reason why a frame was lost stands to the right of it.
            let why = diagram.arrows.iter().filter(|arrow| arrow.to.1 == row && !arrow.why.is_empty());
            let why = why.map(|arrow| COLUMN_MIN / 2.0 + wide(&arrow.why) + wide("m1000 ")).fold(0.0, f64::max);
            columns.push((at, at + label.max(why)));
            at += label.max(why);
        }
        let labels = labels(diagram);
        let words = labels.iter().map(|(span, _)| {
            let from = columns.get(span.from).map_or(at, |column| column.0);
            from + wide(&fault_name(&diagram.rows[span.from].note)) + 16.0
        });
        let width = words.fold(at + 24.0, f64::max);
        Self { width: width.ceil(), begin, columns, lanes: diagram.lanes.len(), labels }
    }

    /// The height of the whole.
    pub fn height(&self) -> f64 {
        let lines = self.labels.iter().map(|(_, line)| line + 1).max().unwrap_or(0);
        self.bottom() + 30.0 + 15.0 * f64::from(u32::try_from(lines).unwrap_or(0))
    }

    /// The lower edge of the lanes.
    pub fn bottom(&self) -> f64 {
        TOP + LANE * f64::from(u32::try_from(self.lanes).unwrap_or(0))
    }

    /// Where lanes begin.
    pub fn begin(&self) -> f64 {
        self.begin
    }

    /// Where lanes end.
    pub fn end(&self) -> f64 {
        self.columns.last().map_or(self.begin, |column| column.1) + 14.0
    }

    /// Where the marks of a row stand.
    pub fn x(&self, row: usize) -> f64 {
        self.columns[row].0 + COLUMN_MIN / 2.0
    }

    /// The left edge of a row.
    pub fn left(&self, row: usize) -> f64 {
        self.columns[row].0
    }

    /// The right edge of a row, as far as its marks reach.
    pub fn right(&self, row: usize) -> f64 {
        self.columns[row].0 + COLUMN_MIN
    }

    /// The middle of the gap before a row.
    pub fn gap_x(&self, row: usize) -> f64 {
        self.columns[row].0 - GAP / 2.0
    }

    /// The middle of a lane.
    pub fn y(&self, lane: usize) -> f64 {
        TOP + LANE * (f64::from(u32::try_from(lane).unwrap_or(0)) + 0.5)
    }

    /// A place on a lane: lane and row.
    pub fn point(&self, (lane, row): (usize, usize)) -> (f64, f64) {
        (self.x(row), self.y(lane))
    }

    /// From where to where something lasts.
    pub fn span(&self, span: &Span) -> (f64, f64) {
        (self.x(span.from), span.to.map_or(self.end(), |row| self.x(row)))
    }

    /// The line, from 0, on which the name of a fault stands, so that names never lie over one another.
    pub fn label_line(&self, span: &Span) -> f64 {
        let found = self.labels.iter().find(|(other, _)| other == span).map_or(0, |(_, line)| *line);
        f64::from(u32::try_from(found).unwrap_or(0))
    }
}

/// The words that stand at a fault of links.
pub fn fault_name(note: &str) -> String {
    clipped(&harmless(note), FAULT_MAX)
}

/// Each fault of links gets a line of its own.
fn labels(diagram: &Diagram) -> Vec<(Span, usize)> {
    let links = diagram.spans.iter().filter(|span| span.lasts == Lasts::Links);
    links.enumerate().map(|(line, span)| (span.clone(), line)).collect()
}
