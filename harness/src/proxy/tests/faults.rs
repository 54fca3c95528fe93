//! What each fault does to frames, and what it leaves alone.

use temblor_workloads::link::{ActiveFault, Frame, decide};
use temblor_workloads::plan::{Kind, Mode};
use tokio::io::AsyncWriteExt;

use super::{bitten, check, cut, delay, expect, expect_reset, frame, frames, rest};

#[test]
fn a_cut_that_drops_loses_whole_frames_of_one_direction_and_says_how_many() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        let (mut back, mut back_end) = rig.connect(1, 0).await;
        let text = [frames(0, 3), b"{\"src\":\"n1\",".to_vec()].concat();
        sender.write_all(&text).await.unwrap();
        expect(&mut receiver, &frames(0, 3)).await;
        rig.proxy.apply(1, &cut(Mode::Drop), &[(0, 1)]);
        // The frame that is whole only now falls to the cut, and so do the next ones.
        sender.write_all(&[b"\"body\":1}\n".to_vec(), frames(3, 4)].concat()).await.unwrap();
        back.write_all(&frame("back")).await.unwrap();
        expect(&mut back_end, &frame("back")).await;
        rig.until((0, 1), |tally| tally.dropped == 5).await;
        assert_eq!(bitten(&rig.proxy.lift(1)), [(0, 1, 5)]);
        sender.write_all(&frames(7, 2)).await.unwrap();
        sender.shutdown().await.unwrap();
        assert_eq!(rest(&mut receiver).await, frames(7, 2));
        let lost: Vec<_> = rig.trace().into_iter().filter(|line| line["what"] == "dropped").collect();
        assert!(lost.len() == 5 && lost.iter().all(|line| line["fault"] == 1 && line["out"].is_null()));
    });
}

#[test]
fn a_fault_is_attached_before_the_first_byte() {
    check(async |rig| {
        rig.proxy.apply(1, &cut(Mode::Drop), &[(0, 1), (1, 0)]);
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&frames(0, 2)).await.unwrap();
        sender.shutdown().await.unwrap();
        assert_eq!(rest(&mut receiver).await, b"");
        assert_eq!(bitten(&rig.proxy.lift(1)), [(0, 1, 2), (1, 0, 0)]);
        assert_eq!(rig.proxy.lift(1), []);
    });
}

#[test]
fn chance_strikes_the_frames_that_the_shared_decision_names() {
    check(async |rig| {
        let loss = Kind::Loss { chance_ppm: 400_000, links: vec![] };
        rig.proxy.apply(3, &loss, &[(0, 1)]);
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&frames(0, 200)).await.unwrap();
        sender.shutdown().await.unwrap();
        let mut active = [ActiveFault::new(3, &loss).unwrap()];
        let mut survives = |n: &usize| {
            let key = n.to_string();
            decide(7, &mut active, Frame { from: 0, to: 1, key: key.as_bytes(), bytes: 0, at_ns: 0 }).blocked.is_none()
        };
        let survivors: Vec<usize> = (0..200).filter(|n| survives(n)).collect();
        let expected: Vec<u8> = survivors.iter().flat_map(|n| frame(&n.to_string())).collect();
        assert_eq!(rest(&mut receiver).await, expected);
        assert_eq!(bitten(&rig.proxy.lift(3)), [(0, 1, 200 - survivors.len() as u64)]);
    });
}

#[test]
fn a_cut_that_holds_lets_frames_go_in_their_order_when_it_is_lifted() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.apply(1, &cut(Mode::Hold), &[(0, 1)]);
        for n in 0..20 {
            sender.write_all(&frames(n * 5, 5)).await.unwrap();
            rig.until((0, 1), |tally| tally.held == 5 * (n as u64 + 1)).await;
        }
        assert_eq!(rig.tally(0, 1).frames_out, 0);
        assert_eq!(bitten(&rig.proxy.lift(1)), [(0, 1, 100)]);
        sender.write_all(&frames(100, 1)).await.unwrap();
        expect(&mut receiver, &frames(0, 101)).await;
        let held: Vec<_> = rig.trace().into_iter().filter(|line| line["what"] == "held").collect();
        assert_eq!(held.len(), 100);
        assert!(held.iter().all(|line| line["fault"] == 1 && line["in"].as_u64() <= line["out"].as_u64()));
    });
}

#[test]
fn held_frames_outlive_the_connection_that_they_came_on() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.apply(1, &cut(Mode::Hold), &[(0, 1)]);
        sender.write_all(&frames(0, 3)).await.unwrap();
        drop(sender);
        rig.until((0, 1), |tally| tally.held == 3).await;
        rig.proxy.lift(1);
        assert_eq!(rest(&mut receiver).await, frames(0, 3));
    });
}

#[test]
fn what_one_partition_held_another_still_holds_or_takes() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.apply(1, &cut(Mode::Hold), &[(0, 1)]);
        sender.write_all(&frames(0, 3)).await.unwrap();
        rig.until((0, 1), |tally| tally.held == 3).await;
        rig.proxy.apply(2, &cut(Mode::Hold), &[(0, 1)]);
        rig.proxy.apply(3, &cut(Mode::Drop), &[(0, 1)]);
        rig.proxy.lift(1);
        // One more frame, held by the second, shows that the connection has looked at the change.
        sender.write_all(&frames(3, 1)).await.unwrap();
        rig.until((0, 1), |tally| tally.held == 4).await;
        assert_eq!(bitten(&rig.proxy.lift(2)), [(0, 1, 4)]);
        rig.until((0, 1), |tally| tally.dropped == 4).await;
        assert_eq!(bitten(&rig.proxy.lift(3)), [(0, 1, 4)]);
        sender.write_all(&frame("after")).await.unwrap();
        expect(&mut receiver, &frame("after")).await;
    });
}

#[test]
fn a_cut_that_resets_breaks_what_is_open_and_what_is_opened_and_counts_the_frames() {
    check(async |rig| {
        let listener = rig.up(1).await;
        let mut sender = rig.dial(0, 1).await;
        let mut receiver = listener.accept().await.unwrap().0;
        sender.write_all(&frame("before")).await.unwrap();
        expect(&mut receiver, &frame("before")).await;
        rig.proxy.apply(1, &cut(Mode::Reset), &[(0, 1)]);
        expect_reset(&mut sender).await;
        expect_reset(&mut receiver).await;
        let mut again = rig.dial(0, 1).await;
        again.write_all(&frames(0, 3)).await.unwrap();
        expect_reset(&mut again).await;
        assert_eq!(bitten(&rig.proxy.lift(1)), [(0, 1, 3)]);
        assert_eq!((rig.tally(0, 1).reset, rig.tally(0, 1).resets), (3, 2));
        let mut at_last = rig.dial(0, 1).await;
        at_last.write_all(&frame("after")).await.unwrap();
        drop(listener.accept().await.unwrap());
        expect(&mut listener.accept().await.unwrap().0, &frame("after")).await;
    });
}

#[test]
fn a_reset_takes_what_is_written_and_not_read_yet() {
    check(async |rig| {
        let (mut sender, _receiver) = rig.connect(0, 1).await;
        // Both happen before the proxy runs again.
        assert_eq!(sender.try_write(&frames(0, 4)).unwrap(), frames(0, 4).len());
        rig.proxy.apply(1, &cut(Mode::Reset), &[(0, 1)]);
        expect_reset(&mut sender).await;
        assert_eq!(bitten(&rig.proxy.lift(1)), [(0, 1, 4)]);
    });
}

#[test]
fn delay_keeps_the_order_lets_no_frame_go_early_and_reads_on_meanwhile() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.apply(1, &delay(50_000), &[(0, 1)]);
        for n in 0..50 {
            sender.write_all(&frames(n, 1)).await.unwrap();
            rig.until((0, 1), |tally| tally.frames_in == n as u64 + 1).await;
        }
        expect(&mut receiver, &frames(0, 50)).await;
        assert_eq!(bitten(&rig.proxy.lift(1)), [(0, 1, 50)]);
        let lines = rig.trace();
        let stay = |line: &serde_json::Value| line["out"].as_u64().unwrap() - line["in"].as_u64().unwrap();
        assert!(lines.iter().all(|line| stay(line) >= 50_000_000 && line["what"] == "delayed" && line["fault"] == 1));
    });
}

#[test]
fn a_frame_behind_a_delayed_one_waits_for_it_and_a_lifted_delay_lets_go() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        let an_hour_us = 3_600_000_000;
        rig.proxy.apply(1, &delay(an_hour_us), &[(0, 1)]);
        sender.write_all(&frames(0, 1)).await.unwrap();
        rig.until((0, 1), |tally| tally.delayed == 1).await;
        rig.proxy.apply(2, &Kind::Duplicate { chance_ppm: 0, links: vec![] }, &[(0, 1)]);
        let healed: Vec<_> = rig.proxy.heal().iter().map(|(id, bites)| (*id, bitten(bites))).collect();
        assert_eq!(healed, [(1, vec![(0, 1, 1)]), (2, vec![(0, 1, 0)])]);
        sender.write_all(&frames(1, 1)).await.unwrap();
        expect(&mut receiver, &frames(0, 2)).await;
    });
}

#[test]
fn the_second_copy_follows_the_first_directly() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.apply(1, &Kind::Duplicate { chance_ppm: 1_000_000, links: vec![] }, &[(0, 1)]);
        sender.write_all(&frames(0, 3)).await.unwrap();
        let twice: Vec<u8> = (0..3).flat_map(|n| frames(n, 1).repeat(2)).collect();
        expect(&mut receiver, &twice).await;
        assert_eq!(bitten(&rig.proxy.lift(1)), [(0, 1, 3)]);
        let words: Vec<_> = rig.trace().into_iter().map(|line| line["what"].clone()).collect();
        assert_eq!(words, ["passed", "doubled", "passed", "doubled", "passed", "doubled"]);
    });
}

#[test]
fn a_frame_that_is_set_aside_arrives_later_and_counts_once_others_have_overtaken_it() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        let reorder = Kind::Reorder { chance_ppm: 300_000, delay_us: 50_000, links: vec![] };
        rig.proxy.apply(5, &reorder, &[(0, 1)]);
        sender.write_all(&frames(0, 100)).await.unwrap();
        sender.shutdown().await.unwrap();
        let mut active = [ActiveFault::new(5, &reorder).unwrap()];
        let mut is_aside = |n: &usize| {
            let key = n.to_string();
            let frame = Frame { from: 0, to: 1, key: key.as_bytes(), bytes: 0, at_ns: 0 };
            decide(7, &mut active, frame).set_aside_by.is_some()
        };
        let (aside, in_order): (Vec<usize>, Vec<usize>) = (0..100).partition(&mut is_aside);
        let expected: Vec<u8> = in_order.iter().chain(&aside).flat_map(|n| frame(&n.to_string())).collect();
        assert_eq!(rest(&mut receiver).await, expected);
        let last_in_order = *in_order.last().unwrap();
        let overtaken = aside.iter().filter(|n| **n < last_in_order).count() as u64;
        let bites = rig.proxy.lift(5);
        assert_eq!(bitten(&bites), [(0, 1, overtaken)]);
        assert_eq!((rig.tally(0, 1).overtaken, rig.tally(0, 1).delayed), (overtaken, aside.len() as u64));
        let stay = bites[0].residence;
        assert!(stay.frames == aside.len() as u64 && stay.p50_ns >= 50_000_000, "{stay:?}");
    });
}

#[test]
fn a_reordering_that_strikes_frames_behind_which_nothing_comes_has_not_bitten() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        let reorder = Kind::Reorder { chance_ppm: 1_000_000, delay_us: 1_000, links: vec![] };
        rig.proxy.apply(5, &reorder, &[(0, 1)]);
        sender.write_all(&frames(0, 5)).await.unwrap();
        expect(&mut receiver, &frames(0, 5)).await;
        assert_eq!(bitten(&rig.proxy.lift(5)), [(0, 1, 0)]);
    });
}

#[test]
fn a_half_open_connection_ends_at_the_receiver_takes_what_the_sender_writes_and_resets_it_when_it_is_lifted() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&frames(0, 3)).await.unwrap();
        expect(&mut receiver, &frames(0, 3)).await;
        rig.proxy.apply(1, &Kind::HalfOpen { links: vec![] }, &[(0, 1)]);
        assert_eq!(rest(&mut receiver).await, b"");
        sender.write_all(&frames(3, 4)).await.unwrap();
        rig.until((0, 1), |tally| tally.dropped == 4).await;
        // Who dials now is none the wiser either.
        let mut second = rig.dial(0, 1).await;
        second.write_all(&frames(7, 2)).await.unwrap();
        rig.until((0, 1), |tally| tally.dropped == 6).await;
        let bites = rig.proxy.lift(1);
        assert_eq!((bitten(&bites), bites[0].connections), (vec![(0, 1, 6)], 1));
        expect_reset(&mut sender).await;
        expect_reset(&mut second).await;
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        sender.write_all(&frame("after")).await.unwrap();
        expect(&mut receiver, &frame("after")).await;
    });
}

#[test]
fn what_waits_for_a_receiver_is_lost_when_its_connection_becomes_half_open() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.apply(1, &cut(Mode::Hold), &[(0, 1)]);
        sender.write_all(&frames(0, 3)).await.unwrap();
        rig.until((0, 1), |tally| tally.held == 3).await;
        rig.proxy.apply(2, &Kind::HalfOpen { links: vec![] }, &[(0, 1)]);
        assert_eq!(rest(&mut receiver).await, b"");
        rig.until((0, 1), |tally| tally.dropped == 3).await;
        assert_eq!(bitten(&rig.proxy.lift(2)), [(0, 1, 3)]);
        expect_reset(&mut sender).await;
    });
}

#[test]
fn a_sender_that_closes_a_half_open_connection_is_forgotten() {
    check(async |rig| {
        let (sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.apply(1, &Kind::HalfOpen { links: vec![] }, &[(0, 1)]);
        assert_eq!(rest(&mut receiver).await, b"");
        drop(sender);
        let (mut sender, _) = tokio::join!(rig.dial(0, 1), async {});
        sender.write_all(&frame("x")).await.unwrap();
        rig.until((0, 1), |tally| tally.dropped == 1).await;
        assert_eq!(rig.proxy.lift(1)[0].connections, 1);
        expect_reset(&mut sender).await;
    });
}

#[test]
fn a_delay_says_how_long_it_has_kept_frames() {
    check(async |rig| {
        let (mut sender, mut receiver) = rig.connect(0, 1).await;
        rig.proxy.apply(1, &delay(20_000), &[(0, 1)]);
        sender.write_all(&frames(0, 10)).await.unwrap();
        expect(&mut receiver, &frames(0, 10)).await;
        let stay = rig.proxy.lift(1)[0].residence;
        assert!(stay.frames == 10 && stay.p50_ns >= 20_000_000, "{stay:?}");
    });
}
