//! Faults that make processes stand still: `pause`, and `stutter`, which stops and continues one by turns.
//!
//! Only what the kernel reports counts as evidence: a stop takes effect late on a busy machine. So a turn of a stutter lasts from
//! the report that it has begun, and the time for which the process stood still is measured, not added up from the plan.

use nix::sys::signal::Signal;
use serde_json::json;

use super::conductor::Conductor;
use super::events::{Event, Signalled};
use super::faults::{Active, Bitten, What};
use super::schedule::Due;
use super::signals::{self, Change};
use crate::recorder::Type;

/// A process that stands still and runs by turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stutter {
    node: usize,
    stopped_us: u64,
    running_us: u64,
    phase: Phase,
    /// Whether it was lifted, and ends as soon as the process runs.
    lifted: bool,
    /// How often the kernel has reported that the process stood still.
    stops: u64,
    /// For how long it stood still in all, ns.
    stopped_ns: u64,
}

/// Where a stutter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// SIGSTOP was sent.
    Stopping,
    /// It stands still since then, ns.
    Stopped(u64),
    /// SIGCONT was sent to a process that stood still since then, ns; `None` if that was never seen.
    Continuing(Option<u64>),
    /// It runs.
    Running,
}

impl Conductor<'_> {
    /// Stops a process until the fault is lifted.
    pub(super) fn pause(&mut self, id: u32, target: &str) -> Result<(), String> {
        let node = self.stoppable(target)?;
        let value = json!({ "id": id, "class": "pause", "node": self.nodes[node].name });
        self.recorder.nemesis(Type::Invoke, "pause", &value);
        let what = What::Pause { node, confirmed: false };
        self.faults.active.insert(id, Active { f: "pause", value, what });
        self.nodes[node].paused_by.insert(id);
        self.signal((id, node), Change::Stopped);
        Ok(())
    }

    /// Continues a process that a pause has stopped.
    pub(super) fn resume(&mut self, id: u32, node: usize) {
        if !self.nodes[node].paused_by.remove(&id) {
            // It was resumed already, and the evidence is on the way.
            return;
        }
        let value = self.faults.active[&id].value.clone();
        self.recorder.nemesis(Type::Invoke, "resume", &value);
        self.signal((id, node), Change::Continued);
    }

    /// Stops a process and lets it run by turns: so long each, us.
    pub(super) fn stutter(&mut self, id: u32, target: &str, turns: (u64, u64)) -> Result<(), String> {
        let node = self.stoppable(target)?;
        let (stopped_us, running_us) = turns;
        let value = json!({ "id": id, "class": "pause", "node": self.nodes[node].name,
                            "stopped_us": stopped_us, "running_us": running_us });
        self.recorder.nemesis(Type::Invoke, "stutter", &value);
        let (phase, lifted) = (Phase::Stopping, false);
        let stutter = Stutter { node, stopped_us, running_us, phase, lifted, stops: 0, stopped_ns: 0 };
        self.faults.active.insert(id, Active { f: "stutter", value, what: What::Stutter(stutter) });
        self.nodes[node].paused_by.insert(id);
        self.signal((id, node), Change::Stopped);
        Ok(())
    }

    /// A turn of a stutter is over.
    pub(super) fn turn_stutter(&mut self, id: u32, mut stutter: Stutter) {
        let change = match stutter.phase {
            Phase::Running => Change::Stopped,
            Phase::Stopped(_) => Change::Continued,
            // A signal is on its way.
            Phase::Stopping | Phase::Continuing(_) => return,
        };
        stutter.phase = match stutter.phase {
            Phase::Stopped(since_ns) => Phase::Continuing(Some(since_ns)),
            _ => Phase::Stopping,
        };
        let node = stutter.node;
        self.keep(id, stutter);
        self.signal((id, node), change);
    }

    /// A stutter is lifted: it ends with the process running.
    pub(super) fn end_stutter(&mut self, id: u32, mut stutter: Stutter) {
        stutter.lifted = true;
        let phase = stutter.phase;
        self.keep(id, stutter.clone());
        match phase {
            Phase::Running => self.conclude_stutter(id, &stutter),
            Phase::Stopped(_) => self.turn_stutter(id, stutter),
            // The report that is on its way goes on with it.
            Phase::Stopping | Phase::Continuing(_) => {}
        }
    }

    /// The kernel has (or has not) reported that a process stands still.
    pub(super) fn stopped(&mut self, signalled: Signalled) {
        self.faults.unseen -= 1;
        let now = self.clock.now_ns();
        let Some(active) = self.faults.active.get_mut(&signalled.fault) else { return };
        if let What::Stutter(stutter) = &active.what {
            let stutter = stutter.clone();
            return self.stutter_stopped(signalled, stutter);
        }
        active.what = What::Pause { node: signalled.node, confirmed: true };
        let mut value = active.value.clone();
        value["after_us"] = json!(signalled.after_ns / 1_000);
        let kind = if signalled.seen { Type::Ok } else { Type::Info };
        self.nodes[signalled.node].stopped_ns = Some(now);
        self.recorder.nemesis(kind, "pause", &value);
    }

    /// The kernel has (or has not) reported that a process goes on.
    pub(super) fn continued(&mut self, signalled: Signalled) {
        self.faults.unseen -= 1;
        let Some(active) = self.faults.active.get_mut(&signalled.fault) else { return };
        if let What::Stutter(stutter) = &active.what {
            let stutter = stutter.clone();
            return self.stutter_continued(signalled, stutter);
        }
        let since = self.nodes[signalled.node].stopped_ns.take();
        let stopped_ns = since.map_or(0, |since| self.clock.now_ns() - since);
        active.value["stopped_us"] = json!(stopped_ns / 1_000);
        let value = active.value.clone();
        self.faults.active.remove(&signalled.fault);
        let kind = if signalled.seen { Type::Ok } else { Type::Info };
        self.recorder.nemesis(kind, "resume", &value);
        self.schedule.fault_ended(self.clock.now_ns(), signalled.fault);
    }

    /// A process that has ended is neither resumed nor stopped again.
    pub(super) fn end_pauses_of(&mut self, node: usize) {
        for id in std::mem::take(&mut self.nodes[node].paused_by) {
            match self.faults.active.get(&id).map(|active| active.what.clone()) {
                Some(What::Stutter(stutter)) => self.conclude_stutter(id, &stutter),
                _ => {
                    self.faults.active.remove(&id);
                    self.schedule.fault_ended(self.clock.now_ns(), id);
                }
            }
        }
        self.nodes[node].stopped_ns = None;
    }

    fn stutter_stopped(&mut self, signalled: Signalled, mut stutter: Stutter) {
        let (id, now) = (signalled.fault, self.clock.now_ns());
        stutter.stops += u64::from(signalled.seen);
        stutter.phase = Phase::Stopped(now);
        let (lifted, lasts_us) = (stutter.lifted, stutter.stopped_us);
        self.keep(id, stutter.clone());
        if lifted {
            self.turn_stutter(id, stutter);
        } else {
            self.schedule.push(now + lasts_us * 1_000, Due::Turn(id));
        }
    }

    fn stutter_continued(&mut self, signalled: Signalled, mut stutter: Stutter) {
        let (id, now) = (signalled.fault, self.clock.now_ns());
        if let (Phase::Continuing(Some(since_ns)), true) = (stutter.phase, signalled.seen) {
            stutter.stopped_ns += now - since_ns;
        }
        stutter.phase = Phase::Running;
        let (lifted, lasts_us) = (stutter.lifted, stutter.running_us);
        self.keep(id, stutter.clone());
        if lifted {
            self.conclude_stutter(id, &stutter);
        } else {
            self.schedule.push(now + lasts_us * 1_000, Due::Turn(id));
        }
    }

    fn conclude_stutter(&mut self, id: u32, stutter: &Stutter) {
        self.nodes[stutter.node].paused_by.remove(&id);
        if let Some(active) = self.faults.active.get_mut(&id) {
            active.value["stops"] = json!(stutter.stops);
            active.value["stopped_in_all_us"] = json!(stutter.stopped_ns / 1_000);
        }
        self.conclude(id, Bitten::counted(stutter.stops));
    }

    fn keep(&mut self, id: u32, stutter: Stutter) {
        if let Some(active) = self.faults.active.get_mut(&id) {
            active.what = What::Stutter(stutter);
        }
    }

    /// A node that is up, and that no other fault stops.
    fn stoppable(&self, target: &str) -> Result<usize, String> {
        let node = self.target(target)?;
        if self.nodes[node].paused_by.is_empty() {
            return Ok(node);
        }
        Err(format!("{} is paused already", self.nodes[node].name))
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
}
