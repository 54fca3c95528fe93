//! Tables as text: terms, logs, charges. Where a row is wider than a line, the cells of it stand below one another.

use super::super::{Diagram, Table, TableRow};
use super::{Paint, Style, WIDTH};
use crate::words::{columns, folded, harmless};

/// Every table, each with its title.
pub fn tables(diagram: &Diagram, style: Style) -> String {
    diagram.tables.iter().map(|table| self::table(table, style)).collect::<Vec<_>>().join("\n")
}

fn table(table: &Table, style: Style) -> String {
    let widths: Vec<usize> = (0..table.head.len())
        .map(|at| {
            let cells = table.rows.iter().filter_map(|row| row.cells.get(at));
            cells.chain([&table.head[at]]).map(|cell| columns(&harmless(cell))).max().unwrap_or(0)
        })
        .collect();
    let remarks = table.rows.iter().map(|row| columns(&row.remark)).max().unwrap_or(0);
    let whole = 4 + widths.iter().map(|width| width + 2).sum::<usize>() + remarks;
    let mut text = format!("    {}\n", style.charset.text(&table.title));
    if whole > WIDTH {
        table.rows.iter().for_each(|row| text.push_str(&below(table, row, style)));
        return text;
    }
    let head = TableRow { cells: table.head.clone(), ..TableRow::default() };
    text.push_str(&beside(&head, &widths, style));
    table.rows.iter().for_each(|row| text.push_str(&beside(row, &widths, style)));
    text
}

/// A row on one line.
fn beside(row: &TableRow, widths: &[usize], style: Style) -> String {
    let cells = row.cells.iter().zip(widths).map(|(cell, width)| {
        let cell = style.charset.text(&harmless(cell));
        format!("{cell}{}", " ".repeat(width + 2 - columns(&cell)))
    });
    let line = format!("    {}", cells.collect::<String>());
    match row.wrong {
        true => format!("{line}{}\n", style.paint(&style.charset.text(&row.remark), Paint::Wrong)),
        false => format!("{}\n", line.trim_end()),
    }
}

/// A row with a line for each cell.
fn below(table: &Table, row: &TableRow, style: Style) -> String {
    let titles = table.head.iter().zip(&row.cells).filter(|(_, cell)| !cell.is_empty());
    let width = table.head.iter().map(|title| columns(&harmless(title))).max().unwrap_or(0).min(24);
    let mut text = String::new();
    for (at, (title, cell)) in titles.enumerate() {
        let title = style.charset.text(&harmless(title));
        let pad = " ".repeat(width.saturating_sub(columns(&title)));
        let indent = if at == 0 { "    " } else { "      " };
        let told = style.charset.text(&harmless(cell));
        let room = WIDTH.saturating_sub(indent.len() + width + 2).max(20);
        for (line, piece) in folded(&told, room).iter().enumerate() {
            let front = if line == 0 { format!("{title}{pad}") } else { " ".repeat(width) };
            text.push_str(&format!("{indent}{front}  {piece}\n"));
        }
    }
    if row.wrong {
        text.push_str(&format!("      {}\n", style.paint(&style.charset.text(&row.remark), Paint::Wrong)));
    }
    text
}
