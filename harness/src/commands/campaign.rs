//! `temblor campaign`: from a file to many runs, and one answer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};

use super::execution::die_of_panics;
use super::{answer, complain, note};
use crate::campaign::crew::{Crew, Ground, SCRATCH};
use crate::campaign::definition::{Budget, Definition};
use crate::campaign::folder::{CampaignFolder, FORMAT, Invocation};
use crate::campaign::journal::{self, Journal};
use crate::campaign::record::{Began, Ended, Line, RegressionLine};
use crate::campaign::regressions::{self, Now, Regression};
use crate::campaign::services::{self, Service};
use crate::campaign::shard::Shard;
use crate::campaign::summary::{Summary, cell_of};
use crate::campaign::{canary, junit, presets, report, schedule};
use crate::cli::{CampaignArgs, Executor};
use crate::drawing;
use crate::exit::{Exit, usage};
use crate::machine;
use crate::mark::Mark;
use crate::processes::provide_descriptors;
use crate::render::{seconds, wrap};
use crate::results::{point_latest, stamp};
use crate::words::counted;

/// Begins a campaign, or goes on with one.
pub fn campaign(args: &CampaignArgs) -> Result<Exit> {
    let (folder, definition, invocation) = match &args.resume {
        Some(path) => resumed(path, args)?,
        None => begun(args)?,
    };
    die_of_panics();
    let ground = Ground { definition: &definition, seed: invocation.seed, folder: &folder, shard: invocation.shard };
    announce(&ground);
    let failed = session(&ground, width(&definition, args)).err();
    failed.iter().for_each(complain);
    let _ = folder.remove(SCRATCH);
    let lines = journal::read(&folder.journal())?;
    let summary = Summary::new(&definition, invocation.seed, (&lines, &[invocation.shard]));
    let told = tell(&summary, &folder, args.json);
    if args.resume.is_none() {
        point_latest(&args.out, folder.path())?;
    }
    let exit = Exit::of_code(summary.exit);
    // A violation is never masked by what went wrong beside it.
    told.iter().for_each(complain);
    let whole = failed.is_none() && told.is_none();
    Ok(if whole { exit } else { exit.worst(Exit::Failed) })
}

/// A new campaign, with its folder.
fn begun(args: &CampaignArgs) -> Result<(CampaignFolder, Definition, Invocation)> {
    let file = args.file.as_deref().unwrap_or_default();
    let (name, text, base) = asked(file)?;
    let defined = Definition::new(&name, &text, &base);
    let mut definition = defined.map_err(|mistake| usage(mistake.show(file, &text)))?;
    let seed = match (&args.seed, &args.seed_from) {
        (Some(seed), _) => *seed,
        (None, Some(_)) => schedule::seed_of_day(SystemTime::now()),
        (None, None) => definition.seed.unwrap_or_else(drawing::fresh_seed),
    };
    match (args.runs, args.time) {
        (Some(runs), _) => definition.budget = Budget::Runs(runs),
        (None, Some(time)) => definition.budget = Budget::Time(time),
        (None, None) => {}
    }
    let variable = |name: &str| std::env::var(name).ok();
    let shard = args.shard.as_ref().map(|text| Shard::parse(text, variable)).transpose()?.unwrap_or_default();
    definition.seed = Some(seed);
    definition.jobs = args.jobs.map(|jobs| jobs as usize).or(definition.jobs);
    definition.canary &= !args.no_canary;
    definition.keep = args.keep.unwrap_or(definition.keep);
    if let Some(regressions) = &args.regressions {
        definition.regressions = absolute(regressions)?;
    }
    let (runs, time_us) = match definition.budget {
        Budget::Runs(runs) => (Some(runs), None),
        Budget::Time(time) => (None, Some(time)),
    };
    let invocation = Invocation {
        format: FORMAT,
        temblor: env!("CARGO_PKG_VERSION").to_owned(),
        name: definition.name.clone(),
        hash: definition.hash.clone(),
        base,
        seed,
        runs,
        time_us,
        shard,
        jobs: definition.jobs,
        canary: definition.canary,
        keep: definition.keep,
        regressions: definition.regressions.clone(),
    };
    let folder = CampaignFolder::create(&args.out, &text, &invocation)?;
    Ok((folder, definition, invocation))
}

/// A campaign that was begun before.
fn resumed(path: &Path, args: &CampaignArgs) -> Result<(CampaignFolder, Definition, Invocation)> {
    let (folder, text, invocation) = CampaignFolder::open(path)?;
    let mut definition = CampaignFolder::define(&text, &invocation)?;
    definition.jobs = args.jobs.map(|jobs| jobs as usize).or(definition.jobs);
    Ok((folder, definition, invocation))
}

/// The name, the text and the folder of a campaign file, or of a preset.
fn asked(file: &str) -> Result<(String, String, PathBuf)> {
    let path = Path::new(file);
    if !path.exists()
        && let Some(preset) = presets::find(file)
    {
        return Ok((preset.name.to_owned(), preset.text.to_owned(), absolute(Path::new("."))?));
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        let known: Vec<&str> = presets::PRESETS.iter().map(|preset| preset.name).collect();
        usage(format!("failed to read the campaign {file}: {error}; presets are {}", known.join(", ")))
    })?;
    let name = path.file_stem().map_or_else(|| "campaign".to_owned(), |name| name.to_string_lossy().into_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((name, text, absolute(folder)?))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("failed to find {}", path.display()))
}

/// How many runs go on at once, at most. Those on real processes wait most of the time; those in virtual time compute.
fn width(definition: &Definition, args: &CampaignArgs) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let real = definition.cells.iter().any(|cell| cell.executor == Executor::Processes);
    let own = if real { cores * 2 } else { cores };
    args.jobs.map(|jobs| jobs as usize).or(definition.jobs).unwrap_or(own).max(1)
}

fn announce(ground: &Ground<'_>) {
    let definition = ground.definition;
    let budget = match definition.budget {
        Budget::Runs(runs) => counted(runs, "run", "runs"),
        Budget::Time(time) => format!("{} s", seconds(time)),
    };
    let shard = if ground.shard.of > 1 { format!(", shard {}", ground.shard) } else { String::new() };
    let cells = counted(definition.cells.len(), "combination", "combinations");
    note(&wrap(&format!("{}: {cells}, {budget}{shard}, seed {}", definition.name, ground.seed), 0));
    note(&format!("files: {}", ground.folder.path().display()));
}

/// One session: what is left of the campaign, as far as its budget and a person let it.
fn session(ground: &Ground<'_>, width: usize) -> Result<()> {
    let begun = Instant::now();
    let (mut journal, lines) = Journal::open(&ground.folder.journal())?;
    let done = done(&lines);
    sweep(ground, &done)?;
    let largest = ground.definition.cells.iter().filter(|cell| cell.executor == Executor::Processes);
    if let Some(nodes) = largest.map(|cell| usize::from(cell.nodes)).max() {
        provide_descriptors(nodes, width)?;
    }
    journal.append(&Line::Began(Began {
        date: stamp(SystemTime::now()),
        shard: ground.shard.to_string(),
        machine: machine::describe(),
    }))?;
    look_for_canaries(ground, (&mut journal, &lines))?;
    let time = match ground.definition.budget {
        Budget::Runs(_) => None,
        Budget::Time(us) => Some(Duration::from_micros(us).saturating_sub(used(&lines))),
    };
    let share = time.map(|time| time * u32::from(ground.definition.regressions_share) / 100);
    try_regressions(ground, (&mut journal, &lines), share)?;
    let time = time.map(|time| time.saturating_sub(begun.elapsed()));
    let crew = Crew::new(ground, (journal, done), (width, time));
    for line in &lines {
        if let Line::Run(run) = line
            && let Some(failure) = run.failure.as_ref().filter(|_| !is_triaged(&lines, run.k))
        {
            crew.look_into((run.k, cell_of(ground.definition, run.k)), failure)?;
        }
    }
    let mut outcome = crew.work(width)?;
    outcome.journal.append(&Line::Ended(Ended {
        took_ms: begun.elapsed().as_millis() as u64,
        interrupted: outcome.interrupted.clone(),
        at_once: outcome.at_once,
    }))?;
    if let Some(signal) = &outcome.interrupted {
        let path = ground.folder.path().display();
        note(&format!("interrupted by {signal}; go on with\n  temblor campaign --resume {path}"));
    }
    Ok(())
}

/// The runs that are finished.
fn done(lines: &[Line]) -> BTreeSet<u64> {
    let runs = lines.iter().filter_map(|line| match line {
        Line::Run(run) => Some(run.k),
        _ => None,
    });
    runs.collect()
}

fn is_triaged(lines: &[Line], k: u64) -> bool {
    lines.iter().any(|line| matches!(line, Line::Triage(triage) if triage.k == k))
}

/// The time that earlier sessions took; of one that was killed, until its last run.
fn used(lines: &[Line]) -> Duration {
    let (mut sum, mut session) = (0, 0);
    for line in lines {
        match line {
            Line::Began(_) => {
                sum += session;
                session = 0;
            }
            Line::Run(run) => session = session.max(run.at_ms),
            Line::Ended(ended) => session = ended.took_ms,
            _ => {}
        }
    }
    Duration::from_millis(sum + session)
}

/// Removes what a session that was killed has left of runs that were not finished.
fn sweep(ground: &Ground<'_>, done: &BTreeSet<u64>) -> Result<()> {
    ground.folder.remove(SCRATCH)?;
    let runs = ground.folder.make("runs")?;
    let entries = std::fs::read_dir(&runs).with_context(|| format!("failed to read {}", runs.display()))?;
    for entry in entries {
        let name = entry.with_context(|| format!("failed to read {}", runs.display()))?.file_name();
        let name = name.to_string_lossy();
        if !name.parse().is_ok_and(|k| done.contains(&k)) {
            ground.folder.remove(&format!("runs/{name}"))?;
        }
    }
    Ok(())
}

fn look_for_canaries(ground: &Ground<'_>, (journal, lines): (&mut Journal, &[Line])) -> Result<()> {
    if !ground.definition.canary {
        return Ok(());
    }
    for (executor, entry) in canary::canaries(ground) {
        let known = |line: &Line| matches!(line, Line::Canary(known) if known.executor == executor.name());
        if lines.iter().any(known) {
            continue;
        }
        let line = canary::look(ground, (executor, entry))?;
        let found = if line.found { "found" } else { "NOT FOUND: the harness is blind" };
        note(&wrap(&format!("canary in {}: the bug {} was {found}", line.executor, line.bug), 0));
        journal.append(&Line::Canary(line))?;
    }
    Ok(())
}

/// Failures of earlier campaigns come first, those of this campaign's systems, within their share of the time.
fn try_regressions(
    ground: &Ground<'_>,
    (journal, lines): (&mut Journal, &[Line]),
    share: Option<Duration>,
) -> Result<()> {
    let begun = Instant::now();
    let all = regressions::load(&ground.definition.regressions)?;
    let ours = all.iter().filter(|regression| ground.definition.cells.iter().any(|cell| regression.is_of(cell)));
    for (at, regression) in ours.enumerate() {
        // What this campaign has found itself before it was resumed is no failure of an earlier one.
        let known = |line: &Line| match line {
            Line::Regression(known) => known.name == regression.name(),
            Line::Triage(triage) => triage.regression.as_ref() == Some(&regression.name()),
            _ => false,
        };
        let over = share.is_some_and(|share| begun.elapsed() + Duration::from_micros(regression.length_us()) > share);
        if !ground.shard.has(at as u64) || over || lines.iter().any(known) {
            continue;
        }
        let line = tried(ground, regression)?;
        note(&wrap(&format!("regression {}: {}", line.name, line.why), 0));
        journal.append(&Line::Regression(line))?;
    }
    Ok(())
}

fn tried(ground: &Ground<'_>, regression: &Regression) -> Result<RegressionLine> {
    let scratch = ground.scratch()?;
    let (mark, why) = match regression.run(scratch.path()) {
        Ok(Now::Fails) => (Mark::Violation, format!("still there: {}", regression.sentence)),
        Ok(Now::Holds) => (Mark::Held, format!("{} holds now", regression.property)),
        Err(error) => (Mark::Failed, format!("{error:#}")),
    };
    let (name, system, property) = (regression.name(), regression.what(), regression.property.clone());
    Ok(RegressionLine { name, system, property, mark, why })
}

/// Writes what a campaign came to, and says it; what could not be written is the answer.
pub fn tell(summary: &Summary, folder: &CampaignFolder, json: bool) -> Option<anyhow::Error> {
    let text = report::text(summary, folder.path());
    let failures = report::failures(summary, folder.path());
    let data = serde_json::to_string_pretty(summary).expect("a summary is plain data") + "\n";
    let files = [
        ("campaign.json", &data),
        ("matrix.txt", &text),
        ("FAILURES.md", &failures),
        ("junit.xml", &junit::junit(summary)),
        ("index.html", &crate::report::campaign::page(summary, folder.path())),
    ];
    let written = files.iter().try_for_each(|(name, text)| folder.write(name, text));
    let said = answer(if json { &data } else { &text });
    let served = match Service::of_environment(|name| std::env::var(name).ok()) {
        Some(Service::GitHub(path)) => {
            note(services::annotations(summary).trim_end());
            path.map_or(Ok(()), |path| append(&path, &services::step_summary(summary, &failures)))
        }
        Some(Service::GitLab) => {
            note(services::section(summary, &text).trim_end());
            Ok(())
        }
        None => Ok(()),
    };
    note(&format!("page:  {}", folder.below("index.html").display()));
    note(&format!("files: {}", folder.path().display()));
    written.and(said).and(served).err()
}

fn append(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("failed to write the step summary {}", path.display()))
}
