//! `shiviz`: the log format of ShiViz (Beschastnikh, Wang, Brun, Ernst 2016): for each event a line with the host and its
//! vector clock, then a line with what happened. The expression that reads it is `(?<host>\S*) (?<clock>{.*})\n(?<event>.*)`,
//! GoVector's, which ShiViz offers by default.
//!
//! The clocks are Mattern's and Fidge's vector clocks (1988): an event counts one at its host; what arrives takes over what its
//! sender knew when it sent it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use super::moments::{Moment, Op, walk};
use crate::words::harmless;

/// A vector clock: events known of each host.
type Clock = BTreeMap<String, u64>;

/// Writes a run as ShiViz reads it.
///
/// # Errors
/// The run can't be read, or the output not be written.
pub fn shiviz(history: impl Read, trace: Option<impl Read>, out: &mut impl Write) -> io::Result<()> {
    let mut clocks: BTreeMap<String, Clock> = BTreeMap::new();
    // What the sender knew, by the frame's line; a frame that was lost takes it along.
    let mut under_way: BTreeMap<u64, Clock> = BTreeMap::new();
    walk(history, trace, |moment| match moment {
        Moment::Op(op) if concerns_a_node(&op) => {
            let host = host(&op.who());
            let clock = advanced(&mut clocks, &host);
            event(out, &host, clock, &op.what())
        }
        Moment::Op(_) => Ok(()),
        Moment::Sent(frame) => {
            let host = host(&frame.from);
            let clock = advanced(&mut clocks, &host);
            if frame.arrived.is_some() {
                under_way.insert(frame.line, clock.clone());
            }
            event(out, &host, clock, &format!("send {}", frame.what()))
        }
        Moment::Arrived(frame) => {
            let host = host(&frame.to);
            let known = under_way.remove(&frame.line).unwrap_or_default();
            let clock = advanced(&mut clocks, &host);
            for (other, count) in known {
                let entry = clock.entry(other).or_default();
                *entry = count.max(*entry);
            }
            event(out, &host, clock, &format!("receive {} from {}", frame.key, frame.from))
        }
    })
}

/// Whether an op is an event of a host: clients and the nemesis are none.
fn concerns_a_node(op: &Op) -> bool {
    op.process.as_str().is_some_and(|name| name != "nemesis")
}

fn advanced<'c>(clocks: &'c mut BTreeMap<String, Clock>, host: &str) -> &'c mut Clock {
    let clock = clocks.entry(host.to_owned()).or_default();
    *clock.entry(host.to_owned()).or_default() += 1;
    clock
}

fn event(out: &mut impl Write, host: &str, clock: &Clock, what: &str) -> io::Result<()> {
    let what = harmless(what).replace('\n', " ");
    writeln!(out, "{host} {}\n{what}", serde_json::to_string(clock)?)
}

/// A name without blanks.
fn host(name: &str) -> String {
    harmless(name).split_whitespace().collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_follow_the_frames() {
        let history = "{\"index\":0,\"time\":1,\"process\":\"n1\",\"type\":\"info\",\"f\":\"broadcast\",\"value\":7}\n\
                       {\"index\":1,\"time\":9,\"process\":\"n2\",\"type\":\"info\",\"f\":\"deliver\",\"value\":7}\n";
        let trace = "{\"format\":1}\n{\"in\":2,\"out\":5,\"from\":\"n1\",\"to\":\"n2\",\"key\":\"relay/7\",\"bytes\":1,\"what\":\"passed\"}\n";
        let mut out = Vec::new();
        shiviz(history.as_bytes(), Some(trace.as_bytes()), &mut out).unwrap();
        let expected = "n1 {\"n1\":1}\nbroadcast 7\nn1 {\"n1\":2}\nsend relay/7 to n2\n\
                        n2 {\"n1\":2,\"n2\":1}\nreceive relay/7 from n1\nn2 {\"n1\":2,\"n2\":2}\ndeliver 7\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
