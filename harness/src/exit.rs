//! Exit codes: what each means, and which wins when several apply.

use temblor_checkers::verdict::{Outcome, Verdict};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All that was asked ran, was checked and is clean.
    Clean = 0,
    /// A promised property was violated.
    Violation = 1,
    /// Wrong command line, plan file, or a path that is absent; decided before anything runs.
    Usage = 2,
    /// A promised property is unknown, the history is cut short, a requested fault never bit, or a person interrupted.
    Inconclusive = 3,
    /// Nothing ran, or there was nothing to judge.
    Nothing = 4,
    /// The harness failed, or the input is no history.
    Failed = 5,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// What an exit code means.
    pub fn of_code(code: u8) -> Self {
        let all = [Self::Clean, Self::Violation, Self::Usage, Self::Inconclusive, Self::Nothing];
        all.into_iter().find(|exit| exit.code() == code).unwrap_or(Self::Failed)
    }

    /// The worse of two: 1 > 5 > 4 > 3 > 0. A usage error is decided before anything runs and wins over all.
    pub fn worst(self, other: Exit) -> Exit {
        if self.rank() >= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Inconclusive => 1,
            Exit::Nothing => 2,
            Exit::Failed => 3,
            Exit::Violation => 4,
            Exit::Usage => 5,
        }
    }
}

impl From<&Verdict> for Exit {
    fn from(verdict: &Verdict) -> Exit {
        match verdict.outcome {
            Outcome::Clean => Exit::Clean,
            Outcome::Violation => Exit::Violation,
            Outcome::Inconclusive(_) => Exit::Inconclusive,
            Outcome::Nothing(_) => Exit::Nothing,
        }
    }
}

/// A mistake in what was asked for: exit 2, before anything runs.
#[derive(Debug)]
pub struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// A [`UsageError`] as an `anyhow::Error`, for `?` and `return Err`.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    UsageError(message.into()).into()
}

#[cfg(test)]
mod tests {
    use super::Exit::{self, Clean, Failed, Inconclusive, Nothing, Violation};

    #[test]
    fn a_violation_is_never_masked() {
        for other in [Clean, Inconclusive, Nothing, Failed] {
            assert_eq!(Violation.worst(other), Violation);
            assert_eq!(other.worst(Violation), Violation);
        }
    }

    #[test]
    fn precedence_is_violation_failed_nothing_inconclusive_clean() {
        let order: [Exit; 5] = [Violation, Failed, Nothing, Inconclusive, Clean];
        for pair in order.windows(2) {
            assert_eq!(pair[0].worst(pair[1]), pair[0]);
        }
    }
}
