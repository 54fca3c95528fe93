//! The cluster of `lockstep`: real processes that keep the contract of a virtual clock (node/PROTOCOL.md).
//!
//! A process gets one line and is waited for until it says `idle`; meanwhile nobody else runs. It is on the controller's core,
//! since a round trip over a pipe costs 8 us there and twenty times as much across cores. What it writes outside of an answer,
//! an answer that does not end, and an end of its output are what ends its life, each told by name.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;

use serde_json::json;
use temblor_node::journal::Files;

use super::answer::{self, Line};
use super::cluster::{Answer, Cluster, End, Frame, Input, Life, Said};
use super::ground::OneCore;
use super::process::Process;
use crate::containment::end_with_parent;
use crate::processes::{Launch, OBSERVE, last_lines};
use crate::stored;
use crate::words::clipped;

/// So much is shown of the input that a node failed at, columns.
const ASKED_WIDTH: usize = 300;
/// So many lines are shown of its log.
const LOG_LINES: usize = 5;
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
    /// Which of them report their syncs, as they said at the start of their lives.
    reports_syncs: Vec<bool>,
    /// Where every byte that nodes answer goes, to compare two runs by; `None` if nobody will.
    answers: Option<File>,
    _core: OneCore,
}

/// A body on its way: JSON, unread.
pub type Body = Rc<[u8]>;

impl Lockstep {
    /// Nodes of these names, whose logs and data go to `folder`; none is started yet.
    pub fn new(launch: Launch, names: &[String], folder: PathBuf) -> Self {
        let lives = names.iter().map(|_| None).collect();
        let reports_syncs = vec![false; names.len()];
        Self { launch, names: names.to_vec(), folder, lives, reports_syncs, answers: None, _core: OneCore::take() }
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
        let mut command = Command::new(&self.launch.program);
        command.args(&self.launch.arguments).env_clear().envs(ENVIRONMENT.iter().copied());
        command.envs(&self.launch.environment).env("TEMBLOR_DATA_DIR", &data).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::options().append(true).create(true).open(self.log(node))?);
        end_with_parent(&mut command);
        Process::spawn(command)
    }

    fn log(&self, node: usize) -> PathBuf {
        self.folder.join(format!("{}.stderr", self.names[node]))
    }

    /// Hands a process its next input, and reads the answer. `rest` is what follows the input's number on the line.
    fn exchange(&mut self, node: usize, now_ns: u64, (src, rest): (&str, &[u8])) -> Answer<Body> {
        let Some(process) = &mut self.lives[node] else { return Answer::silence(None) };
        let name = &self.names[node];
        let asked = process.ask(|line, input| {
            write!(line, "{{\"src\":\"{src}\",\"dest\":\"{name}\",\"now\":{now_ns},\"input\":{input}")
                .expect("writing to memory does not fail");
            line.extend_from_slice(rest);
            line.push(b'}');
        });
        if let Some(file) = &mut self.answers {
            // Two runs are compared by it; a file that can't be written shows as a difference.
            let _ = file.write_all(process.answer());
        }
        Answer { end: asked.err(), ..heard((node, &self.names), process.answer()) }
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
        let answer = self.exchange(node, life.now_ns, ("c0", format!(",\"body\":{init}").as_bytes()));
        self.reports_syncs[node] = self.lives[node].as_ref().is_some_and(Process::reports_syncs);
        answer
    }

    fn input(&mut self, node: usize, now_ns: u64, input: Input<Body>) -> Answer<Body> {
        match input {
            Input::Request { client, msg_id, asked } => {
                let body = format!(",\"body\":{}", asked.body(msg_id));
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

    fn files(&self, node: usize) -> io::Result<Files> {
        stored::read(&self.folder.join(&self.names[node]))
    }

    fn reports_syncs(&self, node: usize) -> bool {
        self.reports_syncs[node]
    }

    fn change(&mut self, node: usize, file: &str, bytes: Option<&[u8]>) -> io::Result<()> {
        stored::change(&self.folder.join(&self.names[node]), file, bytes)
    }

    /// How it was started, the input that it failed at, and the end of its log.
    fn records(&self, node: usize) -> Vec<String> {
        let name = &self.names[node];
        let mut records = vec![format!("{name} was started as: {}", self.launch)];
        let line = self.lives[node].as_ref().map(|process| String::from_utf8_lossy(process.line()));
        records.extend(line.map(|line| format!("{name} was asked: {}", clipped(line.trim_end(), ASKED_WIDTH))));
        let log = last_lines(&self.log(node), LOG_LINES);
        if log.is_empty() {
            records.push(format!("{name} wrote nothing to stderr"));
        }
        records.extend(log.iter().map(|line| format!("{name} stderr: {line}")));
        records
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
            // The process has looked at these already.
            Line::Init(_) | Line::NoIdle(_) => {}
        }
    }
    answer
}
