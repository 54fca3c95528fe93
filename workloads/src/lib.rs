//! Plans: what a run will do, drawn from a seed or written by hand, and how a link treats a frame.
//!
//! Everything here is a pure function of its input; nothing is drawn while a run goes on.

pub mod chance;
pub mod demonstrations;
pub mod draw;
pub mod faults;
mod kind;
pub mod lectures;
pub mod link;
pub mod occurrences;
pub mod payments;
pub mod plan;
pub mod reboot;
pub mod schema;
pub mod setting;
pub mod shapes;
pub mod shrink;
pub mod text;
pub mod topology;
pub mod validity;
mod waiting;
pub mod workloads;
