//! The hold-back queues: deliveries whose broadcast has not been read yet.
//!
//! The lines of different nodes race through different pipes, so a delivery may stand before its broadcast. Such a delivery
//! waits, and with it the later deliveries and broadcasts of its node, until the broadcast comes or the file ends. A broadcast
//! that waits has its place among its sender's already, but what it depends on is not known yet, so who delivers it waits too.
//! Hence what a checker hears of a node is its deliveries and broadcasts in its own order, each delivery after its broadcast, for
//! any interleaving of the same lines.
//!
//! The wait is bounded, because a broken node may deliver what nobody ever broadcasts: [`LONGEST`] lines, thousands of times
//! what a pipe can hold.

use std::collections::VecDeque;

use super::Judge;
use super::logs::Snapshot;
use crate::ledger::faults::Moment;
use crate::ledger::messages::{Id, Mark};
use crate::op::{Message, Node};
use crate::property::Invention;

/// The most lines of one node that wait.
pub const LONGEST: usize = 32_768;

/// A line that waits.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    /// A delivery.
    Delivery(Message, Moment),
    /// A report of a broadcast.
    Broadcast(Id),
    /// A snapshot that stands for deliveries.
    Snapshot(Snapshot),
    /// A life ends.
    Exit,
    /// A later life begins.
    Restart,
}

/// One queue a node.
#[derive(Default)]
pub struct HoldBack {
    queues: Vec<VecDeque<Held>>,
    waiting: usize,
}

impl HoldBack {
    /// Whether anything of this node waits, so that its next line must too.
    #[inline]
    pub fn holds(&self, node: Node) -> bool {
        self.waiting > 0 && self.queues.get(node.at()).is_some_and(|queue| !queue.is_empty())
    }

    /// Lets a line wait.
    pub fn push(&mut self, node: Node, held: Held) {
        if node.at() >= self.queues.len() {
            self.queues.resize_with(node.at() + 1, VecDeque::new);
        }
        self.waiting += 1;
        self.queues[node.at()].push_back(held);
    }

    /// Lets lines wait in front of all others.
    pub fn put_first(&mut self, node: Node, held: Vec<Held>) {
        self.waiting += held.len();
        held.into_iter().rev().for_each(|held| self.queues[node.at()].push_front(held));
    }

    /// The first line of this node that waits.
    pub fn first(&self, node: Node) -> Option<Held> {
        self.queues.get(node.at())?.front().copied()
    }

    /// Whether more of this node waits than may.
    pub fn overfull(&self, node: Node) -> bool {
        self.queues[node.at()].len() > LONGEST
    }

    /// Whether the first line of this node that waits is a delivery of this message.
    pub fn awaits(&self, node: Node, message: Message) -> bool {
        matches!(self.first(node), Some(Held::Delivery(first, _)) if first == message)
    }

    /// Takes it out.
    pub fn pop(&mut self, node: Node) {
        self.waiting -= usize::from(self.queues[node.at()].pop_front().is_some());
    }

    /// The nodes of which something waits.
    pub fn nodes(&self) -> Vec<Node> {
        let held = self.queues.iter().enumerate().filter(|(_, queue)| !queue.is_empty());
        held.map(|(at, _)| Node(at as u16)).collect()
    }
}

impl Judge {
    /// Lets a delivery wait.
    pub(super) fn hold(&mut self, node: Node, message: Message) {
        self.held.push(node, Held::Delivery(message, self.last));
        if self.held.overfull(node) {
            let mut released = Vec::new();
            self.release_from(node, &mut released);
            released.into_iter().for_each(|message| self.release(message));
        }
    }

    /// Something new is known of a message: whoever waits for it may go on.
    #[inline]
    pub(super) fn release(&mut self, message: Message) {
        if self.held.waiting > 0 {
            self.release_waiting(message);
        }
    }

    fn release_waiting(&mut self, message: Message) {
        let (mut news, mut released) = (Some(message), Vec::new());
        while let Some(message) = news {
            for node in (0..self.held.queues.len() as u16).map(Node) {
                if self.held.awaits(node, message) {
                    self.release_from(node, &mut released);
                }
            }
            news = released.pop();
        }
    }

    /// Lets go what waits at a node up to the first delivery that must go on waiting; while too many lines wait, none must. The
    /// broadcasts among it are added to `released`.
    pub(super) fn release_from(&mut self, node: Node, released: &mut Vec<Message>) {
        while let Some(held) = self.held.first(node) {
            let id = self.message_of(held);
            let waits = match held {
                Held::Delivery(..) => !id.is_some_and(|id| self.ledger.settled(id)),
                Held::Snapshot(snapshot) => !self.is_known(&snapshot),
                _ => false,
            };
            if waits && !self.held.overfull(node) {
                return;
            }
            if let Some(id) = id.filter(|_| waits) {
                self.ledger.give_up(id);
            }
            self.let_go(node, (held, id));
            if let Held::Broadcast(id) = held {
                released.push(self.ledger.messages.get(id).number);
            }
        }
    }

    /// No line follows that anybody could wait for.
    pub(super) fn release_all(&mut self) {
        self.ledger.close();
        while let Some(first) = self.held.nodes().first().copied() {
            let mut moved = false;
            for node in self.held.nodes() {
                while let Some(held) = self.held.first(node) {
                    let id = self.message_of(held);
                    if matches!(held, Held::Delivery(..)) && id.is_some_and(|id| self.comes_later(id)) {
                        break;
                    }
                    self.let_go(node, (held, id));
                    moved = true;
                }
            }
            // Nodes that wait for each other in a circle can't have done what they say; the first of them goes first.
            if !moved && let Some(held) = self.held.first(first) {
                let id = self.message_of(held);
                self.ledger.circular = true;
                self.let_go(first, (held, id));
            }
        }
    }

    /// Whether a broadcast is among what waits.
    fn comes_later(&self, id: Id) -> bool {
        let entry = self.ledger.messages.get(id);
        entry.is(Mark::Broadcast) && !entry.is(Mark::Told)
    }

    fn message_of(&mut self, held: Held) -> Option<Id> {
        match held {
            Held::Delivery(message, _) => self.ledger.messages.find(message),
            Held::Broadcast(id) => Some(id),
            Held::Snapshot(_) | Held::Exit | Held::Restart => None,
        }
    }

    fn let_go(&mut self, node: Node, (held, id): (Held, Option<Id>)) {
        self.held.pop(node);
        match (held, id) {
            (Held::Snapshot(snapshot), _) => self.open(node, snapshot),
            (Held::Exit, _) => self.ledger.left(node),
            (Held::Restart, _) => self.restart(node),
            (Held::Broadcast(id), _) => self.tell(node, id),
            (Held::Delivery(_, at), Some(id)) => self.pass(node, (id, at)),
            (Held::Delivery(message, at), None) => {
                let invention = Invention { node, message, at };
                self.checkers.iter_mut().for_each(|checker| checker.invented(&invention));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Options;
    use crate::op::{Event, Kind, Names, Op, Process};

    /// How many lines wait after each of these: of node 0 its broadcasts, of node 1 its deliveries.
    fn waiting(events: &[Event]) -> Vec<usize> {
        let (mut judge, names) =
            (Judge::new(None, &Options::default()).expect("nothing is required"), Names::default());
        let ops = events.iter().map(|event| {
            let node = Node(u16::from(!matches!(event, Event::Broadcast(_))));
            Op { index: 0, time: 0, process: Process::Node(node), kind: Kind::Info, event: event.clone() }
        });
        let after = ops.map(|op| {
            judge.op(&op, &names);
            judge.held.waiting
        });
        after.collect()
    }

    fn delivery(message: Message) -> Event {
        Event::Deliver { message, pos: None }
    }

    #[test]
    fn a_broadcast_lets_go_what_waits_for_it_up_to_the_next_that_must_wait() {
        let start = Event::Start { incarnation: 1 };
        let lines = [
            delivery(1),
            delivery(2),
            start.clone(),
            start,
            delivery(1),
            Event::Broadcast(3),
            Event::Broadcast(1),
            Event::Broadcast(2),
            delivery(3),
            delivery(4),
        ];
        assert_eq!(waiting(&lines), [1, 2, 2, 3, 4, 4, 3, 0, 0, 1]);
    }

    #[test]
    fn no_more_wait_than_may() {
        let strangers: Vec<Event> = (0..LONGEST as u64 + 3).map(delivery).collect();
        let waiting = waiting(&strangers);
        assert_eq!(waiting[LONGEST - 1..], [LONGEST; 4]);
    }
}
