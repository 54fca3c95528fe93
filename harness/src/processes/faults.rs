//! The nemesis: begins and lifts the plan's faults, and records for each what showed that it took effect.
//!
//! An op is `invoke` when the fault is asked for. A kill is `ok` when the process was waited for, a pause when the kernel says
//! that it stands still; what lasts otherwise is `ok` when it is lifted and has bitten, `info` if it has not. What can't be done
//! at all (no leader, the node is down) is `fail` with the reason. `pauses` has the faults that stop processes, `disturbances`
//! those of links and connections.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use temblor_checkers::header::Crashes;
use temblor_workloads::faults::{class_of, name_of};
use temblor_workloads::plan::{Kind, LEADER};

use super::conductor::Conductor;
use super::disturbances::Flap;
use super::pauses::Stutter;
use super::reboots::Reboot;
use super::schedule::Due;
use super::signals;
use crate::recorder::Type;

/// How long a lift waits for a pause that has not taken effect yet, ns.
const SOON_NS: u64 = 1_000_000;

/// Faults in force, by id.
#[derive(Debug, Default)]
pub struct Faults {
    /// Those that have begun and not ended.
    pub(super) active: BTreeMap<u32, Active>,
    /// How many signals have been sent whose effect has not been seen yet.
    pub unseen: usize,
}

/// A fault in force.
#[derive(Debug)]
pub(super) struct Active {
    /// Its name.
    pub f: &'static str,
    /// The op's value; the completion adds the evidence to it.
    pub value: Value,
    /// What there is to undo.
    pub what: What,
}

/// What a fault in force is, as far as that matters for its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Kill,
    Pause { node: usize, confirmed: bool },
    Stutter(Stutter),
    Links,
    Flap(Flap),
    Reboot(Reboot),
}

impl Conductor<'_> {
    /// The fault at this place of the plan is due.
    pub(super) fn begin_fault(&mut self, at: usize) {
        let plan = self.plan;
        let fault = &plan.faults[at];
        let id = fault.id;
        let begun = match &fault.fault {
            Kind::Kill { node } if !self.comes_back(fault.for_us) => self.kill(id, node),
            kind if kind.ends_lives() => self.reboot(id, kind),
            Kind::Pause { node } => self.pause(id, node),
            Kind::Stutter { node, stopped_us, running_us } => self.stutter(id, node, (*stopped_us, *running_us)),
            Kind::ResetConnections { .. } => self.reset_connections(id, &fault.fault),
            Kind::Flap { up_us, down_us, .. } => self.flap(id, &fault.fault, (*up_us, *down_us)),
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
        match self.faults.active.get(&id).map(|active| active.what.clone()) {
            Some(What::Pause { confirmed: false, .. }) => {
                self.schedule.push(self.clock.now_ns() + SOON_NS, Due::Lift(id));
            }
            Some(What::Pause { node, .. }) => self.resume(id, node),
            Some(What::Stutter(stutter)) => self.end_stutter(id, stutter),
            Some(What::Links) => self.undisturb(id),
            Some(What::Flap(flap)) => self.end_flap(id, flap),
            Some(What::Reboot(_)) => self.end_reboot(id),
            Some(What::Kill) | None => {}
        }
    }

    /// It is the other state's turn in a fault that takes turns.
    pub(super) fn turn(&mut self, id: u32) {
        match self.faults.active.get(&id).map(|active| active.what.clone()) {
            Some(What::Flap(flap)) => self.turn_flap(id, flap),
            Some(What::Stutter(stutter)) => self.turn_stutter(id, stutter),
            Some(What::Reboot(_)) => self.go_on_rebooting(id),
            _ => {}
        }
    }

    /// Lifts everything that is in force; pauses end once [`Faults::unseen`] is 0.
    pub fn lift_all(&mut self) {
        let ids: Vec<u32> = self.faults.active.keys().copied().collect();
        ids.into_iter().for_each(|id| self.lift_fault(id));
    }

    /// The life that this kill was meant for has ended.
    pub(super) fn killed(&mut self, id: u32, node: usize, status: &str) {
        if matches!(self.faults.active.get(&id), Some(Active { what: What::Reboot(_), .. })) {
            return self.dead(id, node, status);
        }
        let Some(mut active) = self.faults.active.remove(&id) else { return };
        active.value["status"] = json!(status);
        self.recorder.nemesis(Type::Ok, active.f, &active.value);
        self.schedule.fault_ended(self.clock.now_ns(), id);
    }

    /// The last op of a fault: `ok` if it has bitten, `info` if not.
    pub(super) fn conclude(&mut self, id: u32, bitten: Bitten) {
        let Some(active) = self.faults.active.remove(&id) else { return };
        let kind = if bitten == Bitten::Never { Type::Info } else { Type::Ok };
        self.recorder.nemesis(kind, active.f, &active.value);
        self.schedule.fault_ended(self.clock.now_ns(), id);
    }

    /// Whether a node that is killed is started again: after that time, or where the model says so at the heal.
    fn comes_back(&self, for_us: Option<u64>) -> bool {
        for_us.is_some() || self.setup.header.crashes == Crashes::Recover
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

    /// The node that a fault means, which has to be up.
    pub(super) fn target(&self, name: &str) -> Result<usize, String> {
        let node = self.named(name)?;
        if self.nodes[node].is_up() { Ok(node) } else { Err(format!("{} is down", self.nodes[node].name)) }
    }

    /// The position of a node, or of whoever leads.
    pub(super) fn named(&self, name: &str) -> Result<usize, String> {
        if name == LEADER {
            return self.leader.map(|(_, node)| node).ok_or_else(|| "no node has claimed to lead".to_owned());
        }
        let found = self.nodes.iter().position(|node| node.name == name);
        found.ok_or_else(|| format!("there is no node {name}"))
    }
}

/// Whether a fault has had an effect that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bitten {
    Seen,
    Never,
}

impl Bitten {
    /// A counter of effects: zero is no evidence.
    pub(super) fn counted(effects: u64) -> Self {
        if effects == 0 { Self::Never } else { Self::Seen }
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
