//! Planted bugs: deviations of one line each, by which the harness itself is tested.
//!
//! Each names the property that it must violate and what it needs for that. Each has a demonstration plan in
//! workloads/demonstrations that fails with it and passes without it.

mod broadcast;
mod consensus;
mod exercises;
mod rpc;

use crate::algorithms::{ALGORITHMS, Algorithm};
use crate::model::Timing;

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
    CountsItselfTwice,
    DeliversWithoutMajority,
    ForgetsTheSender,
    SpreadsToFewer,
    ReceivedNotDelivered,
    OwnEntryMissing,
    OffByOne,
    FrontierTooLate,
    OrdersTwice,
    OneNumberForTwo,
    SecondLeader,
    DeliversOwnAtOnce,
    FollowerIgnoresNumbers,
    LeaksAfterGap,
    ReordersAfterSilence,
    WrongAtThirdSilence,
    ClockNotAdvanced,
    TiesByArrival,
    StampsToSenderOnly,
    WaitsForAllButOne,
    DeliversWithoutWaiting,
    LinkForgetsOrder,
    ElectsTwice,
    ElectionForgets,
    VotesTwice,
    ForgetsVote,
    AcknowledgesUnsynced,
    ElectsAnyLog,
    CountsEarlierTerms,
    KeepsConflict,
    TruncatesMatching,
    QuorumOfHalf,
    CommitsAlone,
    CommitsUnsent,
    SnapshotForgetsNumbers,
    IgnoresAccepted,
    TakesLowestAccepted,
    AcceptsBelowPromise,
    PromiseNotPersisted,
    AcceptedBeforeSynced,
    CountsCopies,
    MixesBallots,
    BallotReused,
    ScoutIgnoresAccepted,
    CommanderCountsTwice,
    HoleNotFilled,
    HoleSkipped,
    RetryRenumbered,
    TakesFirstLog,
    CountsViewChangeTwice,
    AnswersBeforeCaughtUp,
    AcknowledgesGap,
    ViewQuorumOfHalf,
    ForgetsEpoch,
    SkipsTruncation,
    CommitsBeforeSynchronised,
    HistoryUnsynced,
    EpochQuorumOfHalf,
    RetryWithNewKey,
    TimeoutIsFailure,
    ChargesDeclinedCard,
    TruncatesPence,
    SilentOnRepeat,
    AnswersBeforeStored,
    KeysForgotten,
    CallNumbersReused,
    ReadsOnePage,
    KeepsSentinel,
    ShelvesOwnTwice,
    EchoesTheLast,
    IdsWithoutName,
    IdsWithoutLife,
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

impl BugEntry {
    /// Whether its algorithm is one of consensus. Who leads when is a matter of the clock then, so that a plan shows the bug
    /// for sure in virtual time only.
    pub fn is_of_consensus(&self) -> bool {
        let of_consensus = |algorithm: &&Algorithm| algorithm.model.timing == Timing::PartiallySynchronous;
        ALGORITHMS.iter().filter(of_consensus).any(|algorithm| algorithm.name == self.algorithm)
    }
}

/// Every planted bug.
pub const BUGS: &[BugEntry] = &{
    let mut all = [broadcast::BUGS[0]; COUNT];
    let (mut part, mut filled) = (0, 0);
    while part < PARTS.len() {
        let mut at = 0;
        while at < PARTS[part].len() {
            all[filled] = PARTS[part][at];
            (at, filled) = (at + 1, filled + 1);
        }
        part += 1;
    }
    all
};
const PARTS: [&[BugEntry]; 4] = [broadcast::BUGS, consensus::BUGS, rpc::BUGS, exercises::BUGS];
const COUNT: usize = broadcast::BUGS.len() + consensus::BUGS.len() + rpc::BUGS.len() + exercises::BUGS.len();

/// The entry of this name.
pub fn find(name: &str) -> Option<&'static BugEntry> {
    BUGS.iter().find(|entry| entry.name == name)
}
