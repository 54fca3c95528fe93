//! How much goes over one link where the sender never waits for anything but room, and the receiver reads all there is.
//!
//! This shows the proxy alone: nodes send again what is not acknowledged within 25 ms, and with 20 ms on each way everything is.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use temblor::clock::Clock;
use temblor::proxy::{Framing, Proxy, Settings};
use temblor_workloads::plan::Kind;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::load::{DELAY_US, Delay};

/// How many frames go over the link, how many in one piece, and how long each is, LF included, bytes.
const FRAMES: usize = 1_000_000;
const PIECE: usize = 100;
const FRAME: usize = 120;

/// Frames a second that the receiver reads, from the first to the last.
pub fn frames_per_second(delay: Delay) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let trace = tempfile::tempfile().expect("a temporary file");
        let nodes = ["n1", "n2"].map(str::to_owned).to_vec();
        let proxy = Proxy::bind(Settings { nodes, seed: 7, trace, clock: Clock::start(), framing: Framing::Lines })
            .expect("two listeners");
        if delay == Delay::TwentyMs {
            proxy.apply(1, &Kind::Delay { delay_us: DELAY_US, links: Vec::new() }, &[(0, 1)]);
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        proxy.target(1, listener.local_addr().expect("it is bound"));
        let dial = proxy.address(0, 1);
        let (done, seconds) = oneshot::channel();
        thread::spawn(move || send(dial));
        thread::spawn(move || done.send(receive(&listener)));
        FRAMES as f64 / seconds.await.expect("the receiver comes to its end")
    })
}

fn send(dial: SocketAddr) {
    let mut stream = TcpStream::connect(dial).expect("the proxy listens");
    let mut frame = br#"{"src":"n1","dest":"n2","key":"relay/1","body":{"type":"m"}}"#.to_vec();
    frame.resize(FRAME - 1, b' ');
    frame.push(b'\n');
    let piece = frame.repeat(PIECE);
    (0..FRAMES / PIECE).for_each(|_| stream.write_all(&piece).expect("the proxy reads"));
    stream.shutdown(Shutdown::Write).expect("the connection is open");
    // The proxy mirrors the end; to close before would be a reset.
    let _ = stream.read(&mut [0]);
}

/// How long it took from the first byte to the last, s.
fn receive(listener: &TcpListener) -> f64 {
    let (mut stream, _) = listener.accept().expect("the proxy dials");
    let (mut buffer, mut total, mut begun) = (vec![0; 256 << 10], 0, None);
    loop {
        let count = stream.read(&mut buffer).expect("the connection is not reset");
        let begun = *begun.get_or_insert_with(Instant::now);
        if count == 0 {
            assert_eq!(total, FRAMES * FRAME, "every byte came through");
            return begun.elapsed().as_secs_f64();
        }
        total += count;
    }
}
