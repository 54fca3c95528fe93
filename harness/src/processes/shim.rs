//! The shim: TCP on behalf of a plain node, which speaks over stdin and stdout only.
//!
//! A node that does not take up the transport (any node written for Maelstrom) writes its frames for peers to stdout. The shim
//! dials the peers' proxies for it and listens in its place, so that every fault of a link reaches its frames as it reaches
//! those of a node with connections of its own. It lives as long as the life of the process.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::child::LINE_MAX;

/// So many frames may wait for a peer that does not read; a further one is lost, as on a link that is full.
const QUEUE_MAX: usize = 4 << 10;
/// So long a connection that broke is left alone before it is dialled again.
const REDIAL: Duration = Duration::from_millis(20);

/// The connections of one life.
#[derive(Debug)]
pub struct Shim {
    /// Where it listens for the node's peers.
    pub listen: SocketAddr,
    /// What waits for each peer; `None` in the node's own place.
    queues: Vec<Option<mpsc::Sender<Vec<u8>>>>,
    /// Accepting, dialling, reading and writing. They end when the shim does.
    _tasks: JoinSet<()>,
}

impl Shim {
    /// Listens, and dials each peer's proxy (`None` for the node itself). What comes from peers goes to `inbox`. Must be called
    /// within a `LocalSet`.
    ///
    /// # Errors
    /// No port is left to listen on.
    pub fn open(peers: Vec<Option<SocketAddr>>, inbox: mpsc::Sender<Vec<u8>>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let listen = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn_local(accept(TcpListener::from_std(listener)?, inbox));
        let mut open = |address| {
            let (queue, frames) = mpsc::channel(QUEUE_MAX);
            tasks.spawn_local(send(address, frames));
            queue
        };
        let queues = peers.into_iter().map(|peer| peer.map(&mut open)).collect();
        Ok(Self { listen, queues, _tasks: tasks })
    }

    /// A frame for a peer, with its LF. It may be lost, as on any link.
    pub fn send(&self, peer: usize, frame: &[u8]) {
        if let Some(Some(queue)) = self.queues.get(peer) {
            // A queue that is full loses the frame; the links that a node is given lose frames anyway.
            let _ = queue.try_send(frame.to_vec());
        }
    }
}

/// Takes connections from the proxies, and passes on what they bring.
async fn accept(listener: TcpListener, inbox: mpsc::Sender<Vec<u8>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((connection, _)) => drop(connections.spawn_local(receive(connection, inbox.clone()))),
                // Out of descriptors, for now.
                Err(_) => tokio::time::sleep(REDIAL).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Passes on whole lines. What a broken connection left of a line is lost, as it is on a real one.
async fn receive(connection: TcpStream, inbox: mpsc::Sender<Vec<u8>>) {
    let mut reader = BufReader::new(connection);
    loop {
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line).await {
            Ok(1..) if line.ends_with(b"\n") && line.len() <= LINE_MAX => {}
            _ => return,
        }
        if inbox.send(line).await.is_err() {
            return;
        }
    }
}

/// Writes frames to a peer's proxy, and dials it again when the connection breaks. Frames meanwhile are lost.
async fn send(address: SocketAddr, mut frames: mpsc::Receiver<Vec<u8>>) {
    let mut waiting = Vec::new();
    loop {
        if let Ok(mut connection) = TcpStream::connect(address).await {
            let _ = connection.set_nodelay(true);
            loop {
                waiting.clear();
                if frames.recv_many(&mut waiting, 256).await == 0 {
                    return;
                }
                if connection.write_all(&waiting.concat()).await.is_err() {
                    break;
                }
            }
        }
        tokio::time::sleep(REDIAL).await;
    }
}
