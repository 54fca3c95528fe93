//! Remote procedure calls: how often a charge takes effect in each mode, and what each planted bug makes of that.

mod network;

use network::{MS, Network, network, network_with};
use temblor_node::rpc::{Charge, Record};

const SERVER: u32 = 1;
const CLIENT: u32 = 2;
const DECLINED: &str = "4000 0000 0000 0002";

fn rpc(mode: &str) -> Network {
    network("rpc", Some(mode), 3)
}

fn charge(network: &mut Network, number: u64) {
    let card = "4000 0000 0000 0010".to_owned();
    network.charge(CLIENT, Charge { charge: number, card, amount: 100 + number });
}

/// The amounts in the server's ledger.
fn charged(network: &Network) -> Vec<u64> {
    let ledger: Vec<Record> = network.nodes[&SERVER].stack.read().unwrap().1.read().unwrap();
    ledger.into_iter().map(|record| record.amount).collect()
}

/// A charge whose answer is lost for a while; in between the server may crash.
fn answer_lost(network: &mut Network, crashes: bool) {
    network.cut(&[(SERVER, CLIENT)]);
    charge(network, 1);
    network.run_for(100 * MS);
    if crashes {
        network.kill_and_lose(SERVER);
        network.restart(SERVER);
    }
    network.mend(&[(SERVER, CLIENT)]);
    network.run_for(2_000 * MS);
}

#[test]
fn without_faults_every_mode_charges_once_and_says_so() {
    for mode in ["no-retry", "retry", "memory-keys", "durable-keys"] {
        let mut network = rpc(mode);
        (1..=3).for_each(|number| charge(&mut network, number));
        network.run_for(1_000 * MS);
        // They overtake each other on the way.
        let (mut amounts, mut done) = (charged(&network), network.nodes[&CLIENT].done.clone());
        amounts.sort();
        done.sort();
        assert_eq!((amounts, done), (vec![101, 102, 103], vec![1, 2, 3]), "{mode}");
    }
}

#[test]
fn without_retries_a_lost_answer_leaves_the_client_in_the_dark() {
    let mut network = rpc("no-retry");
    answer_lost(&mut network, false);
    let client = &network.nodes[&CLIENT];
    assert_eq!((charged(&network).len(), client.given_up.as_slice(), client.done.len()), (1, &[1][..], 0));
}

#[test]
fn a_retry_without_a_key_charges_twice() {
    let mut network = rpc("retry");
    answer_lost(&mut network, false);
    assert_eq!((charged(&network), network.nodes[&CLIENT].done.as_slice()), (vec![101, 101], &[1][..]));
}

#[test]
fn keys_in_memory_hold_until_the_server_crashes() {
    for (crashes, amounts) in [(false, vec![101]), (true, vec![101, 101])] {
        let mut network = rpc("memory-keys");
        answer_lost(&mut network, crashes);
        assert_eq!((charged(&network), network.nodes[&CLIENT].done.as_slice()), (amounts, &[1][..]));
    }
}

#[test]
fn keys_in_the_record_of_the_charge_hold_whatever_happens() {
    for crashes in [false, true] {
        let mut network = rpc("durable-keys");
        answer_lost(&mut network, crashes);
        assert_eq!((charged(&network), network.nodes[&CLIENT].done.as_slice()), (vec![101], &[1][..]));
    }
}

#[test]
fn a_frame_that_comes_twice_charges_twice_without_a_key() {
    for (mode, amounts) in [("no-retry", vec![101, 101]), ("durable-keys", vec![101])] {
        let mut network = rpc(mode);
        network.doubled.insert((CLIENT, SERVER));
        charge(&mut network, 1);
        network.run_for(100 * MS);
        assert_eq!(charged(&network), amounts, "{mode}");
    }
}

#[test]
fn a_declined_card_is_not_charged() {
    let mut network = rpc("durable-keys");
    network.charge(CLIENT, Charge { charge: 1, card: DECLINED.to_owned(), amount: 101 });
    network.run_for(100 * MS);
    assert_eq!((charged(&network).len(), network.nodes[&CLIENT].refused.as_slice()), (0, &[1][..]));
}

#[test]
fn an_answer_to_an_earlier_life_is_none_to_this_one() {
    for (mut network, refused) in [(rpc("durable-keys"), 0), (network_with("call-numbers-reused", 3), 1)] {
        network.cut(&[(CLIENT, SERVER)]);
        network.charge(CLIENT, Charge { charge: 1, card: DECLINED.to_owned(), amount: 101 });
        network.kill(CLIENT);
        network.restart(CLIENT);
        charge(&mut network, 2);
        // What the server would have answered to the first life.
        network.forge((SERVER, CLIENT), r#"{"type":"declined","call":[1,1]}"#);
        assert_eq!(network.nodes[&CLIENT].refused.len(), refused);
    }
}

#[test]
fn the_server_can_be_asked_on_its_own_node() {
    let mut network = rpc("durable-keys");
    network.charge(SERVER, Charge { charge: 1, card: "4000 0000 0000 0010".to_owned(), amount: 101 });
    assert_eq!((charged(&network), network.nodes[&SERVER].done.as_slice()), (vec![101], &[1][..]));
}

#[test]
fn each_planted_bug_shows() {
    for (bug, crashes, amounts) in
        [("retry-with-new-key", false, vec![101, 101]), ("keys-forgotten", true, vec![101, 101])]
    {
        let mut network = network_with(bug, 3);
        answer_lost(&mut network, crashes);
        assert_eq!(charged(&network), amounts, "{bug}");
    }
    let mut network = network_with("silent-on-repeat", 3);
    answer_lost(&mut network, false);
    assert!(network.nodes[&CLIENT].done.is_empty());
    let mut network = network_with("timeout-is-failure", 3);
    answer_lost(&mut network, false);
    assert_eq!((charged(&network), network.nodes[&CLIENT].refused.as_slice()), (vec![101], &[1][..]));
    let mut network = network_with("answers-before-stored", 3);
    charge(&mut network, 1);
    network.run_for(100 * MS);
    network.kill_and_lose(SERVER);
    network.restart(SERVER);
    assert_eq!((charged(&network).len(), network.nodes[&CLIENT].done.as_slice()), (0, &[1][..]));
    let mut network = network_with("truncates-pence", 3);
    charge(&mut network, 14);
    network.run_for(100 * MS);
    assert_eq!(charged(&network), [113]);
}
