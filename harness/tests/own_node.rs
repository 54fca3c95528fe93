//! Somebody else's node: what `temblor new node` writes runs at once in each language, and a plain node, which knows nothing but
//! stdin and stdout, meets every fault and is judged by its reads.
//!
//! A language that is not installed is ignored, unless everything is required.

mod command;

use std::path::Path;
use std::process::{Command, ExitCode};

use command::Temblor;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A test: the sentence that it proves, the program that it takes, and what it does.
type Case = (&'static str, &'static str, fn());

const CASES: &[Case] = &[
    ("the node in Python is clean", "python3", || is_clean("python", "node.py")),
    ("the node in JavaScript is clean", "node", || is_clean("javascript", "node.mjs")),
    ("the node in Go is clean", "go", || is_clean("go", "node")),
    ("the node in Rust is clean", "cargo", || is_clean("rust", "target/debug/node")),
    ("nothing is overwritten", "true", nothing_is_overwritten),
    ("each class of faults reaches a plain node", "python3", every_class_bites),
    ("a node that reports nothing is judged by its reads alone", "python3", reads_alone),
    ("a message that is not sent again is missed in a read", "python3", lost_in_a_partition),
    ("a message that is kept twice is read twice", "python3", kept_twice),
    ("a value that nobody sent is found in a read", "python3", invented),
    ("echoes and ids of a plain node are judged", "python3", replies),
    ("Maelstrom's words work", "python3", maelstroms_words),
    ("README's first five minutes are as it says", "python3", five_minutes),
    ("what is owed to the dead starves nobody, Python", "python3", || nobody_starves("python", "node.py")),
    ("what is owed to the dead starves nobody, JavaScript", "node", || nobody_starves("javascript", "node.mjs")),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each is a cluster of its own, which mostly waits.
    arguments.test_threads = arguments.test_threads.or(Some(3));
    let required = std::env::var_os("TEMBLOR_REQUIRE_ALL").is_some_and(|value| value == "1");
    let trials = CASES.iter().map(|(name, program, case)| {
        Trial::ignorable_test(*name, move || match is_there(program) {
            false if required => Err(Failed::from(format!("there is no {program}"))),
            false => Ok(Completion::ignored_with(format!("there is no {program}"))),
            true => {
                case();
                Ok(Completion::Completed)
            }
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn is_there(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// A folder with the node of a language, built.
fn written(language: &str) -> Temblor {
    let temblor = Temblor::new();
    let told = temblor.run(&format!("new node --lang {language} own")).expect(0).out;
    assert!(told.contains("temblor run eager --bin"), "{told}");
    let folder = temblor.file("own");
    match language {
        "go" => build(&folder, &["go", "build", "-o", "node", "."]),
        // What the node needs is what this project needs: nothing has to be fetched.
        "rust" => build(&folder, &["cargo", "build", "--offline", "--target-dir", "target"]),
        _ => {}
    }
    temblor
}

fn build(folder: &Path, words: &[&str]) {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(folder).env_remove("CARGO_TARGET_DIR").env("GOFLAGS", "-mod=mod");
    let output = command.env("GOCACHE", folder.join(".cache")).output().expect("the program is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn is_clean(language: &str, program: &str) {
    let temblor = written(language);
    for system in ["eager", "broadcast"] {
        let words = format!("run {system} --bin own/{program} --seed 7 --time-limit 2s");
        temblor.run(&words).expect(0);
    }
    assert!(temblor.processes().is_empty());
}

/// Under this seed three nodes die while many frames are lost: whoever sent again only what is owed to the dead was found out.
fn nobody_starves(language: &str, program: &str) {
    let temblor = written(language);
    temblor.run(&format!("run broadcast --bin own/{program} --seed 104286532")).expect(0);
}

fn nothing_is_overwritten() {
    let temblor = written("python");
    temblor.write("own/node.py", "mine");
    let ended = temblor.run("new node --lang python own").expect(2);
    assert!(ended.said().contains("nothing is overwritten"), "{}", ended.err);
    assert_eq!(temblor.read("own/node.py"), "mine");
}

fn every_class_bites() {
    let temblor = written("python");
    for class in ["kill", "pause", "partition", "link", "connection"] {
        let words = format!("run eager --bin own/node.py --nemesis {class} --time-limit 2s --runs 2 --seed 11 --json");
        let out = temblor.run(&words).expect(0).out;
        assert!(out.contains(&format!("\"{class}\":")), "{class} did not bite: {out}");
    }
}

/// The node in Python with one thing changed.
fn changed(from: &str, to: &str) -> Temblor {
    let temblor = written("python");
    let text = temblor.read("own/node.py");
    assert!(text.contains(from), "{from}");
    temblor.write("own/node.py", text.replace(from, to));
    temblor
}

/// The first promised property that was violated by some run, and what was said about it.
fn violated(temblor: &Temblor, words: &str, property: &str) -> String {
    temblor.run(words).expect(1);
    let explained = temblor.run("explain results/latest").expect(0).out;
    assert!(explained.contains(property), "{explained}");
    explained
}

const SILENT: (&str, &str) = ("& {\"broadcast\", \"deliver\"}", "& set()");

fn reads_alone() {
    let temblor = changed(SILENT.0, SILENT.1);
    temblor.run("run broadcast --bin own/node.py --seed 3 --time-limit 2s --runs 2").expect(0);
    let history = temblor.read("results/latest/history.jsonl");
    assert!(!history.contains("\"f\":\"deliver\""), "nothing is reported");
    assert!(history.contains("\"f\":\"read\""), "and everybody is read");
}

fn lost_in_a_partition() {
    let temblor = changed("AGAIN = 0.05", "AGAIN = 1e9");
    let text = temblor.read("own/node.py").replace("timeout=AGAIN / 2", "timeout=1");
    temblor.write("own/node.py", text.replace(SILENT.0, SILENT.1));
    let words = "run broadcast --bin own/node.py --nemesis partition --seed 1 --time-limit 2s --runs 5";
    violated(&temblor, words, "reads-complete");
}

fn kept_twice() {
    let temblor = changed("\"messages\": list(seen)", "\"messages\": list(seen) + list(seen)[:1]");
    let words = "run broadcast --bin own/node.py --nemesis none --seed 1 --time-limit 1s";
    let explained = violated(&temblor, words, "reads-repeat-nothing");
    assert!(explained.contains("twice"), "{explained}");
}

fn invented() {
    let temblor = changed("\"messages\": list(seen)", "\"messages\": [0, *seen]");
    let words = "run broadcast --bin own/node.py --nemesis none --seed 1 --time-limit 1s";
    let explained = violated(&temblor, words, "reads-invent-nothing");
    assert!(explained.contains("holds m0, which no client asked to"), "{explained}");
}

fn replies() {
    let answers = "        case \"echo\":\n            reply(line, {\"type\": \"echo_ok\", \"echo\": body[\"echo\"]})\n        \
                   case \"generate\":\n            reply(line, {\"type\": \"generate_ok\", \"id\": f\"{me}-{line['body']['msg_id']}\"})\n        \
                   case \"read\":";
    let temblor = changed("        case \"read\":", answers);
    temblor.run("run echo --bin own/node.py --seed 5 --time-limit 1s").expect(0);
    temblor.run("run unique-ids --bin own/node.py --seed 5 --time-limit 1s").expect(0);
    let constant = temblor.read("own/node.py").replace("f\"{me}-{line['body']['msg_id']}\"", "7");
    temblor.write("own/node.py", constant.replace("body[\"echo\"]", "\"please echo 1\""));
    violated(&temblor, "run echo --bin own/node.py --seed 5 --time-limit 1s", "echoes-exact");
    violated(&temblor, "run unique-ids --bin own/node.py --seed 5 --time-limit 1s", "ids-unique");
}

fn maelstroms_words() {
    let temblor = written("python");
    let words = "test -w broadcast --bin own/node.py --node-count 4 --time-limit 3 --rate 20 --nemesis partition \
                 --nemesis-interval 1 --topology line --latency 10 --concurrency 2n --log-stderr --seed 2";
    temblor.run(words).expect(0);
    let plan: serde_json::Value = serde_json::from_str(&temblor.read("results/latest/plan.json")).unwrap();
    assert_eq!((&plan["topology"], &plan["clients_max"]), (&"line".into(), &8.into()));
    let history = temblor.read("results/latest/history.jsonl");
    assert!(history.contains("\"partition\""), "{plan}");
}

/// What README tells to type, typed.
fn five_minutes() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("README is there");
    let script = readme.split("<!-- five minutes -->\n```sh\n").nth(1).expect("README has the first five minutes");
    let script = script.split("```").next().expect("a block has an end");
    let temblor = Temblor::new();
    let folders = std::env::var("PATH").expect("there is a PATH");
    let beside = temblor.program().parent().expect("a program is in a folder").display().to_string();
    let mut shell = Command::new("sh");
    shell.args(["-euc", script]).current_dir(temblor.folder()).env("PATH", format!("{beside}:{folders}"));
    let output = shell.output().expect("there is a shell");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert_eq!(out.matches("OK: every promised property held").count(), 2, "{out}\n{err}");
    assert!(out.contains("VIOLATION") && out.contains("the final read of"), "{out}\n{err}");
}
