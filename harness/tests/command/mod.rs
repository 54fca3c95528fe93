//! The command as a user has it: the real binary, started in a folder of its own, and what it leaves.
//!
//! Each [`Temblor`] runs the binary under a path that nobody else has. Nodes are started from the same path, so what is left of
//! a run can be found by a word on its command line.

#![allow(dead_code, reason = "each test program that includes this module uses a part of it")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// Nothing here takes a fifth of this even on a busy machine; what takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(100);

/// The binary in a folder of its own, which is also where it runs.
#[derive(Debug)]
pub struct Temblor {
    folder: TempDir,
    program: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed on stdout.
    pub out: String,
    /// What it printed on stderr.
    pub err: String,
}

/// A command that is going on.
#[derive(Debug)]
pub struct Running {
    pid: Pid,
    out: Receiver<String>,
    err: Receiver<String>,
    status: Receiver<ExitStatus>,
}

impl Temblor {
    /// A folder with nothing in it but the binary.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("e2e-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let folder = folder.expect("the target folder can be written");
        let program = folder.path().join("temblor");
        let binary = Path::new(env!("CARGO_BIN_EXE_temblor"));
        // A second name costs nothing; a copy is for file systems that refuse it.
        if fs::hard_link(binary, &program).is_err() {
            fs::copy(binary, &program).expect("the binary can be copied");
        }
        Self { folder, program }
    }

    /// The binary.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The folder in which it runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file in the folder.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.file(name), bytes).expect("the folder can be written");
    }

    /// Reads a text in the folder.
    pub fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        String::from_utf8(bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The values of a file of JSON lines.
    pub fn json_lines(&self, name: &str) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
        self.read(name).lines().map(parse).collect()
    }

    /// The folders of runs in `results`, without the link `latest`.
    pub fn run_folders(&self, results: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.file(results)).expect("there are results").flatten();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| !path.is_symlink()).collect();
        found.sort();
        found
    }

    /// Runs a command, given as words, to its end.
    pub fn run(&self, words: &str) -> Ended {
        self.start(words).end()
    }

    /// Runs a command, given as words, below a shell that did something first, such as lowering a limit.
    pub fn run_below(&self, first: &str, words: &str) -> Ended {
        let command = self.command(words);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{first} && exec \"$0\" \"$@\"")])
            .arg(command.get_program())
            .args(command.get_args());
        shell.current_dir(self.folder()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::new(shell.spawn().expect("sh can be started")).end()
    }

    /// Runs a command, given as words, with `input` on its stdin.
    pub fn run_on(&self, words: &str, input: Vec<u8>) -> Ended {
        let mut command = self.command(words);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the binary can be started");
        feed(child.stdin.take().expect("stdin was asked to be a pipe"), input);
        Running::new(child).end()
    }

    /// Starts a command, given as words.
    pub fn start(&self, words: &str) -> Running {
        Running::new(self.command(words).spawn().expect("the binary can be started"))
    }

    /// Starts `temblor serve`, and waits until it says where it is.
    pub fn serve(&self, words: &str) -> Serving {
        let mut child = self.command(&format!("serve {words}")).spawn().expect("the binary can be started");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line is text");
        Serving { child, url: line.trim().trim_end_matches('/').to_owned() }
    }

    /// The command lines of all processes that were started from this folder and are alive.
    pub fn processes(&self) -> Vec<String> {
        let folder = self.folder().to_str().expect("the target folder has a plain name");
        census().into_iter().filter(|line| line.contains(folder)).collect()
    }

    /// Waits until nothing that was started from this folder is alive.
    pub fn nothing_is_left(&self) {
        until("no process is left", || self.processes().is_empty());
    }

    /// A text with what differs from run to run replaced: the folder and the names of runs.
    pub fn plain(&self, text: &str) -> String {
        let text = text.replace(self.folder().to_str().expect("a plain name"), "FOLDER");
        // What a broadcast cost differs from run to run.
        let text: String = text.split_inclusive('\n').filter(|line| !line.starts_with("cost:")).collect();
        text.split_inclusive(['/', ' ', '\n', ':', ',']).map(without_stamp).collect()
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words.split_whitespace()).current_dir(self.folder());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// A server that goes on until it is dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    /// Where it is, without the slash at the end.
    pub url: String,
}

impl Serving {
    /// Its port.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address has a port")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn new(mut child: Child) -> Self {
        let pid = Pid::from_raw(child.id().cast_signed());
        let (out, err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        Self { pid, out: read_all(out), err: read_all(err), status: wait(child) }
    }

    /// Sends a signal to the process that the user started.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid, signal).expect("the process is ours and was not waited for");
    }

    /// Waits for the end of the process and of its output.
    pub fn end(self) -> Ended {
        let Ok(status) = self.status.recv_timeout(DEADLINE) else {
            // SIGKILL of the outermost process ends all of them.
            let _ = kill(self.pid, Signal::SIGKILL);
            let err = self.err.recv_timeout(DEADLINE).unwrap_or_default();
            panic!("the command did not end within {DEADLINE:?}; it said: {err}");
        };
        let out = self.out.recv_timeout(DEADLINE).expect("nobody holds stdout when the command has ended");
        let err = self.err.recv_timeout(DEADLINE).expect("nobody holds stderr when the command has ended");
        Ended { code: status.code(), out, err }
    }
}

impl Ended {
    /// The exit code, which must be this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Its stderr in one line, with one blank between words: line breaks depend on the length of paths.
    pub fn said(&self) -> String {
        self.err.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The verdicts that `--json` printed, one a line.
    pub fn verdicts(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parse).collect()
    }
}

/// Makes a symbolic link; for tests of paths.
pub fn link(to: &Path, name: &Path) {
    symlink(to, name).expect("links can be made");
}

/// Looks again and again until it is so.
#[track_caller]
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < DEADLINE, "not seen within {DEADLINE:?}: {what}");
        thread::yield_now();
    }
}

/// How often a word stands in the history of the only run in `results`; 0 while there is none.
pub fn count_in_history(results: &Path, word: &str) -> usize {
    let folders = fs::read_dir(results).into_iter().flatten().flatten();
    let histories = folders.map(|entry| entry.path()).filter(|path| !path.is_symlink());
    let texts = histories.filter_map(|folder| fs::read_to_string(folder.join("history.jsonl")).ok());
    texts.map(|text| text.matches(word).count()).sum()
}

/// The command lines of all processes. That of a zombie is empty.
fn census() -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("these tests need /proc").flatten();
    let processes = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<i32>().is_ok());
    // Who has gone since the directory was read is not alive.
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

/// `20261123T081500Z-fifo-7` as `RUN`.
fn without_stamp(word: &str) -> String {
    let digits = word.chars().take(8).filter(char::is_ascii_digit).count();
    let stamped = digits == 8 && word.chars().nth(8) == Some('T') && word.chars().nth(15) == Some('Z');
    let end = word.chars().last().filter(|c| !c.is_alphanumeric());
    if stamped { format!("RUN{}", end.map(String::from).unwrap_or_default()) } else { word.to_owned() }
}

/// Writes to a process that may not want to read all of it.
fn feed(mut stdin: ChildStdin, input: Vec<u8>) {
    thread::spawn(move || drop(stdin.write_all(&input)));
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

/// The end of a child.
fn wait(mut child: Child) -> Receiver<ExitStatus> {
    let (send, receive) = channel();
    thread::spawn(move || child.wait().map(|status| send.send(status)));
    receive
}
