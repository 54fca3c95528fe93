//! FIFO order: messages of one sender are delivered in the order in which it broadcast them.
//!
//! *Strict* (the default): if a node broadcast m before m', nobody delivers m' without having delivered m. *Weak* (gaps
//! allowed): whoever delivers both delivers m first. Hadzilacos and Toueg 1994 (FIFO order, uniform); Cachin, Guerraoui and
//! Rodrigues 2011, module 3.8, FRB5; the lectures, "FIFO broadcast".
//!
//! Each delivery that comes before an earlier message of its sender counts as one violation, a *swap* if the earlier message
//! is delivered there later, else a *gap*. A gap breaks the order of every later message of that sender at that node: the
//! first is the violation, the others are consequences. In the weak form it is the late delivery that counts.
//!
//! A node that was started again in mode `stop` starts in the middle of things, so its later lives are judged by the weak form.
//! What a sender's later life broadcasts is an order of its own (see [`crate::ledger::streams`]).
//!
//! One cursor for each node and life of a sender: how far its deliveries of that sender's stream reach without a gap. O(1) a
//! delivery amortised; a repetition plays no part, since order speaks of the first delivery.

use std::collections::BTreeMap;

use crate::header::Crashes;
use crate::judge::FifoGaps;
use crate::ledger::faults::Moment;
use crate::ledger::messages::Id;
use crate::ledger::streams::Voice;
use crate::ledger::{Ledger, Place};
use crate::op::{Message, Node};
use crate::proof::{Point, Proof, Sought};
use crate::property::{Delivery, Ending, Finding, Property};
use crate::tally::{Rank, Tally};

/// Judges FIFO order.
struct FifoOrder {
    gaps: FifoGaps,
    /// For the strict form.
    cursors: Each<Cursor>,
    /// For the weak one.
    callers: Each<Caller>,
    tally: Tally<Inversion>,
    exercised: u64,
}

/// A checker of FIFO order in this form.
pub fn fifo_order(gaps: FifoGaps) -> Box<dyn Property> {
    let (cursors, callers) = (Each::default(), Each::default());
    Box::new(FifoOrder { gaps, cursors, callers, tally: Tally::new(), exercised: 0 })
}

/// Something for each node and life of a sender.
#[derive(Default)]
struct Each<C> {
    /// By node, then by sender, for the first life of each sender.
    first: Vec<Vec<C>>,
    /// By node, then by sender and life, for the later ones.
    later: BTreeMap<Node, BTreeMap<(Node, u8), C>>,
}

/// What one node has delivered of the messages of one life of a sender.
#[derive(Clone, Copy, Default)]
struct Cursor {
    /// All messages of lower ranks are delivered.
    next: u32,
    /// All messages of lower ranks have been called for by a delivery that they precede.
    called: u32,
}

/// Which of one sender's messages one node has delivered that others precede.
#[derive(Clone, Copy, Default)]
struct Caller {
    /// All messages of lower ranks have been called for.
    called: u32,
    /// The message whose delivery called for them.
    by: Option<(Id, Moment)>,
    /// Whether it has been blamed for a late delivery already.
    blamed: bool,
}

/// `late` was broadcast before `early`, and `early` was delivered at `node` without it.
struct Inversion {
    node: Node,
    early: (Id, Moment),
    late: (Id, Option<Moment>),
    /// The message that an earlier violation was about already, if one was: `late`, in the weak form `early`.
    follows: Option<Id>,
}

impl Property for FifoOrder {
    fn hears_deliveries(&self) -> bool {
        true
    }

    #[inline]
    fn delivered(&mut self, ledger: &Ledger, delivery: &Delivery) {
        if delivery.again {
            return;
        }
        let Some(place) = delivery.place else { return };
        let preceded = place.after > place.first;
        self.exercised += u64::from(delivery.disturbed && preceded);
        if self.gaps == FifoGaps::Allowed || starts_in_the_middle(ledger, delivery.node) {
            self.delivered_in_order(ledger, (delivery, place));
        } else {
            self.delivered_without_gap(ledger, (delivery, place));
        }
    }

    fn restarted(&mut self, node: Node) {
        self.cursors.forget(node);
        self.callers.forget(node);
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let unknown = end.ledger.straggled.then(|| {
            "a broadcast stands so far behind a delivery of it that the order there was not judged".to_owned()
        });
        let tally = self.tally.map(|inversion| inversion.into_proof(end));
        Finding { unknown, ..Finding::of_safety(tally, self.exercised) }
    }
}

fn starts_in_the_middle(ledger: &Ledger, node: Node) -> bool {
    ledger.crashes == Crashes::Stop && ledger.nodes.get(node).later_life
}

impl FifoOrder {
    /// The strict form: all that comes before must have been delivered.
    #[inline]
    fn delivered_without_gap(&mut self, ledger: &Ledger, (delivery, place): (&Delivery, Place)) {
        let stream = ledger.stream(place.sender);
        let has = |rank| ledger.nodes.has(delivery.node, stream.at(rank));
        let cursor = self.cursors.get_mut(delivery.node, place);
        cursor.next = cursor.next.max(place.first);
        while cursor.next < place.after && has(cursor.next) {
            cursor.next += 1;
        }
        let (next, called) = (cursor.next, cursor.called);
        cursor.called = called.max(place.after);
        if next == place.after && stream.voice == Voice::Reports {
            // The message itself is the next of its stream.
            cursor.next += 1;
        }
        if next < place.after {
            let fresh = (called.max(next)..place.after).find(|rank| !has(*rank));
            self.skipped((delivery, place), (fresh.map(|rank| stream.at(rank)), stream.at(next)));
        }
        if place.after < called {
            self.came_late(delivery, place.sender);
        }
    }

    /// A delivery without some earlier messages: `fresh` is one that no delivery has missed before, `first` the first.
    #[cold]
    fn skipped(&mut self, (delivery, place): (&Delivery, Place), (fresh, first): (Option<Id>, Id)) {
        let rank = if fresh.is_some() { Rank::First } else { Rank::Consequence };
        self.tally.add(Some(place.sender), (rank, delivery.at.index), || Inversion {
            node: delivery.node,
            early: (delivery.id, delivery.at),
            late: (fresh.unwrap_or(first), None),
            follows: fresh.is_none().then_some(first),
        });
    }

    /// Perhaps a message that an earlier delivery missed: then that was a swap and no gap.
    #[cold]
    fn came_late(&mut self, delivery: &Delivery, sender: Node) {
        for kept in self.tally.kept_mut(sender) {
            if kept.node == delivery.node && kept.late == (delivery.id, None) {
                kept.late.1 = Some(delivery.at);
            }
        }
    }

    /// The weak form: nothing that comes after may have been delivered.
    fn delivered_in_order(&mut self, ledger: &Ledger, (delivery, place): (&Delivery, Place)) {
        if let Some(rank) = ledger.rank(delivery.id) {
            // A message that was asked for in one life and acknowledged in the next comes before others of the next.
            let life = ledger.stream(place.sender).life_of(rank);
            self.perhaps_late(delivery, (Place { life, ..place }, rank));
        }
        let caller = self.callers.get_mut(delivery.node, place);
        if caller.by.is_none() || place.after > caller.called {
            *caller = Caller { called: place.after, by: Some((delivery.id, delivery.at)), blamed: false };
        }
    }

    /// A delivery of the message at this rank, in the order of the life that a place names: has it been called for?
    fn perhaps_late(&mut self, delivery: &Delivery, (place, rank): (Place, u32)) {
        let caller = self.callers.get_mut(delivery.node, place);
        let Some((early, at)) = caller.by.filter(|_| rank < caller.called) else { return };
        let blamed = std::mem::replace(&mut caller.blamed, true);
        let order = if blamed { Rank::Consequence } else { Rank::First };
        self.tally.add(Some(place.sender), (order, delivery.at.index), || Inversion {
            node: delivery.node,
            early: (early, at),
            late: (delivery.id, Some(delivery.at)),
            follows: blamed.then_some(early),
        });
    }
}

impl<C: Default> Each<C> {
    /// What there is for this node and the life of the sender to which a place belongs.
    #[inline]
    fn get_mut(&mut self, node: Node, place: Place) -> &mut C {
        if place.life > 0 {
            return self.later.entry(node).or_default().entry((place.sender, place.life)).or_default();
        }
        if node.at() >= self.first.len() {
            self.first.resize_with(node.at() + 1, Vec::new);
        }
        let of_node = &mut self.first[node.at()];
        if place.sender.at() >= of_node.len() {
            of_node.resize_with(place.sender.at() + 1, C::default);
        }
        &mut of_node[place.sender.at()]
    }

    /// There is nothing for this node any more.
    fn forget(&mut self, node: Node) {
        self.later.remove(&node);
        if let Some(of_node) = self.first.get_mut(node.at()) {
            of_node.clear();
        }
    }
}

impl Inversion {
    fn into_proof(self, end: &Ending<'_>) -> Proof {
        let numbers = [self.early.0, self.late.0].map(|id| end.ledger.messages.get(id).number);
        let [early, late] = numbers.map(|number| format!("m{number}"));
        let sender = end.ledger.messages.get(self.late.0).sender;
        let (node, from) = (end.name(self.node), end.name(sender));
        let why = match end.ledger.stream(sender).voice {
            Voice::Reports => format!("though {from} broadcast {late} first"),
            Voice::Silent | Voice::Unheard => format!("though {from} acknowledged {late} before {early} was asked for"),
        };
        let (sentence, shape, after) = match self.late.1 {
            Some(at) => {
                let step = Point::known(at, (node, format!("delivers {late}")), "too late");
                (format!("{node} delivered {early} before {late}, {why}"), "swap", Some(step))
            }
            None => (format!("{node} delivered {early} but never {late}, {why}"), "gap", None),
        };
        let mut points = order_at_the_sender(numbers, end.ledger.stream(sender).voice);
        let fact = format!("{late} has not been delivered at {node}");
        points.push(Point::known(self.early.1, (node, format!("delivers {early}")), fact));
        points.extend(after);
        let consequence_of = self.follows.map(|id| match id == self.late.0 {
            true => format!("{node} skipped {late}"),
            false => format!("{node} delivered {early} too early"),
        });
        let nodes = vec![self.node, sender];
        Proof { sentence, points, nodes, messages: numbers.to_vec(), shape, consequence_of }
    }
}

/// The ops that prove that `late` comes before `early`.
fn order_at_the_sender([early, late]: [Message; 2], voice: Voice) -> Vec<Point> {
    let first = format!("m{late} is before m{early}");
    let second = format!("after m{late}, so m{late} must come first everywhere");
    match voice {
        Voice::Reports => {
            vec![Point::sought(Sought::Broadcast(late), first), Point::sought(Sought::Broadcast(early), second)]
        }
        Voice::Silent | Voice::Unheard => {
            vec![Point::sought(Sought::Acknowledgement(late), first), Point::sought(Sought::Request(early), second)]
        }
    }
}
