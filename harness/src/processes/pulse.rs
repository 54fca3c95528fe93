//! The pulse: whether the harness itself is on time.
//!
//! A controller that is starved of the CPU must not blame a node for being late. It sets itself an appointment every few
//! milliseconds and notes by how much it misses it; liveness is only judged where that stayed small.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Clock;

/// How often the harness looks at itself.
const BEAT: Duration = Duration::from_millis(5);

/// The largest delay seen since the last reset.
#[derive(Clone, Debug)]
pub struct Pulse {
    clock: Clock,
    worst_ns: Rc<Cell<u64>>,
    /// When the next beat is due, ns.
    due_ns: Rc<Cell<u64>>,
}

impl Pulse {
    /// Starts beating on the current `LocalSet`, until the pulse and all its clones are dropped.
    pub fn start(clock: Clock) -> Self {
        let pulse = Self { clock, worst_ns: Rc::default(), due_ns: Rc::new(Cell::new(u64::MAX)) };
        let (worst, due) = (Rc::downgrade(&pulse.worst_ns), Rc::clone(&pulse.due_ns));
        tokio::task::spawn_local(async move {
            while let Some(cell) = worst.upgrade() {
                let asked = clock.now_ns();
                drop(cell);
                due.set(asked + BEAT.as_nanos() as u64);
                tokio::time::sleep(BEAT).await;
                let late = clock.now_ns().saturating_sub(asked + BEAT.as_nanos() as u64);
                if let Some(cell) = worst.upgrade() {
                    cell.set(cell.get().max(late));
                }
            }
        });
        pulse
    }

    /// Forgets what was seen.
    pub fn reset(&self) {
        self.worst_ns.set(0);
    }

    /// The worst delay since the last reset, ns; a beat that is overdue counts.
    pub fn worst_ns(&self) -> u64 {
        self.worst_ns.get().max(self.clock.now_ns().saturating_sub(self.due_ns.get()))
    }
}
