//! A node: eager reliable broadcast over stdin and stdout.
//!
//! The first time a node receives a message it passes it on to every other
//! node, again and again until each has acknowledged it, and delivers it.
//!
//! ```text
//! cargo build
//! temblor run eager --bin target/debug/node        judged by what it delivers
//! temblor run broadcast --bin target/debug/node    judged by what it reads in the end
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Write};
use std::sync::mpsc::{channel, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::{json, Value};

/// So long it takes until what is not acknowledged is sent again.
const AGAIN: Duration = Duration::from_millis(50);

/// Who I am, and what I know.
#[derive(Default)]
struct Node {
    me: String,
    others: Vec<String>,
    /// Which of its doings the harness wants to hear of.
    watched: Vec<String>,
    /// The messages that were delivered ...
    seen: BTreeSet<u64>,
    /// ... and in which order.
    messages: Vec<u64>,
    /// Peer and message that is not acknowledged yet, and when to send it again.
    owed: BTreeMap<(String, u64), Instant>,
}

impl Node {
    fn handle(&mut self, line: &Value) {
        let body = &line["body"];
        let message = body["message"].as_u64();
        match (body["type"].as_str().unwrap_or_default(), message) {
            ("init", _) => {
                self.me = body["node_id"].as_str().unwrap_or_default().to_owned();
                self.others = strings(&body["node_ids"]);
                self.others.retain(|node| *node != self.me);
                self.watched = strings(&body["observe"]);
                self.watched.retain(|what| what == "broadcast" || what == "deliver");
                self.reply(line, json!({ "type": "init_ok", "observe": self.watched }));
            }
            // Who is near; this node speaks with everybody.
            ("topology", _) => self.reply(line, json!({ "type": "topology_ok" })),
            ("broadcast", Some(message)) => {
                self.report("broadcast", message);
                self.deliver(message);
                self.reply(line, json!({ "type": "broadcast_ok" }));
            }
            ("read", _) => self.reply(line, json!({ "type": "read_ok", "messages": self.messages })),
            ("relay", Some(message)) => {
                let ok = json!({ "type": "relay_ok", "message": message });
                self.write(&line["src"], Some(format!("ack/relay/{message}")), ok);
                self.deliver(message);
            }
            ("relay_ok", Some(message)) => {
                let peer = line["src"].as_str().unwrap_or_default().to_owned();
                self.owed.remove(&(peer, message));
            }
            (other, _) if body["msg_id"].is_u64() => {
                let text = format!("{other} is not supported");
                self.reply(line, json!({ "type": "error", "code": 10, "text": text }));
            }
            (other, _) => eprintln!("ignored: {other}"),
        }
    }

    /// To everybody else first, then to the application.
    fn deliver(&mut self, message: u64) {
        if self.seen.contains(&message) {
            return;
        }
        for peer in self.others.clone() {
            self.send(peer, message);
        }
        self.report("deliver", message);
        self.seen.insert(message);
        self.messages.push(message);
    }

    fn send(&mut self, peer: String, message: u64) {
        // The key names the step: faults choose frames by it, the same ones in every run.
        let relay = json!({ "type": "relay", "message": message });
        self.write(&json!(peer), Some(format!("relay/{message}")), relay);
        self.owed.insert((peer, message), Instant::now() + AGAIN);
    }

    fn send_again(&mut self) {
        let now = Instant::now();
        let late = self.owed.iter().filter(|(_, due)| **due <= now);
        let mut late: Vec<_> = late.map(|(step, due)| (*due, step.clone())).collect();
        // What waits longest first: nothing waits for ever. A trickle: a peer that is dead never answers.
        late.sort();
        late.into_iter().take(64).for_each(|(_, (peer, message))| self.send(peer, message));
    }

    fn report(&self, what: &str, message: u64) {
        if self.watched.iter().any(|watched| watched == what) {
            self.write(&json!("observer"), None, json!({ "type": what, "message": message }));
        }
    }

    fn reply(&self, request: &Value, mut body: Value) {
        body["in_reply_to"] = request["body"]["msg_id"].clone();
        self.write(&request["src"], None, body);
    }

    /// One line, flushed: what happens first is said first.
    fn write(&self, dest: &Value, key: Option<String>, body: Value) {
        let mut line = json!({ "src": self.me, "dest": dest, "body": body });
        if let Some(key) = key {
            line["key"] = key.into();
        }
        writeln!(std::io::stdout(), "{line}").expect("stdout is open");
    }
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn main() {
    let (lines, inbox) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).expect("a line is an envelope");
            lines.send(line).expect("the node listens");
        }
    });
    let mut node = Node::default();
    loop {
        match inbox.recv_timeout(AGAIN / 2) {
            Ok(line) => node.handle(&line),
            Err(RecvTimeoutError::Timeout) => {}
            // The run is over.
            Err(RecvTimeoutError::Disconnected) => return,
        }
        node.send_again();
    }
}
