//! The pace: how many runs go on at once.
//!
//! A harness that is late itself can judge no liveness. So whenever it was late in a run there is one run less at a time, and
//! after some runs on time there is one more again.

use std::sync::Mutex;

/// So many runs on time in a row allow one more at a time.
const CALM: u32 = 6;

/// How many runs go on at once, as the machine bears it.
#[derive(Debug)]
pub struct Pace {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: usize,
    lowest: usize,
    on_time: u32,
}

impl Pace {
    /// At most so many at once, from the beginning.
    pub fn new(most: usize) -> Self {
        Self { most, state: Mutex::new(State { now: most, lowest: most, on_time: 0 }) }
    }

    /// How many go on at once now.
    pub fn now(&self) -> usize {
        self.state().now
    }

    /// The fewest and the most that went on at once.
    pub fn range(&self) -> (usize, usize) {
        (self.state().lowest, self.most)
    }

    /// A run is over, in which the harness was late or not.
    pub fn heed(&self, late: bool) {
        let mut state = self.state();
        if late {
            state.now = (state.now - 1).max(1);
            state.lowest = state.lowest.min(state.now);
            state.on_time = 0;
        } else if state.on_time + 1 >= CALM {
            state.now = (state.now + 1).min(self.most);
            state.on_time = 0;
        } else {
            state.on_time += 1;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("a panic ends the process")
    }
}

#[cfg(test)]
mod tests {
    use super::{CALM, Pace};

    #[test]
    fn lateness_slows_down_and_calm_speeds_up() {
        let pace = Pace::new(4);
        (0..9).for_each(|_| pace.heed(true));
        assert_eq!(pace.now(), 1);
        (0..CALM).for_each(|_| pace.heed(false));
        assert_eq!(pace.now(), 2);
        (0..CALM * 9).for_each(|_| pace.heed(false));
        assert_eq!((pace.now(), pace.range()), (4, (1, 4)));
    }
}
