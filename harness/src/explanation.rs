//! An explanation of one violation as text, at most 80 columns wide: the sentence, the diagram with what belongs to it, and the
//! numbered steps with the reason for each.

use temblor_checkers::verdict::{Step, Witness};

use crate::diagram::Diagram;
use crate::diagram::text::{self, Paint, Style, WIDTH};
use crate::render::time_ms;
use crate::words::{clipped, columns, folded, harmless};

/// A name in the table of steps has at most this width, a deed the other.
const WHO_MAX: usize = 16;
const WHAT_MAX: usize = 36;

/// Everything about one violation.
pub fn in_full(property: &str, witness: &Witness, diagram: &Diagram, style: Style) -> String {
    let mut text = headline(property, witness, style);
    if let Some(cause) = diagram.cause() {
        text.push_str(&lines(&format!("The part of faults: {cause}."), "", (style, Paint::Fault)));
    }
    text.push('\n');
    text.push_str(&text::diagram(diagram, style));
    text.push('\n');
    let below = [text::orders(diagram, style), text::holders(diagram, style), text::tables(diagram, style)];
    below.iter().filter(|panel| !panel.is_empty()).for_each(|panel| text.push_str(&format!("{panel}\n")));
    text.push_str(&text::legend(diagram, style));
    text.push_str(&text::others(diagram, style));
    text.push('\n');
    text.push_str(&steps(witness, style));
    text
}

/// The sentence alone, and what it follows from.
pub fn headline(property: &str, witness: &Witness, style: Style) -> String {
    let sentence = format!("{property}: {}.", witness.sentence.trim_end_matches('.'));
    let mut text = lines(&sentence, "", (style, Paint::Wrong));
    if let Some(earlier) = &witness.consequence_of {
        let consequence = format!("A consequence of an earlier violation: {earlier}.");
        text.push_str(&lines(&consequence, "", (style, Paint::Faint)));
    }
    text
}

/// One entry of a list of violations that are not shown in full.
pub fn folded_up(property: &str, witness: &Witness, style: Style) -> String {
    let follows = witness.consequence_of.as_ref().map_or(String::new(), |earlier| format!(" (because {earlier})"));
    lines(&format!("{property}: {}{follows}", witness.sentence), "  ", (style, Paint::Plain))
}

/// A text from the outside in lines that fit, each indented.
pub fn lines(text: &str, indent: &str, (style, paint): (Style, Paint)) -> String {
    let text = style.charset.text(&harmless(text));
    let lines = folded(&text, WIDTH - indent.len());
    lines.iter().map(|line| format!("{indent}{}\n", style.paint(line, paint))).collect()
}

/// The numbered steps: time, who, what, the line of the history; below each why it matters.
fn steps(witness: &Witness, style: Style) -> String {
    let who_of = |step: &Step| clipped(&style.charset.text(&harmless(&step.process)), WHO_MAX);
    let what_of = |step: &Step| folded(&style.charset.text(&harmless(&step.what)), WHAT_MAX);
    let wide =
        |part: &dyn Fn(&Step) -> usize, least: usize| witness.steps.iter().map(part).max().unwrap_or(0).max(least);
    let who = wide(&|step| columns(&who_of(step)), 3);
    let what = wide(&|step| what_of(step).iter().map(|line| columns(line)).max().unwrap_or(0), 4);
    let padded = |text: &str, width: usize| format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))));
    let indent = " ".repeat(who + 22);
    let mut text = format!("  {:>2} {:>13}  {}  {}  line\n", "#", "time", padded("who", who), padded("what", what));
    for (at, step) in witness.steps.iter().enumerate() {
        let (number, time) = (at + 1, time_ms(step.time));
        let done = what_of(step);
        let first = done.first().map_or("", String::as_str);
        let (who, first) = (padded(&who_of(step), who), padded(first, what));
        text.push_str(&format!("  {number:>2} {time:>13}  {who}  {first}  {}\n", step.index + 1));
        done.iter().skip(1).for_each(|line| text.push_str(&format!("{indent}{line}\n")));
        text.push_str(&lines(&step.fact, &indent, (style, Paint::Faint)));
    }
    text
}
