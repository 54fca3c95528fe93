//! Consensus: algorithms that agree while a majority of the nodes lives, whatever links lose and however often nodes crash and
//! come back. Safety never depends on time; that they get anywhere does (partial synchrony).
//!
//! Each algorithm has the message types, the state and the names of its source. They share links, storage and the handling of
//! clients ([`crate::replication`]) and nothing else. All run over fair-loss links, and each repeats what matters: clocks serve as
//! failure detectors, and for liveness alone.

pub mod election;
pub mod multi_paxos;
pub mod paxos;
pub mod raft;
pub mod viewstamped;
pub mod zab;
