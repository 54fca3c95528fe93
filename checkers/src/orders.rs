//! The delivery orders of all nodes, side by side: what the checkers of total order look at.
//!
//! As long as all nodes deliver the same sequence, one as far as another, that sequence is all there is to know: whoever comes
//! first to a position fixes it. Once a node differs, pairs of nodes are compared: two messages that both nodes deliver are
//! inverted if one node has them in the other order, and the last of their four deliveries shows it, given how far in the one
//! node's order the messages reach that the other has too. O(1) a delivery before, O(N) after.
//!
//! As long as no pair is inverted the sequences themselves are kept too, since three nodes can contradict each other though no two
//! of them do. In mode `stop` what a node delivers after its first life plays no part; nor does what is delivered a second time, or was never broadcast.

pub mod merge;

use crate::flight::Flight;
use crate::ledger::Ledger;
use crate::ledger::faults::Moment;
use crate::ledger::messages::Id;
use crate::op::Node;
use crate::property::Delivery;
use merge::{Arc, Sequence, circle};

/// What is known of the orders in which nodes deliver.
#[derive(Default)]
pub struct Orders {
    /// The sequence on which all nodes agree that have not diverged.
    sequence: Vec<Id>,
    /// Whether the sequence ends where the first node left it, because what comes after is not asked for any more.
    cut: bool,
    nodes: Vec<Course>,
    state: State,
    /// Deliveries behind another sender's message at a node that was not the first to deliver both, a fault in force.
    pub exercised: u64,
}

/// What one node has delivered.
#[derive(Clone, Default)]
struct Course {
    /// How many messages.
    length: u32,
    /// The sender of the last one.
    last: Option<Node>,
    diverged: Option<Divergence>,
    /// Its messages from `kept_from` on, while sequences are kept.
    kept: Vec<Id>,
    kept_from: u32,
}

/// Where a node left the common sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Which of its messages it was, from 0.
    pub position: u32,
    /// What it delivered there.
    pub id: Id,
    /// Which line says so.
    pub at: Moment,
}

/// Who delivered what at some position; and which line says so, where that is known.
pub type There = (Node, Id, Option<Moment>);

/// Two messages in different orders at two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inversion {
    /// The two nodes: the first delivered `early` before `late`, the second the other way round.
    pub nodes: (Node, Node),
    /// The message that came first at the first node.
    pub early: Id,
    /// The message that came first at the second node.
    pub late: Id,
    /// The line that showed it.
    pub at: Moment,
}

impl Inversion {
    /// `p` delivered `early` first and `q` delivered `late` first; it is told from the side of the lower node.
    fn new((p, q): (Node, Node), (early, late): (Id, Id), at: Moment) -> Self {
        if p < q {
            Self { nodes: (p, q), early, late, at }
        } else {
            Self { nodes: (q, p), early: late, late: early, at }
        }
    }
}

#[derive(Default)]
enum State {
    /// All nodes agree so far.
    #[default]
    Agreeing,
    /// Some node differs.
    Comparing(Box<Pairs>),
    /// Every pair of nodes is inverted: there is nothing more to find.
    Inverted(Vec<Inversion>),
}

/// Pairs of nodes, compared.
#[derive(Default)]
struct Pairs {
    /// The position of each message in flight, by node; they count from 1, and 0 is none.
    positions: Flight,
    /// By node q and node p: how far in p's order the messages reach that both have delivered, and the one that reaches farthest.
    common: Vec<Vec<Option<(u32, Id)>>>,
    inversions: Vec<Inversion>,
    inverted: Vec<Vec<bool>>,
}

impl Orders {
    /// A node delivered a message; the ledger has noted it already.
    #[inline]
    pub fn deliver(&mut self, ledger: &Ledger, delivery: &Delivery) {
        let node = delivery.node;
        if delivery.again || ledger.nodes.get(node).gone {
            return;
        }
        if node.at() >= self.nodes.len() {
            self.nodes.resize_with(node.at() + 1, Course::default);
        }
        let position = self.nodes[node.at()].length;
        let follows = self.follow(ledger, delivery, position);
        match &mut self.state {
            State::Agreeing if follows => {}
            State::Agreeing => self.begin(ledger, delivery),
            State::Comparing(_) => self.compare(ledger, delivery),
            State::Inverted(_) => {}
        }
        self.nodes[node.at()].length += 1;
    }

    /// The first position at which two nodes differ, and who delivered what there: first the node of the lowest number, then all
    /// that delivered another message than it did.
    pub fn fork(&self) -> Option<(u32, Vec<There>)> {
        let first = self.nodes.iter().filter_map(|course| Some(course.diverged?.position)).min()?;
        let mut there: Vec<There> = Vec::new();
        for (at, course) in self.nodes.iter().enumerate() {
            let node = Node(at as u16);
            match course.diverged {
                Some(fork) if fork.position == first => there.push((node, fork.id, Some(fork.at))),
                _ if course.length > first => there.push((node, self.sequence[first as usize], None)),
                _ => {}
            }
        }
        let reference = there.first().map(|(_, id, _)| *id);
        let mut listed = there.iter().take(1).copied().collect::<Vec<_>>();
        listed.extend(there.into_iter().filter(|(_, id, _)| Some(*id) != reference));
        Some((first, listed))
    }

    /// One inversion for each pair of nodes that has one.
    pub fn inversions(&self) -> &[Inversion] {
        match &self.state {
            State::Agreeing => &[],
            State::Comparing(pairs) => &pairs.inversions,
            State::Inverted(inversions) => inversions,
        }
    }

    /// Messages that nodes delivered in orders that contradict each other in a circle, though no two nodes do; all places of
    /// messages are below `messages`.
    pub fn circle(&self, messages: usize) -> Option<Vec<Arc>> {
        if !matches!(&self.state, State::Comparing(pairs) if pairs.inversions.is_empty()) {
            return None;
        }
        let sequences = self.nodes.iter().enumerate().map(|(at, course)| Sequence {
            node: Node(at as u16),
            common: &self.sequence[..course.kept_from as usize],
            own: &course.kept,
        });
        circle(&sequences.collect::<Vec<_>>(), messages)
    }

    /// Whether the node keeps to the common sequence with this delivery; the first to come so far fixes it.
    #[inline]
    fn follow(&mut self, ledger: &Ledger, delivery: &Delivery, position: u32) -> bool {
        let sender = ledger.messages.get(delivery.id).sender;
        let course = &mut self.nodes[delivery.node.at()];
        let other = course.last.replace(sender).is_some_and(|last| last != sender);
        if course.diverged.is_some() {
            self.exercised += u64::from(other && delivery.disturbed);
            return false;
        }
        match self.sequence.get(position as usize) {
            None if self.cut => {
                self.exercised += u64::from(other && delivery.disturbed);
                return false;
            }
            None => {
                self.sequence.push(delivery.id);
                return true;
            }
            Some(there) if *there == delivery.id => {}
            Some(_) => course.diverged = Some(Divergence { position, id: delivery.id, at: delivery.at }),
        }
        self.exercised += u64::from(other && delivery.disturbed);
        course.diverged.is_none()
    }

    /// The first node differs: pairs are compared from here on.
    #[cold]
    fn begin(&mut self, ledger: &Ledger, delivery: &Delivery) {
        let count = self.nodes.len();
        let mut pairs = Pairs::default();
        pairs.widen(count);
        // A node that has not come up has delivered nothing yet.
        let all = ledger.size.is_some_and(|size| size <= count);
        let shortest = self.nodes.iter().map(|course| course.length).min().filter(|_| all).unwrap_or(0);
        for (position, id) in self.sequence.iter().enumerate().skip(shortest as usize) {
            let position = position as u32 + 1;
            for (at, _) in self.nodes.iter().enumerate().filter(|(_, course)| course.length >= position) {
                pairs.enter(ledger, (Node(at as u16), *id), position);
            }
        }
        for (q, of_q) in self.nodes.iter().enumerate() {
            for (p, of_p) in self.nodes.iter().enumerate().filter(|(p, _)| *p != q) {
                let common = of_q.length.min(of_p.length);
                pairs.common[q][p] = common.checked_sub(1).map(|last| (common, self.sequence[last as usize]));
            }
        }
        self.nodes.iter_mut().for_each(|course| course.kept_from = course.length);
        self.state = State::Comparing(Box::new(pairs));
        self.compare(ledger, delivery);
    }

    fn compare(&mut self, ledger: &Ledger, delivery: &Delivery) {
        let State::Comparing(pairs) = &mut self.state else { return };
        let course = &mut self.nodes[delivery.node.at()];
        let position = course.length + 1;
        if pairs.inversions.is_empty() {
            course.kept.push(delivery.id);
        }
        pairs.widen(self.nodes.len());
        let before = pairs.inversions.len();
        pairs.deliver(ledger, delivery, position);
        if before == 0 && !pairs.inversions.is_empty() {
            self.cut();
        }
        let State::Comparing(pairs) = &mut self.state else { return };
        let all = ledger.size.is_some_and(|size| pairs.inversions.len() == size * (size - 1) / 2);
        if all {
            self.state = State::Inverted(std::mem::take(&mut pairs.inversions));
        }
    }
}

impl Orders {
    /// A pair is inverted: whether there is one order is decided, and only the first position where nodes differ still matters.
    #[cold]
    fn cut(&mut self) {
        self.nodes.iter_mut().for_each(|course| course.kept = Vec::new());
        let first = self.nodes.iter().filter_map(|course| Some(course.diverged?.position)).min();
        let first = first.expect("some node differs where a pair is inverted");
        self.sequence.truncate(first as usize + 1);
        self.sequence.shrink_to_fit();
        self.cut = true;
    }
}

impl Pairs {
    fn widen(&mut self, count: usize) {
        if self.common.len() < count {
            self.common.resize_with(count, Vec::new);
            self.inverted.resize_with(count, Vec::new);
            self.common.iter_mut().for_each(|row| row.resize(count, None));
            self.inverted.iter_mut().for_each(|row| row.resize(count, false));
            self.positions.widen(count);
        }
    }

    fn enter(&mut self, ledger: &Ledger, (node, id): (Node, Id), position: u32) {
        self.positions.add(ledger, (id, node));
        if let Some(row) = self.positions.get_mut(id) {
            row[node.at()] = position;
        }
        self.positions.note(id);
    }

    fn deliver(&mut self, ledger: &Ledger, delivery: &Delivery, position: u32) {
        let (q, id) = (delivery.node, delivery.id);
        self.positions.add(ledger, (id, q));
        let row: &[u32] = self.positions.get(id).unwrap_or(&[]);
        for (p, there) in row.iter().copied().enumerate().filter(|(_, there)| *there > 0) {
            // A message that q delivered before this one, and p after it.
            if let Some((_, other)) = self.common[q.at()][p].filter(|(reach, _)| *reach > there)
                && !self.inverted[q.at()][p]
            {
                self.inverted[q.at()][p] = true;
                self.inverted[p][q.at()] = true;
                self.inversions.push(Inversion::new((Node(p as u16), q), (id, other), delivery.at));
            }
            // As long as the two nodes agree, what they both deliver last reaches farthest.
            self.common[q.at()][p] = Some((there, id));
            self.common[p][q.at()] = Some((position, id));
        }
        if let Some(row) = self.positions.get_mut(id) {
            row[q.at()] = position;
        }
        self.positions.delivered(ledger, id);
    }
}
