//! Validity: whether a plan makes sense by itself, and within the model of a system.
//!
//! What can't work is refused here, before anything runs: names that don't exist, numbers that clash, entries that wait for what
//! never comes. The first flaw in the order of the file is told.

use std::collections::{BTreeMap, BTreeSet};

use crate::faults::{FAULTS, is_within, name_of};
use crate::plan::{Anchor, AroundLeader, Ask, Bite, Fate, Fault, Kind, LEADER, Link, Plan, Seen, When};
use crate::setting::Setting;
use crate::waiting;

/// The largest message number, 2^53 - 1: every JSON reader agrees on numbers up to it.
pub const MESSAGE_MAX: u64 = (1 << 53) - 1;
/// The longest time in a plan, us: a year.
pub const TIME_MAX_US: u64 = 366 * 24 * 3_600 * 1_000_000;
/// The most nodes of a plan.
pub const NODES_MAX: usize = 1_000;
/// The longest name of a node, bytes: it becomes a part of file names.
pub const NAME_MAX: usize = 64;
/// Names that mean something else in plans, histories and on the wire.
const RESERVED: &[&str] = &[LEADER, "nemesis", "observer"];

/// Something in a plan that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where.
    pub place: Place,
    /// What is wrong, in words.
    pub what: String,
}

/// A place in a plan; entries are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A key of the plan itself.
    Whole(&'static str),
    /// An operation.
    Operation(usize),
    /// A fault.
    Fault(usize),
    /// A rule.
    Rule(usize),
}

impl Place {
    /// A flaw at this place.
    pub(crate) fn flaw(self, what: impl Into<String>) -> Flaw {
        Flaw { place: self, what: what.into() }
    }
}

/// Whether a plan makes sense by itself.
pub fn check(plan: &Plan) -> Result<(), Flaw> {
    check_head(plan)?;
    let names = Names::of(plan)?;
    for (at, operation) in plan.operations.iter().enumerate() {
        let place = Place::Operation(at);
        names.node(&operation.node, place)?;
        names.when(&operation.when, place)?;
    }
    for (at, fault) in plan.faults.iter().enumerate() {
        let place = Place::Fault(at);
        names.when(&fault.when, place)?;
        names.fault(fault, place)?;
    }
    for (at, rule) in plan.rules.iter().enumerate() {
        names.node(&rule.node, Place::Rule(at))?;
        names.message(rule.on_deliver, Place::Rule(at))?;
    }
    waiting::check(plan)
}

/// Whether a plan keeps within the model of a system, unless it says that it does not want to.
pub fn check_against(plan: &Plan, setting: &Setting) -> Result<(), Flaw> {
    check_system(plan, setting)?;
    check_requests(plan, setting)?;
    if plan.beyond_model {
        return Ok(());
    }
    let mut victims = BTreeSet::new();
    for (at, fault) in plan.faults.iter().enumerate() {
        if !is_within(&fault.fault, setting) {
            let (name, system) = (name_of(&fault.fault), &setting.algorithm);
            let what =
                format!("{name} is outside the model of {system} (set \"beyond_model\": true or use --beyond-model)");
            return Err(Place::Fault(at).flaw(what));
        }
        if let Some(node) = fault.fault.victim() {
            // A leader may be another one each time.
            victims.insert((node, if node == LEADER { fault.id } else { 0 }));
        }
        // Where all may crash, as long as they come back, they may do so again and again.
        let limited = (setting.faulty_max as usize) < plan.nodes.len();
        if limited && victims.len() > setting.faulty_max as usize {
            let what = format!("{} nodes killed, and the model allows {}", victims.len(), setting.faulty_max);
            return Err(Place::Fault(at).flaw(what));
        }
    }
    Ok(())
}

fn check_system(plan: &Plan, setting: &Setting) -> Result<(), Flaw> {
    let of_plan = name(&plan.algorithm, &plan.over, plan.fanout, plan.http);
    let wanted = name(&setting.algorithm, &setting.over, setting.fanout, setting.http);
    if of_plan == wanted {
        return Ok(());
    }
    Err(Place::Whole("algorithm").flaw(format!("the plan is for {of_plan}, and {wanted} is to run")))
}

/// Clients ask for what the system does.
fn check_requests(plan: &Plan, setting: &Setting) -> Result<(), Flaw> {
    let words = |ask| match ask {
        Ask::Broadcast => ("a broadcast", "broadcasts"),
        Ask::Charge => ("a charge", "charges"),
        Ask::Echo => ("an echo", "echoes"),
        Ask::Generate => ("an id", "ids"),
    };
    match plan.operations.iter().position(|operation| operation.ask != setting.asks) {
        Some(at) => {
            let (foreign, wanted) = (words(plan.operations[at].ask).0, words(setting.asks).1);
            let what = format!("{foreign}, and clients of {} ask for {wanted}", setting.algorithm);
            Err(Place::Operation(at).flaw(what))
        }
        None => Ok(()),
    }
}

/// A system's name in words: `fifo over best-effort`, `gossip with fanout 2`, `rpc with HTTP`.
fn name(algorithm: &str, over: &Option<String>, fanout: Option<u32>, http: bool) -> String {
    let over = over.as_ref().map_or(String::new(), |over| format!(" over {over}"));
    let fanout = fanout.map_or(String::new(), |fanout| format!(" with fanout {fanout}"));
    format!("{algorithm}{over}{fanout}{}", if http { " with HTTP" } else { "" })
}

fn check_head(plan: &Plan) -> Result<(), Flaw> {
    let nodes = Place::Whole("nodes");
    if plan.nodes.is_empty() {
        return Err(nodes.flaw("a plan needs at least one node"));
    }
    if plan.nodes.len() > NODES_MAX {
        return Err(nodes.flaw(format!("{} nodes; at most {NODES_MAX} are possible", plan.nodes.len())));
    }
    if plan.clients_max == Some(0) {
        return Err(Place::Whole("clients_max").flaw("0 clients ask for nothing; leave it out for as many as fall due"));
    }
    let mut seen = BTreeSet::new();
    for name in &plan.nodes {
        if !seen.insert(name) {
            return Err(nodes.flaw(format!("{name} is named twice")));
        }
        check_name(name)?;
    }
    for name in &plan.requested {
        if !FAULTS.iter().any(|fault| fault.name == name || fault.class == name) {
            return Err(
                Place::Whole("requested").flaw(format!("there is no fault and no class of faults named {name}"))
            );
        }
    }
    within_a_year(plan.length_us, Place::Whole("length_us"))
}

fn check_name(name: &str) -> Result<(), Flaw> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    let fits = (1..=NAME_MAX).contains(&name.len()) && name.chars().all(plain);
    if fits && !name.starts_with(['.', 'c']) && !RESERVED.contains(&name) {
        return Ok(());
    }
    let rule = "letters, digits, - _ . only, at most 64, not beginning with c (clients) or a point";
    let reserved = RESERVED.join(", ");
    Err(Place::Whole("nodes").flaw(format!("{name:?} can't be a node's name ({rule}, and none of {reserved})")))
}

/// The names and numbers that a plan defines, and what may be said about them.
struct Names<'a> {
    plan: &'a Plan,
    nodes: BTreeSet<&'a str>,
    messages: BTreeSet<u64>,
    faults: BTreeMap<u32, &'a Fault>,
}

impl<'a> Names<'a> {
    /// Collects them; each is unique.
    fn of(plan: &'a Plan) -> Result<Self, Flaw> {
        let nodes = plan.nodes.iter().map(String::as_str).collect();
        Ok(Self { plan, nodes, messages: messages(plan)?, faults: faults(plan)? })
    }

    fn node(&self, node: &str, place: Place) -> Result<(), Flaw> {
        if self.nodes.contains(node) {
            return Ok(());
        }
        let shown = self.plan.nodes.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
        let more = if self.nodes.len() > 12 { ", ..." } else { "" };
        Err(place.flaw(format!("there is no node {node}; the plan's nodes are {shown}{more}")))
    }

    fn target(&self, node: &str, place: Place) -> Result<(), Flaw> {
        if node == LEADER { Ok(()) } else { self.node(node, place) }
    }

    fn message(&self, message: u64, place: Place) -> Result<(), Flaw> {
        if self.messages.contains(&message) {
            return Ok(());
        }
        Err(place.flaw(format!("nothing in the plan broadcasts message {message}, whose delivery is waited for")))
    }

    fn link(&self, (from, to): (&str, &str), place: Place) -> Result<(), Flaw> {
        self.node(from, place)?;
        self.node(to, place)?;
        if from == to { Err(place.flaw(format!("{from} has no link to itself"))) } else { Ok(()) }
    }

    fn links(&self, links: &[Link], place: Place) -> Result<(), Flaw> {
        if links.is_empty() {
            return Err(place.flaw("the fault names no links"));
        }
        links.iter().try_for_each(|(from, to)| self.link((from, to), place))
    }

    fn when(&self, when: &When, place: Place) -> Result<(), Flaw> {
        match when {
            When::AtUs(at_us) => within_a_year(*at_us, place),
            When::After(anchor) => self.anchor(anchor, place),
        }
    }

    fn anchor(&self, anchor: &Anchor, place: Place) -> Result<(), Flaw> {
        within_a_year(anchor.delay_us, place)?;
        match &anchor.seen {
            Seen::Deliveries { node, count } => {
                self.node(node, place)?;
                counted(*count, place)
            }
            Seen::Deliver { node, message } => {
                self.node(node, place)?;
                self.message(*message, place)
            }
            Seen::Leader { .. } => Ok(()),
            Seen::Input { node, count, .. } => {
                self.node(node, place)?;
                counted(*count, place)
            }
            Seen::Frame { from, to, nth, .. } => {
                self.link((from, to), place)?;
                counted(*nth, place)
            }
            Seen::Fault { id } => self.end_of_fault(*id, place),
        }
    }

    /// An anchor on the end of a fault: the fault has to be there, and to end before everything does.
    fn end_of_fault(&self, id: u32, place: Place) -> Result<(), Flaw> {
        let Some(fault) = self.faults.get(&id) else {
            return Err(place.flaw(format!("the anchor waits for fault {id}, which is not in the plan")));
        };
        let ends = fault.for_us.is_some() || fault.fault.is_instant();
        let never =
            || format!("the anchor waits for the end of fault {id}, which lasts until the heal; give it a for_us");
        if ends { Ok(()) } else { Err(place.flaw(never())) }
    }

    fn fault(&self, fault: &Fault, place: Place) -> Result<(), Flaw> {
        fault.for_us.map_or(Ok(()), |for_us| within_a_year(for_us, place))?;
        match &fault.fault {
            Kind::ResetConnections { .. } if fault.for_us.is_some() => {
                Err(place.flaw("reset-connections has no for_us: it is over at once"))
            }
            kind if kind.ends_lives() => self.reboot(fault, place),
            Kind::Pause { node } => self.target(node, place),
            Kind::Stutter { node, stopped_us, running_us } => {
                turns(&[("stopped_us", *stopped_us), ("running_us", *running_us)], place)?;
                self.target(node, place)
            }
            Kind::Bites { frames, silent } => self.bites((frames, silent), place),
            Kind::Partition { cut, around_leader, .. } => self.partition(cut, around_leader.as_ref(), place),
            kind => {
                parameters(kind, place)?;
                self.links(kind.links(), place)
            }
        }
    }

    /// A fault that ends lives.
    fn reboot(&self, fault: &Fault, place: Place) -> Result<(), Flaw> {
        let kind = &fault.fault;
        if fault.for_us.is_some() && !kind.leaves_down() {
            let name = name_of(kind);
            return Err(place.flaw(format!("{name} has no for_us: it starts whom it killed by itself")));
        }
        match kind {
            Kind::CrashLoop { kills: 0, .. } => return Err(place.flaw("kills is 0, and a crash loop has at least one")),
            Kind::TornWrite { bytes: 0, .. } | Kind::TruncateTail { bytes: 0, .. } => {
                return Err(place.flaw("bytes is 0, and nothing would be damaged"));
            }
            Kind::LoseUnsynced { keep_ppm: part, .. } | Kind::Bitflip { at_ppm: part, .. } if *part > 1_000_000 => {
                return Err(place.flaw(format!("{part} millionths are more than all")));
            }
            Kind::LoseUnsynced { wait_us, .. } => {
                within_a_year(*wait_us, place)?;
                if let Some(for_us) = fault.for_us.filter(|for_us| for_us <= wait_us) {
                    let what = format!("it lasts {for_us} us and waits for a write for {wait_us} us");
                    return Err(place.flaw(format!("{what}: for_us has to be longer than wait_us")));
                }
            }
            Kind::RollingRestart { down_us, up_us }
            | Kind::CrashLoop { down_us, up_us, .. }
            | Kind::CrashDuringRecovery { down_us, up_us, .. } => {
                within_a_year(*down_us, place)?;
                within_a_year(*up_us, place)?;
            }
            _ => {}
        }
        kind.victim().map_or(Ok(()), |node| self.target(node, place))
    }

    fn bites(&self, (frames, silent): (&[Bite], &[String]), place: Place) -> Result<(), Flaw> {
        if frames.is_empty() && silent.is_empty() {
            return Err(place.flaw("the fault names no frames"));
        }
        silent.iter().try_for_each(|node| self.node(node, place))?;
        for bite in frames {
            self.link((&bite.link.0, &bite.link.1), place)?;
            counted(u64::from(bite.nth), place)?;
            match bite.fate {
                Fate::LateUs(time_us) | Fate::AtUs(time_us) => within_a_year(time_us, place)?,
                Fate::Lost | Fate::Doubled => {}
            }
        }
        Ok(())
    }

    fn partition(&self, cut: &[Link], around: Option<&AroundLeader>, place: Place) -> Result<(), Flaw> {
        match around {
            Some(_) if !cut.is_empty() => Err(place.flaw("a partition has either cut or around_leader")),
            Some(around) => around.with.iter().try_for_each(|node| self.node(node, place)),
            None if cut.is_empty() => {
                Err(place
                    .flaw("a partition needs cut or around_leader; its shape is a name for people and cuts nothing"))
            }
            None => self.links(cut, place),
        }
    }
}

/// Message numbers are unique over operations and rules.
fn messages(plan: &Plan) -> Result<BTreeSet<u64>, Flaw> {
    let of_operations = plan.operations.iter().enumerate().map(|(at, op)| (Place::Operation(at), op.number));
    let of_rules = plan.rules.iter().enumerate().map(|(at, rule)| (Place::Rule(at), rule.broadcast));
    let mut seen = BTreeSet::new();
    for (place, message) in of_operations.chain(of_rules) {
        if message > MESSAGE_MAX {
            return Err(place.flaw(format!("message {message} is larger than 2^53 - 1")));
        }
        if !seen.insert(message) {
            let why = "each message needs a number of its own";
            return Err(place.flaw(format!("message {message} is broadcast twice in this plan; {why}")));
        }
    }
    Ok(seen)
}

/// Fault ids are unique and begin at 1.
fn faults(plan: &Plan) -> Result<BTreeMap<u32, &Fault>, Flaw> {
    let mut faults = BTreeMap::new();
    for (at, fault) in plan.faults.iter().enumerate() {
        if fault.id == 0 || faults.insert(fault.id, fault).is_some() {
            let what = format!("fault id {} is taken or 0; each fault needs a number of its own, from 1", fault.id);
            return Err(Place::Fault(at).flaw(what));
        }
    }
    Ok(faults)
}

/// The numbers of a fault of links.
fn parameters(kind: &Kind, place: Place) -> Result<(), Flaw> {
    match kind {
        Kind::Loss { chance_ppm, .. } | Kind::Duplicate { chance_ppm, .. } => chance(*chance_ppm, place),
        Kind::Reorder { chance_ppm, delay_us, .. } => {
            chance(*chance_ppm, place)?;
            within_a_year(*delay_us, place)
        }
        Kind::Delay { delay_us: most, .. } | Kind::Jitter { delay_max_us: most, .. } => within_a_year(*most, place),
        Kind::Rate { bytes_per_second: 0, .. } => {
            Err(place.flaw("a rate of 0 bytes a second carries nothing; cut the links instead"))
        }
        Kind::Flap { up_us, down_us, .. } => turns(&[("up_us", *up_us), ("down_us", *down_us)], place),
        _ => Ok(()),
    }
}

fn chance(chance_ppm: u32, place: Place) -> Result<(), Flaw> {
    if chance_ppm <= 1_000_000 {
        return Ok(());
    }
    Err(place.flaw(format!("a chance of {chance_ppm} millionths is more than always")))
}

/// Two states that take turns have to last a while each.
fn turns(states: &[(&str, u64)], place: Place) -> Result<(), Flaw> {
    for (name, lasts_us) in states {
        if *lasts_us == 0 {
            return Err(place.flaw(format!("{name} is 0, and each turn lasts a while")));
        }
        within_a_year(*lasts_us, place)?;
    }
    Ok(())
}

fn counted(count: u64, place: Place) -> Result<(), Flaw> {
    if count == 0 { Err(place.flaw("an anchor counts from 1")) } else { Ok(()) }
}

fn within_a_year(time_us: u64, place: Place) -> Result<(), Flaw> {
    if time_us > TIME_MAX_US { Err(place.flaw(format!("{time_us} us is more than a year"))) } else { Ok(()) }
}
