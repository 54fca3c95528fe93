//! What stands beside a drawing: the table "why it is wrong", the orders side by side, and who has a message and who has not.

use std::collections::BTreeSet;

use maud::{Markup, html};
use temblor_checkers::verdict::Witness;

use super::told;
use crate::diagram::{Arrangement, Diagram, Holders, Item, Order, OrderOf, Row, Table};
use crate::render::time_ms;
use crate::words::{counted, listed};

/// The numbered steps with the reason for each; between them, without numbers, what else the drawing shows.
pub fn steps(witness: &Witness, diagram: &Diagram) -> Markup {
    let asides = diagram.rows.iter().enumerate().filter(|(_, row)| row.step.is_none() && !row.note.is_empty());
    let mut notes = asides.peekable();
    // What is drawn to the left of a step stands above it.
    let place = |number: usize| diagram.rows.iter().position(|row| row.step == Some(number)).unwrap_or(0);
    html! {
        table class="steps" {
            caption { "Why it is wrong" }
            thead { tr { th scope="col" { "#" } th scope="col" { "Time" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Why it matters" } th scope="col" { "Line of history.jsonl" } } }
            tbody {
                @for (at, step) in witness.steps.iter().enumerate() {
                    @while notes.peek().is_some_and(|(row, _)| *row < place(at + 1)) { (aside(notes.next(), diagram)) }
                    tr class=(if is_wrong(diagram, at + 1) { "wrong" } else { "" }) {
                        th scope="row" { (at + 1) }
                        td class="n" { (time_ms(step.time)) }
                        td { (told(&step.process)) }
                        td { (told(&step.what)) }
                        td { (told(&step.fact)) }
                        td class="n" { a href=(format!("#e={}", step.index + 1)) { (step.index + 1) } }
                    }
                }
                @while notes.peek().is_some() { (aside(notes.next(), diagram)) }
            }
        }
    }
}

/// What the drawing shows beside the steps.
fn aside(shown: Option<(usize, &Row)>, diagram: &Diagram) -> Markup {
    let Some((at, row)) = shown else { return html! {} };
    let class = if row.wrong { "aside wrong" } else { "aside" };
    html! {
        tr class=(class) {
            td {}
            td class="n" { (time_ms(row.time)) }
            td { (told(&who(at, row, diagram))) }
            td colspan="2" { (told(&row.note)) }
            td {}
        }
    }
}

/// Whose doing a row is: a node's, a frame's from one node to another, or the nemesis'.
fn who(at: usize, row: &Row, diagram: &Diagram) -> String {
    let name = |lane: usize| diagram.lanes[lane].as_str();
    let frame = diagram.arrows.iter().find(|arrow| arrow.to.1 == at || arrow.from.1 == at);
    match (row.marks.first(), frame) {
        (Some(mark), _) => name(mark.lane).to_owned(),
        (None, Some(arrow)) => format!("{} → {}", name(arrow.from.0), name(arrow.to.0)),
        (None, None) => "nemesis".to_owned(),
    }
}

fn is_wrong(diagram: &Diagram, step: usize) -> bool {
    diagram.rows.iter().any(|row| row.wrong && row.step == Some(step))
}

/// The orders in which nodes broadcast and delivered; nothing where no order is wrong.
pub fn orders(diagram: &Diagram) -> Markup {
    let deliveries: Vec<&Order> = diagram.orders.iter().filter(|order| order.of == OrderOf::Deliveries).collect();
    let by_position = diagram.arrangement == Arrangement::Positions && deliveries.len() > 1;
    let lines: Vec<&Order> =
        diagram.orders.iter().filter(|order| !by_position || order.of == OrderOf::Broadcasts).collect();
    html! {
        @if !lines.is_empty() { (sequences(&lines)) }
        @if by_position { (positions(&deliveries)) }
    }
}

/// Each order as a line: what comes before what.
fn sequences(orders: &[&Order]) -> Markup {
    html! {
        table class="orders" {
            caption { "In which order" }
            tbody {
                @for order in orders {
                    tr {
                        th scope="row" { (told(&order.node)) @if order.of == OrderOf::Broadcasts { " broadcast" } @else { " delivered" } }
                        td { ol class="sequence" { (items(&order.items)) } }
                    }
                }
            }
        }
    }
}

fn items(items: &[Item]) -> Markup {
    let mut next = 1;
    html! {
        @for item in items {
            @if item.position > next { li class="more" { "… " (item.position - next) " more" } }
            li class=(if item.named { "named" } else { "" }) { span class="position" { (item.position) } " m" (item.message) }
            (advance(&mut next, item.position))
        }
    }
}

/// Moves on, and shows nothing.
fn advance(next: &mut u64, position: u64) -> &'static str {
    *next = position + 1;
    ""
}

/// The deliveries of several nodes by position: the first row that differs is marked.
fn positions(orders: &[&Order]) -> Markup {
    let all: BTreeSet<u64> = orders.iter().flat_map(|order| order.items.iter().map(|item| item.position)).collect();
    let at = |order: &Order, position: u64| order.items.iter().find(|item| item.position == position).copied();
    let tells = |position: &u64| {
        let items: Vec<Option<Item>> = orders.iter().map(|order| at(order, *position)).collect();
        items.iter().all(Option::is_some) || items.iter().flatten().any(|item| item.named)
    };
    let differs = |position: u64| {
        let messages: BTreeSet<u64> = orders.iter().filter_map(|order| Some(at(order, position)?.message)).collect();
        messages.len() > 1
    };
    let shown: Vec<u64> = all.into_iter().filter(tells).collect();
    let first = shown.iter().copied().find(|position| differs(*position));
    html! {
        table class="positions" {
            caption { "Delivered as number …" }
            thead { tr { th scope="col" { "Position" } @for order in orders { th scope="col" { (told(&order.node)) } } th scope="col" { span class="unseen" { "Remark" } } } }
            tbody {
                @for position in shown {
                    tr class=(if Some(position) == first { "wrong" } else { "" }) {
                        th scope="row" { (position) }
                        @for order in orders {
                            @match at(order, position) {
                                Some(item) => td class=(if item.named { "named" } else { "" }) { "m" (item.message) },
                                None => td { "…" },
                            }
                        }
                        td { @if Some(position) == first { "first difference" } }
                    }
                }
            }
        }
    }
}

/// Who has each message and who has not.
pub fn holders(diagram: &Diagram) -> Markup {
    html! { @for holders in &diagram.holders { (holders_of(holders)) } }
}

fn holders_of(holders: &Holders) -> Markup {
    let rows = [
        ("delivered it", &holders.has, ""),
        ("delivered it, then went down", &holders.had, ""),
        ("never delivered it", &holders.lacks, "wrong"),
        ("is down and owes nothing", &holders.down, ""),
    ];
    html! {
        table class="holders" {
            caption { "Who has m" (holders.message) }
            tbody {
                @for (title, names, class) in rows.iter().filter(|(_, names, _)| !names.is_empty()) {
                    tr class=(class) {
                        th scope="row" { (title) }
                        td { (told(&listed(names.iter().map(String::as_str)))) }
                        td class="n" { (counted(names.len(), "node", "nodes")) }
                    }
                }
                @for tried in &holders.tried { tr { th scope="row" { "it was sent" } td colspan="2" { (told(tried)) } } }
            }
        }
    }
}

/// Terms, logs, charges.
pub fn tables(diagram: &Diagram) -> Markup {
    html! { @for table in &diagram.tables { (self::table(table)) } }
}

fn table(table: &Table) -> Markup {
    let remarked = table.rows.iter().any(|row| !row.remark.is_empty());
    html! {
        table {
            caption { (told(&table.title)) }
            thead { tr {
                @for title in &table.head { th scope="col" { (told(title)) } }
                @if remarked { th scope="col" { span class="unseen" { "Remark" } } }
            } }
            tbody {
                @for row in &table.rows {
                    tr class=(if row.wrong { "wrong" } else { "" }) {
                        @for (at, cell) in row.cells.iter().enumerate() {
                            @if at == 0 { th scope="row" { (told(cell)) } } @else { td { (told(cell)) } }
                        }
                        @if remarked { td { (told(&row.remark)) } }
                    }
                }
            }
        }
    }
}
