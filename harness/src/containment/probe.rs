//! Which containment works here: found out by trying, since no list of kernel settings is complete.

use super::mode::Mode;
use super::outer::{self, Shelter};

/// What was found; each `Err` says why not, as a fragment that fits "no namespace: ...".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whether a PID namespace can be had.
    pub namespace: Result<(), String>,
    /// Whether a guardian can be had.
    pub guardian: Result<(), String>,
}

impl Probe {
    /// What [`Mode::Auto`] comes to here.
    pub fn best(&self) -> Mode {
        match (&self.namespace, &self.guardian) {
            (Ok(()), _) => Mode::Namespace,
            (Err(_), Ok(())) => Mode::Guardian,
            (Err(_), Err(_)) => Mode::None,
        }
    }
}

/// Tries each containment on a controller that does nothing. Takes about a millisecond.
///
/// # Panics
/// If other threads exist, as [`contain`](super::contain) does.
pub fn probe() -> Probe {
    super::assert_single_threaded();
    Probe { namespace: attempt(Shelter::namespace()), guardian: attempt(Shelter::Guardian) }
}

fn attempt(shelter: Shelter) -> Result<(), String> {
    match outer::run(shelter, &mut || 0) {
        Ok(0) => Ok(()),
        Ok(code) => Err(format!("a controller that does nothing ended with exit code {code}")),
        Err(reason) => Err(reason.0),
    }
}
