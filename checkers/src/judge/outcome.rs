//! From findings to a verdict: which promises were in force, and what the run came to.
//!
//! A violation of a promise in force decides everything. Else a run in which nothing happened is nothing to judge; else one
//! whose promises are not all decided, that was cut short, or whose faults never bit, is inconclusive; else it is clean.

use crate::header::{Condition, Header};
use crate::op::Node;
use crate::proof::Proof;
use crate::property::{Ending, Finding, listed};
use crate::spread::{Spread, spread};
use crate::table::{Checker, Kind};
use crate::tally::KEPT;
use crate::verdict::{Counts, Judgement, Outcome, PropertyVerdict, Standing};

/// One property, judged.
pub struct Judged {
    /// The verdict, without witnesses.
    pub verdict: PropertyVerdict,
    /// What will be the witnesses.
    pub proofs: Vec<Proof>,
    /// What the history shows, promised or not.
    pub overall: Judgement,
    /// The same, of the messages whose senders never crashed.
    pub of_living_senders: Judgement,
}

/// Judges one property, given what its checker found.
pub fn judged((checker, finding): (&Checker, Finding), header: Option<&Header>, end: &Ending<'_>) -> Judged {
    let promised = end.promises.get(checker.name).copied();
    let lived = |sender: Option<Node>| sender.is_none_or(|node| end.ledger.nodes.get(node).crashes == 0);
    let overall = judgement(&finding, |_| true);
    let of_living_senders = judgement(&finding, lived);
    let mut standing = standing((checker, promised), header, end);
    let by_sender = promised == Some(Condition::WhileSenderLives) && standing == Standing::Promised;
    let lost_by_crashes = (of_living_senders, overall) == (Judgement::Valid, Judgement::Invalid);
    let counts = |sender| !by_sender || lost_by_crashes || lived(sender);
    let judgement = judgement(&finding, counts);
    let violations = if judgement == Judgement::Invalid { finding.tally.count(counts) } else { 0 };
    let Finding { tally, doubt, unknown, exercised } = finding;
    let kept = tally.into_kept(counts);
    if by_sender && lost_by_crashes {
        standing = Standing::NotInForce(sender_crashed(&kept, end));
    }
    let reason = (judgement == Judgement::Unknown).then(|| reason(unknown.or(doubt), &kept));
    let verdict = PropertyVerdict {
        property: checker.name.to_owned(),
        promised,
        standing,
        judgement,
        reason,
        exercised,
        violations,
        witnesses: Vec::new(),
    };
    let proofs = if judgement == Judgement::Invalid { kept } else { Vec::new() };
    let proofs = proofs.into_iter().map(|(_, proof)| proof).collect();
    let judged = Judged { verdict, proofs, overall, of_living_senders };
    if promised == Some(Condition::AsStatistic) { as_statistic(judged, header, end) } else { judged }
}

/// A promise that holds for as many messages as chance has it.
fn as_statistic(mut judged: Judged, header: Option<&Header>, end: &Ending<'_>) -> Judged {
    let spread = match header.and_then(|header| header.fanout) {
        Some(fanout) => spread(end, fanout),
        None => Spread::Unknown("the history does not say to how many others a message is passed on".to_owned()),
    };
    let verdict = &mut judged.verdict;
    (verdict.judgement, verdict.violations, verdict.reason) = match &spread {
        Spread::Plausible => (Judgement::Valid, 0, None),
        Spread::Implausible(missed, _) => (Judgement::Invalid, *missed, None),
        Spread::Unknown(reason) | Spread::Disturbed(reason) => (Judgement::Unknown, 0, Some(reason.clone())),
    };
    let in_force = verdict.standing == Standing::Promised;
    match spread {
        Spread::Implausible(_, sentence) => {
            let fact = "what has not been delivered by now never will be".to_owned();
            let (nodes, messages) = (Vec::new(), Vec::new());
            let points = vec![end.last_point(fact)];
            let proof = Proof { sentence, points, nodes, messages, shape: "statistic", consequence_of: None };
            judged.proofs.insert(0, proof);
            judged.proofs.truncate(KEPT);
        }
        Spread::Disturbed(reason) if in_force => {
            verdict.standing = Standing::NotInForce(reason);
            judged.proofs.clear();
        }
        _ => judged.proofs.clear(),
    }
    judged
}

/// What the run came to.
pub fn outcome(properties: &[PropertyVerdict], counts: &Counts, reasons: Vec<String>) -> Outcome {
    let counted = || properties.iter().filter(|p| p.standing == Standing::Promised);
    if counted().any(|p| p.judgement == Judgement::Invalid) {
        return Outcome::Violation;
    }
    // Who promises nothing about messages may have none: a leader election.
    let speaks_of_messages = counted().any(|p| p.property == "no-creation");
    let elected = properties.iter().any(|p| p.property == "one-leader-per-term" && p.exercised > 0);
    if counts.acknowledged == 0 && counts.deliveries == 0 && (speaks_of_messages || !elected) {
        return Outcome::Nothing("no request was acknowledged and nothing was delivered".to_owned());
    }
    let unknown = counted().filter(|p| p.judgement == Judgement::Unknown);
    let unknown = unknown.map(|p| format!("{} is unknown: {}", p.property, p.reason.as_deref().unwrap_or_default()));
    let reasons: Vec<String> = reasons.into_iter().chain(unknown).collect();
    if reasons.is_empty() { Outcome::Clean } else { Outcome::Inconclusive(reasons) }
}

fn judgement(finding: &Finding, counts: impl Fn(Option<Node>) -> bool) -> Judgement {
    match (finding.tally.count(counts), &finding.doubt, &finding.unknown) {
        (0, _, None) => Judgement::Valid,
        (0, _, Some(_)) | (_, Some(_), _) => Judgement::Unknown,
        (_, None, _) => Judgement::Invalid,
    }
}

fn reason(why: Option<String>, unmet: &[(Option<Node>, Proof)]) -> String {
    let why = why.expect("a judgement is unknown for a reason");
    match unmet.first() {
        Some((_, proof)) => format!("{why}, and so far {}", proof.sentence),
        None => why,
    }
}

fn sender_crashed(kept: &[(Option<Node>, Proof)], end: &Ending<'_>) -> String {
    let (sender, proof) = kept.first().expect("a violation that was counted was kept");
    let sender = end.name(sender.expect("a message of nobody is in force"));
    let messages: Vec<_> = proof.messages.iter().map(|number| format!("m{number}")).collect();
    format!("{sender}, the sender of {}, crashed", listed(messages))
}

/// Whether a promise was in force in this run, its condition taken for the run as a whole.
fn standing((checker, promised): (&Checker, Option<Condition>), header: Option<&Header>, end: &Ending<'_>) -> Standing {
    let Some(condition) = promised else { return Standing::NotPromised };
    let broken = condition_broken(condition, end);
    let outside = || header.filter(|_| checker.kind == Kind::Liveness).and_then(|h| outside_the_model(h, end));
    match broken.or_else(outside) {
        Some(why) => Standing::NotInForce(why),
        None => Standing::Promised,
    }
}

fn condition_broken(condition: Condition, end: &Ending<'_>) -> Option<String> {
    let crashed = |node: &&Node| end.ledger.nodes.get(**node).crashes > 0;
    match condition {
        Condition::Always | Condition::WhileSenderLives | Condition::AsStatistic => None,
        Condition::WhileLeaderLives => {
            let (leaders, what) = leaders(end);
            let leader = leaders.iter().find(|node| end.ledger.faulty(**node))?;
            Some(format!("{}, {what}, crashed", end.name(*leader)))
        }
        Condition::WhileNobodyCrashes => {
            let crashed: Vec<_> = end.group.iter().filter(crashed).map(|n| end.name(*n).to_owned()).collect();
            (!crashed.is_empty()).then(|| format!("{} crashed", listed(crashed)))
        }
        Condition::WhileMajorityLives => {
            let (correct, all) = (end.correct().len(), end.group.len());
            (2 * correct <= all).then(|| format!("only {correct} of {all} nodes are correct"))
        }
    }
}

/// Who leads at the end, and in which words; a history in which nobody says so has a fixed leader, its first node.
fn leaders(end: &Ending<'_>) -> (Vec<Node>, String) {
    match &end.ledger.led {
        Some((term, leaders)) => (leaders.clone(), format!("the leader of term {term}")),
        None => (end.group.iter().take(1).copied().collect(), "the leader".to_owned()),
    }
}

fn outside_the_model(header: &Header, end: &Ending<'_>) -> Option<String> {
    let faulty = end.group.iter().filter(|node| end.ledger.faulty(**node));
    let faulty: Vec<_> = faulty.map(|node| end.name(*node).to_owned()).collect();
    if faulty.len() > header.faulty_max as usize {
        let (who, allowed) = (listed(faulty), header.faulty_max);
        return Some(format!("outside the model: {who} crashed, and at most {allowed} of the nodes may"));
    }
    let bitten = header.beyond.iter().find(|class| end.ledger.faults.bit(class))?;
    Some(format!("outside the model: {bitten}"))
}
