//! What a client asks a node for: as a request on the wire, as an op of the history, and which answer belongs to it.

use serde_json::{Value, json};
use temblor_workloads::payments::Charge;
use temblor_workloads::plan::{Ask, Operation};

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To broadcast this message.
    Broadcast(u64),
    /// The charge of this number.
    Charge(u64),
    /// What the payment service has charged.
    Ledger,
    /// What a node has delivered.
    Messages,
    /// The echo of what belongs to this number.
    Echo(u64),
    /// The id of this number.
    Generate(u64),
}

impl Asked {
    /// What an operation of a plan asks for.
    pub fn of(operation: &Operation) -> Self {
        Self::new(operation.ask, operation.number)
    }

    /// A request of this kind and number.
    pub fn new(ask: Ask, number: u64) -> Self {
        match ask {
            Ask::Broadcast => Self::Broadcast(number),
            Ask::Charge => Self::Charge(number),
            Ask::Echo => Self::Echo(number),
            Ask::Generate => Self::Generate(number),
        }
    }

    /// The message that is to be broadcast, if that is what is asked for.
    pub fn message(self) -> Option<u64> {
        match self {
            Self::Broadcast(message) => Some(message),
            _ => None,
        }
    }

    /// The `f` of its ops.
    pub fn f(self) -> &'static str {
        match self {
            Self::Broadcast(_) => "broadcast",
            Self::Charge(_) => "charge",
            Self::Ledger => "ledger",
            Self::Messages => "read",
            Self::Echo(_) => "echo",
            Self::Generate(_) => "generate",
        }
    }

    /// The type of the reply that says that it is done.
    pub fn reply(self) -> &'static str {
        match self {
            Self::Broadcast(_) => "broadcast_ok",
            Self::Charge(_) => "charge_ok",
            Self::Ledger | Self::Messages => "read_ok",
            Self::Echo(_) => "echo_ok",
            Self::Generate(_) => "generate_ok",
        }
    }

    /// What the reply has to say, by the name that it has there; `None` where it says nothing but that it is done.
    pub fn told(self) -> Option<&'static str> {
        match self {
            Self::Broadcast(_) | Self::Charge(_) => None,
            Self::Ledger => Some("ledger"),
            Self::Messages => Some("messages"),
            Self::Echo(_) => Some("echo"),
            Self::Generate(_) => Some("id"),
        }
    }

    /// The body of its request.
    pub fn body(self, msg_id: u64) -> String {
        match self {
            Self::Broadcast(message) => {
                format!("{{\"type\":\"broadcast\",\"msg_id\":{msg_id},\"message\":{message}}}")
            }
            Self::Charge(number) => {
                let Charge { charge, card, amount } = Charge::of(number);
                json!({ "type": "charge", "msg_id": msg_id, "charge": charge, "card": card, "amount": amount })
                    .to_string()
            }
            Self::Echo(_) => json!({ "type": "echo", "msg_id": msg_id, "echo": self.value()["echo"] }).to_string(),
            Self::Generate(_) => format!("{{\"type\":\"generate\",\"msg_id\":{msg_id}}}"),
            Self::Ledger | Self::Messages => format!("{{\"type\":\"read\",\"msg_id\":{msg_id}}}"),
        }
    }

    /// What the value of its ops says beside the node, for what is no broadcast.
    pub fn value(self) -> Value {
        match self {
            Self::Broadcast(message) => json!({ "message": message }),
            Self::Charge(number) => serde_json::to_value(Charge::of(number)).expect("a charge is plain data"),
            Self::Echo(number) => json!({ "number": number, "echo": format!("please echo {number}") }),
            Self::Generate(number) => json!({ "number": number }),
            Self::Ledger | Self::Messages => json!({}),
        }
    }
}
