//! The table of tests: what a node does, and what the run must make of it.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::command::{Ended, Temblor};
use crate::roles::{LAST_WORDS, ROLES, SHOUTED};

/// What is expected of a run whose nodes all play one role.
struct Case {
    /// The sentence that it proves.
    name: &'static str,
    role: &'static str,
    code: i32,
    /// The properties that must be violated.
    broken: &'static [&'static str],
    /// What stderr must say of n1; nothing if there is nothing to say.
    trouble: &'static str,
    /// The `f` and a part of the line that must be in the history.
    recorded: (&'static str, &'static str),
}

const SURVIVES: &[&str] = &["survives"];

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "a node that behaves well is clean", role: "behaves-well", code: 0, broken: &[], trouble: "", recorded: ("drained", "ok") },
    Case { name: "a node that exits at once did not survive", role: "exits-at-start", code: 1, broken: SURVIVES, trouble: "exited by itself (code 7)", recorded: ("exit", "code 7") },
    Case { name: "a node that exits later did not survive", role: "exits-later", code: 1, broken: SURVIVES, trouble: "exited by itself (code 3)", recorded: ("exit", "code 3") },
    Case { name: "a node that panics did not survive", role: "panics-later", code: 1, broken: SURVIVES, trouble: "exited by itself (code 101)", recorded: ("exit", "code 101") },
    Case { name: "a node that aborts did not survive", role: "aborts-later", code: 1, broken: SURVIVES, trouble: "exited by itself (signal 6)", recorded: ("exit", "signal 6") },
    Case { name: "prose on stdout is nonsense", role: "prints-prose", code: 1, broken: SURVIVES, trouble: "printed what is no answer and no indication", recorded: ("nonsense", "all is well") },
    Case { name: "half a line at the end is nonsense", role: "prints-half-a-line", code: 1, broken: SURVIVES, trouble: "printed what is no answer and no indication", recorded: ("nonsense", "obser") },
    Case { name: "bytes that are not text are nonsense", role: "prints-binary", code: 1, broken: SURVIVES, trouble: "printed what is no answer and no indication", recorded: ("nonsense", "[2J") },
    Case { name: "a flood of valid lines is ended", role: "floods-lines", code: 1, broken: SURVIVES, trouble: "more than is accepted, and was ended for it", recorded: ("flood", "bytes") },
    Case { name: "a flood of nonsense is ended", role: "floods-nonsense", code: 1, broken: SURVIVES, trouble: "", recorded: ("nonsense", "nonsense") },
    Case { name: "a line without an end is ended", role: "floods-one-line", code: 1, broken: SURVIVES, trouble: "more than is accepted, and was ended for it", recorded: ("flood", "bytes") },
    Case { name: "a node that does not answer init is silent", role: "ignores-init", code: 1, broken: SURVIVES, trouble: "did not answer init within 1 s", recorded: ("silent", "did not answer init within 1 s") },
    Case { name: "a node that refuses init is told with its reason", role: "refuses-init", code: 1, broken: SURVIVES, trouble: "refused init (code 13: out of order today)", recorded: ("silent", "refused init") },
    Case { name: "a node that takes no transport is a plain node", role: "takes-no-transport", code: 0, broken: &[], trouble: "", recorded: ("drained", "ok") },
    Case { name: "a node that stops reading is silent", role: "stops-reading", code: 1, broken: SURVIVES, trouble: "requests unanswered", recorded: ("silent", "unanswered") },
    Case { name: "a node that answers nothing but init is silent", role: "answers-init-only", code: 1, broken: SURVIVES, trouble: "requests unanswered", recorded: ("silent", "unanswered") },
    Case { name: "a node that closes stdin is silent", role: "closes-stdin", code: 1, broken: SURVIVES, trouble: "unanswered", recorded: ("silent", "unanswered") },
    Case { name: "a node that closes stdout is silent", role: "closes-stdout", code: 1, broken: SURVIVES, trouble: "unanswered", recorded: ("silent", "unanswered") },
    Case { name: "a child that holds stdout keeps nobody waiting", role: "leaves-a-child", code: 1, broken: SURVIVES, trouble: "exited by itself (code 0)", recorded: ("exit", "code 0") },
    Case { name: "an invented message was created", role: "invents-messages", code: 1, broken: &["no-creation"], trouble: "", recorded: ("deliver", "999999") },
    Case { name: "a reply to another request is no reply", role: "mixes-up-replies", code: 1, broken: SURVIVES, trouble: "requests unanswered", recorded: ("silent", "unanswered") },
    Case { name: "a reply to a client that does not exist is skipped", role: "answers-strangers", code: 0, broken: &[], trouble: "", recorded: ("drained", "ok") },
    Case { name: "an envelope for a peer on stdout is nonsense", role: "writes-to-peers", code: 1, broken: SURVIVES, trouble: "reaches peers over TCP", recorded: ("nonsense", "relay") },
    Case { name: "an envelope of a plain node for nobody is nonsense", role: "writes-to-nobody", code: 1, broken: SURVIVES, trouble: "which is no peer, no client and not the observer", recorded: ("nonsense", "relay") },
    Case { name: "a log is kept up to a limit, and read on beyond it", role: "shouts", code: 0, broken: &[], trouble: "", recorded: ("drained", "ok") },
];

/// All tests.
pub fn all() -> Vec<Trial> {
    let tried = |role: &str| CASES.iter().any(|case| case.role == role) || role == "lingers";
    assert!(ROLES.iter().all(|role| tried(role.name)), "every role is tried");
    CASES.iter().map(|case| Trial::test(case.name, || try_out(case))).collect()
}

fn try_out(case: &Case) -> Result<(), Failed> {
    let temblor = Temblor::new();
    // A name that nobody else has, so that what is left can be found by it.
    let node = temblor.file("node");
    std::fs::hard_link(std::env::current_exe()?, &node)
        .or_else(|_| std::fs::copy(std::env::current_exe()?, &node).map(drop))?;
    let words = format!(
        "run best-effort --nodes 2 --time-limit 500ms --nemesis none --init-timeout 1s --seed 1 --bin {} --json -- role {}",
        node.display(),
        case.role
    );
    let ended = temblor.run(&words);
    assert!(temblor.processes().is_empty(), "left: {:#?}", temblor.processes());
    let ended = ended.expect(case.code);
    let verdict = one_verdict(&ended);
    assert_eq!(broken(&verdict), case.broken, "{verdict:#}");
    check_history(&temblor, case, &verdict);
    check_words(&temblor, case, (&ended, &node));
    check_log(&temblor, case);
    Ok(())
}

/// The history can be judged again, with the same result, and holds what happened.
fn check_history(temblor: &Temblor, case: &Case, verdict: &Value) {
    let again = temblor.run("check results/latest --json").expect(case.code);
    assert_eq!(&one_verdict(&again), verdict);
    let (f, part) = case.recorded;
    let f = format!("\"f\":\"{f}\"");
    let history = temblor.read("results/latest/history.jsonl");
    assert!(history.lines().any(|line| line.contains(&f) && line.contains(part)), "no {f} with {part}");
}

/// stderr and `explain` name the node, what it did, how it was started, and what it last said.
fn check_words(temblor: &Temblor, case: &Case, (ended, node): (&Ended, &Path)) {
    let explained = temblor.run("explain results/latest").expect(0);
    let command = format!("{} role {}", node.display(), case.role);
    let last_words = format!("{} {LAST_WORDS}", case.role);
    if !case.trouble.is_empty() {
        let said = ended.said();
        for part in [case.trouble, "n1 ", &command, &last_words] {
            assert!(said.contains(part), "{part:?} is not in: {}", ended.err);
        }
    }
    if case.broken == SURVIVES {
        for part in ["survives: n", &command, &last_words] {
            assert!(explained.out.contains(part), "{part:?} is not in: {}", explained.out);
        }
    }
    assert!(ended.err.len() < 10_000, "too long: {}", ended.err);
    assert!(explained.out.len() < 10_000, "too long: {}", explained.out);
}

/// A log is bounded, and says so when something was left out.
fn check_log(temblor: &Temblor, case: &Case) {
    let log = temblor.read("results/latest/nodes/n1.stderr");
    assert!(log.len() < SHOUTED / 2, "the log has {} bytes", log.len());
    assert_eq!(case.role == "shouts", log.contains("more bytes of this log were left out]"));
}

fn one_verdict(ended: &Ended) -> Value {
    let mut verdicts = ended.verdicts();
    assert_eq!(verdicts.len(), 1, "{}", ended.out);
    verdicts.remove(0)
}

/// The promised properties that were violated.
fn broken(verdict: &Value) -> Vec<&str> {
    let properties = verdict["properties"].as_array().expect("a verdict has properties");
    let broken = properties.iter().filter(|p| p["judgement"] == "invalid" && p["standing"] == "promised");
    broken.map(|p| p["property"].as_str().expect("a property has a name")).collect()
}
