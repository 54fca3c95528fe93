//! JSON over HTTP/1.1: a message to a peer is a request, and what the peer sends back at once is the response to it.
//!
//! ```text
//! POST / HTTP/1.1                            HTTP/1.1 200 OK
//! Host: 127.0.0.1:40101                      Content-Type: application/json
//! Content-Type: application/json             Content-Length: 77
//! Content-Length: 134
//! Connection: close                          {"src":"n1","dest":"n2","key":"charged/17","body":{...}}
//!
//! {"src":"n2","dest":"n1","key":"charge/17","body":{...}}
//! ```
//!
//! A request that leads to nothing for whoever sent it is answered with 204 and no body. A client opens a connection for each
//! request: on one that is used again, a second copy of a response would pass for the response to the next request. It waits
//! a while and then closes the connection; whether the request took effect it does not know.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::core::Core;
use super::peers::Mailbox;
use super::wire::Envelope;
use super::{log, take};
use crate::id::NodeId;

/// How long a client waits for a response.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many header fields a message may have.
const FIELDS_MAX: usize = 64;
/// How long a message may be, bytes.
const MESSAGE_MAX: usize = 16 << 20;

/// Sends whatever is put into a peer's mailbox as requests, and handles their responses.
pub async fn call(mailbox: Mailbox, address: String, core: Rc<RefCell<Core>>, rearmed: Rc<Notify>) {
    loop {
        for line in mailbox.next().await.split_inclusive(|byte| *byte == b'\n') {
            let (line, address) = (line.to_vec(), address.clone());
            let (core, rearmed) = (Rc::clone(&core), Rc::clone(&rearmed));
            tokio::task::spawn_local(async move {
                // Without a response in time the message, or the response, is lost: links are fair-loss.
                let Ok(Ok(response)) = timeout(PATIENCE, exchange(&address, &line)).await else { return };
                if let Err(error) = take(&core, &rearmed, &response) {
                    log(&format!("error: {error:#}"));
                    std::process::exit(1);
                }
            });
        }
    }
}

/// One request on a connection of its own; gives the body of the response.
async fn exchange(address: &str, body: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let head = format!("POST / HTTP/1.1\r\nHost: {address}\r\n{}Connection: close\r\n\r\n", content(body.len()));
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut messages = Messages::new(stream, Side::Client);
    match messages.next().await? {
        Some(response) => Ok(response),
        None => bail!("the connection was closed without a response"),
    }
}

/// Answers the requests of a connection, one after the other.
pub async fn answer(stream: TcpStream, core: Rc<RefCell<Core>>, rearmed: Rc<Notify>) {
    let mut messages = Messages::new(stream, Side::Server);
    loop {
        let (head, body) = match messages.next().await {
            Ok(None) => return,
            Ok(Some(request)) => match respond(&core, &rearmed, &request) {
                Ok(body) if body.is_empty() => ("204 No Content\r\n".to_owned(), body),
                Ok(body) => (format!("200 OK\r\n{}", content(body.len())), body),
                Err(error) => {
                    log(&format!("error: {error:#}"));
                    std::process::exit(1);
                }
            },
            Err(error) => {
                log(&format!("refused a request: {error:#}"));
                let why = format!("{}\n", serde_json::json!({"error": format!("{error:#}")})).into_bytes();
                let head = format!("400 Bad Request\r\nConnection: close\r\n{}", content(why.len()));
                let _ = messages.stream.write_all(&response(&head, &why)).await;
                return;
            }
        };
        if messages.stream.write_all(&response(&head, &body)).await.is_err() {
            return;
        }
    }
}

fn response(head: &str, body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 ", head.as_bytes(), b"\r\n", body].concat()
}

fn content(length: usize) -> String {
    format!("Content-Type: application/json\r\nContent-Length: {length}\r\n")
}

/// Handles a request; gives what it leads to for the peer that sent it, once it may leave.
fn respond(core: &Rc<RefCell<Core>>, rearmed: &Notify, request: &[u8]) -> Result<Vec<u8>> {
    let envelope: Result<Envelope<'_>, _> = serde_json::from_slice(request);
    let peer: Option<NodeId> = envelope.ok().and_then(|envelope| envelope.src.parse().ok());
    let back = Mailbox::default();
    let usual = peer.and_then(|peer| core.borrow_mut().connect(peer, back.clone()));
    take(core, rearmed, request)?;
    if let (Some(peer), Some(usual)) = (peer, usual) {
        core.borrow_mut().connect(peer, usual);
    }
    Ok(back.take())
}

/// Who reads: requests come to a server, responses to a client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// The messages that come on a connection.
struct Messages {
    stream: TcpStream,
    side: Side,
    bytes: Vec<u8>,
}

impl Messages {
    fn new(stream: TcpStream, side: Side) -> Self {
        Self { stream, side, bytes: Vec::new() }
    }

    /// The body of the next message; `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some((head, body)) = measure(&self.bytes, self.side)? {
                if head.saturating_add(body) > MESSAGE_MAX {
                    bail!("the message is longer than {MESSAGE_MAX} bytes");
                }
                if self.bytes.len() >= head + body {
                    let rest = self.bytes.split_off(head + body);
                    let mut message = std::mem::replace(&mut self.bytes, rest);
                    return Ok(Some(message.split_off(head)));
                }
            } else if self.bytes.len() > MESSAGE_MAX {
                bail!("the head of the message is longer than {MESSAGE_MAX} bytes");
            }
            if self.stream.read_buf(&mut self.bytes).await? == 0 {
                return if self.bytes.is_empty() { Ok(None) } else { bail!("the connection ended inside a message") };
            }
        }
    }
}

/// The lengths of a message's head and body, bytes; `None` while its head is not complete.
fn measure(bytes: &[u8], side: Side) -> Result<Option<(usize, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let head = match side {
        Side::Server => httparse::Request::new(&mut fields).parse(bytes)?,
        Side::Client => httparse::Response::new(&mut fields).parse(bytes)?,
    };
    let httparse::Status::Complete(head) = head else { return Ok(None) };
    let field = |name: &str| fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    if field("transfer-encoding").is_some() {
        bail!("a Transfer-Encoding is not supported here; send a Content-Length");
    }
    match field("content-length").map(|field| std::str::from_utf8(field.value).ok().and_then(|text| text.parse().ok()))
    {
        None => Ok(Some((head, 0))),
        Some(Some(body)) => Ok(Some((head, body))),
        Some(None) => bail!("the Content-Length is not a number"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Side, measure};

    #[test]
    fn a_message_is_as_long_as_its_head_says() {
        let request = b"POST / HTTP/1.1\r\nHost: n1\r\nContent-Length: 12\r\n\r\n{";
        assert_eq!(measure(request, Side::Server).unwrap(), Some((request.len() - 1, 12)));
        assert_eq!(measure(&request[..20], Side::Server).unwrap(), None);
        let silent = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(measure(silent, Side::Client).unwrap(), Some((silent.len(), 0)));
    }

    #[test]
    fn what_has_no_length_or_is_no_http_is_an_error() {
        let wrong = [
            "{}\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ];
        wrong.iter().for_each(|text| assert!(measure(text.as_bytes(), Side::Server).is_err(), "{text}"));
    }
}
