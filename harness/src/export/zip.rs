//! `zip`: a run folder as one file, and back. What comes out of it is checked, explained and replayed like a run folder.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The files of a run that go into it, beside the logs of nodes.
pub const NAMES: [&str; 9] = [
    "plan.json",
    "run.json",
    "verdict.json",
    "shrunk.json",
    "report.html",
    "history.jsonl",
    "history.jsonl.zst",
    "messages.jsonl",
    "messages.jsonl.zst",
];
/// So much may be in an archive, unpacked: one that says more was made to do harm.
const UNPACKED_MAX: u64 = 64 << 30;

/// Packs a run folder.
///
/// # Errors
/// A file can't be read, or the output not be written.
pub fn zip(folder: &Path, out: impl Write + Seek) -> io::Result<()> {
    let mut archive = ZipWriter::new(out);
    for name in NAMES {
        add(&mut archive, name, &folder.join(name))?;
    }
    let mut logs: Vec<String> = fs::read_dir(folder.join("nodes"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".stderr"))
        .collect();
    logs.sort();
    for name in logs {
        add(&mut archive, &format!("nodes/{name}"), &folder.join("nodes").join(&name))?;
    }
    archive.finish()?.flush()
}

fn add(archive: &mut ZipWriter<impl Write + Seek>, name: &str, path: &Path) -> io::Result<()> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    // The time of packing is no part of a run: the same run gives the same archive.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(true);
    archive.start_file(name, options)?;
    io::copy(&mut file, archive).map(|_| ())
}

/// Unpacks the files of a run into a folder; whatever else is in the archive is left out.
///
/// # Errors
/// It is no archive, has no history, or says that it holds more than could be meant.
pub fn unzip(archive: impl Read + Seek, folder: &Path) -> io::Result<()> {
    let mut archive = ZipArchive::new(archive)?;
    let mut left = UNPACKED_MAX;
    for name in NAMES {
        let Ok(entry) = archive.by_name(name) else { continue };
        let mut file = File::create(folder.join(name))?;
        left -= io::copy(&mut entry.take(left), &mut file)?;
        if left == 0 {
            let what = format!("it holds more than {} GiB", UNPACKED_MAX >> 30);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
    }
    if folder.join("history.jsonl").exists() || folder.join("history.jsonl.zst").exists() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it holds no history.jsonl"))
}
