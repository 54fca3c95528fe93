//! A queue: frames that can't go on yet, in the order in which they came.
//!
//! A frame waits because a fault delays it, because a fault holds it, because it stands behind one of these (a link keeps its
//! order), or because the receiver does not read. Delay is a time-stamped queue and no sleep between a read and a write, so it
//! costs latency and no throughput: while one frame waits, the next are read and stamped.
//!
//! Frames that share everything that is known about them form one chunk. All bytes lie in one buffer, so what is due leaves in
//! one write, however many chunks it is.

use std::collections::VecDeque;
use std::mem::size_of;
use std::ops::Range;

use super::trace::What;

/// What is handed to one write at most, bytes.
const WRITE_MAX: usize = 256 << 10;
/// What an empty queue keeps allocated, bytes.
const IDLE_MAX: usize = 16 << 10;

/// What keeps frames from going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Nothing but what is in front of them.
    Open,
    /// This fault delays them: until then, ns.
    Until(u32, u64),
    /// This fault holds them until it is lifted.
    Lift(u32),
}

/// What is known about some frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// When they were read, ns.
    pub in_ns: u64,
    /// What keeps them.
    pub gate: Gate,
    /// What the trace will say of them.
    pub what: What,
    /// The fault that it will name.
    pub fault: Option<u32>,
    /// Whether a fault made them wait: theirs, or that of frames in front of them. [`Queue::push`] sees to the latter.
    pub kept: bool,
}

impl Label {
    /// Of frames that nothing keeps.
    pub fn passing(in_ns: u64) -> Self {
        Self { in_ns, gate: Gate::Open, what: What::Passed, fault: None, kept: false }
    }
}

/// What becomes of kept frames after a change of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Their fault is still in force.
    Stay,
    /// They may go on.
    Go,
    /// Another fault holds them from now on.
    Held(u32),
    /// Another fault has taken them.
    Lost,
}

#[derive(Debug)]
struct Chunk {
    label: Label,
    length: usize,
    /// The place of its last frame among all that came on the connection.
    place: u64,
}

/// Frames that wait on one connection.
#[derive(Debug, Default)]
pub struct Queue {
    bytes: Vec<u8>,
    /// Where the first chunk begins in `bytes`.
    begin: usize,
    /// How much of the first chunk is written.
    written: usize,
    chunks: VecDeque<Chunk>,
    /// The latest place of which something has left.
    left: u64,
}

impl Queue {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// What the queue takes up, bytes: frames and what is known about them.
    pub fn cost(&self) -> usize {
        self.bytes.len() - self.begin + self.chunks.len() * size_of::<Chunk>()
    }

    /// Whether the receiver has got a part of a chunk: the rest has to follow.
    pub fn is_begun(&self) -> bool {
        self.written > 0
    }

    /// The latest place, of those given to [`Queue::push`], of which something has left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Puts a run of whole frames at the end, which has this place among all that came.
    pub fn push(&mut self, place: u64, mut label: Label, run: &[u8]) {
        assert!(!run.is_empty(), "only whole frames wait");
        label.kept |= self.chunks.back().is_some_and(|last| last.label.kept);
        self.bytes.extend_from_slice(run);
        match self.chunks.back_mut() {
            Some(last) if last.label == label => (last.length, last.place) = (last.length + run.len(), place),
            _ => self.chunks.push_back(Chunk { label, length: run.len(), place }),
        }
    }

    /// The bytes that are to be written now; some of what is due, if that is much.
    pub fn due(&self, now_ns: u64) -> &[u8] {
        let mut ready = 0;
        for chunk in &self.chunks {
            if ready >= WRITE_MAX || !chunk.label.gate.is_open(now_ns) {
                break;
            }
            ready += chunk.length;
        }
        let end = self.begin + ready.min(self.written + WRITE_MAX);
        &self.bytes[self.begin + self.written.min(ready)..end]
    }

    /// When the first frame is due, ns; `None` if nothing waits or nobody knows.
    pub fn next_due_ns(&self) -> Option<u64> {
        match self.chunks.front()?.label.gate {
            Gate::Open => Some(0),
            Gate::Until(_, due_ns) => Some(due_ns),
            Gate::Lift(_) => None,
        }
    }

    /// So many bytes of [`Queue::due`] are written; `left` is called with every chunk of which nothing is left.
    pub fn advance(&mut self, count: usize, mut left: impl FnMut(&Label, &[u8])) {
        self.written += count;
        while let Some(first) = self.chunks.front().filter(|first| first.length <= self.written) {
            left(&first.label, &self.bytes[self.begin..self.begin + first.length]);
            self.begin += first.length;
            self.written -= first.length;
            self.left = self.left.max(first.place);
            self.chunks.pop_front();
        }
        assert!(!self.is_empty() || self.written == 0, "more was written than waited");
        self.tidy();
    }

    /// Faults have changed: `judge` says of each chunk that a fault keeps what becomes of it.
    pub fn reconsider(&mut self, mut judge: impl FnMut(&Label, &[u8]) -> After) {
        let (mut lost, mut begin): (Vec<Range<usize>>, usize) = (Vec::new(), self.begin);
        self.chunks.retain_mut(|chunk| {
            let place = begin..begin + chunk.length;
            begin = place.end;
            let stays = chunk.obey(|label| judge(label, &self.bytes[place.clone()]));
            match lost.last_mut() {
                _ if stays => {}
                Some(last) if last.end == place.start => last.end = place.end,
                _ => lost.push(place),
            }
            stays
        });
        for place in lost.into_iter().rev() {
            self.bytes.drain(place);
        }
        self.tidy();
    }

    /// The connection has broken. `left` gets the frames that were written before, `lost` all others.
    pub fn abandon(&mut self, mut left: impl FnMut(&Label, &[u8]), mut lost: impl FnMut(&Label, &[u8])) {
        for chunk in self.chunks.drain(..) {
            let run = &self.bytes[self.begin..self.begin + chunk.length];
            let whole = memchr::memrchr(b'\n', &run[..self.written]).map_or(0, |end| end + 1);
            let (sent, unsent) = run.split_at(whole);
            [sent].into_iter().filter(|run| !run.is_empty()).for_each(|run| left(&chunk.label, run));
            [unsent].into_iter().filter(|run| !run.is_empty()).for_each(|run| lost(&chunk.label, run));
            self.begin += chunk.length;
            self.written = 0;
        }
        self.tidy();
    }

    /// Gives back what is not needed. Moving the bytes to the front at most once per buffer length keeps that cheap.
    fn tidy(&mut self) {
        if self.is_empty() {
            (self.begin, self.written) = (0, 0);
            self.bytes.clear();
            self.bytes.shrink_to(IDLE_MAX);
        } else if self.begin > self.bytes.len() / 2 {
            self.bytes.drain(..self.begin);
            self.begin = 0;
        }
    }
}

impl Gate {
    fn is_open(self, now_ns: u64) -> bool {
        match self {
            Gate::Open => true,
            Gate::Until(_, due_ns) => due_ns <= now_ns,
            Gate::Lift(_) => false,
        }
    }
}

impl Chunk {
    /// Does what `judge` says; gives whether the chunk stays in the queue.
    fn obey(&mut self, judge: impl FnOnce(&Label) -> After) -> bool {
        if self.label.gate == Gate::Open {
            return true;
        }
        match judge(&self.label) {
            After::Stay => {}
            After::Go => self.label.gate = Gate::Open,
            After::Held(fault) => (self.label.gate, self.label.fault) = (Gate::Lift(fault), Some(fault)),
            After::Lost => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{After, Gate, Label, Queue};
    use crate::proxy::trace::What;

    fn label(in_ns: u64, gate: Gate) -> Label {
        Label { in_ns, gate, what: What::Passed, fault: None, kept: gate != Gate::Open }
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn delay_is_pipelined_what_came_within_one_delay_is_all_due_one_delay_later() {
        let mut queue = Queue::default();
        for n in 0..100_u64 {
            queue.push(0, label(n, Gate::Until(1, n + 1_000)), b"frame\n");
        }
        assert_eq!(queue.due(999), b"");
        assert_eq!(queue.next_due_ns(), Some(1_000));
        assert_eq!(queue.due(1_049).len(), 50 * 6);
        assert_eq!(queue.due(1_099).len(), 100 * 6);
    }

    #[test]
    fn a_link_keeps_its_order_so_a_frame_waits_for_those_in_front_of_it() {
        let mut queue = Queue::default();
        queue.push(0, label(0, Gate::Until(1, 1_000)), b"a\n");
        queue.push(0, label(1, Gate::Open), b"b\n");
        assert_eq!(queue.due(999), b"");
        assert_eq!(text(queue.due(1_000)), "a\nb\n");
        let mut kept = Vec::new();
        queue.advance(4, |label, _| kept.push(label.kept));
        assert_eq!(kept, [true, true]);
        assert_eq!((queue.is_empty(), queue.cost()), (true, 0));
    }

    #[test]
    fn what_a_lifted_fault_held_goes_on_in_order_or_is_held_or_taken_by_another() {
        let mut queue = Queue::default();
        for (fault, frame) in [(1, b"a\n"), (2, b"b\n"), (1, b"c\n"), (3, b"d\n"), (1, b"e\n")] {
            queue.push(0, label(0, Gate::Lift(fault)), frame);
        }
        queue.reconsider(|label, _| match label.gate {
            Gate::Lift(1) => After::Go,
            Gate::Lift(2) => After::Lost,
            _ => After::Stay,
        });
        assert_eq!(text(queue.due(0)), "a\nc\n");
        queue.reconsider(|_, run| if run == b"d\n" { After::Held(9) } else { After::Go });
        assert_eq!(text(queue.due(u64::MAX)), "a\nc\n");
        queue.reconsider(|label, _| if label.gate == Gate::Lift(9) { After::Go } else { After::Stay });
        assert_eq!(text(queue.due(0)), "a\nc\nd\ne\n");
    }

    #[test]
    fn when_a_connection_breaks_only_whole_written_frames_count_as_sent() {
        let (mut queue, mut sent, mut lost) = (Queue::default(), Vec::new(), Vec::new());
        queue.push(0, label(0, Gate::Open), b"first\nsecond\nthird\n");
        queue.push(0, label(1, Gate::Open), b"fourth\n");
        queue.advance(9, |_, _| panic!("no chunk is whole"));
        queue.abandon(|_, run| sent.extend_from_slice(run), |_, run| lost.extend_from_slice(run));
        assert_eq!((text(&sent), text(&lost)), ("first\n", "second\nthird\nfourth\n"));
        assert!(queue.is_empty());
    }

    proptest! {
        #[test]
        fn every_byte_comes_out_once_and_in_order_whatever_the_writes(
            frames in proptest::collection::vec((0_usize..2_000, 0_u64..4), 1..200),
            writes in proptest::collection::vec(1_usize..3_000, 1..20),
        ) {
            let (mut queue, mut expected, mut seen, mut left) = (Queue::default(), vec![], vec![], vec![]);
            let mut writes = writes.iter().cycle();
            for (length, in_ns) in frames {
                let frame = [vec![b'a' + (length % 26) as u8; length], vec![b'\n']].concat();
                queue.push(0, label(in_ns, Gate::Open), &frame);
                expected.extend_from_slice(&frame);
                let due = queue.due(0);
                let count = due.len().min(*writes.next().unwrap());
                seen.extend_from_slice(&due[..count]);
                queue.advance(count, |_, run| left.extend_from_slice(run));
            }
            while !queue.is_empty() {
                let due = queue.due(0).to_vec();
                seen.extend_from_slice(&due);
                queue.advance(due.len(), |_, run| left.extend_from_slice(run));
            }
            prop_assert_eq!(&seen, &expected);
            prop_assert_eq!(&left, &expected);
        }
    }
}
