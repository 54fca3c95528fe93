//! What the algorithms of replication share: how a client's requests become commands, and how a log of commands becomes
//! deliveries. Each algorithm agrees on a log in its own way.
//!
//! A message becomes a command of its sender with the sender's next number. The log may hold a command twice, since a sender
//! asks again when it is in doubt, and a sender's commands in any order; [`Deliveries`] is a deterministic function of the log
//! that delivers each once, in the sender's order. So everybody who has the same log delivers the same messages at the same
//! positions: FIFO-total order broadcast.

mod command;
mod deliveries;
mod requests;

pub use command::Command;
pub use deliveries::{Deliveries, Delivery};
pub use requests::{Request, Requests};
