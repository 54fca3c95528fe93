//! The page itself: head, violations, every property, the environment.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use temblor_checkers::verdict::{Judgement, Outcome, PropertyVerdict, Standing, Verdict, Witness};

use super::facts::Facts;
use super::pulse::Pulse;
use super::trace::Packed;
use super::{drawing, explorer, panels, told};
use crate::diagram::Diagram;
use crate::render;
use crate::words::counted;

const STYLE: &str = include_str!("style.css");

/// One violation with its drawing.
#[derive(Clone, Copy, Debug)]
pub struct Violation<'a> {
    /// The property.
    pub property: &'a str,
    /// Its proof.
    pub witness: &'a Witness,
    /// What it looks like.
    pub diagram: &'a Diagram,
}

/// What the page shows.
#[derive(Debug)]
pub struct Page<'a> {
    /// What the history proves.
    pub verdict: &'a Verdict,
    /// The violations that are shown in full, the first one first.
    pub violations: &'a [Violation<'a>],
    /// How many more there are.
    pub more: u64,
    /// Where it ran and how to run it again.
    pub facts: &'a Facts,
    /// Latency and throughput.
    pub pulse: &'a Pulse,
    /// The whole trace.
    pub trace: &'a Packed,
}

impl Page<'_> {
    /// The page as HTML.
    pub fn html(&self) -> String {
        let word = self.word();
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(explorer::policy());
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (word.1) ": " (told(&self.verdict.system)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    (self.header(word))
                    main {
                        @for (at, violation) in self.violations.iter().enumerate() {
                            @if at == 1 { h2 { "What else was violated after that" } }
                            (violation.section(at))
                        }
                        @if self.more > 0 {
                            p class="faint" { (counted(self.more, "more violation is", "more violations are")) " not shown; " code { "temblor explain --all" } " shows them." }
                        }
                        (self.properties())
                        (self.pulse.charts())
                        (explorer::explorer(self.trace))
                        (self.environment())
                    }
                }
            }
        };
        markup.into_string()
    }

    /// The outcome: its class in the style sheet, its word, and the path of its symbol.
    fn word(&self) -> (&'static str, &'static str, &'static str) {
        word(match self.verdict.outcome {
            Outcome::Violation => "violation",
            Outcome::Clean => "clean",
            Outcome::Inconclusive(_) => "inconclusive",
            Outcome::Nothing(_) => "nothing",
        })
    }

    fn header(&self, (class, word, symbol): (&str, &str, &str)) -> Markup {
        html! {
            header class=(class) {
                p class="verdict" {
                    svg width="28" height="28" viewBox="0 0 24 24" aria-hidden="true" { path d=(symbol) {} }
                    strong { (word) }
                    span class="system" { (told(&self.verdict.system)) }
                }
                h1 { (self.sentence()) }
                @if let Some(cause) = self.violations.first().and_then(|first| first.diagram.cause()) {
                    p class="cause" { "The part of faults: " (told(&cause)) "." }
                } @else if !self.violations.is_empty() && self.verdict.counts.bites.is_empty() {
                    p class="cause" { "No fault took effect in this run." }
                }
                @if let Some(shrunk) = &self.facts.shrunk { p { (shrunk) } }
                dl class="commands" {
                    @for (command, what) in &self.facts.commands { div { dt { (what) } dd { code { (told(command)) } } } }
                }
            }
        }
    }

    /// What happened, in a sentence that names nodes and messages.
    fn sentence(&self) -> String {
        match self.violations.first() {
            Some(first) => format!("{}.", told(first.witness.sentence.trim_end_matches('.'))),
            None => told(&render::closing(self.verdict).split_whitespace().collect::<Vec<_>>().join(" ")),
        }
    }

    fn properties(&self) -> Markup {
        let shown = self.verdict.properties.iter().filter(|property| render::is_worth_a_line(property));
        html! {
            section {
                h2 { "Every property" }
                div class="scroll" tabindex="0" role="region" aria-label="Every property" {
                    table {
                        thead { tr { th scope="col" { "Property" } th scope="col" { "Verdict" } th scope="col" { "Chances to fail" } } }
                        tbody { @for property in shown { (self::property(property)) } }
                    }
                }
                p { (told(&self.counts())) }
            }
        }
    }

    fn counts(&self) -> String {
        let counts = &self.verdict.counts;
        let bites: Vec<String> = counts.bites.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let faults = if bites.is_empty() {
            "no fault took effect".to_owned()
        } else {
            format!("faults that took effect: {}", bites.join(", "))
        };
        format!(
            "{} ({} acknowledged, {} refused, {} unknown), {}; {faults}.",
            counted(counts.invoked, "request", "requests"),
            counts.acknowledged,
            counts.failed,
            counts.indeterminate,
            counted(counts.deliveries, "delivery", "deliveries")
        )
    }

    fn environment(&self) -> Markup {
        html! {
            section {
                h2 { "Environment" }
                dl class="facts" { @for (title, value) in &self.facts.rows { div { dt { (title) } dd { (told(value)) } } } }
            }
        }
    }
}

/// The class of an outcome in the style sheet, its word, and the path of its symbol.
pub fn word(outcome: &str) -> (&'static str, &'static str, &'static str) {
    match outcome {
        "clean" => ("clean", "Every promise held", "M4 13L10 19L20 6"),
        "violation" => ("violation", "Violation", "M5 5L19 19M19 5L5 19"),
        "failed" => ("violation", "Failed", "M12 4V14M12 18V20"),
        "nothing" => ("inconclusive", "Nothing to judge", "M5 12H19"),
        _ => ("inconclusive", "Inconclusive", "M12 4V14M12 18V20"),
    }
}

impl Violation<'_> {
    /// Its part of the page; the first one is unfolded.
    pub fn section(&self, at: usize) -> Markup {
        let Violation { property, witness, .. } = self;
        html! {
            section class="violation" {
                @if at == 0 {
                    h2 { (property) " does not hold" }
                    (self.drawn(at))
                } @else {
                    details {
                        summary {
                            h3 { (property) ": " (told(&witness.sentence)) }
                            @if witness.consequence_of.is_some() { span class="faint" { " a consequence" } }
                        }
                        (self.drawn(at))
                    }
                }
            }
        }
    }

    /// Its drawing with what belongs to it; `at` keeps it apart from others on the page.
    pub fn drawn(&self, at: usize) -> Markup {
        let Violation { witness, diagram, .. } = self;
        html! {
            @if let Some(earlier) = &witness.consequence_of {
                p class="faint" { "A consequence of an earlier violation: " (told(earlier)) "." }
            }
            figure {
                div class="scroll" tabindex="0" role="region" aria-label=(format!("Violation {}: what happened", at + 1)) { (drawing::drawing(diagram, at, &witness.sentence)) }
                figcaption {
                    (drawing::legend(diagram))
                    p class="faint" {
                        "Each column is one event, in the order of time and not to scale; times in ms."
                        @if !diagram.others.is_empty() {
                            " Not drawn: " (told(&crate::words::listed(diagram.others.iter().map(String::as_str)))) "."
                        }
                    }
                }
            }
            div class="scroll" tabindex="0" role="region" aria-label=(format!("Violation {}: why it is wrong", at + 1)) { (panels::steps(witness, diagram)) }
            div class="panels" { (panels::orders(diagram)) (panels::holders(diagram)) (panels::tables(diagram)) }
        }
    }
}

/// What came of a property: its class in the style sheet, and words.
pub fn property_words(property: &PropertyVerdict) -> (&'static str, String) {
    match (&property.judgement, &property.standing) {
        (Judgement::Invalid, Standing::Promised) => {
            ("wrong", format!("violated, {}", counted(property.violations, "time", "times")))
        }
        (Judgement::Invalid, Standing::NotInForce(why)) => ("", format!("lost; no promise: {why}")),
        (Judgement::Invalid, Standing::NotPromised) => ("", "not promised, did not hold".to_owned()),
        (Judgement::Unknown, _) => ("", format!("unknown: {}", property.reason.clone().unwrap_or_default())),
        (Judgement::Valid, Standing::NotPromised) => ("faint", "not promised, held".to_owned()),
        (Judgement::Valid, _) if property.exercised == 0 => ("", "held, not exercised".to_owned()),
        (Judgement::Valid, _) => ("", "held".to_owned()),
    }
}

fn property(property: &PropertyVerdict) -> Markup {
    let (class, words) = property_words(property);
    // What was broken was exercised, however it is counted.
    let chances = if property.exercised == 0 { String::new() } else { property.exercised.to_string() };
    html! { tr class=(class) { th scope="row" { (property.property) } td { (told(&words)) } td class="n" { (chances) } } }
}
