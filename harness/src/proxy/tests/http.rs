//! HTTP between nodes: requests and responses share a connection, and each is under the faults of its own direction.

use temblor_workloads::plan::Mode;
use tokio::io::AsyncWriteExt;

use super::{Framing, Rig, bitten, check_framing, cut, delay, expect, expect_reset, rest};

/// The server's position and the client's.
const SERVER: usize = 0;
const CLIENT: usize = 1;

fn check(test: impl AsyncFnOnce(&Rig)) {
    check_framing(Framing::Http, test);
}

fn message(start: &str, key: &str) -> Vec<u8> {
    let body = format!("{{\"src\":\"n2\",\"dest\":\"n1\",\"key\":\"{key}\",\"body\":{{\"type\":\"charge\"}}}}\n");
    format!("{start}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn request(key: &str) -> Vec<u8> {
    message("POST / HTTP/1.1\r\nHost: n1", key)
}

fn response(key: &str) -> Vec<u8> {
    message("HTTP/1.1 200 OK", key)
}

#[test]
fn requests_go_one_way_and_their_responses_the_other_on_one_connection() {
    check(async |rig| {
        let (mut client, mut server) = rig.connect(CLIENT, SERVER).await;
        for key in ["charge/1", "charge/2"] {
            client.write_all(&request(key)).await.unwrap();
            expect(&mut server, &request(key)).await;
            server.write_all(&response(key)).await.unwrap();
            expect(&mut client, &response(key)).await;
        }
        drop(client);
        assert!(rest(&mut server).await.is_empty());
        for link in [(CLIENT, SERVER), (SERVER, CLIENT)] {
            let tally = rig.tally(link.0, link.1);
            assert_eq!((tally.frames_in, tally.frames_out, tally.torn), (2, 2, 0), "{link:?}");
        }
        let lines: Vec<String> = rig.trace().iter().map(|line| format!("{} {}", line["from"], line["key"])).collect();
        let expected = ["n2 charge/1", "n1 charge/1", "n2 charge/2", "n1 charge/2"];
        assert_eq!(lines.join("; ").replace('"', ""), expected.join("; "));
    });
}

#[test]
fn a_response_is_dropped_as_a_whole_and_its_client_hears_nothing() {
    check(async |rig| {
        let (mut client, mut server) = rig.connect(CLIENT, SERVER).await;
        rig.proxy.apply(7, &cut(Mode::Drop), &[(SERVER, CLIENT)]);
        client.write_all(&request("charge/1")).await.unwrap();
        expect(&mut server, &request("charge/1")).await;
        let lost = response("charge/1");
        server.write_all(&lost[..20]).await.unwrap();
        server.write_all(&lost[20..]).await.unwrap();
        rig.until((SERVER, CLIENT), |tally| tally.dropped == 1).await;
        assert_eq!(bitten(&rig.proxy.lift(7)), [(SERVER, CLIENT, 1)]);
        server.write_all(&response("charge/2")).await.unwrap();
        expect(&mut client, &response("charge/2")).await;
    });
}

#[test]
fn a_request_is_delayed_and_its_response_is_not() {
    check(async |rig| {
        let (mut client, mut server) = rig.connect(CLIENT, SERVER).await;
        rig.proxy.apply(7, &delay(20_000), &[(CLIENT, SERVER)]);
        client.write_all(&request("charge/1")).await.unwrap();
        expect(&mut server, &request("charge/1")).await;
        server.write_all(&response("charge/1")).await.unwrap();
        expect(&mut client, &response("charge/1")).await;
        let fates: Vec<String> = rig.trace().iter().map(|line| line["what"].to_string()).collect();
        assert_eq!(fates, ["\"delayed\"", "\"passed\""]);
    });
}

#[test]
fn a_reset_of_either_direction_breaks_the_connection_on_both_sides() {
    for link in [(CLIENT, SERVER), (SERVER, CLIENT)] {
        check(async |rig| {
            let (mut client, mut server) = rig.connect(CLIENT, SERVER).await;
            client.write_all(&request("charge/1")).await.unwrap();
            expect(&mut server, &request("charge/1")).await;
            let bites = rig.proxy.reset(7, &[link]);
            assert_eq!(bites.iter().map(|bite| bite.connections).sum::<u64>(), 1);
            expect_reset(&mut client).await;
            expect_reset(&mut server).await;
        });
    }
}

#[test]
fn when_a_side_goes_down_the_other_learns_of_it() {
    for node in [CLIENT, SERVER] {
        check(async |rig| {
            let (mut client, mut server) = rig.connect(CLIENT, SERVER).await;
            client.write_all(&request("charge/1")).await.unwrap();
            expect(&mut server, &request("charge/1")).await;
            rig.proxy.down(node);
            expect_reset(if node == CLIENT { &mut server } else { &mut client }).await;
        });
    }
}

#[test]
fn what_is_no_http_costs_its_connection() {
    check(async |rig| {
        let (mut client, mut server) = rig.connect(CLIENT, SERVER).await;
        client.write_all(b"{\"src\":\"n2\"}\n").await.unwrap();
        expect_reset(&mut client).await;
        expect_reset(&mut server).await;
        assert_eq!(rig.tally(CLIENT, SERVER).oversized, 1);
    });
}
