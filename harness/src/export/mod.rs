//! A run in the formats of other tools, so that what they show can be seen of it too.
//!
//! Each format is one file here, written as a stream: a run may be larger than memory. What two of them need, the ops and
//! frames of a run merged in the order of time, is [`moments`].

mod csv;
pub mod edn;
mod mermaid;
pub mod moments;
#[cfg(feature = "parquet")]
mod parquet;
mod perfetto;
mod shiviz;
mod zip;

use std::io;

pub use csv::csv;
pub use mermaid::mermaid;
#[cfg(feature = "parquet")]
pub use parquet::parquet;
pub use perfetto::perfetto;
pub use shiviz::shiviz;
pub use zip::{NAMES, unzip, zip};

/// Why a run could not be exported.
pub type Failure = io::Error;
