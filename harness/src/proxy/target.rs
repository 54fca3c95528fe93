//! The target: where a node listens, as far as the proxy knows.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Where a node listens.
#[derive(Debug, Default)]
pub struct Target {
    place: Cell<Place>,
    changed: Notify,
}

/// What is known about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The node has not said yet.
    #[default]
    Unknown,
    /// There.
    At(SocketAddr),
    /// Nowhere: it has crashed.
    Down,
}

impl Target {
    /// Something has become known.
    pub fn set(&self, place: Place) {
        self.place.set(place);
        self.changed.notify_waiters();
    }

    /// A connection to the node, as soon as it is known where it listens. An error means that it can't be reached.
    pub async fn dial(&self) -> io::Result<TcpStream> {
        loop {
            // A waiter exists from here on, so no change in between is missed.
            let changed = self.changed.notified();
            match self.place.get() {
                Place::Unknown => changed.await,
                Place::At(listen) => return connect(listen).await,
                Place::Down => return Err(io::ErrorKind::ConnectionRefused.into()),
            }
        }
    }
}

async fn connect(listen: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(listen).await?;
    // Where nobody listens any more, the system may choose the very port that is dialled, and TCP then connects it to itself.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    stream.set_nodelay(true)?;
    Ok(stream)
}
