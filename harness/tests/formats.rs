//! The files that a run leaves, as another program would read them: each is what its schema and its documented page say, and
//! says the same wherever and however it is read.

mod command;

use std::fs;
use std::path::Path;

use boon::{Compiler, Schemas};
use command::{Ended, Temblor};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};

/// A run with every kind of line: kills, pauses, partitions, lossy links.
const RUN: &str = "run fifo --nemesis all,kill,pause,partition --seed 7 --time-limit 1s --json";

/// Runs `words`, which must end in one of the ways that a judged run ends in, and gives its verdict.
fn judged(temblor: &Temblor, words: &str) -> (Ended, Value) {
    let ended = temblor.run(words);
    assert!(matches!(ended.code, Some(0 | 1 | 3)), "{:?}\n{}", ended.code, ended.err);
    let verdict = one(&ended);
    (ended, verdict)
}

fn one(ended: &Ended) -> Value {
    let mut verdicts = ended.verdicts();
    assert_eq!(verdicts.len(), 1, "{}", ended.out);
    verdicts.remove(0)
}

/// Checks values against a schema that `temblor schema` prints.
fn conform(temblor: &Temblor, format: &str, values: &[Value]) {
    let schema: Value = serde_json::from_str(&temblor.run(&format!("schema {format}")).expect(0).out).expect("JSON");
    assert_ne!(schema, json!({}), "the schema of {format} says something");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("schema.json", schema).expect("the schema is a document");
    let index = compiler.compile("schema.json", &mut schemas).unwrap_or_else(|error| panic!("{format}: {error:#}"));
    for value in values {
        schemas.validate(value, index).unwrap_or_else(|error| panic!("{format}: {value}\n{error:#}"));
    }
}

/// Each object has these keys, in this order, and perhaps more behind them.
fn have_keys(lines: &[&str], keys: &[&str]) {
    for line in lines {
        let mut from = 0;
        for key in keys {
            let at = line[from..].find(&format!("\"{key}\":"));
            from += at.unwrap_or_else(|| panic!("no {key} in its place: {line}"));
        }
    }
}

#[test]
fn every_line_of_a_history_conforms_to_its_schema() {
    let temblor = Temblor::new();
    judged(&temblor, RUN);
    let lines = temblor.json_lines("results/latest/history.jsonl");
    conform(&temblor, "history", &lines);
    let of = |f: &str| lines.iter().any(|line| line["f"] == f);
    for f in ["run", "start", "exit", "broadcast", "deliver", "kill", "pause", "resume", "partition", "heal", "drained"]
    {
        assert!(of(f), "no {f} in the history: the run is too quiet for this test");
    }
}

#[test]
fn the_history_of_a_node_that_misbehaves_conforms_too() {
    let temblor = Temblor::new();
    // `cat` answers every request with the request: envelopes for peers, which is nonsense.
    judged(
        &temblor,
        "run best-effort --nodes 2 --nemesis none --time-limit 300ms --init-timeout 1s --json --bin /bin/cat",
    );
    let lines = temblor.json_lines("results/latest/history.jsonl");
    assert!(lines.iter().any(|line| line["f"] == "nonsense"));
    conform(&temblor, "history", &lines);
}

#[test]
fn the_lines_of_a_history_have_their_keys_in_order() {
    let temblor = Temblor::new();
    judged(&temblor, RUN);
    let text = temblor.read("results/latest/history.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    have_keys(&lines, &["index", "time", "process", "type", "f", "value"]);
    let number =
        |line: &str, key: &str| serde_json::from_str::<Value>(line).expect("JSON")[key].as_u64().expect("a number");
    assert!(lines.iter().enumerate().all(|(at, line)| number(line, "index") == at as u64));
    assert!(lines.windows(2).all(|pair| number(pair[0], "time") <= number(pair[1], "time")));
    assert!(text.ends_with('\n'));
}

#[test]
fn plans_conform_to_their_schema() {
    let temblor = Temblor::new();
    judged(&temblor, RUN);
    let mut plans = vec![serde_json::from_str(&temblor.read("results/latest/plan.json")).expect("JSON")];
    for (at, algorithm) in ["best-effort", "retransmit", "eager", "fifo", "fifo --over best-effort"].iter().enumerate()
    {
        let plan = temblor.run(&format!("plan {algorithm} --beyond-model --seed {at}")).expect(0);
        plans.push(serde_json::from_str(&plan.out).expect("JSON"));
    }
    conform(&temblor, "plan", &plans);
}

#[test]
fn every_frame_has_a_line_in_the_trace() {
    let temblor = Temblor::new();
    judged(&temblor, RUN);
    let text = temblor.read("results/latest/messages.jsonl");
    let (head, lines) = text.split_once('\n').expect("the trace has a first line");
    assert_eq!(head, r#"{"format":1,"f":"messages"}"#);
    let lines: Vec<&str> = lines.lines().collect();
    have_keys(&lines, &["in", "out", "from", "to", "key", "bytes", "what"]);
    let values = &temblor.json_lines("results/latest/messages.jsonl")[1..];
    let fates = ["passed", "delayed", "held", "doubled", "dropped", "down", "reset"];
    assert!(values.iter().all(|value| value["what"].as_str().is_some_and(|what| fates.contains(&what))));
    let dropped = |value: &&Value| value["what"] == "dropped";
    assert!(values.iter().any(|value| dropped(&value)), "a partition drops frames");
    assert!(values.iter().filter(dropped).all(|value| value["fault"].is_u64() && value["out"].is_null()));
    assert!(
        values
            .iter()
            .filter(|value| value["what"] == "passed")
            .all(|value| value["out"].as_u64() >= value["in"].as_u64())
    );
}

#[test]
fn every_file_of_a_run_carries_a_format_version() {
    let temblor = Temblor::new();
    let (_, verdict) = judged(&temblor, RUN);
    for name in ["plan.json", "run.json", "verdict.json"] {
        let file: Value = serde_json::from_str(&temblor.read(&format!("results/latest/{name}"))).expect("JSON");
        assert_eq!(file["format"], 1, "{name}");
    }
    let kept: Value = serde_json::from_str(&temblor.read("results/latest/verdict.json")).expect("JSON");
    assert_eq!(kept, verdict, "the verdict that is kept is the verdict that was printed");
    assert_eq!(temblor.json_lines("results/latest/history.jsonl")[0]["value"]["format"], 1);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let temblor = Temblor::new();
    judged(&temblor, RUN);
    let newer = |name: &str| {
        temblor.read(name).replacen("\"format\":1", "\"format\":2", 1).replacen("\"format\": 1", "\"format\": 2", 1)
    };
    temblor.write("newer.jsonl", newer("results/latest/history.jsonl"));
    temblor.write("newer.json", newer("results/latest/plan.json"));
    assert!(temblor.run("check newer.jsonl").expect(5).said().contains("format 2"));
    assert!(temblor.run("run fifo --plan newer.json").expect(2).said().contains("format 2 is newer than 1"));
}

#[test]
fn a_history_means_the_same_wherever_and_however_it_is_read() {
    let temblor = Temblor::new();
    let (ended, verdict) = judged(&temblor, RUN);
    let code = ended.code.expect("it has ended");
    let history = fs::read(temblor.file("results/latest/history.jsonl")).expect("there is a history");
    let packed = compress_to_vec(history.as_slice(), CompressionLevel::Fastest);
    assert!(packed.len() < history.len());
    copy(&temblor.file("results/latest/"), &temblor.file("elsewhere"));
    temblor.write("packed.jsonl.zst", &packed);
    temblor.write("packed-without-saying-so", &packed);
    for path in
        ["results/latest", "results/latest/history.jsonl", "elsewhere", "packed.jsonl.zst", "packed-without-saying-so"]
    {
        let again = temblor.run(&format!("check {path} --json")).expect(code);
        assert_eq!(one(&again), verdict, "{path}");
    }
    for input in [history, packed] {
        let again = temblor.run_on("check - --json", input).expect(code);
        assert_eq!(one(&again), verdict);
    }
}

#[test]
fn a_run_folder_may_hold_its_history_packed() {
    let temblor = Temblor::new();
    let (ended, verdict) = judged(&temblor, RUN);
    copy(&temblor.file("results/latest/"), &temblor.file("elsewhere"));
    let history = fs::read(temblor.file("elsewhere/history.jsonl")).expect("there is a history");
    temblor.write("elsewhere/history.jsonl.zst", compress_to_vec(history.as_slice(), CompressionLevel::Fastest));
    fs::remove_file(temblor.file("elsewhere/history.jsonl")).expect("it was there");
    let again = temblor.run("check elsewhere --json").expect(ended.code.expect("it has ended"));
    assert_eq!(one(&again), verdict);
    temblor.run("explain elsewhere").expect(0);
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("the folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

#[test]
fn a_plan_that_was_printed_is_the_plan_that_is_run() {
    let temblor = Temblor::new();
    let wishes = "--nemesis kill,partition --seed 11 --nodes 3 --time-limit 500ms --rate 30";
    let printed = temblor.run(&format!("plan fifo {wishes}")).expect(0).out;
    judged(&temblor, &format!("run fifo {wishes} --out drawn --json"));
    assert_eq!(temblor.read("drawn/latest/plan.json"), printed);
    temblor.write("plan.json", &printed);
    judged(&temblor, "run fifo --plan plan.json --out planned --json");
    assert_eq!(temblor.read("planned/latest/plan.json"), printed);
    let header = |results: &str| temblor.json_lines(&format!("{results}/latest/history.jsonl")).swap_remove(0);
    assert_eq!(header("planned"), header("drawn"), "both are judged by the same");
}

#[test]
fn a_plan_may_come_by_a_pipe() {
    let temblor = Temblor::new();
    let printed = temblor.run("plan fifo --nemesis none --seed 11 --nodes 2 --time-limit 300ms").expect(0).out;
    let ended = temblor.run_on("run fifo --plan /dev/stdin --json", printed.clone().into_bytes()).expect(0);
    assert_eq!(one(&ended)["outcome"], "clean");
    assert_eq!(temblor.read("results/latest/plan.json"), printed);
}

#[test]
fn a_plan_does_not_know_of_the_bug() {
    let temblor = Temblor::new();
    let wishes = "--nodes 3 --time-limit 300ms --seed 5 --json";
    let bugs: Value = serde_json::from_str(&temblor.run("list bugs --json").expect(0).out).expect("JSON");
    for bug in bugs.as_array().expect("a table is an array") {
        let (name, algorithm) =
            (bug["name"].as_str().expect("a name"), bug["algorithm"].as_str().expect("an algorithm"));
        let printed = temblor.run(&format!("plan {algorithm} {wishes}").replace("--json", "")).expect(0).out;
        judged(&temblor, &format!("run {algorithm} --bug {name} {wishes} --out {name}"));
        assert_eq!(temblor.read(&format!("{name}/latest/plan.json")), printed, "{name}");
        let header = &temblor.json_lines(&format!("{name}/latest/history.jsonl"))[0];
        assert!(!header.to_string().contains(name), "the judge does not know of the bug either");
    }
}

#[test]
fn every_table_is_one_array_of_objects_with_a_name() {
    let temblor = Temblor::new();
    for (table, keys) in [
        ("algorithms", &["what", "model", "promises", "source"][..]),
        ("bugs", &["what", "algorithm", "property"]),
        ("workloads", &["what"]),
        ("faults", &["what", "class", "parameters", "evidence"]),
        ("checkers", &["what", "kind", "exercised", "source"]),
    ] {
        let rows: Value =
            serde_json::from_str(&temblor.run(&format!("list {table} --json")).expect(0).out).expect("JSON");
        let rows = rows.as_array().unwrap_or_else(|| panic!("{table} is an array"));
        assert!(!rows.is_empty());
        for row in rows {
            assert!(row["name"].is_string(), "{table}: {row}");
            assert!(keys.iter().all(|key| !row[*key].is_null()), "{table}: {row}");
        }
    }
}
