//! The page of a run, in a browser: it asks the network for nothing and complains of nothing, axe finds nothing, keys do all,
//! it fits a telephone and a sheet of paper, and nothing that a node says is more than text.
//!
//! What it needs: chromium, node, and `npm install --no-package-lock --prefix harness/tests/browser`.

#[path = "../command/mod.rs"]
mod command;
mod hostile;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use command::Temblor;

/// What is on a page, the case of `page.mjs`, and the part of the address behind `#`.
const CASES: &[(&str, &str, &str)] = &[
    ("total order", "quiet", ""),
    ("total order", "accessible", ""),
    ("total order", "narrow", ""),
    ("total order", "keyboard", ""),
    ("total order", "pointer", ""),
    ("total order", "link", "#e=9"),
    ("total order", "print", ""),
    ("total order", "scriptless", ""),
    ("consensus", "quiet", ""),
    ("consensus", "accessible", ""),
    ("consensus", "narrow", ""),
    ("payments", "quiet", ""),
    ("payments", "accessible", ""),
    ("clean", "quiet", ""),
    ("clean", "accessible", ""),
    ("campaign", "quiet", ""),
    ("campaign", "accessible", ""),
    ("campaign", "narrow", ""),
    ("site", "quiet", ""),
    ("site", "accessible", ""),
    ("site", "narrow", ""),
    ("comparison", "quiet", ""),
    ("comparison", "accessible", ""),
    ("comparison", "narrow", ""),
    ("hostile", "hostile", ""),
    ("hostile", "quiet", ""),
    ("hostile", "accessible", ""),
    ("hostile", "narrow", ""),
    ("mermaid", "every rendering that is kept", ""),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each is a browser of its own.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let required = std::env::var_os("TEMBLOR_REQUIRE_ALL").is_some_and(|value| value == "1");
    let trials = CASES.iter().map(|(page, case, fragment)| {
        Trial::ignorable_test(format!("{page}: {case}"), move || match absent() {
            Some(what) if required => Err(Failed::from(what)),
            Some(what) => Ok(Completion::ignored_with(what)),
            None => run(page, (case, fragment)).map(|()| Completion::Completed),
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// What is not there and should be.
fn absent() -> Option<String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let program = |name: &str| std::env::split_paths(&folders).any(|folder| folder.join(name).is_file());
    if let Some(name) = ["node", "chromium"].into_iter().find(|name| !program(name)) {
        return Some(format!("there is no {name}"));
    }
    let package = |name: &&str| here().join("node_modules").join(name).is_dir();
    let packages = ["playwright-core", "axe-core", "mermaid"].iter().all(package);
    (!packages).then(|| "npm install --no-package-lock --prefix harness/tests/browser was not run".to_owned())
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

fn run(page: &str, (case, fragment): (&str, &str)) -> Result<(), Failed> {
    let temblor = Temblor::new();
    let file = match page {
        "mermaid" => return drawn_by_mermaid(),
        "total order" => shown(&temblor, ("total-lamport", "waits-for-all-but-one")),
        "consensus" => shown(&temblor, ("raft", "elects-any-log")),
        "payments" => shown(&temblor, ("rpc", "charges-declined-card")),
        "hostile" => hostile::page(&temblor),
        "campaign" => campaign(&temblor),
        "site" | "comparison" => return served(&temblor, page, (case, fragment)),
        _ => clean(&temblor),
    };
    look(&file.display().to_string(), (case, fragment))
}

/// Mermaid itself reads and draws the sequence diagram of every property.
fn drawn_by_mermaid() -> Result<(), Failed> {
    let kept = std::fs::read_dir(here().join("../renderings"))?.filter_map(Result::ok).map(|entry| entry.path());
    let diagrams: Vec<PathBuf> = kept.filter(|path| path.extension().is_some_and(|end| end == "mmd")).collect();
    let output = Command::new("node").arg(here().join("mermaid.mjs")).args(diagrams).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

fn look(address: &str, (case, fragment): (&str, &str)) -> Result<(), Failed> {
    let output = Command::new("node").arg(here().join("page.mjs")).args([case, address, fragment]).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

/// The page of a planted bug's demonstration, which is written without being asked for.
fn shown(temblor: &Temblor, (system, bug): (&str, &str)) -> PathBuf {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../workloads/demonstrations/{bug}.json"));
    temblor.run(&format!("run {system} --bug {bug} -x sim --plan {}", plan.display())).expect(1);
    temblor.file("results/latest/report.html")
}

/// Two campaigns, the second of which knows of the first.
fn campaign(temblor: &Temblor) -> PathBuf {
    let text = "name = \"two\"\ncanary = false\n[[scenario]]\nalgorithms = [\"fifo\"]\nbug = \"skips-gap\"\n\
                faults = [\"none\", \"pause\"]\nnodes = [4]\nexecutors = [\"sim\"]\n";
    temblor.write("two.toml", text);
    for seed in [1, 2] {
        temblor.run(&format!("campaign two.toml --seed {seed} --runs 6")).expect(1);
    }
    temblor.file("results/latest/index.html")
}

/// The first page of a server, or two runs compared.
fn served(temblor: &Temblor, page: &str, case: (&str, &str)) -> Result<(), Failed> {
    shown(temblor, ("total-lamport", "waits-for-all-but-one"));
    clean(temblor);
    let serving = temblor.serve("");
    let names: Vec<String> = temblor
        .run_folders("results")
        .iter()
        .map(|run| run.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    let query = if page == "site" { String::new() } else { format!("compare?a={}&b={}", names[0], names[1]) };
    look(&format!("{}/{query}", serving.url), case)
}

/// The page of a run with nothing wrong.
fn clean(temblor: &Temblor) -> PathBuf {
    temblor.run("run fifo -x sim --seed 3 --time-limit 2s").expect(0);
    temblor.run("report").expect(0);
    temblor.file("results/latest/report.html")
}
