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
        }
    }

    /// The message that is to be broadcast, if that is what is asked for.
    pub fn message(self) -> Option<u64> {
        match self {
            Self::Broadcast(message) => Some(message),
            Self::Charge(_) | Self::Ledger => None,
        }
    }

    /// The `f` of its ops.
    pub fn f(self) -> &'static str {
        match self {
            Self::Broadcast(_) => "broadcast",
            Self::Charge(_) => "charge",
            Self::Ledger => "ledger",
        }
    }

    /// The type of the reply that says that it is done.
    pub fn reply(self) -> &'static str {
        match self {
            Self::Broadcast(_) => "broadcast_ok",
            Self::Charge(_) => "charge_ok",
            Self::Ledger => "read_ok",
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
            Self::Ledger => format!("{{\"type\":\"read\",\"msg_id\":{msg_id}}}"),
        }
    }

    /// What the value of its ops says beside the node, for what is no broadcast.
    pub fn value(self) -> Value {
        match self {
            Self::Broadcast(message) => json!({ "message": message }),
            Self::Charge(number) => serde_json::to_value(Charge::of(number)).expect("a charge is plain data"),
            Self::Ledger => json!({}),
        }
    }
}
