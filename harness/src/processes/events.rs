//! Events: everything that can happen to a run from outside, in one queue.

use std::process::ExitStatus;

/// Something that the controller has to react to.
#[derive(Debug)]
pub enum Event {
    /// A node wrote whole lines, each with its LF.
    Output {
        /// The node's position.
        node: usize,
        /// The lines.
        lines: Vec<u8>,
    },
    /// A node wrote more than is accepted; its output is not read any further.
    Flood {
        /// The node's position.
        node: usize,
        /// How much it wrote in this life.
        bytes: u64,
    },
    /// A node's process has ended, and everything that it wrote has been read.
    Exited {
        /// The node's position.
        node: usize,
        /// How it ended.
        status: ExitStatus,
    },
    /// The kernel was asked whether a process stands still.
    Stopped(Signalled),
    /// The kernel was asked whether a process goes on.
    Continued(Signalled),
    /// The node that this fault waits for has written to its files.
    Wrote {
        /// The fault's id.
        fault: u32,
    },
    /// The proxy has seen the frame of the frame anchor at this position.
    Frame(usize),
}

/// The evidence of a stop or a continuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signalled {
    /// The pause's fault id.
    pub fault: u32,
    /// The node's position.
    pub node: usize,
    /// Whether the kernel has reported it.
    pub seen: bool,
    /// Between the signal and the report, ns.
    pub after_ns: u64,
}
