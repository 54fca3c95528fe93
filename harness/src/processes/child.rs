//! One life of a node: the child process, its three pipes, and the task that watches them.
//!
//! Whole lines of the node's output come as [`Event::Output`], in batches. [`Event::Exited`] is sent after the process was
//! waited for *and* its output was read to the end, so that no line of one life is booked on the next.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};

use super::events::Event;
use crate::containment::end_with_parent;

/// A line of output longer than this is a flood.
pub const LINE_MAX: usize = 16 << 20;
/// So much output each life may have in any case.
const OUTPUT_MIN: u64 = 1 << 20;
/// So much output it may have for each message of the plan: an honest node needs some hundred bytes.
const OUTPUT_PER_MESSAGE: u64 = 16 << 10;
/// So much of a node's log is kept on disk; the rest is counted.
const LOG_MAX: u64 = 16 << 20;
/// A line of a log that is longer is shown in pieces, bytes.
const SHOWN_MAX: usize = 4 << 10;
/// So many requests may wait for a node that does not read; a further one never leaves.
const INBOX_MAX: usize = 8 << 10;
/// How long the output of a process that is gone is read on, if somebody else holds its end open.
const LINGER: Duration = Duration::from_millis(500);

/// How to start a node: a command line, the same for all nodes of a run.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Environment variables beside those that it gets anyway.
    pub environment: BTreeMap<String, String>,
    /// Whether what it writes to stderr is shown as it comes.
    pub log_stderr: bool,
}

impl std::fmt::Display for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.environment.iter().try_for_each(|(name, value)| write!(f, "{name}={value} "))?;
        write!(f, "{}", self.program.display())?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}

/// Where one life belongs.
#[derive(Clone, Debug)]
pub struct Place {
    /// The node's position.
    pub node: usize,
    /// Its data directory.
    pub data: PathBuf,
    /// Its log.
    pub stderr: PathBuf,
    /// More output than this is a flood, bytes.
    pub output_max: u64,
}

impl Place {
    /// The node's name, as its log has it.
    fn name(&self) -> String {
        self.stderr.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// How much output a life may have that `messages` are broadcast in, bytes.
pub fn output_max(messages: usize) -> u64 {
    OUTPUT_MIN + messages as u64 * OUTPUT_PER_MESSAGE
}

/// A running node process.
#[derive(Debug)]
pub struct Life {
    /// The process, which is also the leader of its process group.
    pub pid: Pid,
    inbox: mpsc::Sender<Vec<u8>>,
}

impl Life {
    /// Starts the process. Must be called on the controller's own thread, within a `LocalSet`.
    pub fn start(launch: &Launch, place: &Place, events: mpsc::Sender<Event>) -> io::Result<Self> {
        std::fs::create_dir_all(&place.data)?;
        let mut child = command(launch, place).spawn()?;
        let raw = child.id().expect("a child that was just started has a pid");
        let pid = Pid::from_raw(i32::try_from(raw).expect("pids fit in an i32"));
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stderr = child.stderr.take().expect("stderr was asked to be a pipe");
        let (inbox, requests) = mpsc::channel(INBOX_MAX);
        tokio::task::spawn_local(write(stdin.expect("stdin was asked to be a pipe"), requests));
        let shown = launch.log_stderr.then(|| place.name());
        tokio::task::spawn_local(log(stderr, place.stderr.clone(), shown));
        let stdout = stdout.expect("stdout was asked to be a pipe");
        tokio::task::spawn_local(watch(child, stdout, (place.node, place.output_max, events)));
        Ok(Self { pid, inbox })
    }

    /// The way to the node's stdin, for those that speak to it beside the controller.
    pub fn inbox(&self) -> mpsc::Sender<Vec<u8>> {
        self.inbox.clone()
    }

    /// Queues a line for the node's stdin; `false` if it could not be queued, and then it never leaves.
    #[must_use]
    pub fn send(&self, line: Vec<u8>) -> bool {
        self.inbox.try_send(line).is_ok()
    }
}

/// How a process ended, in a history's words: `code 101` or `signal 9`.
pub fn status_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => format!("status {}", status.into_raw()),
    }
}

fn command(launch: &Launch, place: &Place) -> Command {
    let mut command = Command::new(&launch.program);
    command.args(&launch.arguments).envs(&launch.environment).env("TEMBLOR_DATA_DIR", &place.data);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: a kill reaches what the node started, and a terminal's Ctrl-C does not reach the node.
    command.process_group(0).kill_on_drop(true);
    // Beside the keeper: should controller and keeper be killed in one instant, the node still goes.
    end_with_parent(command.as_std_mut());
    command
}

/// Writes what is queued to the node, many lines at once, until the queue or the node is gone.
async fn write(mut stdin: ChildStdin, mut requests: mpsc::Receiver<Vec<u8>>) {
    let mut lines = Vec::new();
    while requests.recv_many(&mut lines, 256).await > 0 {
        let bytes = lines.concat();
        lines.clear();
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// What is shown of a log as it comes, line by line.
struct Shown {
    /// The node's name, if its log is shown.
    name: Option<String>,
    line: Vec<u8>,
}

impl Shown {
    fn take(&mut self, bytes: &[u8]) {
        use std::io::Write as _;
        let Some(name) = &self.name else { return };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() > SHOWN_MAX {
                let line = String::from_utf8_lossy(&self.line);
                // Where nobody looks any more, nothing is lost: the log has it too.
                let _ = writeln!(std::io::stderr(), "{name}: {}", line.trim_end().escape_debug());
                self.line.clear();
            }
        }
    }
}

/// Copies the node's log to a file, up to a limit. It goes on reading beyond it, so that the node never blocks on its log.
async fn log(mut stderr: ChildStderr, path: PathBuf, shown: Option<String>) {
    use std::io::Write as _;
    let mut file = std::fs::File::options().append(true).create(true).open(&path);
    let (mut buffer, mut written, mut dropped) = (vec![0; 16 << 10], 0_u64, 0_u64);
    let mut show = Shown { name: shown, line: Vec::new() };
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        show.take(&buffer[..count]);
        if written + count as u64 > LOG_MAX {
            dropped += count as u64;
        } else if let Ok(file) = &mut file {
            // A log that can't be written (a full disk) costs the log, not the run; the history reports its own failure.
            let _ = file.write_all(&buffer[..count]);
            written += count as u64;
        }
    }
    if let (Ok(file), 1..) = (&mut file, dropped) {
        let _ = writeln!(file, "[{dropped} more bytes of this log were left out]");
    }
}

/// Reads the output to its end, waits for the process, and reports both in this order.
async fn watch(mut child: Child, stdout: ChildStdout, (node, most, events): (usize, u64, mpsc::Sender<Event>)) {
    let (gone, is_gone) = oneshot::channel();
    let read = read(stdout, is_gone, (node, most, &events));
    let wait = async {
        let status = child.wait().await;
        let _ = gone.send(());
        status
    };
    let ((), status) = tokio::join!(read, wait);
    let status = status.unwrap_or_else(|_| ExitStatus::from_raw(0));
    // The receiver is gone only when the run is over.
    let _ = events.send(Event::Exited { node, status }).await;
}

async fn read(
    mut stdout: ChildStdout,
    is_gone: oneshot::Receiver<()>,
    (node, most, events): (usize, u64, &mpsc::Sender<Event>),
) {
    let linger = async {
        let _ = is_gone.await;
        tokio::time::sleep(LINGER).await;
    };
    tokio::pin!(linger);
    let (mut lines, mut total) = (Vec::with_capacity(64 << 10), 0_u64);
    loop {
        let count = tokio::select! {
            biased;
            count = stdout.read_buf(&mut lines) => count.unwrap_or(0),
            () = &mut linger => 0,
        };
        total += count as u64;
        let searched = lines.len() - count;
        if count == 0 || !hand_on((&mut lines, searched), node, events).await {
            break;
        }
        if lines.len() > LINE_MAX || total > most {
            let _ = events.send(Event::Flood { node, bytes: total }).await;
            return;
        }
    }
    if !lines.is_empty() {
        // The end of a line that was never finished: it is shown as what it is, nonsense.
        lines.push(b'\n');
        let _ = events.send(Event::Output { node, lines }).await;
    }
}

/// Sends on the whole lines at the front of `lines`, if any; `false` when nobody listens any more. The first `searched` bytes
/// hold no LF, and are not looked at again: a line may come in many pieces.
async fn hand_on((lines, searched): (&mut Vec<u8>, usize), node: usize, events: &mpsc::Sender<Event>) -> bool {
    let Some(end) = memchr::memrchr(b'\n', &lines[searched..]).map(|at| searched + at) else {
        lines.reserve(64 << 10);
        return true;
    };
    let mut rest = Vec::with_capacity(64 << 10);
    rest.extend_from_slice(&lines[end + 1..]);
    let mut whole = std::mem::replace(lines, rest);
    whole.truncate(end + 1);
    events.send(Event::Output { node, lines: whole }).await.is_ok()
}
