//! What the network between the nodes carries, and what that costs: `cargo bench -p temblor --bench proxy`.
//!
//! Five real nodes of `eager`, the proxies, the recorder and the trace share this machine. A broadcast takes 2n(n-1) frames, 40
//! here, for every link acknowledges; each is counted once, when the proxy has read it. Measured are
//!
//! - how many frames a second go through with 200 broadcasts outstanding: 200 chains, in each of which a node broadcasts as soon
//!   as it has delivered the message of the node before it;
//! - whether a backlog grows where 50,000 frames a second are offered, whatever has come back;
//! - how much processor time the controller (this process) takes for a frame;
//! - how long a frame of 64 bytes is under way through the proxy and back, against the same without it, on one core;
//! - how much of the throughput is left when every link has 20 ms of delay. With 200 outstanding no more than 200 broadcasts in
//!   20 ms can come through, whatever the proxy does (Little's law), so it is measured with 1,000 too. A node sends again what
//!   is not acknowledged after 25 ms, and with 20 ms on each way everything is: these frames are counted, and so are the
//!   broadcasts. One link, and a sender that waits for no answer, show the proxy alone.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cluster;
#[path = "../figures/mod.rs"]
mod figures;
mod load;
mod moments;
mod round_trip;
mod stream;
mod table;

use cluster::Measured;
use figures::median;
use load::{Delay, FRAMES_EACH, NODES};
use table::Table;

/// How often each closed loop and each stream is measured.
const ROUNDS: usize = 3;
/// What a closed loop has outstanding: as asked, and so much that 20 ms do not limit it.
const OUTSTANDING: [u64; 2] = [200, 1_000];
/// What the open loop offers, frames a second.
const OFFERED: u64 = 50_000;
/// A backlog that has grown by less is none: 20 ms of what is offered, frames.
const BACKLOG_MAX: f64 = OFFERED as f64 / 50.0;

fn main() {
    figures::heading("cargo bench -p temblor --bench proxy");
    let mut table = Table::default();
    println!("{:34} {:>10} {:>12} {:>8} {:>9}", "load", "frames/s", "broadcasts/s", "frames", "us CPU");
    println!("{:34} {:>10} {:>12} {:>8} {:>9}", "", "", "", "each", "a frame");
    closed(&mut table);
    open(&mut table);
    println!();
    streams(&mut table);
    let (direct_us, proxied_us) = round_trip::medians();
    table.info("round trip of 64 bytes, direct, one core, us", direct_us);
    table.info("round trip of 64 bytes, proxied, one core, us", proxied_us);
    table.at_most("  proxied to direct", 3.0, proxied_us / direct_us);
    print!("{table}");
}

/// What one load showed.
#[derive(Clone, Copy)]
struct Figures {
    frames_per_second: f64,
    broadcasts_per_second: f64,
    cpu_us_per_frame: f64,
}

impl Figures {
    fn of(run: &Measured) -> Self {
        Self {
            frames_per_second: run.frames_per_second(),
            broadcasts_per_second: run.broadcasts_per_second(),
            cpu_us_per_frame: run.cpu_us_per_frame(),
        }
    }

    /// Each figure's own median.
    fn medians(runs: &[Self]) -> Self {
        let middle = |figure: fn(&Self) -> f64| median(&mut runs.iter().map(figure).collect::<Vec<_>>());
        Self {
            frames_per_second: middle(|run| run.frames_per_second),
            broadcasts_per_second: middle(|run| run.broadcasts_per_second),
            cpu_us_per_frame: middle(|run| run.cpu_us_per_frame),
        }
    }

    fn print(self, load: &str) {
        let Self { frames_per_second: frames, broadcasts_per_second: broadcasts, cpu_us_per_frame: cpu_us } = self;
        println!("{load:34} {frames:>10.0} {broadcasts:>12.0} {:>8.1} {cpu_us:>9.2}", frames / broadcasts);
    }
}

/// The closed loops, with and without delay by turns, so that what else goes on here meets both alike.
fn closed(table: &mut Table) {
    let mut runs: [[Vec<Figures>; 2]; 2] = Default::default();
    for _ in 0..ROUNDS {
        for (outstanding, runs) in OUTSTANDING.into_iter().zip(&mut runs) {
            for (delay, runs) in [Delay::None, Delay::TwentyMs].into_iter().zip(runs) {
                runs.push(Figures::of(&cluster::run(&load::closed(outstanding, delay))));
            }
        }
    }
    let [few, many] = runs.map(|runs| runs.map(|runs| Figures::medians(&runs)));
    few[0].print("200 outstanding");
    few[1].print("200 outstanding, 20 ms delay");
    many[0].print("1,000 outstanding");
    many[1].print("1,000 outstanding, 20 ms delay");
    table.at_least("200 outstanding, frames/s (aim: 300,000)", 100_000.0, few[0].frames_per_second);
    table.at_most("200 outstanding, us of controller CPU a frame", 2.0, few[0].cpu_us_per_frame);
    for (name, [swift, slow]) in [("200", few), ("1,000", many)] {
        let part = |figure: fn(&Figures) -> f64| figure(&slow) / figure(&swift);
        table.at_least(format!("{name}, 20 ms, frames/s left"), 0.9, part(|run| run.frames_per_second));
        table.at_least(format!("{name}, 20 ms, broadcasts/s left"), 0.9, part(|run| run.broadcasts_per_second));
    }
}

fn open(table: &mut Table) {
    let run = cluster::run(&load::open(OFFERED / FRAMES_EACH));
    let figures = Figures::of(&run);
    figures.print("open loop, 50,000 frames/s offered");
    let backlogs = backlogs(&run);
    let quarter = backlogs.len() / 4;
    let first = median(&mut backlogs[..quarter].to_vec());
    let last = median(&mut backlogs[backlogs.len() - quarter..].to_vec());
    table.info("open loop, backlog in the first quarter, frames", first);
    table.info("open loop, backlog in the last quarter, frames", last);
    table.at_most("open loop, growth of the backlog, frames", BACKLOG_MAX, last - first);
    table.at_most("open loop, us of controller CPU a frame", 2.0, figures.cpu_us_per_frame);
}

/// Every 10 ms of the window: the frames of those broadcasts that were due by then and have not been delivered. What is sent again
/// does not make it less.
fn backlogs(run: &Measured) -> Vec<f64> {
    let (from_ns, until_ns) = run.window_ns;
    let due = |at_ns: u64| (at_ns - run.begun_ns) as f64 * OFFERED as f64 / 1e9;
    let done = |at_ns: u64| run.deliveries.until(at_ns) as f64 / NODES as f64 * FRAMES_EACH as f64;
    (from_ns..until_ns).step_by(10_000_000).map(|at_ns| due(at_ns) - done(at_ns)).collect()
}

fn streams(table: &mut Table) {
    let rounds =
        (0..ROUNDS).map(|_| (stream::frames_per_second(Delay::None), stream::frames_per_second(Delay::TwentyMs)));
    let (mut swift, mut slow): (Vec<_>, Vec<_>) = rounds.unzip();
    let (swift, slow) = (median(&mut swift), median(&mut slow));
    table.info("one link, as fast as it goes, frames/s", swift);
    table.info("one link, as fast as it goes, 20 ms, frames/s", slow);
    table.info("one link, 20 ms, frames/s left", slow / swift);
}
