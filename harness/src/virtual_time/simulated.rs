//! The cluster of `sim`: the layers themselves, in this process.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use serde_json::{Value, json};
use temblor_node::bugs::Bug;
use temblor_node::id::NodeId;
use temblor_node::indication::Indication;
use temblor_node::journal::{self, Action, DamagedFile, Files, Journal};
use temblor_node::layer::{Identity, Layer};
use temblor_node::packet::{Key, Packet, Payload};
use temblor_node::records::Records;
use temblor_node::stack::{Output, Stack, Stored};

use super::cluster::{Answer, Cluster, End, Frame, Input, Life, Said};
use crate::asked::Asked;
use temblor_workloads::payments::Charge;

/// What a frame has around its body, the names of its ends and its key, bytes:
/// `{"src":"","dest":"","key":"","body":}` and the LF.
const ENVELOPE: usize = 38;

/// How to build the layers of a node, the top one first.
pub type Build = Box<dyn Fn() -> Vec<Box<dyn Layer>>>;

/// Nodes as stacks of layers.
pub struct Simulated {
    build: Build,
    bug: Option<Bug>,
    ids: Vec<NodeId>,
    names: Vec<String>,
    stacks: Vec<Option<Stack>>,
    /// The disk of each node: its files, and where the next record goes.
    disks: Vec<Disk>,
    /// Requests that each node has not answered yet, by their messages.
    asked: Vec<BTreeMap<u64, Vec<Asker>>>,
}

/// A simulated disk.
#[derive(Default)]
struct Disk {
    files: Files,
    journal: Journal,
}

/// A client's request: the client, and the request's number.
type Asker = (u32, u64);

/// Maelstrom's code for what nobody knows.
const TIMEOUT: i64 = 0;
/// Maelstrom's code for what can't be done now and has not been.
const UNAVAILABLE: i64 = 11;

impl Simulated {
    /// Nodes of these names, which have not begun to live.
    ///
    /// # Errors
    /// A name that is none of temblor's own nodes' names.
    pub fn new(names: &[String], build: Build, bug: Option<Bug>) -> Result<Self, temblor_node::id::NotANode> {
        let ids: Result<Vec<NodeId>, _> = names.iter().map(|name| name.parse()).collect();
        let (stacks, asked) = (names.iter().map(|_| None).collect(), names.iter().map(|_| BTreeMap::new()).collect());
        let disks = names.iter().map(|_| Disk::default()).collect();
        Ok(Self { build, bug, ids: ids?, names: names.to_vec(), stacks, disks, asked })
    }

    fn answer(&mut self, node: usize, outputs: Vec<Output>) -> Answer<Payload> {
        let mut said = Vec::with_capacity(outputs.len());
        let mut stored = Vec::new();
        for output in outputs {
            match output {
                Output::Store(store) => stored.push(store),
                output => self.say(node, output, &mut said),
            }
        }
        // What was stored is durable before anything else leaves, and that is said first.
        if let Some(synced) = self.disks[node].store(stored) {
            said.insert(0, synced);
        }
        let wake = self.stacks[node].as_ref().and_then(Stack::next_wake);
        Answer { said, wake, end: None }
    }

    fn say(&mut self, node: usize, output: Output, said: &mut Vec<Said<Payload>>) {
        said.push(match output {
            Output::Send { to, key, body } => Said::Frame(self.frame(node, to, (key, body))),
            Output::Broadcast(message) => Said::Broadcast(message),
            Output::Deliver(message, position) => Said::Deliver(message, position),
            Output::Indicate(Indication::Leader { term }) => Said::Leader(term),
            Output::Indicate(indication) => {
                let mut value = serde_json::to_value(&indication).expect("indications are plain data");
                value.as_object_mut().map(|body| body.shift_remove("type"));
                Said::Indication(indication.name().to_owned(), value)
            }
            Output::Done(message) => {
                let asked = self.asked[node].remove(&message).unwrap_or_default();
                return said.extend(asked.into_iter().map(|(client, in_reply_to)| Said::Done { client, in_reply_to }));
            }
            Output::Answer(number, name, value) => {
                let asked = self.asked[node].remove(&number).unwrap_or_default();
                let (kind, body) = (if name == "echo" { "echo_ok" } else { "generate_ok" }, named(name, &value));
                let told = |(client, in_reply_to)| Said::Told {
                    client,
                    in_reply_to,
                    kind: kind.to_owned(),
                    body: body.clone(),
                };
                return said.extend(asked.into_iter().map(told));
            }
            Output::Refuse(message, why) => return said.extend(self.refused(node, message, (UNAVAILABLE, &why))),
            Output::GiveUp(message, why) => return said.extend(self.refused(node, message, (TIMEOUT, &why))),
            Output::Store(_) => unreachable!("what is stored has been taken out"),
            // A log has no reader here.
            Output::Complain(_) => return,
        });
    }

    /// Whoever asked for this is told that it has failed, or that nobody knows.
    fn refused(&mut self, node: usize, message: u64, (code, why): (i64, &str)) -> Vec<Said<Payload>> {
        let asked = self.asked[node].remove(&message).unwrap_or_default();
        let refused = |(client, in_reply_to)| Said::Refused { client, in_reply_to, code, text: why.to_owned() };
        asked.into_iter().map(refused).collect()
    }

    fn frame(&self, from: usize, to: NodeId, (key, body): (Key, Payload)) -> Frame<Payload> {
        let to = self.ids.iter().position(|id| *id == to).expect("a stack sends to nodes of its cluster");
        let names = self.names[from].len() + self.names[to].len();
        let bytes = ENVELOPE + names + key.as_str().len() + body.raw().get().len();
        Frame { from, to, key: key.as_str().into(), body, bytes }
    }
}

impl Cluster for Simulated {
    type Body = Payload;

    fn start(&mut self, node: usize, life: Life) -> Answer<Payload> {
        let Life { incarnation, seed, now_ns } = life;
        let identity = Identity { me: self.ids[node], nodes: self.ids.clone(), incarnation, seed, bug: self.bug };
        let stack = self.stacks[node].insert(Stack::new(identity, (self.build)()));
        let (records, recovered) = match self.disks[node].open() {
            Ok(opened) => opened,
            Err(damaged) => {
                let end = End::Exited { status: "code 1".to_owned(), why: damaged.to_string() };
                return Answer::silence(Some(end));
            }
        };
        let begin = || {
            let mut outputs = if records.is_empty() { Vec::new() } else { stack.recover(now_ns, records) };
            outputs.extend(stack.start(now_ns));
            outputs
        };
        match caught(begin) {
            Ok(outputs) => {
                let mut answer = self.answer(node, outputs);
                answer.said.splice(0..0, recovered);
                answer
            }
            Err(panic) => Answer { said: Vec::new(), wake: None, end: Some(panic) },
        }
    }

    fn input(&mut self, node: usize, now_ns: u64, input: Input<Payload>) -> Answer<Payload> {
        let from = |at: usize| self.ids[at];
        let stack = self.stacks[node].as_mut().expect("inputs are for nodes that are alive");
        let step: Box<dyn FnOnce() -> Vec<Output> + '_> = match input {
            Input::Request { client, msg_id, asked: Asked::Broadcast(message) } => {
                self.asked[node].entry(message).or_default().push((client, msg_id));
                Box::new(move || stack.broadcast(now_ns, message))
            }
            Input::Request { client, msg_id, asked: Asked::Charge(number) } => {
                self.asked[node].entry(number).or_default().push((client, msg_id));
                let payload = Payload::encode(&Charge::of(number));
                Box::new(move || stack.ask(now_ns, Packet { key: Key::new("charge", number), payload }))
            }
            Input::Request { client, msg_id: in_reply_to, asked: asked @ (Asked::Ledger | Asked::Messages) } => {
                let read = stack.read().map(|(name, value)| named(name, &value)).unwrap_or_default();
                let told = Said::Told { client, in_reply_to, kind: asked.reply().to_owned(), body: read };
                return Answer { said: vec![told], wake: stack.next_wake(), end: None };
            }
            Input::Request { client, msg_id, asked: asked @ (Asked::Echo(number) | Asked::Generate(number)) } => {
                self.asked[node].entry(number).or_default().push((client, msg_id));
                let (key, value) = (Key::new(asked.f(), number), asked.value());
                let payload = Payload::encode(&(number, value.get("echo")));
                Box::new(move || stack.ask(now_ns, Packet { key, payload }))
            }
            Input::Frame(frame) => {
                let packet = Packet { key: Key::from_wire(&frame.key), payload: frame.body };
                let from = from(frame.from);
                Box::new(move || stack.receive(now_ns, from, packet))
            }
            Input::Wake => Box::new(move || stack.wake(now_ns)),
        };
        match caught(step) {
            Ok(outputs) => self.answer(node, outputs),
            Err(panic) => Answer { said: Vec::new(), wake: None, end: Some(panic) },
        }
    }

    fn kill(&mut self, node: usize) {
        self.stacks[node] = None;
        self.asked[node].clear();
    }

    fn files(&self, node: usize) -> io::Result<Files> {
        Ok(self.disks[node].files.clone())
    }

    fn reports_syncs(&self, _node: usize) -> bool {
        true
    }

    fn change(&mut self, node: usize, file: &str, bytes: Option<&[u8]>) -> io::Result<()> {
        match bytes {
            Some(bytes) => self.disks[node].files.insert(file.to_owned(), bytes.to_vec()),
            None => self.disks[node].files.remove(file),
        };
        Ok(())
    }
}

impl Disk {
    /// What is on it when a life begins, and the report that it is durable.
    fn open(&mut self) -> Result<(Records, Option<Said<Payload>>), DamagedFile> {
        let (journal, records, actions) = Journal::open(&self.files)?;
        self.journal = journal;
        actions.iter().for_each(|action| journal::apply(&mut self.files, action));
        Ok((records, actions.last().and_then(synced)))
    }

    /// Stores what a step wants stored; what there is to report if that was synced.
    fn store(&mut self, stored: Vec<Stored>) -> Option<Said<Payload>> {
        let files = &mut self.files;
        let actions = self.journal.take(stored, |name| files[name].clone());
        let actions = actions.expect("a file that was read at the start of a life is not damaged in it");
        actions.iter().for_each(|action| journal::apply(files, action));
        actions.last().and_then(synced)
    }
}

/// The report of an action that made something durable.
fn synced(action: &Action) -> Option<Said<Payload>> {
    match action {
        Action::Sync(file, bytes) => {
            Some(Said::Indication("synced".to_owned(), json!({ "file": file, "bytes": bytes })))
        }
        _ => None,
    }
}

/// An object of one entry.
fn named(name: &str, value: &Payload) -> Value {
    json!({ name: value.read::<Value>().unwrap_or_default() })
}

thread_local! {
    /// Whether a node's step is under way on this thread.
    static IN_A_STEP: Cell<bool> = const { Cell::new(false) };
    /// What the panic of the last step said.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Does a node's step. A panic ends the node, as it would end its process, and not the run.
fn caught(step: impl FnOnce() -> Vec<Output>) -> Result<Vec<Output>, End> {
    static HOOK: Once = Once::new();
    HOOK.call_once(keep_panics_of_steps);
    IN_A_STEP.set(true);
    let done = catch_unwind(AssertUnwindSafe(step));
    IN_A_STEP.set(false);
    done.map_err(|_| End::Exited { status: "code 101".to_owned(), why: LAST_PANIC.take() })
}

/// A panic of a step is kept as the node's last words; any other is reported as before.
fn keep_panics_of_steps() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(
        move |panic| {
            if IN_A_STEP.get() { LAST_PANIC.set(panic.to_string()) } else { report(panic) }
        },
    ));
}
