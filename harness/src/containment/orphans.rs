//! The sweep: kills the children of this process, and those who become its children thereby, until there are none.
//!
//! Only children are killed, never their descendants: a child's pid stays its own until it is waited for, so it cannot have
//! passed to somebody else, and each death makes orphans that the next round finds. A round waits for those that it killed
//! and nobody else: who becomes a child after the round's look has not been killed, and waiting for it would never end.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getpid};

use super::note;
use super::process::{self, Wait};

/// Kills all children but `spared`, until none is left that can be killed.
pub fn sweep(spared: &[Pid]) {
    let mut spared = spared.to_vec();
    loop {
        match children() {
            Ok(found) if round(&found, &mut spared) => {}
            Ok(_) => return,
            Err(error) => return note(&format!("error: failed to look for processes that were left: {error}")),
        }
    }
}

/// The children of this process, zombies included.
pub fn children() -> io::Result<Vec<Pid>> {
    // Mostly there are none, and looking through /proc takes milliseconds.
    if waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT) == Err(Errno::ECHILD) {
        return Ok(Vec::new());
    }
    let own = getpid();
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Who has gone since is nobody's child.
        let Ok(stat) = fs::read(entry.path().join("stat")) else { continue };
        if parent(&stat) == Some(own) {
            children.push(Pid::from_raw(pid));
        }
    }
    Ok(children)
}

/// Kills those children and waits for them; `false` if there was none to kill. Who cannot be killed is named and spared.
fn round(children: &[Pid], spared: &mut Vec<Pid>) -> bool {
    let mut killed = Vec::new();
    for &pid in children.iter().filter(|pid| !spared.contains(pid)) {
        killed.push((pid, kill(pid, Signal::SIGKILL)));
    }
    for &(pid, result) in &killed {
        match result {
            Ok(()) => drop(process::reap(pid, Wait::Block)),
            Err(error) => {
                note(&format!("warning: process {pid} was left running: {}", io::Error::from(error)));
                spared.push(pid);
            }
        }
    }
    !killed.is_empty()
}

/// The parent in the text of /proc/PID/stat: `4711 (name) S 4242 ...`, where the name may hold blanks and brackets.
fn parent(stat: &[u8]) -> Option<Pid> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = std::str::from_utf8(&stat[end + 1..]).ok()?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok().map(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use nix::unistd::Pid;

    use super::parent;

    #[test]
    fn a_process_may_have_any_name() {
        assert_eq!(parent(b"7 (sh) S 3 7 7 0"), Some(Pid::from_raw(3)));
        assert_eq!(parent(b"7 (a) S 9 (\xff) Z 3 7 7 0"), Some(Pid::from_raw(3)));
        assert_eq!(parent(b"7 (sh"), None);
    }
}
