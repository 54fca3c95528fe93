//! The carriers: the tasks that move a link's bytes.
//!
//! One task accepts the sender's connections, one task for each of them reads, and one task writes to the receiver. Readers
//! hand whole frames to the link, which mostly writes them on at once; the writer does what could not be done at once.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::frames::Assembler;
use super::link::Link;

/// A longer frame ends its connection.
const FRAME_MAX: usize = 16 << 20;
/// The pause after a receiver could not be reached.
const REDIAL: Duration = Duration::from_millis(5);

/// One buffer for all readers: it is filled and emptied without a pause in between.
pub type Scratch = Rc<RefCell<Vec<u8>>>;

/// A buffer of the size in which the proxy reads.
pub fn scratch() -> Scratch {
    Rc::new(RefCell::new(vec![0; 64 << 10]))
}

/// Accepts the sender's connections for as long as the run lasts.
pub async fn accept(listener: TcpListener, link: Rc<Link>, scratch: Scratch) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: what is open goes on, and the sender dials again.
            tokio::time::sleep(REDIAL).await;
            continue;
        };
        if let Some(fault) = link.refuses() {
            link.bite(fault, 1);
            reset_on_close(&stream);
            continue;
        }
        // Small frames are not to wait for each other; a socket that refuses this works all the same.
        let _ = stream.set_nodelay(true);
        tokio::task::spawn_local(read(stream, Rc::clone(&link), Rc::clone(&scratch)));
    }
}

/// Makes the end of a connection a reset (RST), not an orderly end.
pub fn reset_on_close(stream: &TcpStream) {
    // A socket that is gone already needs no reset.
    let _ = stream.set_zero_linger();
}

/// Reads one connection of the sender until it ends or is to be reset.
async fn read(stream: TcpStream, link: Rc<Link>, scratch: Scratch) {
    link.readers.set(link.readers.get() + 1);
    if carry(&stream_cell(stream), &link, &scratch).await == End::Reset {
        link.changed.notify_one();
    }
    link.readers.set(link.readers.get() - 1);
    link.changed.notify_one();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Orderly,
    Reset,
}

fn stream_cell(stream: TcpStream) -> RefCell<TcpStream> {
    RefCell::new(stream)
}

async fn carry(stream: &RefCell<TcpStream>, link: &Rc<Link>, scratch: &Scratch) -> End {
    let (mut assembler, epoch) = (Assembler::default(), link.epoch.get());
    loop {
        while link.is_full() && link.epoch.get() == epoch {
            link.pressed();
            tokio::select! {
                () = link.space.notified() => {}
                () = link.broken.notified() => {}
            }
        }
        if link.epoch.get() != epoch || assembler.waiting() > FRAME_MAX {
            reset_on_close(&stream.borrow());
            return End::Reset;
        }
        let taken = tokio::select! {
            biased;
            () = link.broken.notified() => continue,
            taken = fill(stream, scratch) => taken,
        };
        match taken {
            Ok(0) | Err(_) => return End::Orderly,
            Ok(count) => assembler.take(&scratch.borrow()[..count], |lines| link.arrive(lines)),
        }
    }
}

/// Reads into the shared buffer. Nothing else runs between the end of this and the caller's use of the buffer.
async fn fill(stream: &RefCell<TcpStream>, scratch: &Scratch) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut buffer = scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut buffer);
        match Pin::new(&mut *stream.borrow_mut()).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(buffer.filled().len())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Keeps the connection to the receiver and writes what is due, for as long as the run lasts.
pub async fn write(link: Rc<Link>) {
    loop {
        let Some(target) = link.target.get().filter(|_| link.readers.get() > 0 || !link.is_empty()) else {
            link.changed.notified().await;
            continue;
        };
        match TcpStream::connect(target).await {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                let (stream, epoch) = (Rc::new(stream), link.epoch.get());
                link.out.replace(Some(Rc::clone(&stream)));
                if !write_on(&stream, &link, epoch).await {
                    // The receiver's end broke: the sender is to see the same.
                    link.reset();
                }
                link.out.replace(None);
                link.torn();
            }
            // A refused connection is mirrored as a reset.
            Err(_) => link.reset(),
        }
        tokio::time::sleep(REDIAL).await;
    }
}

/// Writes on one connection; `false` when the receiver's end broke, `true` when it is not wanted any more.
async fn write_on(stream: &TcpStream, link: &Link, epoch: u64) -> bool {
    loop {
        if link.write_due(stream).is_err() {
            return false;
        }
        if link.epoch.get() != epoch {
            return true;
        }
        if link.readers.get() == 0 && link.is_empty() {
            // The sender has closed its side and everything has left: an orderly end.
            return true;
        }
        let now = link.clock.now_ns();
        let due = link.next_due();
        tokio::select! {
            () = link.changed.notified() => {}
            ready = stream.writable(), if due.is_some_and(|due| due <= now) => {
                if ready.is_err() {
                    return false;
                }
            }
            () = tokio::time::sleep_until(link.clock.at_ns(due.unwrap_or(now))), if due.is_some_and(|due| due > now) => {}
            ended = closed(stream) => {
                if ended {
                    return false;
                }
            }
        }
    }
}

/// Waits until the receiver closes its end; what it says on this connection is thrown away.
async fn closed(stream: &TcpStream) -> bool {
    if stream.readable().await.is_err() {
        return true;
    }
    let mut thrown_away = [0; 1024];
    match stream.try_read(&mut thrown_away) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}
