//! Which frames a diagram draws, and what it says of them: the frame that brought each message that was delivered or should
//! have been, and those that were lost on the way.

use super::evidence::{Evidence, What};
use super::frames::{Frame, Frames, Lost};
use crate::words::counted;

/// What a clock of one part of the harness may lag behind that of another, ns: the history has the time at which a line of a
/// node was read, the trace that at which a frame passed.
pub const LAG_NS: u64 = 5_000_000;

/// A frame to be drawn.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The message that it carries, if that is known.
    pub message: Option<u64>,
    /// The sender, as a position in the history's names.
    pub from: usize,
    /// The receiver.
    pub to: usize,
    /// When it left, ns; never before its message was broadcast.
    pub sent: u64,
    /// When it arrived or was lost, ns.
    pub ended: u64,
    /// Whether it arrived.
    pub arrived: bool,
    /// The delivery that it led to, as a position in [`Evidence::seen`].
    pub delivery: Option<usize>,
    /// The fault that had to do with it, by its number in the history.
    pub fault: Option<u64>,
    /// What a reader should know of it; may be empty.
    pub note: String,
    /// What it carries: `m17`, `ack of m17`; empty if that is not known.
    pub carries: String,
    /// What kept it or lost it, in few words: `dropped by partition 3`; may be empty.
    pub why: String,
}

/// All frames that tell something about the nodes that the argument is about; their senders may have no lane.
pub fn all(evidence: &Evidence, frames: &Frames, concerned: &[usize]) -> Vec<Passage> {
    let concerned = |node: &usize| concerned.contains(node);
    let mut passages = Vec::new();
    for ((message, to), arrived) in &frames.arrived {
        let carrying = carrying(evidence, (*message, *to), arrived);
        // How others got it matters only if they passed it on, and then it is a delivery that is drawn.
        passages.extend(carrying.into_iter().filter(|passage| passage.delivery.is_some() || concerned(to)));
    }
    for ((message, to), lost) in &frames.lost {
        let delivered = deliveries(evidence, *message, *to).next().map_or(u64::MAX, |(_, time)| time);
        // A lost acknowledgement matters to who sent it: that is why the message comes to it again.
        let matters = |lost: &&Lost| match lost.first.key.starts_with("ack/") {
            true => concerned(&lost.first.from),
            false => concerned(to) && lost.first.sent <= delivered,
        };
        for lost in lost.iter().filter(matters) {
            let again = match lost.count {
                1 => String::new(),
                count => {
                    format!(", {count} times until {} ms", crate::render::time_ms(lost.last).trim_end_matches(" ms"))
                }
            };
            let note = format!("{}{again}", fate(evidence, &lost.first, *message));
            passages.push(passage(evidence, &lost.first, (Some(*message), None, note)));
        }
    }
    let before = frames
        .last_before
        .iter()
        .flatten()
        .map(|frame| passage(evidence, frame, (None, None, format!("{} arrives", frame.key))));
    passages.extend(before);
    passages
}

/// For each delivery of a message at a node the frame that led to it; where it was never delivered, the first that came.
fn carrying(evidence: &Evidence, (message, to): (u64, usize), arrived: &[Frame]) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut earlier = None;
    for (delivery, time) in deliveries(evidence, message, to) {
        if let Some(frame) = carrier(arrived, (earlier, time)) {
            let note = manner(evidence, frame, message);
            passages.push(passage(evidence, frame, (Some(message), Some(delivery), note)));
            earlier = frame.arrived;
        }
    }
    let own = broadcast(evidence, message).is_some_and(|(node, _)| node == to);
    if let (true, false, Some(frame)) = (passages.is_empty(), own, arrived.first()) {
        let note = manner(evidence, frame, message);
        passages.push(passage(evidence, frame, (Some(message), None, note)));
    }
    passages
}

/// The frame that led to a delivery: the first that arrived after the one that led to the delivery before.
fn carrier(arrived: &[Frame], (earlier, by): (Option<u64>, u64)) -> Option<&Frame> {
    arrived.iter().filter(|frame| frame.arrived > earlier).find(|frame| frame.arrived.is_some_and(|at| at <= by))
}

fn passage(
    evidence: &Evidence,
    frame: &Frame,
    (message, delivery, note): (Option<u64>, Option<usize>, String),
) -> Passage {
    let begun = message.and_then(|message| broadcast(evidence, message)).filter(|(node, _)| *node == frame.from);
    let sent = frame.sent.max(begun.map_or(0, |(_, time)| time));
    let ended = frame.arrived.unwrap_or(sent).max(sent);
    let (from, to, arrived) = (frame.from, frame.to, frame.arrived.is_some());
    let (why, ack) = (why(evidence, frame), if frame.key.starts_with("ack/") { "ack of " } else { "" });
    let carries = message.map_or(String::new(), |message| format!("{ack}m{message}"));
    Passage { message, from, to, sent, ended, arrived, delivery, fault: frame.fault, note, carries, why }
}

/// What kept or lost a frame: nothing, if it was just passed on.
fn why(evidence: &Evidence, frame: &Frame) -> String {
    match frame.fate.as_str() {
        "passed" => String::new(),
        "down" => format!("lost: {} is down", evidence.nodes[frame.to]),
        fate => format!("{fate}{}", by_fault(evidence, frame.fault)),
    }
}

/// How a frame that arrived was treated, if it was not just passed on.
fn manner(evidence: &Evidence, frame: &Frame, message: u64) -> String {
    let by = by_fault(evidence, frame.fault);
    let kept = frame.arrived.unwrap_or(frame.sent).saturating_sub(frame.sent);
    match frame.fate.as_str() {
        "held" => format!("held {} ms{by}", kept / 1_000_000),
        "delayed" => format!("{} ms late{by}", kept / 1_000_000),
        "doubled" => format!("a second copy{by}"),
        _ => match broadcast(evidence, message) {
            Some((node, time)) if node == frame.from && frame.sent > time + LAG_NS => "sent again".to_owned(),
            _ => String::new(),
        },
    }
}

/// How a frame was lost.
fn fate(evidence: &Evidence, frame: &Frame, message: u64) -> String {
    let by = by_fault(evidence, frame.fault);
    if frame.key.starts_with("ack/") {
        return format!("{} {}{by}", frame.key, frame.fate);
    }
    match frame.fate.as_str() {
        "down" => format!("m{message} lost: {} is down", evidence.nodes[frame.to]),
        "reset" => format!("m{message} lost in a reset{by}"),
        fate => format!("m{message} {fate}{by}"),
    }
}

fn by_fault(evidence: &Evidence, id: Option<u64>) -> String {
    let Some(id) = id else { return String::new() };
    let known = evidence.faults.iter().find(|fault| fault.id == id);
    format!(" by {}", known.map_or_else(|| format!("fault {id}"), super::faults::Fault::name))
}

/// The broadcast of a message: who and when, ns.
pub fn broadcast(evidence: &Evidence, message: u64) -> Option<(usize, u64)> {
    let found = evidence.seen.iter().find(|seen| seen.what == What::Broadcast(message))?;
    Some((found.node?, found.time))
}

/// The deliveries of a message at a node: their positions in [`Evidence::seen`], and when, ns.
pub fn deliveries(evidence: &Evidence, message: u64, node: usize) -> impl Iterator<Item = (usize, u64)> {
    let seen = evidence.seen.iter().enumerate();
    let here = seen.filter(move |(_, seen)| seen.what == What::Deliver(message) && seen.node == Some(node));
    here.map(|(at, seen)| (at, seen.time))
}

/// `4 frames`, for notes.
pub fn frames(count: u64) -> String {
    counted(count, "frame", "frames")
}
