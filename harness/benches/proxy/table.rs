//! The figures beside what is asked for.

use std::fmt::{Display, Formatter, Result};

/// Rows in the order in which they were measured.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    target: String,
    figure: f64,
    verdict: &'static str,
}

impl Table {
    /// A figure that is to be so large.
    pub fn at_least(&mut self, name: impl Into<String>, target: f64, figure: f64) {
        self.judge(name.into(), format!(">= {target}"), (figure, figure >= target));
    }

    /// A figure that is to be no larger.
    pub fn at_most(&mut self, name: impl Into<String>, target: f64, figure: f64) {
        self.judge(name.into(), format!("<= {target}"), (figure, figure <= target));
    }

    /// A figure of which nothing is asked.
    pub fn info(&mut self, name: &str, figure: f64) {
        self.rows.push(Row { name: name.to_owned(), target: String::new(), figure, verdict: "" });
    }

    fn judge(&mut self, name: String, target: String, (figure, is_met): (f64, bool)) {
        self.rows.push(Row { name, target, figure, verdict: if is_met { "met" } else { "missed" } });
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "{:48} {:>10} {:>10}  verdict", "figure", "target", "measured")?;
        self.rows.iter().try_for_each(|Row { name, target, figure, verdict }| {
            let places = if figure.abs() < 100.0 { 2 } else { 0 };
            let line = format!("{name:48} {target:>10} {figure:>10.places$}  {verdict}");
            writeln!(f, "{}", line.trim_end())
        })
    }
}
