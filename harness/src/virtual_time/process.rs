//! One process under a virtual clock: a line in, its answer out, and the ways in which it can fail to keep the contract
//! (node/PROTOCOL.md). The contract is checked at every input: what a node says before it is asked, behind `idle`, or with
//! the number of another input ends its life.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::answer::{self, Introduction, Line};
use super::cluster::End;
use super::ground;
use crate::processes::status_text;

/// A node that has not said `idle` after so long in real time hangs.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// The first input has to wait for the program's start.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// A node whose output has ended is gone after so long.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);
/// An answer longer than this is a flood, bytes.
const ANSWER_MAX: usize = 16 << 20;
/// So much is read at once, bytes.
const CHUNK: usize = 16 << 10;

/// A running process, its input and its output.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// Inputs so far.
    inputs: u64,
    /// Whether `init` has been answered.
    introduced: bool,
    /// Whether it said that it will report its syncs.
    reports_syncs: bool,
    /// The last input as it was written.
    line: Vec<u8>,
    answer: Vec<u8>,
}

/// Whether to read on.
#[derive(PartialEq, Eq)]
enum Heard {
    Idle,
    Other,
}

impl Process {
    /// Starts a process whose stdin and stdout are to be pipes.
    ///
    /// # Errors
    /// The program can't be started.
    pub fn spawn(mut command: Command) -> io::Result<Self> {
        let mut child = ground::spawn(&mut command)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (stdin, stdout) = (stdin.expect("stdin is a pipe"), stdout.expect("stdout is a pipe"));
        // A node that does not read must not keep the controller from looking at the clock.
        fcntl(&stdin, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let (line, answer) = (Vec::new(), Vec::with_capacity(64 << 10));
        Ok(Self { child, stdin, stdout, inputs: 0, introduced: false, reports_syncs: false, line, answer })
    }

    /// Hands over the next input and waits for the answer. `write` gets the input's number and writes the line, without its LF.
    ///
    /// # Errors
    /// The contract is broken. The process has ended then; what it had said before that is in [`Process::answer`].
    pub fn ask(&mut self, write: impl FnOnce(&mut Vec<u8>, u64)) -> Result<(), End> {
        self.inputs += 1;
        self.line.clear();
        write(&mut self.line, self.inputs);
        self.line.push(b'\n');
        self.answer.clear();
        let asked = self.check_silence().and_then(|()| self.exchange());
        asked.inspect_err(|_| self.end())
    }

    /// All lines of the last answer.
    pub fn answer(&self) -> &[u8] {
        &self.answer
    }

    /// Whether it said, when it was introduced, that it will report its syncs.
    pub fn reports_syncs(&self) -> bool {
        self.reports_syncs
    }

    /// The last input as it was written, with its LF.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Nothing may wait in the pipe when an input is about to go.
    fn check_silence(&mut self) -> Result<(), End> {
        match ready(self.stdout.as_fd(), PollFlags::POLLIN, Duration::ZERO) {
            true if self.read() == 0 => Err(self.gone()),
            true => {
                // It was said at no virtual time, so it can't be part of a history.
                let spoken = std::mem::take(&mut self.answer);
                Err(spoke(&spoken, self.inputs - 1))
            }
            false => Ok(()),
        }
    }

    fn exchange(&mut self) -> Result<(), End> {
        let deadline = Instant::now() + self.timeout();
        self.write(deadline)?;
        let (mut heard, mut searched) = (0, 0);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if !ready(self.stdout.as_fd(), PollFlags::POLLIN, left) {
                return Err(self.hung());
            }
            if self.read() == 0 {
                return Err(self.gone());
            }
            // A long line comes in many pieces, and is not searched again with each.
            while let Some(length) = memchr::memchr(b'\n', &self.answer[searched..]) {
                let begin = heard;
                (heard, searched) = (searched + length + 1, searched + length + 1);
                if self.hear(begin, heard)? == Heard::Idle {
                    return self.check_end(heard);
                }
            }
            searched = self.answer.len();
            if searched > ANSWER_MAX {
                // There is no end in sight, and nothing to be made of so much.
                self.answer.clear();
                return Err(End::Flood { bytes: ANSWER_MAX as u64 });
            }
        }
    }

    /// Writes the input; a node that does not read in time hangs.
    fn write(&mut self, deadline: Instant) -> Result<(), End> {
        let mut written = 0;
        while written < self.line.len() {
            match self.stdin.write(&self.line[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if !ready(self.stdin.as_fd(), PollFlags::POLLOUT, left) {
                        return Err(self.hung());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(self.gone()),
            }
        }
        Ok(())
    }

    /// What one line of the answer means for the contract. Only `init_ok` and `idle` matter here.
    fn hear(&mut self, begin: usize, end: usize) -> Result<Heard, End> {
        let line = &self.answer[begin..end];
        // Cheap first: hardly any other line holds the word.
        if self.introduced && memchr::memmem::find(line, b"\"idle\"").is_none() {
            return Ok(Heard::Other);
        }
        match answer::read::<()>(line, &[]) {
            Line::Init(Introduction::Virtual { reports_syncs }) => {
                (self.introduced, self.reports_syncs) = (true, reports_syncs);
            }
            Line::Init(Introduction::Real) => {
                return Err(End::Breach("did not take up the virtual clock that init offers".to_owned()));
            }
            Line::Init(Introduction::Refused(why)) => return Err(End::Silent(why)),
            Line::Idle { input, .. } if input != self.inputs => {
                let asked = self.inputs;
                return Err(End::Breach(format!("answered input {asked} with the idle of input {input}")));
            }
            Line::Idle { .. } if !self.introduced => {
                return Err(End::Silent("idle came before init_ok".to_owned()));
            }
            Line::Idle { .. } => return Ok(Heard::Idle),
            Line::NoIdle(why) => return Err(End::Breach(format!("wrote {why}: {}", excerpt(line)))),
            Line::Init(Introduction::Other) | Line::Frame { .. } | Line::Said(_) => {}
        }
        Ok(Heard::Other)
    }

    /// Nothing may stand behind `idle`.
    fn check_end(&mut self, end: usize) -> Result<(), End> {
        let behind = self.answer.split_off(end);
        if behind.is_empty() { Ok(()) } else { Err(spoke(&behind, self.inputs)) }
    }

    /// Its time is over. What it has started may hold its output open although it has exited itself.
    fn hung(&mut self) -> End {
        match self.child.try_wait() {
            Ok(Some(status)) => self.exited(status),
            _ => End::Silent(format!("no idle within {} s of input {}", self.timeout().as_secs(), self.inputs)),
        }
    }

    fn timeout(&self) -> Duration {
        if self.introduced { IDLE_TIMEOUT } else { INIT_TIMEOUT }
    }

    /// Its output has ended: mostly because it exits.
    fn gone(&mut self) -> End {
        let begin = Instant::now();
        while begin.elapsed() < EXIT_TIMEOUT {
            if let Ok(Some(status)) = self.child.try_wait() {
                return self.exited(status);
            }
            std::thread::yield_now();
        }
        End::Silent(format!("it closed its output before idle {}", self.inputs))
    }

    fn exited(&self, status: ExitStatus) -> End {
        End::Exited { status: status_text(status), why: format!("no idle for input {}", self.inputs) }
    }

    /// Reads what is there; 0 at the end of the output.
    fn read(&mut self) -> usize {
        let begin = self.answer.len();
        self.answer.resize(begin + CHUNK, 0);
        let count = self.stdout.read(&mut self.answer[begin..]).unwrap_or(0);
        self.answer.truncate(begin + count);
        count
    }

    /// Ends the process and whatever it started.
    fn end(&mut self) {
        let group = Pid::from_raw(self.child.id().cast_signed());
        // It may have ended by itself already.
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether something can be read or written within that time.
fn ready(fd: BorrowedFd<'_>, flags: PollFlags, timeout: Duration) -> bool {
    let begin = (!timeout.is_zero()).then(Instant::now);
    loop {
        let left = begin.map_or(Duration::ZERO, |begin| timeout.saturating_sub(begin.elapsed()));
        let mut fds = [PollFd::new(fd, flags)];
        match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            // A signal that the controller handles says nothing about the node.
            Err(Errno::EINTR) => {}
            result => return result.is_ok_and(|count| count > 0),
        }
    }
}

/// It said something that nobody had asked for.
fn spoke(text: &[u8], after: u64) -> End {
    End::Breach(format!("spoke outside of an input, after idle {after}: {}", excerpt(text)))
}

/// The first line of what a node wrote, or as much of it as is shown.
fn excerpt(text: &[u8]) -> String {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    answer::shown(line)
}
