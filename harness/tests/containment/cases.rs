//! The table of tests: every way to end, in every setting, and what is special to some.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

use libtest_mimic::{Completion, Failed, Trial};
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{getegid, geteuid, write};

use crate::stage::{End, Run, census, program, token, until};

/// Where a controller is contained, and by what.
#[derive(Clone, Copy, Debug)]
struct Setting {
    name: &'static str,
    mode: &'static str,
    world: &'static [&'static str],
}

const ROOTS_NAMESPACE: Setting = Setting { name: "root's namespace", mode: "namespace", world: &[] };
const USERS_NAMESPACE: Setting = Setting { name: "a user's namespace", mode: "namespace", world: &["ordinary"] };
const GUARDIAN: Setting = Setting { name: "a guardian", mode: "guardian", world: &[] };
const REFUSED: Setting =
    Setting { name: "where namespaces are refused", mode: "guardian", world: &["ordinary", "no-namespaces"] };
/// The settings in which everything is tried.
const SETTINGS: [Setting; 3] = [ROOTS_NAMESPACE, USERS_NAMESPACE, GUARDIAN];

/// What happens to a run of which everything is up.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Nothing,
    Outer(Signal),
    Keeper(Signal),
    Controller(Signal),
    Group(Signal),
}

/// A way to end: what it is called, what the controller does, what happens, the exit code (`None`: the outer is killed).
type Ending = (&'static str, &'static str, Blow, Option<i32>);

const ENDS: [Ending; 14] = [
    ("success", "success", Blow::Nothing, Some(0)),
    ("an error", "error", Blow::Nothing, Some(3)),
    ("a panic", "panic", Blow::Nothing, Some(5)),
    ("SIGINT of the outer", "sleep", Blow::Outer(Signal::SIGINT), Some(130)),
    ("SIGTERM of the outer", "sleep", Blow::Outer(Signal::SIGTERM), Some(143)),
    ("SIGHUP of the outer", "sleep", Blow::Outer(Signal::SIGHUP), Some(129)),
    ("SIGQUIT of the outer", "sleep", Blow::Outer(Signal::SIGQUIT), Some(131)),
    ("a signal of the outer that nobody asked for", "sleep", Blow::Outer(Signal::SIGUSR1), None),
    ("SIGKILL of the outer", "sleep", Blow::Outer(Signal::SIGKILL), None),
    ("SIGKILL of the keeper", "sleep", Blow::Keeper(Signal::SIGKILL), Some(137)),
    ("SIGKILL of the controller", "sleep", Blow::Controller(Signal::SIGKILL), Some(137)),
    ("SIGKILL of the outer's process group", "sleep", Blow::Group(Signal::SIGKILL), None),
    ("a crash of the controller", "sleep", Blow::Controller(Signal::SIGABRT), Some(134)),
    ("SIGKILL of the controller while nodes are paused", "paused", Blow::Controller(Signal::SIGKILL), Some(137)),
];

/// A test in a setting.
type Case = (&'static str, fn(Setting));

const EVERYWHERE: [Case; 6] = [
    ("Ctrl-C at a terminal reaches the controller once", ctrl_c),
    ("a signal to the process group reaches the controller once", group_signal),
    ("a signal that is ignored from the start is not passed on", nohup),
    ("an interrupt leaves it to the controller when to end", interrupt_then_term),
    ("the controller keeps its user and knows its pid outside", identity),
    ("a run within a run leaves nothing when the outermost is killed", run_within),
];

const SPECIAL: [(Setting, Case); 10] = [
    (REFUSED, ("a guardian is taken", fallback)),
    (REFUSED, ("a namespace that was asked for is an error, and nothing runs", refused)),
    (REFUSED, ("the probe says what works and why the rest does not", probed)),
    (USERS_NAMESPACE, ("a guardian is taken where the maps are refused", half_refused)),
    (USERS_NAMESPACE, ("one whose maps are refused is an error if it was asked for", half_refused_is_an_error)),
    (ROOTS_NAMESPACE, ("a guardian within leaves nothing when the outermost is killed", guardian_within)),
    (GUARDIAN, ("a guardian within leaves nothing when the outermost is killed", guardian_within)),
    (GUARDIAN, ("an unknown containment is a wrong command line", unknown_mode)),
    (GUARDIAN, ("who takes over spares the children of others", strangers)),
    (GUARDIAN, ("tied nodes die even when outer and guardian are killed at once", tied)),
];

/// All tests.
pub fn all() -> Vec<Trial> {
    let mut trials = Vec::new();
    for setting in SETTINGS {
        for end in ENDS {
            trials.push(trial(setting, &format!("nothing survives {}", end.0), move || ending(setting, end)));
        }
        for (name, case) in EVERYWHERE {
            trials.push(trial(setting, name, move || case(setting)));
        }
    }
    for (setting, (name, case)) in SPECIAL {
        trials.push(trial(setting, name, move || case(setting)));
    }
    trials
}

/// A test that is ignored, with the reason, where its setting cannot be had; unless everything is required. For who is not
/// root, there is no root's namespace to require.
fn trial(setting: Setting, name: &str, case: impl FnOnce() + Send + 'static) -> Trial {
    let all_required = env::var_os("TEMBLOR_REQUIRE_ALL").is_some_and(|value| value == "1");
    let needs_root = setting.name == ROOTS_NAMESPACE.name && !geteuid().is_root();
    Trial::ignorable_test(format!("{}: {name}", setting.name), move || match obstacle(setting) {
        _ if needs_root => Ok(Completion::ignored_with("it is root's")),
        Some(reason) if all_required => Err(Failed::from(reason)),
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => {
            case();
            Ok(Completion::Completed)
        }
    })
}

/// Why a setting cannot be had on this machine.
fn obstacle(setting: Setting) -> Option<String> {
    let End { lines, errors, .. } = probe(setting);
    let [_, namespace, guardian] = lines.as_slice() else {
        // After the place of a panic comes its message.
        return Some(errors.lines().find(|line| line.starts_with("failed to")).unwrap_or(&errors).to_owned());
    };
    let (said, works) = match setting.mode {
        "namespace" => (namespace, "a namespace works"),
        _ => (guardian, "a guardian works"),
    };
    (said != works).then(|| said.clone())
}

fn probe(setting: Setting) -> End {
    let token = token();
    let mut command = program();
    command.args(["role:probe", &token]).args(setting.world);
    Run::start(&mut command, &token).end()
}

/// An outer whose controller does `action`.
fn outer(setting: Setting, (token, action): (&str, &str), more: &[&str]) -> Command {
    let mut command = program();
    command.args(["role:outer", token, action]).args(setting.world).args(more);
    command.env("TEMBLOR_CONTAINMENT", setting.mode).process_group(0);
    command
}

/// A run of which everything is up.
fn up(setting: Setting, action: &str, more: &[&str]) -> Run {
    let token = token();
    let run = Run::start(&mut outer(setting, (&token, action), more), &token);
    assert_eq!(run.line(), "ready");
    run
}

fn ending(setting: Setting, (_, action, blow, code): Ending) {
    let run = up(setting, action, &[]);
    if action == "paused" {
        assert_eq!(run.line(), "paused");
    }
    match blow {
        Blow::Nothing => {}
        Blow::Outer(signal) => run.signal(run.outer(), signal),
        Blow::Keeper(signal) => run.signal(run.keeper(), signal),
        Blow::Controller(signal) => run.signal(run.named("temblor-control"), signal),
        Blow::Group(signal) => run.signal_group(signal),
    }
    let end = run.end();
    assert_eq!(end.code, code, "{end:?}");
    if let Some(signal) = code.filter(|&code| code > 128).map(|code| code - 128) {
        assert!(end.errors.contains(&format!("the run was ended by signal {signal}")), "{}", end.errors);
    }
}

fn ctrl_c(setting: Setting) {
    let terminal = open_terminal();
    let path = ptsname_r(&terminal).unwrap();
    let token = token();
    let mut command = program();
    // The terminal comes first, since an ordinary user could not open root's.
    command.args(["role:outer", &token, "listen", &path]).args(setting.world);
    let run = Run::start(command.env("TEMBLOR_CONTAINMENT", setting.mode), &token);
    assert_eq!(run.line(), "ready");
    write(&terminal, b"\x03").unwrap();
    heard_once(run, "SIGINT");
}

fn open_terminal() -> PtyMaster {
    let terminal = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    terminal
}

fn group_signal(setting: Setting) {
    let run = up(setting, "listen", &[]);
    run.signal_group(Signal::SIGHUP);
    heard_once(run, "SIGHUP");
}

fn interrupt_then_term(setting: Setting) {
    let run = up(setting, "listen", &[]);
    run.signal(run.outer(), Signal::SIGINT);
    heard_once(run, "SIGINT");
}

fn nohup(setting: Setting) {
    let token = token();
    let inner = outer(setting, (&token, "listen"), &[]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.env("TEMBLOR_CONTAINMENT", setting.mode).process_group(0);
    let run = Run::start(&mut command, &token);
    assert_eq!(run.line(), "ready");
    run.signal(run.outer(), Signal::SIGHUP);
    run.signal(run.outer(), Signal::SIGINT);
    heard_once(run, "SIGINT");
}

/// The controller hears this signal first, then the SIGTERM that is sent now, and nothing else.
fn heard_once(run: Run, signal: &str) {
    assert_eq!(run.line(), signal);
    run.signal(run.outer(), Signal::SIGTERM);
    let End { code, lines, errors } = run.end();
    assert_eq!((code, lines.as_slice()), (Some(3), ["SIGTERM".to_owned()].as_slice()), "{errors}");
}

fn identity(setting: Setting) {
    let run = up(setting, "tell", &[]);
    assert_eq!(run.line(), run.named("temblor-control").to_string());
    let becomes_nobody = geteuid().is_root() && setting.world.contains(&"ordinary");
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let (uid, gid) = if becomes_nobody { (65_534, 65_534) } else { (uid, gid) };
    assert_eq!(run.line(), format!("{uid} {gid}"));
    run.signal(run.outer(), Signal::SIGTERM);
    assert_eq!(run.end().code, Some(143));
}

fn run_within(setting: Setting) {
    nested(setting, "nest:auto");
}

fn guardian_within(setting: Setting) {
    nested(setting, "nest:guardian");
}

fn nested(setting: Setting, action: &str) {
    let run = up(setting, action, &[]);
    run.signal(run.outer(), Signal::SIGKILL);
    assert_eq!(run.end().code, None);
}

fn fallback(setting: Setting) {
    let run = up(Setting { mode: "auto", ..setting }, "sleep", &[]);
    run.named("temblor-guard");
    run.signal(run.outer(), Signal::SIGKILL);
    assert_eq!(run.end().code, None);
}

fn half_refused(setting: Setting) {
    let run = up(Setting { mode: "auto", ..setting }, "sleep", &["half-refused"]);
    run.named("temblor-guard");
    run.signal(run.outer(), Signal::SIGTERM);
    assert_eq!(run.end().code, Some(143));
}

fn refused(setting: Setting) {
    let setting = Setting { mode: "namespace", ..setting };
    refuses(setting, &[], "error: failed to contain the run: failed to create a PID namespace: ");
}

fn half_refused_is_an_error(setting: Setting) {
    refuses(setting, &["half-refused"], "error: failed to contain the run: failed to write /proc/self/");
}

fn refuses(setting: Setting, more: &[&str], beginning: &str) {
    let token = token();
    let End { code, lines, errors } = Run::start(&mut outer(setting, (&token, "success"), more), &token).end();
    assert_eq!((code, lines.as_slice()), (Some(5), [].as_slice()));
    assert!(errors.starts_with(beginning), "{errors}");
}

fn probed(setting: Setting) {
    let said = probe(setting).lines;
    let [best, namespace, guardian] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(best, "Guardian");
    assert!(namespace.starts_with("failed to create a PID namespace: "), "{namespace}");
    assert_eq!(guardian, "a guardian works");
}

fn unknown_mode(setting: Setting) {
    let token = token();
    let setting = Setting { mode: "docker", ..setting };
    let end = Run::start(&mut outer(setting, (&token, "success"), &[]), &token).end();
    assert_eq!(end.code, Some(2));
    assert!(end.errors.contains("must be auto, namespace, guardian or none"), "{}", end.errors);
}

/// A shell starts a process in the background and then becomes the outer, which so has a child that is not its own.
fn strangers(setting: Setting) {
    let (ours, theirs) = (token(), token());
    let inner = outer(setting, (&ours, "sleep"), &[]);
    let script = format!("\"$0\" role:daemon {theirs} >/dev/null 2>&1 & exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(inner.get_program()).args(inner.get_args());
    command.env("TEMBLOR_CONTAINMENT", setting.mode).process_group(0);
    let run = Run::start(&mut command, &ours);
    assert_eq!(run.line(), "ready");
    until("the stranger", || census(&theirs).len() == 1);
    run.signal(run.keeper(), Signal::SIGKILL);
    let end = run.end();
    let spared = census(&theirs);
    spared.iter().for_each(|process| kill(process.pid, Signal::SIGKILL).unwrap());
    assert_eq!((end.code, spared.len()), (Some(137), 1), "{end:?}");
}

/// The outer is stopped first, so that it cannot take over.
fn tied(setting: Setting) {
    let run = up(setting, "tied", &[]);
    run.signal(run.outer(), Signal::SIGSTOP);
    run.signal(run.keeper(), Signal::SIGKILL);
    run.signal(run.outer(), Signal::SIGKILL);
    until("the end of all nodes", || {
        let left = run.processes();
        !left.iter().any(|process| process.line.contains("role:node") || process.name == "temblor-control")
    });
}
