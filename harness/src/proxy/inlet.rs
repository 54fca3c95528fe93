//! The inlet: the sender's side of a connection.

use std::os::fd::AsRawFd as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use nix::sys::socket::{MsgFlags, recv};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use super::bell::Cause;
use super::frames::{Oversized, Splitter};
use super::framing::Framing;
use super::link::Link;

/// What one read takes at most, bytes.
pub const READ_MAX: usize = 64 << 10;
/// How many reads are made of a connection that breaks. A sender that writes faster than that is not waited for.
const LAST_READS: usize = 256;

/// The sender's side.
#[derive(Debug)]
pub struct Inlet {
    stream: TcpStream,
    splitter: Splitter,
    has_ended: bool,
}

impl Inlet {
    /// The inlet of a connection that was just accepted.
    pub fn new(stream: TcpStream, framing: Framing) -> Self {
        // Without it frames still arrive, only later; nothing is written to the sender anyway.
        let _ = stream.set_nodelay(true);
        Self { stream, splitter: Splitter::new(framing), has_ended: false }
    }

    /// Whether the sender has closed its side, or is gone.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Reads once; gives how many bytes, 0 at the end.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, link: &Link, scratch: &mut [u8]) -> Poll<usize> {
        let mut buffer = ReadBuf::new(scratch);
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
        // A sender that broke off has ended as well: what it had sent is on its way.
        let count = if read.is_ok() { buffer.filled().len() } else { 0 };
        if count == 0 {
            self.end(link);
        }
        Poll::Ready(count)
    }

    /// Takes the next bytes, and calls `each` with every run of whole frames and the moment of the read.
    pub fn feed(&mut self, link: &Link, bytes: &[u8], mut each: impl FnMut(&[u8], u64)) -> Result<(), Cause> {
        let in_ns = link.network.clock.now_ns();
        let fed = self.splitter.feed(bytes, |run| {
            link.arrived(run);
            each(run, in_ns);
        });
        fed.map_err(|Oversized| {
            link.count(|tally| tally.oversized += 1);
            Cause::Oversized
        })
    }

    /// The receiver has closed its side: the sender is to see the same.
    pub fn close_backward(&mut self, cx: &mut Context<'_>) {
        // Shutting down a socket never blocks, and one that is gone has been noticed elsewhere.
        let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
    }

    /// The connection breaks: what the sender has written by now is lost, and it sees a reset.
    pub fn reset(mut self, link: &Link, cause: Cause) {
        if cause != Cause::Oversized {
            self.lose_the_rest(link, cause);
        }
        link.count(|tally| {
            tally.resets += 1;
            tally.torn += u64::from(self.splitter.is_inside_a_frame() && cause != Cause::Oversized);
        });
        // An error means that the connection is gone already.
        let _ = self.stream.set_zero_linger();
    }

    /// Reads what has arrived from the kernel itself: tokio's idea of readiness may be older than the bytes.
    fn lose_the_rest(&mut self, link: &Link, cause: Cause) {
        let mut scratch = link.network.scratch.borrow_mut();
        for _ in 0..LAST_READS {
            let count = match recv(self.stream.as_raw_fd(), &mut scratch, MsgFlags::MSG_DONTWAIT) {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            let lost = |run: &[u8], in_ns| link.lose(run, in_ns, cause);
            if self.feed(link, &scratch[..count], lost).is_err() {
                return;
            }
        }
    }

    fn end(&mut self, link: &Link) {
        self.has_ended = true;
        if self.splitter.is_inside_a_frame() {
            link.count(|tally| tally.torn += 1);
        }
        self.splitter = Splitter::new(link.network.framing);
    }
}
