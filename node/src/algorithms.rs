//! The table of algorithms: what each is, what it assumes, what it promises, and how its stack is built.

use serde::Serialize;

use crate::layer::Layer;
use crate::layers::best_effort::BestEffort;
use crate::layers::eager::Eager;
use crate::layers::fifo::Fifo;
use crate::layers::reliable_links::ReliableLinks;
use crate::model::{Crashes, Faulty, Links, Model};

/// A property, by its name in histories, and the condition under which it is promised.
pub type Promise = (&'static str, &'static str);

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
    /// Its layers, the top one first.
    #[serde(skip)]
    pub build: fn() -> Vec<Box<dyn Layer>>,
}

const FAIR_LOSS: Model =
    Model { links: Links::FairLoss, crashes: Crashes::Stop, faulty: Faulty::AllButOne, bound_ms: 2_000 };
const RELIABLE: Model = Model { links: Links::Reliable, ..FAIR_LOSS };

const SURVIVES: Promise = ("survives", "always");
const NO_CREATION: Promise = ("no-creation", "always");
const NO_DUPLICATION: Promise = ("no-duplication", "always");
const VALIDITY: Promise = ("validity", "always");
const AGREEMENT: Promise = ("agreement", "always");
const AGREEMENT_OF_SENDER: Promise = ("agreement", "while-sender-lives");
const FIFO_ORDER: Promise = ("fifo-order", "always");

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
        build: || vec![Box::new(BestEffort::default())],
    },
    Algorithm {
        name: "retransmit",
        over: None,
        what: "sends over reliable links: acknowledge, retry, deduplicate (the first attempt)",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT_OF_SENDER, SURVIVES],
        build: || vec![Box::new(BestEffort::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "eager",
        over: None,
        what: "relays every message when it is received for the first time (the second attempt)",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT, SURVIVES],
        build: || vec![Box::new(Eager::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "fifo",
        over: Some("eager"),
        what: "numbers each sender's messages and holds back what comes too early",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT, FIFO_ORDER, SURVIVES],
        build: || vec![Box::new(Fifo::default()), Box::new(Eager::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "fifo",
        over: Some("retransmit"),
        what: "FIFO over the first attempt: a sender that crashes half-way leaves some behind",
        source: LECTURES,
        model: FAIR_LOSS,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT_OF_SENDER, FIFO_ORDER, SURVIVES],
        build: || vec![Box::new(Fifo::default()), Box::new(BestEffort::default()), Box::new(ReliableLinks::default())],
    },
    Algorithm {
        name: "fifo",
        over: Some("best-effort"),
        what: "FIFO without a reliable layer: behind a lost message everything is held back",
        source: LECTURES,
        model: RELIABLE,
        promises: &[VALIDITY, NO_DUPLICATION, NO_CREATION, AGREEMENT_OF_SENDER, FIFO_ORDER, SURVIVES],
        build: || vec![Box::new(Fifo::default()), Box::new(BestEffort::default())],
    },
];

/// No such algorithm, or none over such a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSystem(pub String);

impl std::fmt::Display for UnknownSystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnknownSystem {}

/// The algorithm of this name over this layer, or over its default.
pub fn system(name: &str, over: Option<&str>) -> Result<&'static Algorithm, UnknownSystem> {
    let mut of_name = ALGORITHMS.iter().filter(|algorithm| algorithm.name == name).peekable();
    if of_name.peek().is_none() {
        let mut names: Vec<&str> = ALGORITHMS.iter().map(|algorithm| algorithm.name).collect();
        names.dedup();
        return Err(UnknownSystem(format!("there is no algorithm {name}; there are {}", names.join(", "))));
    }
    let layers: Vec<&str> = of_name.clone().filter_map(|algorithm| algorithm.over).collect();
    let fits = |algorithm: &&Algorithm| over.is_none() || algorithm.over == over;
    of_name.find(fits).ok_or_else(|| {
        let choice = if layers.is_empty() { "no layer to choose".to_owned() } else { layers.join(", ") };
        UnknownSystem(format!("{name} does not run over {}; it has: {choice}", over.unwrap_or_default()))
    })
}
