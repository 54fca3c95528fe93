//! The JSON schema says of a line what the reader does.

#![allow(clippy::disallowed_methods, reason = "the corpus is a folder of files")]

use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use temblor_checkers::schema::SCHEMA;

/// Whether lines fit the schema.
struct Validator {
    schemas: Schemas,
    line: SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
        compiler.add_resource("history.schema.json", schema).expect("the schema has no other name");
        let line = compiler.compile("history.schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, line }
    }

    fn fits(&self, line: &str) -> bool {
        let value: Value = serde_json::from_str(line).expect("the line is JSON");
        self.schemas.validate(&value, self.line).is_ok()
    }
}

#[test]
fn histories_fit() {
    let validator = Validator::new();
    for name in ["every-kind", "foreign", "only-header", "pause", "recover"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/reader").join(name);
        let text = std::fs::read_to_string(&path).expect("it is checked in");
        for line in text.lines() {
            assert!(validator.fits(line), "{name}: {line}");
        }
    }
}

#[test]
fn a_promise_of_gossip_fits() {
    let line = r#"{"index":0,"time":0,"process":"nemesis","type":"info","f":"run","value":{"format":1,"system":"gossip","nodes":["n1"],"crashes":"stop","faulty_max":0,"ok":"taken","promises":{"agreement":"as-statistic"},"fanout":3}}"#;
    let validator = Validator::new();
    assert!(validator.fits(line));
    assert!(!validator.fits(&line.replace("\"fanout\":3", "\"fanout\":-3")));
    assert!(!validator.fits(&line.replace("as-statistic", "as-luck-has-it")));
}

#[test]
fn what_the_reader_refuses_does_not_fit() {
    let validator = Validator::new();
    let good = r#"{"index":1,"time":1,"process":"n1","type":"info","f":"deliver","value":17}"#;
    assert!(validator.fits(good));
    assert!(validator.fits(&good.replace("deliver", "rejoice")));
    assert!(validator.fits(&good.replace("\"f\"", "\"lamport\":17,\"f\"")));
    assert!(
        validator
            .fits(&good.replace("\"deliver\",\"value\":17", "\"follows\",\"value\":{\"term\":1,\"leader\":\"n1\"}"))
    );
    let changes = [
        ("\"deliver\",\"value\":17", "\"follows\",\"value\":{\"term\":1}"),
        ("\"index\":1,", ""),
        ("\"index\":1", "\"index\":-1"),
        ("\"time\":1", "\"time\":1.5"),
        ("\"n1\"", "\"\""),
        ("\"n1\"", "-1"),
        ("\"n1\"", "4294967296"),
        ("\"info\"", "\"maybe\""),
        ("17", "9007199254740992"),
        ("17", "-1"),
        ("17", "\"17\""),
        ("17", "{\"message\":17,\"pos\":0}"),
        ("\"deliver\",\"value\":17", "\"broadcast\",\"value\":{}"),
        ("\"deliver\",\"value\":17", "\"start\",\"value\":{}"),
        ("\"deliver\",\"value\":17", "\"leader\",\"value\":{}"),
        (
            "\"n1\",\"type\":\"info\",\"f\":\"deliver\",\"value\":17",
            "\"nemesis\",\"type\":\"info\",\"f\":\"run\",\"value\":{}",
        ),
        ("\"n1\",\"type\":\"info\",\"f\":\"deliver\"", "0,\"type\":\"invoke\",\"f\":\"broadcast\""),
    ];
    for (from, to) in changes {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert!(!validator.fits(&bad), "{bad}");
    }
}
