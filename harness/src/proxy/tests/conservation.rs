//! Whatever faults come and go, no frame gets lost without a trace.

use proptest::prelude::*;
use temblor_workloads::plan::{Kind, Mode};
use tokio::io::AsyncWriteExt;

use super::{check, cut, delay, frames, rest};

/// A step of a random run.
#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Apply(Kind),
    Lift(usize),
    Turn(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        Just(cut(Mode::Drop)),
        Just(cut(Mode::Hold)),
        (0_u64..3_000).prop_map(delay),
        (0_u32..1_000_000).prop_map(|chance_ppm| Kind::Loss { chance_ppm, links: vec![] }),
        (0_u32..1_000_000).prop_map(|chance_ppm| Kind::Duplicate { chance_ppm, links: vec![] }),
        (0_u64..3_000).prop_map(|delay_max_us| Kind::Jitter { delay_max_us, links: vec![] }),
        (10_000_u64..1_000_000).prop_map(|bytes_per_second| Kind::Rate { bytes_per_second, links: vec![] }),
        (0_u32..1_000_000, 0_u64..3_000).prop_map(|(chance_ppm, delay_us)| Kind::Reorder {
            chance_ppm,
            delay_us,
            links: vec![]
        }),
    ];
    prop_oneof![
        4 => (1_usize..30).prop_map(Step::Send),
        2 => kind.prop_map(Step::Apply),
        2 => (0_usize..8).prop_map(Step::Lift),
        3 => (1_usize..5).prop_map(Step::Turn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_frame_arrives_or_was_taken_and_whoever_left_the_order_was_set_aside(steps in proptest::collection::vec(step(), 1..40)) {
        check(async |rig| {
            let (mut sender, mut receiver) = rig.connect(0, 1).await;
            let (mut sent, mut id, mut bites, mut reorders) = (0, 0, 0, false);
            for step in steps {
                match step {
                    Step::Send(count) => {
                        sender.write_all(&frames(sent, count)).await.unwrap();
                        sent += count;
                    }
                    Step::Apply(kind) => {
                        id += 1;
                        reorders |= matches!(kind, Kind::Reorder { .. });
                        rig.proxy.apply(id, &kind, &[(0, 1)]);
                    }
                    Step::Lift(back) => {
                        bites += rig.proxy.lift(id.saturating_sub(back as u32)).len();
                    }
                    Step::Turn(turns) => {
                        for _ in 0..turns {
                            tokio::task::yield_now().await;
                        }
                    }
                }
            }
            sender.shutdown().await.unwrap();
            rig.until((0, 1), |tally| tally.frames_in == sent as u64).await;
            assert!(bites + rig.proxy.heal().len() == id as usize);
            let text = String::from_utf8(rest(&mut receiver).await).unwrap();
            let tally = rig.tally(0, 1);
            assert_eq!(tally.frames_in + tally.doubled, tally.frames_out + tally.dropped);
            assert_eq!(text.lines().count() as u64, tally.frames_out);
            assert_eq!(rig.trace().len() as u64, tally.frames_out + tally.dropped);
            let numbers: Vec<u64> = text.lines().map(number).collect();
            // What is set aside may in turn overtake what another fault delays; that is no evidence of a reordering.
            let late = numbers.iter().enumerate().filter(|(at, n)| numbers[..*at].iter().any(|before| before > n));
            assert!(reorders || numbers.is_sorted());
            assert!(late.count() as u64 >= tally.overtaken);
        });
    }
}

/// The number in the key of an envelope.
fn number(line: &str) -> u64 {
    let envelope: serde_json::Value = serde_json::from_str(line).unwrap();
    envelope["key"].as_str().unwrap().parse().unwrap()
}
