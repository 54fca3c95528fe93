//! Figures: what one measurement came to.

use crate::generate::Written;

/// What one measurement came to.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// How long it took, ns.
    pub took_ns: u64,
    /// How much of that the process was on a core, ns. Far less than `took_ns` means that the machine had other things to do.
    pub on_core_ns: u64,
    /// The most memory that the process ever had, kB (`VmHWM`).
    pub peak_kb: u64,
}

impl Figures {
    /// What the columns of [`Figures::row`] are.
    pub const HEADING: &str = "                seconds  on core   lines/s      ns   MB/s  peak MB   messages";

    /// A line of the table.
    pub fn row(&self, name: &str, of: &Written) -> String {
        let (seconds, on_core) = (self.took_ns as f64 / 1e9, self.on_core_ns as f64 / 1e9);
        let (lines, bytes) = (of.lines as f64, of.bytes as f64);
        format!(
            "{name:<14}{seconds:>9.2}{on_core:>9.2}{:>9.2}M{:>8.1}{:>7.0}{:>9.1}{:>11}",
            lines / on_core / 1e6,
            self.on_core_ns as f64 / lines,
            bytes / on_core / 1e6,
            self.peak_kb as f64 / 1024.0,
            of.messages
        )
    }

    /// As one line for the process that asked.
    pub fn to_line(self) -> String {
        format!("{} {} {}", self.took_ns, self.on_core_ns, self.peak_kb)
    }

    /// From such a line.
    pub fn from_line(line: &str) -> Option<Figures> {
        let mut numbers = line.split_whitespace().map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Figures { took_ns: next()?, on_core_ns: next()?, peak_kb: next()? })
    }
}
