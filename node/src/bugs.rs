//! Planted bugs: deviations of one line each, by which the harness itself is tested.
//!
//! Each names the property that it must violate and what it needs for that. Each has a demonstration plan in
//! workloads/demonstrations that fails with it and passes without it.

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the table below says what each is")]
pub enum Bug {
    WrongNumber,
    AcknowledgedAndIgnored,
    NoDeduplication,
    RetryGivesUp,
    RetryChangesMessage,
    DiesOfSecondAck,
    ForgetsRelay,
    RelaysToNext,
    DeliversEveryCopy,
    ForgetsItself,
    IgnoresNumbers,
    SkipsGap,
    ReleasesNewestFirst,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct BugEntry {
    /// The bug.
    pub bug: Bug,
    /// Its name on the command line.
    pub name: &'static str,
    /// The algorithm that it is planted in.
    pub algorithm: &'static str,
    /// The property that it violates.
    pub property: &'static str,
    /// What is wrong, in one line.
    pub what: &'static str,
    /// The classes of faults that it takes to show; none for a bug that shows by itself.
    pub needs: Option<&'static str>,
}

/// Every planted bug.
pub const BUGS: &[BugEntry] = &[
    BugEntry {
        bug: Bug::WrongNumber,
        name: "wrong-number",
        algorithm: "best-effort",
        property: "no-creation",
        what: "every third message is sent with another number",
        needs: None,
    },
    BugEntry {
        bug: Bug::AcknowledgedAndIgnored,
        name: "acknowledged-and-ignored",
        algorithm: "retransmit",
        property: "validity",
        what: "every third request is acknowledged, and nothing else",
        needs: None,
    },
    BugEntry {
        bug: Bug::NoDeduplication,
        name: "no-deduplication",
        algorithm: "retransmit",
        property: "no-duplication",
        what: "a retransmitted frame is delivered again",
        needs: Some("partition"),
    },
    BugEntry {
        bug: Bug::RetryGivesUp,
        name: "retry-gives-up",
        algorithm: "retransmit",
        property: "agreement",
        what: "a frame is sent again twice, and then never",
        needs: Some("partition"),
    },
    BugEntry {
        bug: Bug::RetryChangesMessage,
        name: "retry-changes-message",
        algorithm: "retransmit",
        property: "no-creation",
        what: "a retransmission carries another message",
        needs: Some("partition"),
    },
    BugEntry {
        bug: Bug::DiesOfSecondAck,
        name: "dies-of-second-ack",
        algorithm: "retransmit",
        property: "survives",
        what: "the node panics at the second acknowledgement of one frame",
        needs: Some("pause"),
    },
    BugEntry {
        bug: Bug::ForgetsRelay,
        name: "forgets-relay",
        algorithm: "eager",
        property: "agreement",
        what: "a message that is received for the first time is delivered, not relayed",
        needs: Some("kill,partition"),
    },
    BugEntry {
        bug: Bug::RelaysToNext,
        name: "relays-to-next",
        algorithm: "eager",
        property: "agreement",
        what: "a message is relayed to the next node only",
        needs: Some("kill,partition"),
    },
    BugEntry {
        bug: Bug::DeliversEveryCopy,
        name: "delivers-every-copy",
        algorithm: "eager",
        property: "no-duplication",
        what: "every relayed copy is delivered",
        needs: None,
    },
    BugEntry {
        bug: Bug::ForgetsItself,
        name: "forgets-itself",
        algorithm: "eager",
        property: "validity",
        what: "the sender does not deliver its own message",
        needs: None,
    },
    BugEntry {
        bug: Bug::IgnoresNumbers,
        name: "ignores-numbers",
        algorithm: "fifo",
        property: "fifo-order",
        what: "a message is delivered when it arrives, whatever its number",
        needs: Some("partition"),
    },
    BugEntry {
        bug: Bug::SkipsGap,
        name: "skips-gap",
        algorithm: "fifo",
        property: "fifo-order",
        what: "with two messages held back the missing one is given up",
        needs: Some("partition"),
    },
    BugEntry {
        bug: Bug::ReleasesNewestFirst,
        name: "releases-newest-first",
        algorithm: "fifo",
        property: "fifo-order",
        what: "held-back messages are released newest first",
        needs: Some("partition"),
    },
];

/// The entry of this name.
pub fn find(name: &str) -> Option<&'static BugEntry> {
    BUGS.iter().find(|entry| entry.name == name)
}
