//! File descriptors: a full mesh of proxies needs many, so the limit is raised as far as it goes before anything is opened.

use anyhow::{Context, Result, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// A listener and the two ends of a connection for each link.
const PER_LINK: u64 = 3;
/// Three pipes for each node, and one descriptor by which it is waited for.
const PER_NODE: u64 = 4;
/// Files, signals, the runtime itself.
const BESIDE: u64 = 64;

/// Makes sure that a run with so many nodes has the descriptors that it needs, or says how many are missing.
pub fn provide(nodes: usize) -> Result<()> {
    let needed = needed(nodes as u64);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("failed to read the limit of open files")?;
    if needed > hard {
        bail!(
            "{nodes} nodes need {needed} open files, and {hard} are allowed here; \
             use fewer nodes, or raise the limit (ulimit -Hn, or LimitNOFILE= of the service)"
        );
    }
    if needed > soft {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("failed to raise the limit of open files")?;
    }
    Ok(())
}

fn needed(nodes: u64) -> u64 {
    PER_LINK * nodes * nodes.saturating_sub(1) + PER_NODE * nodes + BESIDE
}

#[cfg(test)]
mod tests {
    use super::needed;

    #[test]
    fn five_nodes_need_few_and_a_hundred_need_many() {
        assert_eq!(needed(5), 144);
        assert_eq!(needed(100), 30_164);
    }
}
