//! The judge: histories good and bad, mutations of correct runs, and random histories against naive twins.

mod golden;
mod mutations;
mod random;
mod script;
mod twin;
