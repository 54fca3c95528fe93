//! What the kernel offers: containment, namespaces, descriptors of processes, control groups.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::utsname::uname;
use nix::unistd::geteuid;

use super::{Check, read};
use crate::containment::Probe;

/// The first version with both clone3 and pidfd_open.
const VERSION_MIN: (u32, u32) = (5, 3);

/// Whether the kernel itself ends all that a run has started.
pub fn namespaces(probe: &Probe) -> Check {
    let name = "containment";
    match (&probe.namespace, &probe.guardian) {
        (Ok(()), _) => Check::ok(name, "a PID namespace, with which the kernel ends every run"),
        (Err(reason), Ok(())) => remedied(Check::limited(name, format!("a guardian process; no namespace: {reason}"))),
        (Err(reason), Err(_)) => remedied(Check::missing(name, format!("processes may be left behind: {reason}"))),
    }
}

/// Whether a guardian can adopt and end what is left.
pub fn guardian(probe: &Probe) -> Check {
    match &probe.guardian {
        Ok(()) => Check::ok("subreaper", "a guardian process adopts what a controller leaves behind"),
        Err(reason) => Check::missing("subreaper", reason.clone()).enabled_by("sudo mount -t proc proc /proc"),
    }
}

/// Whether nodes could have networks of their own.
pub fn network_namespaces(probe: &Probe) -> Check {
    match &probe.network {
        Ok(()) => Check::ok("network ns", "an ordinary user can have user and network namespaces"),
        Err(reason) => remedied(Check::limited("network ns", format!("{reason}; proxies do without"))),
    }
}

/// Whether a descriptor can stand for a process.
pub fn pidfd(probe: &Probe) -> Check {
    match &probe.pidfd {
        Ok(()) => Check::ok("pidfd", "a descriptor can stand for a process"),
        Err(reason) => Check::limited("pidfd", format!("{reason}; processes go by their numbers")),
    }
}

/// Which kernel it is.
pub fn version() -> Check {
    let release = uname().map(|names| names.release().to_string_lossy().into_owned()).unwrap_or_default();
    match parsed(&release) {
        Some(version) if version >= VERSION_MIN => Check::ok("kernel", format!("Linux {release}")),
        Some(_) => Check::limited("kernel", format!("Linux {release}; there are no PID namespaces here before 5.3")),
        None => Check::limited("kernel", format!("{release:?} is no version of Linux")),
    }
}

/// `6.18.44-generic` as 6 and 18.
fn parsed(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Whether control groups can be made where this process is.
pub fn cgroups() -> Check {
    let Some(folder) = own_group(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup")) else {
        return Check::missing("cgroup v2", "not mounted; runs are contained without")
            .enabled_by("sudo mount -t cgroup2 none /sys/fs/cgroup");
    };
    let group = folder.join(format!("temblor-doctor-{}", std::process::id()));
    match fs::create_dir(&group).and_then(|()| fs::remove_dir(&group)) {
        Ok(()) => Check::ok("cgroup v2", format!("delegated: groups can be made in {}", folder.display())),
        Err(_) => Check::limited("cgroup v2", "not delegated to this user; runs are contained without")
            .enabled_by("systemd-run --user --scope -p Delegate=yes temblor run fifo"),
    }
}

/// The folder of this process's control group: where version 2 is mounted, and the path within. A mount may show a part of the
/// hierarchy only.
fn own_group(mounts: &str, groups: &str) -> Option<PathBuf> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let mut fields = mount.split(' ').skip(3);
    let (root, place) = (fields.next()?, fields.next()?);
    let within = Path::new(own).strip_prefix(root).unwrap_or(Path::new(own));
    Some(Path::new(place).join(within.strip_prefix("/").unwrap_or(within)))
}

/// A check about namespaces, with the command that would allow them, as far as the system tells what forbids them.
fn remedied(check: Check) -> Check {
    let command = if read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    } else if read("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
        "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    } else if read("/proc/sys/user/max_user_namespaces") == "0" {
        "sudo sysctl -w user.max_user_namespaces=10000"
    } else if geteuid().is_root() {
        "docker run --cap-add SYS_ADMIN --security-opt seccomp=unconfined"
    } else {
        "sudo temblor doctor"
    };
    check.enabled_by(command)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{own_group, parsed};

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(parsed("6.18.44-generic"), Some((6, 18)));
        assert!(parsed("5.10.0").unwrap() > parsed("5.3").unwrap());
        assert_eq!(parsed("plan9"), None);
    }

    #[test]
    fn a_group_is_found_through_the_mount() {
        let mounts =
            "25 1 0:6 / /proc rw - proc proc rw\n30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw";
        let found = |groups| own_group(mounts, groups);
        let scope = "0::/user.slice/user-1000.slice/session-1.scope";
        assert_eq!(found(scope), Some(PathBuf::from("/sys/fs/cgroup/user.slice/user-1000.slice/session-1.scope")));
        assert_eq!(found("4:memory:/a\n0::/"), Some(PathBuf::from("/sys/fs/cgroup")));
        assert_eq!(found("4:memory:/a"), None);
        assert_eq!(own_group("25 1 0:6 / /proc rw - proc proc rw", "0::/"), None);
    }

    #[test]
    fn a_mount_may_show_a_part_of_the_hierarchy() {
        let mounts = "30 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw";
        assert_eq!(own_group(mounts, "0::/docker/abc/x"), Some(PathBuf::from("/sys/fs/cgroup/x")));
    }
}
