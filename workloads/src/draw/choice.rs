//! The choice: which faults a person named, and whether the system's model allows them.

use std::collections::BTreeSet;

use super::{DrawError, Wishes};
use crate::faults::{BITES, FAULTS, Fault};
use crate::plan::Ask;
use crate::setting::{Crashes, Setting};
use crate::workloads::{self, WORKLOADS, Workload};

/// The faults to draw from, and which of them (as they were named) have to bite.
pub(super) fn choose(setting: &Setting, wishes: &Wishes) -> Result<(Vec<&'static Fault>, Vec<String>), DrawError> {
    let names: Vec<&str> = wishes.nemesis.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
    if names.contains(&"none") {
        return match names.as_slice() {
            ["none"] => Ok((Vec::new(), Vec::new())),
            _ => Err(DrawError("--nemesis none can't be combined with faults".to_owned())),
        };
    }
    let (mut chosen, mut requested) = (Vec::new(), Vec::new());
    for name in names {
        chosen.extend(meant(name, setting, wishes)?);
        if name != "all" && !requested.iter().any(|known| known == name) {
            requested.push(name.to_owned());
        }
    }
    let mut seen = BTreeSet::new();
    chosen.retain(|fault| seen.insert(fault.name));
    Ok((chosen, requested))
}

/// The workload of this name, if it is one of this system's.
pub(super) fn workload(name: &str, setting: &Setting) -> Result<&'static Workload, DrawError> {
    let known: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
    let found = workloads::find(name).ok_or_else(|| unknown("workload", name, &known))?;
    if found.asks == setting.asks {
        return Ok(found);
    }
    let fit: Vec<&str> = workloads::of(setting.asks).map(|workload| workload.name).collect();
    let system = &setting.algorithm;
    Err(DrawError(format!("the workload {name} is not for {system}, whose clients do: {}", fit.join(", "))))
}

/// The faults that a name, a class or `all` means, as far as they are possible here.
fn meant(name: &str, setting: &Setting, wishes: &Wishes) -> Result<Vec<&'static Fault>, DrawError> {
    let possible = |fault: &Fault| {
        let enough = setting.nodes.len() > 1 || fault.class == "pause";
        enough && (fault.name == "kill" || !matches!(fault.class, "kill" | "disk") || comes_back(fault, setting))
    };
    let drawn = FAULTS.iter().filter(|fault| fault.name != BITES);
    // Where nodes do not speak with each other, links matter to nobody.
    let alone = matches!(setting.asks, Ask::Echo | Ask::Generate);
    let matters = move |fault: &&Fault| !alone || matches!(fault.class, "kill" | "pause");
    let meant = drawn.filter(|fault| name == "all" && matters(fault) || fault.name == name || fault.class == name);
    let meant: Vec<&'static Fault> = meant.collect();
    if meant.is_empty() {
        return Err(unknown("fault", name, &nameable()));
    }
    let allowed = |fault: &&Fault| possible(fault) && (wishes.beyond_model || (fault.within)(setting));
    let within: Vec<&'static Fault> = meant.iter().copied().filter(allowed).collect();
    if !within.is_empty() || name == "all" {
        return Ok(within);
    }
    let alone = setting.nodes.len() < 2 && meant.iter().all(|fault| fault.class != "pause");
    Err(if alone { DrawError(format!("{name} needs at least two nodes")) } else { outside(name, setting) })
}

/// Where nobody comes back there is nothing to restart, and where nothing is stored no disk to damage.
fn comes_back(fault: &Fault, setting: &Setting) -> bool {
    setting.crashes == Crashes::Recover && (fault.class != "disk" || setting.durable)
}

/// Everything that `--nemesis` takes, in alphabetical order.
fn nameable() -> Vec<&'static str> {
    let names = FAULTS
        .iter()
        .filter(|fault| fault.name != BITES)
        .flat_map(|fault| [fault.name, fault.class])
        .chain(["none", "all"]);
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn outside(name: &str, setting: &Setting) -> DrawError {
    let over = setting.over.as_ref().map_or(String::new(), |over| format!(" over {over}"));
    DrawError(format!(
        "{name} is outside the system model of {}{over}, which does not claim to withstand it; \
         add --beyond-model to inject it all the same",
        setting.algorithm
    ))
}

fn unknown(what: &str, name: &str, known: &[&str]) -> DrawError {
    let hint = nearest(name, known.iter().copied()).map_or(String::new(), |known| format!("; did you mean {known}?"));
    let verb = if known.len() == 1 { "is" } else { "are" };
    DrawError(format!("there is no {what} {name}{hint} (there {verb} {})", known.join(", ")))
}

/// Which of the known names may have been meant, if one is near enough.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, known) = known.map(|known| (distance(name, known), known)).min()?;
    (distance <= 2 && distance < known.len()).then_some(known)
}

/// How many letters have to be put in, taken out or changed to get from one word to the other (Levenshtein 1966).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
