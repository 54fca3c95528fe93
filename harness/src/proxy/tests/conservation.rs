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
    fn every_frame_arrives_or_was_taken_and_the_order_is_kept(steps in proptest::collection::vec(step(), 1..40)) {
        check(async |rig| {
            let (mut sender, mut receiver) = rig.connect(0, 1).await;
            let (mut sent, mut id, mut bites) = (0, 0, 0);
            for step in steps {
                match step {
                    Step::Send(count) => {
                        sender.write_all(&frames(sent, count)).await.unwrap();
                        sent += count;
                    }
                    Step::Apply(kind) => {
                        id += 1;
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
            assert!(numbers.is_sorted());
        });
    }
}

/// The number in the key of an envelope.
fn number(line: &str) -> u64 {
    let envelope: serde_json::Value = serde_json::from_str(line).unwrap();
    envelope["key"].as_str().unwrap().parse().unwrap()
}
