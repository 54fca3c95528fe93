//! Faults that take turns, in virtual time: a flap cuts its links and makes them whole, a stutter stops its node and lets it run.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use temblor_workloads::plan::Kind;

use super::cluster::Cluster;
use super::nemesis::{Active, Places, What};
use super::world::World;
use crate::processes::Due;
use crate::recorder::Type;

/// A cut that comes and goes.
#[derive(Clone, Debug)]
pub(super) struct Flap {
    kind: Kind,
    links: Places,
    up_us: u64,
    down_us: u64,
    is_down: bool,
    cut_at_us: Vec<u64>,
    whole_at_us: Vec<u64>,
    /// What was blocked on each link so far.
    blocked: BTreeMap<(usize, usize), u64>,
}

/// A node that stands still and runs by turns.
#[derive(Clone, Debug)]
pub(super) struct Stutter {
    /// Its position.
    pub node: usize,
    stopped_us: u64,
    running_us: u64,
    /// Since when it stands still, if it does, ns.
    since_ns: Option<u64>,
    stops: u64,
    stopped_ns: u64,
}

impl<C: Cluster> World<'_, C> {
    /// Begins to cut links and to make them whole again, by turns.
    pub(super) fn flap(&mut self, id: u32, kind: &Kind, (up_us, down_us): (u64, u64)) -> Result<(), String> {
        let links = self.links_of(kind)?;
        let value = self.announce(id, kind, &links);
        let (kind, cut_at_us, whole_at_us, blocked) = (kind.clone(), Vec::new(), Vec::new(), BTreeMap::new());
        let flap = Flap { kind, links, up_us, down_us, is_down: false, cut_at_us, whole_at_us, blocked };
        self.nemesis.active.insert(id, Active { f: "flap", value, what: What::Flap(flap) });
        self.turn(id);
        Ok(())
    }

    /// Begins to stop a node and to let it run, by turns.
    pub(super) fn stutter(&mut self, id: u32, target: &str, turns: (u64, u64)) -> Result<(), String> {
        let node = self.stoppable(target)?;
        let (stopped_us, running_us) = turns;
        let value = json!({ "id": id, "class": "pause", "node": self.script.name(node),
                            "stopped_us": stopped_us, "running_us": running_us });
        self.script.recorder.nemesis(Type::Invoke, "stutter", &value);
        let stutter = Stutter { node, stopped_us, running_us, since_ns: None, stops: 0, stopped_ns: 0 };
        self.nemesis.active.insert(id, Active { f: "stutter", value, what: What::Stutter(stutter) });
        self.turn(id);
        Ok(())
    }

    /// It is the other state's turn.
    pub(super) fn turn(&mut self, id: u32) {
        if matches!(self.nemesis.active.get(&id), Some(Active { what: What::Reboot(_), .. })) {
            return self.go_on_rebooting(id);
        }
        let Some(mut active) = self.nemesis.active.remove(&id) else { return };
        let lasts_us = match &mut active.what {
            What::Flap(flap) => self.turn_flap(id, flap),
            What::Stutter(stutter) => self.turn_stutter(stutter),
            What::Pause { .. } | What::Links(_) | What::Reboot(_) => unreachable!("only flaps and stutters take turns"),
        };
        // What waited for the node may have been its end.
        if let What::Stutter(stutter) = &active.what
            && !self.seats[stutter.node].up
        {
            self.conclude_stutter(stutter, active.value);
            return self.script.schedule.fault_ended(self.now.get(), id);
        }
        self.nemesis.active.insert(id, active);
        self.script.schedule.push(self.now.get().saturating_add(lasts_us.saturating_mul(1_000)), Due::Turn(id));
    }

    /// A flap is over; its links are whole.
    pub(super) fn end_flap(&mut self, id: u32, mut flap: Flap, mut value: Value) {
        if flap.is_down {
            self.turn_flap(id, &mut flap);
        }
        let blocked: Vec<((usize, usize), u64)> = flap.blocked.into_iter().collect();
        let shown = self.shown(&blocked);
        let kind = if shown.is_empty() { Type::Info } else { Type::Ok };
        value["blocked"] = Value::Array(shown);
        value["cut_at_us"] = json!(flap.cut_at_us);
        value["whole_at_us"] = json!(flap.whole_at_us);
        self.script.recorder.nemesis(kind, "flap", &value);
    }

    /// A stutter is over; its node runs.
    pub(super) fn end_stutter(&mut self, mut stutter: Stutter, value: Value) {
        if stutter.since_ns.is_some() {
            self.turn_stutter(&mut stutter);
        }
        self.conclude_stutter(&stutter, value);
    }

    /// Writes down what a stutter did.
    pub(super) fn conclude_stutter(&mut self, stutter: &Stutter, mut value: Value) {
        value["stops"] = json!(stutter.stops);
        value["stopped_in_all_us"] = json!(stutter.stopped_ns / 1_000);
        self.script.recorder.nemesis(Type::Ok, "stutter", &value);
    }

    /// Cuts what is whole, and the other way round; gives how long that lasts, us.
    fn turn_flap(&mut self, id: u32, flap: &mut Flap) -> u64 {
        let now_us = self.now.get() / 1_000;
        flap.is_down = !flap.is_down;
        if flap.is_down {
            self.cut_in(id, &flap.kind, &flap.links);
            flap.cut_at_us.push(now_us);
            return flap.down_us;
        }
        for (link, marks) in self.cut_out(id, &flap.links) {
            *flap.blocked.entry(link).or_default() += marks.frames;
        }
        flap.whole_at_us.push(now_us);
        flap.up_us
    }

    /// Stops what runs, and the other way round; gives how long that lasts, us.
    fn turn_stutter(&mut self, stutter: &mut Stutter) -> u64 {
        let Some(since_ns) = stutter.since_ns.take() else {
            self.seats[stutter.node].pauses += 1;
            stutter.stops += 1;
            stutter.since_ns = Some(self.now.get());
            return stutter.stopped_us;
        };
        stutter.stopped_ns += self.now.get() - since_ns;
        self.seats[stutter.node].pauses -= 1;
        self.resume(stutter.node);
        stutter.running_us
    }
}
