//! What nodes answer to clients that ask for something else than a broadcast or a charge: reads, echoes and ids.

use std::collections::BTreeMap;

use serde_json::Value;

use super::faults::Moment;
use crate::op::{Message, Node};

/// The most wrong answers of a kind that are kept.
const KEPT: usize = 10_000;

/// An answer: which line, to whom, and whose.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Which line.
    pub at: Moment,
    /// The client that was answered.
    pub client: u32,
    /// The node that answered.
    pub node: Node,
}

/// What a node holds, as a client has read it.
#[derive(Clone, Debug)]
pub struct Read {
    /// The answer.
    pub answer: Answer,
    /// The messages, in rising order, as often as they stand there.
    pub messages: Vec<Message>,
    /// What stands there beside numbers of messages.
    pub strange: Vec<String>,
}

/// An echo that is not what was said.
#[derive(Clone, Debug)]
pub struct WrongEcho {
    /// The request.
    pub asked: Moment,
    /// What was said.
    pub said: String,
    /// The answer.
    pub answer: Answer,
    /// What came back.
    pub heard: String,
}

/// An id that was given before.
#[derive(Clone, Debug)]
pub struct RepeatedId {
    /// The id, as JSON.
    pub id: String,
    /// When it was given for the first time.
    pub first: Answer,
    /// When it was given again.
    pub again: Answer,
}

/// All answers of a history.
#[derive(Debug, Default)]
pub struct Answers {
    /// The last read of each node: what counts as its final read.
    pub reads: BTreeMap<Node, Read>,
    /// Echoes that were answered.
    pub echoes: u64,
    /// Those that were wrong; the first of them.
    pub wrong_echoes: Vec<WrongEcho>,
    /// Ids that were given.
    pub ids: u64,
    /// Those that had been given before; the first of them.
    pub repeated_ids: Vec<RepeatedId>,
    /// By client: what it wants echoed.
    said: BTreeMap<u32, (Moment, Value)>,
    /// Who was first given each id.
    given: BTreeMap<String, Answer>,
}

impl Answers {
    /// A node was read.
    pub fn read(&mut self, answer: Answer, list: &[Value]) {
        let mut messages: Vec<Message> = list.iter().filter_map(Value::as_u64).collect();
        messages.sort_unstable();
        let strange = list.iter().filter(|value| value.as_u64().is_none()).map(excerpt).take(KEPT).collect();
        self.reads.insert(answer.node, Read { answer, messages, strange });
    }

    /// A client asks for an echo.
    pub fn says(&mut self, at: Moment, client: u32, said: &Value) {
        self.said.insert(client, (at, said.clone()));
    }

    /// A client hears an echo.
    pub fn hears(&mut self, answer: Answer, heard: &Value) {
        let Some((asked, said)) = self.said.remove(&answer.client) else { return };
        self.echoes += 1;
        if said != *heard && self.wrong_echoes.len() < KEPT {
            let (said, heard) = (excerpt(&said), excerpt(heard));
            self.wrong_echoes.push(WrongEcho { asked, said, answer, heard });
        }
    }

    /// A client's request for an echo ended without one.
    pub fn hears_nothing(&mut self, client: u32) {
        self.said.remove(&client);
    }

    /// A client is given an id.
    pub fn given(&mut self, answer: Answer, id: &Value) {
        self.ids += 1;
        let id = id.to_string();
        match self.given.get(&id) {
            Some(first) if self.repeated_ids.len() < KEPT => {
                self.repeated_ids.push(RepeatedId { id: shortened(&id), first: *first, again: answer });
            }
            Some(_) => {}
            None => drop(self.given.insert(id, answer)),
        }
    }
}

/// A value as JSON, shortened for a sentence.
fn excerpt(value: &Value) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
