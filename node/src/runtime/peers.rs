//! Peers over TCP: one connection in each direction, dialled by the sender.
//!
//! A mailbox gathers frames for one peer; its writer swaps the buffer and writes it in one go. When the connection breaks, what
//! was being written is lost (links are fair-loss) and the peer is dialled again.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::core::Core;
use super::http;
use super::lines::Lines;
use super::log;
use super::wire::{Framing, Init};

/// Frames for a peer that can't be written wait up to so many bytes; further ones are lost.
const MAILBOX_MAX: usize = 8 << 20;
/// The pause before a peer is dialled again, at first and at most.
const REDIAL: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// Frames on their way to one peer.
#[derive(Clone, Default)]
pub struct Mailbox {
    frames: Rc<RefCell<Vec<u8>>>,
    filled: Rc<Notify>,
}

impl Mailbox {
    /// Puts a frame in, or loses it if the mailbox is full.
    pub fn put(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut frames = self.frames.borrow_mut();
        if frames.len() < MAILBOX_MAX {
            write(&mut frames);
        }
    }

    /// Has the writer look.
    pub fn wake(&self) {
        if !self.frames.borrow().is_empty() {
            self.filled.notify_one();
        }
    }

    /// What waits, as soon as something does.
    pub async fn next(&self) -> Vec<u8> {
        self.filled.notified().await;
        self.take()
    }

    /// What waits.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.frames.borrow_mut())
    }

    /// Swaps what waits for an empty buffer.
    fn swap(&self, empty: &mut Vec<u8>) {
        std::mem::swap(empty, &mut self.frames.borrow_mut());
    }
}

/// Listens and dials as `init` says; gives the address listened on, or `None` where stdout is the network.
pub async fn open(core: &Rc<RefCell<Core>>, rearmed: &Rc<Notify>, init: &Init) -> Result<Option<SocketAddr>> {
    let Some(transport) = &init.transport else { return Ok(None) };
    let listener = TcpListener::bind(&transport.listen).await;
    let listener = listener.with_context(|| format!("failed to listen on {}", transport.listen))?;
    let address = listener.local_addr()?;
    for (peer, address) in &transport.peers {
        let mailbox = Mailbox::default();
        core.borrow_mut().connect(*peer, mailbox.clone());
        match transport.framing {
            Framing::Lines => tokio::task::spawn_local(write(mailbox, address.clone())),
            Framing::Http => {
                let (core, rearmed) = (Rc::clone(core), Rc::clone(rearmed));
                tokio::task::spawn_local(http::call(mailbox, address.clone(), core, rearmed))
            }
        };
    }
    tokio::task::spawn_local(accept((listener, transport.framing), Rc::clone(core), Rc::clone(rearmed)));
    Ok(Some(address))
}

async fn accept((listener, framing): (TcpListener, Framing), core: Rc<RefCell<Core>>, rearmed: Rc<Notify>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (core, rearmed) = (Rc::clone(&core), Rc::clone(&rearmed));
                match framing {
                    Framing::Lines => tokio::task::spawn_local(read(stream, core, rearmed)),
                    Framing::Http => tokio::task::spawn_local(http::answer(stream, core, rearmed)),
                };
            }
            Err(error) => {
                // Out of descriptors: what is open goes on, and the peer dials again.
                log(&format!("failed to accept a connection: {error}"));
                tokio::time::sleep(REDIAL.1).await;
            }
        }
    }
}

/// Reads frames until the connection ends.
async fn read(mut stream: TcpStream, core: Rc<RefCell<Core>>, rearmed: Rc<Notify>) {
    let mut lines = Lines::default();
    loop {
        match stream.read_buf(lines.space()).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let taken = match lines.whole() {
            Ok(Some(lines)) => super::take(&core, &rearmed, &lines),
            Ok(None) => Ok(()),
            Err(error) => return log(&format!("dropped a connection: {error}")),
        };
        if let Err(error) = taken {
            log(&format!("error: {error:#}"));
            std::process::exit(1);
        }
    }
}

/// Writes a peer's frames, dialling as often as it takes.
async fn write(mailbox: Mailbox, address: String) {
    let mut pause = REDIAL.0;
    loop {
        match TcpStream::connect(&address).await {
            Ok(stream) => {
                let wrote = write_on(stream, &mailbox).await;
                pause = if wrote { REDIAL.0 } else { (pause * 2).min(REDIAL.1) };
            }
            Err(_) => pause = (pause * 2).min(REDIAL.1),
        }
        tokio::time::sleep(pause).await;
    }
}

/// Writes on one connection until it breaks; gives whether anything could be written.
async fn write_on(mut stream: TcpStream, mailbox: &Mailbox) -> bool {
    // A connection that can't be told not to wait still works, only slower.
    let _ = stream.set_nodelay(true);
    let (mut nothing, mut wrote, mut frames) = ([0; 1], false, Vec::new());
    loop {
        tokio::select! {
            () = mailbox.filled.notified() => {
                mailbox.swap(&mut frames);
                if stream.write_all(&frames).await.is_err() {
                    return wrote;
                }
                frames.clear();
                wrote = true;
            }
            // Nothing ever comes on this connection but its end.
            _ = stream.read(&mut nothing) => return wrote,
        }
        mailbox.wake();
    }
}
