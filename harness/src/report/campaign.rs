//! `index.html` of a campaign: what it came to, the matrix, each distinct failure with its page, and how the campaigns before it
//! went.

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::explorer::no_script;
use super::page::word;
use super::told;
use crate::campaign::report::{closing, command, headline};
use crate::campaign::summary::{CellSummary, Summary};

const STYLE: &str = include_str!("style.css");
/// So many earlier campaigns are looked at.
const EARLIER: usize = 30;
/// So many distinct failures are shown.
const FAILURES: usize = 100;

/// What is known of a campaign in the same results folder.
#[derive(Clone, Debug, Default)]
struct Earlier {
    folder: String,
    outcome: String,
    finished: u64,
    violations: u64,
    failures: u64,
    recovery_ms: Option<u64>,
}

/// The page of a campaign, whose folder is `folder`.
pub fn page(summary: &Summary, folder: &Path) -> String {
    let (class, word, symbol) = word(&summary.outcome);
    let earlier = earlier(summary, folder);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(no_script());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (word) ": campaign " (told(&summary.name)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header class=(class) {
                    p class="verdict" {
                        svg width="28" height="28" viewBox="0 0 24 24" aria-hidden="true" { path d=(symbol) {} }
                        strong { (word) }
                        span class="system" { "campaign " (told(&summary.name)) }
                    }
                    h1 { (told(&closing(summary))) }
                }
                main {
                    (failures(summary, folder))
                    section { h2 { "What ran, and under which faults" } (matrix(&summary.matrix)) (asides(summary)) }
                    @if !earlier.is_empty() { (trends(&earlier)) }
                    (here(summary))
                }
            }
        }
    };
    markup.into_string()
}

fn failures(summary: &Summary, folder: &Path) -> Markup {
    let more = summary.failures.len().saturating_sub(FAILURES);
    html! {
        @if !summary.failures.is_empty() {
            section {
                h2 { "Distinct failures" }
                ol class="failures" {
                    @for failure in summary.failures.iter().take(FAILURES) {
                        li {
                            p { strong { (told(&failure.sentence)) } }
                            p class="faint" { (told(&headline(failure))) ". Seed " (failure.seed) ", first run " (failure.runs.first().copied().unwrap_or(0)) "." }
                            @if let Some(below) = &failure.folder {
                                @if folder.join(below).join("report.html").exists() { p { a href=(format!("{below}/report.html")) { "Why it is wrong" } } }
                            }
                            @if let Some(command) = command(failure, None) { p { code { (told(&command)) } } }
                        }
                    }
                }
                @if more > 0 { p class="faint" { (more) " more stand in campaign.json." } }
            }
        }
    }
}

/// Systems are rows, choices of faults columns.
fn matrix(cells: &[CellSummary]) -> Markup {
    let (mut rows, mut heads): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for cell in cells {
        if !rows.contains(&cell.system.as_str()) {
            rows.push(&cell.system);
        }
        if !heads.contains(&cell.under.as_str()) {
            heads.push(&cell.under);
        }
    }
    let of = |row: &str, head: &str| cells.iter().find(|cell| cell.system == row && cell.under == head);
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Matrix" {
            table class="matrix" {
                thead { tr { th scope="col" { "System" } @for head in &heads { th scope="col" { (told(head)) } } } }
                tbody {
                    @for row in &rows {
                        tr {
                            th scope="row" { (told(row)) }
                            @for head in &heads {
                                @match of(row, head) { Some(cell) => (self::cell(cell)), None => td {} }
                            }
                        }
                    }
                }
            }
        }
        p class="faint" { "Runs that held, of all runs. A cell that is marked broke a promise, could not be judged, or was never put to the test." }
    }
}

fn cell(cell: &CellSummary) -> Markup {
    let held = cell.runs.get("held").copied().unwrap_or(0);
    let all: u64 = cell.runs.values().sum();
    let class = match cell.mark.name() {
        "held" => "",
        "violation" | "failed" => "wrong",
        _ => "doubtful",
    };
    let runs: Vec<String> = cell.runs.iter().map(|(mark, count)| format!("{count} {mark}")).collect();
    let bites: Vec<String> = cell.bites.iter().map(|(class, count)| format!("{class} {count}")).collect();
    let title = format!(
        "{}; faults that took effect: {}",
        runs.join(", "),
        if bites.is_empty() { "none".to_owned() } else { bites.join(", ") }
    );
    html! {
        td class=(class) title=(title) { (cell.mark.sign()) " " (held) "/" (all) @if !class.is_empty() { " " (cell.mark.name()) } }
    }
}

fn asides(summary: &Summary) -> Markup {
    html! {
        @for canary in &summary.canaries {
            p class=(if canary.found { "faint" } else { "cause" }) {
                "Canary in " (canary.executor) ": the bug " (canary.bug) " was " @if canary.found { "found" } @else { "not found: the harness is blind" } "."
            }
        }
        @for regression in &summary.regressions {
            p class="faint" { "Regression " (told(&regression.name)) ": " (regression.mark.name()) ". " (told(&regression.why)) }
        }
        @if !summary.left_out.is_empty() {
            details { summary { (summary.left_out.len()) " combinations lie outside a model and were not run" } ul { @for left in &summary.left_out { li { (told(left)) } } } }
        }
    }
}

/// The campaigns of the same name in the same results folder, oldest first, and this one as the last.
fn earlier(summary: &Summary, folder: &Path) -> Vec<Earlier> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = folder.canonicalize().ok().and_then(|path| name(&path));
    let siblings = folder.canonicalize().ok().and_then(|path| path.parent().map(std::fs::read_dir));
    let mut all: Vec<Earlier> = Vec::new();
    for entry in siblings.into_iter().flatten().flatten().flatten() {
        let path = entry.path();
        // The names of folders begin with the time: what came later is no history of this one.
        if path.is_symlink() || name(&path) >= own {
            continue;
        }
        let Ok(bytes) = std::fs::read(path.join("campaign.json")) else { continue };
        let Ok(read) = serde_json::from_slice::<Value>(&bytes) else { continue };
        if read["name"] == summary.name.as_str() {
            all.push(Earlier::of(name(&path).unwrap_or_default(), &read));
        }
    }
    if all.is_empty() {
        return all;
    }
    all.push(Earlier::of(own.unwrap_or_default(), &serde_json::to_value(summary).unwrap_or_default()));
    all.sort_by(|a, b| a.folder.cmp(&b.folder));
    all.split_off(all.len().saturating_sub(EARLIER))
}

impl Earlier {
    fn of(folder: String, read: &Value) -> Self {
        let longest =
            read["here"]["recovery_us"].as_object().and_then(|all| all.values().filter_map(Value::as_u64).max());
        Self {
            folder,
            outcome: read["outcome"].as_str().unwrap_or_default().to_owned(),
            finished: read["finished"].as_u64().unwrap_or(0),
            violations: read["runs"]["violation"].as_u64().unwrap_or(0),
            failures: read["failures"].as_array().map_or(0, Vec::len) as u64,
            recovery_ms: longest.map(|us| us / 1_000),
        }
    }
}

fn trends(all: &[Earlier]) -> Markup {
    let most = all.iter().map(|one| one.finished).max().unwrap_or(1).max(1);
    let slowest = all.iter().filter_map(|one| one.recovery_ms).max().unwrap_or(1).max(1);
    html! {
        section {
            h2 { "This campaign and those before it" }
            div class="scroll" tabindex="0" role="region" aria-label="Earlier campaigns" {
                table {
                    thead { tr { th scope="col" { "Campaign" } th scope="col" { "Came to" } th scope="col" { "Runs" } th scope="col" { "With a violation" } th scope="col" { "Distinct failures" } th scope="col" { "Longest recovery" } } }
                    tbody {
                        @for (at, one) in all.iter().enumerate() {
                            tr class=(if one.violations > 0 { "wrong" } else { "" }) {
                                th scope="row" { @if at + 1 == all.len() { (told(&one.folder)) } @else { a href=(format!("../{}/index.html", one.folder)) { (told(&one.folder)) } } }
                                td { (word(&one.outcome).1) }
                                td class="n" { (bar(one.finished, most)) " " (one.finished) }
                                td class="n" { (one.violations) }
                                td class="n" { (one.failures) }
                                td class="n" { @if let Some(ms) = one.recovery_ms { (bar(ms, slowest)) " " (ms) " ms" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A bar of up to 80 pixels.
fn bar(value: u64, most: u64) -> Markup {
    html! { svg width="80" height="10" aria-hidden="true" { rect class="bar" width=(value * 80 / most.max(1)) height="10" {} } }
}

fn here(summary: &Summary) -> Markup {
    let here = &summary.here;
    html! {
        section {
            h2 { "Where and when" }
            dl class="facts" {
                div { dt { "Seed" } dd { (summary.seed) } }
                div { dt { "temblor" } dd { (told(&here.temblor)) } }
                @for session in &here.sessions { div { dt { "Session" } dd { (told(&session.date)) ", shard " (told(&session.shard)) ", " (told(&crate::machine::in_words(&session.machine))) } } }
                @for (shard, runs) in &here.shards { div { dt { "Shard " (told(shard)) } dd { (runs) " runs" } } }
                @if here.again > 0 { div { dt { "Made again" } dd { (here.again) " runs, since the machine or the harness was late" } } }
            }
        }
    }
}
