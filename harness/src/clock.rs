//! The run's clock: nanoseconds since the run began, from the system's monotonic clock or from the executor.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Tells the time of one run. Setting the wall clock does not move it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// A clock that shows 0 now.
    pub fn start() -> Self {
        Self { began: Instant::now() }
    }

    /// Nanoseconds since the run began.
    pub fn now_ns(self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The moment at which this clock shows `ns`, for tokio's timers.
    pub fn at_ns(self, ns: u64) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.began + Duration::from_nanos(ns))
    }
}

/// Where the times of a history come from.
#[derive(Clone, Debug)]
pub enum Time {
    /// From the machine.
    Real(Clock),
    /// From whoever owns the cell, ns.
    Virtual(Rc<Cell<u64>>),
}

impl Time {
    /// Nanoseconds since the run began.
    pub fn now_ns(&self) -> u64 {
        match self {
            Time::Real(clock) => clock.now_ns(),
            Time::Virtual(now) => now.get(),
        }
    }
}
