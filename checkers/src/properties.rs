//! The properties, one file each (or two that are halves of one thing).

pub mod agreement;
pub mod causal_order;
pub mod commitment;
pub mod fifo_order;
pub mod integrity;
pub mod leaders_log;
pub mod leadership;
pub mod log_matching;
pub mod payments;
pub mod reads;
pub mod replies;
pub mod single_value;
pub mod stable_log;
pub mod survives;
pub mod terms;
pub mod total_order;
pub mod validity;
