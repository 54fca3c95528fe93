//! Everything that fuzzing kept: each file is read to its end and judged, with a verdict or with an error.

#![allow(clippy::disallowed_methods, reason = "the corpus is a folder of files")]

use std::path::Path;

use temblor_checkers::check::check;
use temblor_checkers::judge::Options;
use temblor_checkers::reader::Reader;

#[test]
fn every_file_of_the_corpus_ends_in_a_verdict_or_in_an_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/reader");
    let mut files: Vec<_> = folder.read_dir().expect("it is checked in").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20, "{} has {} files", folder.display(), files.len());
    let (mut verdicts, mut errors) = (0, 0);
    for file in files {
        let bytes = std::fs::read(&file).expect("the files of the corpus can be read");
        let read = read(&bytes);
        match check(|| Ok(bytes.as_slice()), &Options::default()) {
            Ok(verdict) => {
                assert_eq!(read, Ok(verdict.counts.ops), "{}", file.display());
                verdicts += 1;
            }
            Err(error) => {
                assert!(!error.to_string().contains(char::is_control), "{}: {error:?}", file.display());
                errors += 1;
            }
        }
    }
    assert!(verdicts > 5 && errors > 5, "{verdicts} verdicts and {errors} errors");
}

/// How many ops there are, or in which line an error is.
fn read(bytes: &[u8]) -> Result<u64, u64> {
    let mut reader = Reader::new(bytes);
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(reader.lines()),
            Err(error) => return Err(error.line),
        }
    }
}
