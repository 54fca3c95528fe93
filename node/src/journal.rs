//! The journal: which files stable storage consists of, without touching any.
//!
//! Records are appended to the file of the newest generation. A log that was compacted begins the next generation in a file of
//! its own, whose first record says how many records have to follow; the file before it is removed only in a later step. So
//! a crash at any byte finds a generation that is whole. The same decisions hold for real files and for a simulated disk.

use std::collections::BTreeMap;

use crate::records::{self, Damaged, Records};
use crate::stack::Stored;

/// The place in the stack of nobody: of the first record of a generation, which holds the number of those that follow.
const COUNT: u32 = u32::MAX >> 1;

/// The files of a node by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Where the next record goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// From 1; 0 while there is no file.
    generation: u64,
    /// The length of the newest file, bytes.
    length: u64,
    /// Files of earlier generations.
    stale: Vec<String>,
}

/// What is to be done to files, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new file, with these bytes.
    Create(String, Vec<u8>),
    /// More bytes at the end of a file.
    Append(String, Vec<u8>),
    /// A file is cut to so many bytes.
    Cut(String, u64),
    /// A file is not needed any more.
    Remove(String),
    /// All that was done to this file, its creation included, becomes durable; it has so many bytes then.
    Sync(String, u64),
}

/// A file whose damage is no crash's doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedFile {
    /// The file.
    pub file: String,
    /// Where, and what.
    pub damaged: Damaged,
}

impl std::fmt::Display for DamagedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is damaged: {}", self.file, self.damaged)
    }
}

impl std::error::Error for DamagedFile {}

impl Journal {
    /// Reads what there is: the records of the newest generation that is whole, and what is to be done before anything is added.
    ///
    /// # Errors
    /// A record before the end of a file is damaged.
    pub fn open(files: &Files) -> Result<(Self, Records, Vec<Action>), DamagedFile> {
        let mut generations: Vec<(u64, &String)> =
            files.keys().filter_map(|name| Some((generation(name)?, name))).collect();
        generations.sort_unstable();
        let mut actions = Vec::new();
        while let Some((generation, file)) = generations.pop() {
            let parsed = records::parse(&files[file]);
            let (mut records, good) = parsed.map_err(|damaged| DamagedFile { file: file.clone(), damaged })?;
            if !is_whole(generation, &records) {
                actions.push(Action::Remove(file.clone()));
                continue;
            }
            if good < files[file].len() {
                actions.push(Action::Cut(file.clone(), good as u64));
            }
            // What a life before wrote may not be durable yet, and from now on everything may follow from it.
            actions.push(Action::Sync(file.clone(), good as u64));
            records.retain(|(layer, _)| *layer != COUNT);
            let stale = generations.into_iter().map(|(_, name)| name.clone()).collect();
            return Ok((Self { generation, length: good as u64, stale }, records, actions));
        }
        Ok((Self::default(), Vec::new(), actions))
    }

    /// What is to be done to store this; `read` gives the bytes of a file. Whatever is said after it waits for the last action.
    ///
    /// # Errors
    /// What `read` gave is damaged.
    pub fn take(&mut self, stored: Vec<Stored>, read: impl Fn(&str) -> Vec<u8>) -> Result<Vec<Action>, DamagedFile> {
        let mut actions = Vec::new();
        if !stored.is_empty() {
            actions.extend(std::mem::take(&mut self.stale).into_iter().map(Action::Remove));
        }
        let urgent = stored.iter().any(|stored| !matches!(stored, Stored::Lazy(..)));
        if stored.iter().any(|stored| matches!(stored, Stored::Instead(..))) {
            let old = if self.generation == 0 { Vec::new() } else { read(&name(self.generation)) };
            actions.push(self.begin(&old, stored)?);
        } else if !stored.is_empty() {
            let step: Records = stored.into_iter().flat_map(in_addition).collect();
            actions.push(self.append(&step));
        }
        if urgent {
            actions.push(Action::Sync(name(self.generation), self.length));
        }
        Ok(actions)
    }

    fn append(&mut self, step: &[(u32, Vec<u8>)]) -> Action {
        let mut bytes = Vec::new();
        records::append(&mut bytes, step);
        self.length += bytes.len() as u64;
        if self.generation == 0 {
            self.generation = 1;
            return Action::Create(name(1), bytes);
        }
        Action::Append(name(self.generation), bytes)
    }

    /// The next generation: what `old` holds, and all of a step in which something is written anew.
    fn begin(&mut self, old: &[u8], step: Vec<Stored>) -> Result<Action, DamagedFile> {
        let before = name(self.generation.max(1));
        let (mut all, _) = records::parse(old).map_err(|damaged| DamagedFile { file: before.clone(), damaged })?;
        all.retain(|(of, _)| *of != COUNT);
        for stored in step {
            if let Stored::Instead(layer, _) = &stored {
                all.retain(|(of, _)| of != layer);
            }
            all.extend(in_addition(stored));
        }
        let count = (all.len() as u64).to_le_bytes().to_vec();
        all.insert(0, (COUNT, count));
        let mut bytes = Vec::new();
        all.iter().for_each(|record| records::append(&mut bytes, std::slice::from_ref(record)));
        if self.generation > 0 {
            self.stale.push(before);
        }
        self.generation = self.generation.max(1) + 1;
        self.length = bytes.len() as u64;
        Ok(Action::Create(name(self.generation), bytes))
    }
}

/// The records that are there afterwards and were not before.
fn in_addition(stored: Stored) -> Records {
    match stored {
        Stored::Record(layer, record) | Stored::Lazy(layer, record) => vec![(layer, record)],
        Stored::Instead(layer, records) => records.into_iter().map(|record| (layer, record)).collect(),
    }
}

/// Does something to files in memory.
pub fn apply(files: &mut Files, action: &Action) {
    match action {
        Action::Create(name, bytes) => {
            files.insert(name.clone(), bytes.clone());
        }
        Action::Append(name, bytes) => files.entry(name.clone()).or_default().extend_from_slice(bytes),
        Action::Cut(name, length) => files.entry(name.clone()).or_default().truncate(*length as usize),
        Action::Remove(name) => {
            files.remove(name);
        }
        Action::Sync(..) => {}
    }
}

/// `stable.log`, `stable.2.log`, `stable.3.log`, ...
fn name(generation: u64) -> String {
    if generation == 1 { "stable.log".to_owned() } else { format!("stable.{generation}.log") }
}

fn generation(file: &str) -> Option<u64> {
    let number = file.strip_prefix("stable.")?.strip_suffix("log")?;
    if number.is_empty() { Some(1) } else { number.strip_suffix('.')?.parse().ok() }
}

/// Whether the records that a generation began with are all there.
fn is_whole(generation: u64, records: &Records) -> bool {
    let count = |record: &[u8]| Some(u64::from_le_bytes(record.try_into().ok()?));
    match records.first() {
        Some((COUNT, record)) => count(record).is_some_and(|count| records.len() as u64 > count),
        _ => generation == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Files, Journal, apply};
    use crate::stack::Stored;

    fn record(layer: u32, text: &str) -> Stored {
        Stored::Record(layer, text.into())
    }

    fn store(journal: &mut Journal, files: &mut Files, stored: Vec<Stored>) -> Vec<Action> {
        let actions = journal.take(stored, |name| files[name].clone()).unwrap();
        actions.iter().for_each(|action| apply(files, action));
        actions
    }

    fn records(files: &Files) -> Vec<(u32, String)> {
        let records = Journal::open(files).unwrap().1.into_iter();
        records.map(|(layer, record)| (layer, String::from_utf8(record).unwrap())).collect()
    }

    #[test]
    fn a_crash_at_any_byte_of_a_compaction_finds_the_old_records_or_the_new_ones() {
        let (mut journal, mut files) = (Journal::default(), Files::new());
        store(&mut journal, &mut files, vec![record(0, "one"), record(1, "other")]);
        let before = records(&files);
        let mut after = files.clone();
        store(&mut journal, &mut after, vec![Stored::Instead(0, vec![b"snapshot".to_vec()]), record(0, "two")]);
        let whole = [(1, "other"), (0, "snapshot"), (0, "two")].map(|(layer, text)| (layer, text.to_owned()));
        assert_eq!(records(&after), whole);
        let length = after["stable.2.log"].len();
        for kept in 0..length {
            let mut torn = after.clone();
            torn.get_mut("stable.2.log").unwrap().truncate(kept);
            let found = records(&torn);
            assert_eq!(found, before, "{kept}");
        }
        store(&mut journal, &mut after, vec![record(0, "three")]);
        assert!(!after.contains_key("stable.log"), "it is removed once the next one is known to be durable");
        assert_eq!(records(&after).len(), 4);
    }

    #[test]
    fn only_what_has_to_be_durable_is_synced() {
        let (mut journal, mut files) = (Journal::default(), Files::new());
        let lazy = store(&mut journal, &mut files, vec![Stored::Lazy(0, b"one".to_vec())]);
        assert!(!lazy.iter().any(|action| matches!(action, Action::Sync(..))));
        let stored = store(&mut journal, &mut files, vec![record(0, "two")]);
        assert_eq!(stored.last(), Some(&Action::Sync("stable.log".to_owned(), 38)));
        assert_eq!(store(&mut journal, &mut files, vec![]), []);
    }
}
