//! The first page: campaigns, and runs filtered by algorithm, fault, verdict and seed.

use std::collections::BTreeSet;
use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::paths::{Query, encoded};
use crate::report::{no_script, told, word};
use crate::results::history_of;

const STYLE: &str = include_str!("../report/style.css");
/// Runs of campaigns stand so deep below the results folder: `campaign/runs/000017/shrunk`.
const DEPTH_MAX: usize = 4;
/// So many runs are shown.
const SHOWN: usize = 500;
/// So many are looked at.
const SEEN: usize = 20_000;

/// What is shown of a run.
#[derive(Clone, Debug, Default)]
struct Run {
    path: String,
    system: String,
    bug: Option<String>,
    executor: String,
    seed: u64,
    outcome: String,
    broken: Vec<String>,
    faults: Vec<String>,
}

/// Whether a folder is that of a run.
pub fn is_run(folder: &Path) -> bool {
    folder.join("plan.json").is_file() && history_of(folder).is_file()
}

/// The page for a query.
pub fn page(root: &Path, query: &Query) -> String {
    let (mut runs, mut campaigns) = (Vec::new(), Vec::new());
    walk((root, root), 0, &mut runs, &mut campaigns);
    runs.sort_by(|a, b| b.path.cmp(&a.path));
    campaigns.sort_by(|a, b| b.cmp(a));
    let shown: Vec<&Run> = runs.iter().filter(|run| fits(run, query)).collect();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(no_script());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "temblor: runs" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { "Runs in " (told(&root.display().to_string())) } }
                main {
                    @if !campaigns.is_empty() {
                        section { h2 { "Campaigns" } ul {
                            @for campaign in campaigns.iter().take(SHOWN) { li { a href=(format!("/files/{}/index.html", encoded(campaign))) { (told(campaign)) } } }
                        } }
                    }
                    section { h2 { "Runs" } (filters(&runs, query)) (table(&shown)) }
                }
            }
        }
    };
    markup.into_string()
}

fn walk((root, folder): (&Path, &Path), depth: usize, runs: &mut Vec<Run>, campaigns: &mut Vec<String>) {
    let name = || folder.strip_prefix(root).unwrap_or(folder).display().to_string();
    if depth > 0 && is_run(folder) {
        runs.push(Run::read(folder, name()));
    } else if depth > 0 && folder.join("index.html").is_file() && folder.join("campaign.json").is_file() {
        campaigns.push(name());
    }
    if depth == DEPTH_MAX || runs.len() >= SEEN {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        // `latest` is a second name of what is there already.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && entry.file_name() != "nodes" && !entry.file_name().to_string_lossy().starts_with('.') {
            walk((root, &entry.path()), depth + 1, runs, campaigns);
        }
    }
}

impl Run {
    fn read(folder: &Path, path: String) -> Self {
        let read = |name: &str| -> Value {
            let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
            serde_json::from_slice(&bytes).unwrap_or_default()
        };
        let (run, verdict) = (read("run.json"), read("verdict.json"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let outcome = match &verdict["outcome"] {
            Value::String(word) => word.clone(),
            Value::Object(reason) => reason.keys().next().cloned().unwrap_or_default(),
            _ => "not judged".to_owned(),
        };
        let properties = verdict["properties"].as_array().into_iter().flatten();
        let broken =
            properties.filter(|property| property["judgement"] == "invalid" && property["standing"] == "promised");
        Self {
            path,
            system: text(&verdict["system"]),
            bug: run["bug"].as_str().map(str::to_owned),
            executor: text(&run["executor"]),
            seed: run["seed"].as_u64().unwrap_or(0),
            outcome,
            broken: broken.map(|property| text(&property["property"])).collect(),
            faults: verdict["counts"]["bites"].as_object().map_or(Vec::new(), |bites| bites.keys().cloned().collect()),
        }
    }
}

fn fits(run: &Run, query: &Query) -> bool {
    let is = |key: &str, value: &str| query.get(key).is_none_or(|wanted| wanted == value);
    let fault = query.get("fault").is_none_or(|wanted| run.faults.iter().any(|fault| fault == wanted));
    is("algorithm", &run.system) && is("verdict", &run.outcome) && is("seed", &run.seed.to_string()) && fault
}

fn filters(runs: &[Run], query: &Query) -> Markup {
    let systems: BTreeSet<&str> = runs.iter().map(|run| run.system.as_str()).collect();
    let outcomes: BTreeSet<&str> = runs.iter().map(|run| run.outcome.as_str()).collect();
    let faults: BTreeSet<&str> = runs.iter().flat_map(|run| run.faults.iter().map(String::as_str)).collect();
    html! {
        form class="toolbar" method="get" action="/" {
            (choice("algorithm", "Algorithm", &systems, query))
            (choice("fault", "Fault that took effect", &faults, query))
            (choice("verdict", "Verdict", &outcomes, query))
            label { "Seed " input name="seed" inputmode="numeric" size="12" value=(query.get("seed").map(told).unwrap_or_default()); }
            button { "Filter" }
            a href="/" { "All" }
        }
    }
}

fn choice(name: &str, title: &str, values: &BTreeSet<&str>, query: &Query) -> Markup {
    html! {
        label { (title) " "
            select name=(name) {
                option value="" { "any" }
                @for value in values { option value=(value) selected[query.get(name) == Some(*value)] { (told(value)) } }
            }
        }
    }
}

/// The runs; two of them can be chosen to be compared.
fn table(runs: &[&Run]) -> Markup {
    html! {
        p class="faint" { (runs.len()) " runs" @if runs.len() > SHOWN { ", of which the newest " (SHOWN) " are shown" } ". Choose one in each column to compare two." }
        form method="get" action="/compare" {
            button { "Compare" }
            div class="scroll" tabindex="0" role="region" aria-label="Runs" {
                table {
                    thead { tr { th scope="col" { "a" } th scope="col" { "b" } th scope="col" { "Run" } th scope="col" { "System" } th scope="col" { "Verdict" } th scope="col" { "Faults that took effect" } th scope="col" { "On" } th scope="col" { "Seed" } th scope="col" { "Files" } } }
                    tbody { @for (at, run) in runs.iter().take(SHOWN).enumerate() { (row(run, at)) } }
                }
            }
        }
    }
}

fn row(run: &Run, at: usize) -> Markup {
    let path = encoded(&run.path);
    let label = |which: &str| format!("{which}: {}", told(&run.path));
    html! {
        tr class=(if run.outcome == "violation" { "wrong" } else { "" }) {
            td { input type="radio" name="a" value=(run.path) checked[at == 0] aria-label=(label("a")); }
            td { input type="radio" name="b" value=(run.path) checked[at == 1] aria-label=(label("b")); }
            th scope="row" { a href=(format!("/run/{path}")) { (told(&run.path)) } }
            td { (told(&run.system)) @if let Some(bug) = &run.bug { ", bug " (told(bug)) } }
            td { (word(&run.outcome).1) @if !run.broken.is_empty() { ": " (told(&run.broken.join(", "))) } }
            td { (told(&run.faults.join(", "))) }
            td { (told(&run.executor)) }
            td class="n" { (run.seed) }
            td { a href=(format!("/zip/{path}")) { "zip" } }
        }
    }
}
