//! Latency and throughput of a run over time, with its faults: how the service felt from outside.
//!
//! Latency is the time from a request to its `ok`; throughput counts requests answered `ok`. Time is cut into slices of equal
//! length; for each slice the median and the longest latency of what was answered in it are drawn.

use std::collections::HashMap;
use std::io::Read;

use maud::{Markup, html};
use temblor_checkers::op::{Event, Kind, Process};
use temblor_checkers::reader::{HistoryError, Reader};

use super::told;

/// So many slices.
const SLICES: usize = 120;
/// So many latencies are kept of a slice; beyond that every other one is.
const KEPT: usize = 4_096;
/// Fewer answers are no line.
const WORTH_A_CHART: usize = 20;
/// So many faults are shaded.
const FAULTS_MAX: usize = 200;
/// The size of a chart, px.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 120.0;
const LEFT: f64 = 70.0;

/// A request that was answered, or a fault.
#[derive(Debug, Default)]
pub struct Pulse {
    /// The end of the run, ns.
    length: u64,
    /// When each request was answered and after how long, ns.
    answers: Vec<(u64, u64)>,
    /// Faults with their names: from, to, ns.
    faults: Vec<(String, u64, u64)>,
    /// One of so many answers is kept.
    every: u64,
}

/// Reads the pulse of a history.
///
/// # Errors
/// A line is no op.
pub fn read(input: impl Read) -> Result<Pulse, HistoryError> {
    let mut reader = Reader::new(input);
    let mut pulse = Pulse { every: 1, ..Pulse::default() };
    let (mut asked, mut open) = (HashMap::<u64, u64>::new(), HashMap::<u64, (String, u64)>::new());
    let mut count = 0_u64;
    while let Some(op) = reader.next()? {
        pulse.length = pulse.length.max(op.time);
        match (&op.process, &op.event) {
            (Process::Client(client), _) => match op.kind {
                Kind::Invoke => drop(asked.insert(u64::from(*client), op.time)),
                Kind::Ok => {
                    if let Some(begun) = asked.remove(&u64::from(*client)) {
                        count += 1;
                        if count.is_multiple_of(pulse.every) {
                            pulse.note(op.time, op.time - begun);
                        }
                    }
                }
                Kind::Fail | Kind::Info => drop(asked.remove(&u64::from(*client))),
            },
            (Process::Nemesis, Event::Other(other)) => {
                let Some(id) = other.value.get("id").and_then(serde_json::Value::as_u64) else { continue };
                if op.kind == Kind::Invoke {
                    open.entry(id).or_insert_with(|| (other.f.clone(), op.time));
                } else if other.f != "pause" || op.kind == Kind::Fail {
                    let over = open.remove(&id);
                    pulse.faults.extend(over.map(|(name, from)| (format!("{name} #{id}"), from, op.time)));
                }
            }
            _ => {}
        }
    }
    let length = pulse.length;
    pulse.faults.extend(open.into_iter().map(|(id, (name, from))| (format!("{name} #{id}"), from, length)));
    pulse.faults.sort_by_key(|(_, from, to)| (*from, *to));
    Ok(pulse)
}

impl Pulse {
    /// Keeps an answer; of very many only every other one.
    fn note(&mut self, time: u64, latency: u64) {
        self.answers.push((time, latency));
        if self.answers.len() == SLICES * KEPT {
            let mut at = 0;
            self.answers.retain(|_| {
                at += 1;
                at % 2 == 0
            });
            self.every *= 2;
        }
    }

    /// Both charts; nothing where hardly anybody was answered.
    pub fn charts(&self) -> Markup {
        if self.answers.len() < WORTH_A_CHART || self.length == 0 {
            return html! {};
        }
        let mut slices: Vec<Vec<u64>> = vec![Vec::new(); SLICES];
        for (time, latency) in &self.answers {
            slices[self.slice(*time)].push(*latency);
        }
        slices.iter_mut().for_each(|slice| slice.sort_unstable());
        let middle: Vec<Option<f64>> = slices.iter().map(|slice| Some(ms(*slice.get(slice.len() / 2)?))).collect();
        let longest: Vec<Option<f64>> = slices.iter().map(|slice| Some(ms(*slice.last()?))).collect();
        let seconds = float(self.length) / 1e9 / float(SLICES as u64);
        let rate: Vec<Option<f64>> =
            slices.iter().map(|slice| Some(float(slice.len() as u64 * self.every) / seconds)).collect();
        html! {
            section {
                h2 { "Latency and throughput" }
                p class="faint" {
                    "Requests answered ok. Faults are shaded"
                    @if self.faults.len() > FAULTS_MAX { ", the first " (FAULTS_MAX) " of " (self.faults.len()) }
                    "."
                }
                div class="scroll" tabindex="0" role="region" aria-label="Latency and throughput over time" {
                    (self.chart(("Latency, ms, logarithmic: median, and dashed the longest", true), &[("longest", &longest), ("median", &middle)]))
                    (self.chart(("Answers a second", false), &[("median", &rate)]))
                }
            }
        }
    }

    fn slice(&self, time: u64) -> usize {
        let at = u128::from(time) * SLICES as u128 / u128::from(self.length.max(1));
        usize::try_from(at).unwrap_or(SLICES).min(SLICES - 1)
    }

    fn chart(&self, (title, logarithmic): (&str, bool), series: &[(&str, &[Option<f64>])]) -> Markup {
        let values = series.iter().flat_map(|(_, values)| values.iter().flatten().copied());
        let (least, most) = values.fold((f64::MAX, 0.0), |(least, most), value| (value.min(least), value.max(most)));
        // Latencies differ by orders of magnitude: their scale is logarithmic.
        let (least, most) =
            if logarithmic { (round_up(least.max(1e-3)) / 10.0, round_up(most)) } else { (0.0, round_up(most)) };
        let part = |value: f64| match logarithmic {
            true => (value.max(least) / least).ln() / (most / least).ln(),
            false => value / most,
        };
        let y = |value: f64| 20.0 + (HEIGHT - 20.0) * (1.0 - part(value));
        let x = |time: u64| LEFT + (WIDTH - LEFT) * float(time) / float(self.length.max(1));
        let slice_x = |at: usize| LEFT + (WIDTH - LEFT) * (float(at as u64) + 0.5) / float(SLICES as u64);
        let faults = &self.faults[..self.faults.len().min(FAULTS_MAX)];
        html! {
            svg class="witness chart" role="img" aria-label=(title) width=(WIDTH) height=(HEIGHT + 22.0) viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + 22.0)) {
                text x="0" y="12" { (title) }
                @for (name, from, to) in faults {
                    rect class="shade" x=(format!("{:.1}", x(*from))) y="20" width=(format!("{:.1}", (x(*to) - x(*from)).max(1.0))) height=(HEIGHT - 20.0) {
                        title { (told(name)) ", " (from / 1_000_000) " to " (to / 1_000_000) " ms" }
                    }
                }
                path class="rail" d=(format!("M{LEFT} {}H{WIDTH}M{LEFT} {HEIGHT}H{WIDTH}", y(most))) {}
                text class="scale" x=(LEFT - 6.0) y=(y(most) + 4.0) { (label(most)) }
                text class="scale" x=(LEFT - 6.0) y=(HEIGHT + 4.0) { (label(least)) }
                @for (name, values) in series {
                    path class=(format!("series {name}")) d=(path(values, slice_x, y)) {}
                }
                text class="time" x=(LEFT) y=(HEIGHT + 18.0) { "0" }
                text class="scale" x=(WIDTH) y=(HEIGHT + 18.0) { (self.length / 1_000_000) " ms" }
            }
        }
    }
}

/// A line through what is there; where nothing is, the line is broken, and a single value is a dot.
fn path(values: &[Option<f64>], x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        let follows = at > 0 && values[at - 1].is_some();
        path.push_str(&format!("{}{:.1} {:.1}", if follows { "L" } else { "M" }, x(at), y(*value)));
        if !follows {
            path.push_str("h2");
        }
    }
    path
}

/// One, two or five times a power of ten, at least as large.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-3).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|part| part * power).find(|round| *round >= value).unwrap_or(power * 10.0)
}

fn label(value: f64) -> String {
    if value >= 1.0 || value == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.4}").trim_end_matches('0').to_owned()
    }
}

fn ms(ns: u64) -> f64 {
    float(ns) / 1e6
}

#[allow(clippy::cast_precision_loss, reason = "a chart is a few hundred pixels wide")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_has_a_pulse() {
        let header = r#"{"index":0,"time":0,"process":"nemesis","type":"info","f":"run","value":{"format":1,"system":"x","nodes":["n1"],"crashes":"stop","faulty_max":0,"ok":"taken","promises":{}}}"#;
        let rest = [
            r#"{"index":1,"time":1000000,"process":1,"type":"invoke","f":"broadcast","value":{"node":"n1","message":1}}"#,
            r#"{"index":2,"time":2000000,"process":"nemesis","type":"invoke","f":"kill","value":{"id":4,"node":"n1"}}"#,
            r#"{"index":3,"time":4000000,"process":1,"type":"ok","f":"broadcast","value":{"node":"n1","message":1}}"#,
        ];
        let pulse = read(format!("{header}\n{}\n", rest.join("\n")).as_bytes()).unwrap();
        assert_eq!(pulse.answers, [(4_000_000, 3_000_000)]);
        assert_eq!(pulse.faults, [("kill #4".to_owned(), 2_000_000, 4_000_000)]);
        assert!(pulse.charts().into_string().is_empty(), "one answer is no line");
        let charts = Pulse { answers: vec![(4_000_000, 3_000_000); WORTH_A_CHART], ..pulse }.charts().into_string();
        assert!(charts.contains("kill #4, 2 to 4 ms"), "{charts}");
    }

    #[test]
    fn scales_are_round() {
        for (value, round) in [(0.0, 0.001), (0.3, 0.5), (1.0, 1.0), (17.0, 20.0), (600.0, 1000.0)] {
            assert!((round_up(value) - round).abs() < 1e-9, "{value}");
        }
    }
}
