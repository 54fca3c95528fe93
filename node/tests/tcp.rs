//! TCP mode: real processes, with the test as the network between them.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the test starts processes and talks to them")]

mod process;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use process::{DEADLINE, Process};
use serde_json::Value;
use tokio::net::TcpSocket;

/// The end of a link at which a node's frames come in; the test decides what becomes of them.
struct Ear {
    listener: TcpListener,
}

/// One connection that a node has dialled.
struct Connection {
    lines: Receiver<String>,
    stream: TcpStream,
}

impl Ear {
    fn open() -> Ear {
        Ear { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    fn accept(&self) -> Connection {
        let (stream, _) = self.listener.accept().unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || reader.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Connection { lines, stream }
    }
}

impl Connection {
    fn frame(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("a frame comes")
    }
}

/// A node that has answered `init`, and where it listens.
fn started(arguments: &str, (me, all): (&str, &[&str]), peers: &[(&str, SocketAddr)]) -> (Process, TcpStream) {
    let mut node = Process::start(arguments);
    let peers: serde_json::Map<String, Value> =
        peers.iter().map(|(peer, address)| ((*peer).to_owned(), address.to_string().into())).collect();
    let body = serde_json::json!({
        "type": "init", "msg_id": 1, "node_id": me, "node_ids": all, "incarnation": 1, "seed": 7,
        "observe": ["broadcast", "deliver", "leader"],
        "transport": { "listen": "127.0.0.1:0", "peers": peers },
    });
    node.say(&serde_json::json!({ "src": "c0", "dest": me, "body": body }).to_string());
    let answer: Value = serde_json::from_str(&node.hear()).unwrap();
    assert_eq!(answer["body"]["observe"], serde_json::json!(["broadcast", "deliver", "leader"]));
    let listen = answer["body"]["listen"].as_str().unwrap();
    (node, TcpStream::connect(listen).unwrap())
}

fn broadcast(node: &mut Process, message: u64) {
    node.say(&format!(
        r#"{{"src":"c1","dest":"n1","body":{{"type":"broadcast","msg_id":{message},"message":{message}}}}}"#
    ));
}

#[test]
fn a_frame_carries_its_key_before_its_body_and_is_acknowledged_on_the_way_back() {
    let ear = Ear::open();
    let (mut node, mut to_node) = started("fifo", ("n1", &["n1", "n2"]), &[("n2", ear.address())]);
    broadcast(&mut node, 17);
    let mut from_node = ear.accept();
    assert_eq!(
        from_node.frame(),
        r#"{"src":"n1","dest":"n2","key":"relay/17","body":{"type":"data","seq":0,"m":{"type":"relay","sender":"n1","seq":0,"m":{"type":"fifo","sender":"n1","seq":0,"m":17}}}}"#
    );
    to_node.write_all(b"{\"src\":\"n2\",\"dest\":\"n1\",\"key\":\"relay/18\",\"body\":{\"type\":\"data\",\"seq\":0,\"m\":{\"type\":\"relay\",\"sender\":\"n2\",\"seq\":0,\"m\":{\"type\":\"fifo\",\"sender\":\"n2\",\"seq\":0,\"m\":18}}}}\n").unwrap();
    let ack = std::iter::from_fn(|| Some(from_node.frame())).find(|frame| frame.contains("\"type\":\"ack\""));
    assert_eq!(ack.unwrap(), r#"{"src":"n1","dest":"n2","key":"ack/relay/18","body":{"type":"ack","seq":0}}"#);
    from_node.stream.flush().unwrap();
}

#[test]
fn indications_leave_in_the_nodes_own_order_and_before_the_reply() {
    let ear = Ear::open();
    let (mut node, _to_node) = started("eager", ("n1", &["n1", "n2"]), &[("n2", ear.address())]);
    broadcast(&mut node, 17);
    let heard = [node.hear(), node.hear(), node.hear()];
    assert_eq!(
        heard,
        [
            r#"{"src":"n1","dest":"observer","body":{"type":"broadcast","message":17}}"#,
            r#"{"src":"n1","dest":"observer","body":{"type":"deliver","message":17}}"#,
            r#"{"src":"n1","dest":"c1","body":{"type":"broadcast_ok","in_reply_to":17}}"#,
        ]
    );
    let ended = node.close();
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn a_broken_connection_is_dialled_again_and_what_was_lost_is_sent_again() {
    let ear = Ear::open();
    let (mut node, _to_node) = started("retransmit", ("n1", &["n1", "n2"]), &[("n2", ear.address())]);
    broadcast(&mut node, 17);
    let first = ear.accept();
    let frame = first.frame();
    first.stream.shutdown(std::net::Shutdown::Both).unwrap();
    drop(first);
    let second = ear.accept();
    assert_eq!(second.frame(), frame);
    assert!(node.hear().contains("broadcast"));
}

#[test]
fn frames_wait_for_a_peer_that_can_not_be_reached_yet() {
    // A port that is taken and not listened on: whoever dials it is refused.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let peers = [("n2", socket.local_addr().unwrap())];
    let (mut node, _to_node) = started("best-effort", ("n1", &["n1", "n2"]), &peers);
    broadcast(&mut node, 17);
    assert!(node.hear().contains("broadcast"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(async { socket.listen(16) }).unwrap().into_std().unwrap();
    listener.set_nonblocking(false).unwrap();
    let expected = r#"{"src":"n1","dest":"n2","key":"send/17","body":{"type":"send","m":17}}"#;
    assert_eq!(Ear { listener }.accept().frame(), expected);
}

#[test]
fn nonsense_from_a_peer_is_logged_and_the_rest_of_the_batch_is_heard() {
    let ear = Ear::open();
    let (node, mut to_node) = started("best-effort", ("n1", &["n1", "n2"]), &[("n2", ear.address())]);
    to_node
        .write_all(
            b"nonsense\n{\"src\":\"n7\",\"body\":{}}\n{\"src\":\"n2\",\"body\":[]}\n{\"src\":\"n2\",\"dest\":\"n1\",\"body\":{\"type\":\"send\",\"m\":5}}\n",
        )
        .unwrap();
    assert_eq!(node.hear(), r#"{"src":"n1","dest":"observer","body":{"type":"deliver","message":5}}"#);
    let ended = node.close();
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(0), 3), "{}", ended.stderr);
}

#[test]
fn a_panic_in_a_layer_ends_the_process() {
    let ear = Ear::open();
    let peers = [("n2", ear.address())];
    let (mut node, mut to_node) = started("retransmit --bug dies-of-second-ack", ("n1", &["n1", "n2"]), &peers);
    broadcast(&mut node, 17);
    let from_node = ear.accept();
    from_node.frame();
    let ack = "{\"src\":\"n2\",\"dest\":\"n1\",\"key\":\"ack/send/17\",\"body\":{\"type\":\"ack\",\"seq\":0}}\n";
    to_node.write_all(ack.repeat(2).as_bytes()).unwrap();
    let ended = node.wait();
    assert_eq!(ended.code, Some(101));
    assert!(ended.stderr.contains("an acknowledgement of 0 that nobody waits for"), "{}", ended.stderr);
}

#[test]
fn two_nodes_deliver_what_either_broadcasts() {
    let (ear_1, ear_2) = (Ear::open(), Ear::open());
    let all = ["n1", "n2"];
    let (mut first, to_first) = started("fifo", ("n1", &all), &[("n2", ear_1.address())]);
    let (mut second, to_second) = started("fifo", ("n2", &all), &[("n1", ear_2.address())]);
    for (ear, mut to) in [(ear_1, to_second), (ear_2, to_first)] {
        std::thread::spawn(move || {
            let (mut from, _) = ear.listener.accept()?;
            std::io::copy(&mut from, &mut to)
        });
    }
    (0..100).for_each(|message| broadcast(&mut first, 2 * message));
    (0..100).for_each(|message| broadcast(&mut second, 2 * message + 1));
    for node in [&first, &second] {
        let lines = std::iter::from_fn(|| Some(node.hear())).filter(|line| line.contains("\"deliver\""));
        let message = |line: String| serde_json::from_str::<Value>(&line).unwrap()["body"]["message"].as_u64().unwrap();
        let delivered: Vec<u64> = lines.map(message).take(200).collect();
        for sender in 0..2 {
            let of_sender: Vec<u64> = delivered.iter().copied().filter(|message| message % 2 == sender).collect();
            assert_eq!(of_sender, (0..100).map(|message| 2 * message + sender).collect::<Vec<u64>>());
        }
    }
}
