//! Durations on the command line: `500ms`, `30s`, `5m`, `1h`, or bare seconds. Kept as whole microseconds.

/// Reads a duration, in microseconds.
pub fn parse_us(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (number, unit) = text.split_at(digits);
    let unit_us = match unit {
        "us" => 1,
        "ms" => 1_000,
        "" | "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        _ => {
            return Err(format!("no unit of time: {unit:?}\n\n  tip: use us, ms, s, m or h; bare numbers are seconds"));
        }
    };
    scaled(number, unit_us).ok_or_else(|| "no duration\n\n  tip: write 30s, 5m, 500ms or bare seconds".to_owned())
}

/// A decimal number times `unit`, exactly; what is smaller than one is cut off.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let parse = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok() };
    let part = parse(fraction)?.checked_mul(unit)? / 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    parse(whole)?.checked_mul(unit)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::parse_us;

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        for (text, us) in
            [("30s", 30_000_000), ("5m", 300_000_000), ("2", 2_000_000), ("1.5s", 1_500_000), ("20ms", 20_000)]
        {
            assert_eq!(parse_us(text), Ok(us), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "s", "5 s", "-1s", "1..2", "5x", "99999999999999999999h", "."] {
            assert!(parse_us(text).is_err(), "{text}");
        }
    }
}
