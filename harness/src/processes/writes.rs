//! Writes: when a node's files change, as the kernel tells (inotify(7)).
//!
//! What a node has written and not synced is there for the length of one sync, a millisecond or less; no clock finds that moment.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::net::unix::pipe::Receiver;

/// A directory that is watched. What tokio calls the reading end of a pipe is any descriptor that becomes readable.
pub struct Watch(Receiver);

impl Watch {
    /// Begins to watch a directory; what is written from now on will be seen.
    ///
    /// # Errors
    /// The directory is not there, or the user watches too many (`fs.inotify.max_user_instances`).
    pub fn begin(directory: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        inotify.add_watch(directory, AddWatchFlags::IN_MODIFY)?;
        Ok(Self(Receiver::from_owned_fd_unchecked(OwnedFd::from(inotify))?))
    }

    /// Waits for a write to a file of the directory.
    ///
    /// # Errors
    /// The kernel can't say.
    pub async fn seen(&self) -> io::Result<()> {
        self.0.readable().await
    }
}
