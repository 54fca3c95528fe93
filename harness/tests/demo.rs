//! `temblor demo` in small: a matrix that is green only where something happened.

mod command;

use std::path::{Path, PathBuf};

use command::{Temblor, until};
use expect_test::expect;
use nix::sys::signal::Signal::SIGTERM;
use serde_json::Value;

/// The folders in a folder, none while it is not there.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn is_clean(run: &Path) -> bool {
    std::fs::read_to_string(run.join("verdict.json")).is_ok_and(|verdict| verdict.contains(r#""outcome": "clean""#))
}

/// The run folders of the only demo.
fn runs(temblor: &Temblor) -> Vec<PathBuf> {
    let demos = temblor.run_folders("results");
    assert_eq!(demos.len(), 1, "each demo has a folder of its own");
    folders(&demos[0])
}

/// The answer without the time that it took.
fn timeless(text: &str) -> String {
    text.split_once(", in ").map_or(text, |(before, _)| before).to_owned()
}

#[test]
fn in_virtual_time_the_matrix_of_an_algorithm_is_always_the_same() {
    let temblor = Temblor::new();
    let ended = temblor.run("demo --algorithms fifo --executor sim").expect(0);
    expect![[r#"
        planted bug                 in                          violates
        ignores-numbers             fifo             found      fifo-order

                              none  disk  kill  pause  partition  connection  link  bugs
        fifo                  ok          ok    ok     ok         ok          ok    1/1
          over retransmit     ok          ok    ok     ok         ok          ok
          over best-effort    ok          ok    ok     ok                     ok
          over durable-eager  ok    ok    ok    ok     ok         ok          ok

        ok: every promise held. FAIL: one was broken. -: not exercised. ?: undecided.
        Blank: outside the model.

        OK: 24 of 24 cells held, 1 of 1 planted bug found"#]]
    .assert_eq(&timeless(&ended.out));
    assert!(ended.out.lines().chain(ended.err.lines()).all(|line| line.chars().count() <= 80 || !line.contains(' ')));
    let explained = temblor.run("explain").expect(0);
    assert!(explained.out.starts_with("fifo-order: "), "latest is the bug that was found: {}", explained.out);
}

#[test]
fn on_real_processes_every_cell_is_a_run_that_can_be_checked() {
    let temblor = Temblor::new();
    let ended = temblor.run("demo --algorithms best-effort --time-limit 300ms --json");
    // On a machine that is too busy a promise may be undecided; broken it is not.
    assert!(matches!(ended.code, Some(0 | 3)), "{}\n{}", ended.out, ended.err);
    let matrix: Value = serde_json::from_str(&ended.out).expect("it is JSON");
    let marks = matrix["runs"].as_array().expect("there are runs");
    assert_eq!(marks.len(), 7, "no fault, five classes of faults, one bug");
    assert_eq!(marks[6]["bug"], "wrong-number");
    assert_eq!(marks[6]["mark"], "found");
    for run in runs(&temblor) {
        let said = temblor.run(&format!("check {}", run.display()));
        let stored = std::fs::read_to_string(run.join("verdict.json")).expect("each run has its verdict");
        let violation = serde_json::from_str::<Value>(&stored).expect("it is JSON")["outcome"] == "violation";
        assert_eq!(said.code == Some(1), violation, "{}", said.out);
    }
    temblor.nothing_is_left();
}

#[test]
fn a_cell_in_which_nothing_happens_is_not_green() {
    let temblor = Temblor::new();
    let ended = temblor.run("demo --algorithms eager-uniform --executor sim --time-limit 0").expect(3);
    let row = ended.out.lines().find(|line| line.starts_with("eager-uniform  ")).expect("there is a row");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!((cells[1], cells[2], cells[7]), ("-", "-", "1/1"), "{row}");
    assert!(ended.out.contains("INCONCLUSIVE: "), "{}", ended.out);
}

#[test]
fn in_full_every_bug_is_there_on_every_executor_and_every_property_has_its_line() {
    let temblor = Temblor::new();
    let ended = temblor.run("demo --algorithms gossip --full --executor sim");
    assert!(matches!(ended.code, Some(0)), "{}\n{}", ended.out, ended.err);
    for property in ["no-duplication", "no-creation", "agreement", "survives"] {
        assert!(ended.out.lines().any(|line| line.starts_with(property)), "{property}: {}", ended.out);
    }
    assert!(ended.out.contains(" 2/2\n"), "{}", ended.out);
}

#[test]
fn an_interrupt_ends_it_and_is_said() {
    let temblor = Temblor::new();
    let running = temblor.start("demo --algorithms eager,fifo,causal --time-limit 300ms");
    let results = temblor.file("results");
    until("a run has been judged", || {
        folders(&results).iter().any(|demo| folders(demo).iter().any(|run| is_clean(run)))
    });
    running.signal(SIGTERM);
    let ended = running.end().expect(3);
    let said: String = ended.out.split_whitespace().map(|word| format!("{word} ")).collect();
    assert!(said.contains(" not run, interrupted by SIGTERM, "), "{said}");
    temblor.nothing_is_left();
}
