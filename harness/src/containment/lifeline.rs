//! The line between outer and keeper: a pair of connected sockets.
//!
//! Towards the outer goes one word: ready, or why not. Towards the keeper goes one byte for each signal to pass on. Its end
//! is what matters most: the kernel closes a dead process's end, so the keeper learns of the outer's death however it died.
//! No other process may hold the outer's end: each child drops it first, and it is closed on exec.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;

use super::error::Unavailable;

/// The first byte of a keeper that is ready; everything else is the beginning of a reason.
const READY: u8 = b'+';

/// The outer's end.
#[derive(Debug)]
pub struct OuterEnd(UnixStream);

/// The keeper's end.
#[derive(Debug)]
pub struct KeeperEnd(UnixStream);

/// What the keeper hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing for now.
    Nothing,
    /// A signal for the controller.
    Signal(Signal),
    /// The outer is dead.
    Silence,
}

/// A new line.
pub fn pair() -> io::Result<(OuterEnd, KeeperEnd)> {
    let (outer, keeper) = UnixStream::pair()?;
    keeper.set_nonblocking(true)?;
    Ok((OuterEnd(outer), KeeperEnd(keeper)))
}

impl OuterEnd {
    /// Waits until the keeper has settled.
    pub fn await_ready(&mut self) -> Result<(), Unavailable> {
        let mut first = [0];
        match self.0.read(&mut first) {
            Ok(1) if first[0] == READY => Ok(()),
            Ok(1) => {
                let mut reason = first.to_vec();
                // The keeper ends after its reason; what was read before an error is still the best there is.
                let _ = self.0.read_to_end(&mut reason);
                Err(Unavailable(String::from_utf8_lossy(&reason).into_owned()))
            }
            Ok(_) => Err(Unavailable("the keeper died before it was ready".to_owned())),
            Err(error) => Err(Unavailable::because("failed to hear from the keeper", error)),
        }
    }

    /// Has the keeper send a signal to the controller. A keeper that is dead needs no signal any more.
    pub fn pass_on(&mut self, signal: Signal) {
        let _ = self.0.write_all(&[signal as u8]);
    }
}

impl KeeperEnd {
    /// Tells the outer that the controller is about to start; `false` if the outer is dead already.
    #[must_use]
    pub fn ready(&mut self) -> bool {
        self.0.write_all(&[READY]).is_ok()
    }

    /// Tells the outer that it has to do without this keeper. If it is dead, nobody wants to know.
    pub fn refuse(&mut self, reason: &Unavailable) {
        let _ = self.0.write_all(reason.0.as_bytes());
    }

    /// What has come, without waiting.
    pub fn hear(&mut self) -> Heard {
        let mut byte = [0];
        match self.0.read(&mut byte) {
            Ok(1..) => Signal::try_from(i32::from(byte[0])).map_or(Heard::Nothing, Heard::Signal),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Heard::Nothing,
            Ok(0) | Err(_) => Heard::Silence,
        }
    }
}

impl AsFd for KeeperEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
