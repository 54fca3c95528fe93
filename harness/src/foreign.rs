//! Somebody else's program as a node.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A command line, the same for all nodes of a run. Each node finds its own data directory in `TEMBLOR_DATA_DIR`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NodeCommand {
    /// The program: a path, or a name that a shell would find.
    pub bin: PathBuf,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment variables beside those that it gets anyway.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl NodeCommand {
    /// The name of its file.
    pub fn short_name(&self) -> String {
        self.bin.file_name().map_or_else(|| self.bin.display().to_string(), |name| name.to_string_lossy().into_owned())
    }

    /// The program with its arguments, as they were written.
    pub fn long_name(&self) -> String {
        let arguments: String = self.args.iter().map(|argument| format!(" {argument}")).collect();
        format!("{}{arguments}", self.bin.display())
    }
}
