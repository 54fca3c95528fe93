//! The nemesis in virtual time: begins and lifts the plan's faults, with the same ops and the same evidence as on real
//! processes, but for what only real time can show.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use temblor_workloads::faults::{class_of, name_of};
use temblor_workloads::link::ActiveFault;
use temblor_workloads::plan::{Kind, LEADER};
use temblor_workloads::shapes::around;

use super::cluster::Cluster;
use super::world::World;
use crate::processes::{Due, describe, position};
use crate::recorder::Type;

/// Faults in force, by id.
#[derive(Debug, Default)]
pub struct Nemesis {
    active: BTreeMap<u32, Active>,
}

#[derive(Debug)]
struct Active {
    f: &'static str,
    value: Value,
    what: What,
}

#[derive(Debug)]
enum What {
    Pause { node: usize, since_ns: u64 },
    Links(Vec<(usize, usize)>),
}

impl<C: Cluster> World<'_, C> {
    /// The fault at this place of the plan is due.
    pub(super) fn begin_fault(&mut self, at: usize) {
        let fault = &self.script.plan.faults[at];
        let (id, kind) = (fault.id, &fault.fault);
        let begun = match kind {
            Kind::Kill { node } => self.kill(id, node),
            Kind::Pause { node } | Kind::Stutter { node, .. } => self.pause(id, node),
            _ => self.disturb(id, kind),
        };
        match (begun, fault.for_us) {
            (Ok(()), Some(for_us)) if self.nemesis.active.contains_key(&id) => {
                self.script.schedule.push(self.now.get() + for_us * 1_000, Due::Lift(id));
            }
            (Ok(()), _) => {}
            (Err(why), _) => {
                let mut value = json!({ "id": id, "class": class_of(kind) });
                self.script.recorder.nemesis(Type::Invoke, name_of(kind), &value);
                value["reason"] = json!(why);
                self.script.recorder.nemesis(Type::Fail, name_of(kind), &value);
                self.script.schedule.fault_ended(self.now.get(), id);
            }
        }
    }

    /// The fault with this id is over.
    pub(super) fn lift_fault(&mut self, id: u32) {
        let Some(active) = self.nemesis.active.remove(&id) else { return };
        let Active { f, value, what } = active;
        match what {
            What::Pause { node, since_ns } => self.go_on((node, since_ns), value),
            What::Links(links) => self.undisturb(id, &links, (f, value)),
        }
        self.script.schedule.fault_ended(self.now.get(), id);
    }

    /// Lifts everything that is in force.
    pub(super) fn lift_all(&mut self) {
        let ids: Vec<u32> = self.nemesis.active.keys().copied().collect();
        ids.into_iter().for_each(|id| self.lift_fault(id));
    }

    fn kill(&mut self, id: u32, target: &str) -> Result<(), String> {
        let node = self.target(target)?;
        let mut value = json!({ "id": id, "class": "kill", "node": self.script.name(node) });
        self.script.recorder.nemesis(Type::Invoke, "kill", &value);
        self.exit(node, "signal 9");
        value["status"] = json!("signal 9");
        self.script.recorder.nemesis(Type::Ok, "kill", &value);
        self.script.schedule.fault_ended(self.now.get(), id);
        self.end_pauses_of(node);
        Ok(())
    }

    fn pause(&mut self, id: u32, target: &str) -> Result<(), String> {
        let node = self.target(target)?;
        if self.seats[node].pauses > 0 {
            return Err(format!("{} is paused already", self.script.name(node)));
        }
        let mut value = json!({ "id": id, "class": "pause", "node": self.script.name(node) });
        self.script.recorder.nemesis(Type::Invoke, "pause", &value);
        self.seats[node].pauses += 1;
        let what = What::Pause { node, since_ns: self.now.get() };
        self.nemesis.active.insert(id, Active { f: "pause", value: value.clone(), what });
        value["after_us"] = json!(0);
        self.script.recorder.nemesis(Type::Ok, "pause", &value);
        Ok(())
    }

    fn go_on(&mut self, (node, since_ns): (usize, u64), mut value: Value) {
        self.script.recorder.nemesis(Type::Invoke, "resume", &value);
        value["stopped_us"] = json!((self.now.get() - since_ns) / 1_000);
        self.script.recorder.nemesis(Type::Ok, "resume", &value);
        self.seats[node].pauses -= 1;
        self.resume(node);
    }

    fn disturb(&mut self, id: u32, kind: &Kind) -> Result<(), String> {
        let links = self.links_of(kind)?;
        let named: Vec<(&str, &str)> =
            links.iter().map(|(from, to)| (self.script.name(*from), self.script.name(*to))).collect();
        let value = describe(id, kind, &json!(named));
        self.script.recorder.nemesis(Type::Invoke, name_of(kind), &value);
        for link in &links {
            let fault = ActiveFault::new(id, kind).ok_or("there are no connections in virtual time")?;
            self.network.apply(*link, fault);
        }
        self.nemesis.active.insert(id, Active { f: name_of(kind), value, what: What::Links(links) });
        Ok(())
    }

    fn undisturb(&mut self, id: u32, links: &[(usize, usize)], (f, mut value): (&'static str, Value)) {
        let mut shown = Vec::new();
        for link in links {
            let (bites, departures) = self.network.lift(*link, id, self.now.get());
            self.depart(departures);
            if bites > 0 {
                shown.push(json!([self.script.name(link.0), self.script.name(link.1), bites]));
            }
        }
        let kind = if shown.is_empty() { Type::Info } else { Type::Ok };
        value[if f == "partition" { "blocked" } else { "bites" }] = Value::Array(shown);
        self.script.recorder.nemesis(kind, f, &value);
    }

    /// A node that died while paused is not resumed.
    fn end_pauses_of(&mut self, node: usize) {
        let of_node = |active: &Active| matches!(active.what, What::Pause { node: paused, .. } if paused == node);
        let ended: Vec<u32> =
            self.nemesis.active.iter().filter(|(_, active)| of_node(active)).map(|(id, _)| *id).collect();
        for id in ended {
            self.nemesis.active.remove(&id);
            self.script.schedule.fault_ended(self.now.get(), id);
        }
        self.seats[node].pauses = 0;
    }

    /// The node that a fault means, which has to be up.
    fn target(&self, name: &str) -> Result<usize, String> {
        let node = self.named(name)?;
        if self.seats[node].up { Ok(node) } else { Err(format!("{} is down", self.script.name(node))) }
    }

    fn named(&self, name: &str) -> Result<usize, String> {
        if name == LEADER {
            return self.script.leader.map(|(_, node)| node).ok_or_else(|| "no node has claimed to lead".to_owned());
        }
        Ok(position(self.script.plan, name))
    }

    /// The links that a fault disturbs, now that it is known who leads; each once.
    fn links_of(&self, kind: &Kind) -> Result<Vec<(usize, usize)>, String> {
        let plan = self.script.plan;
        let links = match kind {
            Kind::Partition { around_leader: Some(group), .. } => {
                around(&plan.nodes, self.script.name(self.named(LEADER)?), group)
            }
            kind => kind.links().to_vec(),
        };
        let unique: BTreeSet<(usize, usize)> =
            links.iter().map(|(from, to)| (position(plan, from), position(plan, to))).collect();
        Ok(unique.into_iter().collect())
    }
}
