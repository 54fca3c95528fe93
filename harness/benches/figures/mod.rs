//! What every benchmark prints around its figures: where they were measured, and whether they are what is asked for.

#![allow(dead_code, reason = "each benchmark that includes this module uses a part of it")]

use std::process::Command;

/// Prints the machine, how busy it is with other things, the commit and the command.
pub fn heading(command: &str) {
    println!("machine: {}", temblor::machine::describe());
    println!("load:    {}", load());
    println!("commit:  {}", commit());
    println!("command: {command}");
}

/// The middle of some values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The commit that is checked out, in short.
pub fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    output.map_or_else(|_| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// How many processes were running on average over the last minute, before this one did anything.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}
