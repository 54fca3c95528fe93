//! A machine without a processor to spare: what comes too late because the harness had no time is unknown and no violation, and a
//! violation is still seen.

mod command;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use command::Temblor;
use serde_json::Value;

/// Two busy loops a core, until it is dropped.
struct Starving {
    goes_on: Arc<AtomicBool>,
    loops: Vec<JoinHandle<()>>,
}

impl Starving {
    fn begin() -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let spin = |_| {
            let goes_on = Arc::clone(&goes_on);
            thread::spawn(move || {
                while goes_on.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let loops = (0..2 * cores).map(spin).collect();
        Self { goes_on, loops }
    }
}

impl Drop for Starving {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
        self.loops.drain(..).for_each(|handle| handle.join().expect("a loop does not fail"));
    }
}

const CORRECT: &str = r#"
runs = 8
seed = 3
canary = false

[[scenario]]
algorithms = ["fifo", "total-sequencer"]
faults = ["partition", "pause"]
nodes = [5]
executors = ["processes"]
time-limit = "500ms"
rate = 200
"#;

const WRONG: &str = r#"
runs = 3
seed = 3
canary = false

[[scenario]]
algorithms = ["fifo"]
bug = "ignores-numbers"
faults = ["link"]
nodes = [4]
executors = ["processes"]
time-limit = "1s"
"#;

fn summary(temblor: &Temblor, out: &str) -> Value {
    let text = temblor.read(&format!("{out}/latest/campaign.json"));
    serde_json::from_str(&text).expect("campaign.json is JSON")
}

#[test]
fn a_correct_system_on_a_starved_machine_is_never_said_to_be_wrong() {
    let temblor = Temblor::new();
    temblor.write("correct.toml", CORRECT);
    let starving = Starving::begin();
    let ended = temblor.run("campaign correct.toml --jobs 4 --out correct");
    drop(starving);
    // Clean, or inconclusive because the harness was late: both are true. A violation would not be.
    assert!(matches!(ended.code, Some(0 | 3)), "{}\n{}", ended.out, ended.err);
    assert!(!ended.out.contains("VIOLATION"), "{}", ended.out);
    assert!(summary(&temblor, "correct")["failures"].as_array().is_none_or(Vec::is_empty));
    temblor.nothing_is_left();
}

#[test]
fn an_injected_violation_is_seen_on_a_starved_machine_too() {
    let temblor = Temblor::new();
    temblor.write("wrong.toml", WRONG);
    let starving = Starving::begin();
    let ended = temblor.run("campaign wrong.toml --out wrong --regressions kept");
    drop(starving);
    let ended = ended.expect(1);
    assert!(ended.out.contains("fifo-order"), "{}", ended.out);
    temblor.nothing_is_left();
}
