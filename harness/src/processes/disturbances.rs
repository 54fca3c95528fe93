//! Faults of links and connections: they begin and end in the proxy, which counts what they do there.
//!
//! A fault that lasts is told with its evidence when it is lifted: what it blocked, kept or doubled on each link, and for how
//! long it kept that. A flap is a cut that comes and goes; each transition is stamped.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use temblor_workloads::faults::{class_of, name_of};
use temblor_workloads::plan::{Kind, LEADER, Link};
use temblor_workloads::shapes::around;

use super::conductor::Conductor;
use super::faults::{Active, Bitten, What};
use super::schedule::{Due, position};
use crate::proxy::{Bite, Bites, Summary};
use crate::recorder::Type;

/// Links by the positions of their nodes, from and to.
type Places = Vec<(usize, usize)>;

/// A cut that comes and goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flap {
    kind: Kind,
    links: Places,
    up_us: u64,
    down_us: u64,
    /// Whether the links are cut now.
    is_down: bool,
    /// When they were cut, us since the run began.
    cut_at_us: Vec<u64>,
    /// When they became whole.
    whole_at_us: Vec<u64>,
    /// What was blocked on each link so far.
    blocked: BTreeMap<(usize, usize), u64>,
}

impl Conductor<'_> {
    /// Begins a fault of links.
    pub(super) fn disturb(&mut self, id: u32, kind: &Kind) -> Result<(), String> {
        let links = self.announce(id, kind, What::Links)?;
        self.proxy.apply(id, kind, &links);
        Ok(())
    }

    /// A fault of links is over.
    pub(super) fn undisturb(&mut self, id: u32) {
        let bites = self.proxy.lift(id);
        self.tell(id, &bites);
    }

    /// Resets what is open on the links, and is over.
    pub(super) fn reset_connections(&mut self, id: u32, kind: &Kind) -> Result<(), String> {
        let links = self.announce(id, kind, What::Links)?;
        let bites = self.proxy.reset(id, &links);
        self.tell(id, &bites);
        Ok(())
    }

    /// Begins to cut links and to make them whole again, by turns: so long each, us.
    pub(super) fn flap(&mut self, id: u32, kind: &Kind, (up_us, down_us): (u64, u64)) -> Result<(), String> {
        let links = self.announce(id, kind, What::Links)?;
        let (cut_at_us, whole_at_us, blocked) = (Vec::new(), Vec::new(), BTreeMap::new());
        let kind = kind.clone();
        self.turn_flap(id, Flap { kind, links, up_us, down_us, is_down: false, cut_at_us, whole_at_us, blocked });
        Ok(())
    }

    /// The links of a flap are cut if they were whole, and the other way round.
    pub(super) fn turn_flap(&mut self, id: u32, mut flap: Flap) {
        let now = self.clock.now_ns();
        let lasts_us = if flap.is_down {
            flap.count(&self.proxy.lift(id));
            flap.whole_at_us.push(now / 1_000);
            flap.up_us
        } else {
            self.proxy.apply(id, &flap.kind, &flap.links);
            flap.cut_at_us.push(now / 1_000);
            flap.down_us
        };
        flap.is_down = !flap.is_down;
        self.schedule.push(now.saturating_add(lasts_us.saturating_mul(1_000)), Due::Turn(id));
        if let Some(active) = self.faults.active.get_mut(&id) {
            active.what = What::Flap(flap);
        }
    }

    /// A flap is over; its links are whole.
    pub(super) fn end_flap(&mut self, id: u32, mut flap: Flap) {
        if flap.is_down {
            flap.count(&self.proxy.lift(id));
            flap.whole_at_us.push(self.clock.now_ns() / 1_000);
        }
        let blocked: u64 = flap.blocked.values().sum();
        let shown: Vec<Value> = flap.blocked.iter().map(|(link, frames)| self.counted(*link, json!(frames))).collect();
        if let Some(active) = self.faults.active.get_mut(&id) {
            active.value["blocked"] = Value::Array(shown);
            active.value["cut_at_us"] = json!(flap.cut_at_us);
            active.value["whole_at_us"] = json!(flap.whole_at_us);
        }
        self.conclude(id, Bitten::counted(blocked));
    }

    /// Writes down that a fault is asked for; gives its links.
    fn announce(&mut self, id: u32, kind: &Kind, what: What) -> Result<Places, String> {
        let links = self.resolve(&self.links_of(kind)?);
        let named: Vec<(&str, &str)> =
            links.iter().map(|(a, b)| (self.nodes[*a].name.as_str(), self.nodes[*b].name.as_str())).collect();
        let value = describe(id, kind, &json!(named));
        self.recorder.nemesis(Type::Invoke, name_of(kind), &value);
        self.recorder.flush();
        self.faults.active.insert(id, Active { f: name_of(kind), value, what });
        Ok(links)
    }

    /// Writes down what a fault did.
    fn tell(&mut self, id: u32, bites: &Bites) {
        let Some(f) = self.faults.active.get(&id).map(|active| active.f) else { return };
        let frames: u64 = bites.iter().map(|bite| bite.frames).sum();
        let connections: u64 = bites.iter().map(|bite| bite.connections).sum();
        let evidence = self.evidence(f, bites);
        if let Some(active) = self.faults.active.get_mut(&id) {
            evidence.into_iter().for_each(|(key, shown)| active.value[key] = shown);
        }
        self.conclude(id, Bitten::counted(if f == "reset-connections" { connections } else { frames }));
    }

    /// What showed that a fault of this name took effect, by the keys of its op.
    fn evidence(&self, f: &str, bites: &[Bite]) -> Vec<(&'static str, Value)> {
        let shown = |wanted: fn(&Bite) -> u64| -> Value {
            let bitten = bites.iter().filter(|bite| wanted(bite) > 0);
            bitten.map(|bite| self.counted((bite.from, bite.to), json!(wanted(bite)))).collect()
        };
        let (frames, connections) = (shown(|bite| bite.frames), shown(|bite| bite.connections));
        match f {
            "reset-connections" => vec![("closed", connections)],
            "half-open" => vec![("blocked", frames), ("closed", connections)],
            "partition" => vec![("blocked", frames)],
            "delay" | "jitter" | "rate" | "reorder" => {
                vec![("bites", frames), ("residence", self.residence(bites))]
            }
            _ => vec![("bites", frames)],
        }
    }

    /// How long frames stayed that were kept: half of them no longer than the first number, 99 in 100 no longer than the second.
    fn residence(&self, bites: &[Bite]) -> Value {
        let kept = bites.iter().filter(|bite| bite.residence.frames > 0);
        let shown = kept.map(|bite| self.counted((bite.from, bite.to), told(&bite.residence)));
        shown.collect()
    }

    /// `["n1","n2",what]`.
    fn counted(&self, (from, to): (usize, usize), what: Value) -> Value {
        json!([self.nodes[from].name, self.nodes[to].name, what])
    }

    /// The links that a fault disturbs, now that it is known who leads.
    fn links_of(&self, kind: &Kind) -> Result<Vec<Link>, String> {
        match kind {
            Kind::Partition { around_leader: Some(group), .. } => {
                let leader = &self.nodes[self.named(LEADER)?].name;
                Ok(around(&self.plan.nodes, leader, group))
            }
            kind @ Kind::Bites { .. } => Ok(kind.links_of_frames(&self.plan.nodes)),
            kind => Ok(kind.links().to_vec()),
        }
    }

    /// Links by position, each once.
    fn resolve(&self, links: &[Link]) -> Places {
        let at = |name: &String| position(self.plan, name);
        let unique: BTreeSet<(usize, usize)> = links.iter().map(|(from, to)| (at(from), at(to))).collect();
        unique.into_iter().collect()
    }
}

impl Flap {
    /// Adds what one cut has blocked.
    fn count(&mut self, bites: &[Bite]) {
        for bite in bites.iter().filter(|bite| bite.frames > 0) {
            *self.blocked.entry((bite.from, bite.to)).or_default() += bite.frames;
        }
    }
}

/// How long frames stayed, as ops say it.
pub fn told(stay: &Summary) -> Value {
    json!({ "p50_us": stay.p50_ns / 1_000, "p99_us": stay.p99_ns / 1_000 })
}

/// The value of a link fault's op: what the plan says of it, and its links as they are now.
pub fn describe(id: u32, kind: &Kind, links: &Value) -> Value {
    let mut value = json!({ "id": id, "class": class_of(kind) });
    let written = serde_json::to_value(kind).expect("a fault is plain data");
    for (key, said) in written[name_of(kind)].as_object().into_iter().flatten() {
        if !["cut", "links", "around_leader", "frames"].contains(&key.as_str()) {
            value[key] = said.clone();
        }
    }
    value[if matches!(kind, Kind::Partition { .. }) { "cut" } else { "links" }] = links.clone();
    value
}
