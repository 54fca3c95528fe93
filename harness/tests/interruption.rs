//! Runs that are interrupted: by SIGKILL, by a person, by the system; and runs side by side.
//!
//! The moments are chosen by what the history holds, so that each is met on a slow machine too.

mod command;

use std::collections::BTreeSet;
use std::path::PathBuf;

use command::{Ended, Running, Temblor, count_in_history, until};
use nix::sys::signal::Signal::{self, SIGINT, SIGKILL, SIGTERM};

/// A run that does not end by itself within a test.
const LONG: &str = "run fifo --nodes 3 --nemesis pause,partition --seed 4 --time-limit 60s";
/// A run whose drain lasts as long as the model allows: a message is never delivered where it must be.
const SLOW_DRAIN: &str = "run eager --bug forgets-itself --nodes 3 --nemesis none --seed 4 --time-limit 300ms";
/// What `f` the first line of each life has.
const START: &str = r#""f":"start""#;
const DELIVER: &str = r#""f":"deliver""#;
const HEALED: &str = r#""type":"ok","f":"heal""#;
const INTERRUPTED: &str = r#""f":"interrupted""#;
const DRAINED: &str = r#""f":"drained""#;

/// A run that has written `word` so often.
fn started(temblor: &Temblor, words: &str, (word, count): (&str, usize)) -> Running {
    let running = temblor.start(words);
    let results = temblor.file("results");
    until(&format!("{count} times {word}"), || count_in_history(&results, word) >= count);
    running
}

/// A run, an interrupt when it has written `word` so often, and its end.
fn interrupted(temblor: &Temblor, words: &str, (at, signal): ((&str, usize), Signal)) -> Ended {
    let running = started(temblor, words, at);
    running.signal(signal);
    let ended = running.end();
    assert!(temblor.processes().is_empty(), "left: {:#?}", temblor.processes());
    ended
}

fn in_history(temblor: &Temblor, word: &str) -> bool {
    count_in_history(&temblor.file("results"), word) > 0
}

#[test]
fn sigkill_at_any_moment_leaves_a_readable_history_and_no_process() {
    let moments =
        [("{", 0), ("{", 1), (START, 1), (START, 3), (DELIVER, 1), (DELIVER, 4), (DELIVER, 60), (DELIVER, 150)];
    for moment in moments {
        let temblor = Temblor::new();
        let ended = interrupted_for_good(&temblor, moment);
        assert_eq!(ended.code, None, "{moment:?}");
        temblor.nothing_is_left();
        if temblor.file("results").exists() {
            is_cut_short(&temblor);
        }
    }
}

/// SIGKILL of the process that the user started; the others end in their own time.
fn interrupted_for_good(temblor: &Temblor, moment: (&str, usize)) -> Ended {
    let running = started(temblor, LONG, moment);
    running.signal(SIGKILL);
    running.end()
}

/// Every run folder is readable, and judged as what it is.
fn is_cut_short(temblor: &Temblor) {
    for folder in temblor.run_folders("results") {
        let path = folder.display();
        if !folder.join("history.jsonl").exists() {
            temblor.run(&format!("check {path}")).expect(2);
            continue;
        }
        let judged = temblor.run(&format!("check {path}"));
        // Nothing was acknowledged or delivered: that outranks it.
        let code = if judged.out.contains(" (0 acknowledged") && judged.out.contains(" 0 deliveries") { 4 } else { 3 };
        let judged = judged.expect(code);
        let said = judged.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("cut short"), "{}", judged.out);
        temblor.run(&format!("explain {path}")).expect(0);
    }
}

#[test]
fn the_first_interrupt_heals_drains_and_judges() {
    for signal in [SIGINT, SIGTERM, Signal::SIGHUP] {
        let temblor = Temblor::new();
        let ended = interrupted(&temblor, LONG, ((DELIVER, 20), signal)).expect(3);
        assert!(ended.said().contains(&format!("interrupted by {signal}")), "{}", ended.err);
        assert!(ended.out.contains("INCONCLUSIVE") && ended.out.contains("interrupted"), "{}", ended.out);
        assert!([INTERRUPTED, HEALED, DRAINED].iter().all(|word| in_history(&temblor, word)));
        let again = temblor.run("check results/latest").expect(3);
        assert!(again.out.ends_with(&ended.out), "{} is not the end of {}", ended.out, again.out);
    }
}

#[test]
fn an_interrupt_while_nodes_start_ends_the_run() {
    let temblor = Temblor::new();
    // `tail` reads its input to the end and answers nothing.
    let words = "run best-effort --nodes 2 --nemesis none --bin /usr/bin/tail -- -n 0 -f /dev/null";
    let ended = interrupted(&temblor, words, ((START, 2), SIGINT));
    // Nothing was asked of any node: there is nothing to judge.
    let ended = ended.expect(4);
    assert!(ended.said().contains("interrupted by SIGINT"), "{}", ended.err);
    assert!(in_history(&temblor, INTERRUPTED));
    temblor.run("check results/latest").expect(4);
}

#[test]
fn an_interrupt_during_the_drain_ends_it() {
    for signal in [SIGINT, SIGTERM] {
        let temblor = Temblor::new();
        let ended = interrupted(&temblor, SLOW_DRAIN, ((HEALED, 1), signal)).expect(3);
        assert!(ended.said().contains(&format!("interrupted by {signal}")), "{}", ended.err);
        assert!(in_history(&temblor, INTERRUPTED));
        temblor.run("check results/latest").expect(3);
    }
}

#[test]
fn the_second_interrupt_ends_the_run_at_once() {
    let temblor = Temblor::new();
    let running = started(&temblor, SLOW_DRAIN, (DELIVER, 4));
    running.signal(SIGINT);
    until("the interrupt is heeded", || in_history(&temblor, INTERRUPTED));
    running.signal(SIGINT);
    let ended = running.end().expect(3);
    assert!(!in_history(&temblor, DRAINED), "the drain was not waited for");
    assert!(ended.said().contains("files: results/"), "{}", ended.err);
    assert!(temblor.processes().is_empty(), "left: {:#?}", temblor.processes());
    temblor.run("check results/latest").expect(3);
}

#[test]
fn a_violation_before_the_interrupt_is_a_violation() {
    let temblor = Temblor::new();
    let words = "run best-effort --bug wrong-number --nodes 3 --nemesis none --seed 4 --time-limit 60s";
    let ended = interrupted(&temblor, words, ((DELIVER, 60), SIGINT)).expect(1);
    assert!(ended.out.contains("VIOLATION of no-creation"), "{}", ended.out);
    temblor.run("check results/latest").expect(1);
}

#[test]
fn an_interrupt_ends_the_runs_that_were_to_follow() {
    let temblor = Temblor::new();
    let ended = interrupted(&temblor, &format!("{LONG} --runs 1000"), ((DELIVER, 20), SIGINT)).expect(3);
    assert!(ended.err.contains("1 of 1000 runs"), "{}", ended.err);
    assert_eq!(temblor.run_folders("results").len(), 1);
}

#[test]
fn runs_side_by_side_do_not_disturb_each_other() {
    for count in [2, 10] {
        let temblor = Temblor::new();
        let words = "run fifo --nodes 2 --nemesis none --seed 4 --time-limit 300ms --rate 20";
        let running: Vec<Running> = (0..count).map(|_| temblor.start(words)).collect();
        let said: BTreeSet<String> = running.into_iter().map(|one| folder_of(&one.end().expect(0))).collect();
        let folders: BTreeSet<PathBuf> = temblor.run_folders("results").into_iter().collect();
        let named: BTreeSet<PathBuf> = said.iter().map(|name| temblor.file(name)).collect();
        assert_eq!(named, folders);
        assert_eq!(folders.len(), count);
        let latest = std::fs::canonicalize(temblor.file("results/latest")).expect("the link leads somewhere");
        assert!(folders.iter().any(|folder| folder.canonicalize().is_ok_and(|folder| folder == latest)));
        let all: Vec<String> = said.into_iter().collect();
        temblor.run(&format!("check {}", all.join(" "))).expect(0);
        assert!(temblor.processes().is_empty(), "left: {:#?}", temblor.processes());
    }
}

/// The folder that a run says its files are in.
fn folder_of(ended: &Ended) -> String {
    let line = ended.err.lines().find_map(|line| line.strip_prefix("files: "));
    line.unwrap_or_else(|| panic!("no folder in {}", ended.err)).to_owned()
}
