//! Each layer does what its pseudocode says, on the network in memory.

mod network;

use network::{MS, Network, network, properties};
use proptest::prelude::*;
use temblor_node::bugs::Bug;
use temblor_node::layers::reliable_links::{RETRY_FIRST_NS, RETRY_MAX_NS, WINDOW};

fn settled(mut network: Network) -> Network {
    network.heal();
    network.run_for(2_000 * MS);
    network
}

// Reliable links, as `retransmit` has them.

#[test]
fn a_frame_that_is_acknowledged_is_sent_once() {
    let mut network = network("retransmit", None, 3);
    network.broadcast(1, 7);
    network.run_for(1_000 * MS);
    assert_eq!((network.count((1, 2), "send/7"), network.count((2, 1), "ack/send/7")), (1, 1));
}

#[test]
fn a_lost_frame_is_sent_again_with_the_same_key_and_the_same_bytes_after_pauses_that_double_up_to_the_cap() {
    let mut network = network("retransmit", None, 2);
    network.cut(&[(1, 2)]);
    network.broadcast(1, 7);
    let mut times = Vec::new();
    while network.now < 1_000 * MS {
        let before = network.count((1, 2), "send/7");
        network.run_for(MS);
        if network.count((1, 2), "send/7") > before {
            times.push(network.now / MS);
        }
    }
    assert_eq!(times, [25, 75, 175, 375, 575, 775, 975]);
    assert_eq!((RETRY_FIRST_NS, RETRY_MAX_NS), (25 * MS, 200 * MS));
    let bodies: Vec<&str> = network.sent.iter().map(|sent| sent.body.as_str()).collect();
    assert_eq!(bodies, [r#"{"type":"data","seq":0,"m":{"type":"send","m":7}}"#; 8]);
}

#[test]
fn a_frame_is_delivered_once_however_often_it_comes() {
    let mut network = network("retransmit", None, 2);
    network.doubled.extend([(1, 2), (2, 1)]);
    network.cut(&[(2, 1)]);
    network.broadcast(1, 7);
    network.run_for(500 * MS);
    assert!(network.count((1, 2), "send/7") > 3);
    assert_eq!(settled(network).delivered(2), [7]);
}

#[test]
fn a_frame_that_is_lost_does_not_delay_the_first_retry_of_another() {
    let mut network = network("retransmit", None, 3);
    network.kill(3);
    network.broadcast(1, 7);
    network.run_for(1_000 * MS);
    network.cut(&[(1, 2)]);
    network.broadcast(1, 8);
    network.run_for(RETRY_FIRST_NS + MS);
    assert_eq!(network.count((1, 2), "send/8"), 2);
}

#[test]
fn to_a_node_that_is_gone_a_window_of_frames_is_sent_again_and_no_more() {
    let mut network = network("retransmit", None, 2);
    network.kill(2);
    (0..1_000).for_each(|message| network.broadcast(1, message));
    network.run_for(1_000 * MS);
    let before = network.sent.len();
    network.run_for(1_000 * MS);
    let rounds = usize::try_from(1_000 * MS / RETRY_MAX_NS).unwrap();
    assert_eq!(network.sent.len() - before, rounds * WINDOW);
}

#[test]
fn after_a_long_cut_a_large_backlog_is_delivered_well_within_the_bound() {
    let mut network = network("retransmit", None, 2);
    network.cut(&[(1, 2)]);
    for message in 0..20_000 {
        network.broadcast(1, message);
    }
    network.run_for(3_000 * MS);
    network.heal();
    network.run_for(1_000 * MS);
    assert_eq!(network.delivered(2).len(), 20_000);
    let extra = network.sent.iter().filter(|sent| sent.link == (1, 2)).count() - 20_000;
    assert!(extra < 22_000, "{extra} retransmissions of 20000 frames");
}

// Best-effort broadcast.

#[test]
fn best_effort_sends_once_and_what_links_lose_is_lost() {
    let mut network = network("best-effort", None, 3);
    network.cut(&[(1, 3)]);
    network.doubled.insert((1, 2));
    network.broadcast(1, 7);
    let network = settled(network);
    assert_eq!((network.delivered(1), network.delivered(2), network.delivered(3)), (&[7][..], &[7, 7][..], &[][..]));
    assert_eq!(network.sent.len(), 2);
}

#[test]
fn over_reliable_links_a_sender_that_crashes_half_way_leaves_some_behind() {
    let mut network = network("retransmit", None, 3);
    network.cut(&[(1, 3)]);
    network.broadcast(1, 7);
    network.run_for(5 * MS);
    network.kill(1);
    let network = settled(network);
    assert_eq!((network.delivered(2), network.delivered(3)), (&[7][..], &[][..]));
    assert_eq!(properties::violated(&network, &[("agreement", "while-sender-lives")]), [] as [String; 0]);
    assert_eq!(properties::violated(&network, &[("agreement", "always")]), ["agreement"]);
}

// Eager reliable broadcast.

#[test]
fn eager_relays_to_each_other_node_when_it_hears_of_a_message_for_the_first_time() {
    let mut network = network("eager", None, 4);
    network.broadcast(1, 7);
    network.run_for(1_000 * MS);
    let relays = network.sent.iter().filter(|sent| sent.key == "relay/7").count();
    assert_eq!(relays, 4 * 3);
    for node in 1..=4 {
        assert_eq!(network.delivered(node), [7]);
    }
}

#[test]
fn eager_reaches_all_through_a_chain_of_nodes_that_crash_one_after_the_other() {
    let mut network = network("eager", None, 4);
    network.cut(&[(1, 3), (1, 4), (2, 4)]);
    network.broadcast(1, 7);
    network.run_for(5 * MS);
    network.kill(1);
    network.run_for(5 * MS);
    network.kill(2);
    let network = settled(network);
    assert_eq!((network.delivered(3), network.delivered(4)), (&[7][..], &[7][..]));
}

// FIFO broadcast.

#[test]
fn fifo_holds_back_what_comes_too_early() {
    let mut network = network("fifo", None, 3);
    let into_3 = [(1, 3), (2, 3)];
    network.cut(&into_3);
    network.broadcast(1, 7);
    network.run_for(10 * MS);
    network.mend(&into_3);
    network.broadcast(1, 8);
    network.broadcast(1, 9);
    network.run_for(5 * MS);
    assert_eq!((network.delivered(2), network.delivered(3)), (&[7, 8, 9][..], &[][..]));
    assert_eq!(settled(network).delivered(3), [7, 8, 9]);
}

#[test]
fn fifo_over_best_effort_holds_back_for_ever_behind_a_message_that_was_lost() {
    let mut network = network("fifo", Some("best-effort"), 2);
    network.cut(&[(1, 2)]);
    network.broadcast(1, 7);
    network.mend(&[(1, 2)]);
    network.broadcast(1, 8);
    let network = settled(network);
    assert_eq!(network.delivered(2), [] as [u64; 0]);
    assert_eq!(properties::violated(&network, &[("fifo-order", "always"), ("agreement", "always")]), ["agreement"]);
}

#[test]
fn fifo_delivers_a_copy_from_a_layer_below_that_doubles_only_once() {
    let mut network = network("fifo", Some("best-effort"), 2);
    network.doubled.insert((1, 2));
    (0..50).for_each(|message| network.broadcast(1, message));
    assert_eq!(settled(network).delivered(2), (0..50).collect::<Vec<u64>>());
}

// Frames that make no sense.

#[test]
fn a_frame_that_makes_no_sense_is_complained_of_and_does_no_harm() {
    let bodies = [
        "null",
        "[]",
        "{}",
        r#"{"type":"data"}"#,
        r#"{"type":"data","seq":0}"#,
        r#"{"type":"data","seq":-1,"m":1}"#,
        r#"{"type":"vote","seq":0,"m":1}"#,
        r#"{"type":"data","seq":0,"m":{"type":"relay","sender":"c1","seq":0,"m":1}}"#,
        r#"{"type":"data","seq":1,"m":{"type":"relay","sender":"n2","seq":0,"m":{"type":"fifo","sender":"n2","seq":0,"m":"x"}}}"#,
    ];
    let mut network = network("fifo", None, 2);
    for (at, body) in bodies.iter().enumerate() {
        network.forge((2, 1), body);
        assert_eq!(network.nodes[&1].complaints.len(), at + 1, "{body}");
    }
    network.forge((2, 1), r#"{"type":"ack","seq":99}"#);
    network.broadcast(1, 7);
    assert_eq!(settled(network).delivered(2), [7]);
}

// All of them, under faults drawn by chance.

#[derive(Clone, Copy, Debug)]
enum Act {
    Broadcast(u32),
    Cut(u32, u32),
    Mend(u32, u32),
    Double(u32, u32),
    Lose(u64),
    Pause(u32),
    Resume(u32),
    Kill(u32),
    Pass(u64),
}

const NODES: u32 = 4;

fn act() -> impl Strategy<Value = Act> {
    let node = || 1..=NODES;
    prop_oneof![
        6 => node().prop_map(Act::Broadcast),
        3 => (node(), node()).prop_map(|(a, b)| Act::Cut(a, b)),
        2 => (node(), node()).prop_map(|(a, b)| Act::Mend(a, b)),
        1 => (node(), node()).prop_map(|(a, b)| Act::Double(a, b)),
        1 => (0u64..600).prop_map(Act::Lose),
        1 => node().prop_map(Act::Pause),
        1 => node().prop_map(Act::Resume),
        1 => node().prop_map(Act::Kill),
        6 => (0u64..200_000).prop_map(Act::Pass),
    ]
}

fn perform(acts: &[Act], network: &mut Network) {
    let (mut message, mut killed) = (0, 0);
    for act in acts {
        match *act {
            Act::Broadcast(node) => {
                message += 1;
                network.broadcast(node, message);
            }
            Act::Cut(from, to) => network.cut(&[(from, to)]),
            Act::Mend(from, to) => network.mend(&[(from, to)]),
            Act::Double(from, to) => drop(network.doubled.replace((from, to))),
            Act::Lose(permille) => network.loss_permille = permille,
            Act::Pause(node) => network.pause(node),
            Act::Resume(node) => network.resume(node),
            Act::Kill(node) if killed + 1 < NODES => {
                network.kill(node);
                killed += 1;
            }
            Act::Kill(_) => {}
            Act::Pass(us) => network.run_for(us * 1_000),
        }
    }
    network.heal();
    network.run_for(2_000 * MS);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn every_algorithm_keeps_its_promises_within_its_model(acts in prop::collection::vec(act(), 0..60), seed: u64) {
        for (name, over) in [("best-effort", None), ("retransmit", None), ("eager", None), ("fifo", None), ("fifo", Some("retransmit"))] {
            let mut network = network(name, over, NODES).seeded(seed);
            perform(&acts, &mut network);
            let promises = temblor_node::algorithms::system(name, over).unwrap().promises;
            prop_assert_eq!(properties::violated(&network, promises), [] as [String; 0], "{} over {:?}", name, over);
        }
    }

    #[test]
    fn fifo_over_best_effort_keeps_its_safety_over_any_links(acts in prop::collection::vec(act(), 0..60), seed: u64) {
        let mut network = network("fifo", Some("best-effort"), NODES).seeded(seed);
        perform(&acts, &mut network);
        let safety = [("no-duplication", "always"), ("no-creation", "always"), ("fifo-order", "always"), ("survives", "always")];
        prop_assert_eq!(properties::violated(&network, &safety), [] as [String; 0]);
    }

    #[test]
    fn fifo_over_best_effort_keeps_all_promises_over_reliable_links(acts in prop::collection::vec(act(), 0..60), seed: u64) {
        let within = |act: &Act| matches!(act, Act::Broadcast(_) | Act::Pause(_) | Act::Resume(_) | Act::Kill(_) | Act::Pass(_));
        let acts: Vec<Act> = acts.into_iter().filter(within).collect();
        let mut network = network("fifo", Some("best-effort"), NODES).seeded(seed);
        perform(&acts, &mut network);
        let promises = temblor_node::algorithms::system("fifo", Some("best-effort")).unwrap().promises;
        prop_assert_eq!(properties::violated(&network, promises), [] as [String; 0]);
    }

    #[test]
    fn equal_inputs_give_equal_bytes(acts in prop::collection::vec(act(), 0..40), seed: u64) {
        let run = || {
            let mut network = network("fifo", None, NODES).seeded(seed);
            perform(&acts, &mut network);
            network.sent
        };
        prop_assert_eq!(run(), run());
    }
}

#[test]
fn a_node_that_panics_is_seen_to_have_fallen() {
    let retransmit = temblor_node::algorithms::system("retransmit", None).unwrap();
    let mut network = Network::of(|| (retransmit.build)(Default::default()), 2, Some(Bug::DiesOfSecondAck));
    network.doubled.insert((2, 1));
    network.broadcast(1, 7);
    network.run_for(10 * MS);
    assert_eq!(properties::violated(&network, &[("survives", "always")]), ["survives"]);
}
