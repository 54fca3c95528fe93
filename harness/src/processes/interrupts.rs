//! Interrupts: Ctrl-C, SIGTERM and SIGHUP.
//!
//! The first one ends the main phase: faults are healed, and what there is is judged. The second one ends the run at once.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Counts the signals that ask the harness to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    count: Rc<Cell<u32>>,
    name: Rc<RefCell<String>>,
    changed: Rc<Notify>,
}

impl Interrupts {
    /// None ever come: whoever called decides when to stop.
    pub fn none() -> Self {
        Self::default()
    }

    /// Begins to listen, on the current `LocalSet`.
    pub fn listen() -> io::Result<Self> {
        let interrupts = Self::default();
        for (kind, name) in [
            (SignalKind::interrupt(), "SIGINT"),
            (SignalKind::terminate(), "SIGTERM"),
            (SignalKind::hangup(), "SIGHUP"),
        ] {
            let (mut stream, interrupts) = (signal(kind)?, interrupts.clone());
            tokio::task::spawn_local(async move {
                while stream.recv().await.is_some() {
                    interrupts.came(name);
                }
            });
        }
        Ok(interrupts)
    }

    /// How many came so far.
    pub fn count(&self) -> u32 {
        self.count.get()
    }

    /// The name of the last one.
    pub fn name(&self) -> String {
        self.name.borrow().clone()
    }

    /// Waits until more than `known` have come.
    pub async fn beyond(&self, known: u32) {
        while self.count() <= known {
            self.changed.notified().await;
        }
    }

    fn came(&self, name: &str) {
        self.count.set(self.count() + 1);
        self.name.replace(name.to_owned());
        self.changed.notify_waiters();
        self.changed.notify_one();
    }
}
