//! Campaigns as a user has them: the files they leave, what they say, and that nothing is lost or counted twice however they end.

mod command;

use std::collections::BTreeSet;
use std::fs;

use boon::{Compiler, Schemas};
use command::{Temblor, until};
use nix::sys::signal::Signal;
use serde_json::Value;

/// Correct algorithms, and one with a bug that does not need a fault to show.
const MIXED: &str = r#"
runs = 24
seed = 5

[[scenario]]
algorithms = ["fifo", "causal", "raft"]
faults = ["partition", "kill"]
nodes = [3]
executors = ["sim"]

[[scenario]]
algorithms = ["fifo"]
bug = "skips-gap"
nodes = [4]
executors = ["sim", "lockstep"]
"#;

/// Real processes that take a while.
const SLOW: &str = r#"
runs = 6
jobs = 2
canary = false

[[scenario]]
algorithms = ["fifo"]
faults = ["none"]
nodes = [3]
time-limit = "700ms"
"#;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The numbers of the runs in a journal.
fn runs(temblor: &Temblor, folder: &str) -> Vec<u64> {
    let lines = temblor.json_lines(&format!("{folder}/runs.jsonl"));
    let of_runs = lines.iter().filter(|line| line["line"] == "run");
    of_runs.map(|line| line["k"].as_u64().expect("a number")).collect()
}

/// Each run stands in the journal once, and none is missing.
fn are_complete(numbers: &[u64], count: u64) {
    let distinct: BTreeSet<u64> = numbers.iter().copied().collect();
    assert_eq!(distinct.len(), numbers.len(), "counted twice: {numbers:?}");
    assert_eq!(distinct, (0..count).collect());
}

#[test]
fn a_campaign_finds_what_is_there_and_leaves_it_to_the_next_one() {
    let temblor = Temblor::new();
    temblor.write("mixed.toml", MIXED);
    let ended = temblor.run("campaign mixed.toml").expect(1);
    let row = ended.out.lines().find(|line| line.starts_with("fifo with skips-gap ")).expect("a row");
    assert!(row.ends_with("FAIL 0/6"), "{row}");
    assert!(ended.out.contains("VIOLATION: 24 of 24 runs: "), "{}", ended.out);
    assert!(ended.out.lines().all(|line| line.chars().count() <= 80), "{}", ended.out);
    let summary = parsed(&temblor.read("results/latest/campaign.json"));
    let failures = summary["failures"].as_array().expect("a list");
    assert!(!failures.is_empty());
    for failure in failures {
        assert_eq!(failure["system"], "fifo with skips-gap", "an alarm on a correct system: {failure}");
        let small = failure["size"][0].as_u64().is_some_and(|operations| operations <= 6);
        assert!(small, "shrunk: {failure}");
        let shown = temblor.run(&format!("explain results/latest/{}", failure["folder"].as_str().unwrap())).expect(0);
        assert!(shown.out.contains(failure["property"].as_str().unwrap()), "{}", shown.out);
        let name = failure["regression"].as_str().expect("it is kept");
        assert!(temblor.file(&format!("regressions/{name}.json")).exists());
    }
    are_complete(&runs(&temblor, "results/latest"), 24);
    let explained = temblor.read("results/latest/FAILURES.md");
    assert!(explained.contains("```text") && explained.contains("temblor explain runs/"), "{explained}");
    // Only what failed has a folder.
    for folder in temblor.run_folders("results/latest/runs") {
        assert!(fs::read_to_string(folder.join("verdict.json")).unwrap().contains("\"violation\""), "{folder:?}");
    }
    // The next campaign begins with what this one found; it is still there.
    let again = temblor.run("campaign mixed.toml --runs 1").expect(1);
    assert!(again.said().contains("still there: "), "{}", again.err);
    temblor.run("regressions verify").expect(1);
    let listed = temblor.run("regressions list --json").expect(0);
    assert_eq!(parsed(&listed.out).as_array().map(Vec::len), Some(failures.len()));
    temblor.nothing_is_left();
}

#[test]
fn any_number_of_shards_comes_to_the_same() {
    let temblor = Temblor::new();
    temblor.write("mixed.toml", MIXED);
    let mut whole: Option<(Value, String)> = None;
    for of in [1, 3, 7] {
        for number in 1..=of {
            let ended = temblor.run(&format!(
                "campaign mixed.toml --shard {number}/{of} --out of{of} --regressions keep-{number}of{of}"
            ));
            assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.err);
        }
        let shards: Vec<String> =
            temblor.run_folders(&format!("of{of}")).iter().map(|path| path.display().to_string()).collect();
        assert_eq!(shards.len(), of);
        let merged = temblor.run(&format!("merge {} --out merged{of}", shards.join(" "))).expect(1);
        assert!(merged.err.contains(&format!("shard {of}/{of}: ")), "{}", merged.err);
        let mut summary = parsed(&temblor.read(&format!("merged{of}/latest/campaign.json")));
        let here = summary["here"].take();
        assert_eq!(here["shards"].as_object().map(serde_json::Map::len), Some(of));
        let failures = temblor.read(&format!("merged{of}/latest/FAILURES.md"));
        match &whole {
            None => whole = Some((summary, failures)),
            Some((first, explained)) => {
                assert_eq!(
                    serde_json::to_string_pretty(first).unwrap(),
                    serde_json::to_string_pretty(&summary).unwrap()
                );
                assert_eq!(*explained, failures);
            }
        }
    }
    // One shard less: that is said, and never green.
    let some: Vec<String> = temblor.run_folders("of3").iter().skip(1).map(|path| path.display().to_string()).collect();
    let merged = temblor.run(&format!("merge {} --out part", some.join(" "))).expect(1);
    let said = merged.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("shard 1/3 is missing") && said.contains("runs are missing"), "{said}");
    let twice = temblor.run(&format!("merge {} {} --out twice", some[0], some[0])).expect(2);
    assert!(twice.said().contains("are both shard 2/3"), "{}", twice.err);
}

#[test]
fn a_killed_campaign_goes_on_without_losing_or_repeating_a_run() {
    let temblor = Temblor::new();
    temblor.write("slow.toml", SLOW);
    let running = temblor.start("campaign slow.toml --seed 9");
    let journal = || {
        let folders = fs::read_dir(temblor.file("results")).into_iter().flatten().flatten();
        let journals = folders.map(|entry| entry.path()).filter(|path| !path.is_symlink());
        journals.filter_map(|path| fs::read_to_string(path.join("runs.jsonl")).ok()).collect::<String>()
    };
    until("two runs are finished", || journal().matches("\"line\":\"run\"").count() >= 2);
    running.signal(Signal::SIGKILL);
    running.end();
    temblor.nothing_is_left();
    let folder = temblor.run_folders("results").remove(0);
    let folder = folder.strip_prefix(temblor.folder()).unwrap().display().to_string();
    let ended = temblor.run(&format!("campaign --resume {folder}")).expect(0);
    assert!(ended.out.contains("OK: 6 of 6 runs: 6 held"), "{}", ended.out);
    are_complete(&runs(&temblor, &folder), 6);
    assert!(!temblor.file(&format!("{folder}/.scratch")).exists());
    // Once more changes nothing.
    temblor.run(&format!("campaign --resume {folder}")).expect(0);
    are_complete(&runs(&temblor, &folder), 6);
    temblor.nothing_is_left();
}

#[test]
fn an_interrupt_ends_a_campaign_gracefully_and_it_is_not_green() {
    let temblor = Temblor::new();
    temblor.write("slow.toml", SLOW);
    let running = temblor.start("campaign slow.toml --seed 9 --out here");
    let history = || {
        let runs = fs::read_dir(temblor.file("here")).into_iter().flatten().flatten();
        runs.map(|entry| entry.path().join("runs/000000/history.jsonl")).any(|path| path.exists())
    };
    until("the first run has begun", history);
    running.signal(Signal::SIGINT);
    let ended = running.end();
    assert!(matches!(ended.code, Some(3 | 4)), "{:?}: {}", ended.code, ended.err);
    assert!(ended.said().contains("interrupted by SIGINT; go on with temblor campaign --resume"), "{}", ended.err);
    temblor.run("campaign --resume here/latest").expect(0);
    are_complete(&runs(&temblor, "here/latest"), 6);
}

#[test]
fn a_shard_that_gets_nothing_is_not_green() {
    let temblor = Temblor::new();
    temblor.write("mixed.toml", MIXED);
    let ended = temblor.run("campaign mixed.toml --runs 2 --shard 3/3").expect(4);
    assert!(ended.out.contains("NOTHING RAN: 0 of 0 runs; nothing ran"), "{}", ended.out);
}

#[test]
fn a_mistake_in_the_file_is_shown_where_it_is() {
    let temblor = Temblor::new();
    temblor.write("wrong.toml", "runs = 3\n\n[[scenario]]\nalgorithms = [\"fifo\"]\nfaults = [\"kil\"]\n");
    let ended = temblor.run("campaign wrong.toml").expect(2);
    assert!(ended.err.contains("line 5"), "{}", ended.err);
    assert!(ended.said().contains("there is no fault \"kil\""), "{}", ended.err);
    let absent = temblor.run("campaign nothing-here").expect(2);
    assert!(absent.said().contains("presets are smoke, nightly, soak"), "{}", absent.err);
    assert!(!temblor.file("results").exists());
}

#[test]
fn services_are_told_in_their_own_words() {
    let temblor = Temblor::new();
    temblor.write("mixed.toml", MIXED);
    let service = "export GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=summary.md";
    let ended = temblor.run_below(service, "campaign mixed.toml").expect(1);
    let errors: Vec<&str> = ended.err.lines().filter(|line| line.starts_with("::error ")).collect();
    assert!((1..=9).contains(&errors.len()), "{}", ended.err);
    assert!(errors[0].starts_with("::error title=fifo with skips-gap broke "), "{}", errors[0]);
    let summary = temblor.read("summary.md");
    assert!(summary.contains("| fifo with skips-gap | ") && summary.contains("```text"), "{summary}");
    assert_eq!(summary.matches("```").count() % 2, 0, "blocks of code are whole");
    let ended = temblor.run_below("export GITLAB_CI=true", "campaign mixed.toml --runs 2").expect(1);
    assert!(ended.err.contains("section_start:0:temblor") && ended.err.contains("section_end:0:temblor"));
    let junit = temblor.read("results/latest/junit.xml");
    assert!(junit.contains("<testsuites name=\"temblor\"") && junit.contains("<failure message="), "{junit}");
}

#[test]
fn presets_conform_to_the_schema_of_campaign_files() {
    let temblor = Temblor::new();
    let schema = parsed(&temblor.run("schema campaign").expect(0).out);
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("schema.json", schema).expect("the schema is a document");
    let index = compiler.compile("schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
    let presets = temblor::campaign::presets::PRESETS.iter().map(|preset| preset.text);
    for text in presets.chain([MIXED, SLOW]) {
        let value: Value = toml::from_str(text).expect("TOML");
        schemas.validate(&value, index).unwrap_or_else(|error| panic!("{text}\n{error:#}"));
    }
}

#[test]
fn pruning_takes_what_is_old_and_leaves_what_failed() {
    let temblor = Temblor::new();
    temblor.write("mixed.toml", MIXED);
    temblor.run("campaign mixed.toml --seed 5").expect(1);
    for seed in 1..4 {
        temblor.run(&format!("run fifo -x sim --time-limit 1s --seed {seed}")).expect(0);
    }
    assert_eq!(temblor.run_folders("results").len(), 4);
    let dry = temblor.run("prune --keep 1 --dry-run").expect(0);
    assert_eq!((dry.out.lines().count(), temblor.run_folders("results").len()), (2, 4), "{}", dry.out);
    temblor.run("prune --keep 1").expect(0);
    assert_eq!(temblor.run_folders("results").len(), 2);
    temblor.run("prune --keep 0 --violations").expect(0);
    assert_eq!(temblor.run_folders("results").len(), 0);
    assert!(!temblor.file("results/latest").is_symlink());
    temblor.run("prune nowhere --keep 1").expect(2);
}

#[test]
fn a_combination_without_a_run_is_named_and_no_green() {
    let temblor = Temblor::new();
    let text = "canary = false\nruns = 3\n[[scenario]]\nalgorithms = ['eager']\nfaults = ['none', 'kill']\n\
                nodes = [3, 4]\nexecutors = ['sim']\n";
    temblor.write("short.toml", text);
    let ended = temblor.run("campaign short.toml --seed 1").expect(3);
    let said = format!("{} {}", ended.out, ended.said());
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("eager under kill (4 nodes, sim) got no run"), "{said}");
    temblor.run("campaign short.toml --seed 1 --runs 4").expect(0);
}

#[test]
fn programs_with_files_of_one_name_are_told_apart() {
    let temblor = Temblor::new();
    for (folder, script) in [("one", "#!/bin/sh\nexit 3\n"), ("two", "#!/bin/sh\nexit 4\n")] {
        std::fs::create_dir(temblor.file(folder)).unwrap();
        temblor.write(&format!("{folder}/node.sh"), script);
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(temblor.file(&format!("{folder}/node.sh")), permissions).unwrap();
    }
    let text = "canary = false\nshrink = 0\n[[scenario]]\nalgorithms = ['eager']\nfaults = ['none']\nnodes = [2]\n\
                time-limit = '100ms'\nprograms = [{ bin = './one/node.sh' }, { bin = './two/node.sh' }]\n";
    temblor.write("two.toml", text);
    let ended = temblor.run("campaign two.toml --seed 1").expect(1);
    let said = format!("{} {}", ended.out, ended.said());
    for program in ["(./one/node.sh)", "(./two/node.sh)"] {
        assert!(said.contains(program), "{said}");
    }
}

#[test]
fn a_campaign_that_is_resumed_takes_its_own_failures_for_no_earlier_ones() {
    let temblor = Temblor::new();
    let text = "name = \"own\"\ncanary = false\n[[scenario]]\nalgorithms = [\"fifo\"]\nbug = \"skips-gap\"\n\
                faults = [\"partition\"]\nnodes = [4]\nexecutors = [\"sim\"]\n";
    temblor.write("own.toml", text);
    temblor.run("campaign own.toml --seed 2 --runs 6").expect(1);
    let kept = || temblor.read("results/latest/campaign.json");
    let before = kept();
    temblor.run("campaign --resume results/latest").expect(1);
    let regressions = |text: &str| serde_json::from_str::<Value>(text).unwrap()["regressions"].clone();
    assert_eq!((regressions(&before), regressions(&kept())), (serde_json::json!([]), serde_json::json!([])));
}
