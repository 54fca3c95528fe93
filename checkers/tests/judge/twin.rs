//! The naive twins: each property once more, straight from its definition, over the whole list of ops at once.
//!
//! They share no code with the checkers, and are quadratic or worse by design.

mod agreement;
mod answers;
mod causal_order;
mod fifo_order;
mod integrity;
mod leadership;
mod log;
mod past;
mod payments;
mod single_value;
mod stable_log;
mod survives;
mod terms;
mod total_order;
mod validity;

pub use answers::unread;
pub use causal_order::circular;
pub use past::Past;

pub use payments::{asked, ledger};

/// A property's violations in a past, each as the node that sent the message concerned, if any.
type Violations = fn(&Past) -> Vec<Option<u16>>;

/// What only consensus on a single value promises: no broadcast of many messages has it.
pub const OF_A_SINGLE_VALUE: [&str; 4] =
    ["consensus-agreement", "consensus-integrity", "consensus-validity", "termination"];

/// What is asked of payments alone.
pub const OF_PAYMENTS: [&str; 4] =
    ["charged-at-most-once", "acknowledged-is-charged", "failed-is-not-charged", "no-invented-charge"];

/// What is asked of final reads alone.
pub const OF_READS: [&str; 3] = ["reads-complete", "reads-invent-nothing", "reads-repeat-nothing"];

/// Every property with its twin, by name.
pub const TWINS: &[(&str, Violations)] = &[
    ("validity", validity::validity),
    ("no-duplication", integrity::no_duplication),
    ("no-creation", integrity::no_creation),
    ("agreement", agreement::agreement),
    ("uniform-agreement", agreement::uniform_agreement),
    ("fifo-order", fifo_order::fifo_order),
    ("causal-order", causal_order::causal_order),
    ("total-order", total_order::total_order),
    ("uniform-total-order", total_order::uniform_total_order),
    ("one-order", total_order::one_order),
    ("gap-free-order", total_order::gap_free_order),
    ("stable-log", stable_log::stable_log),
    ("one-leader-per-term", leadership::one_leader_per_term),
    ("rising-terms", terms::rising_terms),
    ("one-vote-per-term", terms::one_vote_per_term),
    ("log-matching", log::log_matching),
    ("leader-append-only", log::leader_append_only),
    ("leader-completeness", log::leader_completeness),
    ("commit-order", log::commit_order),
    ("state-machine-safety", log::state_machine_safety),
    ("consensus-agreement", single_value::agreement),
    ("consensus-integrity", single_value::integrity),
    ("consensus-validity", integrity::no_creation),
    ("termination", single_value::termination),
    ("charged-at-most-once", payments::at_most_once),
    ("acknowledged-is-charged", payments::acknowledged),
    ("failed-is-not-charged", payments::failed),
    ("no-invented-charge", payments::invented),
    ("reads-complete", answers::complete),
    ("reads-invent-nothing", answers::invented),
    ("reads-repeat-nothing", answers::repeated),
    ("echoes-exact", answers::echoes),
    ("ids-unique", answers::ids),
    ("survives", survives::survives),
];
