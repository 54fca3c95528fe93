//! Rendering a verdict for people: at most 80 columns, one line a property, then the violations.

use std::fmt::Write as _;

use temblor_checkers::verdict::{Counts, Judgement, Outcome, PropertyVerdict, Standing, Verdict};

use crate::words::counted;

/// So many columns fit.
const WIDTH: usize = 80;

/// The whole verdict: what happened, each property, the violations, and one closing line.
pub fn verdict(verdict: &Verdict) -> String {
    let mut text = String::new();
    line(&mut text, &happened(&verdict.counts));
    line(&mut text, &faults(&verdict.counts));
    recoveries(&verdict.counts).iter().for_each(|told| line(&mut text, told));
    text.push('\n');
    let shown = verdict.properties.iter().filter(|property| is_worth_a_line(property));
    shown.for_each(|property| text.push_str(&self::property(property)));
    for property in verdict.properties.iter().filter(|property| counts(property)) {
        text.push_str(&violations(property));
    }
    let _ = writeln!(text, "\n{}", closing(verdict));
    text
}

/// Whether there is something to say of it: somebody asked for it, or something could have broken it.
pub fn is_worth_a_line(property: &PropertyVerdict) -> bool {
    let asked_for = property.standing != Standing::NotPromised;
    asked_for || property.judgement == Judgement::Invalid || property.exercised > 0
}

/// The closing line, which says the outcome in words and never by colour alone.
pub fn closing(verdict: &Verdict) -> String {
    let consistent = || match verdict.classification.as_slice() {
        [] => String::new(),
        models => format!(" Classified as: {}.", models.join(", ")),
    };
    let text = match &verdict.outcome {
        Outcome::Clean => format!("OK: every promised property held.{}", consistent()),
        Outcome::Violation => {
            let broken: Vec<&str> =
                verdict.properties.iter().filter(|p| counts(p)).map(|p| p.property.as_str()).collect();
            format!("VIOLATION of {}.", broken.join(", "))
        }
        Outcome::Inconclusive(reasons) => format!("INCONCLUSIVE: {}.", reasons.join("; ")),
        Outcome::Nothing(reason) => format!("NOTHING TO JUDGE: {reason}."),
    };
    wrap(&text, 0)
}

/// Nanoseconds as milliseconds with three digits behind the point.
pub fn time_ms(ns: u64) -> String {
    format!("{}.{:03} ms", ns / 1_000_000, ns / 1_000 % 1_000)
}

/// Microseconds as seconds, without zeros at the end.
pub fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Breaks a text so that it fits, continuation lines indented by `indent`; the first line is taken to begin there too.
pub fn wrap(text: &str, indent: usize) -> String {
    let mut wrapped = String::with_capacity(text.len() + 8);
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            let _ = write!(wrapped, "\n{:indent$}", "");
            column = indent;
        } else if column > indent {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

fn happened(counts: &Counts) -> String {
    let mut text = format!(
        "{} ({} acknowledged, {} refused, {} unknown), {}",
        counted(counts.invoked, "request", "requests"),
        counts.acknowledged,
        counts.failed,
        counts.indeterminate,
        counted(counts.deliveries, "delivery", "deliveries")
    );
    if counts.cut_short {
        text.push_str("; the history is cut short");
    }
    wrap(&text, 0)
}

fn faults(counts: &Counts) -> String {
    let bites: Vec<String> = counts.bites.iter().map(|(name, count)| format!("{name} {count}")).collect();
    match bites.as_slice() {
        [] => "no fault took effect".to_owned(),
        bites => wrap(&format!("faults that took effect: {}", bites.join(", ")), 0),
    }
}

/// How long after each fault the service was back.
fn recoveries(counts: &Counts) -> Option<String> {
    let seen: Vec<_> = counts.recoveries.iter().filter(|(_, recoveries)| recoveries.seen > 0).collect();
    let longest = seen.iter().map(|(_, recoveries)| recoveries.longest_us).max()?;
    let told: Vec<String> = seen.iter().map(|(fault, of)| format!("{fault} {}", ms(of.median_us))).collect();
    Some(wrap(&format!("back in service after: {} (medians; at most {})", told.join(", "), ms(longest)), 0))
}

/// Microseconds as whole milliseconds, or as tenths of one below ten.
fn ms(us: u64) -> String {
    if us < 10_000 { format!("{}.{} ms", us / 1_000, us / 100 % 10) } else { format!("{} ms", us / 1_000) }
}

fn property(property: &PropertyVerdict) -> String {
    let (mark, rest) = match (&property.judgement, &property.standing) {
        (Judgement::Valid, Standing::NotPromised) => ("  -  ", "not promised, held".to_owned()),
        (Judgement::Valid, _) if property.exercised == 0 => ("  ok ", "held, not exercised".to_owned()),
        (Judgement::Valid, _) => ("  ok ", format!("held, {}", chances(property.exercised))),
        (Judgement::Unknown, _) => ("  ?  ", property.reason.clone().unwrap_or_default()),
        (Judgement::Invalid, Standing::Promised) => ("FAIL ", times(property.violations)),
        (Judgement::Invalid, Standing::NotInForce(why)) => ("  -  ", format!("lost, no promise: {why}")),
        (Judgement::Invalid, Standing::NotPromised) => ("  -  ", "not promised, did not hold".to_owned()),
    };
    format!("{mark} {:<20} {}\n", property.property, wrap(&rest, 27))
}

fn violations(property: &PropertyVerdict) -> String {
    let mut text = String::from("\n");
    for witness in property.witnesses.iter().take(3) {
        line(&mut text, &wrap(&format!("{}: {}", property.property, witness.sentence), 0));
    }
    if property.violations > 3 {
        line(&mut text, &format!("... and {} more", property.violations - 3));
    }
    text
}

/// Whether this property makes the run a violation.
fn counts(property: &PropertyVerdict) -> bool {
    property.judgement == Judgement::Invalid && property.standing == Standing::Promised
}

fn chances(count: u64) -> String {
    if count == 1 { "1 chance to fail".to_owned() } else { format!("{count} chances to fail") }
}

fn times(count: u64) -> String {
    if count == 1 { "violated once".to_owned() } else { format!("violated {count} times") }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{time_ms, wrap};

    #[test]
    fn wrapped_text_fits_80_columns() {
        let text = "word ".repeat(100);
        for indent in [0, 19, 27] {
            let wrapped = wrap(&text, indent);
            let mut lines = wrapped.lines();
            assert!(lines.next().is_some_and(|first| first.len() + indent <= 80));
            assert!(lines.all(|line| line.len() <= 80), "{wrapped}");
        }
    }

    #[test]
    fn times_are_milliseconds() {
        assert_eq!(time_ms(812_034_567), "812.034 ms");
    }
}
