//! The outlet: the receiver's side of a connection, and what waits in front of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use super::bell::Cause;
use super::buffer::Buffer;
use super::link::Link;
use super::queue::Label;

/// What may wait for a receiver that does not read, bytes. Less than what a fault may keep: a slow receiver is to slow down its
/// sender, as without a proxy.
const STALLED_MAX: usize = 256 << 10;

/// The receiver's side.
#[derive(Debug)]
pub struct Outlet {
    stream: TcpStream,
    buffer: Buffer,
    /// Whether the receiver does not read what it is to get now.
    is_stalled: bool,
    is_shut: bool,
    has_ended: bool,
}

/// What a series of writes has come to.
struct Written {
    bytes: usize,
    end: Poll<Result<(), Cause>>,
}

impl Outlet {
    /// The outlet of a new connection.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Buffer::default(), is_stalled: false, is_shut: false, has_ended: false }
    }

    /// The outlet of one direction of a connection: what comes back, and its end, is for the other direction to read.
    pub fn one_way(stream: TcpStream) -> Self {
        Self { has_ended: true, ..Self::new(stream) }
    }

    /// Takes whole frames from the sender, which go on or wait.
    pub fn take(&mut self, cx: &mut Context<'_>, link: &Link, (run, in_ns): (&[u8], u64)) -> Result<(), Cause> {
        if self.buffer.is_empty() && link.is_clear() {
            self.send_at_once(cx, link, (run, in_ns))
        } else {
            link.admit(run, in_ns, &mut self.buffer)
        }
    }

    /// Writes what is due, as far as the receiver reads.
    pub fn flush(&mut self, cx: &mut Context<'_>, link: &Link) -> Result<(), Cause> {
        while !self.buffer.is_empty() {
            let due = self.buffer.due(link.network.clock.now_ns());
            if due.is_empty() {
                self.is_stalled = false;
                return Ok(());
            }
            let written = write(&mut self.stream, cx, due);
            let when = (link.network.clock.now_ns(), self.is_stalled);
            let overtaken = self.buffer.advance(written.bytes, |label, run| link.left(label, run, when));
            if !overtaken.is_empty() {
                link.overtaken(&overtaken);
            }
            match written.end {
                Poll::Ready(outcome) => outcome?,
                Poll::Pending => {
                    self.is_stalled = true;
                    return Ok(());
                }
            }
        }
        self.is_stalled = false;
        Ok(())
    }

    /// Whether there is room for more frames.
    pub fn has_room(&self, link: &Link) -> bool {
        let max = if self.is_stalled { STALLED_MAX } else { link.network.queue_max };
        self.buffer.cost() < max
    }

    /// When to flush again although nothing else happens, ns: the first frame is due then.
    pub fn next_due_ns(&self) -> Option<u64> {
        if self.is_stalled { None } else { self.buffer.next_due_ns() }
    }

    /// Lets go what is kept by faults that are lifted.
    pub fn reconsider(&mut self, link: &Link) {
        link.reconsider(&mut self.buffer);
    }

    /// The sender has closed its side: so does the proxy, once everything has left.
    pub fn shut_when_empty(&mut self, cx: &mut Context<'_>) {
        if self.buffer.is_empty() && !self.is_shut {
            // Shutting down a socket never blocks, and one that is gone has been noticed elsewhere.
            let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
            self.is_shut = true;
        }
    }

    /// Waits for the receiver's end; what it says on this connection is thrown away.
    pub fn poll_end(&mut self, cx: &mut Context<'_>, link: &Link) -> Poll<Result<(), Cause>> {
        let mut thrown_away = [0; 512];
        loop {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Cause::Down)),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                    self.has_ended = true;
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(())) => link.count(|tally| tally.backward_bytes += buffer.filled().len() as u64),
            }
        }
    }

    /// Whether the receiver has closed its side.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether both sides are closed.
    pub fn is_over(&self) -> bool {
        self.is_shut && self.has_ended
    }

    /// The connection breaks: what waits is lost, and the receiver sees a reset; or an end, where only the sender is not to know.
    pub fn reset(mut self, link: &Link, cause: Cause) {
        let when = (link.network.clock.now_ns(), self.is_stalled);
        let left = |label: &Label, run: &[u8]| link.left(label, run, when);
        self.buffer.abandon(left, |label, run| link.lose(run, label.in_ns, cause));
        if !matches!(cause, Cause::HalfOpen(_)) {
            // An error means that the connection is gone already.
            let _ = self.stream.set_zero_linger();
        }
    }

    /// What nothing keeps is written from where it was read to; only what the receiver does not take is copied.
    fn send_at_once(&mut self, cx: &mut Context<'_>, link: &Link, (run, in_ns): (&[u8], u64)) -> Result<(), Cause> {
        let written = write(&mut self.stream, cx, run);
        if written.bytes == run.len() {
            link.left(&Label::passing(in_ns), run, (link.network.clock.now_ns(), false));
            return Ok(());
        }
        self.is_stalled = true;
        self.buffer.push(Label::passing(in_ns), run);
        self.buffer.advance(written.bytes, |_, _| unreachable!("the run has not left as a whole"));
        match written.end {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Ok(()),
        }
    }
}

/// Writes until everything is written or the receiver takes no more.
fn write(stream: &mut TcpStream, cx: &mut Context<'_>, bytes: &[u8]) -> Written {
    let mut written = 0;
    while written < bytes.len() {
        match Pin::new(&mut *stream).poll_write(cx, &bytes[written..]) {
            Poll::Pending => return Written { bytes: written, end: Poll::Pending },
            Poll::Ready(Ok(0) | Err(_)) => return Written { bytes: written, end: Poll::Ready(Err(Cause::Down)) },
            Poll::Ready(Ok(count)) => written += count,
        }
    }
    Written { bytes: written, end: Poll::Ready(Ok(())) }
}
