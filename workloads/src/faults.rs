//! The table of faults: what can go wrong, what shows that it did, and within which model it lies.

use crate::plan::{Fate, Kind, Mode};
use crate::setting::{Crashes, Links, Setting};

/// One line of the table.
#[derive(Debug)]
pub struct Fault {
    /// Its name in plans and on the command line.
    pub name: &'static str,
    /// Its class: `--nemesis` takes either.
    pub class: &'static str,
    /// What happens.
    pub what: &'static str,
    /// Its parameters in a plan.
    pub parameters: &'static str,
    /// What shows that it took effect.
    pub evidence: &'static str,
    /// Whether a system's model allows it.
    pub within: fn(&Setting) -> bool,
}

/// The fault that is written into plans and never drawn.
pub const BITES: &str = "bites";

/// Every fault, in alphabetical order within its class.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "lose-unsynced",
        class: "disk",
        what: "SIGKILL, and of what the node had written and not synced only a part is left",
        parameters: "node, keep_ppm, wait_us",
        evidence: "each file's length before and after",
        within: recovers_from_disk,
    },
    Fault {
        name: "torn-write",
        class: "disk",
        what: "SIGKILL, and the last bytes of what the node had synced are zeros",
        parameters: "node, bytes",
        evidence: "each file, where, and its hash before and after",
        within: |_| false,
    },
    Fault {
        name: "truncate-tail",
        class: "disk",
        what: "SIGKILL, and the last bytes of what the node had synced are gone",
        parameters: "node, bytes",
        evidence: "each file's length before and after",
        within: |_| false,
    },
    Fault {
        name: "bitflip",
        class: "disk",
        what: "SIGKILL, and one bit of what the node had synced is another",
        parameters: "node, at_ppm",
        evidence: "each file, where, and its hash before and after",
        within: |_| false,
    },
    Fault {
        name: "wipe",
        class: "disk",
        what: "SIGKILL, and the node's files are gone",
        parameters: "node",
        evidence: "each file's length before",
        within: |_| false,
    },
    Fault {
        name: "kill",
        class: "kill",
        what: "SIGKILL to the node's process group; it comes back where the model says so",
        parameters: "node",
        evidence: "the process was waited for, and its wait status; ready again",
        within: |setting| setting.crashes != Crashes::None && setting.faulty_max > 0,
    },
    Fault {
        name: "kill-all",
        class: "kill",
        what: "SIGKILL to every node that is up, and a start of all",
        parameters: "",
        evidence: "as of a kill, for each node",
        within: |setting| setting.crashes == Crashes::Recover && setting.faulty_max as usize >= setting.nodes.len(),
    },
    Fault {
        name: "restart",
        class: "kill",
        what: "SIGKILL, and a start at once",
        parameters: "node",
        evidence: "the wait status; ready again",
        within: recovers,
    },
    Fault {
        name: "rolling-restart",
        class: "kill",
        what: "one node after the other is killed and started again",
        parameters: "down_us, up_us",
        evidence: "as of a kill, for each node",
        within: |setting| setting.crashes == Crashes::Recover && setting.faulty_max as usize >= setting.nodes.len(),
    },
    Fault {
        name: "crash-loop",
        class: "kill",
        what: "killed again soon after each start, and then left alone",
        parameters: "node, kills, down_us, up_us",
        evidence: "each wait status, and how many lives ended before they were ready",
        within: recovers,
    },
    Fault {
        name: "crash-during-recovery",
        class: "kill",
        what: "killed, started, and killed once more before it can have recovered",
        parameters: "node, down_us, up_us",
        evidence: "each wait status, and how many lives ended before they were ready",
        within: recovers,
    },
    Fault {
        name: "pause",
        class: "pause",
        what: "SIGSTOP, and SIGCONT after a while",
        parameters: "node",
        evidence: "the kernel reports that all threads stand still, and that they go on",
        within: |_| true,
    },
    Fault {
        name: "stutter",
        class: "pause",
        what: "SIGSTOP and SIGCONT by turns",
        parameters: "node, stopped_us, running_us",
        evidence: "how often and how long the process stood still, as the kernel reports it",
        within: |_| true,
    },
    Fault {
        name: "partition",
        class: "partition",
        what: "directed links are cut: frames are dropped, held, or the connection is reset",
        parameters: "shape, mode (drop, hold, reset), cut",
        evidence: "frames blocked on each link",
        // Frames that are held are late; [`is_within`] sees to the other modes.
        within: |_| true,
    },
    Fault {
        name: "half-open",
        class: "connection",
        what: "the receiver's end of a connection is closed, the sender's stays open and leads nowhere",
        parameters: "links",
        evidence: "connections closed, and frames that went nowhere, on each link",
        within: fair_loss,
    },
    Fault {
        name: "reset-connections",
        class: "connection",
        what: "every open connection is reset, once",
        parameters: "links",
        evidence: "connections closed on each link",
        within: fair_loss,
    },
    Fault {
        name: BITES,
        class: "link",
        what: "single frames, by their keys, are lost, doubled or late: what faults did, frame by frame",
        parameters: "frames (link, key, nth, fate), silent",
        evidence: "frames that met their fate on each link",
        // A frame that is late is within every model; [`is_within`] sees to the other fates.
        within: |_| true,
    },
    Fault {
        name: "delay",
        class: "link",
        what: "each frame is kept for a while; the link keeps its order",
        parameters: "delay_us, links",
        evidence: "frames kept on each link, and for how long",
        within: |_| true,
    },
    Fault {
        name: "duplicate",
        class: "link",
        what: "a frame is sent twice with some chance",
        parameters: "chance_ppm, links",
        evidence: "frames doubled on each link",
        within: fair_loss,
    },
    Fault {
        name: "flap",
        class: "link",
        what: "links are cut and whole by turns",
        parameters: "up_us, down_us, links",
        evidence: "each transition, and frames dropped on each link",
        within: fair_loss,
    },
    Fault {
        name: "jitter",
        class: "link",
        what: "each frame is kept for a time of its own; the link keeps its order",
        parameters: "delay_max_us, links",
        evidence: "frames kept on each link, and for how long",
        within: |_| true,
    },
    Fault {
        name: "loss",
        class: "link",
        what: "a frame is lost with some chance",
        parameters: "chance_ppm, links",
        evidence: "frames lost on each link",
        within: fair_loss,
    },
    Fault {
        name: "rate",
        class: "link",
        what: "a link carries so many bytes a second; what comes faster waits",
        parameters: "bytes_per_second, links",
        evidence: "frames kept on each link, and for how long",
        within: |_| true,
    },
    Fault {
        name: "reorder",
        class: "link",
        what: "with some chance a frame is set aside for a while, and later ones overtake it",
        parameters: "chance_ppm, delay_us, links",
        evidence: "frames overtaken on each link, and for how long they were aside",
        within: |_| true,
    },
];

/// The fault of this name.
pub fn find(name: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name)
}

/// The fault's name, as in the table.
pub fn name_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Kill { .. } => "kill",
        Kind::KillAll {} => "kill-all",
        Kind::Restart { .. } => "restart",
        Kind::RollingRestart { .. } => "rolling-restart",
        Kind::CrashLoop { .. } => "crash-loop",
        Kind::CrashDuringRecovery { .. } => "crash-during-recovery",
        Kind::LoseUnsynced { .. } => "lose-unsynced",
        Kind::TornWrite { .. } => "torn-write",
        Kind::TruncateTail { .. } => "truncate-tail",
        Kind::Bitflip { .. } => "bitflip",
        Kind::Wipe { .. } => "wipe",
        Kind::Pause { .. } => "pause",
        Kind::Partition { .. } => "partition",
        Kind::Loss { .. } => "loss",
        Kind::Duplicate { .. } => "duplicate",
        Kind::Delay { .. } => "delay",
        Kind::Jitter { .. } => "jitter",
        Kind::Reorder { .. } => "reorder",
        Kind::Rate { .. } => "rate",
        Kind::Flap { .. } => "flap",
        Kind::ResetConnections { .. } => "reset-connections",
        Kind::HalfOpen { .. } => "half-open",
        Kind::Stutter { .. } => "stutter",
        Kind::Bites { .. } => BITES,
    }
}

/// The fault's class, as in the table.
pub fn class_of(kind: &Kind) -> &'static str {
    find(name_of(kind)).expect("every kind of fault stands in the table").class
}

/// Whether this very fault lies within the model. Of partitions, reliable links allow those that only hold frames back.
pub fn is_within(kind: &Kind, setting: &Setting) -> bool {
    match kind {
        Kind::Partition { mode, .. } => *mode == Mode::Hold || fair_loss(setting),
        // What a node had not sent when it was killed is its crash's doing.
        Kind::Bites { frames, .. } => {
            let only_late = frames.iter().all(|bite| matches!(bite.fate, Fate::LateUs(_) | Fate::AtUs(_)));
            only_late || fair_loss(setting)
        }
        kind => find(name_of(kind)).is_some_and(|fault| (fault.within)(setting)),
    }
}

fn recovers(setting: &Setting) -> bool {
    setting.crashes == Crashes::Recover && setting.faulty_max > 0
}

/// Where nothing is on disk, nothing of it can be lost.
fn recovers_from_disk(setting: &Setting) -> bool {
    recovers(setting) && setting.durable
}

fn fair_loss(setting: &Setting) -> bool {
    setting.links == Links::FairLoss
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::FAULTS;

    #[test]
    fn names_are_unique_and_everything_is_said() {
        let names: BTreeSet<&str> = FAULTS.iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), FAULTS.len());
        assert!(FAULTS.iter().all(|fault| !fault.what.is_empty() && !fault.evidence.is_empty()));
    }
}
