//! What stands below a diagram: the orders side by side, who has a message and who has not, who is not drawn, and the legend.

use std::collections::BTreeSet;

use super::super::{Arrangement, Diagram, Fate, Holders, Item, Lasts, Order, OrderOf, Sort};
use super::glyphs::Glyph;
use super::{Paint, Style, WIDTH};
use crate::words::{clipped, columns, counted, folded, harmless, listed};

/// The orders in which nodes broadcast and delivered. Deliveries of several nodes are a table by position, so that one sees
/// where they part; else each order is a line. Empty if there are none.
pub fn orders(diagram: &Diagram, style: Style) -> String {
    let deliveries: Vec<&Order> = diagram.orders.iter().filter(|order| order.of == OrderOf::Deliveries).collect();
    let (mut text, mut lines) = (String::new(), diagram.orders.iter().collect::<Vec<_>>());
    if diagram.arrangement == Arrangement::Positions && deliveries.len() > 1 {
        lines.retain(|order| order.of == OrderOf::Broadcasts);
        text.push_str(&table(&deliveries, style));
    }
    let names: Vec<String> = lines.iter().map(|order| title(order)).collect();
    let width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
    for (order, name) in lines.iter().zip(&names) {
        let pad = " ".repeat(width - columns(name));
        let items = row_of(&order.items);
        for (at, line) in folded(&items, WIDTH - width - 6).iter().enumerate() {
            let name = if at == 0 { format!("{name}{pad}") } else { " ".repeat(width) };
            text.push_str(style.charset.text(&format!("    {name}  {line}")).trim_end());
            text.push('\n');
        }
    }
    text
}

fn title(order: &Order) -> String {
    let what = match order.of {
        OrderOf::Broadcasts => "broadcast",
        OrderOf::Deliveries => "delivered",
    };
    format!("{} {what}", clipped(&harmless(&order.node), 20))
}

/// An order in one row; what the witness is about stands in brackets, if not all of it is.
fn row_of(items: &[Item]) -> String {
    let all = items.iter().all(|item| item.named);
    let mut words = Vec::new();
    let mut next = 1;
    for item in items {
        if item.position > next {
            words.push(format!("({} more)", item.position - next));
        }
        next = item.position + 1;
        words.push(if item.named && !all { format!("[m{}]", item.message) } else { format!("m{}", item.message) });
    }
    words.join(" ")
}

/// The deliveries of several nodes by position.
fn table(orders: &[&Order], style: Style) -> String {
    let positions: BTreeSet<u64> =
        orders.iter().flat_map(|order| order.items.iter().map(|item| item.position)).collect();
    let at = |order: &Order, position: u64| order.items.iter().find(|item| item.position == position).copied();
    // Further on, pieces of one order stand beside nothing; of those only what the witness names is shown.
    let tells = |position: &u64| {
        let mut items = orders.iter().map(|order| at(order, *position));
        items.clone().all(|item| item.is_some()) || items.any(|item| item.is_some_and(|item| item.named))
    };
    let width = (WIDTH - 16) / orders.len().max(1) - 2;
    let cell = |text: &str| {
        let text = clipped(text, width.min(14));
        format!("{text}{}", " ".repeat(width.min(14) - columns(&text) + 2))
    };
    let names: String = orders.iter().map(|order| cell(&harmless(&order.node))).collect();
    let mut text = style.charset.text(&format!("    delivered as  {names}")).trim_end().to_owned() + "\n";
    let mut differs = false;
    let mut last = 0;
    for position in positions.iter().copied().filter(tells) {
        if position > last + 1 {
            text.push_str(style.charset.text(&format!("{:>16}\n", "...")).as_str());
        }
        last = position;
        let items: Vec<Option<Item>> = orders.iter().map(|order| at(order, position)).collect();
        let shown = |item: &Option<Item>| match item {
            Some(item) if item.named => format!("[m{}]", item.message),
            Some(item) => format!(" m{}", item.message),
            None => " …".to_owned(),
        };
        let cells: String = items.iter().map(|item| cell(&shown(item))).collect();
        let mut messages = items.iter().flatten().map(|item| item.message);
        let first = messages.next();
        let parts = !differs && messages.any(|message| Some(message) != first);
        differs |= parts;
        let line = format!("{:>16}  {}", format!("{position}."), cells.trim_end());
        let line = style.charset.text(&line);
        match parts {
            true => text.push_str(&format!("{line}  {}\n", style.paint("differs", Paint::Wrong))),
            false => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

/// Who has each message and who has not. Empty if that is not the question.
pub fn holders(diagram: &Diagram, style: Style) -> String {
    diagram.holders.iter().map(|holders| holders_of(holders, style)).collect()
}

fn holders_of(holders: &Holders, style: Style) -> String {
    let message = format!("m{}", holders.message);
    let mut rows = vec![
        (format!("{message} delivered at"), &holders.has, Paint::Plain),
        (format!("{message} delivered, then down"), &holders.had, Paint::Fault),
        (format!("{message} missing at"), &holders.lacks, Paint::Wrong),
        ("down, owes nothing".to_owned(), &holders.down, Paint::Fault),
    ];
    rows.retain(|(_, names, _)| !names.is_empty());
    let sent = format!("{message} was sent");
    let titles =
        rows.iter().map(|(title, ..)| columns(title)).chain((!holders.tried.is_empty()).then(|| columns(&sent)));
    let width = titles.max().unwrap_or(0);
    let mut text = String::new();
    for (title, names, paint) in &rows {
        let pad = " ".repeat(width - columns(title));
        let names =
            format!("{}  ({})", listed(names.iter().map(String::as_str)), counted(names.len(), "node", "nodes"));
        for (at, line) in folded(&harmless(&names), WIDTH - width - 6).iter().enumerate() {
            let title = if at == 0 { format!("{title}{pad}") } else { " ".repeat(width) };
            text.push_str(&format!("    {title}  {}\n", style.paint(&style.charset.text(line), *paint)));
        }
    }
    for tried in &holders.tried {
        for (at, line) in folded(&harmless(tried), WIDTH - width - 6).iter().enumerate() {
            let title = if at == 0 { sent.as_str() } else { "" };
            text.push_str(&format!(
                "    {title}{}  {}\n",
                " ".repeat(width - columns(title)),
                style.charset.text(line)
            ));
        }
    }
    text
}

/// Which nodes are not drawn. Empty if all are.
pub fn others(diagram: &Diagram, style: Style) -> String {
    if diagram.others.is_empty() {
        return String::new();
    }
    let names = listed(diagram.others.iter().map(String::as_str));
    let text = format!("Not drawn: {}.", harmless(&names));
    let lines = folded(&style.charset.text(&text), WIDTH - 4);
    lines.iter().map(|line| format!("    {}\n", style.paint(line, Paint::Faint))).collect()
}

/// What the marks in this diagram mean.
pub fn legend(diagram: &Diagram, style: Style) -> String {
    let glyph = |glyph: Glyph| style.charset.glyph(glyph).to_string();
    let sorts: BTreeSet<Sort> = diagram.rows.iter().flat_map(|row| row.marks.iter().map(|mark| mark.sort)).collect();
    let mut entries: Vec<String> =
        sorts.iter().map(|sort| format!("{} {}", glyph(Glyph::Mark(*sort)), meaning(*sort))).collect();
    let fates: BTreeSet<Fate> = diagram.arrows.iter().map(|arrow| arrow.fate).collect();
    let shaft = |dashed: bool| style.charset.line(3, dashed).to_string();
    for fate in fates {
        entries.push(match fate {
            Fate::Arrived => format!("{}{} frame", shaft(false), glyph(Glyph::HeadRight)),
            Fate::Lost => format!("{}{} frame lost", shaft(false), glyph(Glyph::Lost)),
            Fate::Inferred => format!("{}{} from its broadcast", shaft(true), glyph(Glyph::HeadRight)),
        });
    }
    if diagram.spans.iter().any(|span| matches!(span.lasts, Lasts::Paused(_))) {
        entries.push(format!("{} paused", glyph(Glyph::Paused)));
    }
    let mut lines = vec![String::new()];
    for entry in entries {
        let last = lines.last_mut().expect("there is a line");
        if last.is_empty() {
            *last = entry;
        } else if columns(last) + 3 + columns(&entry) <= WIDTH - 4 {
            last.push_str(&format!("   {entry}"));
        } else {
            lines.push(entry);
        }
    }
    lines.iter().map(|line| format!("    {}\n", style.paint(line, Paint::Faint))).collect()
}

fn meaning(sort: Sort) -> &'static str {
    match sort {
        Sort::Broadcast => "broadcast",
        Sort::Delivery => "delivery",
        Sort::Client => "client",
        Sort::Leader => "claims to lead",
        Sort::End => "killed, or exits",
        Sort::Start => "starts again",
        Sort::Has => "has it",
        Sort::Lacks => "lacks it",
        Sort::Other => "another step of a node",
    }
}
