//! The signals that the outer holds back, to take them one by one instead of being ended by them.

use nix::sys::signal::{SigSet, Signal};

use super::process;

/// What asks a process to end. Passed on to the controller, unless this process was started to ignore it.
const REQUESTS: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// Signals held back for as long as this lives.
#[derive(Debug)]
pub struct Held {
    held: SigSet,
    before: SigSet,
}

impl Held {
    /// Begins to hold back the requests and SIGCHLD.
    pub fn begin() -> nix::Result<Self> {
        process::heed_children()?;
        let mut held = SigSet::from(Signal::SIGCHLD);
        // A blocked signal is kept even if it is ignored, so it must not be blocked to stay ignored.
        REQUESTS.into_iter().filter(|&signal| !process::is_ignored(signal)).for_each(|signal| held.add(signal));
        let before = SigSet::thread_get_mask()?;
        held.thread_block()?;
        Ok(Self { held, before })
    }

    /// Waits for the next one.
    pub fn next(&self) -> nix::Result<Signal> {
        self.held.wait()
    }

    /// Lets signals through again as before, for a process that is to react to them itself.
    pub fn release(&self) -> nix::Result<()> {
        self.before.thread_set_mask()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It was the mask of this thread before; the kernel has no reason to refuse it.
        let _ = self.release();
    }
}
