//! The judge: histories good and bad, mutations of correct runs, and random histories against naive twins.

mod answers;
mod conditions;
mod consensus;
mod golden;
mod logs;
mod mutations;
mod orders;
mod payments;
mod random;
mod replicas;
mod script;
mod twin;
