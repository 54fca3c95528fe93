//! The table of checkers: every property that is judged, in the order of the reports.
//!
//! To add one: a file in `properties/`, and a line here.

use crate::judge::Options;
use crate::properties::{
    agreement, causal_order, commitment, fifo_order, integrity, leaders_log, leadership, log_matching, payments, reads,
    replies, single_value, stable_log, survives, terms, total_order, validity,
};
use crate::property::Property;

/// One line of the table.
pub struct Checker {
    /// The property's name in files.
    pub name: &'static str,
    /// What can break it.
    pub kind: Kind,
    /// The definition, in words.
    pub definition: &'static str,
    /// Where the definition comes from.
    pub source: &'static str,
    /// What the exercise counter counts: the occasions on which the property could have failed.
    pub exercise: &'static str,
    /// Starts a checker on a new history.
    pub(crate) start: fn(&Options) -> Box<dyn Property>,
}

/// What can break a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something bad happens; whatever comes later, that proves it.
    Safety,
    /// Something good never happens; judged where the history is drained.
    Liveness,
    /// Either.
    Both,
}

impl Kind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Safety => "safety",
            Kind::Liveness => "liveness",
            Kind::Both => "both",
        }
    }
}

const TOTAL_EXERCISE: &str = "deliveries behind another sender's message, at a node that was not the first to come so \
                              far, a fault in force since the broadcast";

/// Every checker, in the order of the reports.
pub const CHECKERS: &[Checker] = &[
    Checker {
        name: "validity",
        kind: Kind::Liveness,
        definition: "what a correct node broadcast or acknowledged, it delivers itself",
        source: "Hadzilacos and Toueg 1994; Cachin, Guerraoui and Rodrigues 2011, RB1",
        exercise: "messages that their senders owed a delivery",
        start: |_| validity::validity(),
    },
    Checker {
        name: "no-duplication",
        kind: Kind::Safety,
        definition: "no node delivers a message more than once",
        source: "Hadzilacos and Toueg 1994 (uniform integrity); Cachin, Guerraoui and Rodrigues 2011, BEB2",
        exercise: "deliveries at other nodes than the sender, a fault in force since the broadcast",
        start: |_| integrity::no_duplication(),
    },
    Checker {
        name: "no-creation",
        kind: Kind::Safety,
        definition: "what is delivered anywhere was broadcast by its sender",
        source: "Hadzilacos and Toueg 1994 (uniform integrity); Cachin, Guerraoui and Rodrigues 2011, BEB3",
        exercise: "deliveries",
        start: |_| integrity::no_creation(),
    },
    Checker {
        name: "agreement",
        kind: Kind::Liveness,
        definition: "what a correct node delivers, every correct node delivers",
        source: "Hadzilacos and Toueg 1994; Cachin, Guerraoui and Rodrigues 2011, RB4",
        exercise: "messages delivered by a correct node, a fault in force while they spread",
        start: |_| agreement::agreement(),
    },
    Checker {
        name: "uniform-agreement",
        kind: Kind::Liveness,
        definition: "what any node delivers, faulty or not, every correct node delivers",
        source: "Hadzilacos and Toueg 1994; Cachin, Guerraoui and Rodrigues 2011, URB4",
        exercise: "messages that a faulty node delivered",
        start: |_| agreement::uniform_agreement(),
    },
    Checker {
        name: "fifo-order",
        kind: Kind::Safety,
        definition: "whoever delivers a message has delivered all that its sender broadcast before it (strict), \
                     or delivers none of that later (gaps allowed)",
        source: "Hadzilacos and Toueg 1994; Cachin, Guerraoui and Rodrigues 2011, FRB5",
        exercise: "deliveries, at other nodes than the sender, of messages that others of the sender precede, \
                   a fault in force since the broadcast",
        start: |options| fifo_order::fifo_order(options.fifo_gaps),
    },
    Checker {
        name: "causal-order",
        kind: Kind::Safety,
        definition: "whoever delivers a message has delivered all that its broadcast may have been caused by (strict), \
                     or delivers none of that later (gaps allowed)",
        source: "Hadzilacos and Toueg 1994; Cachin, Guerraoui and Rodrigues 2011, CRB5",
        exercise: "deliveries of messages whose senders had delivered another's message since their last broadcast, \
                   a fault in force since the broadcast",
        start: |options| causal_order::causal_order(options.fifo_gaps),
    },
    Checker {
        name: "total-order",
        kind: Kind::Safety,
        definition: "two correct nodes that both deliver two messages deliver them in the same order",
        source: "Hadzilacos and Toueg 1994; Cachin, Guerraoui and Rodrigues 2011, TOB5",
        exercise: TOTAL_EXERCISE,
        start: |_| total_order::total_order(),
    },
    Checker {
        name: "uniform-total-order",
        kind: Kind::Safety,
        definition: "any two nodes, faulty or not, that both deliver two messages deliver them in the same order",
        source: "Hadzilacos and Toueg 1994; Cachin, Guerraoui and Rodrigues 2011, UTOB5",
        exercise: TOTAL_EXERCISE,
        start: |_| total_order::uniform_total_order(),
    },
    Checker {
        name: "one-order",
        kind: Kind::Safety,
        definition: "one sequence exists of which each node's deliveries are a subsequence",
        source: "Hadzilacos and Toueg 1994; Défago, Schiper and Urbán 2004",
        exercise: TOTAL_EXERCISE,
        start: |_| total_order::one_order(),
    },
    Checker {
        name: "gap-free-order",
        kind: Kind::Safety,
        definition: "of any two nodes' deliveries one is a prefix of the other",
        source: "Défago, Schiper and Urbán 2004, gap-free uniform total order",
        exercise: TOTAL_EXERCISE,
        start: |_| total_order::gap_free_order(),
    },
    Checker {
        name: "stable-log",
        kind: Kind::Safety,
        definition: "in mode recover, a position of a node's delivery log holds one message for good, and none is left out",
        source: "Cachin, Guerraoui and Rodrigues 2011, 3.5, logged delivery",
        exercise: "positions that were reported again",
        start: |_| stable_log::stable_log(),
    },
    Checker {
        name: "one-leader-per-term",
        kind: Kind::Safety,
        definition: "no two nodes, and no two lives of one node, lead the same term, and nobody follows another in it",
        source: "Ongaro and Ousterhout 2014, election safety",
        exercise: "indications of who leads or is followed in a term, after the first one",
        start: |_| leadership::one_leader_per_term(),
    },
    Checker {
        name: "rising-terms",
        kind: Kind::Safety,
        definition: "a node's term never falls, in all its lives, and it votes in no term that it has left",
        source: "Ongaro and Ousterhout 2014, figure 2, persistent state",
        exercise: "terms and votes that nodes spoke of, after the first of each",
        start: |_| terms::rising_terms(),
    },
    Checker {
        name: "one-vote-per-term",
        kind: Kind::Safety,
        definition: "a node votes for at most one node in a term, in all its lives",
        source: "Ongaro and Ousterhout 2014, 5.2; Kleppmann, lectures, Leader election",
        exercise: "votes, after the first one",
        start: |_| terms::one_vote_per_term(),
    },
    Checker {
        name: "log-matching",
        kind: Kind::Safety,
        definition: "logs that have an entry of the same index and term are the same up to it",
        source: "Ongaro and Ousterhout 2014, figure 3, log matching",
        exercise: "entries and snapshots that another node's log had before",
        start: |_| log_matching::log_matching(),
    },
    Checker {
        name: "leader-append-only",
        kind: Kind::Safety,
        definition: "a leader takes nothing away from its own log",
        source: "Ongaro and Ousterhout 2014, figure 3, leader append-only",
        exercise: "changes of leaders' logs",
        start: |_| leaders_log::leader_append_only(),
    },
    Checker {
        name: "leader-completeness",
        kind: Kind::Safety,
        definition: "what is committed in a term is in the logs of the leaders of all later terms",
        source: "Ongaro and Ousterhout 2014, figure 3, leader completeness",
        exercise: "elections after something was committed in an earlier term",
        start: |_| leaders_log::leader_completeness(),
    },
    Checker {
        name: "commit-order",
        kind: Kind::Safety,
        definition: "in each life the commit index only grows, within the log, and what is committed stays in the log",
        source: "Ongaro and Ousterhout 2014, figure 2, commitIndex",
        exercise: "commit indices that nodes spoke of",
        start: |_| commitment::commit_order(),
    },
    Checker {
        name: "state-machine-safety",
        kind: Kind::Safety,
        definition: "no two nodes have different entries committed at one index",
        source: "Ongaro and Ousterhout 2014, figure 3, state machine safety",
        exercise: "entries that another node had committed before",
        start: |_| commitment::state_machine_safety(),
    },
    Checker {
        name: "consensus-agreement",
        kind: Kind::Safety,
        definition: "of consensus on a single value: no two nodes decide differently, faulty or not",
        source: "Cachin, Guerraoui and Rodrigues 2011, UC4; Kleppmann, lectures, Consensus",
        exercise: "nodes that decided, after the first one",
        start: |_| single_value::agreement(),
    },
    Checker {
        name: "consensus-integrity",
        kind: Kind::Safety,
        definition: "of consensus on a single value: no node decides twice",
        source: "Cachin, Guerraoui and Rodrigues 2011, UC3",
        exercise: "nodes that decided",
        start: |_| single_value::integrity(),
    },
    Checker {
        name: "consensus-validity",
        kind: Kind::Safety,
        definition: "of consensus on a single value: what is decided was proposed",
        source: "Cachin, Guerraoui and Rodrigues 2011, UC2",
        exercise: "deliveries",
        start: |_| single_value::validity(),
    },
    Checker {
        name: "termination",
        kind: Kind::Liveness,
        definition: "of consensus on a single value: if a correct node proposes, every correct node decides",
        source: "Cachin, Guerraoui and Rodrigues 2011, UC1",
        exercise: "correct nodes, once one of them has proposed",
        start: |_| single_value::termination(),
    },
    Checker {
        name: "charged-at-most-once",
        kind: Kind::Safety,
        definition: "the payment service charges nothing more often than its clients asked for",
        source: "Birrell and Nelson 1984; Spector 1982; Kleppmann, lectures, Remote Procedure Calls",
        exercise: "charges that did not fail, a fault in force at their request or at its end",
        start: |_| payments::at_most_once(),
    },
    Checker {
        name: "acknowledged-is-charged",
        kind: Kind::Safety,
        definition: "what a client was told is charged, the payment service has charged",
        source: "Birrell and Nelson 1984; Kleppmann, lectures, Remote Procedure Calls",
        exercise: "charges that were acknowledged, a fault in force at their request or at its end",
        start: |_| payments::acknowledged(),
    },
    Checker {
        name: "failed-is-not-charged",
        kind: Kind::Safety,
        definition: "what a client was told has definitely failed, the payment service has not charged",
        source: "Birrell and Nelson 1984; Kleppmann, lectures, Remote Procedure Calls",
        exercise: "charges that failed",
        start: |_| payments::failed(),
    },
    Checker {
        name: "no-invented-charge",
        kind: Kind::Safety,
        definition: "what the payment service has charged, some client asked for",
        source: "Birrell and Nelson 1984",
        exercise: "charges in the ledger",
        start: |_| payments::invented(),
    },
    Checker {
        name: "reads-complete",
        kind: Kind::Liveness,
        definition: "what a correct node acknowledged, or the final read of one holds, the final read of each of them holds",
        source: "Kingsbury, Jepsen's set-full checker; Maelstrom's broadcast workload",
        exercise: "messages that the final read of another node than the one asked had to hold",
        start: |_| reads::complete(),
    },
    Checker {
        name: "reads-invent-nothing",
        kind: Kind::Safety,
        definition: "what the final read of a node holds, some client asked to broadcast",
        source: "Kingsbury, Jepsen's set-full checker; Maelstrom's broadcast workload",
        exercise: "messages in final reads",
        start: |_| reads::invented(),
    },
    Checker {
        name: "reads-repeat-nothing",
        kind: Kind::Safety,
        definition: "no final read of a node holds a message twice",
        source: "Kingsbury, Jepsen's set-full checker; Maelstrom's broadcast workload",
        exercise: "messages in final reads",
        start: |_| reads::repeated(),
    },
    Checker {
        name: "echoes-exact",
        kind: Kind::Safety,
        definition: "an echo is what was said",
        source: "Maelstrom's echo workload",
        exercise: "echoes that were answered",
        start: |_| replies::echoes(),
    },
    Checker {
        name: "ids-unique",
        kind: Kind::Safety,
        definition: "no id is given twice, whoever asks which node, and whatever crashes in between",
        source: "Kingsbury, Jepsen's unique-ids checker; Maelstrom's unique-ids workload",
        exercise: "ids that were given, after the first one",
        start: |_| replies::ids(),
    },
    Checker {
        name: "survives",
        kind: Kind::Both,
        definition: "no node exits, falls silent or breaks the protocol unless a fault made it",
        source: "every node promises it",
        exercise: "nodes that were seen",
        start: |_| survives::survives(),
    },
];
