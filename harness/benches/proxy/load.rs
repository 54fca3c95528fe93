//! What the nodes are asked for: plans that the executor carries out like any other.

use temblor_workloads::plan::{FORMAT, Fault, Kind, Operation, Plan, Rule, When};

/// How many nodes there are.
pub const NODES: u64 = 5;
/// How many frames a broadcast of `eager` takes: everybody sends it to everybody else, and each of these is acknowledged. What
/// is sent again comes on top.
pub const FRAMES_EACH: u64 = 2 * NODES * (NODES - 1);
/// How slow slow links are, us.
pub const DELAY_US: u64 = 20_000;
/// So long each load lasts, us; the first part is left out of what is measured.
const CLOSED_US: u64 = 2_000_000;
const OPEN_US: u64 = 5_000_000;
/// No machine goes through more broadcasts in a closed loop; the chains are so long together.
const BROADCASTS_MAX: u64 = 100_000;

/// Whether the links are slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// As fast as they are.
    None,
    /// Each keeps each frame for 20 ms.
    TwentyMs,
}

/// So many chains of broadcasts: in each the next node broadcasts as soon as it has delivered the message before.
pub fn closed(outstanding: u64, delay: Delay) -> Plan {
    let length = BROADCASTS_MAX / outstanding;
    let message = |chain: u64, at: u64| chain * length + at + 1;
    let heads = (0..outstanding).map(|chain| operation(0, chain, message(chain, 0)));
    let links = (0..outstanding).flat_map(|chain| (1..length).map(move |at| (chain, at)));
    let rules = links.map(|(chain, at)| Rule {
        on_deliver: message(chain, at - 1),
        node: node(chain + at),
        broadcast: message(chain, at),
    });
    let faults = if delay == Delay::TwentyMs { vec![slow()] } else { Vec::new() };
    Plan { operations: heads.collect(), rules: rules.collect(), faults, ..quiet(CLOSED_US) }
}

/// So many broadcasts a second, whatever has become of those before.
pub fn open(rate: u64) -> Plan {
    let count = OPEN_US * rate / 1_000_000;
    let operations = (0..count).map(|at| operation(at * 1_000_000 / rate, at, at + 1)).collect();
    Plan { operations, ..quiet(OPEN_US) }
}

fn quiet(length_us: u64) -> Plan {
    Plan {
        format: FORMAT,
        algorithm: "eager".to_owned(),
        over: None,
        fanout: None,
        http: false,
        topology: Default::default(),
        clients_max: None,
        workload: String::new(),
        seed: 7,
        nodes: (0..NODES).map(node).collect(),
        length_us,
        beyond_model: false,
        requested: Vec::new(),
        operations: Vec::new(),
        faults: Vec::new(),
        rules: Vec::new(),
    }
}

fn operation(at_us: u64, turn: u64, broadcast: u64) -> Operation {
    Operation::broadcast(When::AtUs(at_us), node(turn), broadcast)
}

/// The node whose turn it is.
fn node(turn: u64) -> String {
    format!("n{}", turn % NODES + 1)
}

/// 20 ms on every link, from the beginning to the heal.
fn slow() -> Fault {
    let pairs = (0..NODES).flat_map(|from| (0..NODES).map(move |to| (from, to)));
    let links = pairs.filter(|(from, to)| from != to).map(|(from, to)| (node(from), node(to))).collect();
    Fault { id: 1, when: When::AtUs(0), for_us: None, fault: Kind::Delay { delay_us: DELAY_US, links } }
}
