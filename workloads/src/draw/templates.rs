//! The other half: stories of a few steps that bring out a class of bugs, with anchors, since on loopback a timed kill never
//! falls between two sends of one broadcast.

use rand::Rng;
use rand::seq::SliceRandom;

use super::{Draft, steps};
use crate::plan::{Anchor, Direction, Kind, LEADER, Link, Mode, Rule, Seen, When};

/// One line of the table.
#[derive(Debug)]
pub struct Template {
    /// Its name: the shape that its partition has in the plan.
    pub name: &'static str,
    /// What happens.
    pub what: &'static str,
    story: Story,
}

/// Every template.
pub const TEMPLATES: &[Template] = &[
    Template {
        name: "orphan",
        what: "a sender that only some can hear broadcasts, and is killed as soon as the first of them has it",
        story: Story::Orphan,
    },
    Template {
        name: "unheard",
        what: "a sender that nobody can hear broadcasts, and is killed as soon as it may have delivered its own message",
        story: Story::Unheard,
    },
    Template {
        name: "relay-race",
        what: "an orphan whose first receiver is killed in turn, once it has passed the message on to a single node",
        story: Story::RelayRace,
    },
    Template {
        name: "lost-ack",
        what: "data arrives and acknowledgements do not, so that everything is sent again",
        story: Story::LostAcknowledgement,
    },
    Template {
        name: "late-first",
        what: "a receiver misses a message; the cut ends, and the sender's next message overtakes the retransmission",
        story: Story::LateFirst,
    },
    Template {
        name: "slow-path",
        what: "one way is later than all others: a message comes before the one that caused it",
        story: Story::SlowPath,
    },
    Template {
        name: "crossed",
        what: "two nodes broadcast at once, and of the others some hear the one first and some the other",
        story: Story::Crossed,
    },
    Template {
        name: "deposed",
        what: "whoever leads is cut off or stands still for a while, and the others go on broadcasting",
        story: Story::Deposed,
    },
    Template {
        name: "in-turn",
        what: "two nodes that never hear each other are elected in turn, and each has a message that nobody else has",
        story: Story::InTurn,
    },
];

/// How long before a story's broadcast its cut begins, us.
const LEAD_US: u64 = 5_000;
/// How long each of those who lead in turn has, us: a few election time-outs.
const REIGN_US: u64 = 550_000;
/// The shortest run that has room for a story, us.
const RUN_MIN_US: u64 = 200_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    Orphan,
    Unheard,
    RelayRace,
    LostAcknowledgement,
    LateFirst,
    SlowPath,
    Crossed,
    Deposed,
    InTurn,
}

/// Who plays in an orphan's story.
struct Cast {
    sender: String,
    /// Who hears the sender; the first is the one that its death waits for.
    receivers: Vec<String>,
    /// Whom the first receiver reaches in a relay race.
    next: Option<String>,
}

impl Draft<'_> {
    /// Tells some stories one after the other; `false` if the faults to choose from allow none.
    pub(super) fn tell_stories(&mut self) -> bool {
        if !self.has("partition") || self.wishes.rate == 0 || self.plan.length_us < RUN_MIN_US {
            return false;
        }
        let before = self.plan.faults.len();
        let count = (self.plan.length_us / 500_000).clamp(1, 6);
        for at in 0..count {
            let begin = self.plan.length_us / 20 + self.plan.length_us * 8 / 10 * at / count;
            let possible: Vec<&Template> =
                TEMPLATES.iter().filter(|template| self.is_possible(template.story, begin)).collect();
            if !possible.is_empty() {
                let template = possible[self.chance.random_range(0..possible.len())];
                self.tell(template, begin);
            }
        }
        self.plan.faults.len() > before
    }

    fn tell(&mut self, template: &Template, begin: u64) {
        match template.story {
            Story::Orphan | Story::RelayRace => self.orphan(template, begin),
            Story::Unheard => self.unheard(template, begin),
            Story::LostAcknowledgement => self.lost_acknowledgement(template, begin),
            Story::LateFirst => self.late_first(template, begin),
            Story::SlowPath => self.slow_path(template, begin),
            Story::Crossed => self.crossed(template, begin),
            Story::Deposed => self.deposed(template, begin),
            Story::InTurn => self.in_turn(template, begin),
        }
    }

    /// Whether a story that begins then can be told.
    fn is_possible(&self, story: Story, begin: u64) -> bool {
        let steps = steps::of(self.setting);
        let living = self.living().len();
        // Where only the leader's death leaves anybody behind, it dies late: little happens once it is dead.
        let too_early = self.setting.leader && (begin < self.plan.length_us / 2 || self.dies_us(self.leader()) < begin);
        let kills = if self.has("kill") && !too_early { self.kills_left() } else { 0 };
        let may_lose = self.may_lose();
        match story {
            Story::Orphan | Story::Unheard => may_lose && kills > 0 && living > 2,
            // The relayed frame is waited for, so its key has to be known.
            Story::RelayRace => may_lose && kills > 1 && living > 3 && steps.is_some_and(|steps| steps.relays),
            Story::LostAcknowledgement => may_lose && living > 1 && steps.is_none_or(|steps| steps.acknowledges),
            Story::LateFirst => may_lose && living > 1,
            Story::SlowPath => living > 2,
            Story::Crossed => living > 1,
            Story::Deposed => self.setting.leader && living > 2 && self.dies_us(self.leader()) == u64::MAX,
            // It takes the whole plan.
            Story::InTurn => false,
        }
    }

    fn orphan(&mut self, template: &Template, begin: u64) {
        let Cast { sender, receivers, next } = self.cast(template.story);
        let deaf = self.plan.nodes.iter().filter(|node| **node != sender && !receivers.contains(*node));
        let mut links: Vec<Link> = deaf.map(|node| (sender.clone(), node.clone())).collect();
        let relay = receivers[0].clone();
        if let Some(next) = &next {
            let missed = self.plan.nodes.iter().filter(|node| ![&sender, &relay, next].contains(node));
            links.extend(missed.map(|node| (relay.clone(), node.clone())));
        }
        let lasts = self.log_uniform(50_000, self.plan.length_us / 4);
        self.cut_off((template, Mode::Drop), links, (begin, lasts));
        let message = self.broadcast(&sender, When::AtUs(begin + LEAD_US));
        let seen = self.reception(&sender, &relay, message);
        self.kill_after(sender, begin, Anchor { seen, delay_us: 0 });
        if let Some((to, steps)) = next.zip(steps::of(self.setting)) {
            let key = format!("{}/{message}", steps.data);
            let seen = Seen::Frame { from: relay.clone(), to, key, nth: 1 };
            self.kill_after(relay, begin, Anchor { seen, delay_us: 0 });
        }
    }

    /// Who waits for others before it delivers has delivered nothing when it dies; so the death waits for a frame, where its key
    /// is known, and for a moment in which a hasty delivery can be told.
    fn unheard(&mut self, template: &Template, begin: u64) {
        let Cast { sender, receivers, .. } = self.cast(Story::Orphan);
        let others = self.plan.nodes.iter().filter(|node| **node != sender);
        let links = others.map(|node| (sender.clone(), node.clone())).collect();
        let lasts = self.log_uniform(50_000, self.plan.length_us / 4);
        self.cut_off((template, Mode::Drop), links, (begin, lasts));
        let message = self.broadcast(&sender, When::AtUs(begin + LEAD_US));
        let anchor = match steps::of(self.setting) {
            Some(steps) => {
                let (from, to, key) = (sender.clone(), receivers[0].clone(), format!("{}/{message}", steps.data));
                Anchor { seen: Seen::Frame { from, to, key, nth: 1 }, delay_us: self.chance.random_range(500..3_000) }
            }
            None => Anchor { seen: Seen::Deliver { node: sender.clone(), message }, delay_us: 0 },
        };
        self.kill_after(sender, begin, anchor);
    }

    /// A sender, one receiver or more (in a relay race one), and at least one node that does not hear the sender.
    fn cast(&mut self, story: Story) -> Cast {
        let mut living = self.living();
        living.shuffle(&mut self.chance);
        if let (true, Some(at)) = (self.setting.leader, living.iter().position(|node| node == self.leader())) {
            // Others only hand their messages to the leader.
            living.swap(0, at);
        }
        let mut living = living.into_iter();
        let sender = living.next().expect("a story is told where enough nodes live");
        let mut others: Vec<String> = living.collect();
        if story == Story::RelayRace {
            let next = others.get(1).cloned();
            others.truncate(1);
            return Cast { sender, receivers: others, next };
        }
        let hearing = if self.one_in(2) { 1 } else { self.chance.random_range(1..others.len()) };
        others.truncate(hearing);
        Cast { sender, receivers: others, next: None }
    }

    /// The sender's death waits until the message has reached the relay: mostly until it is delivered there, sometimes only
    /// until its frame is on the way.
    fn reception(&mut self, sender: &str, relay: &str, message: u64) -> Seen {
        match steps::of(self.setting) {
            Some(steps) if self.one_in(3) => {
                let key = format!("{}/{message}", steps.data);
                Seen::Frame { from: sender.to_owned(), to: relay.to_owned(), key, nth: 1 }
            }
            _ => Seen::Deliver { node: relay.to_owned(), message },
        }
    }

    fn lost_acknowledgement(&mut self, template: &Template, begin: u64) {
        let (sender, receiver) = self.pair();
        let lasts = self.log_uniform(50_000, self.plan.length_us / 4);
        self.cut_off((template, Mode::Drop), vec![(receiver, sender.clone())], (begin, lasts));
        self.broadcast(&sender, When::AtUs(begin + LEAD_US));
    }

    fn late_first(&mut self, template: &Template, begin: u64) {
        let (sender, receiver) = self.pair();
        let lasts = LEAD_US + self.log_uniform(1_000, 60_000);
        // Where others pass the message on, the receiver misses it only if it hears nobody.
        let relayed = steps::of(self.setting).is_none_or(|steps| steps.relays) && !self.one_in(4);
        let silent = self.plan.nodes.iter().filter(|node| **node == sender || relayed && **node != receiver);
        let links: Vec<Link> = silent.map(|node| (node.clone(), receiver.clone())).collect();
        let id = self.cut_off((template, Mode::Drop), links, (begin, lasts));
        self.broadcast(&sender, When::AtUs(begin + LEAD_US));
        for _ in 0..self.chance.random_range(1..=2) {
            let delay_us = self.chance.random_range(0..2_000);
            self.broadcast(&sender, When::After(Anchor { seen: Seen::Fault { id }, delay_us }));
        }
    }

    /// A cause goes to a receiver by slow ways only, and its effect by the quick one: from the node that answers. Where that
    /// node passes the cause on as well, this is lost at first, and the answer overtakes it.
    fn slow_path(&mut self, template: &Template, begin: u64) {
        let mut living = self.living();
        living.shuffle(&mut self.chance);
        let [first, second, receiver] = [living.swap_remove(0), living.swap_remove(0), living.swap_remove(0)];
        let lasts = 4 * LEAD_US + self.log_uniform(1_000, 100_000);
        let slow = self.plan.nodes.iter().filter(|node| ![&second, &receiver].contains(node));
        let slow: Vec<Link> = slow.map(|node| (node.clone(), receiver.clone())).collect();
        self.cut_off((template, Mode::Hold), slow, (begin, lasts));
        let cause = self.broadcast(&first, When::AtUs(begin + LEAD_US));
        let passes_on = steps::of(self.setting).is_none_or(|steps| steps.relays);
        if !passes_on || !self.may_lose() {
            return self.react(&second, cause);
        }
        let id = self.cut_off((template, Mode::Drop), vec![(second.clone(), receiver)], (begin, 2 * LEAD_US));
        let delay_us = self.chance.random_range(0..2_000);
        self.broadcast(&second, When::After(Anchor { seen: Seen::Fault { id }, delay_us }));
    }

    /// Two senders at once. Half of the others, and each sender itself, get one of the two messages late.
    fn crossed(&mut self, template: &Template, begin: u64) {
        let (first, second) = self.pair();
        let lasts = 2 * LEAD_US + self.log_uniform(1_000, 100_000);
        let mut late = vec![(first.clone(), second.clone()), (second.clone(), first.clone())];
        for node in self.plan.nodes.clone().into_iter().filter(|node| ![&first, &second].contains(&node)) {
            late.push((if self.one_in(2) { first.clone() } else { second.clone() }, node));
        }
        self.cut_off((template, Mode::Hold), late, (begin, lasts));
        for _ in 0..self.chance.random_range(1..=3) {
            let at_us = begin + LEAD_US + self.chance.random_range(0..1_000);
            self.broadcast(&first, When::AtUs(at_us));
            self.broadcast(&second, When::AtUs(at_us));
        }
    }

    /// The leader misses what the others do meanwhile.
    fn deposed(&mut self, template: &Template, begin: u64) {
        let lasts = self.log_uniform(50_000, self.plan.length_us / 4);
        let direction = [Direction::Both, Direction::In, Direction::Out][self.chance.random_range(0..3)];
        let mode = self.mode();
        let free =
            !self.is_paused(LEADER, begin..begin + lasts) && !self.is_paused(self.leader(), begin..begin + lasts);
        let kind = match self.around_leader(direction, mode) {
            _ if self.has("pause") && free && self.one_in(3) => Kind::Pause { node: LEADER.to_owned() },
            Kind::Partition { around_leader, .. } => {
                Kind::Partition { shape: template.name.to_owned(), mode, cut: Vec::new(), around_leader }
            }
            other => other,
        };
        self.add(When::AtUs(begin), Some(lasts), kind);
        for _ in 0..3 {
            let node = self.survivor();
            let at_us = begin + LEAD_US + self.chance.random_range(0..lasts.max(1));
            self.broadcast(&node, When::AtUs(at_us.min(self.plan.length_us - 1)));
        }
    }

    /// The story of Raft's figure 8, if leaders are elected and the plan has time for it.
    pub(super) fn tell_in_turn(&mut self) -> bool {
        let elects = self.setting.leader && self.recovers() && self.may_lose() && self.has("partition");
        let room = self.plan.length_us >= 5 * REIGN_US && self.wishes.rate > 0 && self.plan.nodes.len() > 2;
        let told = elects && room && self.one_in(3);
        if told {
            let template = TEMPLATES.iter().find(|template| template.story == Story::InTurn);
            let latest = self.plan.length_us - 9 * REIGN_US / 2;
            let begin = self.chance.random_range(0..=latest);
            self.tell(template.expect("it stands in the table"), begin);
        }
        told
    }

    /// Whoever is the hub of a star is elected: of the others, none hears a quorum. First everybody hears the one hub, then each
    /// hub in turn leads over the same few while the other, which believes that it leads, gets a message of its own.
    fn in_turn(&mut self, template: &Template, begin: u64) {
        let mut nodes = self.plan.nodes.clone();
        nodes.shuffle(&mut self.chance);
        let (first, second) = (nodes.swap_remove(0), nodes.swap_remove(0));
        // Both hubs need the same nodes for a quorum, as far as there are enough: what the one left there the other meets.
        let quorum = self.plan.nodes.len() / 2;
        let shared: Vec<String> = nodes.iter().take(quorum).cloned().collect();
        let end = begin + 4 * REIGN_US;
        self.keep_quiet(begin + REIGN_US / 2, end);
        let mut at = begin;
        for (hub, leaves, waits) in [
            (&first, [nodes.clone(), vec![second.clone()]].concat(), None),
            (&second, shared.clone(), Some(&first)),
            (&first, shared.clone(), Some(&second)),
            (&second, shared.clone(), None),
        ] {
            let links = self.all_but_star(hub, &leaves);
            self.cut_off((template, Mode::Drop), links, (at, REIGN_US));
            if let Some(alone) = waits {
                self.broadcast(alone, When::AtUs(at + LEAD_US));
            }
            at += REIGN_US;
        }
    }

    /// Every link but those between a hub and its leaves.
    fn all_but_star(&self, hub: &str, leaves: &[String]) -> Vec<Link> {
        let nodes = &self.plan.nodes;
        let pairs = nodes.iter().flat_map(|from| nodes.iter().map(move |to| (from, to)));
        let open = |a: &String, b: &String| a == hub && leaves.contains(b);
        let cut = pairs.filter(|(from, to)| from != to && !open(from, to) && !open(to, from));
        cut.map(|(from, to)| (from.clone(), to.clone())).collect()
    }

    /// Nothing is asked for between these times, us: what would be, is earlier or, where there is no earlier, later.
    fn keep_quiet(&mut self, begin: u64, end: u64) {
        for operation in &mut self.plan.operations {
            let When::AtUs(at_us) = &mut operation.when else { continue };
            if (begin..end).contains(at_us) {
                *at_us = (*at_us - begin) * begin / (end - begin);
            }
        }
    }

    /// Who leads where the leader is fixed: the first node.
    fn leader(&self) -> &str {
        &self.plan.nodes[0]
    }

    /// A node answers a message as soon as it has delivered it.
    fn react(&mut self, node: &str, message: u64) {
        self.broadcasts += 1;
        self.plan.rules.push(Rule { on_deliver: message, node: node.to_owned(), broadcast: self.broadcasts });
    }

    fn cut_off(&mut self, (template, mode): (&Template, Mode), cut: Vec<Link>, (begin, lasts): (u64, u64)) -> u32 {
        let shape = template.name.to_owned();
        let kind = Kind::Partition { shape, mode, cut, around_leader: None };
        self.add(When::AtUs(begin), Some(lasts), kind)
    }

    fn kill_after(&mut self, node: String, begin: u64, anchor: Anchor) {
        if self.recovers() {
            self.comes_back(&node);
            let down_us = self.log_uniform(1_000, self.plan.length_us / 4);
            self.add(When::After(anchor), Some(down_us), Kind::Kill { node });
            return;
        }
        self.victims.push((node.clone(), begin + LEAD_US + 1));
        self.add(When::After(anchor), None, Kind::Kill { node });
    }

    /// Two different nodes that this plan has not killed so far.
    fn pair(&mut self) -> (String, String) {
        let mut living = self.living();
        living.shuffle(&mut self.chance);
        (living.swap_remove(0), living.swap_remove(0))
    }

    fn living(&self) -> Vec<String> {
        self.plan.nodes.iter().filter(|node| self.dies_us(node) == u64::MAX).cloned().collect()
    }
}
