//! `temblor-node`: one node of a cluster, as a process of its own.

use clap::Parser;

/// One node of a cluster: speaks newline-delimited JSON on stdin and stdout, and with its peers over TCP if it is told to
#[derive(Parser)]
#[command(name = "temblor-node", version)]
struct Cli {
    #[command(flatten)]
    node: temblor_node::NodeArgs,
}

fn main() -> std::process::ExitCode {
    temblor_node::main(&Cli::parse().node)
}
