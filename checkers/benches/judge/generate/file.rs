//! The file: ops in canonical form, numbered and timed.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::draws::Draws;

/// How many nodes there are.
pub const NODES: usize = 5;

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// Lines.
    pub lines: u64,
    /// Messages that these lines name.
    pub messages: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A history that is being written.
pub struct File {
    out: BufWriter<std::fs::File>,
    written: Written,
    time_ns: u64,
    draws: Draws,
}

impl File {
    /// An empty one.
    pub fn create(path: &Path) -> io::Result<File> {
        let out = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
        Ok(File { out, written: Written { lines: 0, messages: 0, bytes: 0 }, time_ns: 0, draws: Draws(1) })
    }

    /// How many lines it has.
    pub fn lines(&self) -> u64 {
        self.written.lines
    }

    /// Notes how many messages it names.
    pub fn messages(&mut self, messages: u64) {
        self.written.messages = messages;
    }

    /// Appends an op of the nemesis; `value` is JSON, here and below.
    pub fn nemesis(&mut self, kind: &str, f: &str, value: &str) -> io::Result<()> {
        self.op("\"nemesis\"", [kind, f], value)
    }

    /// Appends an indication of a node.
    pub fn node(&mut self, node: usize, f: &str, value: &str) -> io::Result<()> {
        self.op(&format!("\"{}\"", name(node)), ["info", f], value)
    }

    /// Appends an indication of a node about a message.
    pub fn indication(&mut self, node: usize, f: &str, message: u64) -> io::Result<()> {
        self.node(node, f, &message.to_string())
    }

    /// Appends an op of a client about its request.
    pub fn request(&mut self, kind: &str, client: u64, (node, message): (usize, u64)) -> io::Result<()> {
        let value = format!("{{\"node\":\"{}\",\"message\":{message}}}", name(node));
        // A request whose end nobody knows says why.
        let value = if kind == "info" { value + ",\"error\":[\"timeout\",\"no answer within 1 s\"]" } else { value };
        self.op(&client.to_string(), [kind, "broadcast"], &value)
    }

    fn op(&mut self, process: &str, [kind, f]: [&str; 2], value: &str) -> io::Result<()> {
        let (index, time) = (self.written.lines, self.time_ns);
        writeln!(
            self.out,
            r#"{{"index":{index},"time":{time},"process":{process},"type":"{kind}","f":"{f}","value":{value}}}"#
        )?;
        self.written.lines += 1;
        // A busy run: some 50,000 lines a second.
        self.time_ns += 1_000 + self.draws.below(40_000);
        Ok(())
    }

    /// Ends the file.
    pub fn finish(mut self) -> io::Result<Written> {
        self.out.flush()?;
        self.written.bytes = self.out.get_ref().metadata()?.len();
        Ok(self.written)
    }
}

/// The name of a node.
pub fn name(node: usize) -> String {
    format!("n{}", node + 1)
}

/// The value of the first line of a run of so many nodes; these properties are promised always, reliable delivery beside them.
pub fn header((system, nodes): (&str, usize), promises: &[&str], requested: &[&str]) -> String {
    let quoted = |words: &[&str]| words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(",");
    let nodes: Vec<String> = (0..nodes).map(name).collect();
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let mut all = ["agreement", "no-creation", "no-duplication", "validity"].to_vec();
    all.extend(promises);
    let always: Vec<String> = all.iter().map(|property| format!("\"{property}\":\"always\"")).collect();
    format!(
        r#"{{"format":1,"system":"{system}","nodes":[{}],"crashes":"stop","faulty_max":{},"ok":"taken","promises":{{{}}},"requested":[{}]}}"#,
        quoted(&nodes),
        nodes.len() - 1,
        always.join(","),
        quoted(requested)
    )
}
