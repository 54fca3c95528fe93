//! The machine and the program of a run, for `run.json` and for figures: nothing in a verdict depends on them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::words::counted;

/// A program's file: its path and a hash of its bytes, by which a later replay can tell whether it is the same.
pub fn program(path: &Path) -> Result<Value> {
    let mut file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let (mut hash, mut buffer, mut length) = (0_u64, vec![0; 1 << 20], 0_u64);
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("failed to read {}", path.display()))?;
        if count == 0 {
            break;
        }
        hash = temblor_workloads::chance::mix(hash, &[temblor_workloads::chance::of_bytes(&buffer[..count])]);
        length += count as u64;
    }
    Ok(json!({ "path": path.display().to_string(), "bytes": length, "hash": format!("{hash:016x}") }))
}

/// What [`describe`] gave, in one line; what is not there is left out.
pub fn in_words(machine: &Value) -> String {
    let text = |key: &str| machine[key].as_str().map(str::to_owned);
    let cores = machine["cores"].as_u64().map(|cores| counted(cores, "core", "cores"));
    let kernel = text("kernel").map(|kernel| format!("Linux {kernel}"));
    let words: Vec<String> = [text("processor"), cores, text("memory"), kernel].into_iter().flatten().collect();
    words.join(", ")
}

/// Kernel, processor and memory, as far as the system tells.
pub fn describe() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    json!({
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "processor": field(&read("/proc/cpuinfo"), "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": field(&read("/proc/meminfo"), "MemTotal"),
    })
}
