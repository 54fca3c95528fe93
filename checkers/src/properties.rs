//! The properties, one file each (or two that are halves of one thing).

pub mod agreement;
pub mod causal_order;
pub mod fifo_order;
pub mod integrity;
pub mod leadership;
pub mod stable_log;
pub mod survives;
pub mod total_order;
pub mod validity;
