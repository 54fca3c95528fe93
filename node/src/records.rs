//! Records: how stable storage looks, byte for byte, in a file and on a simulated disk.
//!
//! ```text
//! record := length (u32, little endian) layer (u32) check of these two (u32) check of the bytes (u32) bytes
//! ```
//! What a step stores is there whole or not at all: the highest bit of `layer` says that the next record belongs to the same
//! step, and a step whose end is missing is cut off with the torn tail.
//!
//! The checks are CRC-32. The head has one of its own, so that a damaged length is told from a record that was cut off. A
//! crash can leave the last record torn: it is cut off on recovery. Any other damage is no crash's doing, and is an error that
//! names the place.

use std::fmt;

const HEAD: usize = 16;

/// Records, each with the place of the layer that stored it.
pub type Records = Vec<(u32, Vec<u8>)>;

/// Damage that no crash can have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Where the damaged record begins, bytes.
    pub at: usize,
    /// What is wrong with it, in words.
    pub what: String,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record at byte {} {}", self.at, self.what)
    }
}

impl std::error::Error for Damaged {}

/// The next record belongs to the same step.
const MORE: u32 = 1 << 31;

/// Adds what a step stores to the end of a file's bytes.
pub fn append(bytes: &mut Vec<u8>, step: &[(u32, Vec<u8>)]) {
    for (at, (layer, record)) in step.iter().enumerate() {
        let more = if at + 1 < step.len() { MORE } else { 0 };
        append_record(bytes, layer | more, record);
    }
}

fn append_record(bytes: &mut Vec<u8>, layer: u32, record: &[u8]) {
    let length = u32::try_from(record.len()).expect("a record is smaller than 4 GiB");
    let mut head = [length.to_le_bytes(), layer.to_le_bytes()].concat();
    head.extend_from_slice(&crc32(&head).to_le_bytes());
    head.extend_from_slice(&crc32(record).to_le_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(record);
}

/// The records in a file's bytes, and how many bytes are good. Only the very end may be torn.
///
/// # Errors
/// A record before the end does not match its checksum.
pub fn parse(bytes: &[u8]) -> Result<(Records, usize), Damaged> {
    let (mut records, mut step, mut at, mut good) = (Vec::new(), Vec::new(), 0, 0);
    while let Some(head) = bytes.get(at..at + HEAD) {
        let word = |place: usize| u32::from_le_bytes(head[place..place + 4].try_into().expect("4 bytes"));
        if crc32(&head[..8]) != word(8) {
            return Err(Damaged { at, what: "has a head that does not match its checksum".to_owned() });
        }
        let end = at + HEAD + word(0) as usize;
        let Some(record) = bytes.get(at + HEAD..end) else { break };
        if crc32(record) != word(12) {
            if end == bytes.len() {
                break;
            }
            let what = format!("does not match its checksum, and {} bytes follow it", bytes.len() - end);
            return Err(Damaged { at, what });
        }
        step.push((word(4) & !MORE, record.to_vec()));
        at = end;
        if word(4) & MORE == 0 {
            records.append(&mut step);
            good = at;
        }
    }
    Ok((records, good))
}

/// CRC-32 (IEEE 802.3), a table's entry for each byte.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| crc >> 8 ^ TABLE[(crc as u8 ^ byte) as usize])
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{HEAD, append, crc32, parse};

    fn three_records() -> Vec<u8> {
        let mut bytes = Vec::new();
        append(&mut bytes, &[(0, b"term 1".to_vec())]);
        append(&mut bytes, &[(1, Vec::new())]);
        append(&mut bytes, &[(0, b"vote n2".to_vec())]);
        bytes
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
    fn a_step_is_there_whole_or_not_at_all() {
        let (mut bytes, step) = (three_records(), [(0, b"one".to_vec()), (1, b"two".to_vec())]);
        let before = bytes.len();
        append(&mut bytes, &step);
        for length in before..bytes.len() {
            assert_eq!(parse(&bytes[..length]).unwrap().1, before, "{length}");
        }
        let (records, good) = parse(&bytes).unwrap();
        assert_eq!((&records[3..], good), (&step[..], bytes.len()));
    }

    #[test]
    fn a_bit_flipped_before_the_last_record_is_an_error_that_names_the_place() {
        let whole = three_records();
        let last = whole.len() - HEAD - b"vote n2".len();
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
}
