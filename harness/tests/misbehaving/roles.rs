//! The nodes: one that behaves well, and those that do one thing wrong.
//!
//! The well-behaved one is the smallest best-effort broadcast there is: it delivers its own messages and sends none, as if every
//! link lost everything, which best-effort broadcast allows. A role is `PROGRAM role NAME`.

use std::env;
use std::fs::File;
use std::io::{self, BufRead, Lines, StdinLock, Write};
use std::net::TcpListener;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use serde_json::{Value, json};

/// What every role writes to stderr before it does anything else.
pub const LAST_WORDS: &str = "is here";
/// How much [`shouts`] writes to stderr, bytes.
pub const SHOUTED: usize = 40 << 20;

/// A role.
pub struct Role {
    /// Its name.
    pub name: &'static str,
    play: fn(),
}

/// Every role.
pub const ROLES: &[Role] = &[
    Role { name: "behaves-well", play: behaves_well },
    Role { name: "exits-at-start", play: exits_at_start },
    Role { name: "exits-later", play: exits_later },
    Role { name: "panics-later", play: panics_later },
    Role { name: "aborts-later", play: aborts_later },
    Role { name: "prints-prose", play: prints_prose },
    Role { name: "prints-half-a-line", play: prints_half_a_line },
    Role { name: "prints-binary", play: prints_binary },
    Role { name: "floods-lines", play: floods_lines },
    Role { name: "floods-nonsense", play: floods_nonsense },
    Role { name: "floods-one-line", play: floods_one_line },
    Role { name: "ignores-init", play: ignores_init },
    Role { name: "refuses-init", play: refuses_init },
    Role { name: "takes-no-transport", play: takes_no_transport },
    Role { name: "stops-reading", play: stops_reading },
    Role { name: "answers-init-only", play: answers_init_only },
    Role { name: "closes-stdin", play: closes_stdin },
    Role { name: "closes-stdout", play: closes_stdout },
    Role { name: "leaves-a-child", play: leaves_a_child },
    Role { name: "lingers", play: wait_for_ever },
    Role { name: "invents-messages", play: invents_messages },
    Role { name: "mixes-up-replies", play: mixes_up_replies },
    Role { name: "answers-strangers", play: answers_strangers },
    Role { name: "writes-to-peers", play: writes_to_peers },
    Role { name: "writes-to-nobody", play: writes_to_nobody },
    Role { name: "shouts", play: shouts },
];

/// Plays the role that the command line names, if any.
pub fn play() -> Option<ExitCode> {
    let arguments: Vec<String> = env::args().collect();
    let [_, word, name] = arguments.as_slice() else { return None };
    let role = ROLES.iter().find(|role| word == "role" && role.name == name)?;
    complain(&format!("{name} {LAST_WORDS}"));
    (role.play)();
    Some(ExitCode::SUCCESS)
}

/// A node that has answered `init`.
struct Node {
    name: String,
    requests: Lines<StdinLock<'static>>,
    // Peers may dial it; nobody accepts them.
    _listener: TcpListener,
}

impl Node {
    /// Reads `init` and answers it.
    fn introduced() -> Self {
        let mut requests = io::stdin().lock().lines();
        let init = next(&mut requests).expect("the first line is init");
        let name = init["dest"].as_str().expect("init has a destination").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let listen = listener.local_addr().expect("a bound socket has an address").to_string();
        let body =
            json!({ "type": "init_ok", "in_reply_to": 1, "observe": ["broadcast", "deliver"], "listen": listen });
        send(&name, "c0", &body);
        Self { name, requests, _listener: listener }
    }

    /// The next request to broadcast.
    fn next(&mut self) -> Option<Value> {
        next(&mut self.requests)
    }

    /// Does what a request asks for.
    fn serve(&self, request: &Value) {
        for f in ["broadcast", "deliver"] {
            self.indicate(f, &request["body"]["message"]);
        }
        self.reply(request, &request["body"]["msg_id"]);
    }

    fn indicate(&self, f: &str, message: &Value) {
        send(&self.name, "observer", &json!({ "type": f, "message": message }));
    }

    fn reply(&self, request: &Value, in_reply_to: &Value) {
        let client = request["src"].as_str().expect("requests have a source");
        send(&self.name, client, &json!({ "type": "broadcast_ok", "in_reply_to": in_reply_to }));
    }

    /// Serves each request and does something before it.
    fn serve_all(&mut self, mut before: impl FnMut(&Self, &Value)) {
        while let Some(request) = self.next() {
            before(self, &request);
            self.serve(&request);
        }
    }
}

fn behaves_well() {
    Node::introduced().serve_all(|_, _| ());
}

fn exits_at_start() {
    std::process::exit(7);
}

fn exits_later() {
    Node::introduced().serve_all(|_, _| std::process::exit(3));
}

fn panics_later() {
    Node::introduced().serve_all(|_, request| panic!("no idea what to do with {}", request["body"]["message"]));
}

fn aborts_later() {
    Node::introduced().serve_all(|_, _| std::process::abort());
}

fn prints_prose() {
    Node::introduced().serve_all(|_, _| say(b"all is well\n"));
}

fn prints_half_a_line() {
    Node::introduced().next();
    say(br#"{"src":"n1","dest":"obser"#);
}

fn prints_binary() {
    Node::introduced().serve_all(|_, _| say(b"\0\xff\xfe\x1b[2J\xc3\n"));
}

fn floods_lines() {
    let mut node = Node::introduced();
    let request = node.next().expect("there is a request");
    node.serve(&request);
    let lines =
        json!({ "src": node.name, "dest": "observer", "body": { "type": "term", "term": 1 } }).to_string() + "\n";
    for_ever(lines.repeat(1_000).as_bytes());
}

fn floods_nonsense() {
    Node::introduced().next();
    for_ever("nonsense\n".repeat(1_000).as_bytes());
}

fn floods_one_line() {
    Node::introduced().next();
    for_ever(&[b'x'; 64 << 10]);
}

fn ignores_init() {
    io::stdin().lock().lines().for_each(drop);
}

fn refuses_init() {
    let mut requests = io::stdin().lock().lines();
    let init = next(&mut requests).expect("the first line is init");
    let name = init["dest"].as_str().expect("init has a destination");
    send(name, "c0", &json!({ "type": "error", "in_reply_to": 1, "code": 13, "text": "out of order today" }));
    requests.for_each(drop);
}

fn takes_no_transport() {
    plain(|_, _| ());
}

fn writes_to_nobody() {
    plain(|node, _| send(&node.name, "n99", &json!({ "type": "relay" })));
}

/// A node that takes up no transport, and does something before it serves a request.
fn plain(before: impl FnMut(&Node, &Value)) {
    let mut requests = io::stdin().lock().lines();
    let init = next(&mut requests).expect("the first line is init");
    let name = init["dest"].as_str().expect("init has a destination").to_owned();
    send(&name, "c0", &json!({ "type": "init_ok", "in_reply_to": 1, "observe": ["broadcast", "deliver"] }));
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let mut node = Node { name, requests, _listener: listener };
    let topology = node.next().expect("a plain node is told of its neighbours");
    assert_eq!(topology["body"]["type"], "topology");
    node.serve_all(before);
}

fn stops_reading() {
    let _node = Node::introduced();
    wait_for_ever();
}

fn answers_init_only() {
    let mut node = Node::introduced();
    while node.next().is_some() {}
}

fn closes_stdin() {
    let node = Node::introduced();
    nix::unistd::dup2_stdin(nowhere()).expect("descriptors can be replaced");
    // What it says from now on is in order; it only can't hear any more.
    send(&node.name, "observer", &json!({ "type": "term", "term": 1 }));
    wait_for_ever();
}

fn closes_stdout() {
    let mut node = Node::introduced();
    nix::unistd::dup2_stdout(nowhere()).expect("descriptors can be replaced");
    while node.next().is_some() {}
}

/// The child has inherited stdout and stderr and does not let go of them.
fn leaves_a_child() {
    let node = Node::introduced();
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args(["role", "lingers"]).stdin(Stdio::null());
    command.spawn().map(|_| drop(node)).expect("this program can be started");
}

fn invents_messages() {
    Node::introduced().serve_all(|node, _| node.indicate("deliver", &json!(999_999)));
}

fn mixes_up_replies() {
    let mut node = Node::introduced();
    while let Some(request) = node.next() {
        node.reply(&request, &json!(1_000_000));
    }
}

fn answers_strangers() {
    Node::introduced()
        .serve_all(|node, _| send(&node.name, "c4711", &json!({ "type": "broadcast_ok", "in_reply_to": 2 })));
}

fn writes_to_peers() {
    Node::introduced().serve_all(|node, _| send(&node.name, "n2", &json!({ "type": "relay", "message": 1 })));
}

fn shouts() {
    let line = "shouting as loud as it can, over and over again\n".repeat(1_000);
    let mut stderr = io::stderr().lock();
    (0..SHOUTED / line.len()).for_each(|_| drop(stderr.write_all(line.as_bytes())));
    behaves_well();
}

fn wait_for_ever() {
    loop {
        thread::park();
    }
}

/// Writes the same again and again, until nobody reads it.
fn for_ever(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    while stdout.write_all(bytes).is_ok() {}
}

/// What takes the place of a pipe's end that is to be closed.
fn nowhere() -> File {
    File::options().read(true).write(true).open("/dev/null").expect("there is /dev/null")
}

fn next(requests: &mut Lines<StdinLock<'static>>) -> Option<Value> {
    let line = requests.next()?.expect("stdin can be read");
    Some(serde_json::from_str(&line).expect("requests are JSON"))
}

fn send(name: &str, dest: &str, body: &Value) {
    let line = json!({ "src": name, "dest": dest, "body": body }).to_string() + "\n";
    say(line.as_bytes());
}

fn say(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    // Who is not heard any more is about to be ended.
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
