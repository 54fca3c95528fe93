//! The cluster of `lockstep`: real processes that keep the contract of a virtual clock (node/PROTOCOL.md).
//!
//! A process gets one line and is waited for until it says `idle`; meanwhile nobody else runs. It is on the controller's core,
//! since a round trip over a pipe costs 8 us there and twenty times as much across cores. What it writes outside of an answer,
//! an answer that does not end, and an end of its output are what ends its life, each told by name.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;

use super::answer::{self, Line};
use super::cluster::{Answer, Cluster, End, Frame, Input, Life, Said};
use super::ground::{self, OneCore};
use crate::containment::end_with_parent;
use crate::processes::{Launch, OBSERVE, status_text};

/// A node that has not said `idle` after so long in real time hangs, ms.
const IDLE_TIMEOUT_MS: u16 = 5_000;
/// An answer longer than this is a flood, bytes.
const ANSWER_MAX: usize = 64 << 20;
/// The look-ahead that nodes are told, ns.
const LOOKAHEAD_NS: u64 = 1_000_000;
/// What a node finds in its environment, beside its data directory.
const ENVIRONMENT: &[(&str, &str)] =
    &[("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC"), ("PYTHONHASHSEED", "0")];

/// Nodes as processes.
pub struct Lockstep {
    launch: Launch,
    names: Vec<String>,
    folder: PathBuf,
    lives: Vec<Option<Process>>,
    /// Where every byte that nodes answer goes, to compare two runs by; `None` if nobody will.
    answers: Option<File>,
    _core: OneCore,
}

#[derive(Debug)]
struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// Inputs so far.
    inputs: u64,
    buffer: Vec<u8>,
}

/// A body on its way: JSON, unread.
pub type Body = Rc<[u8]>;

impl Lockstep {
    /// Nodes of these names, whose logs and data go to `folder`; none is started yet.
    pub fn new(launch: Launch, names: &[String], folder: PathBuf) -> Self {
        let lives = names.iter().map(|_| None).collect();
        Self { launch, names: names.to_vec(), folder, lives, answers: None, _core: OneCore::take() }
    }

    /// Writes down every byte that nodes answer.
    #[must_use]
    pub fn with_answers(mut self, file: File) -> Self {
        self.answers = Some(file);
        self
    }

    fn spawn(&self, node: usize) -> io::Result<Process> {
        let name = &self.names[node];
        let data = self.folder.join(name);
        fs::create_dir_all(&data)?;
        let log = self.folder.join(format!("{name}.stderr"));
        let mut command = Command::new(&self.launch.program);
        command.args(&self.launch.arguments).env_clear().envs(ENVIRONMENT.iter().copied());
        command.env("TEMBLOR_DATA_DIR", &data).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::options().append(true).create(true).open(log)?);
        end_with_parent(&mut command);
        let mut child = ground::spawn(&mut command)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (stdin, stdout) = (stdin.expect("stdin is a pipe"), stdout.expect("stdout is a pipe"));
        Ok(Process { child, stdin, stdout, inputs: 0, buffer: Vec::with_capacity(64 << 10) })
    }

    /// Hands a process its next input, and reads the answer. `rest` is what follows the input's number on the line.
    fn exchange(&mut self, node: usize, now_ns: u64, (src, rest): (&str, &[u8])) -> Answer<Body> {
        let Some(process) = &mut self.lives[node] else { return Answer::silence(None) };
        process.inputs += 1;
        let mut line = Vec::with_capacity(96 + rest.len());
        let (name, input) = (&self.names[node], process.inputs);
        write!(line, "{{\"src\":\"{src}\",\"dest\":\"{name}\",\"now\":{now_ns},\"input\":{input}")
            .expect("writing to memory does not fail");
        line.extend_from_slice(rest);
        line.extend_from_slice(b"}\n");
        let end = match process.ask(&line) {
            Ok(()) => None,
            Err(trouble) => Some(self.ended(node, trouble)),
        };
        let Some(process) = &mut self.lives[node] else { return Answer::silence(end) };
        if let Some(file) = &mut self.answers {
            // Two runs are compared by it; a file that can't be written shows as a difference.
            let _ = file.write_all(&process.buffer);
        }
        let answer = heard((node, &self.names), &process.buffer);
        process.buffer.clear();
        if end.is_some() {
            self.lives[node] = None;
        }
        Answer { end, ..answer }
    }

    /// What becomes of a process that did not answer as it should.
    fn ended(&mut self, node: usize, trouble: Trouble) -> End {
        let process = self.lives[node].as_mut().expect("who has trouble is alive");
        match trouble {
            Trouble::Hung => {
                process.end();
                End::Hung(format!("no idle within {} s", IDLE_TIMEOUT_MS / 1_000))
            }
            Trouble::Flood => {
                process.end();
                End::Hung(format!("an answer of more than {} MiB", ANSWER_MAX >> 20))
            }
            Trouble::Spoke => {
                process.end();
                End::Hung("it spoke outside of an input".to_owned())
            }
            Trouble::Gone => {
                let status = process.child.wait().map_or_else(|error| error.to_string(), status_text);
                End::Exited { status, why: "its output ended before idle".to_owned() }
            }
        }
    }
}

impl Cluster for Lockstep {
    type Body = Body;

    fn start(&mut self, node: usize, life: Life) -> Answer<Body> {
        match self.spawn(node) {
            Ok(process) => self.lives[node] = Some(process),
            Err(error) => {
                let why = format!("it could not be started: {error}");
                return Answer::silence(Some(End::Exited { status: "not started".to_owned(), why }));
            }
        }
        let init = json!({
            "type": "init", "msg_id": 1, "node_id": self.names[node], "node_ids": self.names,
            "incarnation": life.incarnation, "seed": life.seed, "observe": OBSERVE,
            "clock": "virtual", "lookahead": LOOKAHEAD_NS,
        });
        self.exchange(node, life.now_ns, ("c0", format!(",\"body\":{init}").as_bytes()))
    }

    fn input(&mut self, node: usize, now_ns: u64, input: Input<Body>) -> Answer<Body> {
        match input {
            Input::Broadcast { client, msg_id, message } => {
                let body = format!(",\"body\":{{\"type\":\"broadcast\",\"msg_id\":{msg_id},\"message\":{message}}}");
                self.exchange(node, now_ns, (&format!("c{client}"), body.as_bytes()))
            }
            Input::Frame(Frame { from, key, body, .. }) => {
                let rest = [b",\"key\":\"", key.as_bytes(), b"\",\"body\":", &body].concat();
                let src = self.names[from].clone();
                self.exchange(node, now_ns, (&src, &rest))
            }
            Input::Wake => self.exchange(node, now_ns, ("c0", br#","body":{"type":"wake"}"#)),
        }
    }

    fn kill(&mut self, node: usize) {
        self.lives[node] = None;
    }
}

/// Why there is no proper answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// `idle` did not come.
    Hung,
    /// Far too much came instead.
    Flood,
    /// Something came before there was an input.
    Spoke,
    /// The output has ended.
    Gone,
}

impl Process {
    /// Hands over one line, and reads into the buffer up to `idle`.
    fn ask(&mut self, line: &[u8]) -> Result<(), Trouble> {
        if self.waits(PollTimeout::ZERO) {
            return Err(if self.read()? == 0 { Trouble::Gone } else { Trouble::Spoke });
        }
        if self.stdin.write_all(line).is_err() {
            return Err(Trouble::Gone);
        }
        let mut searched = 0;
        loop {
            if !self.waits(IDLE_TIMEOUT_MS.into()) {
                return Err(Trouble::Hung);
            }
            if self.read()? == 0 {
                return Err(Trouble::Gone);
            }
            if self.buffer.ends_with(b"\n") && answer::ends_with_idle(&self.buffer, self.inputs) {
                return Ok(());
            }
            searched = searched.max(self.buffer.len());
            if searched > ANSWER_MAX {
                return Err(Trouble::Flood);
            }
        }
    }

    /// Whether there is something to read, or will be soon enough.
    fn waits(&self, timeout: PollTimeout) -> bool {
        let mut fds = [PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN)];
        // A signal that comes in between is as good as a time-out of nothing; the next look finds what is there.
        poll(&mut fds, timeout).is_ok_and(|ready| ready > 0)
    }

    fn read(&mut self) -> Result<usize, Trouble> {
        let begin = self.buffer.len();
        self.buffer.resize(begin + (16 << 10), 0);
        let count = self.stdout.read(&mut self.buffer[begin..]).unwrap_or(0);
        self.buffer.truncate(begin + count);
        Ok(count)
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

/// What a node's answer says.
fn heard((node, names): (usize, &[String]), bytes: &[u8]) -> Answer<Body> {
    let mut answer = Answer::silence(None);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match answer::read(line, names) {
            Line::Idle { wake, .. } => answer.wake = wake,
            Line::Frame { to, key, body } => {
                let frame = Frame { from: node, to, key: key.into(), body: body.into(), bytes: line.len() };
                answer.said.push(Said::Frame(frame));
            }
            Line::Said(said) => answer.said.push(said),
            Line::Init => {}
        }
    }
    answer
}
