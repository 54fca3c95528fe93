//! A diagram as SVG: time to the right, a lane for each node, numbered steps above, times below.
//!
//! Columns stand for events and not for lengths of time, as the rows of the text do; where nothing happened for long, the page
//! says for how long. Shapes and words carry the meaning; colours only repeat it.

use maud::{Markup, html};

use super::layout::{Layout, NAME_MAX, TOP, fault_name};
use super::told;
use crate::diagram::{Arrow, Diagram, Fate, Lasts, Mark, Row, Sort, Span};
use crate::render::time_ms;
use crate::words::{clipped, harmless};

/// Half the width of a mark.
const R: f64 = 7.0;
/// A frame that leaves in the column in which it arrives begins so far to the left.
const SLANT: f64 = 26.0;
/// So many times as large as it is laid out a drawing gets where there is room.
const GROWS: f64 = 1.3;
/// On its way, from 0 to 1, a lost frame ends here ...
const LOST_AT: f64 = 0.8;
/// ... and here the words about one that arrived stand.
const WORDS_AT: f64 = 0.4;

/// The whole drawing. `number` keeps the names of its patterns apart from those of other drawings on the page.
pub fn drawing(diagram: &Diagram, number: usize, about: &str) -> Markup {
    let layout = Layout::of(diagram);
    let (width, height) = (layout.width, layout.height());
    let hatch = format!("hatch{number}");
    // A small drawing grows with the page; a wide one keeps its size and scrolls.
    let style = format!("width: min(100%, {:.0}px); min-width: {width}px; height: auto", width * GROWS);
    html! {
        svg class="witness" role="img" aria-label=(told(about)) style=(style) width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) {
            defs {
                pattern id=(hatch) width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    path d="M0 0V8" class="hatch" {}
                }
                marker id=(format!("head{number}")) viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto" {
                    path d="M0 0L8 4L0 8Z" class="head" {}
                }
            }
            @for span in diagram.spans.iter().filter(|span| span.lasts == Lasts::Links) { (links(diagram, span, &layout, &hatch)) }
            @for (at, row) in diagram.rows.iter().enumerate() { (column(row, at, &layout)) }
            @for at in 0..diagram.lanes.len() { (lane(diagram, at, &layout)) }
            @for span in &diagram.spans { (on_lane(span, &layout, &hatch)) }
            @for (at, _) in diagram.rows.iter().enumerate() { (gap(diagram, at, &layout)) }
            @for arrow in &diagram.arrows { (self::arrow(arrow, &layout, number)) }
            @for (at, row) in diagram.rows.iter().enumerate() {
                @for mark in &row.marks { (self::mark(mark, row.wrong, (layout.x(at), layout.y(mark.lane), label_side(diagram, (mark.lane, at))))) }
            }
        }
    }
}

/// The number of a step above, the time below, and a ground for what is wrong.
fn column(row: &Row, at: usize, layout: &Layout) -> Markup {
    let (x, bottom) = (layout.x(at), layout.bottom());
    let [left, right] = [layout.left(at), layout.right(at)];
    html! {
        @if row.wrong { rect class="wrong-ground" x=(left) y="2" width=(right - left) height=(bottom - 2.0) {} }
        @if let Some(step) = row.step {
            path class="rail" d=(format!("M{x} 26V{bottom}")) {}
            circle class=(if row.wrong { "step wrong" } else { "step" }) cx=(x) cy="15" r="11" {}
            text class=(if row.wrong { "number wrong" } else { "number" }) x=(x) y="19.5" { (step) }
        }
        text class="time" x=(x) y=(bottom + 16.0) { (time_ms(row.time).trim_end_matches(" ms")) }
        title { (time_ms(row.time)) ": " (told(&row.note)) }
    }
}

fn lane(diagram: &Diagram, at: usize, layout: &Layout) -> Markup {
    let y = layout.y(at);
    let downs: Vec<(f64, f64)> =
        diagram.spans.iter().filter(|s| s.lasts == Lasts::Down(at)).map(|s| layout.span(s)).collect();
    let mut path = String::new();
    let mut from = layout.begin();
    for (begin, end) in downs {
        path.push_str(&format!("M{from} {y}H{begin}"));
        from = end;
    }
    path.push_str(&format!("M{from} {y}H{}", layout.end()));
    html! {
        text class="name" x="8" y=(y + 5.0) { (clipped(&harmless(&diagram.lanes[at]), NAME_MAX)) title { (told(&diagram.lanes[at])) } }
        path class="lane" d=(path) {}
    }
}

/// A fault of links: a hatched ground over all lanes, with its name on top.
fn links(diagram: &Diagram, span: &Span, layout: &Layout, hatch: &str) -> Markup {
    let (from, to) = layout.span(span);
    let line = layout.label_line(span);
    let (top, bottom) = (TOP - 6.0, layout.bottom());
    html! {
        rect class="fault-ground" x=(from) y=(top) width=(to - from) height=(bottom - top) fill=(format!("url(#{hatch})")) {}
        path class="fault-edge" d=(format!("M{from} {top}V{bottom}")) {}
        @if span.to.is_some() { path class="fault-edge" d=(format!("M{to} {top}V{bottom}")) {} }
        text class="fault-name" x=(from + 4.0) y=(bottom + 34.0 + 15.0 * line) { (fault_name(&diagram.rows[span.from].note)) }
    }
}

/// A node that is paused or down.
fn on_lane(span: &Span, layout: &Layout, hatch: &str) -> Markup {
    let (from, to) = layout.span(span);
    html! {
        @match span.lasts {
            Lasts::Paused(lane) => {
                rect class="paused" x=(from) y=(layout.y(lane) - 10.0) width=(to - from) height="20" fill=(format!("url(#{hatch})")) {}
                text class="fault-word" x=(from + 10.0) y=(layout.y(lane) + 24.0) { "paused" }
            }
            Lasts::Down(lane) => {
                path class="down" d=(format!("M{from} {}H{to}", layout.y(lane))) {}
                text class="fault-word" x=(from + 12.0) y=(layout.y(lane) + 18.0) { "down" }
            }
            Lasts::Links => {}
        }
    }
}

/// Where nothing happened for long: lanes are broken, and the length stands below.
fn gap(diagram: &Diagram, at: usize, layout: &Layout) -> Markup {
    let Some(passed) = diagram.gap_before(at) else { return html! {} };
    let x = layout.gap_x(at);
    html! {
        @for lane in 0..diagram.lanes.len() {
            rect class="break" x=(x - 5.0) y=(layout.y(lane) - 4.0) width="10" height="8" {}
            path class="lane" d=(format!("M{} {y0}l4 -12M{} {y0}l4 -12", x - 7.0, x + 1.0, y0 = layout.y(lane) + 6.0)) {}
        }
        text class="time gap" x=(x) y=(TOP - 4.0) { "+" (passed / 1_000_000) " ms" }
    }
}

fn arrow(arrow: &Arrow, layout: &Layout, number: usize) -> Markup {
    let (mut from, to) = (layout.point(arrow.from), layout.point(arrow.to));
    // Nothing happened while it was on its way: it is drawn within one column, and still takes time.
    if arrow.from.1 == arrow.to.1 {
        from.0 -= SLANT;
    }
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1.0);
    let off = |part: f64| (dx / length * part, dy / length * part);
    let at_mark = if arrow.from.1 == arrow.to.1 { 0.0 } else { R + 2.0 };
    let (start, stop) = (off(at_mark), off(R + 3.0));
    let lost = arrow.fate == Fate::Lost;
    let (x1, y1, mut x2, mut y2) = (from.0 + start.0, from.1 + start.1, to.0 - stop.0, to.1 - stop.1);
    if lost {
        (x2, y2) = (from.0 + dx * LOST_AT, from.1 + dy * LOST_AT);
    }
    let class = match arrow.fate {
        Fate::Arrived => "frame",
        Fate::Lost => "frame lost",
        Fate::Inferred => "frame inferred",
    };
    let head = (!lost).then(|| format!("url(#head{number})"));
    let words = [arrow.carries.as_str(), arrow.why.as_str()];
    let words = words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ");
    // The words stand beside the shaft, or beside the cross that ends it, on the side of the next column.
    let part = if lost { LOST_AT } else { WORDS_AT };
    let (x, y) = (from.0 + dx * part + 8.0, from.1 + dy * part + 5.0);
    let told_by_mark = arrow.fate == Fate::Inferred;
    html! {
        path class=(class) d=(format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}")) marker-end=[head] { title { (told(&words)) } }
        @if lost { path class="cross" d=(format!("M{:.1} {:.1}l10 10m0 -10l-10 10", x2 - 5.0, y2 - 5.0)) {} }
        @if !told_by_mark { text class=(if arrow.why.is_empty() { "message" } else { "why" }) x=(format!("{x:.1}")) y=(format!("{y:.1}")) { (told(&words)) } }
    }
}

/// How far below a mark its label stands: above it, unless a frame comes or leaves there.
fn label_side(diagram: &Diagram, (lane, row): (usize, usize)) -> f64 {
    let above = |from: (usize, usize), to: (usize, usize)| to == (lane, row) && from.0 < lane;
    let crossed = diagram.arrows.iter().any(|arrow| above(arrow.from, arrow.to) || above(arrow.to, arrow.from));
    if crossed { 23.0 } else { -13.0 }
}

fn mark(mark: &Mark, wrong: bool, (x, y, label): (f64, f64, f64)) -> Markup {
    let wrong = wrong && mark.sort != Sort::Has;
    let class = format!("mark {}{}", name(mark.sort), if wrong { " wrong" } else { "" });
    html! {
        path class=(class) d=(shape(mark.sort, x, y)) { title { (meaning(mark.sort)) " " (told(&mark.label)) } }
        @if !mark.label.is_empty() {
            text class=(if wrong { "label wrong" } else { "label" }) x=(x) y=(y + label) { (told(&mark.label)) }
        }
    }
}

/// A shape for each sort, so that none is told by its colour alone.
fn shape(sort: Sort, x: f64, y: f64) -> String {
    let circle = |r: f64| format!("M{} {y}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 {} 0Z", x - r, 2.0 * r, -2.0 * r);
    match sort {
        Sort::Broadcast => format!("M{x} {}l8 8l-8 8l-8 -8Z", y - 8.0),
        Sort::Delivery => circle(R),
        Sort::Has => format!("{}M{} {y}l3 4l6 -8", circle(R + 2.0), x - 4.0),
        Sort::Client => format!("M{} {}h12v12h-12Z", x - 6.0, y - 6.0),
        Sort::Leader => format!("M{x} {}l9 15h-18Z", y - 9.0),
        Sort::End => format!("M{} {}l12 12m0 -12l-12 12", x - 6.0, y - 6.0),
        Sort::Start => format!("M{} {}l11 7l-11 7Z", x - 4.0, y - 7.0),
        Sort::Lacks => format!("{}M{} {}l10 10", circle(R), x - 5.0, y - 5.0),
        Sort::Other => circle(4.0),
    }
}

/// The sort as the style sheet calls it.
fn name(sort: Sort) -> &'static str {
    match sort {
        Sort::Broadcast => "broadcast",
        Sort::Delivery => "delivery",
        Sort::Client => "client",
        Sort::Leader => "leader",
        Sort::End => "end",
        Sort::Start => "start",
        Sort::Has => "has",
        Sort::Lacks => "lacks",
        Sort::Other => "other",
    }
}

/// What a mark means, in words.
pub fn meaning(sort: Sort) -> &'static str {
    match sort {
        Sort::Broadcast => "broadcast",
        Sort::Delivery => "delivery",
        Sort::Client => "client asks or is answered",
        Sort::Leader => "claims to lead",
        Sort::End => "killed, or exits",
        Sort::Start => "starts again",
        Sort::Has => "has delivered it by then",
        Sort::Lacks => "has not delivered it by then",
        Sort::Other => "another step of a node",
    }
}

/// What the marks and lines of a diagram mean.
pub fn legend(diagram: &Diagram) -> Markup {
    let sorts: std::collections::BTreeSet<Sort> =
        diagram.rows.iter().flat_map(|row| row.marks.iter().map(|mark| mark.sort)).collect();
    let fates: std::collections::BTreeSet<Fate> = diagram.arrows.iter().map(|arrow| arrow.fate).collect();
    html! {
        ul class="legend" {
            @for sort in sorts {
                li {
                    svg width="22" height="22" aria-hidden="true" { path class=(format!("mark {}", name(sort))) d=(shape(sort, 11.0, 11.0)) {} }
                    (meaning(sort))
                }
            }
            @for fate in fates {
                li {
                    svg width="34" height="22" aria-hidden="true" {
                        @match fate {
                            Fate::Arrived => { path class="frame" d="M2 11H26" {} path class="head" d="M26 7L33 11L26 15Z" {} }
                            Fate::Inferred => { path class="frame inferred" d="M2 11H26" {} path class="head" d="M26 7L33 11L26 15Z" {} }
                            Fate::Lost => { path class="frame lost" d="M2 11H24" {} path class="cross" d="M20 6l10 10m0 -10l-10 10" {} }
                        }
                    }
                    @match fate { Fate::Arrived => "frame", Fate::Inferred => "from its broadcast; frames unknown", Fate::Lost => "frame lost" }
                }
            }
            @if diagram.spans.iter().any(|span| !matches!(span.lasts, Lasts::Down(_))) {
                li {
                    svg width="34" height="22" aria-hidden="true" {
                        path class="fault-edge" d="M2 2V20M32 2V20" {}
                        path class="hatch" d="M4 18L16 4M12 20L26 4M22 20L32 8" {}
                    }
                    "fault in force"
                }
            }
        }
    }
}
