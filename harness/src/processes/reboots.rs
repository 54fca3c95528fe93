//! Faults that end lives on real processes: SIGKILL and its damage, and the starts that follow where nodes come back.
//!
//! A step waits for what the one before it has caused: a start for the exit of the process before, since no line of one life may
//! be booked on the next. A node that is killed before it has answered `init` is no trouble, and counted.

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use temblor_workloads::faults::{class_of, name_of};
use temblor_workloads::plan::Kind;
use temblor_workloads::reboot::{Step, steps};

use super::conductor::Conductor;
use super::events::Event;
use super::faults::{Active, What};
use super::schedule::{Due, position};
use super::{signals, writes};
use crate::recorder::Type;
use crate::{damage, stored};

/// What a fault that waits for a write has come to.
type Armed = Rc<Cell<Trap>>;

/// Whether a fault kills its node as soon as that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trap {
    /// It does.
    Set,
    /// It has sent the signal, and what that means is still in the queue.
    Sprung,
    /// It does no more.
    Off,
}

/// A fault that ends lives, under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reboot {
    kind: Kind,
    steps: VecDeque<Step>,
    /// Whom it has sent SIGKILL, and whose exit has not been seen.
    dying: BTreeSet<usize>,
    /// Whom it has killed and not started again.
    down: BTreeSet<usize>,
    /// Whom it has started, and who has not answered `init` yet.
    starting: BTreeSet<usize>,
    kills: u64,
    starts: u64,
    /// Lives that it ended before they were ready.
    before_ready: u64,
    /// What it did to files.
    damage: Vec<Value>,
    /// Since when it waits for a write, ns.
    awaits: Option<(u64, Armed)>,
    /// Whether it was lifted: what is left are starts.
    lifted: bool,
    /// Whether its op has ended.
    told: bool,
}

impl Conductor<'_> {
    /// Begins a fault that ends lives; a kill after which nobody comes back is not one of them.
    pub(super) fn reboot(&mut self, id: u32, kind: &Kind) -> Result<(), String> {
        let (f, mut value) = (name_of(kind), json!({ "id": id, "class": class_of(kind) }));
        let target = match kind.victim() {
            Some(victim) => {
                let name = self.nodes[self.target(victim)?].name.clone();
                value["node"] = json!(name);
                name
            }
            None if self.nodes.iter().any(|node| node.is_up()) => String::new(),
            None => return Err("every node is down".to_owned()),
        };
        self.recorder.nemesis(Type::Invoke, f, &value);
        let reboot = Reboot {
            kind: kind.clone(),
            steps: steps(kind, &target, &self.plan.nodes),
            dying: BTreeSet::new(),
            down: BTreeSet::new(),
            starting: BTreeSet::new(),
            kills: 0,
            starts: 0,
            before_ready: 0,
            damage: Vec::new(),
            awaits: None,
            lifted: false,
            told: false,
        };
        self.faults.active.insert(id, Active { f, value, what: What::Reboot(reboot) });
        self.go_on_rebooting(id);
        Ok(())
    }

    /// Takes steps until one of them has to wait for something, or none is left.
    pub(super) fn go_on_rebooting(&mut self, id: u32) {
        let Some(Active { what: What::Reboot(reboot), f, .. }) = self.faults.active.get(&id) else { return };
        let (mut reboot, f) = (reboot.clone(), *f);
        if let Some((since_ns, armed)) = reboot.awaits.take() {
            armed.set(Trap::Off);
            let waited_us = (self.clock.now_ns() - since_ns) / 1_000;
            self.faults.active.entry(id).and_modify(|active| active.value["waited_us"] = json!(waited_us));
        }
        while let Some(step) = reboot.steps.pop_front() {
            match step {
                Step::AwaitWrite(node, us) => {
                    let now_ns = self.clock.now_ns();
                    let armed = Armed::new(Cell::new(Trap::Set));
                    reboot.awaits = Some((now_ns, armed.clone()));
                    self.schedule.push(now_ns + us * 1_000, Due::Turn(id));
                    self.keep_rebooting(id, reboot);
                    return self.await_write((id, position(self.plan, &node)), armed, Duration::from_micros(us));
                }
                Step::Kill(node) => self.kill_for((id, f), position(self.plan, &node), &mut reboot),
                step if !reboot.dying.is_empty() => {
                    reboot.steps.push_front(step);
                    break;
                }
                Step::Start(node) => self.start_again(id, position(self.plan, &node), &mut reboot),
                Step::Wait(us) => {
                    self.schedule.push(self.clock.now_ns() + us * 1_000, Due::Turn(id));
                    return self.keep_rebooting(id, reboot);
                }
            }
        }
        let is_over = reboot.steps.is_empty() && reboot.dying.is_empty() && reboot.starting.is_empty();
        let is_told = reboot.steps.is_empty() && reboot.dying.is_empty() && (reboot.kind.leaves_down() || is_over);
        if is_told && !reboot.told {
            reboot.told = true;
            self.tell_reboot(id, &reboot);
        }
        let stays = reboot.kind.leaves_down() && !reboot.lifted;
        if is_over && !stays {
            self.faults.active.remove(&id);
            self.schedule.fault_ended(self.clock.now_ns(), id);
        } else {
            self.keep_rebooting(id, reboot);
        }
    }

    /// Has this fault kill a node as soon as that writes.
    fn await_write(&mut self, (id, node): (u32, usize), armed: Armed, wait: Duration) {
        let directory = self.setup.folder.data(&self.nodes[node].name);
        let written = writes::Watch::begin(&directory);
        // Where files can't be watched, the fault comes when it has waited long enough.
        let (Ok(written), Some(life)) = (written, &self.nodes[node].life) else { return };
        self.recorder.flush();
        let (pid, events) = (life.pid, self.events.clone());
        tokio::task::spawn_local(async move {
            let seen = tokio::time::timeout(wait, written.seen()).await;
            if matches!(seen, Ok(Ok(()))) && armed.get() == Trap::Set {
                armed.set(Trap::Sprung);
                // A sync takes less time than an event in the queue, so the signal goes first: that it was asked for stands in the
                // history already.
                let _ = signals::send(pid, Signal::SIGKILL);
                // Nobody listens any more once the run is over.
                let _ = events.send(Event::Wrote { fault: id }).await;
            }
        });
    }

    /// The node that this fault waits for has written.
    pub(super) fn wrote(&mut self, id: u32) {
        let active = self.faults.active.get(&id);
        if active.is_some_and(|active| matches!(&active.what, What::Reboot(reboot) if reboot.awaits.is_some())) {
            self.go_on_rebooting(id);
        }
    }

    /// This life has ended: its pid is nobody's to kill. A fault that waits for the node finds its next life at the end of the wait.
    pub(super) fn disarm(&self, node: usize) {
        let name = &self.nodes[node].name;
        for active in self.faults.active.values().filter(|active| active.value["node"] == name.as_str()) {
            if let What::Reboot(Reboot { awaits: Some((_, armed)), .. }) = &active.what {
                armed.set(Trap::Off);
            }
        }
    }

    /// The fault is lifted: whoever it has left down is started.
    pub(super) fn end_reboot(&mut self, id: u32) {
        let awaits = |active: &Active| match &active.what {
            What::Reboot(Reboot { awaits: Some((_, armed)), .. }) => armed.get() == Trap::Sprung,
            _ => false,
        };
        if self.faults.active.get(&id).is_some_and(awaits) {
            // The signal has been sent, so the kill is this fault's.
            self.go_on_rebooting(id);
        }
        let Some(Active { what: What::Reboot(reboot), .. }) = self.faults.active.get(&id) else { return };
        let mut reboot = reboot.clone();
        let down: BTreeSet<usize> = reboot.down.union(&reboot.dying).copied().collect();
        reboot.steps = down.into_iter().map(|node| Step::Start(self.nodes[node].name.clone())).collect();
        reboot.lifted = true;
        self.keep_rebooting(id, reboot);
        self.go_on_rebooting(id);
    }

    /// A process that this fault has killed was waited for.
    pub(super) fn dead(&mut self, id: u32, node: usize, status: &str) {
        let Some(Active { what: What::Reboot(reboot), f, .. }) = self.faults.active.get(&id) else { return };
        let (mut reboot, f) = (reboot.clone(), *f);
        reboot.dying.remove(&node);
        reboot.down.insert(node);
        if f == "kill" {
            let active = self.faults.active.get_mut(&id).expect("it was just found");
            active.value["status"] = json!(status);
        } else {
            let value = json!({ "of": id, "class": "kill", "node": self.nodes[node].name, "status": status });
            self.recorder.nemesis(Type::Ok, "kill", &value);
        }
        let damage = self.damage(node, &reboot.kind);
        reboot.damage.extend(damage);
        self.keep_rebooting(id, reboot);
        self.go_on_rebooting(id);
    }

    /// A node has answered `init`: if a fault has started it, that is its evidence.
    pub(super) fn restarted(&mut self, node: usize) {
        let starting =
            |active: &Active| matches!(&active.what, What::Reboot(reboot) if reboot.starting.contains(&node));
        let Some(id) = self.faults.active.iter().find(|(_, active)| starting(active)).map(|(id, _)| *id) else {
            return;
        };
        let Some(Active { what: What::Reboot(reboot), .. }) = self.faults.active.get(&id) else { return };
        let mut reboot = reboot.clone();
        reboot.starting.remove(&node);
        let state = &self.nodes[node];
        let ready_us = (self.clock.now_ns() - state.started_ns) / 1_000;
        let value = json!({ "of": id, "node": state.name, "incarnation": state.incarnation, "ready_us": ready_us });
        self.recorder.nemesis(Type::Ok, "restart", &value);
        self.keep_rebooting(id, reboot);
        self.go_on_rebooting(id);
    }

    fn keep_rebooting(&mut self, id: u32, reboot: Reboot) {
        if let Some(active) = self.faults.active.get_mut(&id) {
            active.what = What::Reboot(reboot);
        }
    }

    fn kill_for(&mut self, (id, f): (u32, &str), node: usize, reboot: &mut Reboot) {
        if !self.nodes[node].is_up() {
            return;
        }
        let name = self.nodes[node].name.clone();
        if f != "kill" {
            let value = json!({ "of": id, "class": "kill", "node": name });
            self.recorder.nemesis(Type::Invoke, "kill", &value);
        }
        if reboot.starting.remove(&node) {
            reboot.before_ready += 1;
            let value = json!({ "of": id, "node": name, "reason": "killed before it was ready" });
            self.recorder.nemesis(Type::Info, "restart", &value);
        }
        self.recorder.flush();
        self.nodes[node].killed_by = Some(id);
        reboot.kills += 1;
        reboot.dying.insert(node);
        if let Some(life) = &self.nodes[node].life {
            // A process that has just ended by itself is told by its exit status.
            let _ = signals::send(life.pid, Signal::SIGKILL);
        }
    }

    fn start_again(&mut self, id: u32, node: usize, reboot: &mut Reboot) {
        if !reboot.down.remove(&node) || self.nodes[node].life.is_some() {
            return;
        }
        let state = &self.nodes[node];
        let mut value = json!({ "of": id, "node": state.name, "incarnation": state.incarnation + 1 });
        self.recorder.nemesis(Type::Invoke, "restart", &value);
        match self.start_node(node) {
            Ok(()) => {
                reboot.starts += 1;
                reboot.starting.insert(node);
            }
            Err(error) => {
                value["reason"] = json!(format!("{error:#}"));
                self.recorder.nemesis(Type::Fail, "restart", &value);
            }
        }
    }

    /// What the fault does to the files of a node whose process is gone.
    fn damage(&mut self, node: usize, kind: &Kind) -> Vec<Value> {
        if class_of(kind) != "disk" {
            return Vec::new();
        }
        let directory = self.setup.folder.data(&self.nodes[node].name);
        let files = match stored::read(&directory) {
            Ok(files) => files,
            Err(error) => return vec![json!({ "error": error.to_string() })],
        };
        let synced = |file: &str| {
            let reported = || self.nodes.iter().any(|node| node.synced.contains_key(file));
            let known = self.nodes[node].reports_syncs || reported();
            known.then(|| self.nodes[node].synced.get(file).copied().unwrap_or(0))
        };
        let surviving = damage::surviving(kind, &files, synced);
        let changes = damage::changes(kind, &files, synced);
        self.nodes[node].synced.extend(surviving);
        let mut evidence = Vec::new();
        for change in changes {
            let length = change.after.as_ref().map_or(0, Vec::len) as u64;
            match stored::change(&directory, &change.file, change.after.as_deref()) {
                Ok(()) => evidence.push(change.evidence),
                Err(error) => evidence.push(json!({ "file": change.file, "error": error.to_string() })),
            }
            self.nodes[node].synced.entry(change.file).and_modify(|synced| *synced = length.min(*synced));
        }
        evidence
    }

    /// The op's end: `ok` if it killed anybody and, where files were to be damaged, damaged some.
    fn tell_reboot(&mut self, id: u32, reboot: &Reboot) {
        let Some(active) = self.faults.active.get_mut(&id) else { return };
        let (f, value) = (active.f, &mut active.value);
        let damages = class_of(&reboot.kind) == "disk";
        if f != "kill" {
            value["kills"] = json!(reboot.kills);
        }
        if !reboot.kind.leaves_down() {
            value["starts"] = json!(reboot.starts);
            value["before_ready"] = json!(reboot.before_ready);
        }
        if damages {
            value["files"] = json!(reboot.damage);
        }
        let bitten = reboot.kills > 0 && (!damages || !reboot.damage.is_empty());
        self.recorder.nemesis(if bitten { Type::Ok } else { Type::Info }, f, &*value);
    }
}
