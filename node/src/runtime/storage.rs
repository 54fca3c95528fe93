//! Stable storage: an append-only file of [records](crate::records).
//!
//! A log that was compacted is written to a second file, which takes the first one's name once it is durable: there is no moment
//! at which neither is whole.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::records::{self, Records};
use crate::stack::Stored;

const NAME: &str = "stable.log";
/// What is to become the file, and is no use before.
const NEXT: &str = "stable.next";

/// The node's stable storage. The file is made when there is something to store.
pub struct Storage {
    directory: Option<PathBuf>,
    file: Option<File>,
    /// What is not in the file yet.
    waiting: Vec<Stored>,
    /// The length of the file, bytes.
    length: u64,
}

/// What an observer is told after each sync.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Synced {
    r#type: &'static str,
    file: &'static str,
    bytes: u64,
}

impl Storage {
    /// Opens the storage in a directory and reads what is there. Without a directory nothing can be stored.
    pub fn open(directory: Option<PathBuf>) -> Result<(Self, Records)> {
        let mut storage = Self { directory, file: None, waiting: Vec::new(), length: 0 };
        let Some(path) = storage.path(NAME).ok().filter(|path| path.exists()) else { return Ok((storage, Vec::new())) };
        let mut file = File::options().read(true).write(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(|| format!("failed to read {}", path.display()))?;
        let (records, good) = records::parse(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
        file.set_len(good as u64).with_context(|| format!("failed to cut the torn tail of {}", path.display()))?;
        file.seek(SeekFrom::End(0))?;
        storage.file = Some(file);
        storage.length = good as u64;
        Ok((storage, records))
    }

    /// Takes what a layer stores; it is in the file, and durable if it has to be, after the next [`Storage::sync`].
    pub fn store(&mut self, stored: Stored) {
        self.waiting.push(stored);
    }

    /// Writes what waits, and makes it durable if it has to be; `None` if nothing became durable.
    pub fn sync(&mut self) -> Result<Option<Synced>> {
        let (mut bytes, mut urgent) = (Vec::new(), false);
        for stored in std::mem::take(&mut self.waiting) {
            urgent |= !matches!(stored, Stored::Lazy(..));
            match stored {
                Stored::Record(layer, record) | Stored::Lazy(layer, record) => {
                    records::append(&mut bytes, layer, &record);
                }
                Stored::Instead(layer, records) => self.rewrite(std::mem::take(&mut bytes), layer, &records)?,
            }
        }
        self.append(&bytes)?;
        let Some(file) = self.file.as_ref().filter(|_| urgent) else { return Ok(None) };
        file.sync_data().context("failed to sync stable storage")?;
        Ok(Some(Synced { r#type: "synced", file: NAME, bytes: self.length }))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            let path = self.path(NAME)?;
            let file = File::options().create_new(true).write(true).open(&path);
            self.file = Some(file.with_context(|| format!("failed to create {}", path.display()))?);
            sync_directory(&path)?;
        }
        let file = self.file.as_mut().expect("it was just opened");
        file.write_all(bytes).context("failed to append to stable storage")?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Puts a file in the place of the old one and of what was to be appended to it, whole or not at all.
    fn rewrite(&mut self, appended: Vec<u8>, layer: u32, records: &[Vec<u8>]) -> Result<()> {
        let (path, next) = (self.path(NAME)?, self.path(NEXT)?);
        let old = if path.exists() { std::fs::read(&path)? } else { Vec::new() };
        let bytes = records::instead(&[old, appended].concat(), layer, records);
        let bytes = bytes.with_context(|| format!("{} is damaged", path.display()))?;
        let mut file = File::create(&next).with_context(|| format!("failed to create {}", next.display()))?;
        file.write_all(&bytes).and_then(|()| file.sync_data()).context("failed to write stable storage anew")?;
        std::fs::rename(&next, &path).context("failed to put stable storage in its place")?;
        sync_directory(&path)?;
        (self.file, self.length) = (Some(file), bytes.len() as u64);
        Ok(())
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        let directory =
            self.directory.as_ref().context("TEMBLOR_DATA_DIR is not set, and there is something to store")?;
        Ok(directory.join(name))
    }
}

/// The name of a new file is durable only once its directory is.
fn sync_directory(path: &Path) -> Result<()> {
    File::open(path.parent().context("a file has a directory")?)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{NAME, Storage};
    use crate::records::append;
    use crate::stack::Stored;

    fn three_records() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (layer, record) in [(0, "term 1"), (1, ""), (0, "vote n2")] {
            append(&mut bytes, layer, record.as_bytes());
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
        assert_eq!((synced.file, synced.bytes), (NAME, 19));
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
    fn a_layer_that_is_written_anew_takes_the_place_of_the_file_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Storage::open(Some(directory.path().to_owned())).unwrap();
        let (mut storage, _) = open();
        storage.store(record(0, "one"));
        storage.store(record(1, "other"));
        storage.sync().unwrap();
        storage.store(Stored::Instead(0, vec![b"snapshot".to_vec()]));
        storage.store(record(0, "two"));
        assert_eq!(storage.sync().unwrap().unwrap().bytes, 21 + 24 + 19);
        let records = [(1, "other"), (0, "snapshot"), (0, "two")].map(|(layer, text)| (layer, text.into()));
        assert_eq!(open().1, records);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
