//! The outer process: starts the keeper, passes signals on, and gives the exit code.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, exit};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::error::Unavailable;
use super::guardian::{self, Successor};
use super::keeper;
use super::lifeline::{self, KeeperEnd, OuterEnd};
use super::namespace::{self, Owner};
use super::orphans;
use super::process::{self, Wait};
use super::signals::Held;
use super::{Controller, FAILED, note};

/// The two kinds of keeper.
#[derive(Clone, Copy, Debug)]
pub enum Shelter {
    /// Process 1 of a PID namespace.
    Namespace(Owner),
    /// A child subreaper.
    Guardian,
}

impl Shelter {
    /// A namespace for the user of this process.
    pub fn namespace() -> Self {
        Self::Namespace(Owner::current())
    }

    fn fork(self) -> Result<Option<Pid>, Unavailable> {
        match self {
            Self::Namespace(owner) => namespace::fork(owner),
            Self::Guardian => guardian::fork(),
        }
    }

    fn settle(self) -> Result<(), Unavailable> {
        match self {
            Self::Namespace(owner) => namespace::settle(owner),
            Self::Guardian => guardian::settle(),
        }
    }

    /// In a namespace nothing is to be done: the kernel ends it with the keeper.
    fn clear(self) {
        if matches!(self, Self::Guardian) {
            orphans::sweep(&[]);
        }
    }

    /// Who does the keeper's work if the keeper is killed; in a namespace, the kernel.
    fn successor(self) -> Result<Option<Successor>, Unavailable> {
        match self {
            Self::Namespace(_) => Ok(None),
            Self::Guardian => Successor::appoint().map(Some),
        }
    }
}

/// Runs the controller under a keeper and gives its exit code. If this shelter cannot be had, the controller was not called.
pub fn run(shelter: Shelter, controller: Controller<'_>) -> Result<u8, Unavailable> {
    let held = Held::begin().map_err(|error| Unavailable::because("failed to hold back signals", error))?;
    let line = lifeline::pair().map_err(|error| Unavailable::because("failed to open a pair of sockets", error))?;
    let (mut ours, theirs) = line;
    let successor = shelter.successor()?;
    let Some(keeper) = shelter.fork()? else {
        drop(ours);
        exit(process::guarded(|| serve(shelter, (theirs, &held), controller)).into());
    };
    drop(theirs);
    if let Err(reason) = ours.await_ready() {
        process::reap(keeper, Wait::Block);
        return Err(reason);
    }
    let status = watch(keeper, (ours, &held));
    if let (Some(_), Some(successor)) = (status.signal(), successor) {
        successor.take_over();
    }
    Ok(exit_code(status))
}

/// A process's end as an exit code, in the manner of shells: 128 + n for signal n, which is said on stderr, since the process
/// itself could not.
pub fn exit_code(status: ExitStatus) -> u8 {
    if let Some(signal) = status.signal() {
        note(&format!("error: the run was ended by signal {signal}"));
    }
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED)
}

/// The life of the keeper.
fn serve(shelter: Shelter, (mut line, held): (KeeperEnd, &Held), controller: Controller<'_>) -> u8 {
    if let Err(reason) = shelter.settle() {
        line.refuse(&reason);
        return FAILED;
    }
    // From here on the keeper learns of the outer's death; if it died before, nothing was started yet.
    if !line.ready() {
        return FAILED;
    }
    let code = keeper::keep(line, held, controller);
    shelter.clear();
    code.unwrap_or_else(|error| {
        note(&format!("error: failed to keep the controller: {error}"));
        FAILED
    })
}

/// Waits for the keeper's end and passes on what comes meanwhile.
fn watch(keeper: Pid, (mut line, held): (OuterEnd, &Held)) -> ExitStatus {
    loop {
        match held.next().expect("waiting for signals that exist cannot fail") {
            Signal::SIGCHLD => {
                if let Some((_, status)) = process::reap(keeper, Wait::Poll) {
                    return status;
                }
            }
            request => line.pass_on(request),
        }
    }
}
