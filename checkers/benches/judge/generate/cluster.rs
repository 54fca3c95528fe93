//! A run of `fifo` over eager reliable broadcast, as its history shows it.
//!
//! What a node reports waits in its pipe until the recorder comes by, so a delivery may stand before its broadcast. Partitions
//! isolate one node after another, which then lags by thousands of messages and catches up when they are lifted; half-way one
//! node is killed while requests to it are open.

use std::collections::VecDeque;
use std::io;

use super::draws::Draws;
use super::file::{File, NODES, name};

/// How many clients ask at the same time.
const CLIENTS: usize = 10;
/// The node that is killed half-way.
const VICTIM: usize = NODES - 1;
/// How many partitions there are in a run.
const PARTITIONS: u64 = 40;
/// How likely each node is to take its turn at delivering, in relation to the others: some machines are slower.
const PACE: [u64; NODES] = [9, 8, 10, 3, 6];

/// Something that waits in a node's pipe.
enum Report {
    Broadcast(u64),
    Deliver(u64),
    /// The answer to a client's request.
    Ok(usize, u64),
}

/// The nodes and their clients.
pub struct Cluster<'f> {
    file: &'f mut File,
    draws: Draws,
    /// The numbers of the clients, and whether each waits for an answer.
    clients: [(u64, bool); CLIENTS],
    /// What each node broadcast, in its order.
    sent: [Vec<u64>; NODES],
    /// How many messages of each sender (second) each node (first) delivered.
    delivered: [[usize; NODES]; NODES],
    pipes: [VecDeque<Report>; NODES],
    isolated: Option<usize>,
    dead: bool,
    messages: u64,
    /// Deliveries that are still to come, and reports that wait in pipes.
    owed: u64,
}

impl<'f> Cluster<'f> {
    /// Writes the main phase and the drain of a run, so that it comes to so many lines.
    pub fn run(file: &'f mut File, lines: u64) -> io::Result<()> {
        let mut cluster = Cluster {
            file,
            draws: Draws(2),
            clients: std::array::from_fn(|client| (client as u64, false)),
            sent: Default::default(),
            delivered: Default::default(),
            pipes: Default::default(),
            isolated: None,
            dead: false,
            messages: 0,
            owed: 0,
        };
        for node in 0..NODES {
            cluster.file.node(node, "start", "{\"incarnation\":1}")?;
        }
        while cluster.file.lines() + cluster.owed < lines {
            cluster.faults(lines)?;
            cluster.step()?;
        }
        cluster.drain()
    }

    /// Starts, lifts and applies what is due.
    fn faults(&mut self, lines: u64) -> io::Result<()> {
        // Of each share of the run the second third is disturbed.
        let share = (lines / PARTITIONS).max(30);
        let (nth, within) = (self.file.lines() / share, self.file.lines() % share);
        let disturbed = (share / 3..2 * share / 3).contains(&within);
        match self.isolated {
            None if disturbed => self.isolate(nth)?,
            Some(_) if !disturbed => self.lift(nth)?,
            _ => {}
        }
        if !self.dead && self.file.lines() > lines / 2 {
            self.kill()?;
        }
        Ok(())
    }

    fn isolate(&mut self, nth: u64) -> io::Result<()> {
        let node = nth as usize % NODES;
        self.isolated = Some(node);
        let others = (0..NODES).filter(|other| *other != node);
        let cut: Vec<String> = others
            .flat_map(|other| [(node, other), (other, node)])
            .map(|(from, to)| format!("[\"{}\",\"{}\"]", name(from), name(to)))
            .collect();
        self.partition(
            "invoke",
            nth,
            &format!("\"shape\":\"isolate-one\",\"mode\":\"hold\",\"cut\":[{}]", cut.join(",")),
        )
    }

    fn lift(&mut self, nth: u64) -> io::Result<()> {
        let node = self.isolated.take().expect("a partition is lifted once");
        let blocked = format!("\"blocked\":[[\"{}\",\"{}\",12]]", name(node), name((node + 1) % NODES));
        self.partition("ok", nth, &blocked)
    }

    fn partition(&mut self, kind: &str, nth: u64, more: &str) -> io::Result<()> {
        let value = format!("{{\"id\":{},\"class\":\"partition\",{more}}}", nth + 2);
        self.file.nemesis(kind, "partition", &value)
    }

    /// Kills the victim. All that it delivered had left for the others before; its last requests it took, and told nobody.
    fn kill(&mut self) -> io::Result<()> {
        let asked = format!("{{\"id\":1,\"class\":\"kill\",\"node\":\"{}\"", name(VICTIM));
        self.file.nemesis("invoke", "kill", &format!("{asked}}}"))?;
        self.empty(VICTIM)?;
        let clients: Vec<usize> = (0..CLIENTS).filter(|client| !self.clients[*client].1).collect();
        let first = self.messages + 1;
        self.messages += clients.len() as u64;
        let requests: Vec<(usize, u64)> = clients.into_iter().zip(first..).collect();
        for (client, message) in &requests {
            self.file.request("invoke", self.clients[*client].0, (VICTIM, *message))?;
        }
        for (_, message) in &requests {
            self.file.indication(VICTIM, "broadcast", *message)?;
        }
        self.file.node(VICTIM, "exit", "{\"status\":\"signal 9\"}")?;
        self.file.nemesis("ok", "kill", &format!("{asked},\"status\":\"signal 9\"}}"))?;
        self.dead = true;
        self.owed = (0..VICTIM).map(|node| self.pipes[node].len() as u64 + self.missing(node)).sum();
        for (client, message) in requests {
            self.file.request("info", self.clients[client].0, (VICTIM, message))?;
            // A client whose request ended without an answer is not used again.
            self.clients[client].0 += CLIENTS as u64;
        }
        Ok(())
    }

    /// One thing happens: a client asks, or a node delivers, or the recorder comes by.
    fn step(&mut self) -> io::Result<()> {
        match self.draws.below(16) {
            0 | 1 => self.ask(),
            2..14 => {
                self.deliver();
                Ok(())
            }
            _ => {
                let node = self.draws.below(NODES as u64) as usize;
                self.empty(node)
            }
        }
    }

    fn ask(&mut self) -> io::Result<()> {
        let client = self.draws.below(CLIENTS as u64) as usize;
        let node = self.draws.below(self.living()) as usize;
        if self.clients[client].1 {
            return Ok(());
        }
        self.messages += 1;
        let message = self.messages;
        self.clients[client].1 = true;
        self.file.request("invoke", self.clients[client].0, (node, message))?;
        self.sent[node].push(message);
        self.delivered[node][node] += 1;
        self.pipes[node].extend([Report::Broadcast(message), Report::Deliver(message), Report::Ok(client, message)]);
        self.owed += 3 + self.living() - 1;
        Ok(())
    }

    /// A node, the faster ones more often, delivers the next message of some sender, if it has got that far.
    fn deliver(&mut self) {
        let node = self.draws.below(NODES as u64) as usize;
        let sender = self.draws.below(NODES as u64) as usize;
        let its_turn = self.draws.below(10) < PACE[node];
        let reached = self.isolated.is_none_or(|isolated| (node == isolated) == (sender == isolated));
        if its_turn && reached && (node as u64) < self.living() {
            self.deliver_next(node, sender);
        }
    }

    fn deliver_next(&mut self, node: usize, sender: usize) {
        if let Some(message) = self.sent[sender].get(self.delivered[node][sender]) {
            self.pipes[node].push_back(Report::Deliver(*message));
            self.delivered[node][sender] += 1;
        }
    }

    /// The recorder writes down what waits in a node's pipe.
    fn empty(&mut self, node: usize) -> io::Result<()> {
        while let Some(report) = self.pipes[node].pop_front() {
            self.owed -= 1;
            match report {
                Report::Broadcast(message) => self.file.indication(node, "broadcast", message)?,
                Report::Deliver(message) => self.file.indication(node, "deliver", message)?,
                Report::Ok(client, message) => {
                    self.clients[client].1 = false;
                    self.file.request("ok", self.clients[client].0, (node, message))?;
                }
            }
        }
        Ok(())
    }

    /// All faults are off, and whatever is owed is delivered.
    fn drain(&mut self) -> io::Result<()> {
        if self.isolated.is_some() {
            self.lift(self.file.lines() / (self.file.lines() / PARTITIONS).max(30))?;
        }
        for node in 0..self.living() as usize {
            for sender in 0..NODES {
                while self.delivered[node][sender] < self.sent[sender].len() {
                    self.deliver_next(node, sender);
                }
            }
            self.empty(node)?;
        }
        self.file.messages(self.messages);
        Ok(())
    }

    /// How many deliveries a node still owes.
    fn missing(&self, node: usize) -> u64 {
        (0..NODES).map(|sender| (self.sent[sender].len() - self.delivered[node][sender]) as u64).sum()
    }

    /// How many nodes are up: these are the first ones.
    fn living(&self) -> u64 {
        if self.dead { VICTIM as u64 } else { NODES as u64 }
    }
}
