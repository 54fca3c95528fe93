//! The plan: everything that a run will do, decided before it begins.
//!
//! A plan is the only input of a run beside the system under test. Times are integers in microseconds; numbers, senders,
//! targets and answers are written out, so that removing an entry changes nothing else. See PLAN.md for the file format.

use serde::{Deserialize, Serialize};

pub use crate::kind::Kind;
use crate::topology::Topology;

/// The format version of a plan file.
pub const FORMAT: u32 = 1;

/// The word that stands, as a target, for whoever leads when the fault is due.
pub const LEADER: &str = "leader";

/// Everything that a run will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// The system that the plan was made for: an algorithm of the table, such as `fifo`.
    pub algorithm: String,
    /// The layer below, where the algorithm takes one, such as `best-effort`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// To how many others gossip passes a message on, where that is not the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fanout: Option<u32>,
    /// Whether real nodes speak HTTP/1.1 with each other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub http: bool,
    /// Which neighbours nodes are told of that ask for no connections of their own.
    #[serde(default, skip_serializing_if = "Topology::is_default")]
    pub topology: Topology,
    /// At most so many requests are open at a time; one that is due waits. Absent: as many as fall due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients_max: Option<u32>,
    /// The workload that drew it; for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workload: String,
    /// The seed: of the link decisions and of the nodes' own choices.
    pub seed: u64,
    /// The nodes' names.
    pub nodes: Vec<String>,
    /// Length of the main phase, us; then everything is healed and drained.
    pub length_us: u64,
    /// Whether faults outside the system model are allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond_model: bool,
    /// The faults and classes of faults that were asked for (`kill`, `partition`, `link`, `loss`, ...); each must bite, or the
    /// run is inconclusive.
    #[serde(default)]
    pub requested: Vec<String>,
    /// What clients ask for.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Reactions.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// A moment: a time since the main phase began, or so long after something was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// Microseconds since the main phase began: `{"at_us":120000}`.
    AtUs(u64),
    /// After something was seen: `{"after":{...}}`.
    After(Anchor),
}

/// Something that can be seen in a run, and a delay after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// What must be seen.
    pub seen: Seen,
    /// How long after it, us.
    #[serde(default)]
    pub delay_us: u64,
}

/// What an anchor waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Seen {
    /// A node's `count`-th delivery: `{"deliveries":{"node":"n2","count":3}}`.
    Deliveries {
        /// The node.
        node: String,
        /// How many, from 1.
        count: u64,
    },
    /// A node's delivery of one message: `{"deliver":{"node":"n2","message":17}}`.
    Deliver {
        /// The node.
        node: String,
        /// The message.
        message: u64,
    },
    /// Any node's claim to lead, of at least this term: `{"leader":{"term":1}}`.
    Leader {
        /// The lowest term that counts.
        term: u64,
    },
    /// The `nth` frame of this key on this link has reached the proxy: `{"frame":{"from":"n1","to":"n2","key":"relay/17","nth":1}}`.
    Frame {
        /// The sender.
        from: String,
        /// The receiver.
        to: String,
        /// The frame key.
        key: String,
        /// Which occurrence, from 1.
        nth: u64,
    },
    /// Of what a node does on its `count`-th input, the first `cut` outputs have left and no more; in virtual time only:
    /// `{"input":{"node":"n2","count":17,"cut":1}}`. A kill there is a crash in the middle of a step.
    Input {
        /// The node.
        node: String,
        /// Which of its inputs, from 1: requests, frames and wake-ups, but not `init`.
        count: u64,
        /// How many outputs have left: frames, indications and answers. All, if there are fewer.
        #[serde(default)]
        cut: u32,
    },
    /// A fault of this plan has been lifted or has completed: `{"fault":{"id":1}}`.
    Fault {
        /// The fault's id.
        id: u32,
    },
}

/// A client's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OperationText", into = "OperationText")]
pub struct Operation {
    /// When it is due.
    pub when: When,
    /// The node that is asked.
    pub node: String,
    /// For what.
    pub ask: Ask,
    /// The number of the message or of the charge, unique in the plan.
    pub number: u64,
}

impl Operation {
    /// A request to broadcast the message of this number.
    pub fn broadcast(when: When, node: impl Into<String>, number: u64) -> Self {
        Self { when, node: node.into(), ask: Ask::Broadcast, number }
    }
}

/// What clients ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ask {
    /// To broadcast a message.
    #[default]
    Broadcast,
    /// To charge a card ([`crate::payments`]).
    Charge,
    /// To be told what it says.
    Echo,
    /// For an id that nobody is given again.
    Generate,
}

/// An operation as it stands in a file: what is asked for is the name of its number.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationText {
    when: When,
    node: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broadcast: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charge: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    echo: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generate: Option<u64>,
}

impl TryFrom<OperationText> for Operation {
    type Error = &'static str;

    fn try_from(text: OperationText) -> Result<Self, Self::Error> {
        let asks = [
            (Ask::Broadcast, text.broadcast),
            (Ask::Charge, text.charge),
            (Ask::Echo, text.echo),
            (Ask::Generate, text.generate),
        ];
        let mut asks = asks.into_iter().filter_map(|(ask, number)| Some((ask, number?)));
        let (ask, number) = asks.next().ok_or("missing field `broadcast`, `charge`, `echo` or `generate`")?;
        if asks.next().is_some() {
            return Err("an operation asks for one thing: a broadcast, a charge, an echo or an id");
        }
        Ok(Self { when: text.when, node: text.node, ask, number })
    }
}

impl From<Operation> for OperationText {
    fn from(operation: Operation) -> Self {
        let Operation { when, node, ask, number } = operation;
        let number = |of: Ask| (ask == of).then_some(number);
        let [broadcast, charge, echo, generate] = [Ask::Broadcast, Ask::Charge, Ask::Echo, Ask::Generate].map(number);
        Self { when, node, broadcast, charge, echo, generate }
    }
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Unique in the plan, from 1.
    pub id: u32,
    /// When it is due.
    pub when: When,
    /// How long it lasts, us; absent: until the heal. What is instant has none: a kill, a reset of connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_us: Option<u64>,
    /// What it is.
    pub fault: Kind,
}

/// A directed link: from, to.
pub type Link = (String, String);

/// The fate of one frame: `{"link":["n1","n2"],"key":"relay/17","nth":1,"fate":"lost"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bite {
    /// Where the frame goes.
    pub link: Link,
    /// Its key.
    pub key: String,
    /// Which frame of this key on this link since the fault began, from 1.
    pub nth: u32,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fate {
    /// It is lost.
    Lost,
    /// It is sent twice.
    Doubled,
    /// It takes so long, us, and later frames overtake it. On real processes that comes on top of what it takes anyway.
    LateUs(u64),
    /// It arrives at this time of the main phase, us, or as soon after that as it is sent. In virtual time only.
    AtUs(u64),
}

/// A group that is known only when the fault is due: the leader and some others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AroundLeader {
    /// Who stays with the leader.
    #[serde(default)]
    pub with: Vec<String>,
    /// Which links between the group and the rest are cut.
    #[serde(default)]
    pub direction: Direction,
}

/// Which of the links between a group and the rest are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Into the group.
    In,
    /// Out of the group.
    Out,
}

/// What a partition does to the frames that it blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// They are lost.
    #[default]
    Drop,
    /// They wait, and are delivered when the partition is lifted.
    Hold,
    /// They are lost, and the connection is reset.
    Reset,
}

/// A reaction: as soon as a node has delivered a message, a client asks that node to broadcast another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The message whose delivery is waited for.
    pub on_deliver: u64,
    /// The node at which it is waited for, and which broadcasts then.
    pub node: String,
    /// The number of the answer, unique in the plan.
    pub broadcast: u64,
}

impl When {
    /// Whether only virtual time knows this moment: it lies between two outputs of a node.
    pub fn needs_virtual_time(&self) -> bool {
        matches!(self, When::After(Anchor { seen: Seen::Input { .. }, .. }))
    }
}
