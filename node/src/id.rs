//! A node's name: the letter n and a number.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A node by the number in its name: `n3` is `NodeId(3)`. On the wire it is the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A name that is not of the form `n<number>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotANode(pub String);

impl fmt::Display for NotANode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no name of a node; temblor's own nodes are called n1, n2, ...", self.0)
    }
}

impl std::error::Error for NotANode {}

impl std::str::FromStr for NodeId {
    type Err = NotANode;

    fn from_str(name: &str) -> Result<Self, NotANode> {
        let digits = name.strip_prefix('n').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse().ok());
        // One name, one node: n01 would be a second name of n1.
        number.map(NodeId).filter(|node| node.to_string() == name).ok_or_else(|| NotANode(name.to_owned()))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::NodeId;

    #[test]
    fn a_name_and_its_number_are_the_same_node() {
        assert_eq!("n12".parse(), Ok(NodeId(12)));
        assert_eq!(NodeId(12).to_string(), "n12");
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["", "n", "12", "n01", "n+1", "node1", "n1x", "n99999999999"] {
            assert!(name.parse::<NodeId>().is_err(), "{name}");
        }
    }
}
