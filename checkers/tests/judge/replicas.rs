//! What replicas say of terms, votes and logs: random lines and runs, compared with the naive twins; and that a correct run
//! violates nothing.

use proptest::prelude::*;
use temblor_checkers::header::{Crashes, Header};
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_checkers::verdict::Judgement;

use crate::random::{agrees_with_twins, find};
use crate::script::{header, judge, ops};
use crate::twin::TWINS;

const OF_LOGS: [&str; 7] = [
    "rising-terms",
    "one-vote-per-term",
    "log-matching",
    "leader-append-only",
    "leader-completeness",
    "commit-order",
    "state-machine-safety",
];

/// A line of any kind about terms and logs: few nodes, indices, terms and hashes, so that they meet.
fn line() -> impl Strategy<Value = String> {
    (0..20u8, 1..=3u8, 1..=4u8, 1..=3u8, 1..=2u8).prop_map(|(kind, n, index, term, hash)| match kind {
        0..=1 => format!("n{n} starts"),
        2..=3 => format!("n{n} leads {term}"),
        4 => format!("n{n} follows n{} in {term}", index % 3 + 1),
        5..=6 => format!("n{n} in {term}"),
        7..=8 => format!("n{n} votes n{hash} in {term}"),
        9..=13 => format!("n{n} appends {index} of {term} #{hash}"),
        14 => format!("n{n} snapshots {index} of {term} #{hash}"),
        15 => format!("n{n} truncates {index}"),
        _ => format!("n{n} commits {index}"),
    })
}

/// A run as Raft would have it: leaders of rising terms, each of which appends to its log, commits, and brings others up to it.
fn run() -> impl Strategy<Value = Vec<String>> {
    let term = (0..3usize, 0..4u64, prop::collection::vec(prop::bool::ANY, 3), prop::bool::ANY);
    prop::collection::vec(term, 1..5).prop_map(|terms| {
        let mut lines = Vec::new();
        let mut committed = Vec::<u64>::new();
        let mut logs = [0usize; 3];
        for (term, (leader, new, reached, restarts)) in (1u64..).zip(terms) {
            // Whoever lacks something that is committed is not elected.
            let leader = if logs[leader] < committed.len() { 0 } else { leader };
            if restarts {
                lines.push(format!("n{} starts", leader + 1));
                lines.push(end_of(leader, &committed));
            }
            for p in 0..3 {
                lines.push(format!("n{} in {term}", p + 1));
                lines.push(format!("n{} votes n{} in {term}", p + 1, leader + 1));
            }
            lines.push(format!("n{} leads {term}", leader + 1));
            committed.extend((0..new).map(|_| term));
            for p in (0..3).filter(|p| *p == 0 || *p == leader || reached[*p]) {
                for (index, term) in (1..).zip(&committed).skip(logs[p]) {
                    lines.push(format!("n{} appends {index} of {term} #{index}", p + 1));
                }
                logs[p] = committed.len();
                lines.push(format!("n{} commits {}", p + 1, committed.len()));
            }
        }
        lines
    })
}

/// Where the log of a node ends that comes back.
fn end_of(p: usize, log: &[u64]) -> String {
    match log.last() {
        Some(term) => format!("n{} appends {} of {term} #{}", p + 1, log.len(), log.len()),
        None => format!("n{} truncates 1", p + 1),
    }
}

fn terms() -> (Header, Options) {
    let names: Vec<&str> = TWINS.iter().map(|(name, _)| *name).collect();
    let header = Header { crashes: Crashes::Recover, ..header(3, &names) };
    (header, Options { require: None, fifo_gaps: FifoGaps::Forbidden })
}

fn drained(lines: Vec<String>) -> Vec<String> {
    let first = (1..=3).map(|n| format!("n{n} starts"));
    first.chain(lines).chain(["nemesis ok drained".to_owned()]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_any_lines_about_logs_every_checker_agrees_with_its_twin(lines in prop::collection::vec(line(), 0..30)) {
        agrees_with_twins(&drained(lines), &terms())?;
    }

    #[test]
    fn on_spoilt_runs_of_replicas_every_checker_agrees_with_its_twin(
        run in run(), more in prop::collection::vec((any::<prop::sample::Index>(), line()), 0..4),
        lost in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut lines = run;
        for (at, line) in more {
            lines.insert(at.index(lines.len() + 1), line);
        }
        for at in lost.into_iter().filter(|_| lines.len() > 1).collect::<Vec<_>>() {
            let at = at.index(lines.len());
            lines.remove(at);
            if lines.is_empty() {
                break;
            }
        }
        agrees_with_twins(&drained(lines), &terms())?;
    }

    #[test]
    fn a_correct_run_of_replicas_violates_nothing(run in run()) {
        let (header, options) = terms();
        let verdict = judge(Some(&header), &ops(&drained(run).join("\n")), &options);
        for name in OF_LOGS {
            let property = find(&verdict, name);
            prop_assert_eq!(property.judgement, Judgement::Valid, "{}: {:?}", name, property.witnesses);
        }
    }
}
