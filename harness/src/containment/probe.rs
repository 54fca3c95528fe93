//! Which containment works here: found out by trying, since no list of kernel settings is complete.

use nix::unistd::getpid;

use super::error::Unavailable;
use super::mode::Mode;
use super::namespace::{self, Owner};
use super::outer::{self, Shelter};
use super::process;

/// What was found; each `Err` says why not, as a fragment that fits "no namespace: ...".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whether a PID namespace can be had.
    pub namespace: Result<(), String>,
    /// Whether a guardian can be had.
    pub guardian: Result<(), String>,
    /// Whether an ordinary user can have a network namespace, in a user namespace of its own.
    pub network: Result<(), String>,
    /// Whether a descriptor can stand for a process.
    pub pidfd: Result<(), String>,
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
    let pidfd = process::open_pid(getpid()).map(drop);
    Probe {
        namespace: attempt(Shelter::namespace()),
        guardian: attempt(Shelter::Guardian),
        network: namespace::try_network(Owner::current()).map_err(|reason| reason.0),
        pidfd: pidfd.map_err(|error| Unavailable::because("failed to open a descriptor of a process", error).0),
    }
}

fn attempt(shelter: Shelter) -> Result<(), String> {
    match outer::run(shelter, &mut || 0) {
        Ok(0) => Ok(()),
        Ok(code) => Err(format!("a controller that does nothing ended with exit code {code}")),
        Err(reason) => Err(reason.0),
    }
}
