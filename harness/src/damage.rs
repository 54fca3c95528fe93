//! Damage: what a crash does to a node's files, as a pure function of them.
//!
//! What was written and not synced may be lost: that is within the crash-recovery model of everything durable. What was
//! synced is damaged only by faults outside of it.

use serde_json::{Value, json};
use temblor_node::journal::Files;
use temblor_workloads::chance::of_bytes;
use temblor_workloads::plan::Kind;

/// One file that is another now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub file: String,
    /// Its bytes from now on; `None` if it is gone.
    pub after: Option<Vec<u8>>,
    /// What shows that it happened, for the history.
    pub evidence: Value,
}

/// What a fault does to the files of a node that it has killed. `synced` is how many bytes of a file are known to be durable;
/// `None` for a file whose syncs nobody reports. Files that stay as they are are left out.
pub fn changes(kind: &Kind, files: &Files, synced: impl Fn(&str) -> Option<u64>) -> Vec<Change> {
    files.iter().filter_map(|(file, bytes)| change(kind, (file, bytes), synced(file))).collect()
}

/// The files that are durable after a fault, as long as they are then but for its changes: what outlives the loss of what was not
/// synced is on the disk.
pub fn surviving(kind: &Kind, files: &Files, synced: impl Fn(&str) -> Option<u64>) -> Vec<(String, u64)> {
    let survives = |file: &str| matches!(kind, Kind::LoseUnsynced { .. }) && synced(file).is_some();
    let surviving = files.iter().filter(|(file, _)| survives(file));
    surviving.map(|(file, bytes)| (file.clone(), bytes.len() as u64)).collect()
}

fn change(kind: &Kind, (file, bytes): (&str, &[u8]), synced: Option<u64>) -> Option<Change> {
    let length = bytes.len();
    let mut after = bytes.to_vec();
    match kind {
        Kind::LoseUnsynced { keep_ppm, .. } => {
            let durable = usize::try_from(synced?).unwrap_or(usize::MAX).min(length);
            after.truncate(durable + part(length - durable, *keep_ppm));
        }
        Kind::TruncateTail { bytes, .. } => after.truncate(length.saturating_sub(*bytes as usize)),
        Kind::TornWrite { bytes, .. } => after[length.saturating_sub(*bytes as usize)..].fill(0),
        Kind::Bitflip { at_ppm, .. } => {
            let at = part(length.saturating_sub(1), *at_ppm);
            *after.get_mut(at)? ^= 1 << (at % 8);
        }
        Kind::Wipe { .. } => {
            return Some(Change {
                file: file.to_owned(),
                after: None,
                evidence: json!({ "file": file, "bytes": [length, 0] }),
            });
        }
        _ => return None,
    }
    if after == bytes {
        return None;
    }
    let mut evidence = json!({ "file": file, "bytes": [length, after.len()] });
    if after.len() == length {
        evidence["at"] = json!(bytes.iter().zip(&after).position(|(before, after)| before != after));
        evidence["hash"] = json!([format!("{:016x}", of_bytes(bytes)), format!("{:016x}", of_bytes(&after))]);
    }
    Some(Change { file: file.to_owned(), after: Some(after), evidence })
}

/// So many millionths of a number.
fn part(whole: usize, ppm: u32) -> usize {
    usize::try_from(whole as u64 * u64::from(ppm) / 1_000_000).expect("a part is less than the whole")
}

#[cfg(test)]
mod tests {
    use temblor_workloads::plan::Kind;

    use super::{Change, changes};

    fn inflict(kind: &Kind, synced: Option<u64>) -> Vec<Change> {
        let files = [("stable.log".to_owned(), (0..100).collect())].into();
        changes(kind, &files, |_| synced)
    }

    #[test]
    fn only_what_was_not_synced_is_lost_and_a_part_of_it_may_stay() {
        let kind = |keep_ppm| Kind::LoseUnsynced { node: "n1".to_owned(), keep_ppm, wait_us: 0 };
        let length = |kind: &Kind, synced| inflict(kind, synced).pop().map(|change| change.after.unwrap().len());
        assert_eq!(length(&kind(0), Some(60)), Some(60));
        assert_eq!(length(&kind(500_000), Some(60)), Some(80));
        assert_eq!(length(&kind(1_000_000), Some(60)), None);
        assert_eq!(length(&kind(0), Some(100)), None);
        assert_eq!(length(&kind(0), None), None, "nobody knows what of it was synced");
    }

    #[test]
    fn what_was_synced_is_damaged_where_the_fault_says() {
        let node = || "n1".to_owned();
        let cut = inflict(&Kind::TruncateTail { node: node(), bytes: 7 }, Some(100)).pop().unwrap();
        assert_eq!(cut.after.unwrap().len(), 93);
        let torn = inflict(&Kind::TornWrite { node: node(), bytes: 7 }, Some(100)).pop().unwrap();
        assert_eq!((torn.evidence["at"].as_u64(), torn.after.unwrap()[93..].to_vec()), (Some(93), vec![0; 7]));
        let flipped = inflict(&Kind::Bitflip { node: node(), at_ppm: 500_000 }, Some(100)).pop().unwrap();
        assert_eq!(flipped.after.unwrap()[49], 49 ^ 2);
        assert_eq!(inflict(&Kind::Wipe { node: node() }, Some(100)).pop().unwrap().after, None);
    }
}
