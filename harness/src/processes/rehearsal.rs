//! A rehearsal: one node by itself is started, answers `init`, is stopped and continued, and is ended.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::child::{self, Launch, Life, Place, status_text};
use super::envelope::{self, CONTROLLER, Init, Transport};
use super::events::Event;
use super::logs::last_lines;
use super::phases::OBSERVE;
use super::signals::{self, Change};

/// The name of the only node.
const NODE: &str = "n1";
/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was seen; each `Err` says what went wrong, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// How long it took from the start of the process until it had answered `init`.
    pub answered: Result<Duration, String>,
    /// How long it took until the kernel reported that the process stands still after SIGSTOP, and goes on after SIGCONT.
    pub stopped: Result<(Duration, Duration), String>,
}

/// Rehearses with a node, whose files go to `folder`. To be called in a `LocalSet`.
pub async fn rehearse(launch: &Launch, folder: &Path) -> Rehearsal {
    let begun = Instant::now();
    let (sender, mut events) = mpsc::channel(super::EVENTS_MAX);
    let stderr = folder.join(format!("{NODE}.stderr"));
    let place = Place { node: 0, data: folder.join(NODE), stderr: stderr.clone(), output_max: child::output_max(0) };
    let life = match Life::start(launch, &place, sender) {
        Ok(life) => life,
        Err(error) => {
            let answered = Err(format!("{} cannot be started: {error}", launch.program.display()));
            return Rehearsal { answered, stopped: Err("there is no process to stop".to_owned()) };
        }
    };
    let answered = answer(&life, &mut events).await.map(|()| begun.elapsed());
    let answered = answered.map_err(|reason| with_log(reason, &stderr));
    let stopped = stand_still(life.pid).await;
    // Who has ended already needs no signal.
    let _ = signals::send(life.pid, Signal::SIGKILL);
    let gone = async { while !matches!(events.recv().await, None | Some(Event::Exited { .. })) {} };
    let _ = timeout(PATIENCE, gone).await;
    Rehearsal { answered, stopped }
}

/// Sends `init` and waits for the answer.
async fn answer(life: &Life, events: &mut mpsc::Receiver<Event>) -> Result<(), String> {
    let init = Init {
        r#type: "init",
        msg_id: 1,
        node_id: NODE,
        node_ids: &[NODE.to_owned()],
        incarnation: 1,
        seed: 1,
        observe: OBSERVE,
        transport: Transport { listen: "127.0.0.1:0", peers: BTreeMap::new(), framing: None },
    };
    if !life.send(envelope::line(CONTROLLER, NODE, &init)) {
        return Err("it does not take a request".to_owned());
    }
    let listen = async {
        loop {
            match events.recv().await {
                Some(Event::Output { lines, .. }) => {
                    if let Some(answer) = lines.split(|byte| *byte == b'\n').find_map(reply) {
                        return answer;
                    }
                }
                Some(Event::Exited { status, .. }) => return Err(format!("it ended with {}", status_text(status))),
                Some(_) => {}
                None => return Err("it cannot be heard".to_owned()),
            }
        }
    };
    timeout(PATIENCE, listen).await.unwrap_or_else(|_| Err("it does not answer init within 10 s".to_owned()))
}

/// What a line says to the request number 1, if anything.
fn reply(line: &[u8]) -> Option<Result<(), String>> {
    let (_, body) = envelope::read(line).ok()?;
    (body.in_reply_to == Some(1)).then(|| match body.kind.as_ref() {
        "init_ok" => Ok(()),
        kind => Err(format!("it answers init with {kind}")),
    })
}

/// Stops the process and lets it go on, as a pause does.
async fn stand_still(pid: Pid) -> Result<(Duration, Duration), String> {
    let stop = signalled(pid, (Signal::SIGSTOP, Change::Stopped)).await?;
    Ok((stop, signalled(pid, (Signal::SIGCONT, Change::Continued)).await?))
}

async fn signalled(pid: Pid, (signal, change): (Signal, Change)) -> Result<Duration, String> {
    let begun = Instant::now();
    signals::send(pid, signal).map_err(|error| format!("{signal} cannot be sent: {error}"))?;
    if signals::seen(pid, change).await {
        return Ok(begun.elapsed());
    }
    Err(format!("after {signal} the kernel does not report that the process has {}", told(change)))
}

fn told(change: Change) -> &'static str {
    match change {
        Change::Stopped => "stopped",
        Change::Continued => "continued",
    }
}

/// A reason, and the last line of the node's log if there is one.
fn with_log(reason: String, stderr: &Path) -> String {
    match last_lines(stderr, 1).pop() {
        Some(line) => format!("{reason}; its log ends with: {line}"),
        None => reason,
    }
}
