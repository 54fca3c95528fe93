//! The layers of the lectures, one file each.

pub mod best_effort;
pub mod eager;
pub mod fifo;
pub mod reliable_links;
mod sequence;
