//! The bell: how control reaches a connection without waiting for it.
//!
//! Control changes the state of a link and rings; the connection's task looks at the state when it runs next. What must not be
//! overlooked even if more changes follow, that the connection is to break, the bell itself keeps.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

/// Why a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This fault resets connections.
    Fault(u32),
    /// This fault has closed the connection to the receiver, and the sender is not to know.
    HalfOpen(u32),
    /// The receiver is down, refuses connections, or has closed its end.
    Down,
    /// The sender wrote a line that is too long.
    Oversized,
}

/// A connection's bell.
#[derive(Debug, Default)]
pub struct Bell {
    waker: RefCell<Option<Waker>>,
    rung: Cell<bool>,
    doom: Cell<Option<Cause>>,
    adrift: Cell<Option<u32>>,
    /// The bell of the other direction, where one connection carries both: neither goes on without the other.
    other: RefCell<Weak<Bell>>,
}

impl Bell {
    /// Something has changed.
    pub fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// The connection is to break; the first cause stands.
    pub fn doom(&self, cause: Cause) {
        self.doom.set(self.doom.get().or(Some(cause)));
        self.ring();
        let other = std::mem::take(&mut *self.other.borrow_mut());
        if let Some(other) = other.upgrade() {
            other.doom(Cause::Down);
        }
    }

    /// These two are the directions of one connection.
    pub fn pair(self: &Rc<Self>, other: &Rc<Self>) {
        *self.other.borrow_mut() = Rc::downgrade(other);
        *other.other.borrow_mut() = Rc::downgrade(self);
    }

    /// The other direction of the connection breaks.
    pub fn doom_other(&self) {
        let other = self.other.borrow().upgrade();
        other.into_iter().for_each(|other| other.doom(Cause::Down));
    }

    /// This fault leaves the connection half open; the first one does.
    pub fn set_adrift(&self, fault: u32) {
        self.adrift.set(self.adrift.get().or(Some(fault)));
        self.ring();
    }

    /// The fault that has left it half open, if one has.
    pub fn adrift(&self) -> Option<u32> {
        self.adrift.get()
    }

    /// Has the current task woken by the next ring.
    pub fn listen(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    /// Whether it has rung since it was last asked.
    pub fn has_rung(&self) -> bool {
        self.rung.replace(false)
    }

    /// Why the connection is to break, if so.
    pub fn doom_cause(&self) -> Option<Cause> {
        self.doom.get()
    }

    /// Why the connection can't go on to the receiver, if so.
    pub fn cause(&self) -> Option<Cause> {
        self.doom.get().or(self.adrift.get().map(Cause::HalfOpen))
    }

    /// Waits until the connection can't go on to the receiver.
    pub async fn doomed(&self) -> Cause {
        poll_fn(|cx| {
            self.listen(cx);
            self.cause().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
