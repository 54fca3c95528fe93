//! From the command line to a plan: drawn from a seed, or read from a file.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Result;
use temblor_workloads::draw::{Wishes, draw};
use temblor_workloads::lectures;
use temblor_workloads::plan::Plan;
use temblor_workloads::workloads;

use crate::cli::WishArgs;
use crate::exit::usage;
use crate::system::System;

/// The plan that a seed gives.
pub fn drawn(system: &System, args: &WishArgs, seed: u64) -> Result<Plan> {
    let nodes = (1..=args.nodes).map(|number| format!("n{number}")).collect();
    let wishes = Wishes {
        workload: args.workload.clone().unwrap_or_else(|| first_of(system).to_owned()),
        nemesis: args.nemesis.clone(),
        length_us: args.time_limit,
        rate: args.rate,
        chain_depth: args.chain_depth,
        burst_size: args.burst_size,
        beyond_model: args.beyond_model,
        interval_us: args.nemesis_interval,
        latency_us: args.latency,
    };
    let mut plan = draw(&system.setting(nodes), &wishes, seed).map_err(|error| usage(error.to_string()))?;
    plan.topology = args.topology;
    plan.clients_max = args.concurrency.map(|clients| clients.of(args.nodes));
    Ok(plan)
}

/// The workload that is meant where nothing is said.
fn first_of(system: &System) -> &'static str {
    workloads::of(system.asks()).next().expect("there is a workload for whatever clients ask for").name
}

/// A plan from a file, or one of those that have a name, if it makes sense and keeps within the system's model, unless it need not.
pub fn read(system: &System, wishes: &WishArgs, path: &Path) -> Result<Plan> {
    let text = text(path)?;
    let place = |error: temblor_workloads::text::PlanError| usage(format!("{}, {error}", path.display()));
    let mut plan = Plan::parse(&text).map_err(place)?;
    plan.beyond_model |= wishes.beyond_model;
    plan.http |= system.speaks_http();
    plan.validate(&text, &system.setting(plan.nodes.clone())).map_err(place)?;
    Ok(plan)
}

/// The text of a plan: of a file, or where there is none of a plan that goes by this name.
fn text(path: &Path) -> Result<String> {
    match (std::fs::read_to_string(path), path.to_str().and_then(lectures::plan)) {
        (Ok(text), _) => Ok(text),
        (Err(error), Some(text)) if error.kind() == ErrorKind::NotFound => Ok(text.to_owned()),
        (Err(error), _) if error.kind() == ErrorKind::NotFound => {
            let what = format!("failed to read the plan {}: {error}", path.display());
            Err(usage(format!("{what}, and no plan has this name (see `temblor list plans`)")))
        }
        (Err(error), _) => Err(usage(format!("failed to read the plan {}: {error}", path.display()))),
    }
}

/// A seed when none was given. It is short, since people copy it.
pub fn fresh_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mixed = temblor_workloads::chance::mix(since.as_nanos() as u64, &[u64::from(std::process::id())]);
    mixed % 1_000_000_000
}

#[cfg(test)]
mod tests {
    use temblor_node::bugs::BUGS;
    use temblor_workloads::topology::Topology;
    use temblor_workloads::workloads;

    use super::drawn;
    use crate::cli::{SystemArgs, WishArgs};
    use crate::system::System;

    fn wishes(workload: &str) -> WishArgs {
        WishArgs {
            nemesis: vec!["all".to_owned()],
            beyond_model: false,
            nodes: 5,
            time_limit: 1_000_000,
            rate: 50,
            workload: Some(workload.to_owned()),
            chain_depth: 4,
            burst_size: 20,
            topology: Topology::Total,
            nemesis_interval: None,
            latency: 0,
            concurrency: None,
            seed: None,
        }
    }

    #[test]
    fn the_plan_of_a_seed_is_the_same_with_and_without_a_bug() {
        for entry in BUGS {
            let args = SystemArgs { algorithm: entry.algorithm.to_owned(), over: None, fanout: None, http: false };
            let (sound, planted) = (System::find(&args, None).unwrap(), System::find(&args, Some(entry.name)).unwrap());
            for workload in workloads::of(sound.asks()) {
                let plan = |system| drawn(system, &wishes(workload.name), 7).unwrap();
                assert_eq!(plan(&sound), plan(&planted), "{}", entry.name);
            }
        }
    }
}
