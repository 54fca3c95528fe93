//! Causal order: if the broadcast of m may have caused that of m', nobody delivers m' before m.
//!
//! m -> m' if one node broadcast m and then m', or if a node delivered m and then broadcast m', and so on, transitively. *Strict*
//! (the default): if m -> m', nobody delivers m' without having delivered m. *Weak* (gaps allowed): whoever delivers both delivers
//! m first. Hadzilacos and Toueg 1994 (causal order, uniform); Cachin, Guerraoui and Rodrigues 2011, module 3.9, CRB5; the
//! lectures, "Causal broadcast".
//!
//! The causal past of a message holds, of each sender, its messages up to some rank, since each message is caused by its sender's
//! earlier ones. So one number a sender says it all, and a broadcast takes a copy of its node's numbers along: its *frontier*.
//! At a delivery the frontier is compared with how far the node's own deliveries reach without a gap. O(N) a delivery.
//!
//! A node that was started again in mode `stop` has lost its memory: its later lives, and what they broadcast, play no part here.
//! Of a sender that does not report its broadcasts, only its own order is known.

use crate::flight::Flight;
use crate::header::Crashes;
use crate::judge::FifoGaps;
use crate::ledger::bits::Bits;
use crate::ledger::faults::Moment;
use crate::ledger::messages::Id;
use crate::ledger::streams::Voice;
use crate::ledger::{Ledger, Place};
use crate::op::Node;
use crate::proof::{Point, Proof, Sought};
use crate::property::{Delivery, Ending, Finding, Property};
use crate::tally::{Rank, Tally};

/// Judges causal order.
struct CausalOrder {
    gaps: FifoGaps,
    views: Vec<View>,
    /// The frontier of each message in flight.
    frontiers: Flight,
    /// Messages of which the sender had delivered something since its message before, by place.
    crossed: Bits,
    /// What the delivery at hand lacks: of whom, and the first rank.
    lacking: Vec<(Node, u32)>,
    tally: Tally<Inversion>,
    exercised: u64,
}

/// What one node knows.
#[derive(Default)]
struct View {
    /// By sender: so many of its messages are in the causal past of what this node broadcasts next.
    past: Vec<u32>,
    /// By sender: so many of its messages were delivered here without a gap.
    reached: Vec<u32>,
    /// By sender: a delivery here called for so many of its messages; which delivery.
    called: Vec<(u32, Option<(Id, Moment)>)>,
    /// By sender: the rank of the message whose lack was told last.
    told: Vec<Option<u32>>,
    /// Whether something of another sender was delivered since the last broadcast.
    crossed: bool,
}

/// `cause` precedes `effect`, and `effect` was delivered at `node` without it.
struct Inversion {
    node: Node,
    effect: (Id, Option<Moment>),
    cause: (Id, Option<Moment>),
    follows: bool,
}

/// A checker of causal order in this form.
pub fn causal_order(gaps: FifoGaps) -> Box<dyn Property> {
    let (views, frontiers, crossed) = (Vec::new(), Flight::default(), Bits::default());
    let (lacking, tally) = (Vec::new(), Tally::new());
    Box::new(CausalOrder { gaps, views, frontiers, crossed, lacking, tally, exercised: 0 })
}

impl Property for CausalOrder {
    fn hears_deliveries(&self) -> bool {
        true
    }

    fn hears_broadcasts(&self) -> bool {
        true
    }

    fn broadcast(&mut self, ledger: &Ledger, (node, id): (Node, Id)) {
        let Some(place) = ledger.place(id).filter(|_| !in_a_later_life(ledger, node)) else { return };
        self.frontiers.add(ledger, (id, node));
        let view = view_of(&mut self.views, node);
        view.widen(node.at() + 1);
        self.frontiers.widen(view.past.len());
        if let Some(frontier) = self.frontiers.get_mut(id) {
            frontier[..view.past.len()].copy_from_slice(&view.past);
            // Its own earlier messages are causes, delivered at home or not.
            frontier[node.at()] = place.after;
        }
        if std::mem::take(&mut view.crossed) {
            self.crossed.insert(id.at());
        }
    }

    #[inline]
    fn delivered(&mut self, ledger: &Ledger, delivery: &Delivery) {
        if delivery.again || ledger.nodes.get(delivery.node).gone {
            return;
        }
        let Some(place) = delivery.place else { return };
        if place.life > 0 {
            return;
        }
        if delivery.disturbed && self.crossed.contains(delivery.id.at()) {
            self.exercised += 1;
        }
        let width = self.frontiers.width().max(place.sender.at() + 1);
        view_of(&mut self.views, delivery.node).widen(width);
        let complete = match self.gaps {
            FifoGaps::Forbidden => self.compare(ledger, (delivery, place)) && !ledger.straggled,
            FifoGaps::Allowed => self.late(ledger, (delivery, place)),
        };
        self.join(ledger, (delivery, place), complete);
        self.frontiers.delivered(ledger, delivery.id);
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let unknown = match (end.ledger.straggled, end.ledger.circular) {
            (true, _) => Some("a broadcast stands so far behind a delivery of it that the order there was not judged"),
            (_, true) => Some("nodes say that they delivered messages before these were broadcast, in a circle"),
            _ => None,
        };
        let unknown = unknown.map(str::to_owned);
        let tally = self.tally.map(|inversion| inversion.into_proof(end));
        Finding { unknown, ..Finding::of_safety(tally, self.exercised) }
    }
}

fn in_a_later_life(ledger: &Ledger, node: Node) -> bool {
    ledger.crashes == Crashes::Stop && ledger.nodes.get(node).later_life
}

fn view_of(views: &mut Vec<View>, node: Node) -> &mut View {
    if node.at() >= views.len() {
        views.resize_with(node.at() + 1, View::default);
    }
    &mut views[node.at()]
}

/// How many messages of each sender must come first, from the sender of the first number on. Of a message without a frontier it
/// is known only how many of its own sender.
#[inline]
fn needs<'a>(frontiers: &'a Flight, id: Id, place: &'a Place) -> (usize, &'a [u32]) {
    frontiers.get(id).map_or((place.sender.at(), std::slice::from_ref(&place.after)), |frontier| (0, frontier))
}

/// Whether none of the numbers is above the one beside it. All are looked at, many at a time.
#[inline]
fn within(needs: &[u32], reached: &[u32]) -> bool {
    needs.iter().zip(reached).fold(true, |within, (needed, reached)| within & (needed <= reached))
}

impl View {
    #[inline]
    fn widen(&mut self, width: usize) {
        if self.past.len() < width {
            self.past.resize(width, 0);
            self.reached.resize(width, 0);
            self.called.resize(width, (0, None));
            self.told.resize(width, None);
        }
    }

    /// The first that `node` lacks of so many messages that must come first of this sender, if it lacks any.
    fn lacks(&mut self, ledger: &Ledger, (node, of): (Node, Node), needed: u32) -> Option<u32> {
        let (stream, reached) = (ledger.stream(of), &mut self.reached[of.at()]);
        // A lack that was told lasts until the delivery of the message itself.
        let told = self.told[of.at()] == Some(*reached) && stream.voice == Voice::Reports;
        while *reached < needed && !told && ledger.nodes.has(node, stream.at(*reached)) {
            *reached += 1;
        }
        (*reached < needed).then_some(*reached)
    }
}

impl CausalOrder {
    /// Holds a delivery against the frontier of its message: whether nothing is lacking.
    #[inline]
    fn compare(&mut self, ledger: &Ledger, (delivery, place): (&Delivery, Place)) -> bool {
        let (first, needs) = needs(&self.frontiers, delivery.id, &place);
        let view = &mut self.views[delivery.node.at()];
        if within(needs, &view.reached[first..]) {
            return true;
        }
        self.lacking.clear();
        for (of, needed) in (first as u16..).map(Node).zip(needs.iter().copied()) {
            if view.reached[of.at()] < needed {
                self.lacking.extend(view.lacks(ledger, (delivery.node, of), needed).map(|rank| (of, rank)));
            }
        }
        if !self.lacking.is_empty() {
            self.skipped(ledger, delivery);
        }
        self.lacking.is_empty()
    }

    /// A delivery without some of its causes.
    fn skipped(&mut self, ledger: &Ledger, delivery: &Delivery) {
        let sender = ledger.messages.get(delivery.id).sender;
        let view = &mut self.views[delivery.node.at()];
        let fresh = self.lacking.iter().filter(|(of, rank)| view.told[of.at()] != Some(*rank));
        // The sender's own message makes the shortest argument. Which others it had seen by then is not known here: what it has
        // delivered by now depends on how the lines of nodes race.
        let chosen = fresh.min_by_key(|(of, _)| *of != sender).copied();
        let follows = chosen.is_none();
        let (of, rank) = chosen.unwrap_or(self.lacking[0]);
        self.lacking.iter().for_each(|(of, rank)| view.told[of.at()] = Some(*rank));
        let order = if follows { Rank::Consequence } else { Rank::First };
        self.tally.add(Some(sender), (order, delivery.at.index), || Inversion {
            node: delivery.node,
            effect: (delivery.id, Some(delivery.at)),
            cause: (ledger.stream(of).at(rank), None),
            follows,
        });
    }

    /// The weak form: this message comes after one that it precedes. Nothing is said of what is lacking.
    fn late(&mut self, ledger: &Ledger, (delivery, place): (&Delivery, Place)) -> bool {
        let view = &mut self.views[delivery.node.at()];
        let rank = ledger.rank(delivery.id);
        let (called, caller) = view.called[place.sender.at()];
        if let Some((effect, _)) = caller.filter(|_| rank.is_some_and(|rank| rank < called)) {
            self.tally.add(Some(place.sender), (Rank::First, delivery.at.index), || Inversion {
                node: delivery.node,
                effect: (effect, None),
                cause: (delivery.id, Some(delivery.at)),
                follows: false,
            });
        }
        let (first, needs) = needs(&self.frontiers, delivery.id, &place);
        for (called, needed) in view.called[first..].iter_mut().zip(needs) {
            if *needed > called.0 {
                *called = (*needed, Some((delivery.id, delivery.at)));
            }
        }
        false
    }

    /// What was delivered, and all that caused it, is in the past of what the node broadcasts next.
    #[inline]
    fn join(&mut self, ledger: &Ledger, (delivery, place): (&Delivery, Place), complete: bool) {
        let view = &mut self.views[delivery.node.at()];
        let sender = place.sender.at();
        // What was delivered is in the past already, and so are all causes where none is lacking.
        if !complete {
            let frontier = self.frontiers.get(delivery.id).unwrap_or(&[]);
            view.past.iter_mut().zip(frontier).for_each(|(past, needed)| *past = (*past).max(*needed));
        }
        if ledger.stream(place.sender).voice == Voice::Reports {
            if view.reached[sender] == place.after {
                view.reached[sender] += 1;
            }
            view.past[sender] = view.past[sender].max(place.after + 1);
        }
        view.crossed |= place.sender != delivery.node;
    }
}

impl Inversion {
    fn into_proof(self, end: &Ending<'_>) -> Proof {
        let number = |id: Id| end.ledger.messages.get(id).number;
        let of = |id: Id| end.ledger.messages.get(id).sender;
        let (cause, effect) = (self.cause.0, self.effect.0);
        let (m, m2) = (end.message(cause), end.message(effect));
        let (q, p) = (end.name(self.node), end.name(of(effect)));
        let came = end.ledger.nodes.get(self.node).ever(cause);
        let own = of(cause) == of(effect);
        let seen = !own && end.ledger.nodes.get(of(effect)).ever(cause);
        let why = match (own, seen) {
            (true, _) => format!("which {p} had broadcast before"),
            (_, true) => format!("which {p} had delivered before it broadcast {m2}"),
            _ => format!("which precedes {m2}"),
        };
        let how = if came { "before" } else { "and never" };
        let mut points = vec![Point::sought(Sought::Broadcast(number(cause)), format!("{m} is the cause"))];
        if seen {
            let fact = format!("from here on all that {p} broadcasts depends on {m}");
            points.push(Point::sought(Sought::DeliveryAt(number(cause), of(effect)), fact));
        }
        points.push(Point::sought(Sought::Broadcast(number(effect)), format!("so {m} precedes {m2}")));
        let at_fault = format!("{m} has not been delivered at {q}");
        points.push(match self.effect.1 {
            Some(at) => Point::known(at, (q, format!("delivers {m2}")), at_fault),
            None => Point::sought(Sought::DeliveryAt(number(effect), self.node), at_fault),
        });
        match self.cause.1 {
            Some(at) => points.push(Point::known(at, (q, format!("delivers {m}")), "too late".to_owned())),
            None if came => points.push(Point::sought(Sought::DeliveryAt(number(cause), self.node), "too late")),
            None => {}
        }
        Proof {
            sentence: format!("{q} delivered {m2} {how} {m}, {why}"),
            points,
            nodes: vec![self.node, of(effect), of(cause)],
            messages: vec![number(cause), number(effect)],
            shape: if came { "swap" } else { "gap" },
            consequence_of: self.follows.then(|| format!("{m} is missing at {q}")),
        }
    }
}
