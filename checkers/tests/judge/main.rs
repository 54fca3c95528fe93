//! The judge: histories good and bad, mutations of correct runs, and random histories against naive twins.

mod conditions;
mod golden;
mod logs;
mod mutations;
mod orders;
mod random;
mod script;
mod twin;
