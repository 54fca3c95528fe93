//! Runs under a limit of open files: they take no more than they say, and where that is too much they say so and do nothing.

mod command;

use command::Temblor;

/// A short run; how many nodes stands behind it.
const RUN: &str = "run eager --nemesis none --seed 7 --time-limit 100ms --nodes";

#[test]
fn too_many_nodes_are_refused_with_both_numbers_before_anything_starts() {
    let temblor = Temblor::new();
    let ended = temblor.run_below("ulimit -n 256", &format!("{RUN} 100")).expect(5);
    let said = ended.said();
    assert!(said.contains("100 nodes need 30164 open files, and 256 are allowed here: enough for 7 nodes"), "{said}");
    assert!(said.contains("ulimit -n 30164"), "{said}");
    assert!(ended.out.is_empty() && !temblor.file("results").exists(), "nothing is left behind");
    temblor.nothing_is_left();
}

#[test]
fn a_run_needs_no_more_descriptors_than_it_says() {
    let temblor = Temblor::new();
    temblor.run_below("ulimit -n 144", &format!("{RUN} 5")).expect(0);
    let said = temblor.run_below("ulimit -n 143", &format!("{RUN} 5")).expect(5).said();
    assert!(said.contains("5 nodes need 144 open files, and 143 are allowed here: enough for 4 nodes"), "{said}");
}

#[test]
fn the_soft_limit_is_raised_as_far_as_the_run_needs_it() {
    let temblor = Temblor::new();
    temblor.run_below("ulimit -n 256 && ulimit -S -n 32", &format!("{RUN} 5")).expect(0);
}

#[test]
fn virtual_time_needs_no_network_and_so_no_descriptors() {
    let temblor = Temblor::new();
    temblor.run_below("ulimit -n 64", &format!("{RUN} 50 --executor sim")).expect(0);
}
