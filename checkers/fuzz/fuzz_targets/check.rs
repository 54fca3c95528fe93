//! Any bytes: checking them ends, with a verdict or with an error, and so it does again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temblor_checkers::check::check;
use temblor_checkers::judge::Options;

fuzz_target!(|bytes: &[u8]| {
    let options = Options::default();
    let (first, second) = (check(|| Ok(bytes), &options), check(|| Ok(bytes), &options));
    match (first, second) {
        (Ok(first), Ok(second)) => assert_eq!(first, second),
        (Err(first), Err(second)) => assert_eq!(first.to_string(), second.to_string()),
        (first, second) => panic!("{first:?}, then {second:?}"),
    }
});
