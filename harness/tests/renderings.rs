//! The same witness in three renderings: text, page, and sequence diagram. For every planted bug, what the sentence names is
//! drawn; for every property there is a picture of each rendering in `renderings/`, made of the first bug that violates it.
//!
//! `UPDATE_EXPECT=1 cargo test -p temblor --test renderings` makes them again; look at them before they are committed.

mod command;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use command::Temblor;
use temblor::commands::explain::{diagram, violations};
use temblor::commands::judging::History;
use temblor::diagram::text::{Charset, Colours, Style};
use temblor::diagram::{Diagram, Fate};
use temblor::report::Violation;
use temblor::{explanation, export};
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_checkers::verdict::Witness;
use temblor_node::bugs::{BUGS, BugEntry};

const STYLE: Style = Style { charset: Charset::Unicode, colours: Colours::Without };

/// What a bug's demonstration shows of the property that it violates.
struct Shown {
    bug: &'static BugEntry,
    witness: Witness,
    diagram: Diagram,
}

/// Every planted bug, demonstrated.
fn all() -> Vec<Shown> {
    BUGS.iter().filter_map(shown).collect()
}

/// `None` for a bug whose demonstration can't be run in memory.
fn shown(bug: &'static BugEntry) -> Option<Shown> {
    let temblor = Temblor::new();
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../workloads/demonstrations/{}.json", bug.name));
    let ended = temblor.run(&format!("run {} --bug {} -x sim --plan {}", bug.algorithm, bug.name, plan.display()));
    assert_eq!(ended.code, Some(1), "{}: {}", bug.name, ended.err);
    let history = History::open(&temblor.file("results/latest")).unwrap();
    let verdict = history.judge(&Options { require: None, fifo_gaps: FifoGaps::Forbidden }).unwrap();
    let violation = violations(&verdict).into_iter().find(|(property, _)| property.property == bug.property)?;
    let diagram = diagram(&history, violation).unwrap();
    Some(Shown { bug, witness: violation.1.clone(), diagram })
}

/// The words of a text that name something: nodes, and messages by number.
fn named(text: &str, first: char) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_named = |word: &&str| {
        let rest = word.strip_prefix(first).unwrap_or("");
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit())
    };
    words.filter(is_named).map(str::to_owned).collect()
}

/// Everything that the drawing says in words.
fn drawn(diagram: &Diagram) -> String {
    let mut words: Vec<String> = diagram.lanes.clone();
    for row in &diagram.rows {
        words.extend(row.marks.iter().map(|mark| mark.label.clone()));
    }
    words.extend(diagram.arrows.iter().map(|arrow| arrow.carries.clone()));
    for table in &diagram.tables {
        words.extend(table.head.iter().cloned());
        words.extend(table.rows.iter().flat_map(|row| row.cells.clone()));
    }
    for order in &diagram.orders {
        words.extend(order.items.iter().map(|item| format!("m{}", item.message)));
    }
    for holders in &diagram.holders {
        words.push(format!("m{}", holders.message));
        for list in [&holders.had, &holders.has, &holders.lacks, &holders.down] {
            words.extend(list.iter().cloned());
        }
    }
    words.join(" ")
}

fn held(shown: &Shown, troubles: &mut Vec<String>) {
    let Shown { bug, witness, diagram } = shown;
    let mut told = drawn(diagram);
    if bug.property.starts_with("reads-") {
        // What a read holds is said at its step: it may be thousands of messages.
        witness.steps.iter().for_each(|step| told.push_str(&format!(" {}", step.fact)));
    }
    let mut nothing = true;
    for first in ['n', 'm'] {
        for name in named(&witness.sentence, first) {
            nothing = false;
            if !named(&told, first).contains(&name) {
                troubles.push(format!("{}: {name} is named and not drawn: {}", bug.name, witness.sentence));
            }
        }
    }
    // A statistic is about all of them.
    if nothing && bug.algorithm != "gossip" {
        troubles.push(format!("{}: the sentence names nothing: {}", bug.name, witness.sentence));
    }
    // Each step has its mark or its row.
    for step in 1..=witness.steps.len() {
        if !diagram.rows.iter().any(|row| row.step == Some(step)) {
            troubles.push(format!("{}: step {step} is not drawn", bug.name));
        }
    }
    // What was lost by a fault or came late by one says by which.
    let cause = diagram.cause().unwrap_or_default();
    for arrow in diagram.arrows.iter().filter(|arrow| arrow.fate == Fate::Lost) {
        if arrow.why.is_empty() || cause.is_empty() {
            troubles.push(format!("{}: a frame with {} is lost, and nothing says why", bug.name, arrow.carries));
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/renderings")
}

fn compare(name: &str, text: &str, troubles: &mut Vec<String>) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    if std::fs::read_to_string(&path).unwrap_or_default() != text {
        troubles.push(format!("{} is not what is rendered now (UPDATE_EXPECT=1 makes it again)", path.display()));
    }
}

#[test]
fn what_a_sentence_names_is_drawn_and_every_property_has_its_pictures() {
    let (all, mut troubles) = (all(), Vec::new());
    let mut of_property: BTreeMap<&str, &Shown> = BTreeMap::new();
    for shown in &all {
        held(shown, &mut troubles);
        of_property.entry(shown.bug.property).or_insert(shown);
    }
    for (property, Shown { witness, diagram, .. }) in &of_property {
        let text = explanation::in_full(property, witness, diagram, STYLE);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{property}:\n{text}");
        compare(&format!("{property}.txt"), &text, &mut troubles);
        compare(&format!("{property}.mmd"), &export::mermaid(&witness.sentence, diagram), &mut troubles);
        let page = Violation { property, witness, diagram }.section(0).into_string();
        // A line for each element, so that a change can be read.
        compare(&format!("{property}.html"), &(page.replace("><", ">\n<") + "\n"), &mut troubles);
    }
    let judged: BTreeSet<&str> = BUGS.iter().map(|bug| bug.property).collect();
    let pictured: BTreeSet<&str> = of_property.keys().copied().collect();
    assert_eq!(judged, pictured, "a property has no picture");
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}
