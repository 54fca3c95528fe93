//! The node as a program: what temblor starts for each node of a cluster, on real processes and in lockstep.

use std::process::ExitCode;

fn main() -> ExitCode {
    temblor_node::serve(temblor_example::layers)
}
