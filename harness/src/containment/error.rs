//! Why a containment cannot be had: a fragment that fits "failed to contain the run: ...".

use std::fmt;
use std::io;

/// The reason why one kind of containment does not work here, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

impl Unavailable {
    /// A step that failed, and how.
    pub fn because(step: &str, error: impl Into<io::Error>) -> Self {
        Self(format!("{step}: {}", error.into()))
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
