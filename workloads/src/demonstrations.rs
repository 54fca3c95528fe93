//! The demonstrations: for each planted bug a plan of a few steps that shows it, and that passes without it.

/// Takes the plans into the program, so that it shows its bugs wherever it is installed.
macro_rules! demonstrations {
    ($($bug:literal),* $(,)?) => {
        &[$(($bug, include_str!(concat!("../demonstrations/", $bug, ".json")))),*]
    };
}

/// Each bug by its name, and the text of its plan; in alphabetical order.
pub const DEMONSTRATIONS: &[(&str, &str)] = demonstrations![
    "accepts-below-promise",
    "acknowledged-and-ignored",
    "acknowledges-gap",
    "acknowledges-unsynced",
    "answers-before-caught-up",
    "answers-before-stored",
    "ballot-reused",
    "call-numbers-reused",
    "charges-declined-card",
    "clock-not-advanced",
    "commander-counts-twice",
    "commits-alone",
    "commits-unsent",
    "counts-earlier-terms",
    "counts-itself-twice",
    "counts-view-change-twice",
    "delivers-every-copy",
    "delivers-own-at-once",
    "delivers-without-majority",
    "delivers-without-waiting",
    "dies-of-second-ack",
    "echoes-the-last",
    "election-forgets",
    "elects-any-log",
    "elects-twice",
    "epoch-quorum-of-half",
    "follower-ignores-numbers",
    "forgets-epoch",
    "forgets-itself",
    "forgets-relay",
    "forgets-the-sender",
    "forgets-vote",
    "frontier-too-late",
    "history-unsynced",
    "hole-not-filled",
    "hole-skipped",
    "ids-without-life",
    "ids-without-name",
    "ignores-accepted",
    "ignores-numbers",
    "keeps-conflict",
    "keeps-sentinel",
    "keys-forgotten",
    "leaks-after-gap",
    "link-forgets-order",
    "no-deduplication",
    "off-by-one",
    "one-number-for-two",
    "orders-twice",
    "own-entry-missing",
    "promise-not-persisted",
    "quorum-of-half",
    "reads-one-page",
    "received-not-delivered",
    "relays-to-next",
    "releases-newest-first",
    "reorders-after-silence",
    "retry-changes-message",
    "retry-gives-up",
    "retry-renumbered",
    "retry-with-new-key",
    "scout-ignores-accepted",
    "second-leader",
    "shelves-own-twice",
    "silent-on-repeat",
    "skips-gap",
    "skips-truncation",
    "snapshot-forgets-numbers",
    "spreads-to-fewer",
    "stamps-to-sender-only",
    "takes-first-log",
    "ties-by-arrival",
    "timeout-is-failure",
    "truncates-matching",
    "truncates-pence",
    "view-quorum-of-half",
    "votes-twice",
    "waits-for-all-but-one",
    "wrong-at-third-silence",
    "wrong-number",
];

/// The text of the plan that shows this bug.
pub fn find(bug: &str) -> Option<&'static str> {
    DEMONSTRATIONS.iter().find(|(name, _)| *name == bug).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::{DEMONSTRATIONS, find};
    use crate::plan::Plan;

    #[test]
    fn every_demonstration_is_a_plan() {
        for (bug, text) in DEMONSTRATIONS {
            assert!(Plan::parse(text).is_ok(), "{bug}");
            assert_eq!(find(bug), Some(*text));
        }
        assert_eq!(find("no-such-bug"), None);
    }
}
