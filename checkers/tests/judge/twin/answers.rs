//! Reads, echoes and ids, asked of the whole list.

use serde_json::Value;
use temblor_checkers::header::Acknowledges;
use temblor_checkers::op::{Event, Kind, Op, Process};

use super::Past;
use super::past::f;

fn of<'a>(op: &'a Op, f: &str, kind: Kind) -> Option<(u32, &'a Value)> {
    match (op.process, &op.event) {
        (Process::Client(client), Event::Other(other)) if other.f == f && op.kind == kind => {
            Some((client, &other.value))
        }
        _ => None,
    }
}

/// The list that the last read of a node gave.
pub fn final_read(past: &Past, node: u16) -> Option<Vec<Value>> {
    let name = format!("n{}", node + 1);
    let mut reads = past.ops.iter().filter_map(|op| of(op, "read", Kind::Ok));
    let last = reads.rfind(|(_, value)| value["node"] == name.as_str());
    last.map(|(_, value)| value["messages"].as_array().unwrap().clone())
}

pub fn complete(past: &Past) -> Vec<Option<u16>> {
    let correct: Vec<u16> = past.nodes().into_iter().filter(|node| past.correct(*node)).collect();
    let read = |node: u16, message: u64| final_read(past, node).map(|list| list.contains(&message.into()));
    let mut missing = Vec::new();
    for message in past.messages() {
        let Some(sender) = past.sender(message) else { continue };
        let binds = past.header.ok == Acknowledges::Delivered || past.correct(sender);
        let acknowledged = binds && !past.requests(message, Kind::Ok).is_empty();
        let asked = !past.requests(message, Kind::Invoke).is_empty();
        let known = asked && correct.iter().any(|node| read(*node, message) == Some(true));
        if acknowledged || known {
            let lacking = correct.iter().filter(|node| read(**node, message) == Some(false));
            missing.extend(lacking.map(|_| Some(sender)));
        }
    }
    missing
}

pub fn invented(past: &Past) -> Vec<Option<u16>> {
    let mut invented = Vec::new();
    for mut list in past.nodes().into_iter().filter_map(|node| final_read(past, node)) {
        list.sort_by_key(Value::to_string);
        list.dedup();
        let asked = |value: &Value| !past.requests(value.as_u64().unwrap(), Kind::Invoke).is_empty();
        invented.extend(list.iter().filter(|value| !asked(value)).map(|_| None));
    }
    invented
}

pub fn repeated(past: &Past) -> Vec<Option<u16>> {
    let mut repeated = Vec::new();
    for list in past.nodes().into_iter().filter_map(|node| final_read(past, node)) {
        let again = |at: usize| list[..at].iter().filter(|value| **value == list[at]).count() == 1;
        repeated.extend((0..list.len()).filter(|at| again(*at)).map(|_| None));
    }
    repeated
}

pub fn echoes(past: &Past) -> Vec<Option<u16>> {
    let mut wrong = Vec::new();
    for (at, op) in past.ops.iter().enumerate() {
        let Some((client, heard)) = of(op, "echo", Kind::Ok) else { continue };
        let of_client = |op: &&Op| op.process == Process::Client(client) && f(op) == "echo";
        let said = past.ops[..at].iter().rev().find(of_client).and_then(|op| of(op, "echo", Kind::Invoke));
        wrong.extend(said.filter(|(_, said)| said["echo"] != heard["echo"]).map(|_| None));
    }
    wrong
}

pub fn ids(past: &Past) -> Vec<Option<u16>> {
    let ids: Vec<&Value> =
        past.ops.iter().filter_map(|op| of(op, "generate", Kind::Ok)).map(|(_, value)| &value["id"]).collect();
    (0..ids.len()).filter(|at| ids[..*at].contains(&ids[*at])).map(|_| None).collect()
}

/// Whether some correct node was never read.
pub fn unread(past: &Past) -> bool {
    past.nodes().into_iter().any(|node| past.correct(node) && final_read(past, node).is_none())
}
