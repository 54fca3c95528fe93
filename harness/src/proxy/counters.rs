//! Counters: what went over a link, and what became of it.
//!
//! Whatever happens, `frames_in + doubled = frames_out + dropped + down + reset +` what still waits.

use serde::Serialize;

use super::residence::{Residence, Summary};

/// What went over a link, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// In numbers.
    pub tally: Tally,
    /// How long those frames stayed that neither a fault nor the receiver kept: the proxy's own slowness.
    pub own: Residence,
    /// How long those stayed that a fault kept, or that stood behind such.
    pub kept: Residence,
}

/// Numbers of one link. Bytes count LFs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Connections that the sender opened.
    pub connections: u64,
    /// Connections that were reset: by a fault, because the receiver was not there, or for a frame that was too long.
    pub resets: u64,
    /// Whole frames from the sender.
    pub frames_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Frames written to the receiver, second copies included.
    pub frames_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Frames lost by a fault.
    pub dropped: u64,
    /// Frames that a fault held.
    pub held: u64,
    /// Frames that a fault delayed.
    pub delayed: u64,
    /// Second copies.
    pub doubled: u64,
    /// Frames that a fault set aside and that a later one overtook.
    pub overtaken: u64,
    /// Frames lost because the receiver was down or had closed the connection.
    pub down: u64,
    /// Frames lost because the connection was reset.
    pub reset: u64,
    /// Frames cut by the end of their connection, and not forwarded.
    pub torn: u64,
    /// Frames longer than the limit, each of which cost its connection.
    pub oversized: u64,
    /// Frames that had to wait because the receiver did not read.
    pub stalled: u64,
    /// How often the sender was left to wait because too much was in the queue.
    pub back_pressure: u64,
    /// Bytes that the receiver sent back on a connection that runs the other way; they are thrown away.
    pub backward_bytes: u64,
    /// Connections that could not be accepted for want of something here, such as descriptors.
    pub accept_errors: u64,
}

/// What all links together say in short.
#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    /// How many links there are.
    pub links: usize,
    /// The sum of their numbers.
    pub totals: Tally,
    /// How long frames stayed that neither a fault nor a receiver kept.
    pub residence: Summary,
    /// How long frames stayed that a fault kept.
    pub residence_kept: Summary,
}

impl Counters {
    /// Sums up.
    pub fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.own.merge(&other.own);
        self.kept.merge(&other.kept);
    }

    /// In short, for `links` links.
    pub fn facts(&self, links: usize) -> Facts {
        let (residence, residence_kept) = (self.own.summary(), self.kept.summary());
        Facts { links, totals: self.tally, residence, residence_kept }
    }
}

impl Tally {
    fn merge(&mut self, other: &Self) {
        let mine = [
            (&mut self.connections, other.connections),
            (&mut self.resets, other.resets),
            (&mut self.frames_in, other.frames_in),
            (&mut self.bytes_in, other.bytes_in),
            (&mut self.frames_out, other.frames_out),
            (&mut self.bytes_out, other.bytes_out),
            (&mut self.dropped, other.dropped),
            (&mut self.held, other.held),
            (&mut self.delayed, other.delayed),
            (&mut self.doubled, other.doubled),
            (&mut self.overtaken, other.overtaken),
            (&mut self.down, other.down),
            (&mut self.reset, other.reset),
            (&mut self.torn, other.torn),
            (&mut self.oversized, other.oversized),
            (&mut self.stalled, other.stalled),
            (&mut self.back_pressure, other.back_pressure),
            (&mut self.backward_bytes, other.backward_bytes),
            (&mut self.accept_errors, other.accept_errors),
        ];
        mine.into_iter().for_each(|(mine, other)| *mine += other);
    }
}
