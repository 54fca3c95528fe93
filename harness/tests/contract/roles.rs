//! The nodes: n1 does one thing wrong, all others keep the contract.
//!
//! The well-behaved one delivers its own messages and sends each to all others, once, which is best-effort broadcast.

use std::env;
use std::io::{self, Write};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use serde_json::{Value, json};

/// What every role writes to stderr before it does anything else.
pub const LAST_WORDS: &str = "is here";

/// A role: its name, and what n1 does with an input instead of keeping the contract.
pub type Role = (&'static str, fn(&Node, &Value));

/// Every role.
pub const ROLES: &[Role] = &[
    ("keeps-the-contract", Node::answer),
    ("exits", |_, _| std::process::exit(3)),
    ("panics", |_, input| panic!("no idea what to do with {}", input["body"])),
    ("hangs", |_, _| wait_for_ever()),
    ("closes-stdout", |_, _| closes_stdout()),
    ("leaves-a-child", |_, _| leaves_a_child()),
    ("speaks-behind-idle", |node, input| node.answer_and_say(input, "indeed")),
    ("speaks-by-itself", |node, _| node.speak_for_ever()),
    ("repeats-idle", |node, input| node.idle(&json!(number(input) - 1), &Value::Null)),
    ("forgets-the-number", |node, _| node.idle(&Value::Null, &Value::Null)),
    ("wishes-a-fraction", |node, input| node.idle(&input["input"], &json!(2.5))),
    ("floods", |node, _| for_ever(&[node.line("observer", &json!({ "type": "x", "text": "x".repeat(1 << 20) }))])),
    ("shouts", |node, input| node.answer_after(input, &json!({ "type": "x", "text": "x".repeat(2 << 20) }))),
    ("prints-prose", prints_prose),
    ("spins", spins),
    ("takes-no-clock", Node::answer),
    ("refuses-init", Node::answer),
    ("skips-init", Node::answer),
    ("tells-its-pid", tells_its_pid),
];

/// A node under a virtual clock.
pub struct Node {
    name: String,
    peers: Vec<String>,
}

/// Plays the role that the command line names, if any.
pub fn play() -> Option<ExitCode> {
    let arguments: Vec<String> = env::args().collect();
    let [_, word, name] = arguments.as_slice() else { return None };
    if word == "role" && name == "lingers" {
        wait_for_ever();
    }
    let role = ROLES.iter().find(|role| word == "role" && role.0 == name)?;
    complain(&format!("{name} {LAST_WORDS}"));
    live(role);
    Some(ExitCode::SUCCESS)
}

fn live((role, does): &Role) {
    let mut inputs = io::stdin().lines().map(|line| line.expect("stdin can be read"));
    let mut next = move || -> Option<Value> { Some(serde_json::from_str(&inputs.next()?).expect("inputs are JSON")) };
    let init = next().expect("the first line is init");
    let names: Vec<String> = serde_json::from_value(init["body"]["node_ids"].clone()).expect("init names all nodes");
    let name = init["dest"].as_str().expect("init has a destination").to_owned();
    let node = Node { peers: names.into_iter().filter(|peer| *peer != name).collect(), name };
    let is_wrong = node.name == "n1";
    node.introduce(&init, if is_wrong { role } else { "" });
    while let Some(input) = next() {
        if is_wrong { does(&node, &input) } else { node.answer(&input) }
    }
}

impl Node {
    fn introduce(&self, init: &Value, role: &str) {
        let observe = ["broadcast", "deliver"];
        let taken = json!({ "type": "init_ok", "in_reply_to": 1, "observe": observe, "clock": "virtual" });
        match role {
            "takes-no-clock" => self.say("c0", &json!({ "type": "init_ok", "in_reply_to": 1, "observe": observe })),
            "refuses-init" => self.say("c0", &json!({ "type": "error", "code": 13, "text": "out of order today" })),
            "skips-init" => {}
            _ => self.say("c0", &taken),
        }
        if role != "takes-no-clock" {
            self.idle(&init["input"], &Value::Null);
        }
    }

    /// Keeps the contract.
    fn answer(&self, input: &Value) {
        self.serve(input);
        self.idle(&input["input"], &Value::Null);
    }

    fn serve(&self, input: &Value) {
        let (body, src) = (&input["body"], input["src"].as_str().expect("inputs have a source"));
        if body["type"] == "broadcast" {
            self.say("observer", body);
            self.peers.iter().for_each(|peer| self.say(peer, &json!({ "type": "send", "message": body["message"] })));
            self.say(src, &json!({ "type": "broadcast_ok", "in_reply_to": body["msg_id"] }));
        }
        self.say("observer", &json!({ "type": "deliver", "message": body["message"] }));
    }

    fn idle(&self, input: &Value, wake: &Value) {
        self.say("observer", &json!({ "type": "idle", "input": input, "wake": wake }));
    }

    fn answer_and_say(&self, input: &Value, what: &str) {
        self.serve(input);
        let idle = self.line("observer", &json!({ "type": "idle", "input": input["input"], "wake": null }));
        // In one write, so that both are there at once.
        write((idle + &self.line("observer", &json!({ "type": what }))).as_bytes());
    }

    fn answer_after(&self, input: &Value, body: &Value) {
        self.say("observer", body);
        self.answer(input);
    }

    fn speak_for_ever(&self) -> ! {
        for_ever(&[self.line("observer", &json!({ "type": "idle", "input": 2, "wake": null }))])
    }

    fn say(&self, dest: &str, body: &Value) {
        write(self.line(dest, body).as_bytes());
    }

    fn line(&self, dest: &str, body: &Value) -> String {
        json!({ "src": self.name, "dest": dest, "body": body }).to_string() + "\n"
    }
}

fn prints_prose(node: &Node, input: &Value) {
    write(b"all is well\n");
    node.answer(input);
}

/// Each frame to itself is two more.
fn spins(node: &Node, input: &Value) {
    (0..2).for_each(|_| node.say(&node.name, &json!({ "type": "again" })));
    node.idle(&input["input"], &Value::Null);
}

/// Its pid is another one every time.
fn tells_its_pid(node: &Node, input: &Value) {
    node.answer_after(input, &json!({ "type": "term", "pid": std::process::id() }));
}

fn closes_stdout() {
    let nowhere = std::fs::File::options().write(true).open("/dev/null").expect("there is /dev/null");
    nix::unistd::dup2_stdout(nowhere).expect("descriptors can be replaced");
    wait_for_ever();
}

/// The child has inherited stdout and does not let go of it.
fn leaves_a_child() {
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args(["role", "lingers"]).stdin(Stdio::null());
    command.spawn().expect("this program can be started");
    std::process::exit(4);
}

fn number(input: &Value) -> u64 {
    input["input"].as_u64().expect("inputs have a number")
}

fn wait_for_ever() -> ! {
    loop {
        thread::park();
    }
}

/// Writes the same again and again, until nobody reads it.
fn for_ever(lines: &[String]) -> ! {
    loop {
        lines.iter().for_each(|line| write(line.as_bytes()));
    }
}

fn write(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    // Who is not heard any more is about to be ended.
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
