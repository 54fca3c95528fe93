//! A diagram as text: at most 80 columns, in Unicode or in ASCII, with colours or without.
//!
//! ```text
//!   #       ms  n1         n2
//!   1   12.138  │          │           ┌ partition 1 cuts n1 → n2
//!   2   33.603  ◆ m1       │           │ broadcasts m1
//! ```
//!
//! From left to right: the number of the step, the time, the lanes, a column for each fault of links, and a note. Lines are made
//! of cells of one column each (`canvas`), so that lines cross, lanes go on below a long note, and nothing shifts.

mod canvas;
mod glyphs;
mod panels;
mod plot;
mod tables;

pub use glyphs::Charset;
pub use panels::{holders, legend, orders, others};
pub use tables::tables;

use super::Diagram;
use canvas::Canvas;

/// So many columns fit.
pub const WIDTH: usize = 80;

/// How a diagram is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Which characters there are.
    pub charset: Charset,
    /// Whether there are colours.
    pub colours: Colours,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// None: everything is said by characters.
    Without,
    /// ANSI colours, which repeat what the characters say.
    Ansi,
}

impl Colours {
    /// Whether the environment has nothing against them (`NO_COLOR`, no-color.org; `TERM=dumb`).
    pub fn are_welcome(variable: impl Fn(&str) -> Option<String>) -> bool {
        let unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        !unwanted && variable("TERM").as_deref() != Some("dumb")
    }
}

/// What a piece of text is, as a colour tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// Nothing special.
    #[default]
    Plain,
    /// Less important than the rest.
    Faint,
    /// What the eye should find first.
    Strong,
    /// A fault.
    Fault,
    /// What is wrong.
    Wrong,
}

impl Paint {
    /// The parameter of the escape sequence.
    fn code(self) -> &'static str {
        match self {
            Paint::Plain => "0",
            Paint::Faint => "2",
            Paint::Strong => "1",
            Paint::Fault => "33",
            Paint::Wrong => "1;31",
        }
    }
}

impl Style {
    /// A text in this paint.
    pub fn paint(&self, text: &str, paint: Paint) -> String {
        match (self.colours, paint) {
            (Colours::Without, _) | (_, Paint::Plain) => text.to_owned(),
            (Colours::Ansi, paint) => format!("\u{1b}[{}m{text}\u{1b}[0m", paint.code()),
        }
    }
}

/// The diagram itself: lanes, rows, arrows, faults.
pub fn diagram(diagram: &Diagram, style: Style) -> String {
    let mut canvas = Canvas::default();
    plot::plot(diagram, &mut canvas);
    canvas.print(style)
}
