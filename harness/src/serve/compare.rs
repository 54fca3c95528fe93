//! Two runs side by side: what differs in facts and verdicts, and where their histories part.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_checkers::verdict::Verdict;

use super::paths::encoded;
use crate::commands::explain::{diagram, violations};
use crate::commands::judging::History;
use crate::diagram::Diagram;
use crate::difference::Difference;
use crate::report::{Facts, Violation, no_script, property_words, told};

const STYLE: &str = include_str!("../report/style.css");
/// Of longer histories only so much is compared.
const COMPARED: u64 = 256 << 20;

struct Side {
    path: String,
    facts: Facts,
    verdict: Verdict,
    first: Option<(String, Diagram)>,
    bytes: Vec<u8>,
}

/// The page of two runs, each a folder below its root.
///
/// # Errors
/// A history can't be read.
pub fn page(a: (&Path, &Path), b: (&Path, &Path)) -> Result<String> {
    let (a, b) = (Side::read(a)?, Side::read(b)?);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(no_script());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "temblor: two runs" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { "Two runs" } p { a href="/" { "All runs" } } }
                main {
                    (facts(&a, &b))
                    (properties(&a, &b))
                    (parting(&a, &b))
                    section { h2 { "What went wrong" } div class="sides" { (a.shown("a", 0)) (b.shown("b", 1)) } }
                }
            }
        }
    };
    Ok(markup.into_string())
}

impl Side {
    fn read((root, folder): (&Path, &Path)) -> Result<Self> {
        let history = History::open(folder)?;
        let verdict = history.judge(&Options { require: None, fifo_gaps: FifoGaps::Forbidden })?;
        let first = violations(&verdict).first().copied();
        let first = first
            .map(|violation| Ok::<_, anyhow::Error>((violation.0.property.clone(), diagram(&history, violation)?)));
        let first = first.transpose()?;
        let mut bytes = Vec::new();
        history.bytes()?.take(COMPARED).read_to_end(&mut bytes).with_context(|| history.failed())?;
        let path = folder.strip_prefix(root).unwrap_or(folder).display().to_string();
        let facts = Facts::of(folder, first.is_some());
        Ok(Self { path, facts, verdict, first, bytes })
    }

    fn fact(&self, title: &str) -> &str {
        self.facts.rows.iter().find(|(name, _)| *name == title).map_or("", |(_, value)| value)
    }

    fn shown(&self, name: &str, at: usize) -> Markup {
        let first = violations(&self.verdict);
        html! {
            div {
                h3 { (name) ": " a href=(format!("/run/{}", encoded(&self.path))) { (told(&self.path)) } }
                @match (&self.first, first.first()) {
                    (Some((property, diagram)), Some((_, witness))) => {
                        p { strong { (told(&witness.sentence)) } }
                        (Violation { property, witness, diagram }.drawn(at))
                    }
                    _ => p { "No promise was broken." },
                }
            }
        }
    }
}

fn facts(a: &Side, b: &Side) -> Markup {
    let mut titles: Vec<&str> = Vec::new();
    for (title, _) in a.facts.rows.iter().chain(&b.facts.rows) {
        if !titles.contains(title) {
            titles.push(title);
        }
    }
    html! {
        section {
            h2 { "What ran" }
            div class="scroll" tabindex="0" role="region" aria-label="What ran" {
                table {
                    thead { tr { th scope="col" { span class="unseen" { "Fact" } } th scope="col" { "a" } th scope="col" { "b" } } }
                    tbody {
                        tr { th scope="row" { "Run" } td { (told(&a.path)) } td { (told(&b.path)) } }
                        @for title in titles { (row(title, a.fact(title), b.fact(title))) }
                    }
                }
            }
        }
    }
}

/// A row; what differs is marked.
fn row(title: &str, a: &str, b: &str) -> Markup {
    html! {
        tr {
            th scope="row" { (title) @if a != b { " " span class="faint" { "(differs)" } } }
            td class=(if a == b { "" } else { "doubtful" }) { (told(a)) }
            td class=(if a == b { "" } else { "doubtful" }) { (told(b)) }
        }
    }
}

fn properties(a: &Side, b: &Side) -> Markup {
    let names: BTreeSet<&str> =
        a.verdict.properties.iter().chain(&b.verdict.properties).map(|property| property.property.as_str()).collect();
    let words = |side: &Side, name: &str| {
        let found = side.verdict.properties.iter().find(|property| property.property == name);
        found.map_or_else(String::new, |property| property_words(property).1)
    };
    html! {
        section {
            h2 { "Every property" }
            div class="scroll" tabindex="0" role="region" aria-label="Every property" {
                table {
                    thead { tr { th scope="col" { "Property" } th scope="col" { "a" } th scope="col" { "b" } } }
                    tbody { @for name in names { (row(name, &words(a, name), &words(b, name))) } }
                }
            }
        }
    }
}

fn parting(a: &Side, b: &Side) -> Markup {
    html! {
        section {
            h2 { "Where the histories part" }
            @match Difference::first(&a.bytes, &b.bytes) {
                None => p { "The histories are the same, byte for byte." },
                Some(difference) => {
                    p { "At line " (difference.line) ". In virtual time one plan gives one history; on real processes no two runs are alike." }
                    pre tabindex="0" { (told(&difference.to_string())) }
                }
            }
        }
    }
}
