//! Limits: how many nodes the open files allow.

use nix::sys::resource::{Resource, getrlimit};
use serde::Serialize;

use super::{Check, grouped};
use crate::processes::needed_descriptors;

/// No run has more nodes.
const NODES_MAX: u64 = 128;
/// Sizes that are shown.
const SIZES: &[u64] = &[3, 5, 10, 25, 50, 100, NODES_MAX];

/// What a run of so many nodes needs, and whether it can have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct NodesAllowed {
    /// How many nodes.
    pub nodes: u64,
    /// How many open files the harness needs for them.
    pub open_files: u64,
    /// Whether the limit allows them.
    pub allowed: bool,
}

/// Clusters of several sizes.
pub fn nodes_allowed() -> Vec<NodesAllowed> {
    let limit = limit();
    let of = |nodes: u64| NodesAllowed { nodes, open_files: needed_descriptors(nodes), allowed: fits(nodes, limit) };
    SIZES.iter().map(|nodes| of(*nodes)).collect()
}

/// Whether the limit of open files allows clusters of every size.
pub fn open_files() -> Check {
    of_limit(limit()).as_needed()
}

fn of_limit(limit: u64) -> Check {
    let most = (1..=NODES_MAX).rev().find(|nodes| fits(*nodes, limit)).unwrap_or(0);
    let needed = needed_descriptors(NODES_MAX);
    let raise = format!("sudo prlimit --pid $$ --nofile={needed}:{needed}");
    let allowed = if limit == u64::MAX { "any number".to_owned() } else { grouped(limit) };
    match most {
        NODES_MAX => Check::ok("open files", format!("{allowed} allowed, enough for {NODES_MAX} nodes")),
        2.. => Check::limited("open files", format!("{allowed} allowed, enough for {most} nodes")).enabled_by(raise),
        _ => Check::missing("open files", format!("{allowed} allowed, too few for 2 nodes")).enabled_by(raise),
    }
}

/// The hard limit: a run raises the soft one by itself.
fn limit() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(_, hard)| hard)
}

fn fits(nodes: u64, limit: u64) -> bool {
    needed_descriptors(nodes) <= limit
}

#[cfg(test)]
mod tests {
    use super::of_limit;
    use crate::doctor::State;

    #[test]
    fn the_limit_decides_how_many_nodes_there_can_be() {
        for (limit, state, found) in [
            (u64::MAX, State::Ok, "any number allowed, enough for 128 nodes"),
            (20_000, State::Limited, "20,000 allowed, enough for 81 nodes"),
            (1_024, State::Limited, "1,024 allowed, enough for 17 nodes"),
            (64, State::Missing, "64 allowed, too few for 2 nodes"),
        ] {
            let check = of_limit(limit);
            assert_eq!((check.state, check.found.as_str()), (state, found));
        }
    }
}
