//! Carries out a plan file on a [`Network`]: as much of the format as the demonstrations use.

use serde_json::Value;

use super::{Link, MS, Network};

/// Healed networks get so long to settle: the bound of all models.
const BOUND: u64 = 2_000 * MS;

/// What is due, and how long it lasts.
struct Entry<'a> {
    when: &'a Value,
    what: &'a Value,
    state: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    /// In force until then.
    Until(u64),
    Over,
}

/// Carries out the main phase of a plan, heals everything, and lets the model's bound pass.
pub fn carry_out(plan: &Value, network: &mut Network) {
    let entries = |key: &str| plan[key].as_array().into_iter().flatten();
    let mut all: Vec<Entry<'_>> = entries("operations")
        .chain(entries("faults"))
        .map(|what| Entry { when: &what["when"], what, state: Progress::Waiting })
        .collect();
    let end = plan["length_us"].as_u64().unwrap() * 1_000;
    // A look every 50 us stands for the controller, which reacts a little late.
    while network.now < end {
        for at in 0..all.len() {
            advance(at, &mut all, network);
        }
        network.run_for(50_000);
    }
    network.heal();
    network.run_for(BOUND);
}

fn advance(at: usize, all: &mut [Entry<'_>], network: &mut Network) {
    match all[at].state {
        Progress::Waiting if is_due(all[at].when, all, network) => {
            begin(all[at].what, network);
            let lasts = all[at].what["for_us"].as_u64().map_or(u64::MAX, |us| network.now + us * 1_000);
            let kill = !all[at].what["fault"]["kill"].is_null();
            all[at].state = if kill { Progress::Over } else { Progress::Until(lasts) };
        }
        Progress::Until(end) if end <= network.now => {
            lift(all[at].what, network);
            all[at].state = Progress::Over;
        }
        _ => {}
    }
}

fn is_due(when: &Value, all: &[Entry<'_>], network: &Network) -> bool {
    if let Some(at_us) = when["at_us"].as_u64() {
        return at_us * 1_000 <= network.now;
    }
    // The delay after an anchor is left out: the demonstrations must not depend on it.
    let seen = &when["after"]["seen"];
    if let Some(id) = seen["fault"]["id"].as_u64() {
        return all.iter().any(|entry| entry.what["id"].as_u64() == Some(id) && entry.state == Progress::Over);
    }
    let deliver = &seen["deliver"];
    let message = deliver["message"].as_u64().expect("an anchor that demonstrations use");
    network.delivered(number(&deliver["node"])).contains(&message)
}

fn begin(what: &Value, network: &mut Network) {
    if let Some(message) = what["broadcast"].as_u64() {
        return network.broadcast(number(&what["node"]), message);
    }
    let fault = &what["fault"];
    if !fault["kill"].is_null() {
        network.kill(number(&fault["kill"]["node"]));
    } else if !fault["pause"].is_null() {
        network.pause(number(&fault["pause"]["node"]));
    } else {
        network.cut(&links(fault));
    }
}

fn lift(what: &Value, network: &mut Network) {
    let fault = &what["fault"];
    if !fault["pause"].is_null() {
        network.resume(number(&fault["pause"]["node"]));
    } else {
        network.mend(&links(fault));
    }
}

fn links(fault: &Value) -> Vec<Link> {
    let cut = fault["partition"]["cut"].as_array().into_iter().flatten();
    cut.map(|link| (number(&link[0]), number(&link[1]))).collect()
}

fn number(name: &Value) -> u32 {
    name.as_str().unwrap()[1..].parse().unwrap()
}
