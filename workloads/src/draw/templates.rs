//! The other half: stories of a few steps that bring out a class of bugs, with anchors, since on loopback a timed kill never
//! falls between two sends of one broadcast.
//!
//! - *orphan*: a sender is cut off from all but one node, broadcasts, and is killed as soon as that one has delivered. Whether
//!   the others ever get the message depends on the relay alone.
//! - *relay race*: as above, and the first relay is killed after its first relayed frame.
//! - *lost acknowledgement*: data arrives, acknowledgements do not, so that everything is sent again.
//! - *late first*: one link loses the first message; the second one, sent just after the cut ends, overtakes it.

use rand::Rng;
use rand::seq::SliceRandom;

use super::Draft;
use crate::plan::{Anchor, Kind, Link, Mode, Operation, Seen, When};

/// How long before a story's broadcast its cut begins, us.
const LEAD_US: u64 = 5_000;

/// The stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    Orphan,
    RelayRace,
    LostAcknowledgement,
    LateFirst,
}

impl Draft<'_> {
    /// Tells some stories one after the other; `false` if the faults to choose from allow none.
    pub(super) fn tell_stories(&mut self) -> bool {
        let stories = self.possible_stories();
        if stories.is_empty() || self.plan.length_us < 200_000 {
            return false;
        }
        let count = (self.plan.length_us / 500_000).clamp(1, 6);
        for at in 0..count {
            let begin = self.plan.length_us / 20 + self.plan.length_us * 8 / 10 * at / count;
            let story = stories[self.chance.random_range(0..stories.len())];
            self.tell(story, begin);
        }
        true
    }

    fn tell(&mut self, story: Story, begin: u64) {
        match story {
            Story::Orphan => {
                self.orphan(begin);
            }
            Story::RelayRace => self.relay_race(begin),
            Story::LostAcknowledgement => self.lost_acknowledgement(begin),
            Story::LateFirst => self.late_first(begin),
        }
    }

    fn possible_stories(&self) -> Vec<Story> {
        let nodes = self.plan.nodes.len();
        if !self.has("partition") || nodes < 2 || self.wishes.rate == 0 {
            return Vec::new();
        }
        let mut stories = vec![Story::LostAcknowledgement, Story::LateFirst];
        if self.has("kill") && self.kills_left() > 0 && nodes > 2 {
            stories.push(Story::Orphan);
        }
        if self.has("kill") && self.kills_left() > 1 && nodes > 3 {
            stories.push(Story::RelayRace);
        }
        stories
    }

    fn relay_race(&mut self, begin: u64) {
        let Some((relay, message)) = self.orphan(begin) else { return };
        if self.kills_left() == 0 {
            return;
        }
        let others: Vec<String> = self.living().into_iter().filter(|node| *node != relay).collect();
        let Some(next) = others.first().cloned() else { return };
        let seen = Seen::Frame { from: relay.clone(), to: next, key: format!("relay/{message}"), nth: 1 };
        self.kill_after(relay, begin, seen);
    }

    /// Gives the node that is to relay, and the message.
    fn orphan(&mut self, begin: u64) -> Option<(String, u64)> {
        let mut living = self.living();
        if self.kills_left() == 0 || living.len() < 3 {
            return None;
        }
        living.shuffle(&mut self.chance);
        let (sender, relay) = (living[0].clone(), living[1].clone());
        let rest = self.plan.nodes.iter().filter(|node| **node != sender && **node != relay);
        let links: Vec<Link> = rest.map(|node| (sender.clone(), node.clone())).collect();
        let lasts = self.log_uniform(50_000, (self.plan.length_us / 4).max(50_000));
        self.cut_off(links, (begin, lasts));
        let message = self.broadcast(&sender, When::AtUs(begin + LEAD_US));
        self.kill_after(sender, begin, Seen::Deliver { node: relay.clone(), message });
        Some((relay, message))
    }

    fn lost_acknowledgement(&mut self, begin: u64) {
        let (sender, receiver) = self.pair();
        let lasts = self.log_uniform(40_000, (self.plan.length_us / 4).max(40_000));
        self.cut_off(vec![(receiver, sender.clone())], (begin, lasts));
        self.broadcast(&sender, When::AtUs(begin + LEAD_US));
    }

    fn late_first(&mut self, begin: u64) {
        let (sender, receiver) = self.pair();
        let lasts = LEAD_US + self.log_uniform(1_000, 60_000);
        let id = self.cut_off(vec![(sender.clone(), receiver)], (begin, lasts));
        self.broadcast(&sender, When::AtUs(begin + LEAD_US));
        let delay_us = self.chance.random_range(0..2_000);
        self.broadcast(&sender, When::After(Anchor { seen: Seen::Fault { id }, delay_us }));
    }

    fn cut_off(&mut self, cut: Vec<Link>, (begin, lasts): (u64, u64)) -> u32 {
        let shape = "explicit".to_owned();
        let kind = Kind::Partition { shape, mode: Mode::Drop, cut, around_leader: None };
        self.add(When::AtUs(begin), Some(lasts), kind)
    }

    fn kill_after(&mut self, node: String, begin: u64, seen: Seen) {
        self.victims.push((node.clone(), begin + LEAD_US + 1));
        self.add(When::After(Anchor { seen, delay_us: 0 }), None, Kind::Kill { node });
    }

    /// One more broadcast beside those of the steady rate; its number is the next free one.
    pub(super) fn broadcast(&mut self, node: &str, when: When) -> u64 {
        let message = 1 + self.plan.operations.iter().map(|operation| operation.broadcast).max().unwrap_or(0);
        self.plan.operations.push(Operation { when, node: node.to_owned(), broadcast: message });
        message
    }

    /// Two different nodes, alive if there are two.
    fn pair(&mut self) -> (String, String) {
        let mut living = self.living();
        if living.len() < 2 {
            living = self.plan.nodes.clone();
        }
        living.shuffle(&mut self.chance);
        (living[0].clone(), living[1].clone())
    }

    fn living(&self) -> Vec<String> {
        let dead = |node: &String| self.victims.iter().any(|(victim, _)| victim == node);
        self.plan.nodes.iter().filter(|node| !dead(node)).cloned().collect()
    }
}
