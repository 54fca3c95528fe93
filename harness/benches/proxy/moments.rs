//! When things happened in a run: from its trace, and from its history.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Moments in their order, ns.
pub struct Moments {
    sorted_ns: Vec<u64>,
}

impl Moments {
    /// When the proxy read each frame, from a trace: each line but the first is a frame.
    pub fn receipts(trace: &Path) -> Self {
        let moments = lines(trace).skip(1).map(|line| number_behind(&line, "\"in\":"));
        Self::sorted(moments.collect())
    }

    /// When each op happened whose line holds `words`, from a history.
    pub fn ops(history: &Path, words: &str) -> Self {
        let meant = lines(history).filter(|line| line.contains(words));
        Self::sorted(meant.map(|line| number_behind(&line, "\"time\":")).collect())
    }

    /// The first one.
    pub fn first(&self) -> Option<u64> {
        self.sorted_ns.first().copied()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.sorted_ns.len() as u64
    }

    /// How many there are before this one.
    pub fn until(&self, at_ns: u64) -> u64 {
        self.sorted_ns.partition_point(|moment| *moment < at_ns) as u64
    }

    /// How many a second there are between two moments.
    pub fn per_second(&self, (from_ns, until_ns): (u64, u64)) -> f64 {
        let count = self.until(until_ns) - self.until(from_ns);
        count as f64 * 1e9 / (until_ns - from_ns) as f64
    }

    fn sorted(mut sorted_ns: Vec<u64>) -> Self {
        sorted_ns.sort_unstable();
        Self { sorted_ns }
    }
}

fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = File::open(path).expect("a run leaves a history and a trace");
    BufReader::with_capacity(1 << 20, file).lines().map(|line| line.expect("they can be read"))
}

fn number_behind(line: &str, name: &str) -> u64 {
    let rest = line.split_once(name).expect("every line has its time").1;
    let digits = rest.bytes().take_while(u8::is_ascii_digit);
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
