//! Control never waits for data, and reaches every connection.

use std::cell::RefCell;
use std::fs::File;
use std::rc::Rc;

use temblor_workloads::plan::Mode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{bitten, check, cut, expect, expect_reset, fill, frame, frames, rest};
use crate::clock::Clock;
use crate::proxy::{Proxy, Settings};

#[test]
fn faults_are_lifted_at_once_on_a_link_whose_receiver_does_not_read() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        fill(rig, &mut sender).await;
        rig.proxy.apply(1, &cut(Mode::Hold), &[(0, 1)]);
        // None of these calls can wait: they are no futures, and nothing else runs meanwhile.
        assert_eq!(bitten(&rig.proxy.lift(1)), [(0, 1, 0)]);
        assert_eq!(rig.proxy.heal(), []);
        assert!(rig.tally(0, 1).back_pressure > 0);
        let mut buffer = vec![0; 1 << 20];
        let before = rig.tally(0, 1).frames_out;
        while rig.tally(0, 1).frames_out < before + 10 {
            assert!(receiver.read(&mut buffer).await.unwrap() > 0);
        }
    });
}

#[test]
fn a_partition_bites_although_the_receiver_does_not_read() {
    check(async |rig| {
        let (mut sender, _receiver) = rig.connect(0, 1).await;
        fill(rig, &mut sender).await;
        rig.proxy.apply(1, &cut(Mode::Drop), &[(0, 1)]);
        // Ends the frame that `fill` has begun, and the sender goes on as on a network that loses everything.
        for n in 0..300 {
            let sent = [b"\n".to_vec(), frame(&n.to_string()), vec![b'x'; 64 << 10]].concat();
            sender.write_all(&sent).await.unwrap();
        }
        rig.until((0, 1), |tally| tally.dropped >= 300).await;
        assert!(rig.proxy.lift(1)[0].frames >= 300);
    });
}

#[test]
fn a_reset_breaks_a_connection_whose_receiver_does_not_read() {
    check(async |rig| {
        let (mut sender, _receiver) = rig.connect(0, 1).await;
        fill(rig, &mut sender).await;
        rig.proxy.apply(1, &cut(Mode::Reset), &[(0, 1)]);
        expect_reset(&mut sender).await;
        let tally = rig.tally(0, 1);
        assert_eq!(tally.frames_in, tally.frames_out + tally.reset);
        assert_eq!(bitten(&rig.proxy.lift(1)), [(0, 1, tally.reset)]);
    });
}

#[test]
fn a_full_queue_of_held_frames_holds_the_sender_back_and_is_let_go() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.apply(1, &cut(Mode::Hold), &[(0, 1)]);
        let whole = fill(rig, &mut sender).await;
        let tally = rig.tally(0, 1);
        assert_eq!((tally.frames_out, tally.frames_in), (0, tally.held));
        assert!(tally.bytes_in <= (16 << 20) + (128 << 10), "{} bytes wait in the proxy", tally.bytes_in);
        rig.proxy.lift(1);
        let mut buffer = vec![0; 1 << 20];
        while rig.tally(0, 1).frames_out < whole {
            assert!(receiver.read(&mut buffer).await.unwrap() > 0);
        }
    });
}

#[test]
fn connections_to_a_crashed_node_are_reset_until_it_is_back() {
    check(async |rig| {
        let (mut sender, receiver) = rig.connect(0, 1).await;
        assert_eq!(sender.try_write(&frames(0, 2)).unwrap(), frames(0, 2).len());
        rig.proxy.down(1);
        drop(receiver);
        expect_reset(&mut sender).await;
        assert_eq!(rig.tally(0, 1).down, 2);
        let mut again = rig.dial(0, 1).await;
        expect_reset(&mut again).await;
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&frame("back")).await.unwrap();
        expect(&mut receiver, &frame("back")).await;
        let lost: Vec<_> = rig.trace().into_iter().filter(|line| line["what"] == "down").collect();
        assert!(lost.len() == 2 && lost.iter().all(|line| line["out"].is_null() && line.get("fault").is_none()));
    });
}

#[test]
fn what_a_crashed_node_had_sent_still_arrives() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&frames(0, 2)).await.unwrap();
        rig.proxy.down(0);
        drop(sender);
        assert_eq!(rest(&mut receiver).await, frames(0, 2));
    });
}

#[test]
fn a_watched_frame_is_reported_once_at_its_occurrence_whatever_becomes_of_it() {
    check(async |rig| {
        let seen = Rc::new(RefCell::new(Vec::new()));
        for (key, nth) in [("a", 1), ("a", 3), ("b", 1), ("c", 1)] {
            let seen = Rc::clone(&seen);
            rig.proxy.watch((0, 1), key, (nth, move || seen.borrow_mut().push((key, nth))));
        }
        rig.proxy.apply(1, &cut(Mode::Drop), &[(0, 1)]);
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        for key in ["x", "a", "a", "b", "a", "a"] {
            sender.write_all(&frame(key)).await.unwrap();
        }
        sender.shutdown().await.unwrap();
        assert_eq!(rest(&mut receiver).await, b"");
        assert_eq!(*seen.borrow(), [("a", 1), ("b", 1), ("a", 3)]);
    });
}

#[test]
fn who_is_told_of_a_frame_may_begin_a_fault_there_and_then() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        let proxy = rig.proxy.clone();
        rig.proxy.watch((0, 1), "a", (1, move || proxy.apply(1, &cut(Mode::Drop), &[(0, 1)])));
        sender.write_all(&frame("a")).await.unwrap();
        expect(&mut receiver, &frame("a")).await;
        sender.write_all(&frame("b")).await.unwrap();
        rig.until((0, 1), |tally| tally.dropped == 1).await;
    });
}

#[test]
fn the_end_of_the_proxy_ends_its_connections() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.shutdown();
        assert_eq!((rest(&mut sender).await, rest(&mut receiver).await), (vec![], vec![]));
    });
}

#[test]
fn a_trace_that_cannot_be_written_stops_no_frame_and_can_be_asked_for() {
    check(async |rig| {
        let trace = File::options().write(true).open("/dev/full").unwrap();
        let nodes = ["n1", "n2"].map(str::to_owned).to_vec();
        let proxy =
            Proxy::bind(Settings { nodes, seed: 7, trace, clock: Clock::start(), framing: super::Framing::Lines })
                .unwrap();
        let rig = super::Rig { proxy, clock: rig.clock, folder: tempfile::tempdir().unwrap() };
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        let many = frames(0, 2_000);
        let (sent, ()) = tokio::join!(sender.write_all(&many), expect(&mut receiver, &many));
        sent.unwrap();
        rig.until((0, 1), |tally| tally.frames_out == 2_000).await;
        assert!(rig.proxy.trace_failure().unwrap().contains("No space left"));
    });
}
