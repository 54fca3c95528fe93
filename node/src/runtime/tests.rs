//! The contract between a layer and the runtime, with a small layer that stores what it delivers.

use std::fs::File;

use super::core::Core;
use super::storage::Storage;
use super::wire::{self, Init};
use crate::id::NodeId;
use crate::layer::{Context, Identity, Layer, To};
use crate::packet::Packet;
use crate::stack::Stack;

/// Stores each message before it delivers it; after a crash it delivers them again.
struct Ledger;

impl Layer for Ledger {
    fn request(&mut self, to: To, packet: Packet, cx: &mut Context<'_>) {
        cx.store(packet.payload.raw().get().as_bytes().to_vec());
        cx.send(to, packet.clone());
        let me = cx.me();
        cx.deliver(me, packet);
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        cx.deliver(from, packet);
    }

    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        let me = cx.me();
        for record in records {
            let message = std::str::from_utf8(record).unwrap().parse().unwrap();
            cx.deliver(me, Packet::application(message));
        }
    }
}

/// One life of n1: starts over the given directory, takes the lines, and gives what it has written so far.
struct Life {
    core: Core,
    stdout: std::path::PathBuf,
}

impl Life {
    fn start(directory: &std::path::Path) -> Life {
        let init = r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"],"observe":["deliver","synced"]}}"#;
        let init: Init = wire::read_init(init.as_bytes()).unwrap();
        let identity = Identity { me: init.node_id, nodes: init.node_ids.clone(), incarnation: 1, seed: 0, bug: None };
        let (storage, records) = Storage::open(Some(directory.to_owned())).unwrap();
        let stdout = directory.join("stdout");
        let stack = Stack::new(identity, vec![Box::new(Ledger)]);
        let mut core = Core::new((stack, storage), &init, File::create(&stdout).unwrap());
        core.begin(records);
        core.flush().unwrap();
        Life { core, stdout }
    }

    fn broadcast(&mut self, message: u64) {
        let body = format!("{{\"type\":\"broadcast\",\"msg_id\":{message},\"message\":{message}}}");
        self.core.line(format!("{{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{body}}}").as_bytes());
    }

    fn written(&self) -> String {
        std::fs::read_to_string(&self.stdout).unwrap()
    }
}

#[test]
fn nothing_leaves_before_what_was_stored_is_durable() {
    let directory = tempfile::tempdir().unwrap();
    let mut life = Life::start(directory.path());
    life.broadcast(17);
    assert_eq!(life.written(), "");
    assert!(!directory.path().join("stable.log").exists());

    life.core.flush().unwrap();
    expect_test::expect![[r#"
        {"src":"n1","dest":"observer","body":{"type":"synced","file":"stable.log","bytes":18}}
        {"src":"n1","dest":"n2","body":17}
        {"src":"n1","dest":"observer","body":{"type":"deliver","message":17}}
        {"src":"n1","dest":"c1","body":{"type":"broadcast_ok","in_reply_to":17}}
    "#]]
    .assert_eq(&life.written());
}

#[test]
fn what_can_t_be_stored_never_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let mut life = Life::start(directory.path());
    // A file that appears behind the node's back can't be created.
    std::fs::write(directory.path().join("stable.log"), b"").unwrap();
    life.broadcast(17);
    assert!(format!("{:#}", life.core.flush().unwrap_err()).contains("stable.log"));
    assert_eq!(life.written(), "");
}

#[test]
fn after_a_crash_a_layer_gets_its_records_back_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = Life::start(directory.path());
    first.broadcast(17);
    first.broadcast(18);
    first.core.flush().unwrap();
    first.broadcast(19);
    drop(first);

    let second = Life::start(directory.path());
    expect_test::expect![[r#"
        {"src":"n1","dest":"observer","body":{"type":"synced","file":"stable.log","bytes":36}}
        {"src":"n1","dest":"observer","body":{"type":"deliver","message":17}}
        {"src":"n1","dest":"observer","body":{"type":"deliver","message":18}}
    "#]]
    .assert_eq(&second.written());
}
