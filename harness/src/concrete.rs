//! Concrete plans: a run on real processes, said frame by frame, so that virtual time can do it again.
//!
//! From the history come the moments: when each request was made, when each process was stopped and for how long, and the last
//! line or frame of each node that was killed. From the trace comes what became of every frame: each that arrived is given its
//! time of arrival, so that every node sees its frames in the order in which they came; each that was lost is lost again. All
//! faults of links are replaced by that. What a killed node had not sent by then is lost too.
//!
//! What only the machine knows is not in these files: in which order a node's threads read two connections, and what it had
//! read but not yet answered when it was killed. So a concrete plan is tried, and what comes of it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;
use temblor_checkers::op::{Event, Kind as Stage, Op, Process};
use temblor_checkers::reader::{HistoryError, Reader};
use temblor_workloads::plan::{Anchor, Bite, Fate, Fault, Kind, Link, Operation, Plan, Seen, When};
use temblor_workloads::shrink::Moments as Timetable;

/// A line of the trace of more bytes is none of the recorder's.
const LINE_MAX: u64 = 1 << 20;

/// What a run on real processes was, moment by moment.
#[derive(Debug, Default)]
struct Moments {
    /// When each message was asked for, ns.
    requests: BTreeMap<u64, u64>,
    /// When each fault began, by its id, and when it ended, ns.
    faults: BTreeMap<u32, (u64, Option<u64>)>,
    /// When each node was killed, ns.
    deaths: BTreeMap<String, u64>,
    /// How many deliveries each node reported, and when the last, ns.
    deliveries: BTreeMap<String, (u64, u64)>,
    /// When everything was healed, ns.
    healed_ns: u64,
}

/// One frame of the trace.
#[derive(Clone, Debug, Deserialize)]
struct Frame {
    #[serde(rename = "in")]
    sent_ns: u64,
    #[serde(rename = "out")]
    arrived_ns: Option<u64>,
    from: String,
    to: String,
    key: String,
    what: String,
}

/// The concrete plan of a run: of its `plan`, its history and its trace. `begin_ns` is when its main phase began.
///
/// # Errors
/// The history is none, or the trace can't be read.
pub fn concrete((plan, begin_ns): (&Plan, u64), history: impl Read, trace: impl Read) -> anyhow::Result<Plan> {
    let moments = moments(history)?;
    let frames = frames(trace, moments.healed_ns)?;
    let us = |at_ns: u64| at_ns.saturating_sub(begin_ns) / 1_000;
    let operations = plan.operations.iter().filter_map(|operation| {
        let asked_ns = moments.requests.get(&operation.number)?;
        Some(Operation { when: When::AtUs(us(*asked_ns)), ..operation.clone() })
    });
    let mut concrete = Plan {
        operations: operations.collect(),
        length_us: us(moments.healed_ns).max(1),
        requested: Vec::new(),
        ..plan.clone()
    };
    concrete.operations.sort_by_key(|operation| match operation.when {
        When::AtUs(at_us) => at_us,
        When::After(_) => u64::MAX,
    });
    concrete.faults.retain_mut(|fault| stays(fault, (&moments, &frames), us));
    let bites = Kind::Bites { frames: bites(&frames, us), silent: moments.deaths.keys().cloned().collect() };
    let id = plan.faults.iter().map(|fault| fault.id).max().unwrap_or(0) + 1;
    concrete.faults.push(Fault { id, when: When::AtUs(0), for_us: None, fault: bites });
    Ok(concrete)
}

/// The same plan, with what its faults of links did in a run in virtual time said frame by frame; `None` if they did nothing. A
/// frame that took longer than `usual_ns` is one that was kept, or stood behind one that was.
///
/// # Errors
/// The trace can't be read.
pub fn bitten(plan: &Plan, trace: impl Read, usual_ns: u64) -> std::io::Result<Option<Plan>> {
    let frames = frames(trace, u64::MAX)?;
    let mut bites = bites(&frames, |at_ns| at_ns / 1_000);
    for (bite, frame) in bites.iter_mut().zip(&frames) {
        if let (Fate::AtUs(_), Some(arrived_ns)) = (bite.fate, frame.arrived_ns) {
            bite.fate = Fate::LateUs((arrived_ns - frame.sent_ns) / 1_000);
        }
    }
    bites.retain(|bite| !matches!(bite.fate, Fate::LateUs(late_us) if late_us <= usual_ns / 1_000));
    let is_of_processes = |kind: &Kind| kind.ends_lives() || matches!(kind, Kind::Pause { .. } | Kind::Stutter { .. });
    let mut concrete = plan.clone();
    concrete.faults.retain(|fault| is_of_processes(&fault.fault));
    if bites.is_empty() || concrete.faults.len() == plan.faults.len() {
        return Ok(None);
    }
    let id = plan.faults.iter().map(|fault| fault.id).max().unwrap_or(0) + 1;
    let fault = Kind::Bites { frames: bites, silent: Vec::new() };
    concrete.faults.push(Fault { id, when: When::AtUs(0), for_us: None, fault });
    Ok(Some(concrete))
}

/// When the requests and the faults of a run in virtual time came about.
///
/// # Errors
/// The history is none.
pub fn came_about(history: impl Read) -> Result<Timetable, HistoryError> {
    let Moments { requests, faults, .. } = moments(history)?;
    Ok(Timetable {
        requests: requests.into_iter().map(|(message, asked_ns)| (message, asked_ns / 1_000)).collect(),
        faults: faults.into_iter().map(|(id, (began_ns, _))| (id, began_ns / 1_000)).collect(),
    })
}

/// Sets a fault of processes to what it was; whether the fault is one, and happened.
fn stays(fault: &mut Fault, (moments, frames): (&Moments, &[Frame]), us: impl Fn(u64) -> u64) -> bool {
    let Some((began_ns, ended_ns)) = moments.faults.get(&fault.id) else { return false };
    let comes_back = fault.for_us.is_some();
    match &mut fault.fault {
        Kind::Kill { node } if !comes_back => match moments.deaths.get(node) {
            Some(killed_ns) => fault.when = last_sign(node, (moments, frames), us(*killed_ns)),
            None => return false,
        },
        Kind::Pause { .. } | Kind::Stutter { .. } => {
            fault.when = When::AtUs(us(*began_ns));
            fault.for_us = ended_ns.map(|ended_ns| (ended_ns - began_ns) / 1_000);
        }
        // It takes its own course; only when it began depends on the run.
        kind if kind.ends_lives() => {
            if !fault.when.needs_virtual_time() {
                fault.when = When::AtUs(us(*began_ns));
            }
        }
        _ => return false,
    }
    true
}

/// The last that was seen of a node that was killed: a delivery, a frame, or else only the time.
fn last_sign(node: &str, (moments, frames): (&Moments, &[Frame]), killed_us: u64) -> When {
    let delivered = moments.deliveries.get(node).copied();
    let sent = frames.iter().filter(|frame| frame.from == node && frame.what != "doubled").max_by_key(|f| f.sent_ns);
    let seen = match (delivered, sent) {
        (Some((count, delivered_ns)), sent) if sent.is_none_or(|frame| frame.sent_ns <= delivered_ns) => {
            Seen::Deliveries { node: node.to_owned(), count }
        }
        (_, Some(last)) => {
            let same = |frame: &&Frame| frame.from == node && frame.to == last.to && frame.key == last.key;
            let nth = frames.iter().filter(same).filter(|frame| frame.what != "doubled").count() as u64;
            Seen::Frame { from: node.to_owned(), to: last.to.clone(), key: last.key.clone(), nth }
        }
        (_, None) => return When::AtUs(killed_us),
    };
    When::After(Anchor { seen, delay_us: 0 })
}

/// What became of each frame. No two frames reach a node at the same microsecond, so that their order is kept.
fn bites(frames: &[Frame], us: impl Fn(u64) -> u64) -> Vec<Bite> {
    let mut seen: BTreeMap<(&str, &str, &str), u32> = BTreeMap::new();
    let mut arrivals: BTreeMap<(&str, u64, usize), ()> = BTreeMap::new();
    let mut bites = Vec::with_capacity(frames.len());
    for frame in frames {
        let nth = seen.entry((&frame.from, &frame.to, &frame.key)).or_default();
        let link: Link = (frame.from.clone(), frame.to.clone());
        let fate = match frame.arrived_ns {
            _ if frame.what == "doubled" => Fate::Doubled,
            Some(arrived_ns) => {
                arrivals.insert((&frame.to, arrived_ns, bites.len()), ());
                Fate::AtUs(us(arrived_ns))
            }
            None => Fate::Lost,
        };
        *nth += u32::from(frame.what != "doubled");
        bites.push(Bite { link, key: frame.key.clone(), nth: (*nth).max(1), fate });
    }
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for (to, _, at) in arrivals.into_keys() {
        if let (Fate::AtUs(at_us), earliest_us) = (&mut bites[at].fate, last.entry(to).or_default()) {
            *at_us = (*at_us).max(*earliest_us);
            *earliest_us = *at_us + 1;
        }
    }
    bites
}

/// The frames that reached the proxy before everything was healed, in the order in which they did.
fn frames(trace: impl Read, until_ns: u64) -> std::io::Result<Vec<Frame>> {
    let (mut trace, mut frames, mut line) = (BufReader::new(trace), Vec::new(), Vec::new());
    loop {
        line.clear();
        if trace.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            frames.sort_by_key(|frame: &Frame| frame.sent_ns);
            return Ok(frames);
        }
        // The first line names the format, and the last one may be torn.
        if let Ok(frame) = serde_json::from_slice::<Frame>(&line)
            && frame.sent_ns < until_ns
        {
            frames.push(frame);
        }
    }
}

fn moments(history: impl Read) -> Result<Moments, HistoryError> {
    let (mut reader, mut moments) = (Reader::new(history), Moments { healed_ns: u64::MAX, ..Moments::default() });
    let (mut last_ns, mut over) = (0, BTreeSet::new());
    while let Some(op) = reader.next()? {
        last_ns = op.time;
        let name = match op.process {
            Process::Node(node) => Some(reader.names().name(node).to_owned()),
            _ => None,
        };
        moments.take(&op, name, &mut over);
    }
    moments.healed_ns = moments.healed_ns.min(last_ns.saturating_add(1));
    Ok(moments)
}

impl Moments {
    fn take(&mut self, op: &Op, node: Option<String>, over: &mut BTreeSet<String>) {
        match (&op.event, node) {
            (Event::Request { message, .. }, _) if op.kind == Stage::Invoke => {
                self.requests.entry(*message).or_insert(op.time);
            }
            (Event::Deliver { .. }, Some(node)) if !over.contains(&node) => {
                let (count, last_ns) = self.deliveries.entry(node).or_default();
                (*count, *last_ns) = (*count + 1, op.time);
            }
            (Event::Other(other), Some(node)) if other.f == "exit" => {
                over.insert(node.clone());
                // What ends after the heal is ended by the end of the run.
                if self.healed_ns == u64::MAX {
                    self.deaths.insert(node, op.time);
                }
            }
            (Event::Other(other), None) if other.f == "heal" => self.healed_ns = self.healed_ns.min(op.time),
            (Event::Other(other), None) => self.fault((&other.f, op), other.value["id"].as_u64()),
            _ => {}
        }
    }

    /// A line of the nemesis about the fault with this id: its end is told by a line of its own, or by its last one.
    fn fault(&mut self, (f, op): (&str, &Op), id: Option<u64>) {
        let Some(id) = id.and_then(|id| u32::try_from(id).ok()) else { return };
        match (f, op.kind) {
            (_, Stage::Invoke) if f != "resume" => {
                self.faults.insert(id, (op.time, None));
            }
            ("pause", Stage::Ok) => {
                self.faults.insert(id, (op.time, None));
            }
            (_, Stage::Fail) => {
                self.faults.remove(&id);
            }
            ("pause", _) => {}
            _ => {
                self.faults.entry(id).and_modify(|(_, ended_ns)| *ended_ns = ended_ns.or(Some(op.time)));
            }
        }
    }
}
