//! The planted bugs of the remote procedure call and of the payment service.

use super::{Bug, BugEntry};

/// All of them.
pub const BUGS: &[BugEntry] = &[
    BugEntry {
        bug: Bug::RetryWithNewKey,
        name: "retry-with-new-key",
        algorithm: "rpc",
        property: "charged-at-most-once",
        what: "a call that is repeated gets a new idempotency key",
        needs: Some("link"),
    },
    BugEntry {
        bug: Bug::KeysForgotten,
        name: "keys-forgotten",
        algorithm: "rpc",
        property: "charged-at-most-once",
        what: "the server that comes back reads the charges from its ledger, and not their keys",
        needs: Some("kill"),
    },
    BugEntry {
        bug: Bug::AnswersBeforeStored,
        name: "answers-before-stored",
        algorithm: "rpc",
        property: "acknowledged-is-charged",
        what: "a charge is acknowledged before it is synced; every fourth one syncs them all",
        needs: Some("disk"),
    },
    BugEntry {
        bug: Bug::TimeoutIsFailure,
        name: "timeout-is-failure",
        algorithm: "rpc",
        property: "failed-is-not-charged",
        what: "a call without an answer is said to have failed",
        needs: Some("link"),
    },
    BugEntry {
        bug: Bug::CallNumbersReused,
        name: "call-numbers-reused",
        algorithm: "rpc",
        property: "failed-is-not-charged",
        what: "calls are numbered from 1 in each life, and an old answer is taken for a new one",
        needs: Some("kill"),
    },
    BugEntry {
        bug: Bug::ChargesDeclinedCard,
        name: "charges-declined-card",
        algorithm: "rpc",
        property: "failed-is-not-charged",
        what: "the server charges a card and then says that it is declined",
        needs: None,
    },
    BugEntry {
        bug: Bug::TruncatesPence,
        name: "truncates-pence",
        algorithm: "rpc",
        property: "no-invented-charge",
        what: "the amount is a floating-point number of pounds on the way: 1.13 becomes 1.12",
        needs: None,
    },
    BugEntry {
        bug: Bug::SilentOnRepeat,
        name: "silent-on-repeat",
        algorithm: "rpc",
        property: "survives",
        what: "a call that is known by its key is left without an answer",
        needs: Some("link"),
    },
];
