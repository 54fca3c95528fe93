//! What `temblor export` writes is read back by a parser of its own: a run is the same in every format.

mod command;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;

use command::Temblor;
use serde_json::Value;

/// A run with a violation, faults, and frames that were lost.
fn violated() -> Temblor {
    let temblor = Temblor::new();
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/demonstrations/waits-for-all-but-one.json");
    temblor.run(&format!("run total-lamport --bug waits-for-all-but-one -x sim --plan {}", plan.display())).expect(1);
    temblor
}

fn lines(temblor: &Temblor, name: &str) -> Vec<Value> {
    let text = temblor.read(&format!("results/latest/{name}"));
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn exported(temblor: &Temblor, format: &str) -> String {
    temblor.run(&format!("export --format {format}")).expect(0).out
}

#[test]
fn a_zip_is_checked_explained_and_replayed_like_its_folder() {
    let temblor = violated();
    temblor.run("export --format zip --out run.zip").expect(0);
    for verb in ["check --json", "explain"] {
        let (of_zip, of_folder) =
            (temblor.run(&format!("{verb} run.zip")), temblor.run(&format!("{verb} results/latest")));
        assert_eq!((of_zip.code, of_zip.out), (of_folder.code, of_folder.out));
    }
    assert!(temblor.run("replay run.zip").expect(1).out.contains("identical 5 times"));
    let archive = zip::ZipArchive::new(std::fs::File::open(temblor.file("run.zip")).unwrap()).unwrap();
    let names: BTreeSet<&str> = archive.file_names().collect();
    for name in ["plan.json", "run.json", "verdict.json", "report.html", "history.jsonl", "messages.jsonl"] {
        assert!(names.contains(name), "{names:?}");
    }
    // The same run gives the same archive.
    temblor.run("export --format zip --out again.zip").expect(0);
    assert!(std::fs::read(temblor.file("run.zip")).unwrap() == std::fs::read(temblor.file("again.zip")).unwrap());
}

#[test]
fn an_archive_of_something_else_is_a_mistake_and_nothing_leaves_its_folder() {
    let temblor = violated();
    let file = std::fs::File::create(temblor.file("evil.zip")).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    archive.start_file("../../escaped.txt", zip::write::SimpleFileOptions::default()).unwrap();
    archive.finish().unwrap();
    let ended = temblor.run("check evil.zip").expect(5);
    assert!(ended.said().contains("is no archive of a run: it holds no history.jsonl"), "{}", ended.err);
    temblor.write("torn.zip", b"PK\x03\x04 and then nothing");
    assert!(temblor.run("check torn.zip").expect(5).said().contains("is no archive of a run"));
    assert!(temblor.run("shrink torn.zip").expect(2).said().contains("unpack it"));
}

#[test]
fn edn_is_read_by_an_edn_reader_and_judged_like_the_history() {
    let temblor = violated();
    let edn = exported(&temblor, "jepsen-edn");
    let history = lines(&temblor, "history.jsonl");
    assert_eq!(edn.lines().count(), history.len());
    for (line, op) in edn.lines().zip(&history) {
        let read = edn_rs::Edn::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(read[":f"].to_string(), format!(":{}", op["f"].as_str().unwrap()), "{line}");
        assert_eq!(read[":index"].to_string(), op["index"].to_string(), "{line}");
        assert_eq!(read[":time"].to_string(), op["time"].to_string(), "{line}");
    }
    temblor.write("history.edn", &edn);
    let verdict = temblor.run("check history.edn --json").expect(1).out;
    assert_eq!(verdict, temblor.run("check results/latest --json").expect(1).out);
    let torn = format!("{}{{:index", edn.lines().next().unwrap());
    temblor.write("torn.edn", torn);
    let ended = temblor.run("check torn.edn");
    assert!(ended.code != Some(0) && ended.said().contains("form 2"), "{}", ended.err);
}

/// Reads ShiViz's log as ShiViz does: clocks start at 1, count by 1, and know of nobody more than there is.
#[test]
fn shiviz_clocks_are_vector_clocks() {
    let temblor = violated();
    let log = exported(&temblor, "shiviz");
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let (mut events, mut received) = (0, 0);
    let mut rows = log.lines();
    while let (Some(head), Some(event)) = (rows.next(), rows.next()) {
        let (host, clock) = head.split_once(' ').expect("a host and a clock");
        let clock: BTreeMap<String, u64> = serde_json::from_str(clock).expect("a clock is JSON");
        let own = counts.entry(host.to_owned()).or_default();
        *own += 1;
        assert_eq!(clock[host], *own, "{head}");
        for (other, count) in &clock {
            assert!(counts.get(other).is_some_and(|known| count <= known), "{head} knows of what was not yet");
        }
        if event.starts_with("receive ") {
            received += 1;
            assert!(clock.len() > 1, "{head}: who receives knows of a sender");
        }
        events += 1;
    }
    let frames = lines(&temblor, "messages.jsonl");
    let arrived = frames.iter().filter(|frame| frame["out"].is_u64()).count();
    let of_nodes = lines(&temblor, "history.jsonl").into_iter();
    let of_nodes = of_nodes.filter(|op| op["process"].as_str().is_some_and(|name| name != "nemesis")).count();
    assert_eq!((received, events), (arrived, of_nodes + frames.len() - 1 + arrived));
}

#[test]
fn perfetto_has_a_track_for_each_node_and_an_arrow_for_each_frame_that_arrived() {
    let temblor = violated();
    let trace: Value = serde_json::from_str(&exported(&temblor, "perfetto")).expect("the trace is JSON");
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |ph: &str| events.iter().filter(|event| event["ph"] == ph).collect::<Vec<_>>();
    let names: BTreeSet<&str> = of("M")
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .filter_map(|event| event["args"]["name"].as_str())
        .collect();
    assert_eq!(names, BTreeSet::from(["n1", "n2", "n3"]));
    let arrived = lines(&temblor, "messages.jsonl").iter().filter(|frame| frame["out"].is_u64()).count();
    assert_eq!((of("s").len(), of("f").len()), (arrived, arrived));
    let ids: BTreeSet<u64> = of("s").iter().filter_map(|event| event["id"].as_u64()).collect();
    assert_eq!(ids, of("f").iter().filter_map(|event| event["id"].as_u64()).collect());
    let fault = of("X").into_iter().find(|event| event["name"] == "partition #1").expect("the fault is a bar");
    assert!(fault["dur"].as_f64().is_some_and(|us| us > 1_000.0), "{fault}");
}

#[test]
fn csv_has_a_row_for_each_line() {
    let temblor = violated();
    let text = exported(&temblor, "csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("every row has as many cells");
    let (history, frames) = (lines(&temblor, "history.jsonl"), lines(&temblor, "messages.jsonl"));
    assert_eq!(rows.len(), history.len() + frames.len() - 1);
    for op in rows.iter().filter(|row| &row[0] == "op") {
        let line = &history[op[1].parse::<usize>().unwrap() - 1];
        assert_eq!((&op[2], &op[6]), (line["time"].to_string().as_str(), line["f"].as_str().unwrap()));
        assert_eq!(serde_json::from_str::<Value>(&op[7]).unwrap_or_default(), line["value"]);
    }
    for frame in rows.iter().filter(|row| &row[0] == "frame") {
        let line = &frames[frame[1].parse::<usize>().unwrap() - 1];
        assert_eq!((&frame[8], &frame[10]), (line["from"].as_str().unwrap(), line["key"].as_str().unwrap()));
    }
}

#[test]
fn mermaid_draws_the_first_violation() {
    let temblor = violated();
    let text = exported(&temblor, "mermaid");
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("%% n1 delivered m3 as message number 2, and n3 m1"));
    assert_eq!(rows.next(), Some("sequenceDiagram"));
    // Of the grammar of sequence diagrams only these are used.
    for row in rows {
        // The sign before a fault's number is an entity.
        let row = row.trim().replace("#35;", "");
        let sound = row.starts_with("participant L")
            || row.starts_with("Note over L")
            || row.starts_with('L') && row.contains(": ");
        assert!(sound && !row.contains([';', '{', '<']), "{row}");
    }
    assert!(text.contains("L2--xL0: m1 dropped by partition #35;1"), "{text}");
    assert!(text.contains("WRONG: delivers m1"), "{text}");
    temblor.run("run fifo -x sim --seed 3 --time-limit 1s").expect(0);
    assert!(temblor.run("export --format mermaid").expect(2).said().contains("has no violation to draw"));
}

#[test]
fn what_was_not_built_in_says_so() {
    let temblor = violated();
    if cfg!(feature = "parquet") {
        temblor.run("export --format parquet --out run.parquet").expect(0);
        assert!(std::fs::read(temblor.file("run.parquet")).unwrap().starts_with(b"PAR1"));
    } else {
        assert!(temblor.run("export --format parquet").expect(2).said().contains("built without parquet"));
    }
}
