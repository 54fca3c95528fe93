//! What a history is to be judged by: the promises of its first line, or what the command line requires instead.

use std::collections::BTreeMap;
use std::fmt;

use crate::header::{Condition, Header};
use crate::table::CHECKERS;

/// What a history is to be judged by, beside its first line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Overrides the promises of the first line: these are promised `always`, and all others are only classified.
    pub require: Option<Vec<String>>,
    /// Whether FIFO order lets a node leave a message out.
    pub fifo_gaps: FifoGaps,
}

/// The two forms of FIFO order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FifoGaps {
    /// Strict: whoever delivers a message has delivered all earlier ones of its sender.
    #[default]
    Forbidden,
    /// Weak: messages of one sender are delivered in order where they are delivered at all.
    Allowed,
}

/// Why a history cannot be judged as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JudgeError {
    /// A property is promised or required that no checker judges.
    UnknownProperty(String),
}

impl fmt::Display for JudgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JudgeError::UnknownProperty(name) = self;
        let known: Vec<_> = CHECKERS.iter().map(|checker| checker.name).collect();
        write!(f, "unknown property `{name}`; there are: {}", known.join(", "))
    }
}

impl std::error::Error for JudgeError {}

/// What is promised: by the options, else by the first line (and `survives` by every node), else, in somebody else's history,
/// integrity.
pub(super) fn promises(header: Option<&Header>, options: &Options) -> Result<BTreeMap<String, Condition>, JudgeError> {
    let always = |name: &str| (name.to_owned(), Condition::Always);
    let promises: BTreeMap<String, Condition> = match (&options.require, header) {
        (Some(names), _) => names.iter().map(|name| always(name)).collect(),
        (None, Some(header)) => [always("survives")].into_iter().chain(header.promises.clone()).collect(),
        (None, None) => ["no-creation", "no-duplication"].map(always).into(),
    };
    match promises.keys().find(|name| CHECKERS.iter().all(|checker| checker.name != **name)) {
        Some(unknown) => Err(JudgeError::UnknownProperty(unknown.clone())),
        None => Ok(promises),
    }
}
