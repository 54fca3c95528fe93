//! The planted bugs of the exercises: broadcast judged by reads, echo, unique ids.

use super::{Bug, BugEntry};

/// All of them.
pub const BUGS: &[BugEntry] = &[
    BugEntry {
        bug: Bug::ReadsOnePage,
        name: "reads-one-page",
        algorithm: "broadcast",
        property: "reads-complete",
        what: "a read gives the first 4 messages and no more",
        needs: None,
    },
    BugEntry {
        bug: Bug::KeepsSentinel,
        name: "keeps-sentinel",
        algorithm: "broadcast",
        property: "reads-invent-nothing",
        what: "the 0 that an empty list began with is read as a message",
        needs: None,
    },
    BugEntry {
        bug: Bug::ShelvesOwnTwice,
        name: "shelves-own-twice",
        algorithm: "broadcast",
        property: "reads-repeat-nothing",
        what: "a node keeps its own message when it is asked for it, and again when it is delivered",
        needs: None,
    },
    BugEntry {
        bug: Bug::EchoesTheLast,
        name: "echoes-the-last",
        algorithm: "echo",
        property: "echoes-exact",
        what: "the answer comes from a buffer that is not refreshed where the text is as long as the last",
        needs: None,
    },
    BugEntry {
        bug: Bug::IdsWithoutName,
        name: "ids-without-name",
        algorithm: "unique-ids",
        property: "ids-unique",
        what: "an id is made of a life and a count, and two nodes make the same",
        needs: None,
    },
    BugEntry {
        bug: Bug::IdsWithoutLife,
        name: "ids-without-life",
        algorithm: "unique-ids",
        property: "ids-unique",
        what: "an id is made of a name and a count, which begins anew after a crash",
        needs: Some("kill"),
    },
];
