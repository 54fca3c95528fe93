//! Stable storage: the files of a [journal](crate::journal) in the node's data directory.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::journal::{Action, Files, Journal};
use crate::records::Records;
use crate::stack::Stored;

/// The node's stable storage. A file is made when there is something to store.
pub struct Storage {
    directory: Option<PathBuf>,
    journal: Journal,
    /// The file that is appended to, by its name.
    open: Option<(String, File)>,
    /// What is not in a file yet.
    waiting: Vec<Stored>,
    /// What was made durable when the storage was opened, until somebody is told.
    recovered: Option<Synced>,
}

/// What an observer is told after each sync.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Synced {
    r#type: &'static str,
    file: String,
    bytes: u64,
}

impl Synced {
    fn of(action: &Action) -> Option<Self> {
        match action {
            Action::Sync(file, bytes) => Some(Self { r#type: "synced", file: file.clone(), bytes: *bytes }),
            _ => None,
        }
    }
}

impl Storage {
    /// Opens the storage in a directory, reads what is there, and makes that durable. Without a directory nothing can be stored.
    pub fn open(directory: Option<PathBuf>) -> Result<(Self, Records)> {
        let files = directory.as_deref().map_or(Ok(Files::new()), read)?;
        let within = || format!("in {}", directory.as_deref().unwrap_or(Path::new("")).display());
        let (journal, records, actions) = Journal::open(&files).with_context(within)?;
        let recovered = actions.last().and_then(Synced::of);
        let mut storage = Self { directory, journal, open: None, waiting: Vec::new(), recovered };
        for action in actions {
            storage.act(action)?;
        }
        Ok((storage, records))
    }

    /// What was made durable when the storage was opened; told once.
    pub fn recovered(&mut self) -> Option<Synced> {
        self.recovered.take()
    }

    /// Takes what a layer stores; it is in a file, and durable if it has to be, after the next [`Storage::sync`].
    pub fn store(&mut self, stored: Stored) {
        self.waiting.push(stored);
    }

    /// Writes what waits, and makes it durable if it has to be; `None` if nothing became durable.
    pub fn sync(&mut self) -> Result<Option<Synced>> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(None);
        }
        let directory = self.directory.clone();
        let directory = directory.context("TEMBLOR_DATA_DIR is not set, and there is something to store")?;
        // A file that can't be read shows as a damaged one.
        let actions = self.journal.take(waiting, |name| fs::read(directory.join(name)).unwrap_or_default())?;
        let synced = actions.last().and_then(Synced::of);
        for action in actions {
            self.act(action)?;
        }
        Ok(synced)
    }

    fn act(&mut self, action: Action) -> Result<()> {
        let directory = self.directory.clone().context("there is no data directory")?;
        let path = |name: &str| directory.join(name);
        match action {
            Action::Create(name, bytes) => {
                let file = File::options().create_new(true).write(true).open(path(&name));
                let mut file = file.with_context(|| format!("failed to create {name}"))?;
                file.write_all(&bytes).with_context(|| format!("failed to write {name}"))?;
                // The name of a new file is durable only once its directory is.
                File::open(&directory)?.sync_all().context("failed to sync the data directory")?;
                self.open = Some((name, file));
            }
            Action::Append(name, bytes) => {
                let file = self.file(&name)?;
                file.write_all(&bytes).with_context(|| format!("failed to append to {name}"))?;
            }
            Action::Cut(name, length) => {
                let file = self.file(&name)?;
                file.set_len(length).with_context(|| format!("failed to cut the torn tail of {name}"))?;
            }
            Action::Remove(name) => {
                fs::remove_file(path(&name)).with_context(|| format!("failed to remove {name}"))?;
            }
            Action::Sync(name, _) => {
                self.file(&name)?.sync_data().with_context(|| format!("failed to sync {name}"))?;
            }
        }
        Ok(())
    }

    /// The file of this name, to be appended to.
    fn file(&mut self, name: &str) -> Result<&mut File> {
        if self.open.as_ref().is_none_or(|(open, _)| open != name) {
            let path = self.directory.as_deref().context("there is no data directory")?.join(name);
            let file = File::options().append(true).open(path).with_context(|| format!("failed to open {name}"))?;
            self.open = Some((name.to_owned(), file));
        }
        Ok(&mut self.open.as_mut().expect("it was just opened").1)
    }
}

/// The files of a directory; what else there is in it is left alone.
fn read(directory: &Path) -> Result<Files> {
    let failed = || format!("failed to read {}", directory.display());
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Files::new()),
        entries => entries.with_context(failed)?,
    };
    let mut files = Files::new();
    for entry in entries {
        let entry = entry.with_context(failed)?;
        if let (Ok(name), true) = (entry.file_name().into_string(), entry.path().is_file()) {
            files.insert(name, fs::read(entry.path()).with_context(failed)?);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::Storage;
    use crate::records::append;
    use crate::stack::Stored;

    const NAME: &str = "stable.log";

    fn three_records() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (layer, record) in [(0, "term 1"), (1, ""), (0, "vote n2")] {
            append(&mut bytes, &[(layer, record.into())]);
        }
        bytes
    }

    fn record(layer: u32, text: &str) -> Stored {
        Stored::Record(layer, text.into())
    }

    #[test]
    fn records_outlive_the_process_and_a_torn_tail_does_not_disturb_what_comes_after() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Storage::open(Some(directory.path().to_owned())).unwrap();
        let (mut storage, records) = open();
        assert_eq!(records, []);
        storage.store(record(0, "one"));
        let synced = storage.sync().unwrap().unwrap();
        assert_eq!((synced.file.as_str(), synced.bytes), (NAME, 19));
        assert_eq!(storage.sync().unwrap(), None);

        let path = directory.path().join(NAME);
        let torn = &three_records()[..20];
        std::fs::File::options().append(true).open(&path).unwrap().write_all(torn).unwrap();
        let (mut storage, records) = open();
        assert_eq!(records, [(0, b"one".to_vec())]);
        storage.store(record(1, "two"));
        assert_eq!(storage.sync().unwrap().unwrap().bytes, 38);
        assert_eq!(open().1, [(0, b"one".to_vec()), (1, b"two".to_vec())]);
    }

    #[test]
    fn a_damaged_file_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let mut bytes = three_records();
        bytes[3] ^= 0x40;
        std::fs::write(directory.path().join(NAME), bytes).unwrap();
        let refused = Storage::open(Some(directory.path().to_owned())).err().unwrap();
        let error = format!("{refused:#}");
        assert!(error.contains("stable.log is damaged") && error.contains("byte 0"), "{error}");
    }

    #[test]
    fn without_a_directory_nothing_can_be_stored() {
        let (mut storage, _) = Storage::open(None).unwrap();
        assert_eq!(storage.sync().unwrap(), None);
        storage.store(record(0, "one"));
        assert!(storage.sync().unwrap_err().to_string().contains("TEMBLOR_DATA_DIR"));
    }

    #[test]
    fn a_lazy_record_is_written_at_once_and_durable_with_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Storage::open(Some(directory.path().to_owned())).unwrap();
        let (mut storage, _) = open();
        storage.store(Stored::Lazy(0, b"one".to_vec()));
        assert_eq!(storage.sync().unwrap(), None);
        assert_eq!(open().1.len(), 1, "the page cache outlives the process");
        storage.store(record(0, "two"));
        assert_eq!(storage.sync().unwrap().unwrap().bytes, 38);
    }

    #[test]
    fn a_compaction_begins_a_file_and_the_one_before_goes_with_the_next_step() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Storage::open(Some(directory.path().to_owned())).unwrap();
        let files = || std::fs::read_dir(directory.path()).unwrap().count();
        let (mut storage, _) = open();
        storage.store(record(0, "one"));
        storage.store(record(1, "other"));
        storage.sync().unwrap();
        storage.store(Stored::Instead(0, vec![b"snapshot".to_vec()]));
        let synced = storage.sync().unwrap().unwrap();
        assert_eq!((synced.file.as_str(), synced.bytes, files()), ("stable.2.log", 24 + 21 + 24, 2));
        storage.store(record(0, "two"));
        storage.sync().unwrap();
        assert_eq!(files(), 1);
        let records = [(1, "other"), (0, "snapshot"), (0, "two")].map(|(layer, text)| (layer, text.into()));
        assert_eq!(open().1, records);
    }
}
