//! The proxy between real loopback sockets. Tests wait for conditions, never for time to pass.

mod connections;
mod conservation;
mod control;
mod faults;
mod http;

use std::fs::File;
use std::time::Duration;

use serde_json::Value;
use temblor_workloads::plan::{Kind, Mode};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use super::{Bite, Framing, Proxy, Settings, Tally};
use crate::clock::Clock;

/// No test takes this long unless it hangs.
const HANGS: Duration = Duration::from_secs(60);

/// A network of three nodes, whose ends are in the hands of a test.
struct Rig {
    proxy: Proxy,
    clock: Clock,
    folder: tempfile::TempDir,
}

/// Runs a test on a network of its own.
fn check(test: impl AsyncFnOnce(&Rig)) {
    check_framing(Framing::Lines, test);
}

fn check_framing(framing: Framing, test: impl AsyncFnOnce(&Rig)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::start());
        let trace = File::create_new(folder.path().join("messages.jsonl")).unwrap();
        let nodes = ["n1", "n2", "n3"].map(str::to_owned).to_vec();
        let proxy = Proxy::bind(Settings { nodes, seed: 7, trace, clock, framing }).unwrap();
        let rig = Rig { proxy, clock, folder };
        tokio::time::timeout(HANGS, test(&rig)).await.expect("the test hangs");
        assert!(!rig.proxy.has_panicked());
    });
}

impl Rig {
    /// `node` listens.
    async fn up(&self, node: usize) -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.proxy.target(node, listener.local_addr().unwrap());
        listener
    }

    async fn dial(&self, from: usize, to: usize) -> TcpStream {
        TcpStream::connect(self.proxy.address(from, to)).await.unwrap()
    }

    /// An open connection: the sender's end and the receiver's.
    async fn connect(&self, from: usize, to: usize) -> (TcpStream, TcpStream) {
        let listener = self.up(to).await;
        let sender = self.dial(from, to).await;
        let receiver = listener.accept().await.unwrap().0;
        (sender, receiver)
    }

    fn tally(&self, from: usize, to: usize) -> Tally {
        let all = self.proxy.counters();
        all.into_iter().find(|(a, b, _)| (*a, *b) == (from, to)).unwrap().2.tally
    }

    /// Lets the proxy work until `done` holds for the link from and to.
    async fn until(&self, (from, to): (usize, usize), done: impl Fn(&Tally) -> bool) {
        while !done(&self.tally(from, to)) {
            tokio::task::yield_now().await;
        }
    }

    /// The trace so far, without its first line.
    fn trace(&self) -> Vec<Value> {
        self.proxy.inner.network.trace.flush();
        let text = std::fs::read_to_string(self.folder.path().join("messages.jsonl")).unwrap();
        text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn frame(key: &str) -> Vec<u8> {
    format!("{{\"src\":\"n1\",\"dest\":\"n2\",\"key\":\"{key}\",\"body\":{{\"type\":\"data\"}}}}\n").into_bytes()
}

/// Frames with the keys `first`, `first + 1`, ...
fn frames(first: usize, count: usize) -> Vec<u8> {
    (first..first + count).flat_map(|n| frame(&n.to_string())).collect()
}

/// Reads exactly as much as `expected` is long, and compares.
async fn expect(receiver: &mut TcpStream, expected: &[u8]) {
    let mut seen = vec![0; expected.len()];
    receiver.read_exact(&mut seen).await.unwrap();
    assert!(seen == expected, "saw {:?}", String::from_utf8_lossy(&seen));
}

/// Reads to the end.
async fn rest(receiver: &mut TcpStream) -> Vec<u8> {
    let mut seen = Vec::new();
    receiver.read_to_end(&mut seen).await.unwrap();
    seen
}

/// Waits for the end of a connection that must be a reset.
async fn expect_reset(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let error = stream.read_to_end(&mut seen).await.expect_err("the connection was closed in peace");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

/// Writes without waiting until the kernel takes no more even though the proxy has worked; gives how many frames of 64 KiB went.
async fn fill(rig: &Rig, sender: &mut TcpStream) -> u64 {
    let frame = [vec![b'x'; (64 << 10) - 1], vec![b'\n']].concat();
    let (mut whole, mut idle) = (0, 0);
    let mut rest = frame.as_slice();
    while idle < 500 {
        match sender.try_write(rest) {
            Ok(count) => {
                (rest, idle) = (&rest[count..], 0);
                if rest.is_empty() {
                    (rest, whole) = (&frame, whole + 1);
                }
            }
            Err(_) => idle += 1,
        }
        tokio::task::yield_now().await;
    }
    assert!(rig.tally(0, 1).back_pressure > 0);
    whole
}

fn cut(mode: Mode) -> Kind {
    Kind::Partition { shape: String::new(), mode, cut: vec![], around_leader: None }
}

fn delay(delay_us: u64) -> Kind {
    Kind::Delay { delay_us, links: vec![] }
}

/// How many frames a fault bit on each of its links.
fn bitten(bites: &[Bite]) -> Vec<(usize, usize, u64)> {
    bites.iter().map(|bite| (bite.from, bite.to, bite.frames)).collect()
}
