//! A node's delivery log in crash mode `recover`: which message it has reported at which position, over all its lives.
//!
//! Exactly once is impossible as an event on a pipe: a node that comes back can't know what of its reports was read, so it reports
//! positions again. What counts is the log: a position holds one message for good, and none is left out.

use std::collections::BTreeMap;

use crate::op::Message;

/// The positions of one node, from 1.
#[derive(Debug, Default)]
pub struct DeliveryLog {
    /// Runs of positions that were reported: where each begins, and its messages. More than one only where some were left out.
    runs: Vec<(u64, Vec<Message>)>,
    /// Positions that were left out at first and reported later.
    filled: BTreeMap<u64, Message>,
}

/// What the report of a position says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// It is the next one.
    Next,
    /// It has been reported before, with the same message.
    Again,
    /// It has been reported before, with this message.
    Other(Message),
    /// It is not the next one, which would have been this.
    Skipped(u64),
}

impl DeliveryLog {
    /// The position after the last.
    pub fn next(&self) -> u64 {
        self.runs.last().map_or(1, |(begin, messages)| begin + messages.len() as u64)
    }

    /// Takes the report of a position.
    pub fn report(&mut self, position: u64, message: Message) -> Reported {
        let next = self.next();
        if position < next {
            return match self.at(position) {
                Some(there) if there == message => Reported::Again,
                Some(there) => Reported::Other(there),
                // It was left out, and that has been said.
                None => {
                    self.filled.insert(position, message);
                    Reported::Next
                }
            };
        }
        match self.runs.last_mut() {
            Some((_, messages)) if position == next => messages.push(message),
            _ => self.runs.push((position, vec![message])),
        }
        if position == next { Reported::Next } else { Reported::Skipped(next) }
    }

    /// Positions up to `through` are known to be there, though not what they hold.
    pub fn install(&mut self, through: u64) {
        if through >= self.next() {
            self.runs.push((through.saturating_add(1), Vec::new()));
        }
    }

    /// What stands at a position, if it was reported.
    pub fn at(&self, position: u64) -> Option<Message> {
        let run = self.runs.partition_point(|(begin, _)| *begin <= position).checked_sub(1);
        let of_run = run.and_then(|run| {
            let (begin, messages) = &self.runs[run];
            messages.get(usize::try_from(position - begin).ok()?).copied()
        });
        of_run.or_else(|| self.filled.get(&position).copied())
    }
}

/// The hash of a sequence of messages by which prefixes of logs are compared: FNV-1a of 64 bits over their numbers, 8 bytes each,
/// little endian.
pub fn hash(messages: impl Iterator<Item = Message>) -> u64 {
    let bytes = messages.flat_map(u64::to_le_bytes);
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::{DeliveryLog, Reported, hash};

    #[test]
    fn a_position_holds_one_message_and_none_is_left_out() {
        let mut log = DeliveryLog::default();
        let reports = [(1, 17), (2, 18), (1, 17), (2, 19), (5, 20), (6, 21), (5, 20), (3, 22)];
        let said = reports.map(|(position, message)| log.report(position, message));
        let (next, again) = (Reported::Next, Reported::Again);
        assert_eq!(said, [next, next, again, Reported::Other(18), Reported::Skipped(3), next, again, next]);
        log.install(9);
        assert_eq!((log.next(), log.at(6), log.at(7), log.at(9)), (10, Some(21), None, None));
        log.install(3);
        assert_eq!(log.next(), 10);
    }

    #[test]
    fn the_hash_is_the_common_one() {
        assert_eq!(hash([].into_iter()), 0xCBF2_9CE4_8422_2325);
        assert_eq!(format!("{:016x}", hash([1, 2].into_iter())), "7717980363c8e066");
    }
}
