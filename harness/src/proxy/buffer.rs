//! The buffer of a connection: what waits for its receiver, in its order, and what was set aside out of that order.
//!
//! A frame that a fault sets aside leaves the order: it waits for its own time and for nothing else, and what comes later goes on
//! past it. It counts as overtaken once something that came after it has left; only that is evidence of a reordering.

use std::collections::BTreeMap;

use super::queue::{After, Gate, Label, Queue};

/// What waits on one connection.
#[derive(Debug, Default)]
pub struct Buffer {
    order: Queue,
    /// By when they are due, ns, and by their places among all that came.
    aside: BTreeMap<(u64, u64), Aside>,
    /// The faults that set them aside, by the places of those that nothing has overtaken yet.
    not_overtaken: BTreeMap<u64, u32>,
    /// What the frames in `aside` take up, bytes.
    aside_bytes: usize,
    /// How many runs came so far, in order or set aside.
    places: u64,
    /// Frames that were set aside and are due.
    leaving: Queue,
    /// For each frame that was overtaken and not told of yet, the fault that had set it aside.
    overtaken: Vec<u32>,
}

/// A frame that was set aside.
#[derive(Debug)]
struct Aside {
    label: Label,
    frame: Box<[u8]>,
}

impl Buffer {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty() && self.leaving.is_empty() && self.aside.is_empty()
    }

    /// What the buffer takes up, bytes: frames and what is known about them.
    pub fn cost(&self) -> usize {
        self.order.cost() + self.leaving.cost() + self.aside_bytes + self.aside.len() * size_of::<Aside>()
    }

    /// Puts a run of whole frames at the end.
    pub fn push(&mut self, label: Label, run: &[u8]) {
        self.places += 1;
        self.order.push(self.places, label, run);
    }

    /// Sets a frame aside until it is due, ns.
    pub fn set_aside(&mut self, (fault, due_ns): (u32, u64), label: Label, frame: &[u8]) {
        let aside = Aside { label, frame: frame.into() };
        self.aside_bytes += frame.len();
        self.places += 1;
        self.aside.insert((due_ns, self.places), aside);
        self.not_overtaken.insert(self.places, fault);
    }

    /// The bytes that are to be written now; some of what is due, if that is much.
    pub fn due(&mut self, now_ns: u64) -> &[u8] {
        // A frame that is begun is ended first; until then what was set aside may still be overtaken.
        let until_ns = if self.order.is_begun() { None } else { Some(now_ns) };
        while let Some(first) = self.aside.first_entry().filter(|first| Some(first.key().0) <= until_ns) {
            let place = first.key().1;
            let Aside { label, frame } = first.remove();
            self.not_overtaken.remove(&place);
            self.aside_bytes -= frame.len();
            self.leaving.push(place, Label { gate: Gate::Open, ..label }, &frame);
            self.pass(place);
        }
        self.turn().due(now_ns)
    }

    /// When something is due, ns; `None` if nothing waits or nobody knows.
    pub fn next_due_ns(&self) -> Option<u64> {
        let aside = self.aside.keys().next().map(|(due_ns, _)| *due_ns);
        let in_order = [self.order.next_due_ns(), self.leaving.next_due_ns()];
        in_order.into_iter().chain([aside]).flatten().min()
    }

    /// So many bytes of [`Buffer::due`] are written; `left` is called with all of which nothing is left. Gives for each frame
    /// that was overtaken by this the fault that had set it aside.
    pub fn advance(&mut self, count: usize, left: impl FnMut(&Label, &[u8])) -> Vec<u32> {
        self.turn().advance(count, left);
        self.pass(self.order.left());
        std::mem::take(&mut self.overtaken)
    }

    /// Faults have changed: `judge` says of all that a fault keeps what becomes of it. What was set aside can only go on.
    pub fn reconsider(&mut self, mut judge: impl FnMut(&Label, &[u8]) -> After) {
        self.order.reconsider(&mut judge);
        let waiting = std::mem::take(&mut self.aside);
        for ((due_ns, place), aside) in waiting {
            let due_ns = if judge(&aside.label, &aside.frame) == After::Go { 0 } else { due_ns };
            self.aside.insert((due_ns, place), aside);
        }
    }

    /// The connection has broken. `left` gets the frames that were written before, `lost` all others.
    pub fn abandon(&mut self, mut left: impl FnMut(&Label, &[u8]), mut lost: impl FnMut(&Label, &[u8])) {
        self.leaving.abandon(&mut left, &mut lost);
        self.order.abandon(&mut left, &mut lost);
        self.aside_bytes = 0;
        self.not_overtaken.clear();
        std::mem::take(&mut self.aside).into_values().for_each(|aside| lost(&aside.label, &aside.frame));
    }

    /// What came at this place goes on before all that is still set aside.
    fn pass(&mut self, passing: u64) {
        while let Some(first) = self.not_overtaken.first_entry().filter(|first| *first.key() < passing) {
            self.overtaken.push(first.remove());
        }
    }

    /// Whose turn it is to be written.
    fn turn(&mut self) -> &mut Queue {
        if self.leaving.is_empty() { &mut self.order } else { &mut self.leaving }
    }
}

#[cfg(test)]
mod tests {
    use super::Buffer;
    use crate::proxy::queue::{After, Gate, Label};
    use crate::proxy::trace::What;

    fn passing(in_ns: u64) -> Label {
        Label::passing(in_ns)
    }

    fn kept(fault: u32, due_ns: u64) -> Label {
        Label { gate: Gate::Until(fault, due_ns), what: What::Delayed, fault: Some(fault), kept: true, ..passing(0) }
    }

    /// Writes all that is due at this time, `most` bytes at a time: the bytes, and the faults whose frames were overtaken.
    fn written(buffer: &mut Buffer, now_ns: u64, most: usize) -> (String, Vec<u32>) {
        let (mut bytes, mut overtaken) = (Vec::new(), Vec::new());
        loop {
            let due = buffer.due(now_ns);
            let count = due.len().min(most);
            if count == 0 {
                return (String::from_utf8(bytes).unwrap(), overtaken);
            }
            bytes.extend_from_slice(&due[..count]);
            overtaken.extend(buffer.advance(count, |_, _| {}));
        }
    }

    #[test]
    fn what_comes_later_overtakes_a_frame_that_is_set_aside_whatever_the_writes() {
        for most in 1..10 {
            let mut buffer = Buffer::default();
            buffer.push(passing(0), b"a\n");
            buffer.set_aside((7, 100), kept(7, 100), b"b\n");
            buffer.push(passing(0), b"c\nd\n");
            assert_eq!(written(&mut buffer, 99, most), ("a\nc\nd\n".to_owned(), vec![7]), "{most}");
            assert_eq!(buffer.next_due_ns(), Some(100));
            assert_eq!(written(&mut buffer, 100, most), ("b\n".to_owned(), vec![]), "{most}");
            assert_eq!((buffer.is_empty(), buffer.cost()), (true, 0));
        }
    }

    #[test]
    fn a_frame_set_aside_behind_which_nothing_leaves_was_not_overtaken() {
        let mut buffer = Buffer::default();
        buffer.push(passing(0), b"a\n");
        buffer.set_aside((7, 100), kept(7, 100), b"b\n");
        assert_eq!(written(&mut buffer, 200, 100), ("b\na\n".to_owned(), vec![]));
    }

    #[test]
    fn frames_set_aside_leave_when_they_are_due_even_if_what_is_in_order_has_to_wait() {
        let mut buffer = Buffer::default();
        buffer.push(kept(1, 500), b"a\n");
        buffer.set_aside((7, 300), kept(7, 300), b"late\n");
        buffer.set_aside((7, 200), kept(7, 200), b"early\n");
        assert_eq!(written(&mut buffer, 300, 100).0, "early\nlate\n");
        assert_eq!(written(&mut buffer, 500, 100).0, "a\n");
    }

    #[test]
    fn a_frame_that_is_begun_is_ended_before_one_that_was_set_aside() {
        let mut buffer = Buffer::default();
        buffer.push(passing(0), b"long\n");
        buffer.set_aside((7, 10), kept(7, 10), b"aside\n");
        buffer.due(0);
        buffer.advance(2, |_, _| {});
        assert_eq!(written(&mut buffer, 10, 100).0, "ng\naside\n");
    }

    #[test]
    fn when_its_fault_is_lifted_a_frame_set_aside_goes_on_and_with_its_connection_it_is_lost() {
        let mut buffer = Buffer::default();
        buffer.set_aside((7, 1_000), kept(7, 1_000), b"a\n");
        buffer.reconsider(|_, _| After::Stay);
        assert_eq!(written(&mut buffer, 10, 100).0, "");
        buffer.reconsider(|_, _| After::Go);
        assert_eq!(written(&mut buffer, 10, 100).0, "a\n");
        buffer.set_aside((7, 1_000), kept(7, 1_000), b"b\n");
        let mut lost = Vec::new();
        buffer.abandon(|_, _| panic!("nothing was written"), |_, frame| lost.extend_from_slice(frame));
        assert_eq!((lost.as_slice(), buffer.is_empty(), buffer.cost()), (b"b\n".as_slice(), true, 0));
    }
}
