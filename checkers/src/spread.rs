//! How gossip spreads: whether so many messages missed a node as chance has it, or more.
//!
//! Gossip does not promise that a message reaches everybody; it promises to pass it on, on first receipt, to `fanout` others, all
//! choices equally likely, as its sender does. How many messages miss at least one node follows from that alone, so agreement of
//! gossip is judged as a statistic: one-sided, against the exact distribution for this number of nodes and this fanout, and
//! violated below a chance of 10^-9 a run. (Demers et al. 1987; the lectures, "Broadcast algorithms", third attempt.)
//!
//! Only messages count whose spread met no crash and no fault of a link ([`crate::ledger::calm`]). All arithmetic is in integers:
//! the chance that a message misses a node, and the chance that so many do, are rounded up, so that a correct system is
//! rather spared than blamed.

use crate::ledger::messages::Id;
use crate::property::{Close, Ending};

/// With fewer messages nothing is said.
const MESSAGES_MIN: u64 = 100;
/// So many say enough; those beyond are not looked at, and the numbers below keep within 128 bits.
const MESSAGES_MAX: u64 = 1 << 20;
/// A violation is what chance would give less often than once in so many runs.
const ODDS: u128 = 1_000_000_000;
/// One, as a probability in fixed point.
const ONE: u128 = 1 << 60;

/// What the spread of a history's messages says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spread {
    /// No more messages missed a node than chance explains.
    Plausible,
    /// Too many did: how many, and a sentence.
    Implausible(u64, String),
    /// Faults left too few messages undisturbed.
    Disturbed(String),
    /// Nothing can be said, for this reason.
    Unknown(String),
}

/// Judges how the messages of a history spread.
pub fn spread(end: &Ending<'_>, fanout: u32) -> Spread {
    if *end.close != Close::Drained {
        return Spread::Unknown("the history does not end with everything drained in time".to_owned());
    }
    let (messages, missed) = counts(end);
    if messages < MESSAGES_MIN {
        let calm = &end.ledger.faults.calm;
        return match calm.is_unbroken() {
            true => Spread::Unknown(format!("there are {messages} messages, and {MESSAGES_MIN} are needed")),
            false => Spread::Disturbed(format!("{messages} messages met no fault, and {MESSAGES_MIN} are needed")),
        };
    }
    let nodes = end.group.len();
    let miss = chance_to_miss(nodes, fanout as usize);
    if is_plausible((messages, missed), miss) {
        return Spread::Plausible;
    }
    let tenths = miss * 1_000 / ONE;
    let sentence = format!(
        "{missed} of {messages} messages missed a node, and with fanout {fanout} among {nodes} nodes chance explains {}.{} %",
        tenths / 10,
        tenths % 10
    );
    Spread::Implausible(missed, sentence)
}

/// How many messages spread undisturbed, and how many of them missed a node.
fn counts(end: &Ending<'_>) -> (u64, u64) {
    let (mut messages, mut missed) = (0, 0);
    for at in end.ledger.faults.calm.stretches(end.ledger.messages.len()).into_iter().flatten() {
        let id = Id(at as u32);
        let has = |node| end.ledger.nodes.get(node).ever(id);
        if messages < MESSAGES_MAX && has(end.ledger.messages.get(id).sender) {
            messages += 1;
            missed += u64::from(!end.group.iter().all(|node| has(*node)));
        }
    }
    (messages, missed)
}

/// The chance that a message misses at least one of `nodes`, in fixed point, rounded up.
///
/// Nodes that have the message pass it on one after the other, and draw the others to pass it on to one by one. All that matters
/// at a draw is how many nodes still lack it: each of the others that was not drawn yet is drawn as likely as any.
fn chance_to_miss(nodes: usize, fanout: usize) -> u128 {
    let others = nodes.saturating_sub(1);
    // By how many lack it.
    let mut chances = vec![0; nodes.max(1)];
    chances[others] = ONE;
    for passed_on in 0..nodes {
        // Where nobody has it who has not passed it on, the rumour has died.
        chances[nodes - passed_on..].fill(0);
        if chances[1.min(others)..].iter().all(|chance| *chance == 0) {
            break;
        }
        for drawn in 0..fanout.min(others) {
            draw(&mut chances, (others - drawn) as u128);
        }
    }
    ONE - chances[0]
}

/// One more node is drawn, of `left` that were not drawn yet; chances by how many lack the message, each rounded down.
fn draw(chances: &mut [u128], left: u128) {
    for lacking in 0..chances.len() {
        let (stays, comes) = (chances[lacking], chances.get(lacking + 1).copied().unwrap_or(0));
        if stays > 0 || comes > 0 {
            let lacking_before = lacking as u128 + 1;
            chances[lacking] = stays * left.saturating_sub(lacking as u128) / left + comes * lacking_before / left;
        }
    }
}

/// Whether `missed` or more of `messages` come about by chance at least once in [`ODDS`] runs, if each has this chance.
///
/// The terms of the binomial distribution are taken relative to its greatest one, each from its neighbour: those that count as
/// chance rounded up, those that they are held against rounded down.
fn is_plausible((messages, missed): (u64, u64), miss: u128) -> bool {
    assert!(missed <= messages && messages <= MESSAGES_MAX, "no more are counted");
    let (n, x) = (u128::from(messages), u128::from(missed));
    if n * miss >= x * ONE {
        // No more than are expected.
        return true;
    }
    if miss == 0 {
        return false;
    }
    let mode = (n + 1) * miss / ONE;
    let all = below(n, mode, miss) + above(n, mode, miss);
    tail((n, x), mode, miss) * ODDS >= all
}

/// The greatest term.
const TOP: u128 = 1 << 62;

/// The bits of a ratio of two terms behind its point.
const RATIO_BITS: u32 = 32;

/// The ratio of term `at + 1` to term `at`, rounded down.
fn ratio(n: u128, at: u128, miss: u128) -> u128 {
    (((n - at) * miss) << RATIO_BITS) / ((at + 1) * (ONE - miss))
}

/// The terms up to the greatest one, that one included; rounded down.
fn below(n: u128, mode: u128, miss: u128) -> u128 {
    let (mut sum, mut term, mut at) = (TOP, TOP, mode);
    while at > 0 && term > 0 {
        at -= 1;
        let ratio = (((at + 1) * (ONE - miss)) << RATIO_BITS) / ((n - at) * miss);
        term = (term * ratio) >> RATIO_BITS;
        sum += term;
    }
    sum
}

/// The terms beyond the greatest one, rounded down.
fn above(n: u128, mode: u128, miss: u128) -> u128 {
    let (mut sum, mut term, mut at) = (0, TOP, mode);
    while at < n && term > 0 {
        term = (term * ratio(n, at, miss)) >> RATIO_BITS;
        at += 1;
        sum += term;
    }
    sum
}

/// The terms from `x` on, which lies beyond the greatest one; rounded up.
fn tail((n, x): (u128, u128), mode: u128, miss: u128) -> u128 {
    let (mut sum, mut term, mut at) = (0, TOP, mode);
    while at < n && term > 1 {
        if at >= x {
            sum += term;
        }
        term = (term * (ratio(n, at, miss) + 1)).div_ceil(1 << RATIO_BITS);
        at += 1;
    }
    // None of those that are left is greater than the last one.
    sum + term * (n - at.max(x) + 1)
}

#[cfg(test)]
mod tests {
    use super::{MESSAGES_MAX, ONE, chance_to_miss, is_plausible};

    /// In tenths of a per cent.
    fn permille(nodes: usize, fanout: usize) -> u128 {
        (chance_to_miss(nodes, fanout) * 1_000 + ONE / 2) / ONE
    }

    #[test]
    fn the_chances_are_those_of_simulations() {
        assert_eq!([permille(5, 3), permille(10, 3), permille(50, 3)], [16, 224, 916]);
        assert_eq!([permille(4, 3), permille(2, 1), permille(1, 3), permille(5, 9)], [0, 0, 0, 0]);
        assert_eq!([permille(5, 0), permille(1, 0), permille(0, 3)], [1_000, 0, 0]);
        assert_eq!(chance_to_miss(5, 4), 0);
    }

    #[test]
    fn a_small_case_is_exact_by_hand() {
        // n1 passes on to one of n2 and n3; that one back to n1 (and the rumour has died) with chance 1/2.
        let half = chance_to_miss(3, 1);
        assert!(half.abs_diff(ONE / 2) < 16, "{half}");
    }

    #[test]
    fn the_largest_group_takes_no_longer_than_a_moment() {
        assert_eq!(permille(1_024, 1_023), 0);
        assert_eq!(permille(1_024, 500), 0);
        assert_eq!(permille(1_024, 1), 1_000);
    }

    /// The same chance by trying all choices of all nodes, each of which chooses 2 others: how many miss somebody, and of how many.
    fn by_all_choices(nodes: usize) -> (u64, u64) {
        let pairs: Vec<Vec<(usize, usize)>> = (0..nodes)
            .map(|me| {
                let others: Vec<usize> = (0..nodes).filter(|node| *node != me).collect();
                let all = others.iter().flat_map(|a| others.iter().map(move |b| (*a, *b)));
                all.filter(|(a, b)| a < b).collect()
            })
            .collect();
        let each = pairs[0].len();
        let all = each.pow(nodes as u32);
        let misses = (0..all).filter(|choice| {
            let (mut reached, mut waiting) = (vec![false; nodes], vec![0]);
            reached[0] = true;
            while let Some(node) = waiting.pop() {
                let (a, b) = pairs[node][choice / each.pow(node as u32) % each];
                for to in [a, b] {
                    if !std::mem::replace(&mut reached[to], true) {
                        waiting.push(to);
                    }
                }
            }
            !reached.iter().all(|reached| *reached)
        });
        (misses.count() as u64, all as u64)
    }

    #[test]
    fn the_chance_is_that_of_all_choices_tried_and_rounded_up() {
        for nodes in [3, 4, 5] {
            let (misses, all) = by_all_choices(nodes);
            let expected = u128::from(misses) * ONE / u128::from(all);
            let chance = chance_to_miss(nodes, 2);
            assert!((expected..expected + 256).contains(&chance), "{nodes}: {misses} of {all}");
        }
    }

    /// The first count that is no chance any more.
    fn first_implausible(messages: u64, miss: u128) -> u64 {
        (0..=messages).find(|missed| !is_plausible((messages, *missed), miss)).unwrap_or(messages + 1)
    }

    #[test]
    fn the_bounds_are_those_of_the_binomial_distribution() {
        // The first x with P(X >= x) < 10^-9, from exact fractions.
        let of = |per_mille: u128| ONE * per_mille / 1_000;
        let bounds = [(100, 16), (1_000, 16), (10_000, 16), (200, 224), (1_000, 500), (150, 916)];
        let found = bounds.map(|(messages, per_mille)| first_implausible(messages, of(per_mille)));
        assert_eq!(found, [14, 46, 242, 84, 596, 151]);
    }

    #[test]
    fn what_can_never_be_missed_is_never_missed_and_what_always_is_may_be() {
        assert!(is_plausible((100, 0), 0) && !is_plausible((100, 1), 0));
        assert!(is_plausible((100, 100), ONE) && is_plausible((MESSAGES_MAX, MESSAGES_MAX), ONE));
        assert!(!is_plausible((MESSAGES_MAX, MESSAGES_MAX), ONE / 2));
    }
}
