//! What a connection through the proxy is like where there is no fault.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{check, expect, expect_reset, fill, frame, frames, rest};
use crate::proxy::frames::LINE_MAX;

#[test]
fn a_stream_arrives_as_it_was_sent_however_it_is_cut() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        let text = frames(0, 500);
        for (at, piece) in text.chunks(37).enumerate() {
            sender.write_all(piece).await.unwrap();
            if at % 10 == 0 {
                tokio::task::yield_now().await;
            }
        }
        expect(&mut receiver, &text).await;
        let tally = rig.tally(0, 1);
        assert_eq!((tally.frames_in, tally.frames_out, tally.bytes_out), (500, 500, text.len() as u64));
    });
}

#[test]
fn each_direction_has_its_own_way() {
    check(async |rig| {
        let (mut to_second, mut second) = rig.connect(0, 1).await;
        let (mut to_first, mut first) = rig.connect(1, 0).await;
        to_second.write_all(&frame("there")).await.unwrap();
        to_first.write_all(&frame("back")).await.unwrap();
        expect(&mut second, &frame("there")).await;
        expect(&mut first, &frame("back")).await;
    });
}

#[test]
fn a_frame_as_long_as_the_limit_passes() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        let text = [vec![b'x'; LINE_MAX - 1], b"\n".to_vec(), frame("next")].concat();
        let (sent, ()) = tokio::join!(sender.write_all(&text), expect(&mut receiver, &text));
        sent.unwrap();
        assert_eq!(rig.tally(0, 1).frames_out, 2);
    });
}

#[test]
fn a_line_beyond_the_limit_costs_its_connection_and_is_counted() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&frame("before")).await.unwrap();
        // The proxy resets in the middle of this.
        let _ = sender.write_all(&vec![b'x'; LINE_MAX + 1]).await;
        expect_reset(&mut sender).await;
        expect(&mut receiver, &frame("before")).await;
        expect_reset(&mut receiver).await;
        let tally = rig.tally(0, 1);
        assert_eq!((tally.oversized, tally.torn, tally.resets, tally.frames_out), (1, 0, 1, 1));
    });
}

#[test]
fn a_sender_that_shuts_its_side_down_is_closed_only_after_all_has_left() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&frames(0, 100)).await.unwrap();
        sender.shutdown().await.unwrap();
        assert_eq!(rest(&mut receiver).await, frames(0, 100));
        // The other side is open still: the sender sees no end before the receiver closes.
        assert!(sender.try_read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
        drop(receiver);
        assert_eq!(rest(&mut sender).await, b"");
    });
}

#[test]
fn a_frame_cut_by_the_end_of_its_connection_is_not_forwarded() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&[frame("whole"), b"{\"src\":\"n1\"".to_vec()].concat()).await.unwrap();
        drop(sender);
        assert_eq!(rest(&mut receiver).await, frame("whole"));
        assert_eq!(rig.tally(0, 1).torn, 1);
    });
}

#[test]
fn a_receiver_that_closes_is_seen_by_the_sender_and_what_it_says_is_thrown_away() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        receiver.write_all(b"not in this direction\n").await.unwrap();
        rig.until((0, 1), |tally| tally.backward_bytes == 22).await;
        drop(receiver);
        assert_eq!(rest(&mut sender).await, b"");
    });
}

#[test]
fn a_sender_may_dial_again_while_its_old_connection_is_half_dead() {
    check(async |rig| {
        let listener = rig.up(1).await;
        let mut old = rig.dial(0, 1).await;
        let mut old_end = listener.accept().await.unwrap().0;
        old.write_all(b"{\"half\":").await.unwrap();
        let mut new = rig.dial(0, 1).await;
        let mut new_end = listener.accept().await.unwrap().0;
        new.write_all(&frame("new")).await.unwrap();
        expect(&mut new_end, &frame("new")).await;
        old.write_all(b"1}\n").await.unwrap();
        expect(&mut old_end, b"{\"half\":1}\n").await;
        drop(old);
        assert_eq!(rest(&mut old_end).await, b"");
        new.write_all(&frame("newer")).await.unwrap();
        expect(&mut new_end, &frame("newer")).await;
        assert_eq!(rig.tally(0, 1).connections, 2);
    });
}

#[test]
fn a_sender_that_dials_too_early_waits_for_the_receiver() {
    check(async |rig| {
        let mut sender = rig.dial(0, 1).await;
        sender.write_all(&frame("early")).await.unwrap();
        rig.until((0, 1), |tally| tally.connections == 1).await;
        let listener = rig.up(1).await;
        let mut receiver = listener.accept().await.unwrap().0;
        expect(&mut receiver, &frame("early")).await;
    });
}

#[test]
fn a_refused_connection_is_mirrored_as_a_reset() {
    check(async |rig| {
        drop(rig.up(1).await);
        let mut sender = rig.dial(0, 1).await;
        expect_reset(&mut sender).await;
    });
}

#[test]
fn a_receiver_that_never_reads_costs_bounded_memory_and_holds_its_sender_back() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        let whole = fill(rig, &mut sender).await;
        let tally = rig.tally(0, 1);
        let waiting = tally.bytes_in - tally.bytes_out;
        assert!(waiting <= 1 << 20, "{waiting} bytes wait in the proxy");
        // Nothing is lost by it: once the receiver reads, everything arrives.
        let mut buffer = vec![0; 1 << 20];
        while rig.tally(0, 1).frames_out < whole {
            assert!(receiver.read(&mut buffer).await.unwrap() > 0);
        }
    });
}

#[test]
fn what_passed_is_in_the_trace_with_its_times() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&frame("relay/17")).await.unwrap();
        expect(&mut receiver, &frame("relay/17")).await;
        let line = &rig.trace()[0];
        assert_eq!((&line["from"], &line["to"], &line["key"]), (&"n1".into(), &"n2".into(), &"relay/17".into()));
        assert_eq!((&line["what"], &line["bytes"]), (&"passed".into(), &frame("relay/17").len().into()));
        let (came, left) = (line["in"].as_u64().unwrap(), line["out"].as_u64().unwrap());
        assert!(came <= left && left <= rig.clock.now_ns());
    });
}
