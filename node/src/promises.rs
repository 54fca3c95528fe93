//! What algorithms promise, and under which condition.

/// A property, by its name in histories, and the condition under which it is promised.
pub type Promise = (&'static str, &'static str);

pub(crate) const SURVIVES: Promise = ("survives", "always");
pub(crate) const NO_CREATION: Promise = ("no-creation", "always");
pub(crate) const NO_DUPLICATION: Promise = ("no-duplication", "always");
pub(crate) const VALIDITY: Promise = ("validity", "always");
pub(crate) const AGREEMENT: Promise = ("agreement", "always");
pub(crate) const AGREEMENT_OF_SENDER: Promise = ("agreement", "while-sender-lives");
pub(crate) const STABLE_LOG: Promise = ("stable-log", "always");
pub(crate) const FIFO_ORDER: Promise = ("fifo-order", "always");

pub(crate) const CAUSAL_ORDER: Promise = ("causal-order", "always");
pub(crate) const TOTAL_ORDER: Promise = ("total-order", "always");
pub(crate) const UNIFORM_TOTAL_ORDER: Promise = ("uniform-total-order", "always");
pub(crate) const ONE_ORDER: Promise = ("one-order", "always");
pub(crate) const GAP_FREE_ORDER: Promise = ("gap-free-order", "always");
pub(crate) const ONE_LEADER: Promise = ("one-leader-per-term", "always");
pub(crate) const RISING_TERMS: Promise = ("rising-terms", "always");
pub(crate) const ONE_VOTE: Promise = ("one-vote-per-term", "always");
pub(crate) const LOG_MATCHING: Promise = ("log-matching", "always");
pub(crate) const LEADER_APPEND_ONLY: Promise = ("leader-append-only", "always");
pub(crate) const LEADER_COMPLETENESS: Promise = ("leader-completeness", "always");
pub(crate) const COMMIT_ORDER: Promise = ("commit-order", "always");
pub(crate) const STATE_MACHINE_SAFETY: Promise = ("state-machine-safety", "always");

/// What fault-tolerant total order broadcast promises, whatever it is made of.
pub(crate) const BROADCAST: [Promise; 14] = [
    ("validity", "while-majority-lives"),
    NO_DUPLICATION,
    NO_CREATION,
    ("agreement", "while-majority-lives"),
    ("uniform-agreement", "while-majority-lives"),
    FIFO_ORDER,
    CAUSAL_ORDER,
    TOTAL_ORDER,
    UNIFORM_TOTAL_ORDER,
    ONE_ORDER,
    GAP_FREE_ORDER,
    STABLE_LOG,
    ONE_LEADER,
    SURVIVES,
];
/// What is proved of ballots: acceptors have slots, and no log of one piece.
pub(crate) const BY_BALLOTS: &[Promise; 16] = &with(BROADCAST, [RISING_TERMS, ONE_VOTE]);
/// What is proved of replicated logs.
pub(crate) const BY_LOGS: &[Promise; 21] = &with(
    BROADCAST,
    [RISING_TERMS, ONE_VOTE, LOG_MATCHING, LEADER_APPEND_ONLY, LEADER_COMPLETENESS, COMMIT_ORDER, STATE_MACHINE_SAFETY],
);
/// The same where nodes come back with nothing, their terms included, and nobody votes: the primary of a view is known.
pub(crate) const BY_VIEWS: &[Promise; 19] =
    &with(BROADCAST, [LOG_MATCHING, LEADER_APPEND_ONLY, LEADER_COMPLETENESS, COMMIT_ORDER, STATE_MACHINE_SAFETY]);

/// Two lists of promises as one.
const fn with<const A: usize, const B: usize, const C: usize>(some: [Promise; A], more: [Promise; B]) -> [Promise; C] {
    assert!(A + B == C);
    let mut all = [SURVIVES; C];
    let mut at = 0;
    while at < C {
        all[at] = if at < A { some[at] } else { more[at - A] };
        at += 1;
    }
    all
}

pub(crate) const READS_COMPLETE: Promise = ("reads-complete", "always");
pub(crate) const READS_INVENT_NOTHING: Promise = ("reads-invent-nothing", "always");
pub(crate) const READS_REPEAT_NOTHING: Promise = ("reads-repeat-nothing", "always");
pub(crate) const CHARGED: Promise = ("acknowledged-is-charged", "always");
pub(crate) const NOT_CHARGED: Promise = ("failed-is-not-charged", "always");
pub(crate) const NOTHING_INVENTED: Promise = ("no-invented-charge", "always");
