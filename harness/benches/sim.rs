//! What virtual time costs: `cargo bench -p temblor --bench sim`.
//!
//! `sim` on one core, 5 nodes of `fifo` over `eager`: node inputs a second, without and with faults.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Instant;

use temblor::cli::SystemArgs;
use temblor::system::System;
use temblor::virtual_time::{Files, Simulated, run};
use temblor_node::algorithms::{self, Settings};
use temblor_workloads::draw::{Wishes, draw};

fn main() {
    println!("machine: {}", temblor::machine::describe());
    for (nemesis, rate) in [("none", 50), ("all", 50), ("none", 2_000)] {
        let (inputs, ops, seconds) = measure(nemesis, rate);
        println!(
            "fifo over eager, 5 nodes, 30 s at {rate}/s, nemesis {nemesis}: {inputs} inputs in {seconds:.3} s, {:.0} a second; history {ops} bytes",
            inputs as f64 / seconds
        );
    }
}

fn measure(nemesis: &str, rate: u32) -> (u64, usize, f64) {
    let system =
        System::find(&SystemArgs { algorithm: "fifo".to_owned(), over: None, fanout: None, http: false }, None)
            .expect("it exists");
    let nodes = (1..=5).map(|n| format!("n{n}")).collect();
    let wishes = Wishes {
        workload: "broadcast".to_owned(),
        nemesis: vec![nemesis.to_owned()],
        length_us: 30_000_000,
        rate,
        ..Wishes::default()
    };
    let plan = draw(&system.setting(nodes), &wishes, 7).expect("a plan can be drawn");
    let header = system.header(&plan).expect("the table is sound");
    let algorithm = algorithms::system("fifo", None).expect("it exists");
    let cluster =
        Simulated::new(&plan.nodes, Box::new(|| (algorithm.build)(Settings::default())), None).expect("names of nodes");
    let begun = Instant::now();
    let facts = run((&plan, &header, system.bound_ms()), cluster, Files::default()).expect("the history can be kept");
    let seconds = begun.elapsed().as_secs_f64();
    (facts.inputs, facts.history.len(), seconds)
}
