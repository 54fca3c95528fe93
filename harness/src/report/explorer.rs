//! The explorer of the whole trace: what the page holds for it, the script included.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::trace::Packed;

/// The parts of the script, in the order in which they stand in the page.
pub const SCRIPT: &str = concat!(
    include_str!("explorer/trace.js"),
    include_str!("explorer/axis.js"),
    include_str!("explorer/cone.js"),
    include_str!("explorer/picture.js"),
    include_str!("explorer/details.js"),
    include_str!("explorer/controls.js"),
);

/// What the page may do: show its own style, run this one script, and nothing else. Nothing is ever fetched.
pub fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'self'"
    )
}

/// The policy of a page without a script.
pub fn no_script() -> &'static str {
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'"
}

const KEYS: &[(&str, &str)] = &[
    ("+ −", "zoom in, zoom out; the wheel does it at the cursor"),
    ("← →", "move in time; dragging does it too"),
    ("j k", "next event, event before, of those that are not filtered out"),
    ("n p", "next violation, violation before"),
    ("f F", "next fault, fault before"),
    ("m", "follow the message of the chosen event, or stop to"),
    ("c", "show what the chosen event depends on, and what depends on it"),
    ("/", "filter by text"),
    ("0", "the whole run"),
    ("Esc", "let go of all this"),
    ("?", "this list"),
];

/// The place of the explorer; it is shown by its script.
pub fn explorer(packed: &Packed) -> Markup {
    let (ops, frames) = packed.about.lines;
    let every = packed.about.every;
    html! {
        section id="explorer" hidden {
            h2 { "The whole trace" }
            p class="faint" {
                (ops) " lines of history.jsonl and " (frames) " of messages.jsonl."
                @if every > 1 {
                    strong { " This page holds one line in " (every) }
                    ", and between them all lines around the first violation, all faults, and all lives of nodes."
                }
            }
            div class="toolbar" {
                button type="button" data-do="in" { "Zoom in" }
                button type="button" data-do="out" { "Zoom out" }
                button type="button" data-do="whole" { "Whole run" }
                button type="button" data-do="violation" { "Next violation" }
                button type="button" data-do="fault" { "Next fault" }
                button type="button" data-do="help" { "Keys" }
                label { "Time " select id="axis" { option value="real" { "real" } option value="compressed" { "compressed" } option value="logical" { "logical" } } }
                label { "Message " input id="message" type="number" min="0" size="6"; }
                label { "Text " input id="text" type="search" size="14"; }
            }
            div class="toolbar" { fieldset id="kinds" { legend { "Show" } } fieldset id="nodes" { legend { "Nodes" } } }
            canvas id="overview" height="44" role="img" aria-label="Density of events over the run" {}
            canvas id="lanes" tabindex="0" role="img" aria-label="The trace: time to the right, a lane for each node. Keys: j and k go from event to event, question mark lists the rest." {}
            div id="details" aria-live="polite" { p class="faint" { "Choose an event: click, or press j." } }
            details id="listed" { summary { "The events in view as a table" } div class="scroll" tabindex="0" role="region" aria-label="Events in view" { table id="list" {} } }
            dialog id="help" aria-label="Keys" {
                table { tbody { @for (key, what) in KEYS { tr { th scope="row" { kbd { (key) } } td { (what) } } } } }
                button type="button" data-do="close" { "Close" }
            }
        }
        noscript { p class="faint" { "The whole trace can be browsed where JavaScript is allowed; everything above needs none." } }
        script id="trace" type="application/gzip" { (PreEscaped(&packed.text)) }
        script { (PreEscaped(SCRIPT)) }
    }
}
