//! How gossip spreads: whether so many messages missed a node as chance has it, or more.
//!
//! Gossip does not promise that a message reaches everybody; it promises to pass it on, on first receipt, to `fanout` others, all
//! choices equally likely. How many messages miss at least one node follows from that alone, so agreement of gossip is judged as
//! a statistic: one-sided, against the exact distribution for this number of nodes and this fanout, and violated below a chance of
//! 10^-9 a run. (Demers et al. 1987; the lectures, "Broadcast algorithms", third attempt.)
//!
//! Only messages count whose spread met no crash: with a node gone the distribution is another one. All arithmetic is in
//! integers, rounded so that a correct system is rather spared than blamed.

use crate::property::{Close, Ending};

/// With fewer messages nothing is said.
const MESSAGES_MIN: u64 = 100;
/// Messages that were named this short before the first crash may have met it: so many.
const MARGIN: usize = 200;
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
    /// Nothing can be said, for this reason.
    Unknown(String),
}

/// Judges how the messages of a history spread.
pub fn spread(end: &Ending<'_>, fanout: u32) -> Spread {
    if *end.close != Close::Drained {
        return Spread::Unknown("the history is not drained".to_owned());
    }
    let before = end.ledger.faults.first_kill.map_or(usize::MAX, |named| named.saturating_sub(MARGIN));
    let spoken = end.ledger.messages.iter().take_while(|(id, _)| id.at() < before);
    let (mut messages, mut missed) = (0, 0);
    for (id, entry) in spoken {
        if end.ledger.nodes.get(entry.sender).ever(id) {
            messages += 1;
            missed += u64::from(!end.group.iter().all(|node| end.ledger.nodes.get(*node).ever(id)));
        }
    }
    if messages < MESSAGES_MIN {
        return Spread::Unknown(format!("{messages} messages met no crash, and {MESSAGES_MIN} are needed"));
    }
    let miss = chance_to_miss(end.group.len(), fanout as usize);
    if is_plausible(messages, missed, miss) {
        return Spread::Plausible;
    }
    let nodes = end.group.len();
    let tenths = miss * 1_000 / ONE;
    let expected = format!("{}.{} %", tenths / 10, tenths % 10);
    let sentence = format!(
        "{missed} of {messages} messages missed a node, and with fanout {fanout} among {nodes} nodes chance explains {expected}"
    );
    Spread::Implausible(missed, sentence)
}

/// The chance that a message misses at least one of `nodes`, in fixed point, rounded up.
///
/// Nodes that have the message pass it on one after the other; what matters after some of them is how many still lack it.
fn chance_to_miss(nodes: usize, fanout: usize) -> u128 {
    let (others, fanout) = (nodes.saturating_sub(1), fanout.min(nodes.saturating_sub(1)));
    // By how many lack it.
    let mut chances = vec![0; nodes.max(1)];
    chances[others] = ONE;
    let mut reached_all = 0;
    for passed_on in 0..nodes {
        let mut next = vec![0; chances.len()];
        for (lacking, chance) in chances.iter().enumerate().filter(|(_, chance)| **chance > 0) {
            // Who has it and has not passed it on: none is left, and the rumour has died.
            if nodes - lacking == passed_on {
                reached_all += if lacking == 0 { *chance } else { 0 };
                continue;
            }
            for news in 0..=fanout.min(lacking) {
                next[lacking - news] += chance * share((others, lacking), (fanout, news)) / ONE;
            }
        }
        chances = next;
    }
    reached_all += chances[0];
    ONE - reached_all.min(ONE)
}

/// The chance that of `fanout` others chosen among `others` just `news` are among the `lacking`; in fixed point.
fn share((others, lacking): (usize, usize), (fanout, news): (usize, usize)) -> u128 {
    let have = others - lacking;
    if fanout - news > have {
        return 0;
    }
    let (ways, all) = (choose(lacking, news) * choose(have, fanout - news), choose(others, fanout));
    // Room for the shift: what is cut off is less than one part in 2^60.
    let excess = (128 - all.leading_zeros()).saturating_sub(64);
    ((ways >> excess) << 60) / (all >> excess).max(1)
}

/// The binomial coefficient; exact for up to 127 things.
fn choose(things: usize, chosen: usize) -> u128 {
    let chosen = chosen.min(things - chosen);
    // Pascal's triangle, row by row: no product ever exceeds the result.
    let mut row = vec![0_u128; chosen + 1];
    row[0] = 1;
    for _ in 0..things {
        for at in (1..=chosen).rev() {
            row[at] = row[at].saturating_add(row[at - 1]);
        }
    }
    row[chosen]
}

/// Whether `missed` or more of `messages` come about by chance at least once in [`ODDS`] runs, if each has this chance.
fn is_plausible(messages: u64, missed: u64, miss: u128) -> bool {
    let (n, x) = (u128::from(messages), u128::from(missed));
    if n * miss >= x * ONE || miss == 0 {
        // No more than are expected; or nothing may be missed at all.
        return missed == 0 || miss > 0;
    }
    // Terms of the binomial distribution relative to its greatest one, each from its neighbour.
    let mode = (n + 1) * miss / ONE;
    let top = 1_u128 << 40;
    let (mut sum, mut tail) = (top, if mode >= x { top } else { 0 });
    let (mut term, mut at) = (top, mode);
    while at < n && term > 0 {
        // Rounded up, in favour of the system.
        term = (term * (n - at) * miss).div_ceil((at + 1) * (ONE - miss).max(1));
        at += 1;
        sum += term;
        tail += if at >= x { term } else { 0 };
        if term == 1 && at >= x {
            break;
        }
    }
    (term, at) = (top, mode);
    while at > 0 && term > 0 {
        term = term * at * (ONE - miss) / ((n - at + 1) * miss);
        at -= 1;
        sum += term;
    }
    tail * ODDS >= sum
}

#[cfg(test)]
mod tests {
    use super::{ONE, chance_to_miss, choose, is_plausible};

    /// In tenths of a per cent.
    fn permille(nodes: usize, fanout: usize) -> u128 {
        (chance_to_miss(nodes, fanout) * 1_000 + ONE / 2) / ONE
    }

    #[test]
    fn the_chances_are_those_of_simulations() {
        assert_eq!([permille(5, 3), permille(10, 3), permille(50, 3)], [16, 224, 916]);
        assert_eq!([permille(4, 3), permille(2, 1), permille(1, 3)], [0, 0, 0]);
        assert_eq!(chance_to_miss(5, 4), 0);
    }

    #[test]
    fn a_small_case_is_exact_by_hand() {
        // n1 passes on to one of n2 and n3; that one back to n1 (and n1 is done) with chance 1/2.
        let half = chance_to_miss(3, 1);
        assert!(half.abs_diff(ONE / 2) < 16, "{half}");
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
    fn the_chance_is_that_of_all_choices_tried() {
        for nodes in [3, 4, 5] {
            let (misses, all) = by_all_choices(nodes);
            let expected = u128::from(misses) * ONE / u128::from(all);
            assert!(chance_to_miss(nodes, 2).abs_diff(expected) < 64, "{nodes}: {misses} of {all}");
        }
    }

    #[test]
    fn binomial_coefficients() {
        assert_eq!([choose(4, 2), choose(49, 3), choose(5, 0), choose(5, 5)], [6, 18_424, 1, 1]);
    }

    #[test]
    fn what_chance_explains_is_plausible_and_what_it_does_not_is_not() {
        let miss = chance_to_miss(5, 3);
        assert!(is_plausible(1_000, 16, miss) && is_plausible(1_000, 30, miss));
        assert!(!is_plausible(1_000, 60, miss));
        assert!(!is_plausible(100, 100, miss));
        assert!(is_plausible(100, 0, 0) && !is_plausible(100, 1, 0));
        // The first counts whose tails are below 10^-9 for p = 0.016: 43 of 1,000.
        let first = (0..1_000).find(|missed| !is_plausible(1_000, *missed, miss)).unwrap();
        assert!((42..=46).contains(&first), "{first}");
    }
}
