//! Where results go: whether it can be written, how much fits, and whether what is synced is on a disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::sys::statvfs::statvfs;

use super::{Check, ms};

/// With less than this a run may not finish, bytes ...
const FREE_MIN: u64 = 64 << 20;
/// ... and with this many do.
const FREE_ENOUGH: u64 = 1 << 30;
/// How often is synced; the middle one counts.
const SYNCS: usize = 5;

/// The checks of the folder that results go to.
pub fn results(folder: &Path) -> Vec<Check> {
    let place = existing(folder);
    let shown = folder.display();
    let scratch = match tempfile::Builder::new().prefix(".temblor-doctor-").tempdir_in(&place) {
        Ok(scratch) => scratch,
        Err(error) => {
            let found = format!("{shown} cannot be written: {error}");
            return vec![
                Check::missing("results", found).enabled_by(format!("chmod u+rwx {}", place.display())).as_needed(),
            ];
        }
    };
    vec![space(folder, &place).as_needed(), syncs(scratch.path())]
}

/// The folder, or the nearest above it that is there, in which it would be made.
fn existing(folder: &Path) -> PathBuf {
    let mut all = folder.ancestors().map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above });
    all.find(|above| above.exists()).unwrap_or(Path::new(".")).to_owned()
}

fn space(folder: &Path, place: &Path) -> Check {
    let shown = folder.display();
    let free = match statvfs(place) {
        Ok(system) => system.blocks_available() * system.fragment_size(),
        Err(error) => {
            return Check::limited("results", format!("{shown} can be written; nobody knows how much: {error}"));
        }
    };
    let found = format!("{shown} can be written, {} free", size(free));
    let look = format!("du -sh {shown}/* | sort -h | tail");
    match free {
        FREE_ENOUGH.. => Check::ok("results", found),
        FREE_MIN.. => Check::limited("results", found).enabled_by(look),
        _ => Check::missing("results", found).enabled_by(look),
    }
}

/// Whether fsync works, and how long it takes.
fn syncs(folder: &Path) -> Check {
    const ELSEWHERE: &str = "temblor run fifo --out ~/temblor-results";
    let in_memory = statfs(folder).is_ok_and(|system| system.filesystem_type() == TMPFS_MAGIC);
    match time_of_sync(folder) {
        Ok(_) if in_memory => Check::limited("fsync", "results are kept in memory (tmpfs)").enabled_by(ELSEWHERE),
        Ok(time) => Check::ok("fsync", format!("works, and takes {}", ms(time))),
        Err(error) => Check::limited("fsync", format!("refused: {error}")).enabled_by(ELSEWHERE),
    }
}

fn time_of_sync(folder: &Path) -> io::Result<Duration> {
    let mut file = File::create(folder.join("synced"))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[b'x'; 4_096])?;
        let begun = Instant::now();
        file.sync_all()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[SYNCS / 2])
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 30 { format!("{} GiB", bytes >> 30) } else { format!("{} MiB", bytes >> 20) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{existing, results};
    use crate::doctor::State;

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(existing(&folder.path().join("a/b")), folder.path());
        assert_eq!(existing(Path::new("no-such-folder")), Path::new("."));
    }

    #[test]
    fn nothing_is_left_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        results(folder.path());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_no_place_for_results() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let checks = results(file.path());
        assert_eq!(checks[0].state, State::Missing);
        assert!(checks[0].prevents_runs());
    }
}
