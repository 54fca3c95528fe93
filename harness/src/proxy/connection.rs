//! A connection: one task that moves frames from a sender's connection to one of its own to the receiver.
//!
//! The task is one hand-written future. Whatever wakes it (bytes, room, a timer, the bell), it writes what is due, reads what
//! has come, and goes to sleep. Everything about a batch happens between its read and its write, so a frame costs no task, no
//! channel and no system call of its own. A sender may open several connections; each has its own queue and its own order.
//!
//! Where nodes speak HTTP, a connection carries requests one way and responses the other, each way under the faults of its own
//! link. These are two connections in the sense of this file, on the same two sockets, and neither outlives a break of the other.

use std::future::poll_fn;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Sleep};

use super::adrift::drift;
use super::bell::{Bell, Cause};
use super::inlet::Inlet;
use super::link::Link;
use super::outlet::Outlet;

/// How many reads a connection may make before others get their turn.
const TURN_READS: usize = 16;
/// The pause before the next try where accepting fails: for want of descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);

/// Accepts connections of a link for as long as the run lasts. Ending this task ends them.
pub async fn accept(link: Rc<Link>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // The turn has its own limit; tokio's would look like a receiver that does not read.
                    connections.spawn_local(tokio::task::unconstrained(carry(Rc::clone(&link), stream)));
                }
                Err(_) => {
                    link.count(|tally| tally.accept_errors += 1);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => {
                if ended.is_err_and(|error: JoinError| error.is_panic()) {
                    link.network.panicked.set(true);
                }
            }
        }
    }
}

/// Carries frames from one accepted connection until it ends.
async fn carry(link: Rc<Link>, stream: TcpStream) {
    link.count(|tally| tally.connections += 1);
    let place = Place { bell: link.enter(), link };
    let dialled = tokio::select! {
        biased;
        cause = place.bell.doomed() => Err(cause),
        // A refused connection is mirrored as a reset.
        dialled = place.link.target.dial() => dialled.map_err(|_| Cause::Down),
    };
    let framing = place.link.network.framing;
    match (dialled, place.link.back.get().and_then(Weak::upgrade)) {
        (Err(cause), _) => end(place, Inlet::new(stream, framing), cause).await,
        (Ok(dialled), None) => {
            Connection::new(place, Inlet::new(stream, framing), Outlet::new(dialled)).run().await;
        }
        (Ok(dialled), Some(back)) => match (twin(&stream), twin(&dialled)) {
            (Ok(returning), Ok(answering)) => {
                let back = Place { bell: back.enter(), link: back };
                place.bell.pair(&back.bell);
                let forth = Connection::new(place, Inlet::new(stream, framing), Outlet::one_way(dialled));
                let back = Connection::new(back, Inlet::new(answering, framing), Outlet::one_way(returning));
                tokio::join!(forth.run(), back.run());
            }
            // Out of descriptors.
            _ => end(place, Inlet::new(stream, framing), Cause::Down).await,
        },
    }
}

/// A second handle of a socket, for the direction back.
fn twin(stream: &TcpStream) -> std::io::Result<TcpStream> {
    let twin = std::net::TcpStream::from(stream.as_fd().try_clone_to_owned()?);
    TcpStream::from_std(twin)
}

/// What becomes of a sender's connection that does not go on to the receiver.
async fn end(place: Place, mut inlet: Inlet, cause: Cause) {
    let cause = match cause {
        Cause::HalfOpen(_) => drift(&place, &mut inlet).await,
        cause => Some(cause),
    };
    if let Some(cause) = cause {
        inlet.reset(&place.link, cause);
    }
    place.link.call_watchers();
}

/// A connection's place on its link, given up when it ends, however that comes about.
pub(super) struct Place {
    pub link: Rc<Link>,
    pub bell: Rc<Bell>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.link.leave(&self.bell);
    }
}

struct Connection {
    place: Place,
    inlet: Inlet,
    outlet: Outlet,
    timer: Timer,
    /// Whether the sender is left to wait.
    is_pressed: bool,
}

impl Connection {
    fn new(place: Place, inlet: Inlet, outlet: Outlet) -> Self {
        Self { place, inlet, outlet, timer: Timer::default(), is_pressed: false }
    }

    async fn run(mut self) {
        let ended = poll_fn(|cx| {
            let polled = self.turn(cx);
            self.place.link.call_watchers();
            polled
        });
        if let Err(cause) = ended.await {
            self.place.bell.doom_other();
            // What waits had come before what has not been read yet.
            self.outlet.reset(&self.place.link, cause);
            end(self.place, self.inlet, cause).await;
        }
    }

    /// Does everything that can be done now.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.place.bell.listen(cx);
        self.heed()?;
        self.outlet.flush(cx, &self.place.link)?;
        let mut reads = 0;
        while self.may_read() && self.read(cx)?.is_ready() {
            self.outlet.flush(cx, &self.place.link)?;
            reads += 1;
            if reads == TURN_READS {
                cx.waker().wake_by_ref();
                break;
            }
        }
        self.poll_ends(cx)?;
        self.timer.set(cx, &self.place.link, self.outlet.next_due_ns());
        if self.outlet.is_over() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Does what control wants.
    fn heed(&mut self) -> Result<(), Cause> {
        if !self.place.bell.has_rung() {
            return Ok(());
        }
        self.outlet.reconsider(&self.place.link);
        self.place.bell.cause().map_or(Ok(()), Err)
    }

    /// Whether to read on. What is lost anyway takes no room, so a full queue does not protect frames from a partition.
    fn may_read(&mut self) -> bool {
        let link = &self.place.link;
        let may = self.outlet.has_room(link) || link.loses_all();
        if !may && !self.is_pressed {
            link.count(|tally| tally.back_pressure += 1);
        }
        self.is_pressed = !may;
        may && !self.inlet.has_ended()
    }

    /// Reads once; pending if nothing has come.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        let (link, outlet) = (&*self.place.link, &mut self.outlet);
        let mut scratch = link.network.scratch.borrow_mut();
        let count = ready!(self.inlet.poll_read(cx, link, &mut scratch));
        let mut taken = Ok(());
        let fed = self.inlet.feed(link, &scratch[..count], |run, in_ns| {
            taken = taken.and(outlet.take(cx, link, (run, in_ns)));
        });
        Poll::Ready(taken.and(fed))
    }

    /// Mirrors the ends of both sides, each in its direction.
    fn poll_ends(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        if self.inlet.has_ended() {
            self.outlet.shut_when_empty(cx);
        }
        if !self.outlet.has_ended()
            && let Poll::Ready(ended) = self.outlet.poll_end(cx, &self.place.link)
        {
            ended?;
            self.inlet.close_backward(cx);
        }
        Ok(())
    }
}

/// The one timer of a connection: for the first frame of its queue.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    due_ns: u64,
}

impl Timer {
    /// Has the task woken at this moment, ns; `None` for not at all.
    fn set(&mut self, cx: &mut Context<'_>, link: &Link, due_ns: Option<u64>) {
        let Some(due_ns) = due_ns else { return };
        let at: Instant = link.network.clock.at_ns(due_ns);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if self.due_ns != due_ns {
            sleep.as_mut().reset(at);
            self.due_ns = due_ns;
        }
        if sleep.as_mut().poll(cx).is_ready() {
            // Due since the queue was flushed: once more.
            cx.waker().wake_by_ref();
        }
    }
}
