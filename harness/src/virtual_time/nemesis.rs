//! The nemesis in virtual time: begins and lifts the plan's faults, with the same ops and the same evidence as on real
//! processes, but for what only real time can show.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use temblor_checkers::header::Crashes;
use temblor_workloads::faults::{class_of, name_of};
use temblor_workloads::link::ActiveFault;
use temblor_workloads::plan::{Kind, LEADER};
use temblor_workloads::shapes::around;

use super::cluster::Cluster;
use super::reboots::Reboot;
use super::turns::{Flap, Stutter};
use super::world::World;
use crate::processes::{Due, describe, position, told};
use crate::proxy::policy::Marks;
use crate::recorder::Type;

/// Faults in force, by id.
#[derive(Debug, Default)]
pub struct Nemesis {
    pub(super) active: BTreeMap<u32, Active>,
}

/// A fault in force.
#[derive(Clone, Debug)]
pub(super) struct Active {
    /// Its name.
    pub f: &'static str,
    /// The op's value.
    pub value: Value,
    /// What there is to undo.
    pub what: What,
}

/// What a fault in force is, as far as that matters for its end.
#[derive(Clone, Debug)]
pub(super) enum What {
    Pause { node: usize, since_ns: u64 },
    Links(Places),
    Flap(Flap),
    Stutter(Stutter),
    Reboot(Reboot),
}

/// Links by the positions of their nodes, from and to.
pub(super) type Places = Vec<(usize, usize)>;

impl<C: Cluster> World<'_, C> {
    /// The fault at this place of the plan is due.
    pub(super) fn begin_fault(&mut self, at: usize) {
        let fault = &self.script.plan.faults[at];
        let (id, kind) = (fault.id, &fault.fault);
        let begun = match kind {
            Kind::Kill { node } if !self.comes_back(fault.for_us) => self.kill(id, node),
            kind if kind.ends_lives() => self.reboot(id, kind),
            Kind::Pause { node } => self.pause(id, node),
            Kind::Stutter { node, stopped_us, running_us } => self.stutter(id, node, (*stopped_us, *running_us)),
            Kind::Flap { up_us, down_us, .. } => self.flap(id, kind, (*up_us, *down_us)),
            Kind::ResetConnections { .. } => self.reset_connections(id, kind),
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
            What::Flap(flap) => self.end_flap(id, flap, value),
            What::Stutter(stutter) => self.end_stutter(stutter, value),
            What::Reboot(reboot) => self.end_reboot(id, reboot, (f, value)),
        }
        self.script.schedule.fault_ended(self.now.get(), id);
    }

    /// Lifts everything that is in force.
    pub(super) fn lift_all(&mut self) {
        let ids: Vec<u32> = self.nemesis.active.keys().copied().collect();
        ids.into_iter().for_each(|id| self.lift_fault(id));
    }

    /// Whether a node that is killed is started again: after that time, or where the model says so at the heal.
    fn comes_back(&self, for_us: Option<u64>) -> bool {
        for_us.is_some() || self.script.crashes == Crashes::Recover
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
        let node = self.stoppable(target)?;
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
        let mut value = self.announce(id, kind, &links);
        if matches!(kind, Kind::HalfOpen { .. }) {
            value["closed"] = self.connections(&links);
        }
        self.cut_in(id, kind, &links);
        self.nemesis.active.insert(id, Active { f: name_of(kind), value, what: What::Links(links) });
        Ok(())
    }

    /// What is on its way is lost, and it is over.
    fn reset_connections(&mut self, id: u32, kind: &Kind) -> Result<(), String> {
        let links = self.links_of(kind)?;
        let mut value = self.announce(id, kind, &links);
        value["closed"] = self.connections(&links);
        let seats = &self.seats;
        let open: Places = links.into_iter().filter(|(from, to)| seats[*from].up && seats[*to].up).collect();
        open.iter().for_each(|link| self.network.reset(*link, id));
        let kind = if open.is_empty() { Type::Info } else { Type::Ok };
        self.script.recorder.nemesis(kind, "reset-connections", &value);
        self.script.schedule.fault_ended(self.now.get(), id);
        Ok(())
    }

    /// Writes down that a fault of links is asked for; gives the op's value.
    pub(super) fn announce(&mut self, id: u32, kind: &Kind, links: &Places) -> Value {
        let named: Vec<(&str, &str)> =
            links.iter().map(|(from, to)| (self.script.name(*from), self.script.name(*to))).collect();
        let value = describe(id, kind, &json!(named));
        self.script.recorder.nemesis(Type::Invoke, name_of(kind), &value);
        value
    }

    /// The network begins to disturb frames.
    pub(super) fn cut_in(&mut self, id: u32, kind: &Kind, links: &Places) {
        for link in links {
            let fault = ActiveFault::on_link(id, kind, (self.script.name(link.0), self.script.name(link.1)));
            self.network.apply(*link, fault.expect("this fault disturbs frames"));
        }
    }

    /// The network disturbs frames no more: what the fault did on each link.
    pub(super) fn cut_out(&mut self, id: u32, links: &Places) -> Vec<((usize, usize), Marks)> {
        let mut bitten = Vec::new();
        for link in links {
            let (marks, departures) = self.network.lift(*link, id, self.now.get());
            self.depart(departures);
            self.hurry(*link);
            bitten.push((*link, marks));
        }
        bitten
    }

    fn undisturb(&mut self, id: u32, links: &Places, (f, mut value): (&'static str, Value)) {
        let did = self.cut_out(id, links);
        let bitten: Vec<((usize, usize), u64)> = did.iter().map(|(link, marks)| (*link, marks.frames)).collect();
        let shown = self.shown(&bitten);
        let kind = if shown.is_empty() { Type::Info } else { Type::Ok };
        value[if matches!(f, "partition" | "half-open") { "blocked" } else { "bites" }] = Value::Array(shown);
        if matches!(f, "delay" | "jitter" | "rate" | "reorder") {
            value["residence"] = self.residence(&did);
        }
        self.script.recorder.nemesis(kind, f, &value);
    }

    /// Where a fault bit: from, to, how often.
    pub(super) fn shown(&self, bitten: &[((usize, usize), u64)]) -> Vec<Value> {
        let bitten = bitten.iter().filter(|(_, bites)| *bites > 0);
        bitten.map(|((from, to), bites)| json!([self.script.name(*from), self.script.name(*to), bites])).collect()
    }

    /// How long frames stayed on each link that were kept.
    fn residence(&self, did: &[((usize, usize), Marks)]) -> Value {
        let stays = did.iter().map(|(link, marks)| (*link, marks.residence.summary()));
        let kept = stays.filter(|(_, stay)| stay.frames > 0);
        kept.map(|((from, to), stay)| json!([self.script.name(from), self.script.name(to), told(&stay)])).collect()
    }

    /// The links that have a connection: one each while both ends are up.
    fn connections(&self, links: &Places) -> Value {
        let open = links.iter().filter(|(from, to)| self.seats[*from].up && self.seats[*to].up);
        open.map(|(from, to)| json!([self.script.name(*from), self.script.name(*to), 1])).collect()
    }

    /// A node that died while paused is not resumed.
    pub(super) fn end_pauses_of(&mut self, node: usize) {
        let of_node = |active: &Active| match &active.what {
            What::Pause { node: paused, .. } => *paused == node,
            What::Stutter(stutter) => stutter.node == node,
            What::Links(_) | What::Flap(_) | What::Reboot(_) => false,
        };
        let ended: Vec<u32> =
            self.nemesis.active.iter().filter(|(_, active)| of_node(active)).map(|(id, _)| *id).collect();
        for id in ended {
            if let Some(Active { what: What::Stutter(stutter), value, .. }) = self.nemesis.active.remove(&id) {
                self.conclude_stutter(&stutter, value);
            }
            self.script.schedule.fault_ended(self.now.get(), id);
        }
        self.seats[node].pauses = 0;
    }

    /// A node that is up, and that no other fault stops.
    pub(super) fn stoppable(&self, target: &str) -> Result<usize, String> {
        let node = self.target(target)?;
        let of_node = |active: &Active| matches!(&active.what, What::Stutter(stutter) if stutter.node == node);
        if self.seats[node].pauses > 0 || self.nemesis.active.values().any(of_node) {
            return Err(format!("{} is paused already", self.script.name(node)));
        }
        Ok(node)
    }

    /// The node that a fault means, which has to be up.
    pub(super) fn target(&self, name: &str) -> Result<usize, String> {
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
    pub(super) fn links_of(&self, kind: &Kind) -> Result<Places, String> {
        let plan = self.script.plan;
        let links = match kind {
            Kind::Partition { around_leader: Some(group), .. } => {
                around(&plan.nodes, self.script.name(self.named(LEADER)?), group)
            }
            kind @ Kind::Bites { .. } => kind.links_of_frames(&plan.nodes),
            kind => kind.links().to_vec(),
        };
        let unique: BTreeSet<(usize, usize)> =
            links.iter().map(|(from, to)| (position(plan, from), position(plan, to))).collect();
        Ok(unique.into_iter().collect())
    }
}
