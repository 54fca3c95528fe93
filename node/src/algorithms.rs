//! The table of algorithms: what each is, what it assumes, what it promises, and how its stack is built.

use serde::Serialize;

use crate::consensus::election::Election;
use crate::consensus::multi_paxos::MultiPaxos;
use crate::consensus::paxos::Paxos;
use crate::consensus::raft::{Elections, Raft};
use crate::consensus::viewstamped::Viewstamped;
use crate::consensus::zab::Zab;
use crate::exercises::echo::Echo;
use crate::exercises::ids::Ids;
use crate::exercises::shelf::Shelf;
use crate::layer::Layer;
use crate::layers::best_effort::BestEffort;
use crate::layers::causal::Causal;
use crate::layers::eager::Eager;
use crate::layers::eager_uniform::EagerUniform;
use crate::layers::fifo::Fifo;
use crate::layers::fifo_links::FifoLinks;
use crate::layers::gossip::Gossip;
use crate::layers::lamport_order::LamportOrder;
use crate::layers::reliable_links::ReliableLinks;
use crate::layers::sequencer::Sequencer;
use crate::model::{Crashes, Faulty, Links, Model, Timing};
use crate::promises::{
    AGREEMENT, AGREEMENT_OF_SENDER, BY_BALLOTS, BY_LOGS, BY_VIEWS, CAUSAL_ORDER, CHARGED, FIFO_ORDER, GAP_FREE_ORDER,
    NO_CREATION, NO_DUPLICATION, NOT_CHARGED, NOTHING_INVENTED, ONE_LEADER, ONE_ORDER, ONE_VOTE, Promise,
    READS_COMPLETE, READS_INVENT_NOTHING, READS_REPEAT_NOTHING, RISING_TERMS, STABLE_LOG, SURVIVES, TOTAL_ORDER,
    UNIFORM_TOTAL_ORDER, VALIDITY,
};
use crate::rpc::{Mode, Rpc};

pub use crate::lookup::{UnknownSystem, system};

/// One line of the table: an algorithm over one layer below. The first line of a name is its default.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Algorithm {
    /// Its name on the command line.
    pub name: &'static str,
    /// The layer below, where there is a choice.
    pub over: Option<&'static str>,
    /// What it does, in one line.
    pub what: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What it assumes.
    pub model: Model,
    /// What it promises.
    pub promises: &'static [Promise],
    /// Whether nodes claim to lead.
    pub leader: bool,
    /// Its layers, the top one first.
    #[serde(skip)]
    pub build: fn(Settings) -> Vec<Box<dyn Layer>>,
}

/// What can be set of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// To how many others gossip passes a message on.
    pub fanout: u32,
}

impl Algorithm {
    /// Whether clients ask it for charges, and not for broadcasts.
    pub fn is_rpc(&self) -> bool {
        self.name == "rpc"
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { fanout: 3 }
    }
}

const FAIR_LOSS: Model = Model {
    links: Links::FairLoss,
    crashes: Crashes::Stop,
    faulty: Faulty::AllButOne,
    timing: Timing::Asynchronous,
    bound_ms: 2_000,
};
/// Nodes come back with what they had stored, all of them if need be.
const DURABLE: Model = Model { crashes: Crashes::Recover, faulty: Faulty::All, bound_ms: 3_000, ..FAIR_LOSS };
/// What consensus assumes. A majority has to be up for a while in the end; 30 election time-outs of 300 ms are enough then.
const CONSENSUS: Model = Model {
    links: Links::FairLoss,
    crashes: Crashes::Recover,
    faulty: Faulty::All,
    timing: Timing::PartiallySynchronous,
    bound_ms: 9_000,
};
const RELIABLE: Model = Model { links: Links::Reliable, ..FAIR_LOSS };

const CALLS: &str = "Kleppmann, lectures, Remote Procedure Calls; Birrell and Nelson 1984";
const LECTURES: &str = "Kleppmann, lectures, Broadcast algorithms";

/// Every algorithm.
pub const ALGORITHMS: &[Algorithm] = &[
    Algorithm {
        name: "best-effort",
        over: None,
        what: "sends a message to every node once; links may lose and double it",
        source: "Cachin, Guerraoui and Rodrigues 2011, 3.2",
        model: FAIR_LOSS,
        promises: &[NO_CREATION, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(BestEffort::default())],
    },
    Algorithm {
        name: "retransmit",
        over: None,
        what: "sends over reliable links: acknowledge, retry, deduplicate (the first attempt)",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT_OF_SENDER, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(BestEffort::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "eager",
        over: None,
        what: "relays every message when it is received for the first time (the second attempt)",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Eager::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "eager",
        over: Some("durable-links"),
        what: "eager with a log on disk: nodes that crash come back, and nothing is lost",
        source: "Cachin, Guerraoui and Rodrigues 2011, 2.4.4 and 3.5",
        model: DURABLE,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, STABLE_LOG, AGREEMENT, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Eager::logged()), Box::new(ReliableLinks::durable())],
    },
    Algorithm {
        name: "fifo",
        over: Some("eager"),
        what: "numbers each sender's messages and holds back what comes too early",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT, FIFO_ORDER, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Fifo::default()), Box::new(Eager::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "fifo",
        over: Some("retransmit"),
        what: "FIFO over the first attempt: a sender that crashes half-way leaves some behind",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT_OF_SENDER, FIFO_ORDER, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Fifo::default()), Box::new(BestEffort::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "fifo",
        over: Some("best-effort"),
        what: "FIFO without a reliable layer: behind a lost message everything is held back",
        source: LECTURES,
        model: RELIABLE,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT_OF_SENDER, FIFO_ORDER, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Fifo::default()), Box::new(BestEffort::default())],
    },
    Algorithm {
        name: "fifo",
        over: Some("durable-eager"),
        what: "FIFO over eager with a log on disk: nodes that crash come back",
        source: "Cachin, Guerraoui and Rodrigues 2011, 2.4.4 and 3.5",
        model: DURABLE,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, STABLE_LOG, AGREEMENT, FIFO_ORDER, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Fifo::default()), Box::new(Eager::logged()), Box::new(ReliableLinks::durable())],
    },
    Algorithm {
        name: "eager-uniform",
        over: None,
        what: "delivers a message once a majority is known to have it",
        source: "Cachin, Guerraoui and Rodrigues 2011, 3.4.3",
        model: Model { faulty: Faulty::Minority, ..FAIR_LOSS },
        promises: &[
            ("validity", "while-majority-lives"),
            NO_DUPLICATION,
            NO_CREATION,
            ("agreement", "while-majority-lives"),
            ("uniform-agreement", "while-majority-lives"),
            SURVIVES,
        ],
        leader: false,
        build: |_| vec![Box::new(EagerUniform::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "gossip",
        over: None,
        what: "passes every message on to k others, chosen at random (the third attempt)",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[NO_DUPLICATION, NO_CREATION, ("agreement", "as-statistic"), SURVIVES],
        leader: false,
        build: |settings| vec![Box::new(Gossip::new(settings.fanout as usize)), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "causal",
        over: Some("eager"),
        what: "holds a message back until all that its sender had delivered is delivered",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT, FIFO_ORDER, CAUSAL_ORDER, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Causal::default()), Box::new(Eager::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "causal",
        over: Some("retransmit"),
        what: "causal over the first attempt: a sender that crashes half-way leaves some behind",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, FIFO_ORDER, CAUSAL_ORDER, SURVIVES],
        leader: false,
        build: |_| {
            vec![Box::new(Causal::default()), Box::new(BestEffort::default()), Box::new(ReliableLinks::default())]
        },
    },
    Algorithm {
        name: "causal",
        over: Some("best-effort"),
        what: "causal without a reliable layer: behind a lost message everything is held back",
        source: LECTURES,
        model: RELIABLE,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, FIFO_ORDER, CAUSAL_ORDER, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Causal::default()), Box::new(BestEffort::default())],
    },
    Algorithm {
        name: "causal",
        over: Some("durable-eager"),
        what: "causal over eager with a log on disk: nodes that crash come back",
        source: "Cachin, Guerraoui and Rodrigues 2011, 2.4.4 and 3.5",
        model: DURABLE,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, STABLE_LOG, AGREEMENT, FIFO_ORDER, CAUSAL_ORDER, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Causal::default()), Box::new(Eager::logged()), Box::new(ReliableLinks::durable())],
    },
    Algorithm {
        name: "total-sequencer",
        over: None,
        what: "a fixed leader numbers messages, which reach it in any order",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[
            ("validity", "while-leader-lives"),
            NO_DUPLICATION,
            NO_CREATION,
            ("agreement", "while-leader-lives"),
            TOTAL_ORDER,
            UNIFORM_TOTAL_ORDER,
            ONE_ORDER,
            GAP_FREE_ORDER,
            ONE_LEADER,
            SURVIVES,
        ],
        leader: true,
        build: |_| vec![Box::new(Sequencer::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "total-lamport",
        over: None,
        what: "delivers by Lamport timestamps, when nothing earlier can come from any node",
        source: LECTURES,
        model: Model { crashes: Crashes::None, faulty: Faulty::None, ..FAIR_LOSS },
        promises: &[
            ("validity", "while-nobody-crashes"),
            NO_DUPLICATION,
            NO_CREATION,
            ("agreement", "while-nobody-crashes"),
            FIFO_ORDER,
            CAUSAL_ORDER,
            TOTAL_ORDER,
            UNIFORM_TOTAL_ORDER,
            ONE_ORDER,
            GAP_FREE_ORDER,
            SURVIVES,
        ],
        leader: false,
        build: |_| {
            vec![Box::new(LamportOrder::default()), Box::new(FifoLinks::default()), Box::new(ReliableLinks::default())]
        },
    },
    Algorithm {
        name: "fifo-total",
        over: None,
        what: "a fixed leader numbers messages, with FIFO links to and from it",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[
            ("validity", "while-leader-lives"),
            NO_DUPLICATION,
            NO_CREATION,
            ("agreement", "while-leader-lives"),
            FIFO_ORDER,
            CAUSAL_ORDER,
            TOTAL_ORDER,
            UNIFORM_TOTAL_ORDER,
            ONE_ORDER,
            GAP_FREE_ORDER,
            ONE_LEADER,
            SURVIVES,
        ],
        leader: true,
        build: |_| {
            vec![Box::new(Sequencer::default()), Box::new(FifoLinks::default()), Box::new(ReliableLinks::default())]
        },
    },
    Algorithm {
        name: "election",
        over: None,
        what: "elects leaders: terms, one vote a term, a quorum; broadcasts nothing",
        source: "Kleppmann, lectures, Consensus",
        model: CONSENSUS,
        promises: &[ONE_LEADER, RISING_TERMS, ONE_VOTE, SURVIVES],
        leader: true,
        build: |_| vec![Box::new(Election::default())],
    },
    Algorithm {
        name: "paxos",
        over: None,
        what: "agrees on one message, of all that were proposed anywhere",
        source: "Lamport 2001, section 2",
        model: CONSENSUS,
        promises: &[
            NO_DUPLICATION,
            NO_CREATION,
            ("agreement", "while-majority-lives"),
            ("uniform-agreement", "while-majority-lives"),
            TOTAL_ORDER,
            UNIFORM_TOTAL_ORDER,
            ONE_ORDER,
            GAP_FREE_ORDER,
            STABLE_LOG,
            RISING_TERMS,
            ONE_VOTE,
            ("consensus-agreement", "always"),
            ("consensus-integrity", "always"),
            ("consensus-validity", "always"),
            ("termination", "while-majority-lives"),
            SURVIVES,
        ],
        leader: false,
        build: |_| vec![Box::new(Paxos::default())],
    },
    Algorithm {
        name: "multi-paxos",
        over: None,
        what: "agrees slot by slot, under a leader that stays as long as it is heard",
        source: "van Renesse and Altinbuken 2015",
        model: CONSENSUS,
        promises: BY_BALLOTS,
        leader: true,
        build: |_| vec![Box::new(MultiPaxos::default())],
    },
    Algorithm {
        name: "raft",
        over: None,
        what: "an elected leader replicates its log; what a majority has is delivered",
        source: "Ongaro and Ousterhout 2014",
        model: CONSENSUS,
        promises: BY_LOGS,
        leader: true,
        build: |_| vec![Box::new(Raft::new(Elections::AtOnce))],
    },
    Algorithm {
        name: "raft",
        over: Some("pre-vote"),
        what: "raft whose nodes ask whether they would be elected before they begin a term",
        source: "Ongaro 2014, thesis, 9.6",
        model: CONSENSUS,
        promises: BY_LOGS,
        leader: true,
        build: |_| vec![Box::new(Raft::new(Elections::WithPreVote))],
    },
    Algorithm {
        name: "viewstamped",
        over: None,
        what: "views with a primary, and nothing on disk: who comes back learns from the others",
        source: "Liskov and Cowling 2012",
        model: Model { crashes: Crashes::RecoverAfresh, faulty: Faulty::Minority, ..CONSENSUS },
        promises: BY_VIEWS,
        leader: true,
        build: |_| vec![Box::new(Viewstamped::default())],
    },
    Algorithm {
        name: "zab",
        over: None,
        what: "epochs: discovery, synchronisation and broadcast under an elected leader",
        source: "Junqueira, Reed and Serafini 2011",
        model: CONSENSUS,
        promises: BY_LOGS,
        leader: true,
        build: |_| vec![Box::new(Zab::default())],
    },
    Algorithm {
        name: "rpc",
        over: Some("durable-keys"),
        what: "remote procedure calls: a payment service that knows what it has charged",
        source: CALLS,
        model: DURABLE,
        promises: &[("charged-at-most-once", "always"), CHARGED, NOT_CHARGED, NOTHING_INVENTED, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Rpc::new(Mode::DurableKeys))],
    },
    Algorithm {
        name: "rpc",
        over: Some("memory-keys"),
        what: "calls whose keys the server keeps in memory: charges twice after a crash",
        source: CALLS,
        model: DURABLE,
        promises: &[("charged-at-most-once", "while-nobody-crashes"), CHARGED, NOT_CHARGED, NOTHING_INVENTED, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Rpc::new(Mode::MemoryKeys))],
    },
    Algorithm {
        name: "rpc",
        over: Some("retry"),
        what: "calls that are repeated until they are answered: charges twice",
        source: CALLS,
        model: DURABLE,
        promises: &[CHARGED, NOT_CHARGED, NOTHING_INVENTED, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Rpc::new(Mode::Retry))],
    },
    Algorithm {
        name: "rpc",
        over: Some("no-retry"),
        what: "calls that are sent once: whether one took effect, nobody knows",
        source: CALLS,
        model: DURABLE,
        promises: &[CHARGED, NOT_CHARGED, NOTHING_INVENTED, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Rpc::new(Mode::NoRetry))],
    },
    Algorithm {
        name: "broadcast",
        over: Some("eager"),
        what: "keeps what eager delivers; each node is judged by what it reads in the end",
        source: "Maelstrom's workload broadcast",
        model: FAIR_LOSS,
        promises: &[READS_COMPLETE, READS_INVENT_NOTHING, READS_REPEAT_NOTHING, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Shelf::default()), Box::new(Eager::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "broadcast",
        over: Some("durable-eager"),
        what: "the same over eager with a log on disk: nodes that crash come back",
        source: "Maelstrom's workload broadcast",
        model: DURABLE,
        promises: &[READS_COMPLETE, READS_INVENT_NOTHING, READS_REPEAT_NOTHING, SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Shelf::default()), Box::new(Eager::logged()), Box::new(ReliableLinks::durable())],
    },
    Algorithm {
        name: "echo",
        over: None,
        what: "answers what it was told",
        source: "Maelstrom's workload echo",
        model: FAIR_LOSS,
        promises: &[("echoes-exact", "always"), SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Echo::default())],
    },
    Algorithm {
        name: "unique-ids",
        over: None,
        what: "gives ids that no node gives again, whatever crashes and comes back with nothing",
        source: "Maelstrom's workload unique-ids",
        model: Model { crashes: Crashes::RecoverAfresh, faulty: Faulty::All, ..FAIR_LOSS },
        promises: &[("ids-unique", "always"), SURVIVES],
        leader: false,
        build: |_| vec![Box::new(Ids::default())],
    },
];
