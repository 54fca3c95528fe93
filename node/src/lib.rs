//! The broadcast algorithms of the lectures as sans-IO layers, and the process that runs them.
//!
//! Start with [`algorithms`] (what there is), [`layer`] (the interface) and any file of [`layers`] (an algorithm). The
//! [`runtime`] is the only part that does IO.

pub mod algorithms;
pub mod bugs;
pub mod choice;
pub mod consensus;
pub mod exercises;
pub mod id;
pub mod indication;
pub mod journal;
pub mod layer;
pub mod layers;
mod lookup;
pub mod model;
pub mod packet;
pub mod promises;
pub mod records;
pub mod replication;
pub mod rpc;
pub mod runtime;
pub mod stack;

pub use runtime::{NodeArgs, main, serve};
