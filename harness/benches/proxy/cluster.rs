//! A run of real nodes below this process, which is their controller.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use temblor::cli::SystemArgs;
use temblor::processes::{self, Ended, Interrupts, Launch, Setup};
use temblor::results::RunFolder;
use temblor::system::System;
use temblor_workloads::plan::Plan;
use tokio::task::LocalSet;

use crate::load::NODES;
use crate::moments::Moments;

/// So much of the main phase is left out: connections fill, buffers grow.
const WARM_UP_NS: u64 = 500_000_000;
/// How long a node has to answer `init`, us.
const INIT_TIMEOUT_US: u64 = 10_000_000;

/// What the ops of a history have that are requests, and that are deliveries.
const REQUEST: &str = r#""type":"invoke","f":"broadcast""#;
const DELIVERY: &str = r#""f":"deliver""#;

/// What a run showed.
pub struct Measured {
    /// When each frame was read.
    receipts: Moments,
    /// When each message was delivered, by each node.
    pub deliveries: Moments,
    /// When the main phase began, ns.
    pub begun_ns: u64,
    /// The part of the main phase that counts, ns.
    pub window_ns: (u64, u64),
    /// Processor time of the controller over the whole run, from the first bind to the end of the last node.
    cpu: Duration,
}

impl Measured {
    /// Frames read in the window, a second.
    pub fn frames_per_second(&self) -> f64 {
        self.receipts.per_second(self.window_ns)
    }

    /// Broadcasts that came through in the window, a second: each node's delivery counts for its part.
    pub fn broadcasts_per_second(&self) -> f64 {
        self.deliveries.per_second(self.window_ns) / NODES as f64
    }

    /// All of the controller's processor time over all frames, us.
    pub fn cpu_us_per_frame(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.receipts.count() as f64
    }
}

/// Carries a plan out.
pub fn run(plan: &Plan) -> Measured {
    let results = tempfile::tempdir().expect("a temporary directory");
    let folder = RunFolder::create(results.path(), "eager", plan.seed).expect("a folder for the run");
    let before = cpu();
    let ended = carry_out(plan, &folder);
    let cpu = cpu() - before;
    let receipts = Moments::receipts(&folder.file("messages.jsonl"));
    is_sound(&ended, &receipts);
    let history = folder.file("history.jsonl");
    // The main phase begins with the first request.
    let begun_ns = Moments::ops(&history, REQUEST).first().expect("there is a request");
    let deliveries = Moments::ops(&history, DELIVERY);
    let window_ns = (begun_ns + WARM_UP_NS, begun_ns + plan.length_us * 1_000);
    Measured { receipts, deliveries, begun_ns, window_ns, cpu }
}

fn carry_out(plan: &Plan, folder: &RunFolder) -> Ended {
    let system = SystemArgs { algorithm: plan.algorithm.clone(), over: None, fanout: None, http: false };
    let system = System::find(&system, None).expect("it exists");
    let header = system.header(plan).expect("the table is sound");
    let arguments = vec!["node".to_owned(), plan.algorithm.clone()];
    let launch = Launch { program: env!("CARGO_BIN_EXE_temblor").into(), arguments, ..Launch::default() };
    let (bound_ms, interrupts) = (system.bound_ms(), Interrupts::default());
    let setup = Setup {
        plan,
        header: &header,
        launch: &launch,
        folder,
        bound_ms,
        init_timeout_us: INIT_TIMEOUT_US,
        interrupts: &interrupts,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, processes::run(&setup)).expect("the run comes to its end")
}

/// A figure of a run in which something was lost would be none.
fn is_sound(ended: &Ended, receipts: &Moments) {
    let total = |name: &str| ended.facts["network"]["totals"][name].as_u64().expect("the network counts it");
    assert!(ended.failure.is_none() && !ended.aborted, "the run was written down: {ended:?}");
    // A few acknowledgements come while the nodes are ended.
    assert!(total("frames_in") <= receipts.count(), "the trace has each frame");
    assert_eq!(["dropped", "down", "reset", "resets", "torn"].map(total), [0; 5], "nothing was lost");
}

fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("a process may ask for its own usage");
    let time = |value: TimeVal| {
        Duration::from_secs(value.tv_sec().unsigned_abs()) + Duration::from_micros(value.tv_usec().unsigned_abs())
    };
    time(usage.user_time()) + time(usage.system_time())
}
