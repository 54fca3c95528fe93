//! Troubles: what nodes do in virtual time that no fault made them do. It is recorded, and told with what it takes to look
//! into it.

use serde_json::json;

use super::cluster::{Cluster, End};
use super::world::World;

/// So many lines of nonsense are recorded for each node; all are counted.
const NONSENSE_SHOWN: u64 = 10;

impl<C: Cluster> World<'_, C> {
    /// A life has ended by itself, or was ended for what it did.
    pub(super) fn ended(&mut self, node: usize, end: End) {
        let (what, status) = match end {
            End::Exited { status, why } => (format!("exited by itself ({status}): {why}"), status),
            End::Silent(reason) => {
                self.script.reported(node, "silent", &json!({ "reason": reason, "requests": 1 }));
                (format!("did not answer: {reason}"), ENDED.to_owned())
            }
            End::Flood { bytes } => {
                self.script.reported(node, "flood", &json!({ "bytes": bytes }));
                (format!("wrote more than {bytes} bytes for one input"), ENDED.to_owned())
            }
            End::Breach(reason) => {
                self.script.reported(node, "breach", &json!({ "reason": reason }));
                (reason, ENDED.to_owned())
            }
        };
        self.tell(node, &what);
        self.exit(node, &status);
    }

    /// A node wrote what is no envelope, or one that makes no sense.
    pub(super) fn nonsense(&mut self, node: usize, (line, why): (&str, &str)) {
        self.seats[node].nonsense += 1;
        let count = self.seats[node].nonsense;
        if count == 1 {
            self.tell(node, &format!("printed what is no answer and no indication ({why}): {line}"));
        }
        if count <= NONSENSE_SHOWN {
            self.script.reported(node, "nonsense", &json!({ "count": count, "line": line, "why": why }));
        }
    }

    fn tell(&mut self, node: usize, what: &str) {
        self.notes.push(format!("{} {what}", self.script.name(node)));
        self.notes.extend(self.cluster.records(node));
    }
}

/// How a life ends that the controller ends.
const ENDED: &str = "signal 9";
