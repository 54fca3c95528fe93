//! The table of tests: what n1 does, and what the run must make of it.

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::command::{Ended, Temblor};
use crate::roles::{LAST_WORDS, ROLES};

/// What is expected of a run in lockstep whose first node plays a role.
struct Case {
    /// The sentence that it proves.
    name: &'static str,
    role: &'static str,
    /// What stderr must say of n1; nothing if there is nothing to say.
    trouble: &'static str,
    /// The `f` and a part of the line that must be in the history.
    recorded: (&'static str, &'static str),
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "a node that keeps the contract is clean", role: "keeps-the-contract", trouble: "", recorded: ("drained", "ok") },
    Case { name: "a node that exits is named with its status", role: "exits", trouble: "n1 exited by itself (code 3): no idle for input 2", recorded: ("exit", "code 3") },
    Case { name: "a node that panics is named with its last words", role: "panics", trouble: "n1 exited by itself (code 101): no idle for input 2", recorded: ("exit", "code 101") },
    Case { name: "a node that hangs is ended", role: "hangs", trouble: "n1 did not answer: no idle within 5 s of input 2", recorded: ("silent", "within 5 s of input 2") },
    Case { name: "a node that closes its output is ended", role: "closes-stdout", trouble: "n1 did not answer: it closed its output before idle 2", recorded: ("silent", "closed its output") },
    Case { name: "a child that holds stdout hides no exit", role: "leaves-a-child", trouble: "n1 exited by itself (code 4): no idle for input 2", recorded: ("exit", "code 4") },
    Case { name: "what stands behind idle was not asked for", role: "speaks-behind-idle", trouble: "n1 spoke outside of an input, after idle 2: {", recorded: ("breach", "indeed") },
    Case { name: "a node that acts by itself is ended", role: "speaks-by-itself", trouble: "n1 spoke outside of an input, after idle 2: {", recorded: ("breach", "after idle 2") },
    Case { name: "idle must name the input that it answers", role: "repeats-idle", trouble: "n1 answered input 2 with the idle of input 1", recorded: ("breach", "idle of input 1") },
    Case { name: "idle must name an input", role: "forgets-the-number", trouble: "n1 wrote idle without the number of its input: {", recorded: ("breach", "without the number") },
    Case { name: "a wish must be whole nanoseconds", role: "wishes-a-fraction", trouble: "n1 wrote idle with a wake that is neither null nor whole nanoseconds: {", recorded: ("breach", "2.5") },
    Case { name: "an answer without end is ended", role: "floods", trouble: "n1 wrote more than 16777216 bytes for one input", recorded: ("flood", "16777216") },
    Case { name: "an indication that no history has room for is nonsense", role: "shouts", trouble: "n1 printed what is no answer and no indication (an indication that is too long)", recorded: ("nonsense", "too long") },
    Case { name: "prose on stdout is nonsense", role: "prints-prose", trouble: "n1 printed what is no answer and no indication", recorded: ("nonsense", "all is well") },
    Case { name: "a node that makes its own inputs is ended", role: "spins", trouble: "n1 spins: more than 10000 inputs in a virtual millisecond", recorded: ("breach", "spins") },
    Case { name: "a node that takes no virtual clock is told so", role: "takes-no-clock", trouble: "n1 did not take up the virtual clock that init offers", recorded: ("breach", "virtual clock") },
    Case { name: "a node that refuses init is told with its reason", role: "refuses-init", trouble: "n1 did not answer: refused init (code 13: out of order today)", recorded: ("silent", "out of order today") },
    Case { name: "idle is no answer to init", role: "skips-init", trouble: "n1 did not answer: idle came before init_ok", recorded: ("silent", "before init_ok") },
];

/// All tests.
pub fn all() -> Vec<Trial> {
    let tried = |role: &str| CASES.iter().any(|case| case.role == role) || role == "tells-its-pid";
    assert!(ROLES.iter().all(|role| tried(role.0)), "every role is tried");
    let cases = CASES.iter().map(|case| Trial::test(case.name, || try_out(case)));
    let more = [
        Trial::test("a node that looks beyond its inputs is found by a replay", two_histories),
        Trial::test("the page for authors quotes what is said of such nodes", page),
    ];
    cases.chain(more).collect()
}

fn try_out(case: &Case) -> Result<(), Failed> {
    let temblor = Temblor::new();
    let ended = run(&temblor, case.role)?.expect(i32::from(!case.trouble.is_empty()));
    assert!(temblor.processes().is_empty(), "left: {:#?}", temblor.processes());
    let (f, part) = (format!("\"f\":\"{}\"", case.recorded.0), case.recorded.1);
    let history = temblor.read("results/latest/history.jsonl");
    assert!(history.lines().any(|line| line.contains(&f) && line.contains(part)), "no {f} with {part}");
    if case.trouble.is_empty() {
        return Ok(());
    }
    // The others go on: n2 has delivered something after all that.
    assert!(history.lines().any(|line| line.contains("\"n2\"") && line.contains("deliver")), "n2 did not go on");
    let said = ended.said();
    for part in [case.trouble, &format!("role {}", case.role), &format!("{} {LAST_WORDS}", case.role)] {
        assert!(said.contains(part), "{part:?} is not in: {}", ended.err);
    }
    assert_eq!(broken(&ended), ["survives"], "{}", ended.out);
    let explained = temblor.run("explain results/latest").expect(0);
    assert!(explained.out.contains("survives: n1 "), "{}", explained.out);
    Ok(())
}

/// A run whose n1 plays a role.
fn run(temblor: &Temblor, role: &str) -> Result<Ended, Failed> {
    // A name that nobody else has, so that what is left can be found by it.
    let node = temblor.file("node");
    std::fs::hard_link(std::env::current_exe()?, &node)
        .or_else(|_| std::fs::copy(std::env::current_exe()?, &node).map(drop))?;
    let node = node.display();
    let words = "run best-effort --executor lockstep --nodes 2 --time-limit 500ms --nemesis none --seed 1 --json";
    Ok(temblor.run(&format!("{words} --bin {node} -- role {role}")))
}

fn two_histories() -> Result<(), Failed> {
    let temblor = Temblor::new();
    run(&temblor, "tells-its-pid")?.expect(0);
    let again = temblor.run("replay results/latest").expect(5);
    assert!(again.said().contains("some node does not keep the contract of a virtual clock"), "{}", again.err);
    Ok(())
}

/// Every message in the page's table of mistakes is one that a test sees, but for its numbers.
fn page() -> Result<(), Failed> {
    let plain = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let seen = plain(&[include_str!("cases.rs"), include_str!("../misbehaving/cases.rs")].concat());
    let table = include_str!("../../../node/WRITE-YOUR-OWN.md").split("| temblor says |").nth(1);
    let rows = table.expect("the page has a table of mistakes").lines().filter_map(|line| line.strip_prefix("| `"));
    let said: Vec<&str> = rows.filter_map(|row| row.split_once("` |").map(|(said, _)| said)).collect();
    assert!(said.len() > 10, "{said:#?}");
    for message in said {
        let bare = plain(message.strip_prefix("n1 ").unwrap_or(message));
        assert!(seen.contains(&bare), "no test sees: {message}");
    }
    Ok(())
}

/// The promised properties that were violated.
fn broken(ended: &Ended) -> Vec<String> {
    let verdicts = ended.verdicts();
    let properties = verdicts[0]["properties"].as_array().expect("a verdict has properties");
    let broken = properties.iter().filter(|p| p["judgement"] == "invalid" && p["standing"] == "promised");
    broken.map(|p: &Value| p["property"].as_str().expect("a property has a name").to_owned()).collect()
}
