//! The table of workloads: what clients do.

/// One line of the table.
#[derive(Debug)]
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// What its clients do.
    pub what: &'static str,
    /// The options that only it heeds; empty if there are none.
    pub options: &'static str,
    /// How its operations and rules are drawn.
    pub(crate) pattern: Pattern,
}

/// How operations follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// One by one, at a steady rate.
    Steady,
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
        pattern: Pattern::Steady,
    },
    Workload {
        name: "burst",
        what: "one node is asked for many broadcasts at once, now and then two nodes for as many in turn",
        options: "--burst-size",
        pattern: Pattern::Bursts,
    },
    Workload {
        name: "chat",
        what: "who delivers a message answers with its own broadcast: chains of causes, several at once",
        options: "--chain-depth",
        pattern: Pattern::Chains,
    },
];

/// The workload of this name.
pub fn find(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.name == name)
}
