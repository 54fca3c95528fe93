//! A node as a real process.
#![allow(dead_code, reason = "every test binary includes this module and uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Whoever waits longer than this for what must come has found a bug.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// How a process has ended, and what it has said.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Process {
    /// Starts `temblor-node` with these arguments, separated by blanks.
    pub fn start(arguments: &str) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_temblor-node"));
        command.args(arguments.split_whitespace()).env_remove("TEMBLOR_DATA_DIR").env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Process { stdin: child.stdin.take(), child, lines }
    }

    /// Writes a line to its stdin.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        // A node that has ended does not read; what it said tells why.
        let _ = stdin.write_all(format!("{line}\n").as_bytes());
    }

    /// The next line of its stdout.
    pub fn hear(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("the node has something to say")
    }

    /// Closes its stdin and waits for its end.
    pub fn close(mut self) -> Ended {
        self.stdin = None;
        self.wait()
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) -> Ended {
        let stdout: String =
            std::iter::from_fn(|| self.lines.recv_timeout(DEADLINE).ok()).map(|line| line + "\n").collect();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ended { code: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind; a process that has been waited for is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
