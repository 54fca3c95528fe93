//! Faults that end lives, in virtual time: kills and their damage, and the starts that follow where nodes come back.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Value, json};
use temblor_workloads::faults::{class_of, name_of};
use temblor_workloads::plan::{Kind, LEADER};
use temblor_workloads::reboot::{Step, steps};

use super::cluster::Cluster;
use super::nemesis::{Active, What};
use super::world::World;
use crate::damage;
use crate::processes::{Due, position};
use crate::recorder::Type;

/// A fault that ends lives, under way.
#[derive(Clone, Debug)]
pub(super) struct Reboot {
    kind: Kind,
    steps: VecDeque<Step>,
    /// Whom it has killed and not started again.
    down: BTreeSet<usize>,
    kills: u64,
    starts: u64,
    /// What it did to files.
    damage: Vec<Value>,
    /// Whose next write it waits for, and since when, ns.
    awaits: Option<(usize, u64)>,
    /// Whether its op has ended.
    told: bool,
}

impl<C: Cluster> World<'_, C> {
    /// Begins a fault that ends lives; a kill after which nobody comes back is not one of them.
    pub(super) fn reboot(&mut self, id: u32, kind: &Kind) -> Result<(), String> {
        let (f, mut value) = (name_of(kind), json!({ "id": id, "class": class_of(kind) }));
        let target = match kind.victim() {
            Some(victim) => {
                let node = self.target(victim)?;
                value["node"] = json!(self.script.name(node));
                self.script.name(node)
            }
            None if self.seats.iter().any(|seat| seat.up) => LEADER,
            None => return Err("every node is down".to_owned()),
        };
        self.script.recorder.nemesis(Type::Invoke, f, &value);
        let steps = steps(kind, target, &self.script.plan.nodes);
        let (down, damage) = (BTreeSet::new(), Vec::new());
        let (kills, starts, awaits, told) = (0, 0, None, false);
        let reboot = Reboot { kind: kind.clone(), steps, down, kills, starts, damage, awaits, told };
        self.nemesis.active.insert(id, Active { f, value, what: What::Reboot(reboot) });
        self.go_on_rebooting(id);
        Ok(())
    }

    /// Takes steps until one of them is to wait, or none is left.
    pub(super) fn go_on_rebooting(&mut self, id: u32) {
        let Some(Active { f, mut value, what: What::Reboot(mut reboot) }) = self.nemesis.active.remove(&id) else {
            return;
        };
        if let Some((_, since_ns)) = reboot.awaits.take() {
            value["waited_us"] = json!((self.now.get() - since_ns) / 1_000);
        }
        while let Some(step) = reboot.steps.pop_front() {
            match step {
                Step::AwaitWrite(node, us) => {
                    reboot.awaits = Some((position(self.script.plan, &node), self.now.get()));
                    self.script.schedule.push(self.now.get() + us * 1_000, Due::Turn(id));
                    self.nemesis.active.insert(id, Active { f, value, what: What::Reboot(reboot) });
                    return;
                }
                Step::Kill(node) => self.kill_for((id, f), position(self.script.plan, &node), &mut reboot),
                Step::Start(node) => self.start_again(id, position(self.script.plan, &node), &mut reboot),
                Step::Wait(us) => {
                    self.script.schedule.push(self.now.get() + us * 1_000, Due::Turn(id));
                    self.nemesis.active.insert(id, Active { f, value, what: What::Reboot(reboot) });
                    return;
                }
            }
        }
        let leaves_down = reboot.kind.leaves_down();
        if !reboot.told {
            reboot.told = true;
            self.conclude_reboot(&reboot, (f, &mut value));
        }
        if leaves_down {
            self.nemesis.active.insert(id, Active { f, value, what: What::Reboot(reboot) });
        } else {
            self.script.schedule.fault_ended(self.now.get(), id);
        }
    }

    /// The fault is lifted: whoever it has left down is started.
    pub(super) fn end_reboot(&mut self, id: u32, mut reboot: Reboot, (f, mut value): (&'static str, Value)) {
        for node in reboot.down.clone() {
            self.start_again(id, node, &mut reboot);
        }
        if !reboot.told {
            self.conclude_reboot(&reboot, (f, &mut value));
        }
    }

    /// The faults that wait for this node to write.
    pub(super) fn awaiting_write(&self, node: usize) -> Vec<u32> {
        let awaits = |active: &Active| match &active.what {
            What::Reboot(reboot) => reboot.awaits.is_some_and(|(awaited, _)| awaited == node),
            _ => false,
        };
        self.nemesis.active.iter().filter(|(_, active)| awaits(active)).map(|(id, _)| *id).collect()
    }

    fn kill_for(&mut self, (id, f): (u32, &str), node: usize, reboot: &mut Reboot) {
        if !self.seats[node].up {
            return;
        }
        if f == "kill" {
            self.exit(node, "signal 9");
        } else {
            let mut value = json!({ "of": id, "class": "kill", "node": self.script.name(node) });
            self.script.recorder.nemesis(Type::Invoke, "kill", &value);
            self.exit(node, "signal 9");
            value["status"] = json!("signal 9");
            self.script.recorder.nemesis(Type::Ok, "kill", &value);
        }
        self.end_pauses_of(node);
        reboot.kills += 1;
        reboot.down.insert(node);
        let damage = self.damage(node, &reboot.kind);
        reboot.damage.extend(damage);
    }

    fn start_again(&mut self, id: u32, node: usize, reboot: &mut Reboot) {
        if !reboot.down.remove(&node) || self.seats[node].up {
            return;
        }
        let incarnation = self.seats[node].incarnation + 1;
        let value = json!({ "of": id, "node": self.script.name(node), "incarnation": incarnation });
        self.script.recorder.nemesis(Type::Invoke, "restart", &value);
        self.start(node);
        reboot.starts += 1;
        let kind = if self.seats[node].up { Type::Ok } else { Type::Info };
        self.script.recorder.nemesis(kind, "restart", &value);
    }

    /// What the fault does to the files of a node that it has just killed.
    fn damage(&mut self, node: usize, kind: &Kind) -> Vec<Value> {
        if class_of(kind) != "disk" {
            return Vec::new();
        }
        let files = match self.cluster.files(node) {
            Ok(files) => files,
            Err(error) => return vec![json!({ "error": error.to_string() })],
        };
        let synced = |file: &str| {
            let reported = || self.seats.iter().any(|seat| seat.synced.contains_key(file));
            let known = self.cluster.reports_syncs(node) || reported();
            known.then(|| self.seats[node].synced.get(file).copied().unwrap_or(0))
        };
        let surviving = damage::surviving(kind, &files, synced);
        let changes = damage::changes(kind, &files, synced);
        self.seats[node].synced.extend(surviving);
        let mut evidence = Vec::new();
        for change in changes {
            let length = change.after.as_ref().map_or(0, Vec::len) as u64;
            match self.cluster.change(node, &change.file, change.after.as_deref()) {
                Ok(()) => evidence.push(change.evidence),
                Err(error) => evidence.push(json!({ "file": change.file, "error": error.to_string() })),
            }
            let synced = &mut self.seats[node].synced;
            synced.entry(change.file).and_modify(|synced| *synced = length.min(*synced));
        }
        evidence
    }

    /// The op's end: `ok` if it killed anybody and, where files were to be damaged, damaged some.
    fn conclude_reboot(&mut self, reboot: &Reboot, (f, value): (&'static str, &mut Value)) {
        let damages = class_of(&reboot.kind) == "disk";
        match f {
            "kill" => value["status"] = json!("signal 9"),
            _ => value["kills"] = json!(reboot.kills),
        }
        if !reboot.kind.leaves_down() {
            value["starts"] = json!(reboot.starts);
        }
        if damages {
            value["files"] = json!(reboot.damage);
        }
        let bitten = reboot.kills > 0 && (!damages || !reboot.damage.is_empty());
        self.script.recorder.nemesis(if bitten { Type::Ok } else { Type::Info }, f, value);
    }
}
