//! Classification: the strongest broadcast models that a history is consistent with, whatever was promised.
//!
//! `none` < `best-effort` < `reliable` < `uniform-reliable`; `reliable` < `fifo` < `causal`; `reliable` < `total`; and `fifo-total`,
//! which is above `causal` and `total` and asks for nothing more: the lectures' hierarchy, in the definitions of Hadzilacos and
//! Toueg 1994. Total is the gap-free form, in which FIFO and total order imply causal order. Best-effort is integrity, validity, and agreement on the messages of senders that never
//! crashed; reliable adds agreement on all others, uniform reliable uniform agreement, FIFO adds FIFO order to reliable. A
//! property that could not be decided makes it "at least" the strongest model that was.

use super::outcome::Judged;
use crate::verdict::Judgement;

/// One model: its name, the models that it includes, and what it asks for itself.
struct Model {
    name: &'static str,
    above: &'static [&'static str],
    asks: &'static [&'static str],
    of_living_senders: &'static [&'static str],
}

const MODELS: &[Model] = &[
    Model {
        name: "best-effort",
        above: &[],
        asks: &["no-creation", "no-duplication", "validity"],
        of_living_senders: &["agreement"],
    },
    Model { name: "reliable", above: &["best-effort"], asks: &["agreement"], of_living_senders: &[] },
    Model { name: "uniform-reliable", above: &["reliable"], asks: &["uniform-agreement"], of_living_senders: &[] },
    Model { name: "fifo", above: &["reliable"], asks: &["fifo-order"], of_living_senders: &[] },
    Model { name: "causal", above: &["fifo"], asks: &["causal-order"], of_living_senders: &[] },
    Model { name: "total", above: &["reliable"], asks: &["gap-free-order"], of_living_senders: &[] },
    Model { name: "fifo-total", above: &["causal", "total"], asks: &[], of_living_senders: &[] },
];

/// The strongest models that the history is consistent with.
pub fn classification(judged: &[Judged]) -> Vec<String> {
    let levels: Vec<(&Model, Judgement)> = MODELS.iter().map(|model| (model, level(model, judged))).collect();
    let holds = |name: &str| levels.iter().any(|(m, j)| m.name == name && *j == Judgement::Valid);
    let topped = |name: &str| levels.iter().any(|(m, _)| m.above.contains(&name) && holds(m.name));
    let mut strongest: Vec<String> =
        levels.iter().filter(|(m, _)| holds(m.name) && !topped(m.name)).map(|(m, _)| m.name.to_owned()).collect();
    if strongest.is_empty() {
        strongest.push("none".to_owned());
    }
    if levels.iter().any(|(_, judgement)| *judgement == Judgement::Unknown) {
        strongest.iter_mut().for_each(|name| *name = format!("at least {name}"));
    }
    strongest
}

fn level(model: &Model, judged: &[Judged]) -> Judgement {
    let find =
        |name: &str| judged.iter().find(|j| j.verdict.property == name).expect("models ask for checked properties");
    let own = model.asks.iter().map(|name| find(name).overall);
    let own = own.chain(model.of_living_senders.iter().map(|name| find(name).of_living_senders));
    let below = MODELS.iter().filter(|below| model.above.contains(&below.name)).map(|below| level(below, judged));
    own.chain(below).max().unwrap_or(Judgement::Valid)
}
