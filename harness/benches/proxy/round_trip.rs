//! How long a frame is under way to another process and back, with the proxy between them and without.
//!
//! Everything is on one core: otherwise the ratio tells on which cores the parts happened to be. Both ends are the same code in
//! both cases, and read and write as a node does: each has a thread and a runtime of its own, and a connection carries frames in
//! one direction, so the way there and the way back both lead through the proxy.

use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use temblor::clock::Clock;
use temblor::proxy::{Framing, Proxy, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::figures::median;

/// The frame, LF included, bytes.
const FRAME: usize = 64;
/// How often each case is measured, by turns, and how many round trips are counted then, after some that are not.
const ROUNDS: usize = 5;
const COUNTED: usize = 4_000;
const WARM_UP: usize = 500;

/// Where an end listens, and where it dials.
type Ways = (TcpListener, SocketAddr);

/// The medians of all round trips, direct and through the proxy, us.
pub fn medians() -> (f64, f64) {
    let pinned = thread::spawn(|| {
        pin();
        let rounds: Vec<_> = (0..ROUNDS).map(|_| (direct(), proxied())).collect();
        let (direct, proxied): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
        (median(&mut direct.concat()), median(&mut proxied.concat()))
    });
    pinned.join().expect("round trips come to their end")
}

/// This thread, and those that it starts, stay on the first core that they may use.
fn pin() {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this).expect("a thread may ask where it may run");
    let first = (0..CpuSet::count()).find(|core| allowed.is_set(*core).unwrap_or(false)).expect("it runs somewhere");
    let mut only = CpuSet::new();
    only.set(first).expect("the core exists");
    sched_setaffinity(this, &only).expect("a thread may stay where it is");
}

fn direct() -> Vec<f64> {
    let (near, far) = (listen(), listen());
    let (to_near, to_far) = (address(&near), address(&far));
    start((near, to_far), (far, to_near), || ()).join().expect("the near end comes to its end")
}

fn proxied() -> Vec<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let near = LocalSet::new().block_on(&runtime, async {
        let trace = tempfile::tempfile().expect("a temporary file");
        let nodes = ["n1", "n2"].map(str::to_owned).to_vec();
        let settings = Settings { nodes, seed: 7, trace, clock: Clock::start(), framing: Framing::Lines };
        let proxy = Proxy::bind(settings).expect("two listeners");
        let (near, far) = (listen(), listen());
        proxy.target(0, address(&near));
        proxy.target(1, address(&far));
        let (done, is_done) = oneshot::channel();
        let over = || done.send(()).expect("somebody waits for it");
        let near = start((near, proxy.address(0, 1)), (far, proxy.address(1, 0)), over);
        is_done.await.expect("the near end comes to its end");
        near
    });
    near.join().expect("the near end comes to its end")
}

/// Starts both ends; the near one gives the round trips, us, after it has called `over`.
fn start(near: Ways, far: Ways, over: impl FnOnce() + Send + 'static) -> JoinHandle<Vec<f64>> {
    thread::spawn(|| end(far, answer));
    thread::spawn(|| {
        let trips = end(near, ask);
        over();
        trips
    })
}

/// Runs one end: dials, accepts, and does `work` on the two connections.
fn end<T>((listener, dial): Ways, work: impl AsyncFnOnce(TcpStream, TcpStream) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("it does not block");
        let out = TcpStream::connect(dial).await.expect("the other end listens");
        let (back, _) = listener.accept().await.expect("the other end dials");
        out.set_nodelay(true).expect("a connection can be told not to wait");
        work(out, back).await
    })
}

async fn ask(mut out: TcpStream, mut back: TcpStream) -> Vec<f64> {
    let (frame, mut buffer, mut trips) = (frame(), Vec::with_capacity(64 << 10), Vec::new());
    for _ in 0..WARM_UP + COUNTED {
        let begun = Instant::now();
        out.write_all(&frame).await.expect("the frame leaves");
        assert!(receive(&mut back, &mut buffer).await, "the frame comes back");
        trips.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    trips.split_off(WARM_UP)
}

/// Sends back whatever comes, until nothing comes any more.
async fn answer(mut out: TcpStream, mut back: TcpStream) {
    let mut buffer = Vec::with_capacity(64 << 10);
    while receive(&mut back, &mut buffer).await {
        if out.write_all(&frame()).await.is_err() {
            return;
        }
    }
}

/// Reads a whole frame; `false` at the end of the connection.
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    while buffer.len() < FRAME {
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

/// An envelope of exactly [`FRAME`] bytes.
fn frame() -> Vec<u8> {
    let envelope = r#"{"src":"n1","dest":"n2","key":"relay/1","body":{"type":"m"}}"#;
    let mut frame = envelope.as_bytes().to_vec();
    frame.resize(FRAME - 1, b' ');
    frame.push(b'\n');
    frame
}

fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("a socket can be told not to block");
    listener
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("it is bound")
}
