//! The table of workloads: what clients do.

use crate::plan::Ask;

/// One line of the table.
#[derive(Debug)]
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// What its clients do.
    pub what: &'static str,
    /// The options that only it heeds; empty if there are none.
    pub options: &'static str,
    /// What its clients ask for.
    pub asks: Ask,
    /// How its operations and rules are drawn.
    pub(crate) pattern: Pattern,
}

/// How operations follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// One by one, at a steady rate.
    Steady,
    /// The same, of all nodes but the first, which is the server.
    Clients,
    /// Some begin chains of answers.
    Chains,
    /// Many at once from one sender, and then a while nothing.
    Bursts,
}

/// Every workload.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "broadcast",
        what: "random nodes are asked to broadcast, at a steady rate",
        options: "",
        asks: Ask::Broadcast,
        pattern: Pattern::Steady,
    },
    Workload {
        name: "burst",
        what: "one node is asked for many broadcasts at once, now and then two nodes for as many in turn",
        options: "--burst-size",
        asks: Ask::Broadcast,
        pattern: Pattern::Bursts,
    },
    Workload {
        name: "chat",
        what: "who delivers a message answers with its own broadcast: chains of causes, several at once",
        options: "--chain-depth",
        asks: Ask::Broadcast,
        pattern: Pattern::Chains,
    },
    Workload {
        name: "payments",
        what: "random clients are asked to charge a card, at a steady rate; a seventh of the cards is declined",
        options: "",
        asks: Ask::Charge,
        pattern: Pattern::Clients,
    },
    Workload {
        name: "echo",
        what: "random nodes are asked to repeat what they are told, at a steady rate",
        options: "",
        asks: Ask::Echo,
        pattern: Pattern::Steady,
    },
    Workload {
        name: "unique-ids",
        what: "random nodes are asked for an id that nobody is given again, at a steady rate",
        options: "",
        asks: Ask::Generate,
        pattern: Pattern::Steady,
    },
];

/// The workloads for systems whose clients ask for this; the first is what is meant where nothing is said.
pub fn of(asks: Ask) -> impl Iterator<Item = &'static Workload> {
    WORKLOADS.iter().filter(move |workload| workload.asks == asks)
}

/// The workload of this name.
pub fn find(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.name == name)
}
