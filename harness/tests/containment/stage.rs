//! One run as a test sees it: what it says, which processes it has, how it ends, and what is left of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// Nothing in these tests takes a tenth of this; what takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// A process of the run.
#[derive(Clone, Debug)]
pub struct Process {
    pub pid: Pid,
    /// The short name that it has given itself.
    pub name: String,
    /// Its command line, with blanks between the words.
    pub line: String,
}

/// How a run ended.
#[derive(Debug)]
pub struct End {
    /// The outer's exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What the run said that was not heard before.
    pub lines: Vec<String>,
    /// All that it printed on stderr.
    pub errors: String,
}

/// A run that is going on. Whatever is left when it is dropped is killed.
#[derive(Debug)]
pub struct Run {
    token: String,
    outer: Pid,
    lines: Receiver<String>,
    errors: Receiver<String>,
    status: Receiver<(ExitStatus, Vec<Process>)>,
}

/// A word that no other process has on its command line.
pub fn token() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("containment-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// This program, to be started again.
pub fn program() -> Command {
    Command::new(std::env::current_exe().expect("this program has a path"))
}

impl Run {
    /// Starts a command that leads a process group and has `token` on its command line.
    pub fn start(command: &mut Command, token: &str) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("this program can be started");
        let outer = Pid::from_raw(child.id().cast_signed());
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (say, lines) = channel();
        thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
        Self { token: token.to_owned(), outer, lines, errors: read_all(stderr), status: wait(child, token) }
    }

    /// The outer's pid, which is that of its process group too.
    pub fn outer(&self) -> Pid {
        self.outer
    }

    /// Waits for the next line.
    pub fn line(&self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(_) => panic!("no line came; stderr: {}", self.errors.try_recv().unwrap_or_default()),
        }
    }

    /// The processes of this run that are alive.
    pub fn processes(&self) -> Vec<Process> {
        census(&self.token)
    }

    /// The process of that name.
    pub fn named(&self, name: &str) -> Pid {
        let found = self.processes();
        let process = found.iter().find(|process| process.name == name);
        process.unwrap_or_else(|| panic!("no {name} among {found:#?}")).pid
    }

    /// The keeper, of whichever kind.
    pub fn keeper(&self) -> Pid {
        let found = self.processes();
        let process = found.iter().find(|process| ["temblor-init", "temblor-guard"].contains(&process.name.as_str()));
        process.unwrap_or_else(|| panic!("no keeper among {found:#?}")).pid
    }

    /// Sends a signal to one process.
    pub fn signal(&self, pid: Pid, signal: Signal) {
        kill(pid, signal).expect("the process is there and ours");
    }

    /// Sends a signal to the outer's process group.
    pub fn signal_group(&self, signal: Signal) {
        killpg(self.outer, signal).expect("the group is there and ours");
    }

    /// Waits until the outer has ended and nobody holds stderr any more, which every process of a run does while it lives.
    /// Unless the outer was killed, nothing may be left from the moment of its end.
    pub fn end(self) -> End {
        let (status, left) = self.status.recv_timeout(DEADLINE).expect("the outer ends");
        if status.signal().is_none() {
            assert!(left.is_empty(), "left when the outer ended: {left:#?}");
        }
        let errors = self.errors.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("left: {:#?}", self.processes()));
        assert!(self.processes().is_empty(), "left: {:#?}", self.processes());
        End { code: status.code(), lines: self.lines.iter().collect(), errors }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        for process in self.processes() {
            // One that has died in the meantime is just what is wanted.
            let _ = kill(process.pid, Signal::SIGKILL);
        }
    }
}

/// The living processes that have `token` on their command line. That of a zombie is empty.
pub fn census(token: &str) -> Vec<Process> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("these tests need /proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Who has gone since the directory was read is not alive.
        let Ok(line) = fs::read(entry.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.split(' ').any(|word| word == token) {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            found.push(Process { pid: Pid::from_raw(pid), name: name.trim_end().to_owned(), line });
        }
    }
    found
}

/// Looks again and again until it is so.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < DEADLINE, "not seen within {DEADLINE:?}: {what}");
        thread::yield_now();
    }
}

/// All of a stream, sent when it has ended.
fn read_all(mut stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map(|_| send.send(String::from_utf8_lossy(&bytes).into_owned()))
    });
    receive
}

/// The end of a child and what was alive at that moment.
fn wait(mut child: Child, token: &str) -> Receiver<(ExitStatus, Vec<Process>)> {
    let (send, receive) = channel();
    let token = token.to_owned();
    thread::spawn(move || child.wait().map(|status| send.send((status, census(&token)))));
    receive
}
