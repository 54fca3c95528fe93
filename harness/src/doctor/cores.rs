//! The processor: how many cores there are for a run, how busy they are, and how late timers are.

use std::thread;
use std::time::{Duration, Instant};

use super::{Check, ms, read};
use crate::words::counted;

/// Shows who takes the processor.
const WHO: &str = "ps -eo pcpu,pid,comm --sort=-pcpu | head";
/// So many timers are tried ...
const TIMERS: usize = 50;
/// ... for so long each ...
const SLEEP: Duration = Duration::from_millis(1);
/// ... and the middle one is at most so late.
const LATE_MAX: Duration = Duration::from_millis(1);

/// How many cores a run may use, and whether they have time for it.
pub fn cores() -> Check {
    let allowed = thread::available_parallelism().map_or(1, usize::from) as u64;
    let present = count(&read("/sys/devices/system/cpu/online")).unwrap_or(allowed);
    let load = read("/proc/loadavg").split(' ').next().map(str::to_owned).unwrap_or_default();
    let found = format!("{}, load {load}", counted(allowed, "core", "cores"));
    let busy = load.split('.').next().and_then(|whole| whole.parse::<u64>().ok()).is_some_and(|load| load >= allowed);
    if busy {
        Check::limited("cores", format!("{found}: busy, so faults will be late")).enabled_by(WHO)
    } else if allowed < present {
        Check::limited("cores", format!("{found}, of {present} in this machine"))
            .enabled_by(format!("taskset -cp 0-{} $$", present - 1))
    } else if allowed == 1 {
        Check::limited("cores", format!("{found}: nodes and harness take turns"))
    } else {
        Check::ok("cores", found)
    }
}

/// How many cores a list of the kernel names: `0-3,8` are 5.
fn count(list: &str) -> Option<u64> {
    let of = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        (last.parse::<u64>().ok()? + 1).checked_sub(first.parse().ok()?)
    };
    list.split(',').map(of).sum()
}

/// How late timers are, measured.
pub fn timers() -> Check {
    let late = || {
        let begun = Instant::now();
        thread::sleep(SLEEP);
        begun.elapsed().saturating_sub(SLEEP)
    };
    let mut lateness: Vec<Duration> = (0..TIMERS).map(|_| late()).collect();
    lateness.sort_unstable();
    let (middle, worst) = (lateness[TIMERS / 2], lateness[TIMERS - 1]);
    let found = format!("late by {}, at worst by {}", ms(middle), ms(worst));
    if middle <= LATE_MAX { Check::ok("timers", found) } else { Check::limited("timers", found).enabled_by(WHO) }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn cores_are_counted_from_the_kernels_list() {
        assert_eq!(["0", "0-1", "0-3,8", "0,2-3"].map(count), [1, 2, 5, 3].map(Some));
        assert_eq!(["", "x", "3-1"].map(count), [None; 3]);
    }
}
