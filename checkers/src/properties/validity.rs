//! Validity: what a correct node broadcasts it delivers itself.
//!
//! Hadzilacos and Toueg 1994; Cachin, Guerraoui and Rodrigues 2011, module 3.2, RB1. That every correct node then delivers
//! it too (BEB1) is agreement: the two together, agreement taken for messages of senders that lived, are best-effort
//! broadcast.
//!
//! A message counts as broadcast if its broadcast was reported or its request was answered `ok`: validity is what an
//! acknowledgement promises. So two more shapes belong here. *Acknowledged, not taken*: a node that reports its broadcasts
//! said `ok` to a request and never reported the broadcast, whether or not it delivered the message; a life that crashed is
//! excused, since its last words may be lost. *Acknowledged for ever*: where `ok` means `delivered`, it binds whatever becomes
//! of the sender: some correct node must have delivered the message.
//!
//! Which correct node delivered what is known only at the end, so this is liveness: judged at the `drained` line.

use crate::ledger::messages::{Entry, Id, Mark};
use crate::ledger::streams::Voice;
use crate::op::Node;
use crate::proof::{Point, Proof, Sought};
use crate::property::{Ending, Finding, Property};
use crate::tally::{Rank, Tally};

/// Judges validity: all at the end.
struct Validity;

/// A checker of validity.
pub fn validity() -> Box<dyn Property> {
    Box::new(Validity)
}

/// How a message's obligation was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Breach {
    /// Broadcast, and never delivered by its sender.
    Undelivered,
    /// Acknowledged, and never broadcast.
    NotTaken,
    /// Acknowledged for ever, and delivered by no correct node.
    Forgotten,
}

impl Property for Validity {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let correct = end.correct();
        let (mut tally, mut owed) = (Tally::new(), 0);
        for (id, entry) in end.ledger.messages.iter() {
            let sender = entry.sender;
            if !owes(id, (entry, sender), end) {
                continue;
            }
            owed += 1;
            if let Some(breach) = breach(id, (entry, sender), (&correct, end)) {
                tally.add(Some(sender), (Rank::First, id.at() as u64), || (id, sender, breach));
            }
        }
        let tally = tally.map(|(id, sender, breach)| broken(id, (sender, breach), end));
        end.finding_of_liveness(tally, owed)
    }
}

/// Whether anybody owes a delivery of this message for its broadcast or acknowledgement.
fn owes(id: Id, (entry, sender): (&Entry, Node), end: &Ending<'_>) -> bool {
    let forever = end.acknowledged_for_ever() && entry.is(Mark::Acknowledged);
    forever || end.group.contains(&sender) && !end.ledger.faulty(sender) && end.ledger.counts_as_broadcast(id)
}

fn breach(id: Id, (entry, sender): (&Entry, Node), (correct, end): (&[Node], &Ending<'_>)) -> Option<Breach> {
    let (ledger, state) = (end.ledger, end.ledger.nodes.get(sender));
    let silent = ledger.stream(sender).voice != Voice::Reports || entry.is(Mark::Broadcast);
    if !silent && state.crashes == 0 {
        return Some(Breach::NotTaken);
    }
    if !ledger.faulty(sender) {
        return (!state.ever(id)).then_some(Breach::Undelivered);
    }
    let kept = correct.iter().any(|node| ledger.nodes.get(*node).ever(id));
    (!kept).then_some(Breach::Forgotten)
}

fn broken(id: Id, (sender, breach): (Node, Breach), end: &Ending<'_>) -> Proof {
    let entry = end.ledger.messages.get(id);
    let (name, message) = (end.name(sender), end.message(id));
    let (sentence, shape, fact) = match breach {
        Breach::Undelivered if entry.is(Mark::Broadcast) => {
            let sentence = format!("{name} broadcast {message} and never delivered it");
            (sentence, "undelivered", format!("{name} has not delivered its own message, and nothing more is coming"))
        }
        Breach::Undelivered => {
            let sentence = format!("{name} acknowledged {message} and never delivered it");
            (
                sentence,
                "undelivered",
                format!("{name} has not delivered what it acknowledged, and nothing more is coming"),
            )
        }
        Breach::NotTaken => {
            let sentence = format!("{name} acknowledged {message} and never broadcast it");
            (sentence, "acknowledged-not-taken", format!("{name} reports its broadcasts, and not this one"))
        }
        Breach::Forgotten => {
            let sentence = format!("{message} was acknowledged as delivered, and no correct node has delivered it");
            (sentence, "forgotten", "the acknowledgement binds for ever".to_owned())
        }
    };
    let first = match entry.is(Mark::Broadcast) && breach == Breach::Undelivered {
        true => vec![Point::sought(Sought::Broadcast(entry.number), fact)],
        false => vec![
            Point::sought(Sought::Request(entry.number), format!("{message} begins here")),
            Point::sought(Sought::Acknowledgement(entry.number), fact),
        ],
    };
    let last =
        format!("{message} is not {}", if shape == "acknowledged-not-taken" { "broadcast" } else { "delivered" });
    Proof {
        sentence,
        points: first.into_iter().chain([end.last_point(last)]).collect(),
        nodes: vec![sender],
        messages: vec![entry.number],
        shape,
        consequence_of: None,
    }
}
