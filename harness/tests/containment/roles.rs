//! The processes of a run: outer (with keeper and controller below it), nodes, and the daemons that nodes start.
//!
//! A role is `PROGRAM role:NAME TOKEN [WORD]...`.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, ExitCode, Stdio};

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Gid, Pid, Uid, getegid, geteuid, getpid, pause, setgid, setgroups, setsid, setuid};
use temblor::containment::{Mode, contain, end_with_parent, outer_pid, probe};

/// The user and group `nobody`.
const NOBODY: u32 = 65_534;
/// How many nodes a controller starts.
const NODES: usize = 3;

/// Plays the role that the command line names, if any.
pub fn play() -> Option<ExitCode> {
    let arguments: Vec<String> = env::args().collect();
    let [_, role, token, words @ ..] = arguments.as_slice() else { return None };
    let code = match role.as_str() {
        "role:outer" => outer(token, words),
        "role:probe" => tell_probe(words),
        "role:node" => node(token),
        "role:launcher" => launch(token),
        "role:daemon" => daemon(),
        _ => return None,
    };
    Some(code.into())
}

/// Makes the world as the words say, and contains a controller that does what the first word says.
fn outer(token: &str, words: &[String]) -> u8 {
    let [action, world @ ..] = words else { panic!("an outer needs to know what its controller does") };
    world.iter().for_each(|word| change_world(word));
    // Some controllers crash, which is to leave nothing either.
    setrlimit(Resource::RLIMIT_CORE, 0, 0).unwrap();
    match Mode::from_environment() {
        Ok(mode) => contain(mode, || conduct(token, action)),
        Err(text) => {
            let _ = writeln!(io::stderr(), "{text}");
            2
        }
    }
}

fn tell_probe(world: &[String]) -> u8 {
    world.iter().for_each(|word| change_world(word));
    let found = probe();
    say(&format!("{:?}", found.best()));
    say(&found.namespace.map_or_else(|reason| reason, |()| "a namespace works".to_owned()));
    say(&found.guardian.map_or_else(|reason| reason, |()| "a guardian works".to_owned()));
    0
}

fn change_world(word: &str) {
    match word {
        "ordinary" if geteuid().is_root() => become_nobody(),
        "ordinary" => {}
        // The files in /proc/self then belong to root, and the user's maps cannot be written.
        "half-refused" => prctl::set_dumpable(false).unwrap(),
        "no-namespaces" => refuse_namespaces(),
        terminal => take_terminal(terminal),
    }
}

fn become_nobody() {
    let groups = setgroups(&[]).and_then(|()| setgid(Gid::from_raw(NOBODY)));
    groups.and_then(|()| setuid(Uid::from_raw(NOBODY))).expect("failed to become an ordinary user");
    // Who changes the user loses the files in /proc/self; who starts as an ordinary user has them.
    prctl::set_dumpable(true).unwrap();
}

/// Moves into a user namespace that allows none below it.
fn refuse_namespaces() {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).expect("failed to create a user namespace");
    let write = |path: &str, text: &str| {
        fs::write(path, text).unwrap_or_else(|error| panic!("failed to write {path}: {error}"));
    };
    write("/proc/self/setgroups", "deny");
    write("/proc/self/uid_map", &format!("{uid} {uid} 1"));
    write("/proc/self/gid_map", &format!("{gid} {gid} 1"));
    write("/proc/sys/user/max_user_namespaces", "0");
    write("/proc/sys/user/max_pid_namespaces", "0");
}

/// Becomes the foreground process of a terminal, which the first terminal that a session's leader opens brings about.
fn take_terminal(path: &str) {
    setsid().unwrap();
    File::open(path).unwrap();
}

/// The controller.
fn conduct(token: &str, action: &str) -> u8 {
    if let Some(mode) = action.strip_prefix("nest:") {
        return nest(token, mode);
    }
    let listened = SigSet::from_iter([Signal::SIGINT, Signal::SIGHUP, Signal::SIGTERM]);
    if action == "listen" {
        listened.thread_block().unwrap();
    }
    let nodes: Vec<Child> = (0..NODES).map(|_| start_node(token, action == "tied")).collect();
    say("ready");
    match action {
        "success" => 0,
        "error" => 3,
        "panic" => panic!("the controller panics"),
        "sleep" | "tied" => sleep_forever(),
        "paused" => pause_nodes(&nodes),
        "listen" => listen(listened),
        "tell" => tell(),
        other => panic!("a controller does not know how to {other}"),
    }
}

/// A controller whose only node is a contained run of its own.
fn nest(token: &str, mode: &str) -> u8 {
    let mut inner = again("outer", token);
    inner.arg("sleep").env("TEMBLOR_CONTAINMENT", mode);
    inner.status().unwrap();
    4
}

fn start_node(token: &str, tied: bool) -> Child {
    let mut command = again("node", token);
    if tied {
        end_with_parent(&mut command);
    }
    spawn_and_hear(&mut command)
}

/// Tells of each signal that comes, and ends at SIGTERM.
fn listen(listened: SigSet) -> u8 {
    loop {
        let signal = listened.wait().unwrap();
        say(signal.as_str());
        if signal == Signal::SIGTERM {
            return 3;
        }
    }
}

/// Pauses the nodes, as a fault does.
fn pause_nodes(nodes: &[Child]) -> ! {
    for node in nodes {
        kill(Pid::from_raw(node.id().cast_signed()), Signal::SIGSTOP).unwrap();
    }
    say("paused");
    sleep_forever()
}

/// Tells who the controller is: its pid outside, its user and its group.
fn tell() -> ! {
    say(&outer_pid(getpid()).unwrap().to_string());
    say(&format!("{} {}", geteuid(), getegid()));
    sleep_forever()
}

fn node(token: &str) -> u8 {
    let mut launcher = spawn_and_hear(&mut again("launcher", token));
    launcher.wait().unwrap();
    say("up");
    sleep_forever()
}

/// Starts the daemon in a session of its own, and leaves it.
fn launch(token: &str) -> u8 {
    setsid().unwrap();
    // Its parent ends at once and is not there to wait for it.
    drop(again("daemon", token).spawn().unwrap());
    0
}

fn daemon() -> u8 {
    say("up");
    sleep_forever()
}

fn sleep_forever() -> ! {
    loop {
        pause();
    }
}

/// This program in another role. By this path it is found by a user who may not enter its directory, too.
fn again(role: &str, token: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(format!("role:{role}")).arg(token).stdin(Stdio::null());
    command
}

/// Starts a process and waits for its first line.
fn spawn_and_hear(command: &mut Command) -> Child {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    child
}

fn say(text: &str) {
    let mut stdout = io::stdout();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).unwrap();
}
