//! The vocabulary of faults: what can go wrong, as it stands in a plan.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::plan::{AroundLeader, Bite, Fate, Link, Mode};

/// The vocabulary of faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kind {
    /// SIGKILL: `{"kill":{"node":"n2"}}`. Where the model lets nodes come back, the node is started again after `for_us`, or
    /// at the heal.
    Kill {
        /// A node's name, or `leader`.
        node: String,
    },
    /// SIGKILL to every node that is up: `{"kill-all":{}}`. They come back as after a kill.
    KillAll {},
    /// SIGKILL, and the node is started again at once: `{"restart":{"node":"n2"}}`.
    Restart {
        /// A node's name, or `leader`.
        node: String,
    },
    /// One node after the other is killed and started again: `{"rolling-restart":{"down_us":50000,"up_us":200000}}`.
    RollingRestart {
        /// How long each is down, us.
        down_us: u64,
        /// How long each has before it is the next one's turn, us.
        up_us: u64,
    },
    /// Killed again soon after each start, and then left alone: `{"crash-loop":{"node":"n2","kills":4,"down_us":1000,"up_us":5000}}`.
    CrashLoop {
        /// A node's name, or `leader`.
        node: String,
        /// How often it is killed, from 1.
        kills: u32,
        /// How long it is down each time, us.
        down_us: u64,
        /// How long it lives in between, us.
        up_us: u64,
    },
    /// Killed, started, and killed once more before it can have recovered.
    CrashDuringRecovery {
        /// A node's name, or `leader`.
        node: String,
        /// How long it is down each time, us.
        down_us: u64,
        /// How long it lives in between, us.
        up_us: u64,
    },
    /// SIGKILL, and what the node had written and not synced is lost but for a part:
    /// `{"lose-unsynced":{"node":"n2","keep_ppm":500000,"wait_us":100000}}`. The node comes back as after a kill.
    LoseUnsynced {
        /// A node's name, or `leader`.
        node: String,
        /// How much of it is kept, in millionths of its bytes; it may end within a record.
        keep_ppm: u32,
        /// At most so long it waits until the node writes, us: who syncs whatever it writes has nothing to lose at other times.
        #[serde(default, skip_serializing_if = "is_zero")]
        wait_us: u64,
    },
    /// SIGKILL, and the last bytes of what the node had synced are zeros.
    TornWrite {
        /// A node's name, or `leader`.
        node: String,
        /// How many bytes of each file, from 1.
        bytes: u64,
    },
    /// SIGKILL, and the last bytes of what the node had synced are gone.
    TruncateTail {
        /// A node's name, or `leader`.
        node: String,
        /// How many bytes of each file, from 1.
        bytes: u64,
    },
    /// SIGKILL, and one bit of what the node had synced is another.
    Bitflip {
        /// A node's name, or `leader`.
        node: String,
        /// Where in each file, in millionths of its length.
        at_ppm: u32,
    },
    /// SIGKILL, and the node's files are gone.
    Wipe {
        /// A node's name, or `leader`.
        node: String,
    },
    /// SIGSTOP, and SIGCONT after `for_us`: `{"pause":{"node":"n2"}}`.
    Pause {
        /// A node's name, or `leader`.
        node: String,
    },
    /// Directed link cuts: `{"partition":{"shape":"isolate-one","mode":"drop","cut":[["n1","n2"]]}}`.
    Partition {
        /// How the cut was made; for people.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        shape: String,
        /// What happens to the frames.
        #[serde(default)]
        mode: Mode,
        /// The cut links, each `[from, to]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cut: Vec<Link>,
        /// Instead of `cut`: the links between whoever leads when the fault is due, with some nodes, and the rest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        around_leader: Option<AroundLeader>,
    },
    /// Each frame is lost with this chance: `{"loss":{"chance_ppm":200000,"links":[["n1","n2"]]}}`.
    Loss {
        /// Chance in millionths.
        chance_ppm: u32,
        /// The links.
        links: Vec<Link>,
    },
    /// Each frame is sent twice with this chance.
    Duplicate {
        /// Chance in millionths.
        chance_ppm: u32,
        /// The links.
        links: Vec<Link>,
    },
    /// Each frame is held for so long; the link keeps its order.
    Delay {
        /// How long, us.
        delay_us: u64,
        /// The links.
        links: Vec<Link>,
    },
    /// Each frame is held for a time of its own, from nothing to so long; the link keeps its order.
    Jitter {
        /// How long at most, us.
        delay_max_us: u64,
        /// The links.
        links: Vec<Link>,
    },
    /// With this chance a frame is set aside for so long, and later frames overtake it.
    Reorder {
        /// Chance in millionths.
        chance_ppm: u32,
        /// How long it is set aside, us.
        delay_us: u64,
        /// The links.
        links: Vec<Link>,
    },
    /// Each link carries so many bytes a second; what comes faster waits.
    Rate {
        /// Bytes a second, from 1.
        bytes_per_second: u64,
        /// The links.
        links: Vec<Link>,
    },
    /// The links are cut and whole by turns; it begins with a cut, which drops frames.
    Flap {
        /// How long they are whole, us, from 1.
        up_us: u64,
        /// How long they are cut, us, from 1.
        down_us: u64,
        /// The links.
        links: Vec<Link>,
    },
    /// Every connection that is open now is reset, and what is on its way there is lost. It is over at once.
    ResetConnections {
        /// The links.
        links: Vec<Link>,
    },
    /// The receiver's end of each connection is closed, the sender's stays established and what it sends goes nowhere; when
    /// the fault is lifted, the sender's end is reset.
    HalfOpen {
        /// The links.
        links: Vec<Link>,
    },
    /// Single frames meet fates of their own: what faults did in a run, said frame by frame.
    Bites {
        /// Which frames, and what becomes of them.
        frames: Vec<Bite>,
        /// Nodes whose other frames are lost: what a node had not sent when it was killed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        silent: Vec<String>,
    },
    /// SIGSTOP and SIGCONT by turns: `{"stutter":{"node":"n2","stopped_us":20000,"running_us":5000}}`.
    Stutter {
        /// A node's name, or `leader`.
        node: String,
        /// How long it stands still, us, from 1.
        stopped_us: u64,
        /// How long it runs then, us, from 1.
        running_us: u64,
    },
}

impl Kind {
    /// The links that it disturbs; none for a fault of processes, for one whose links are known only when it is due, and for one
    /// that names frames ([`Kind::links_of_frames`]).
    pub fn links(&self) -> &[Link] {
        match self {
            Kind::Partition { cut, .. } => cut,
            Kind::Loss { links, .. }
            | Kind::Duplicate { links, .. }
            | Kind::Delay { links, .. }
            | Kind::Jitter { links, .. }
            | Kind::Reorder { links, .. }
            | Kind::Rate { links, .. }
            | Kind::Flap { links, .. }
            | Kind::ResetConnections { links }
            | Kind::HalfOpen { links } => links,
            _ => &[],
        }
    }

    /// The links that it disturbs, to be changed; `None` for a fault of processes.
    pub fn links_mut(&mut self) -> Option<&mut Vec<Link>> {
        match self {
            Kind::Partition { cut, .. } => Some(cut),
            Kind::Loss { links, .. }
            | Kind::Duplicate { links, .. }
            | Kind::Delay { links, .. }
            | Kind::Jitter { links, .. }
            | Kind::Reorder { links, .. }
            | Kind::Rate { links, .. }
            | Kind::Flap { links, .. }
            | Kind::ResetConnections { links }
            | Kind::HalfOpen { links } => Some(links),
            _ => None,
        }
    }

    /// The links of a fault that names frames, each once: those of its frames, and all that leave its silent nodes.
    pub fn links_of_frames(&self, nodes: &[String]) -> Vec<Link> {
        let Kind::Bites { frames, silent } = self else { return Vec::new() };
        let of_silent = silent.iter().flat_map(|from| nodes.iter().map(move |to| (from.clone(), to.clone())));
        let links = frames.iter().map(|bite| bite.link.clone()).chain(of_silent.filter(|(from, to)| from != to));
        links.collect::<BTreeSet<Link>>().into_iter().collect()
    }

    /// Whether only virtual time can do this: it says when frames arrive.
    pub fn needs_virtual_time(&self) -> bool {
        matches!(self, Kind::Bites { frames, .. } if frames.iter().any(|bite| matches!(bite.fate, Fate::AtUs(_))))
    }

    /// Whether it is over as soon as it has been done, so that nothing is left to lift; a kill is where nodes don't come back.
    pub fn is_instant(&self) -> bool {
        self.ends_lives() || matches!(self, Kind::ResetConnections { .. })
    }

    /// Whether it ends lives of nodes.
    pub fn ends_lives(&self) -> bool {
        matches!(self, Kind::KillAll {} | Kind::RollingRestart { .. }) || self.victim().is_some()
    }

    /// The one node whose life it ends, or `leader`.
    pub fn victim(&self) -> Option<&str> {
        match self {
            Kind::Kill { node }
            | Kind::Restart { node }
            | Kind::CrashLoop { node, .. }
            | Kind::CrashDuringRecovery { node, .. }
            | Kind::LoseUnsynced { node, .. }
            | Kind::TornWrite { node, .. }
            | Kind::TruncateTail { node, .. }
            | Kind::Bitflip { node, .. }
            | Kind::Wipe { node } => Some(node),
            _ => None,
        }
    }

    /// Whether whoever it has killed stays down until it is lifted: `for_us` later, or at the heal. The others see to it
    /// themselves that everybody comes back.
    pub fn leaves_down(&self) -> bool {
        self.ends_lives()
            && !matches!(
                self,
                Kind::Restart { .. }
                    | Kind::RollingRestart { .. }
                    | Kind::CrashLoop { .. }
                    | Kind::CrashDuringRecovery { .. }
            )
    }
}

fn is_zero(time_us: &u64) -> bool {
    *time_us == 0
}
