//! Stable storage: an append-only file of records, each with its length, its layer and a checksum.
//!
//! ```text
//! record := length (u32, little endian) layer (u32) check of these two (u32) check of the bytes (u32) bytes
//! ```
//! The checks are CRC-32. The head has one of its own, so that a damaged length is told from a record that was cut off. A
//! crash can leave the last record torn: it is cut off on recovery. Any other damage is no crash's doing, and is an error that
//! names the file and the place.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Serialize;

const HEAD: usize = 16;
const NAME: &str = "stable.log";

/// The node's stable storage. The file is made when there is something to store.
pub struct Storage {
    directory: Option<PathBuf>,
    file: Option<File>,
    pending: Vec<u8>,
    length: u64,
}

/// Records by the place of the layer that stored them.
pub type Records = Vec<(u32, Vec<u8>)>;

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
        let mut storage = Self { directory, file: None, pending: Vec::new(), length: 0 };
        let Some(path) = storage.path().filter(|path| path.exists()) else { return Ok((storage, Vec::new())) };
        let mut file = File::options().read(true).write(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(|| format!("failed to read {}", path.display()))?;
        let (records, good) = parse(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
        file.set_len(good as u64).with_context(|| format!("failed to cut the torn tail of {}", path.display()))?;
        file.seek(SeekFrom::End(0))?;
        storage.file = Some(file);
        storage.length = good as u64;
        Ok((storage, records))
    }

    /// Adds a record; it is durable after the next [`Storage::sync`].
    pub fn append(&mut self, layer: u32, record: &[u8]) {
        let length = u32::try_from(record.len()).expect("a record is smaller than 4 GiB");
        let mut head = [length.to_le_bytes(), layer.to_le_bytes()].concat();
        head.extend_from_slice(&crc32(&head).to_le_bytes());
        head.extend_from_slice(&crc32(record).to_le_bytes());
        self.pending.extend_from_slice(&head);
        self.pending.extend_from_slice(record);
    }

    /// Makes all records durable; `None` if there was nothing to do.
    pub fn sync(&mut self) -> Result<Option<Synced>> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        if self.file.is_none() {
            let path = self.path().context("TEMBLOR_DATA_DIR is not set, and there is something to store")?;
            let file = File::options().create_new(true).write(true).open(&path);
            self.file = Some(file.with_context(|| format!("failed to create {}", path.display()))?);
            // The name of a new file is durable only once its directory is.
            File::open(path.parent().context("a file has a directory")?)?.sync_all()?;
        }
        let file = self.file.as_mut().expect("it was just opened");
        file.write_all(&self.pending).context("failed to append to stable storage")?;
        file.sync_data().context("failed to sync stable storage")?;
        self.length += self.pending.len() as u64;
        self.pending.clear();
        Ok(Some(Synced { r#type: "synced", file: NAME, bytes: self.length }))
    }

    fn path(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(|directory| directory.join(NAME))
    }
}

/// The records, and how many bytes are good. Only the very end may be torn.
fn parse(bytes: &[u8]) -> Result<(Records, usize)> {
    let (mut records, mut at) = (Vec::new(), 0);
    while let Some(head) = bytes.get(at..at + HEAD) {
        let word = |place: usize| u32::from_le_bytes(head[place..place + 4].try_into().expect("4 bytes"));
        if crc32(&head[..8]) != word(8) {
            bail!("the head of the record at byte {at} does not match its checksum");
        }
        let end = at + HEAD + word(0) as usize;
        let Some(record) = bytes.get(at + HEAD..end) else { break };
        if crc32(record) != word(12) {
            if end == bytes.len() {
                break;
            }
            bail!("the record at byte {at} does not match its checksum, and {} bytes follow it", bytes.len() - end);
        }
        records.push((word(4), record.to_vec()));
        at = end;
    }
    Ok((records, at))
}

/// CRC-32 (IEEE 802.3), bit by bit: records are few and small.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{NAME, Storage, crc32, parse};

    fn three_records() -> Vec<u8> {
        let (mut storage, _) = Storage::open(None).unwrap();
        storage.append(0, b"term 1");
        storage.append(1, b"");
        storage.append(0, b"vote n2");
        storage.pending
    }

    #[test]
    fn the_checksum_is_the_common_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_tail_torn_at_any_byte_is_cut_off() {
        let bytes = three_records();
        for length in 0..bytes.len() {
            let (records, good) = parse(&bytes[..length]).unwrap();
            assert!(good <= length && records.len() < 3, "{length}");
        }
        assert_eq!(parse(&bytes).unwrap().0.len(), 3);
    }

    #[test]
    fn a_bit_flipped_before_the_last_record_is_an_error_that_names_the_place() {
        let whole = three_records();
        let last = whole.len() - super::HEAD - b"vote n2".len();
        for bit in 0..8 * last {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let error = parse(&bytes).unwrap_err().to_string();
            assert!(
                error.contains("the record at byte 0") || error.contains("the record at byte 22"),
                "{bit}: {error}"
            );
        }
    }

    #[test]
    fn records_outlive_the_process_and_a_torn_tail_does_not_disturb_what_comes_after() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Storage::open(Some(directory.path().to_owned())).unwrap();
        let (mut storage, records) = open();
        assert_eq!(records, []);
        storage.append(0, b"one");
        let synced = storage.sync().unwrap().unwrap();
        assert_eq!((synced.file, synced.bytes), (NAME, 19));
        assert_eq!(storage.sync().unwrap(), None);

        let path = directory.path().join(NAME);
        let torn = &three_records()[..20];
        std::fs::File::options().append(true).open(&path).unwrap().write_all(torn).unwrap();
        let (mut storage, records) = open();
        assert_eq!(records, [(0, b"one".to_vec())]);
        storage.append(1, b"two");
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
        storage.append(0, b"one");
        assert!(storage.sync().unwrap_err().to_string().contains("TEMBLOR_DATA_DIR"));
    }
}
