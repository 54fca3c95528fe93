//! The layers of the lectures, one file each.

pub mod best_effort;
pub mod causal;
pub mod eager;
pub mod eager_uniform;
pub mod fifo;
pub mod fifo_links;
pub mod gossip;
pub mod lamport_order;
pub mod reliable_links;
mod sequence;
pub mod sequencer;
