//! The table of workloads: what clients do.

/// One line of the table.
#[derive(Debug)]
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// What its clients do.
    pub what: &'static str,
}

/// Every workload.
pub const WORKLOADS: &[Workload] =
    &[Workload { name: "broadcast", what: "random nodes are asked to broadcast, at a steady rate" }];
