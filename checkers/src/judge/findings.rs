//! Findings: what one reading came to. The verdict is there, but for the earlier ops that its witnesses speak of.

use super::classification::classification;
use super::outcome::{judged, outcome};
use super::{Close, Judge};
use crate::ledger::faults::Fault;
use crate::op::{Names, Node, Op};
use crate::proof::{Proof, Search};
use crate::property::{Ending, Finding};
use crate::table::CHECKERS;
use crate::verdict::{Counts, FORMAT, Verdict};

/// What one reading of a history came to.
pub struct Findings {
    /// The verdict, without witnesses.
    verdict: Verdict,
    /// The proofs of all properties, in the order of the table.
    proofs: Vec<Proof>,
    /// To which property of the verdict each proof belongs.
    owners: Vec<usize>,
    faults: Vec<Fault>,
    search: Search,
}

impl Findings {
    /// Whether a second reading, from the first line on, may complete a witness. It need go on only as long as this holds.
    pub fn wants_more(&self) -> bool {
        self.search.goes_on()
    }

    /// Takes the next op of the second reading.
    pub fn locate(&mut self, op: &Op, names: &Names) {
        self.search.take(op, (&mut self.proofs, names));
    }

    /// The verdict. Ops that no second reading has found are left out of the witnesses.
    pub fn into_verdict(self, names: &Names) -> Verdict {
        let mut verdict = self.verdict;
        for (proof, owner) in self.proofs.into_iter().zip(self.owners) {
            verdict.properties[owner].witnesses.push(proof.into_witness(&self.faults, names));
        }
        verdict
    }
}

/// Asks every checker for its finding, and weighs it.
pub(super) fn weigh(judge: Judge, group: &[Node], names: &Names) -> Findings {
    let reasons = reasons(&judge);
    let Judge {
        header, promises, fifo_gaps, ledger, orders, checkers, counts, completed, close, last, crowded, ..
    } = judge;
    let end = Ending {
        ledger: &ledger,
        orders: &orders,
        names,
        group,
        last,
        close: &close.unwrap_or(Close::CutShort),
        deliveries: counts.deliveries,
        open_requests: counts.invoked.saturating_sub(completed),
        promises: &promises,
        fifo_gaps,
    };
    let crowd = || crowded.then(|| "there are more nodes than can be judged".to_owned());
    let found = CHECKERS.iter().zip(checkers).map(|(checker, state)| {
        let finding = state.finish(&end);
        let unknown = finding.unknown.clone().or_else(crowd);
        judged((checker, Finding { unknown, ..finding }), header.as_ref(), &end)
    });
    let mut judged: Vec<_> = found.collect();
    // Of what delivered nothing there is nothing to classify.
    let classification = if counts.deliveries == 0 { Vec::new() } else { classification(&judged) };
    let proofs: Vec<Vec<Proof>> = judged.iter_mut().map(|j| std::mem::take(&mut j.proofs)).collect();
    let owners = proofs.iter().enumerate().flat_map(|(at, of)| of.iter().map(move |_| at)).collect();
    let proofs: Vec<Proof> = proofs.into_iter().flatten().collect();
    let properties: Vec<_> = judged.into_iter().map(|j| j.verdict).collect();
    let outcome = outcome(&properties, &counts, reasons);
    let system = header.map(|header| header.system).unwrap_or_default();
    let counts = Counts { recoveries: ledger.recovery.into_recoveries(), ..counts };
    let verdict = Verdict { format: FORMAT, system, outcome, classification, properties, counts };
    let search = Search::of(&proofs);
    Findings { verdict, proofs, owners, faults: ledger.faults.into_all(), search }
}

/// What makes the run inconclusive, whatever the properties came to.
fn reasons(judge: &Judge) -> Vec<String> {
    let mut reasons = Vec::new();
    if judge.counts.cut_short {
        reasons.push("the history is cut short".to_owned());
    }
    if let Some(reason) = &judge.interrupted {
        reasons.push(format!("the run was interrupted: {reason}"));
    }
    let requested = judge.header.iter().flat_map(|header| &header.requested);
    let toothless = requested.filter(|class| !judge.ledger.faults.bit(class));
    reasons.extend(toothless.map(|class| format!("`{class}` was asked for and never bit")));
    reasons
}
