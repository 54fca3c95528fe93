//! The phases of a run: start, main phase, heal, drain, end.

use anyhow::{Result, anyhow};
use nix::sys::signal::Signal;
use serde_json::json;
use temblor_checkers::header::Acknowledges;
use tokio::sync::mpsc;

use super::clients::Pending;
use super::conductor::Conductor;
use super::events::Event;
use super::logs::last_lines;
use super::processor::Waits;
use super::pulse::Pulse;
use super::schedule::Schedule;
use super::{Ended, Setup, signals};
use crate::asked::Asked;
use crate::reads::Reads;
use crate::recorder::Type;
use crate::render::seconds;
use crate::script::Script;
use crate::words::counted;

/// Everything is healed within this time, or the kernel does not answer, ns.
const HEAL_TIMEOUT_NS: u64 = 5_000_000_000;
/// Killed processes are gone within this time, ns.
const END_TIMEOUT_NS: u64 = 5_000_000_000;
/// A node is read within this time, ns.
const READ_TIMEOUT_NS: u64 = 4_000_000_000;
/// How often the drain looks whether anything is still owed, ns.
const LOOK_NS: u64 = 10_000_000;
/// The indications that nodes are asked for.
pub const OBSERVE: &[&str] = &[
    "broadcast",
    "deliver",
    "synced",
    "leader",
    "follows",
    "term",
    "vote",
    "append",
    "truncate",
    "commit",
    "snapshot",
    "charged",
    "installed",
];

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// What was waited for has happened.
    Done,
    /// The time is over.
    Deadline,
    /// A person wants to stop, or the history can't be written any more.
    Stop,
}

/// A run on its way.
pub struct Phases<'a> {
    setup: &'a Setup<'a>,
    conductor: Conductor<'a>,
    events: mpsc::Receiver<Event>,
    pulse: Pulse,
    /// Interrupts that have been reacted to.
    heeded: u32,
    notes: Vec<String>,
    late_ns: u64,
    /// When the main phase began.
    main_phase_ns: u64,
}

impl<'a> Phases<'a> {
    /// A run that has not begun.
    pub fn new(setup: &'a Setup<'a>, conductor: Conductor<'a>, events: mpsc::Receiver<Event>) -> Self {
        let pulse = Pulse::start(conductor.clock);
        let heeded = setup.interrupts.count();
        Self { setup, conductor, events, pulse, heeded, notes: Vec::new(), late_ns: 0, main_phase_ns: 0 }
    }

    /// Goes through all phases.
    pub async fn run(mut self) -> Result<Ended> {
        let started = self.start().await;
        if let Ok(Flow::Done) = started {
            self.main_phase().await;
        }
        self.heed();
        let healed = self.heal().await;
        let drained = if started.is_ok() && healed != Flow::Stop { self.drain().await } else { Flow::Stop };
        // One that came since ended the heal or the drain early.
        self.heed();
        self.conductor.recorder.flush();
        let facts = self.facts();
        self.end().await;
        self.tell_troubles();
        started?;
        let failure = self.failure();
        Ok(Ended { aborted: drained == Flow::Stop, notes: self.notes, facts, failure })
    }

    /// Starts all nodes and waits until each has answered `init`, has ended, or has had its time.
    async fn start(&mut self) -> Result<Flow> {
        for at in 0..self.conductor.nodes.len() {
            self.conductor.start_node(at)?;
            // Many nodes dial many proxies: let the connections be accepted in between.
            tokio::task::yield_now().await;
        }
        self.conductor.let_go();
        let deadline = self.conductor.clock.now_ns().saturating_add(self.setup.init_timeout_us.saturating_mul(1_000));
        let settled = |c: &Conductor<'_>| c.nodes.iter().all(|node| node.ready || node.life.is_none());
        let flow = self.pump(deadline, settled).await;
        let missing: Vec<usize> =
            (0..self.conductor.nodes.len()).filter(|at| !self.conductor.nodes[*at].ready).collect();
        if missing.is_empty() || flow == Flow::Stop {
            return Ok(flow);
        }
        for at in missing {
            self.not_ready(at);
        }
        Ok(Flow::Deadline)
    }

    /// A node that is not ready although its time is over, or because it has ended: the run goes no further.
    fn not_ready(&mut self, at: usize) {
        let node = &mut self.conductor.nodes[at];
        if node.life.is_some() {
            let late = || format!("did not answer init within {} s", seconds(self.setup.init_timeout_us));
            let reason = node.refusal.take().unwrap_or_else(late);
            let value = json!({ "reason": reason, "requests": 1 });
            self.conductor.recorder.node(&node.name, "silent", &value);
            node.trouble = Some(reason);
        }
    }

    /// What nodes did that no fault made them do, with what it takes to look into it.
    fn tell_troubles(&mut self) {
        for at in 0..self.conductor.nodes.len() {
            let node = &self.conductor.nodes[at];
            if let Some(trouble) = &node.trouble {
                self.notes.push(format!("{} {trouble}; it was started as: {}", node.name, self.setup.launch));
                self.show_log(at);
            }
        }
    }

    /// The last lines of a node's log, for the person who watches.
    fn show_log(&mut self, at: usize) {
        let name = &self.conductor.nodes[at].name;
        let lines = last_lines(&self.setup.folder.stderr(name), 5);
        if lines.is_empty() {
            self.notes.push(format!("{name} wrote nothing to stderr"));
        }
        self.notes.extend(lines.iter().map(|line| format!("{name} stderr: {line}")));
    }

    /// The plan's entries fall due.
    async fn main_phase(&mut self) -> Flow {
        let start_ns = self.conductor.clock.now_ns();
        self.main_phase_ns = start_ns;
        self.conductor.schedule = Schedule::new(self.setup.plan, start_ns);
        let anchors: Vec<_> = self.conductor.schedule.frame_anchors().cloned().collect();
        for (at, anchor) in anchors.into_iter().enumerate() {
            let events = self.conductor.events.clone();
            let seen = move || {
                // Nobody listens any more once the run is over.
                tokio::task::spawn_local(async move { drop(events.send(Event::Frame(at)).await) });
            };
            self.conductor.proxy.watch((anchor.from, anchor.to), &anchor.key, (anchor.nth, seen));
        }
        let flow = self.pump(start_ns + self.setup.plan.length_us * 1_000, |_| false).await;
        let dropped = self.conductor.schedule.drop_plan();
        if flow == Flow::Deadline {
            self.notes.extend(dropped);
        }
        flow
    }

    /// Takes note of an interrupt: it ends the phase in which it came, and the run is judged as far as it came.
    fn heed(&mut self) {
        let interrupts = self.setup.interrupts;
        if interrupts.count() > self.heeded {
            self.heeded = interrupts.count();
            let reason = interrupts.name();
            self.conductor.schedule.drop_plan();
            self.conductor.recorder.nemesis(Type::Info, "interrupted", &json!({ "reason": reason }));
            self.notes.push(format!("interrupted by {reason}: what there is is judged"));
        }
    }

    /// Lifts all faults; all processes run again.
    async fn heal(&mut self) -> Flow {
        self.conductor.lift_all();
        self.conductor.let_go();
        let deadline = self.conductor.clock.now_ns() + HEAL_TIMEOUT_NS;
        let flow = self.pump(deadline, |c| c.faults.over()).await;
        let kind = if flow == Flow::Done { Type::Ok } else { Type::Info };
        if flow != Flow::Stop {
            self.conductor.recorder.nemesis(kind, "heal", &json!({}));
        }
        flow
    }

    /// Waits until nothing is owed and stays so, or the model's bound has passed.
    async fn drain(&mut self) -> Flow {
        self.pulse.reset();
        self.probe();
        let bound_ns = self.setup.bound_ms * 1_000_000;
        let calm_ns = bound_ns / 10 + 50_000_000;
        let waits =
            Waits::of(self.conductor.nodes.iter().filter_map(|node| node.life.as_ref()).map(|life| life.pid.as_raw()));
        let begun = self.conductor.clock.now_ns();
        let mut met_since = None;
        let mut reads = Reads::begin(begun);
        loop {
            let now = self.conductor.clock.now_ns();
            self.poll(&mut reads, now);
            met_since = if self.settled() { met_since.or(Some(now)) } else { None };
            if met_since.is_some_and(|since| now - since >= calm_ns) || now - begun >= bound_ns {
                break;
            }
            if self.pump(now + LOOK_NS, |_| false).await == Flow::Stop {
                return Flow::Stop;
            }
        }
        let (late_ns, waited_ns) = (self.pulse.worst_ns(), waits.longest_since_ns());
        self.late_ns = late_ns.max(waited_ns);
        // A node that was kept from running for a third of the time is not to blame, and neither is anybody if the harness was late.
        if self.read_in_the_end().await == Flow::Stop {
            return Flow::Stop;
        }
        self.drained(met_since.is_some(), late_ns >= bound_ns / 10 || waited_ns >= bound_ns / 3);
        Flow::Done
    }

    /// Where an acknowledgement binds for ever, everybody who is up is asked for one more broadcast: after the heal it has to be
    /// delivered everywhere.
    fn probe(&mut self) {
        if self.setup.header.ok != Acknowledges::Delivered {
            return;
        }
        for at in 0..self.conductor.nodes.len() {
            if self.conductor.nodes[at].is_up() {
                self.conductor.ask(at, Script::probe(self.setup.plan, at));
            }
        }
        self.conductor.let_go();
    }

    /// Nodes that report nothing are read now and then, to see whether they have what they owe.
    fn poll(&mut self, reads: &mut Reads, now: u64) {
        let owes = Script::has_reads(self.setup.header) && !self.conductor.obligations.met();
        if owes && self.conductor.clients.unanswered(None).is_empty() && reads.is_due(now) {
            self.ask_for_reads();
            self.conductor.let_go();
        }
    }

    /// Where there is a payment service, on the first node, it is asked for what it has charged; and where nodes are judged by
    /// what they hold, each is read.
    async fn read_in_the_end(&mut self) -> Flow {
        if Script::has_ledger(self.setup.plan) && self.conductor.nodes[0].is_up() {
            self.conductor.ask(0, Asked::Ledger);
        }
        if Script::has_reads(self.setup.header) {
            self.ask_for_reads();
        }
        let deadline = self.conductor.clock.now_ns() + READ_TIMEOUT_NS;
        let is_reading = |pending: &Pending| matches!(pending.asked, Asked::Ledger | Asked::Messages);
        let answered = |conductor: &Conductor<'_>| {
            !conductor.clients.unanswered(None).iter().any(|(_, pending)| is_reading(pending))
        };
        self.pump(deadline, answered).await
    }

    fn ask_for_reads(&mut self) {
        for at in 0..self.conductor.nodes.len() {
            if self.conductor.nodes[at].is_up() {
                self.conductor.ask(at, Asked::Messages);
            }
        }
    }

    /// Whether nothing is owed and every node that is up has answered everything.
    fn settled(&self) -> bool {
        self.conductor.obligations.met() && self.conductor.clients.unanswered(None).is_empty()
    }

    fn drained(&mut self, met: bool, harness_was_late: bool) {
        let conductor = &mut self.conductor;
        if !harness_was_late {
            conductor.report_silence();
        }
        conductor.abandon(None, ("timeout", "no answer by the end of the drain"));
        let unmet = conductor.obligations.unmet();
        match (met, harness_was_late) {
            (true, _) => conductor.recorder.nemesis(Type::Ok, "drained", &json!({})),
            (false, false) => conductor.recorder.nemesis(Type::Ok, "drained", &json!({ "unmet": unmet })),
            (false, true) => {
                let value = json!({ "unmet": unmet, "late_us": self.late_ns / 1_000 });
                conductor.recorder.nemesis(Type::Info, "drained", &value);
            }
        }
    }

    /// Ends all processes and waits for them.
    async fn end(&mut self) {
        for node in &self.conductor.nodes {
            if let Some(life) = &node.life {
                // One that has just ended by itself is waited for all the same.
                let _ = signals::send(life.pid, Signal::SIGKILL);
            }
        }
        let deadline = self.conductor.clock.at_ns(self.conductor.clock.now_ns() + END_TIMEOUT_NS);
        while self.conductor.nodes.iter().any(|node| node.life.is_some()) {
            match tokio::time::timeout_at(deadline, self.events.recv()).await {
                Ok(Some(Event::Exited { node, .. })) => self.conductor.nodes[node].life = None,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        self.conductor.proxy.shutdown();
    }

    /// Handles events and does what is due until `done`, or until the clock shows `until_ns`.
    async fn pump(&mut self, until_ns: u64, done: impl Fn(&Conductor<'_>) -> bool) -> Flow {
        loop {
            self.conductor.act();
            self.conductor.let_go();
            if self.conductor.recorder.failure().is_some() {
                return Flow::Stop;
            }
            if done(&self.conductor) {
                return Flow::Done;
            }
            if self.conductor.clock.now_ns() >= until_ns {
                return Flow::Deadline;
            }
            let wake = self.conductor.schedule.next_ns().map_or(until_ns, |next| next.min(until_ns));
            tokio::select! {
                () = self.setup.interrupts.beyond(self.heeded) => return Flow::Stop,
                event = self.events.recv() => self.handle_all(event),
                () = tokio::time::sleep_until(self.conductor.clock.at_ns(wake)) => {}
            }
        }
    }

    /// Handles an event and those that are waiting behind it.
    fn handle_all(&mut self, event: Option<Event>) {
        let waiting = std::iter::from_fn(|| self.events.try_recv().ok()).take(super::EVENTS_MAX);
        let events: Vec<Event> = event.into_iter().chain(waiting).collect();
        events.into_iter().for_each(|event| self.conductor.handle(event));
    }

    /// What differs from run to run.
    fn facts(&self) -> serde_json::Value {
        let nodes = self.conductor.nodes.iter().map(|node| {
            let listen = node.listen.map(|listen| listen.to_string());
            (node.name.clone(), json!({ "pid": node.pid, "listen": listen, "nonsense": node.nonsense }))
        });
        json!({
            "nodes": nodes.collect::<serde_json::Map<_, _>>(),
            "network": self.conductor.proxy.facts(),
            "ops": self.conductor.recorder.ops(),
            "main_phase_ns": self.main_phase_ns,
            "drain_worst_lateness_us": self.late_ns / 1_000,
        })
    }

    fn failure(&self) -> Option<anyhow::Error> {
        let history = self
            .conductor
            .recorder
            .failure()
            .map(|error| anyhow!("failed to write {}: {error}", self.setup.folder.file("history.jsonl").display()));
        let trace = || {
            let error = self.conductor.proxy.trace_failure()?;
            Some(anyhow!("failed to write {}: {error}", self.setup.folder.file("messages.jsonl").display()))
        };
        history.or_else(trace)
    }
}

impl Conductor<'_> {
    /// Each node that is up and has left requests unanswered although the bound has passed.
    fn report_silence(&mut self) {
        for at in 0..self.nodes.len() {
            let open = self.clients.unanswered(Some(at)).len() + self.nodes[at].ignored;
            if open > 0 && self.nodes[at].is_up() {
                let value = json!({ "reason": "requests unanswered at the end of the drain", "requests": open });
                self.recorder.node(&self.nodes[at].name, "silent", &value);
                self.nodes[at]
                    .trouble
                    .get_or_insert_with(|| format!("left {} unanswered", counted(open, "request", "requests")));
            }
        }
    }
}
