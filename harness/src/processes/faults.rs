//! The nemesis: begins and lifts the plan's faults, and records for each what showed that it took effect.
//!
//! An op is `invoke` when the fault is asked for. A kill is `ok` when the process was waited for, a pause when the kernel says
//! that it stands still; a fault of links is `ok` when it is lifted and has taken frames, `info` if it took none. What can't
//! be done at all (no leader, the node is down) is `fail` with the reason.

use std::collections::{BTreeMap, BTreeSet};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use temblor_workloads::faults::{class_of, name_of};
use temblor_workloads::plan::{Kind, LEADER, Link};
use temblor_workloads::shapes::around;

use super::conductor::Conductor;
use super::events::{Event, Signalled};
use super::schedule::{Due, position};
use super::signals::{self, Change};
use crate::recorder::Type;

/// How long a lift waits for a pause that has not taken effect yet, ns.
const SOON_NS: u64 = 1_000_000;

/// Faults in force, by id.
#[derive(Debug, Default)]
pub struct Faults {
    active: BTreeMap<u32, Active>,
    /// How many signals have been sent whose effect has not been seen yet.
    pub unseen: usize,
}

/// A fault in force.
#[derive(Debug)]
struct Active {
    f: &'static str,
    /// The op's value; the completion adds the evidence to it.
    value: Value,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Kill,
    Pause { node: usize, confirmed: bool },
    Links,
}

impl Conductor<'_> {
    /// The fault at this place of the plan is due.
    pub(super) fn begin_fault(&mut self, at: usize) {
        let plan = self.plan;
        let fault = &plan.faults[at];
        let id = fault.id;
        let begun = match &fault.fault {
            Kind::Kill { node } => self.kill(id, node),
            Kind::Pause { node } | Kind::Stutter { node, .. } => self.pause(id, node),
            Kind::ResetConnections { links } => self.reset_connections(id, links),
            kind => self.disturb(id, kind),
        };
        match begun {
            Ok(()) => {
                let lifted = |for_us: u64| (self.clock.now_ns() + for_us * 1_000, Due::Lift(id));
                if let (Some((at, due)), true) = (fault.for_us.map(lifted), self.faults.lasts(id)) {
                    self.schedule.push(at, due);
                }
            }
            Err(why) => {
                let mut value = json!({ "id": id, "class": class_of(&fault.fault) });
                self.recorder.nemesis(Type::Invoke, name_of(&fault.fault), &value);
                value["reason"] = json!(why);
                self.recorder.nemesis(Type::Fail, name_of(&fault.fault), &value);
                self.schedule.fault_ended(self.clock.now_ns(), id);
            }
        }
    }

    /// The fault with this id is over.
    pub(super) fn lift_fault(&mut self, id: u32) {
        match self.faults.active.get(&id).map(|active| active.what) {
            Some(What::Pause { confirmed: false, .. }) => {
                self.schedule.push(self.clock.now_ns() + SOON_NS, Due::Lift(id));
            }
            Some(What::Pause { node, .. }) => self.resume(id, node),
            Some(What::Links) => self.undisturb(id),
            Some(What::Kill) | None => {}
        }
    }

    /// Lifts everything that is in force; pauses end once [`Faults::unseen`] is 0.
    pub fn lift_all(&mut self) {
        let ids: Vec<u32> = self.faults.active.keys().copied().collect();
        ids.into_iter().for_each(|id| self.lift_fault(id));
    }

    /// The life that this kill was meant for has ended.
    pub(super) fn killed(&mut self, id: u32, node: usize, status: &str) {
        let Some(mut active) = self.faults.active.remove(&id) else { return };
        active.value["status"] = json!(status);
        self.recorder.nemesis(Type::Ok, active.f, &active.value);
        self.schedule.fault_ended(self.clock.now_ns(), id);
        self.end_pauses_of(node);
    }

    /// The kernel has (or has not) reported that a paused process stands still.
    pub(super) fn stopped(&mut self, signalled: Signalled) {
        self.faults.unseen -= 1;
        let Some(active) = self.faults.active.get_mut(&signalled.fault) else { return };
        active.what = What::Pause { node: signalled.node, confirmed: true };
        let mut value = active.value.clone();
        value["after_us"] = json!(signalled.after_ns / 1_000);
        let kind = if signalled.seen { Type::Ok } else { Type::Info };
        self.nodes[signalled.node].stopped_ns = Some(self.clock.now_ns());
        self.recorder.nemesis(kind, "pause", &value);
    }

    /// The kernel has (or has not) reported that a process goes on.
    pub(super) fn continued(&mut self, signalled: Signalled) {
        self.faults.unseen -= 1;
        let Some(mut active) = self.faults.active.remove(&signalled.fault) else { return };
        let since = self.nodes[signalled.node].stopped_ns.take();
        let stopped_ns = since.map_or(0, |since| self.clock.now_ns() - since);
        active.value["stopped_us"] = json!(stopped_ns / 1_000);
        let kind = if signalled.seen { Type::Ok } else { Type::Info };
        self.recorder.nemesis(kind, "resume", &active.value);
        self.schedule.fault_ended(self.clock.now_ns(), signalled.fault);
    }

    fn kill(&mut self, id: u32, target: &str) -> Result<(), String> {
        let node = self.target(target)?;
        let value = json!({ "id": id, "class": "kill", "node": self.nodes[node].name });
        self.recorder.nemesis(Type::Invoke, "kill", &value);
        self.recorder.flush();
        self.nodes[node].killed_by = Some(id);
        self.faults.active.insert(id, Active { f: "kill", value, what: What::Kill });
        if let Some(life) = &self.nodes[node].life {
            // A process that has just ended by itself is told by its exit status.
            let _ = signals::send(life.pid, Signal::SIGKILL);
        }
        Ok(())
    }

    fn pause(&mut self, id: u32, target: &str) -> Result<(), String> {
        let node = self.target(target)?;
        if !self.nodes[node].paused_by.is_empty() {
            return Err(format!("{} is paused already", self.nodes[node].name));
        }
        let value = json!({ "id": id, "class": "pause", "node": self.nodes[node].name });
        self.recorder.nemesis(Type::Invoke, "pause", &value);
        let what = What::Pause { node, confirmed: false };
        self.faults.active.insert(id, Active { f: "pause", value, what });
        self.nodes[node].paused_by.insert(id);
        self.signal((id, node), Change::Stopped);
        Ok(())
    }

    fn resume(&mut self, id: u32, node: usize) {
        if !self.nodes[node].paused_by.remove(&id) {
            // It was resumed already, and the evidence is on the way.
            return;
        }
        let value = self.faults.active[&id].value.clone();
        self.recorder.nemesis(Type::Invoke, "resume", &value);
        self.signal((id, node), Change::Continued);
    }

    /// Sends SIGSTOP or SIGCONT, and has the kernel asked for the effect.
    fn signal(&mut self, (fault, node): (u32, usize), change: Change) {
        self.recorder.flush();
        let Some(pid) = self.nodes[node].life.as_ref().map(|life| life.pid) else { return };
        let signal = match change {
            Change::Stopped => Signal::SIGSTOP,
            Change::Continued => Signal::SIGCONT,
        };
        let (clock, events) = (self.clock, self.events.clone());
        let sent_ns = clock.now_ns();
        let sent = signals::send(pid, signal).is_ok();
        self.faults.unseen += 1;
        tokio::task::spawn_local(async move {
            let seen = sent && signals::seen(pid, change).await;
            let signalled = Signalled { fault, node, seen, after_ns: clock.now_ns() - sent_ns };
            let event = match change {
                Change::Stopped => Event::Stopped(signalled),
                Change::Continued => Event::Continued(signalled),
            };
            // Nobody listens any more once the run is over.
            let _ = events.send(event).await;
        });
    }

    /// Begins a fault of links.
    fn disturb(&mut self, id: u32, kind: &Kind) -> Result<(), String> {
        let links = self.resolve(&self.links_of(kind)?);
        let named: Vec<(&str, &str)> =
            links.iter().map(|(a, b)| (self.nodes[*a].name.as_str(), self.nodes[*b].name.as_str())).collect();
        let value = describe(id, kind, &json!(named));
        self.recorder.nemesis(Type::Invoke, name_of(kind), &value);
        self.recorder.flush();
        self.proxy.apply(id, kind, &links);
        self.faults.active.insert(id, Active { f: name_of(kind), value, what: What::Links });
        Ok(())
    }

    /// Resets what is open on these links, and is over.
    fn reset_connections(&mut self, id: u32, links: &[Link]) -> Result<(), String> {
        let links = self.resolve(links);
        let named: Vec<(&str, &str)> =
            links.iter().map(|(a, b)| (self.nodes[*a].name.as_str(), self.nodes[*b].name.as_str())).collect();
        let mut value = json!({ "id": id, "class": "connection", "links": named });
        self.recorder.nemesis(Type::Invoke, "reset-connections", &value);
        self.recorder.flush();
        let bites = self.proxy.reset(id, &links);
        let name = |node: usize| self.nodes[node].name.clone();
        let closed: Vec<Value> = bites
            .iter()
            .filter(|bite| bite.connections > 0)
            .map(|bite| json!([name(bite.from), name(bite.to), bite.connections]))
            .collect();
        let kind = if closed.is_empty() { Type::Info } else { Type::Ok };
        value["closed"] = Value::Array(closed);
        self.recorder.nemesis(kind, "reset-connections", &value);
        self.schedule.fault_ended(self.clock.now_ns(), id);
        Ok(())
    }

    fn undisturb(&mut self, id: u32) {
        let Some(mut active) = self.faults.active.remove(&id) else { return };
        let bites = self.proxy.lift(id);
        let name = |node: usize| self.nodes[node].name.clone();
        let shown: Vec<Value> =
            bites.iter().filter(|b| b.frames > 0).map(|b| json!([name(b.from), name(b.to), b.frames])).collect();
        let kind = if shown.is_empty() { Type::Info } else { Type::Ok };
        active.value[if active.f == "partition" { "blocked" } else { "bites" }] = Value::Array(shown);
        self.recorder.nemesis(kind, active.f, &active.value);
        self.schedule.fault_ended(self.clock.now_ns(), id);
    }

    /// A node that died while paused is not resumed.
    fn end_pauses_of(&mut self, node: usize) {
        for id in std::mem::take(&mut self.nodes[node].paused_by) {
            self.faults.active.remove(&id);
            self.schedule.fault_ended(self.clock.now_ns(), id);
        }
        self.nodes[node].stopped_ns = None;
    }

    /// The node that a fault means, which has to be up.
    fn target(&self, name: &str) -> Result<usize, String> {
        let node = self.named(name)?;
        if self.nodes[node].is_up() { Ok(node) } else { Err(format!("{} is down", self.nodes[node].name)) }
    }

    fn named(&self, name: &str) -> Result<usize, String> {
        if name == LEADER {
            return self.leader.map(|(_, node)| node).ok_or_else(|| "no node has claimed to lead".to_owned());
        }
        let found = self.nodes.iter().position(|node| node.name == name);
        found.ok_or_else(|| format!("there is no node {name}"))
    }

    /// The links that a fault disturbs, now that it is known who leads.
    fn links_of(&self, kind: &Kind) -> Result<Vec<Link>, String> {
        match kind {
            Kind::Partition { around_leader: Some(group), .. } => {
                let leader = &self.nodes[self.named(LEADER)?].name;
                Ok(around(&self.plan.nodes, leader, group))
            }
            kind => Ok(kind.links().to_vec()),
        }
    }

    /// Links by position, each once.
    fn resolve(&self, links: &[Link]) -> Vec<(usize, usize)> {
        let at = |name: &String| position(self.plan, name);
        let unique: BTreeSet<(usize, usize)> = links.iter().map(|(from, to)| (at(from), at(to))).collect();
        unique.into_iter().collect()
    }
}

impl Faults {
    /// Whether the fault is in force until it is lifted; a kill is not.
    fn lasts(&self, id: u32) -> bool {
        self.active.get(&id).is_some_and(|active| active.what != What::Kill)
    }

    /// Whether nothing is in force and no evidence is on the way.
    pub fn over(&self) -> bool {
        self.unseen == 0 && self.active.is_empty()
    }
}

/// The value of a link fault's op: what the plan says of it, and its links as they are now.
pub fn describe(id: u32, kind: &Kind, links: &Value) -> Value {
    let mut value = json!({ "id": id, "class": class_of(kind) });
    let written = serde_json::to_value(kind).expect("a fault is plain data");
    for (key, said) in written[name_of(kind)].as_object().into_iter().flatten() {
        if !["cut", "links", "around_leader"].contains(&key.as_str()) {
            value[key] = said.clone();
        }
    }
    value[if matches!(kind, Kind::Partition { .. }) { "cut" } else { "links" }] = links.clone();
    value
}
