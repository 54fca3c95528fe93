//! File descriptors: a full mesh of proxies needs many, so the limit is raised as far as it goes before anything is opened.

use anyhow::{Context, Result, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::words::counted;

/// A listener and the two ends of a connection for each link.
const PER_LINK: u64 = 3;
/// Three pipes for each node, and one descriptor by which it is waited for.
const PER_NODE: u64 = 4;
/// Files, signals, the runtime itself.
const BESIDE: u64 = 64;

/// Makes sure that so many runs at once, of so many nodes each, have the descriptors that they need.
///
/// # Errors
/// How many are needed and how many are allowed, if these are fewer. Nothing has been opened then.
pub fn provide(nodes: usize, runs: usize) -> Result<()> {
    let needed = needed(nodes as u64) * runs as u64;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("failed to read the limit of open files")?;
    if needed > hard {
        let at_once = if runs > 1 { format!(" in {runs} runs at once") } else { String::new() };
        bail!(
            "{nodes} nodes{at_once} need {needed} open files, and {hard} are allowed here: enough for {}; \
             the command that raises the limit, for root, is: ulimit -n {needed}",
            counted(affordable(hard), "node", "nodes")
        );
    }
    if needed > soft {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("failed to raise the limit of open files")?;
    }
    Ok(())
}

/// With how many nodes a run is possible under such a limit.
fn affordable(limit: u64) -> usize {
    (0_u64..).take_while(|nodes| needed(*nodes) <= limit).count().saturating_sub(1)
}

/// How many descriptors a run of so many nodes needs.
pub fn needed(nodes: u64) -> u64 {
    PER_LINK * nodes * nodes.saturating_sub(1) + PER_NODE * nodes + BESIDE
}

#[cfg(test)]
mod tests {
    use super::{affordable, needed};

    #[test]
    fn five_nodes_need_few_and_a_hundred_need_many() {
        assert_eq!(needed(5), 144);
        assert_eq!(needed(100), 30_164);
    }

    #[test]
    fn what_is_affordable_is_the_most_that_needs_no_more() {
        for limit in [256, 1_024, 20_000] {
            let most = affordable(limit) as u64;
            assert!(needed(most) <= limit && needed(most + 1) > limit, "{limit}: {most}");
        }
        assert_eq!(affordable(10), 0);
    }
}
