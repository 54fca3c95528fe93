//! `report.html`: one page that shows why a run is wrong, in one file that needs nothing else.
//!
//! The upper part is static and works without JavaScript: the verdict in a word and a sentence, how to run it again, and for
//! each violation the drawing of its witness (`drawing`), the table "why it is wrong", and the orders or holders that it is
//! about (`panels`). It is another rendering of [`crate::diagram::Diagram`], which `explain` draws in 80 columns.
//!
//! The lower part is an explorer of the whole trace (`explorer`): the lines of the run's files, packed (`trace`), and a
//! script that draws them. The page may run this one script and fetch nothing: its policy says so to the browser.
//!
//! Whatever comes from a node is foreign: it is clipped, freed of controls and direction marks, and escaped by the template.

pub mod campaign;
mod drawing;
mod explorer;
mod facts;
mod layout;
mod page;
mod panels;
pub mod pulse;
pub mod trace;

pub use explorer::{no_script, policy};
pub use facts::Facts;
pub use page::{Page, Violation, property_words, word};

use crate::words::{clipped, harmless};

/// The longest text from outside that is shown whole, in columns.
const TOLD_MAX: usize = 400;

/// A text from outside, fit to be shown.
pub fn told(text: &str) -> String {
    let start: String = text.chars().take(TOLD_MAX + 1).collect();
    clipped(&harmless(&start), TOLD_MAX)
}
