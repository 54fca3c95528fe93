//! The negative half: what an algorithm does not promise, a small plan breaks, on real processes. Each plan tells a story that
//! separates one level of the hierarchy from the next: a system of the lower level falls, one of the higher stands.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use temblor::cli::Executor;
use temblor::trial::Trials;
use temblor_checkers::table;
use temblor_checkers::verdict::{Judgement, Outcome, Standing};
use temblor_workloads::plan::Plan;
use temblor_workloads::validity::check_against;

use crate::hierarchy::{Cell, Row, rows};
use crate::observed::Observed;

/// How often a story is told if a race goes the other way: one history that breaks a property shows that it can be broken.
const TIMES: usize = 3;

/// What separates two levels.
struct Story {
    /// Its file in workloads/separations.
    name: &'static str,
    /// What it breaks where the first of these is not promised ...
    breaks: &'static [&'static str],
    /// ... but this is.
    although: Option<&'static str>,
    /// For some systems, the strongest models that its history is consistent with; the first is the one that the file is for.
    leaves: &'static [(&'static str, &'static [&'static str])],
}

/// From the bottom of the hierarchy to its top.
const STORIES: &[Story] = &[
    Story { name: "doubled", breaks: &["no-duplication"], although: None, leaves: &[("best-effort", &["none"])] },
    Story {
        name: "half-way",
        breaks: &["agreement"],
        although: None,
        leaves: &[("retransmit", &["best-effort"]), ("eager", &["uniform-reliable", "fifo-total"])],
    },
    Story {
        name: "alone",
        breaks: &["uniform-agreement"],
        although: None,
        leaves: &[("eager", &["causal"]), ("eager-uniform", &["uniform-reliable", "fifo-total"])],
    },
    Story {
        name: "overtaken",
        breaks: &["fifo-order", "causal-order"],
        although: None,
        leaves: &[("eager", &["uniform-reliable"]), ("total-sequencer", &["uniform-reliable", "total"])],
    },
    Story {
        name: "answer-first",
        breaks: &["causal-order"],
        although: Some("fifo-order"),
        leaves: &[("fifo over eager", &["uniform-reliable", "fifo"])],
    },
    Story {
        name: "crossed",
        breaks: &["total-order", "uniform-total-order", "one-order", "gap-free-order"],
        although: None,
        leaves: &[("causal over eager", &["uniform-reliable", "causal"])],
    },
];

/// A trial for each system and story that breaks something of it, and one for all others together.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("every_no_of_the_matrix_has_its_separation", every_no_has_its_story),
        Trial::test("what_a_separation_breaks_stands_where_it_is_promised", stands_where_promised),
    ];
    for (at, row) in rows().iter().enumerate() {
        for story in STORIES.iter().filter(|story| !story.broken_of(row).is_empty()) {
            let name = format!("{}_breaks_what_{}_does_not_promise", story.name, row.name.replace(' ', "_"));
            trials.push(Trial::test(name, move || breaks(story, &rows()[at])));
        }
    }
    trials
}

impl Story {
    /// What it breaks of a system.
    fn broken_of(&self, row: &Row) -> Vec<&'static str> {
        let stands = row.cell(self.breaks[0]) != Cell::Broken;
        if stands || self.although.is_some_and(|property| !matches!(row.cell(property), Cell::Promised(..))) {
            return Vec::new();
        }
        self.breaks.iter().copied().filter(|property| row.cell(property) == Cell::Broken).collect()
    }

    /// Its plan, for another system than that of the file; with whether it lies within that system's model.
    fn plan(&self, row: &Row) -> (Plan, bool) {
        let text = std::fs::read_to_string(folder().join(format!("{}.json", self.name))).expect("each has its file");
        let mut plan = Plan::parse(&text).unwrap_or_else(|error| panic!("{}, {error}", self.name));
        let (system, first) = (row.system(), self.leaves[0].0);
        let setting = system.setting(plan.nodes.clone());
        if first == row.name {
            assert_eq!((&plan.algorithm, &plan.over), (&setting.algorithm, &setting.over), "{}", self.name);
        }
        (plan.algorithm, plan.over) = (setting.algorithm.clone(), setting.over.clone());
        let within = check_against(&plan, &setting).is_ok();
        plan.beyond_model = !within;
        (plan, within)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/separations")
}

fn breaks(story: &Story, row: &Row) -> Result<(), Failed> {
    let (plan, within) = story.plan(row);
    let broken = story.broken_of(row);
    let mut run = Observed::run(row, &plan)?;
    for _ in 1..TIMES {
        if broken.iter().all(|property| run.violates(property)) {
            break;
        }
        run = Observed::run(row, &plan)?;
    }
    // What was not promised is no violation, until somebody asks for it.
    assert_eq!(run.code, Some(0), "{:?}", run.verdict.outcome);
    for property in broken {
        assert!(run.violates(property), "{property} held");
        // Beyond the model what is not delivered is put down to the faults.
        if within || table::CHECKERS.iter().any(|c| c.name == property && c.kind == table::Kind::Safety) {
            assert_eq!(run.judged_by(property)?, Some(1), "{property}");
        }
    }
    if let Some((_, left)) = story.leaves.iter().find(|(name, _)| *name == row.name) {
        assert_eq!(run.verdict.classification, *left);
    }
    Ok(())
}

fn every_no_has_its_story() -> Result<(), Failed> {
    for row in rows() {
        for (property, cell) in &row.cells {
            let told = STORIES.iter().any(|story| story.broken_of(&row).contains(property));
            assert_eq!(told, *cell == Cell::Broken, "{}, {property}", row.name);
        }
    }
    assert_eq!(std::fs::read_dir(folder())?.count(), STORIES.len(), "a plan without a story");
    Ok(())
}

/// In simulation: on real processes the other half of the matrix shows it.
fn stands_where_promised() -> Result<(), Failed> {
    for row in rows() {
        let system = row.system();
        let (launch, nowhere) = (system.launch(None)?, Path::new(""));
        let trials = Trials::new(&system, Executor::Sim, (&launch, nowhere))?;
        for story in STORIES {
            let (plan, within) = story.plan(&row);
            if !within {
                continue;
            }
            let verdict = trials.run(&plan)?.verdict;
            assert_eq!(verdict.outcome, Outcome::Clean, "{}, {}", story.name, row.name);
            for judged in verdict.properties.iter().filter(|judged| judged.standing == Standing::Promised) {
                assert_eq!(judged.judgement, Judgement::Valid, "{}, {}, {}", story.name, row.name, judged.property);
            }
            if let Some((_, left)) = story.leaves.iter().find(|(name, _)| *name == row.name) {
                assert_eq!(verdict.classification, *left, "{}, {}", story.name, row.name);
            }
        }
    }
    Ok(())
}
