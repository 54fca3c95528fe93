//! The other half: stories of a few steps that bring out a class of bugs, with anchors, since on loopback a timed kill never
//! falls between two sends of one broadcast.

use rand::Rng;
use rand::seq::SliceRandom;

use super::{Draft, steps};
use crate::plan::{Anchor, Kind, Link, Mode, Seen, When};

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
];

/// How long before a story's broadcast its cut begins, us.
const LEAD_US: u64 = 5_000;
/// The shortest run that has room for a story, us.
const RUN_MIN_US: u64 = 200_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    Orphan,
    RelayRace,
    LostAcknowledgement,
    LateFirst,
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
                TEMPLATES.iter().filter(|template| self.is_possible(template.story)).collect();
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
            Story::LostAcknowledgement => self.lost_acknowledgement(template, begin),
            Story::LateFirst => self.late_first(template, begin),
        }
    }

    fn is_possible(&self, story: Story) -> bool {
        let steps = steps::of(self.setting);
        let living = self.living().len();
        let kills = if self.has("kill") { self.kills_left() } else { 0 };
        match story {
            Story::Orphan => kills > 0 && living > 2,
            // The relayed frame is waited for, so its key has to be known.
            Story::RelayRace => kills > 1 && living > 3 && steps.is_some_and(|steps| steps.relays),
            Story::LostAcknowledgement => living > 1 && steps.is_none_or(|steps| steps.acknowledges),
            Story::LateFirst => living > 1,
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
        self.cut_off(template, links, (begin, lasts));
        let message = self.broadcast(&sender, When::AtUs(begin + LEAD_US));
        let seen = self.reception(&sender, &relay, message);
        self.kill_after(sender, begin, seen);
        if let Some((to, steps)) = next.zip(steps::of(self.setting)) {
            let key = format!("{}/{message}", steps.data);
            self.kill_after(relay.clone(), begin, Seen::Frame { from: relay, to, key, nth: 1 });
        }
    }

    /// A sender, one receiver or more (in a relay race one), and at least one node that does not hear the sender.
    fn cast(&mut self, story: Story) -> Cast {
        let mut living = self.living();
        living.shuffle(&mut self.chance);
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
        self.cut_off(template, vec![(receiver, sender.clone())], (begin, lasts));
        self.broadcast(&sender, When::AtUs(begin + LEAD_US));
    }

    fn late_first(&mut self, template: &Template, begin: u64) {
        let (sender, receiver) = self.pair();
        let lasts = LEAD_US + self.log_uniform(1_000, 60_000);
        // Where others pass the message on, the receiver misses it only if it hears nobody.
        let relayed = steps::of(self.setting).is_none_or(|steps| steps.relays) && !self.one_in(4);
        let silent = self.plan.nodes.iter().filter(|node| **node == sender || relayed && **node != receiver);
        let links: Vec<Link> = silent.map(|node| (node.clone(), receiver.clone())).collect();
        let id = self.cut_off(template, links, (begin, lasts));
        self.broadcast(&sender, When::AtUs(begin + LEAD_US));
        for _ in 0..self.chance.random_range(1..=2) {
            let delay_us = self.chance.random_range(0..2_000);
            self.broadcast(&sender, When::After(Anchor { seen: Seen::Fault { id }, delay_us }));
        }
    }

    fn cut_off(&mut self, template: &Template, cut: Vec<Link>, (begin, lasts): (u64, u64)) -> u32 {
        let shape = template.name.to_owned();
        let kind = Kind::Partition { shape, mode: Mode::Drop, cut, around_leader: None };
        self.add(When::AtUs(begin), Some(lasts), kind)
    }

    fn kill_after(&mut self, node: String, begin: u64, seen: Seen) {
        self.victims.push((node.clone(), begin + LEAD_US + 1));
        self.add(When::After(Anchor { seen, delay_us: 0 }), None, Kind::Kill { node });
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
