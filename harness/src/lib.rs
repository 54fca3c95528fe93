//! temblor: a fault-injection test harness for distributed systems.
//!
//! The path of a run: [`commands`] reads the command line, [`drawing`] makes a plan, [`processes`] carries it out on real
//! node processes through the [`proxy`], [`recorder`] appends the history, and the judge of `temblor_checkers` decides from
//! that file alone.

pub mod asked;
pub mod campaign;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod concrete;
pub mod containment;
pub mod damage;
pub mod diagram;
pub mod difference;
pub mod doctor;
pub mod drawing;
pub mod exit;
pub mod explanation;
pub mod export;
pub mod foreign;
pub mod hunt;
pub mod machine;
pub mod mark;
pub mod past;
pub mod processes;
pub mod proxy;
pub mod reads;
pub mod recorder;
pub mod render;
pub mod report;
pub mod results;
pub mod script;
pub mod serve;
pub mod stored;
pub mod system;
pub mod testing;
pub mod trial;
pub mod virtual_time;
pub mod words;

/// What the layers of a node are made of.
pub use temblor_node as node;
