//! Runs without faults of broadcasts among any number of nodes: in no order, in causal order in a chat, and in total order.
//!
//! Clients ask nodes at random, as long as not too much is under way, and nodes deliver at random, as their order lets them. In the
//! chat a node that delivers a message answers now and then, so that messages depend on each other across nodes.

use std::collections::VecDeque;
use std::io;

use super::draws::Draws;
use super::file::File;

/// So many messages a node are under way at most.
const OUTSTANDING: usize = 40;

/// In which order nodes deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Now and then a message before an earlier one of its sender.
    Any,
    /// All in the order in which messages were broadcast.
    Total,
    /// Each behind what it depends on.
    Causal,
}

/// A message under way.
struct Sent {
    number: u64,
    /// By sender: so many messages must come first.
    after: Vec<u32>,
}

/// The nodes.
pub struct Broadcasts<'f> {
    file: &'f mut File,
    order: Order,
    draws: Draws,
    /// By sender: its messages that somebody lacks, and how many there were before them.
    sent: Vec<(VecDeque<Sent>, u32)>,
    /// By node and sender: how many were delivered.
    delivered: Vec<Vec<u32>>,
    /// By node and sender: a message that counts as delivered, and is delivered later.
    late: Vec<Vec<Option<u64>>>,
    /// Who sent each message that somebody lacks, in the order of all, and how many there were before them.
    senders: (VecDeque<usize>, usize),
    /// By node: how many it delivered.
    lengths: Vec<usize>,
    messages: u64,
}

impl<'f> Broadcasts<'f> {
    /// Writes a run of about so many lines.
    pub fn run(file: &'f mut File, (order, nodes): (Order, usize), lines: u64) -> io::Result<()> {
        let sent = (0..nodes).map(|_| (VecDeque::new(), 0)).collect();
        let (delivered, lengths) = (vec![vec![0; nodes]; nodes], vec![0; nodes]);
        let (late, draws, senders) = (vec![vec![None; nodes]; nodes], Draws(3), (VecDeque::new(), 0));
        let mut run = Broadcasts { file, order, draws, sent, delivered, late, senders, lengths, messages: 0 };
        for node in 0..nodes {
            run.file.node(node, "start", "{\"incarnation\":1}")?;
        }
        while run.file.lines() < lines {
            run.step()?;
        }
        while run.lengths.iter().any(|length| (*length as u64) < run.messages) {
            (0..nodes).try_for_each(|node| run.deliver(node))?;
        }
        run.file.messages(run.messages);
        Ok(())
    }

    fn step(&mut self) -> io::Result<()> {
        let nodes = self.lengths.len();
        let node = self.draws.below(nodes as u64) as usize;
        let room = self.senders.0.len() < OUTSTANDING * nodes;
        match self.draws.below(nodes as u64 + 1) {
            0 if room => self.broadcast(node),
            _ => self.deliver(node),
        }
    }

    fn broadcast(&mut self, node: usize) -> io::Result<()> {
        self.messages += 1;
        let number = self.messages;
        self.file.request("invoke", node as u64, (node, number))?;
        self.file.indication(node, "broadcast", number)?;
        self.file.request("ok", node as u64, (node, number))?;
        let mut after = self.delivered[node].clone();
        let (under_way, before) = &mut self.sent[node];
        after[node] = *before + under_way.len() as u32;
        under_way.push_back(Sent { number, after });
        self.senders.0.push_back(node);
        Ok(())
    }

    fn deliver(&mut self, node: usize) -> io::Result<()> {
        let sender = match self.order {
            Order::Total => self.senders.0.get(self.lengths[node] - self.senders.1).copied(),
            Order::Any | Order::Causal => Some(self.draws.below(self.lengths.len() as u64) as usize),
        };
        let Some(sender) = sender else { return Ok(()) };
        if self.order == Order::Any
            && let Some(number) = self.late[node][sender].filter(|_| self.draws.below(2) == 0)
        {
            self.late[node][sender] = None;
            self.lengths[node] += 1;
            return self.file.indication(node, "deliver", number);
        }
        let (under_way, before) = &self.sent[sender];
        let Some(next) = under_way.get((self.delivered[node][sender] - before) as usize) else { return Ok(()) };
        let number = next.number;
        let ready = next.after.iter().zip(&self.delivered[node]).all(|(after, delivered)| after <= delivered);
        if self.order == Order::Causal && !ready {
            return Ok(());
        }
        self.delivered[node][sender] += 1;
        self.forget(sender);
        if self.order == Order::Any && self.late[node][sender].is_none() && self.draws.below(4) == 0 {
            self.late[node][sender] = Some(number);
            return Ok(());
        }
        self.file.indication(node, "deliver", number)?;
        self.lengths[node] += 1;
        let answers = self.order == Order::Causal && self.senders.0.len() < OUTSTANDING * self.lengths.len();
        if answers && self.draws.below(4 * self.lengths.len() as u64) == 0 {
            self.broadcast(node)?;
        }
        Ok(())
    }

    /// What everybody has delivered is under way no more.
    fn forget(&mut self, sender: usize) {
        let everywhere = self.delivered.iter().map(|of| of[sender]).min().unwrap_or(0);
        let (under_way, before) = &mut self.sent[sender];
        while *before < everywhere {
            under_way.pop_front();
            *before += 1;
        }
        let everywhere = self.lengths.iter().copied().min().unwrap_or(0);
        while self.senders.1 < everywhere {
            self.senders.0.pop_front();
            self.senders.1 += 1;
        }
    }
}
