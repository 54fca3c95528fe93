//! The schedule: what is due when, and what waits for something to be seen.
//!
//! Entries of the plan are due at a time, or so long after an anchor. An anchor fires once, at the first time it is seen.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use temblor_workloads::plan::{Anchor, Plan, Seen, When};

use crate::words::counted;

/// Something to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The operation at this place of the plan.
    Operation(usize),
    /// The fault at this place of the plan begins.
    Fault(usize),
    /// The fault with this id ends.
    Lift(u32),
    /// It is the other state's turn in the fault with this id.
    Turn(u32),
    /// The rule at this place of the plan reacts.
    Rule(usize),
    /// The request of this client has had no answer for too long; the second number is its `msg_id`.
    Timeout(u32, u64),
}

/// A frame anchor: what the proxy has to look out for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameAnchor {
    /// The sender's position.
    pub from: usize,
    /// The receiver's position.
    pub to: usize,
    /// The frame key.
    pub key: String,
    /// Which occurrence, from 1.
    pub nth: u64,
}

/// A number of a node, of its deliveries or of one message, that something waits for.
type NodeNumber = (usize, u64);
/// What becomes due, and how long after, ns.
type Waiting = Vec<(u64, Due)>;

/// What is due when, and what waits.
#[derive(Debug, Default)]
pub struct Schedule {
    queue: BinaryHeap<Reverse<(u64, u64, Due)>>,
    pushed: u64,
    deliveries: BTreeMap<NodeNumber, Waiting>,
    deliver: BTreeMap<NodeNumber, Waiting>,
    leaders: Vec<(u64, u64, Due)>,
    faults: BTreeMap<u32, Waiting>,
    frames: Vec<(FrameAnchor, u64, Due)>,
    /// By node and number of the input; with the cut.
    inputs: BTreeMap<NodeNumber, Vec<(u32, u64, Due)>>,
}

impl Schedule {
    /// All entries of `plan`, whose main phase begins at `start_ns`. Rules wait for their deliveries.
    pub fn new(plan: &Plan, start_ns: u64) -> Self {
        let mut schedule = Self::default();
        for (at, operation) in plan.operations.iter().enumerate() {
            schedule.enter(plan, &operation.when, (start_ns, Due::Operation(at)));
        }
        for (at, fault) in plan.faults.iter().enumerate() {
            schedule.enter(plan, &fault.when, (start_ns, Due::Fault(at)));
        }
        for (at, rule) in plan.rules.iter().enumerate() {
            let node = position(plan, &rule.node);
            schedule.deliver.entry((node, rule.on_deliver)).or_default().push((0, Due::Rule(at)));
        }
        schedule
    }

    /// Makes something due at `at_ns`. What is due at the same time is done in the order in which it was pushed.
    pub fn push(&mut self, at_ns: u64, due: Due) {
        self.pushed += 1;
        self.queue.push(Reverse((at_ns, self.pushed, due)));
    }

    /// When the next thing is due.
    pub fn next_ns(&self) -> Option<u64> {
        self.queue.peek().map(|Reverse((at, _, _))| *at)
    }

    /// The next thing that is due by `now_ns`.
    pub fn pop(&mut self, now_ns: u64) -> Option<Due> {
        if self.next_ns()? > now_ns {
            return None;
        }
        self.queue.pop().map(|Reverse((_, _, due))| due)
    }

    /// Drops all entries of the plan that have not come due; time-outs of requests stay. Gives what is to be said of them.
    pub fn drop_plan(&mut self) -> Vec<String> {
        let waiting = self.deliveries.values().chain(self.deliver.values()).chain(self.faults.values());
        let rules = |due: &Due| !matches!(due, Due::Rule(_));
        let mut unseen = waiting.flatten().filter(|(_, due)| rules(due)).count();
        unseen += self.leaders.len() + self.unseen_frames() + self.inputs.values().map(Vec::len).sum::<usize>();
        // The end of a fault or of its turn is no entry: the heal brings it.
        let entry = |due: &Due| matches!(due, Due::Operation(_) | Due::Fault(_));
        let late = self.queue.iter().filter(|Reverse((_, _, due))| entry(due)).count();
        self.queue.retain(|Reverse((_, _, due))| matches!(due, Due::Timeout(..)));
        *self = Self { queue: std::mem::take(&mut self.queue), pushed: self.pushed, ..Self::default() };
        let told = |count: usize, why: &str| {
            (count > 0).then(|| format!("{} of the plan {why}", counted(count, "entry", "entries")))
        };
        let unseen = told(unseen, "never came due: what they wait for was not seen in time");
        let late = told(late, "would have been due after the end of the main phase");
        unseen.into_iter().chain(late).collect()
    }

    /// The frame anchors that were not seen.
    fn unseen_frames(&self) -> usize {
        self.frames.iter().filter(|(anchor, ..)| anchor.nth > 0).count()
    }

    /// `node` delivered `message`, its `count`-th delivery.
    pub fn delivered(&mut self, now_ns: u64, node: usize, (count, message): (u64, u64)) {
        if !self.deliveries.is_empty() {
            let waiting = self.deliveries.remove(&(node, count));
            self.fire(now_ns, waiting);
        }
        if !self.deliver.is_empty() {
            let waiting = self.deliver.remove(&(node, message));
            self.fire(now_ns, waiting);
        }
    }

    /// Some node claims to lead `term`.
    pub fn led(&mut self, now_ns: u64, term: u64) {
        let (fired, waiting) = std::mem::take(&mut self.leaders).into_iter().partition(|(least, _, _)| *least <= term);
        self.leaders = waiting;
        let fired: Vec<(u64, u64, Due)> = fired;
        fired.into_iter().for_each(|(_, delay, due)| self.push(now_ns + delay, due));
    }

    /// The fault with this id was lifted or has completed.
    pub fn fault_ended(&mut self, now_ns: u64, id: u32) {
        let waiting = self.faults.remove(&id);
        self.fire(now_ns, waiting);
    }

    /// The frame anchors, for the proxy to watch; [`Schedule::frame_seen`] takes their positions.
    pub fn frame_anchors(&self) -> impl Iterator<Item = &FrameAnchor> {
        self.frames.iter().map(|(anchor, _, _)| anchor)
    }

    /// The frame anchor at this position was seen.
    pub fn frame_seen(&mut self, now_ns: u64, at: usize) {
        if let Some((anchor, delay, due)) = self.frames.get_mut(at) {
            // What was seen waits no longer; its place stays, since others are known by theirs.
            anchor.nth = 0;
            let (at_ns, due) = (now_ns + *delay, *due);
            self.push(at_ns, due);
        }
    }

    /// What waits for a moment within the `count`-th input of a node: after how many outputs, how long after that, and what.
    pub fn within_input(&mut self, node: usize, count: u64) -> Vec<(u32, u64, Due)> {
        if self.inputs.is_empty() { Vec::new() } else { self.inputs.remove(&(node, count)).unwrap_or_default() }
    }

    fn fire(&mut self, now_ns: u64, waiting: Option<Waiting>) {
        for (delay, due) in waiting.into_iter().flatten() {
            self.push(now_ns + delay, due);
        }
    }

    fn enter(&mut self, plan: &Plan, when: &When, (start_ns, due): (u64, Due)) {
        match when {
            When::AtUs(at_us) => self.push(start_ns + at_us * 1_000, due),
            When::After(anchor) => self.wait(plan, anchor, due),
        }
    }

    fn wait(&mut self, plan: &Plan, anchor: &Anchor, due: Due) {
        let delay = anchor.delay_us * 1_000;
        match &anchor.seen {
            Seen::Deliveries { node, count } => {
                self.deliveries.entry((position(plan, node), *count)).or_default().push((delay, due));
            }
            Seen::Deliver { node, message } => {
                self.deliver.entry((position(plan, node), *message)).or_default().push((delay, due));
            }
            Seen::Leader { term } => self.leaders.push((*term, delay, due)),
            Seen::Input { node, count, cut } => {
                self.inputs.entry((position(plan, node), *count)).or_default().push((*cut, delay, due));
            }
            Seen::Fault { id } => self.faults.entry(*id).or_default().push((delay, due)),
            Seen::Frame { from, to, key, nth } => {
                let (from, to) = (position(plan, from), position(plan, to));
                self.frames.push((FrameAnchor { from, to, key: key.clone(), nth: *nth }, delay, due));
            }
        }
    }
}

/// The position of a node that validation has shown to be in the plan.
pub fn position(plan: &Plan, node: &str) -> usize {
    plan.nodes.iter().position(|name| name == node).expect("a validated plan names only its own nodes")
}
