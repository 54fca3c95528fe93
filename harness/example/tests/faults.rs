//! How the node is tested: by the promises of FIFO broadcast, under every fault of its model.

use std::path::Path;

use temblor::testing::{Check, Executor};
use temblor_example::{hasty_layers, layers};

const NODE: &str = env!("CARGO_BIN_EXE_temblor-example");

#[test]
fn the_layer_keeps_its_order_in_virtual_time() {
    let passed = Check::by("fifo").layers(layers).nodes(4).seeds(1..=50).run();
    assert!(passed.runs == 50 && passed.deliveries > 1_000);
}

#[test]
fn the_program_keeps_its_order_on_real_processes() {
    Check::by("fifo").node(NODE).nemesis("partition,pause").seeds(1..=2).run();
}

#[test]
fn the_program_keeps_its_order_in_lockstep() {
    Check::by("fifo").node(NODE).executor(Executor::Lockstep).seeds(1..=10).run();
}

#[test]
fn a_plan_that_once_failed_passes() {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/overtaken.json");
    Check::by("fifo").layers(layers).plan(&plan).run();
    let error = Check::by("fifo").layers(hasty_layers).plan(&plan).try_run().expect_err("it did fail");
    assert!(error.to_string().contains("VIOLATION"), "{error}");
}

#[test]
fn what_is_not_ordered_is_shown_with_its_witness() {
    let error =
        Check::by("fifo").layers(hasty_layers).seeds(1..=50).try_run().expect_err("nobody looks at the numbers");
    let text = error.to_string();
    assert!(text.starts_with("VIOLATION of fifo-order, by the promises of fifo"), "{text}");
    for part in ["before", "delivers m", "was shrunk", "are left", "temblor explain"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80 || line.contains('/')), "{text}");
}

#[test]
#[should_panic(expected = "VIOLATION of fifo-order")]
fn a_violation_is_a_panic() {
    Check::by("fifo").layers(hasty_layers).seeds(1..=50).run();
}

#[test]
#[should_panic(expected = "prove")]
fn a_run_in_which_nothing_happened_is_no_proof() {
    Check::by("fifo").layers(layers).nemesis("none").rate(0).run();
}
