//! The executors in virtual time: the same plan gives the same history, byte for byte, in this process and on real ones; the
//! correct algorithms raise no alarm, and every planted bug is found.

use std::path::Path;

use temblor::cli::{Executor, SystemArgs};
use temblor::hunt;
use temblor::processes::Launch;
use temblor::system::System;
use temblor::trial::Trials;
use temblor::virtual_time::{Cluster, Facts, Files, Lockstep, run};
use temblor_checkers::check::check;
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_checkers::verdict::{Outcome, Verdict};
use temblor_node::algorithms::ALGORITHMS;
use temblor_node::bugs::BUGS;
use temblor_workloads::draw::{Wishes, draw};
use temblor_workloads::plan::Plan;
use temblor_workloads::workloads;

/// Seeds for correct algorithms.
const QUIET_SEEDS: u64 = 10;
/// Seeds within which a bug has to show.
const BUG_SEEDS: u64 = 1000;

struct Case {
    system: System,
    algorithm: &'static str,
    over: Option<&'static str>,
    bug: Option<&'static str>,
}

impl Case {
    fn new(algorithm: &'static str, over: Option<&'static str>, bug: Option<&'static str>) -> Self {
        let args =
            SystemArgs { algorithm: algorithm.to_owned(), over: over.map(str::to_owned), fanout: None, http: false };
        Self { system: System::find(&args, bug).unwrap(), algorithm, over, bug }
    }

    fn plan(&self, seed: u64) -> Plan {
        let nodes = (1..=5).map(|n| format!("n{n}")).collect();
        let wishes = Wishes {
            workload: workloads::of(self.system.asks()).next().unwrap().name.to_owned(),
            nemesis: vec!["all".to_owned()],
            length_us: 3_000_000,
            rate: 50,
            ..Wishes::default()
        };
        draw(&self.system.setting(nodes), &wishes, seed).unwrap()
    }

    fn simulate(&self, plan: &Plan) -> Facts {
        self.play(plan, self.system.simulated(&plan.nodes).unwrap())
    }

    fn lockstep(&self, plan: &Plan, folder: &Path) -> Facts {
        let mut arguments = vec!["node".to_owned(), self.algorithm.to_owned()];
        for (flag, value) in [("--over", self.over), ("--bug", self.bug)] {
            arguments.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value.to_owned()]));
        }
        let launch = Launch { program: env!("CARGO_BIN_EXE_temblor").into(), arguments, ..Launch::default() };
        self.play(plan, Lockstep::new(launch, &plan.nodes, folder.to_owned()))
    }

    fn play(&self, plan: &Plan, cluster: impl Cluster) -> Facts {
        let header = self.system.header(plan).unwrap();
        run((plan, &header, self.system.bound_ms()), cluster, Files::default()).unwrap()
    }
}

fn judge(history: &[u8]) -> Verdict {
    let options = Options { require: None, fifo_gaps: FifoGaps::Forbidden };
    check(|| Ok(history), &options).unwrap()
}

#[test]
fn the_same_plan_gives_the_same_history_simulated_and_on_real_processes() {
    for algorithm in ALGORITHMS {
        let case = Case::new(algorithm.name, algorithm.over, None);
        let plan = case.plan(7);
        let first = case.simulate(&plan);
        assert!(first.inputs > 100 && first.history.len() > 5_000, "{}", algorithm.name);
        assert!(first == case.simulate(&plan), "{}", algorithm.name);
        let folder = tempfile::tempdir().unwrap();
        assert!(first.history == case.lockstep(&plan, folder.path()).history, "{} in lockstep", algorithm.name);
    }
}

#[test]
fn correct_algorithms_raise_no_alarm() {
    for algorithm in ALGORITHMS {
        let case = Case::new(algorithm.name, algorithm.over, None);
        for seed in 1..=QUIET_SEEDS {
            let verdict = judge(&case.simulate(&case.plan(seed)).history);
            assert!(matches!(verdict.outcome, Outcome::Clean), "{} seed {seed}: {verdict:#?}", algorithm.name);
        }
    }
}

/// The demonstration plan of a bug.
fn demonstration(bug: &str) -> Plan {
    let path = format!("{}/../workloads/demonstrations/{bug}.json", env!("CARGO_MANIFEST_DIR"));
    Plan::parse(&std::fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_bug_violates_its_property_under_its_plan_and_without_it_the_plan_shows_nothing() {
    for entry in BUGS {
        let plan = demonstration(entry.name);
        let with = judge(&Case::new(entry.algorithm, None, Some(entry.name)).simulate(&plan).history);
        assert!(hunt::violates(&with, entry.property), "{}: {:?}", entry.name, with.outcome);
        let without = judge(&Case::new(entry.algorithm, None, None).simulate(&plan).history);
        assert!(matches!(without.outcome, Outcome::Clean), "{}: {:?}", entry.name, without.outcome);
    }
}

#[test]
fn every_planted_bug_is_found_by_the_property_that_it_violates() {
    let nowhere = Launch::default();
    for entry in BUGS {
        let case = Case::new(entry.algorithm, None, Some(entry.name));
        let trials = Trials::new(&case.system, Executor::Sim, (&nowhere, Path::new(""))).unwrap();
        let found = (1..=BUG_SEEDS).find(|seed| {
            let trial = trials.run(&hunt::plan(&trials, *seed).unwrap()).unwrap();
            hunt::violates(&trial.verdict, entry.property)
        });
        assert!(found.is_some(), "{} was not found with {BUG_SEEDS} seeds", entry.name);
    }
}

#[test]
fn a_node_that_is_killed_within_a_step_has_sent_some_of_its_frames_and_not_the_others() {
    let case = Case::new("best-effort", None, None);
    let reached = |cut: u32| {
        let plan = format!(
            r#"{{"format":1,"algorithm":"best-effort","seed":7,"nodes":["n1","n2","n3","n4"],"length_us":100000,
                "operations":[{{"when":{{"at_us":1000}},"node":"n1","broadcast":1}}],
                "faults":[{{"id":1,"when":{{"after":{{"seen":{{"input":{{"node":"n1","count":1,"cut":{cut}}}}}}}}},
                           "fault":{{"kill":{{"node":"n1"}}}}}}]}}"#
        );
        let history = case.simulate(&Plan::parse(&plan).unwrap()).history;
        let delivers = |line: &&str| line.contains("\"f\":\"deliver\"") && !line.contains("\"process\":\"n1\"");
        String::from_utf8(history).unwrap().lines().filter(delivers).count()
    };
    let by_cut: Vec<usize> = (0..=7).map(reached).collect();
    assert!(by_cut.is_sorted() && [0, 1, 2, 3].iter().all(|count| by_cut.contains(count)), "{by_cut:?}");
}
