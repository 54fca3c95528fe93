//! The plan format in its three descriptions (code, schema, page), which have to agree, and the plans of this folder.

// The crate itself opens no files; this test reads the demonstrations beside it.
#![expect(clippy::disallowed_methods, reason = "a test may look into its own folder")]

use std::path::PathBuf;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use temblor_workloads::draw::{TEMPLATES, Wishes, draw};
use temblor_workloads::faults::FAULTS;
use temblor_workloads::plan::{Ask, Plan};
use temblor_workloads::schema::SCHEMA;
use temblor_workloads::setting::{Crashes, Links, Setting};
use temblor_workloads::shapes::{LEADER_SHAPES, SHAPES};
use temblor_workloads::workloads;

const PAGE: &str = include_str!("../PLAN.md");

struct Schema {
    schemas: Schemas,
    plan: SchemaIndex,
}

impl Schema {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("plan.schema.json", serde_json::from_str(SCHEMA).unwrap()).unwrap();
        let plan = compiler.compile("plan.schema.json", &mut schemas).unwrap();
        Self { schemas, plan }
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.plan).map_err(|error| format!("{error:#}"))
    }

    fn accepts(&self, text: &str) {
        let value: Value = serde_json::from_str(text).unwrap();
        self.check(&value).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
}

/// The blocks of JSON on the page.
fn blocks() -> impl Iterator<Item = &'static str> {
    PAGE.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap())
}

fn plan_of_page() -> &'static str {
    blocks().find(|block| block.contains("\"format\"")).unwrap()
}

#[test]
fn the_schema_accepts_every_drawn_plan() {
    let schema = Schema::new();
    for (asks, leader) in [(Ask::Broadcast, false), (Ask::Broadcast, true), (Ask::Charge, true)] {
        let setting = Setting {
            asks,
            algorithm: "fifo".to_owned(),
            over: leader.then(|| "retransmit".to_owned()),
            fanout: None,
            http: false,
            nodes: (1..=5).map(|n| format!("n{n}")).collect(),
            links: Links::FairLoss,
            crashes: Crashes::Stop,
            durable: false,
            leader,
            faulty_max: 4,
            bound_ms: 2_000,
        };
        let nemesis = vec!["all".to_owned(), "link".to_owned()];
        for workload in workloads::of(asks) {
            let (workload, nemesis) = (workload.name.to_owned(), nemesis.clone());
            let wishes =
                Wishes { workload, nemesis, length_us: 2_000_000, rate: 20, beyond_model: leader, ..Wishes::default() };
            (0..40).for_each(|seed| schema.accepts(&draw(&setting, &wishes, seed).unwrap().to_json()));
        }
    }
}

#[test]
fn every_plan_beside_it_is_read_and_written_again_and_fits_the_schema() {
    let schema = Schema::new();
    let folders =
        ["demonstrations", "lectures", "separations"].map(|name| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name));
    for entry in folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let plan = Plan::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(Plan::parse(&plan.to_json()), Ok(plan));
        schema.accepts(&text);
    }
}

#[test]
fn the_example_of_the_page_is_read_and_fits_the_schema() {
    let text = plan_of_page();
    Schema::new().accepts(text);
    let plan = Plan::parse(text).unwrap();
    assert_eq!(Plan::parse(&plan.to_json()), Ok(plan));
}

#[test]
fn every_piece_of_the_page_is_read_and_fits_the_schema() {
    let schema = Schema::new();
    let alone = blocks().filter(|block| !block.contains("\"format\"")).map(str::to_owned);
    let cells = PAGE.lines().filter(|line| line.starts_with("| `{")).filter_map(|line| line.split('`').nth(1));
    let pieces: Vec<String> = alone.chain(cells.map(str::to_owned)).collect();
    assert_eq!(pieces.len(), 7 + 6 + 24);
    for piece in pieces {
        let text = plan_around(serde_json::from_str(&piece).unwrap()).to_string();
        Plan::parse(&text).unwrap_or_else(|error| panic!("{error}\n{piece}"));
        schema.accepts(&text);
    }
}

/// A plan with this piece of one in it: what the piece is shows in its keys.
fn plan_around(piece: Value) -> Value {
    let has = |keys: &[&str]| keys.iter().any(|key| piece.get(key).is_some());
    let broadcast = |message: u64| json!({ "when": { "at_us": 0 }, "node": "n1", "broadcast": message });
    let fault = |id: u32, when: Value, fault: Value| json!({ "id": id, "when": when, "fault": fault });
    let kill = || json!({ "kill": { "node": "n3" } });
    let (mut operations, mut rules) = (vec![broadcast(1), broadcast(17)], vec![]);
    let mut faults = vec![fault(1, json!({ "at_us": 0 }), kill())];
    if has(&["on_deliver"]) {
        rules.push(piece);
    } else if has(&["broadcast", "charge"]) {
        operations = vec![piece];
    } else if has(&["id"]) {
        faults = vec![piece];
    } else if has(&["at_us", "after"]) {
        faults.push(fault(2, piece, kill()));
    } else if has(&["deliveries", "deliver", "leader", "frame", "fault", "input"]) {
        faults.push(fault(2, json!({ "after": { "seen": piece } }), kill()));
    } else {
        faults.push(fault(2, json!({ "at_us": 0 }), piece));
    }
    json!({ "format": 1, "algorithm": "eager", "seed": 7, "nodes": ["n1", "n2", "n3"], "length_us": 1_000_000,
            "operations": operations, "faults": faults, "rules": rules })
}

#[test]
fn the_page_names_every_fault_class_shape_and_template() {
    let faults = FAULTS.iter().flat_map(|fault| [fault.name, fault.class]);
    let shapes = SHAPES.iter().map(|shape| shape.name).chain(LEADER_SHAPES.iter().map(|(name, _)| *name));
    for name in faults.chain(shapes).chain(TEMPLATES.iter().map(|template| template.name)) {
        let named = PAGE.contains(&format!("`{name}`")) || PAGE.contains(&format!("{{\"{name}\""));
        assert!(named, "{name} is not on the page");
    }
}

#[test]
fn the_schema_and_the_code_refuse_the_same_mistakes() {
    let schema = Schema::new();
    let good = plan_of_page();
    let mistakes = [
        ("\"format\": 1", "\"format\": 2"),
        ("\"seed\": 7", "\"seed\": -7"),
        ("\"seed\": 7", "\"sead\": 7"),
        ("[\"n1\",\"n2\",\"n3\"]", "[]"),
        ("\"n1\",\"n2\",\"n3\"", "\"n1\",\"n2\",\"n3\",\"n1\""),
        ("\"n1\",\"n2\",\"n3\"", "\"n1\",\"n2\",\"n3\",\"client\""),
        ("\"n1\",\"n2\",\"n3\"", "\"n1\",\"n2\",\"n3\",\"nemesis\""),
        ("\"n1\",\"n2\",\"n3\"", "\"n1\",\"n2\",\"n3\",\".x\""),
        ("\"length_us\": 800000", "\"length_us\": 0.5"),
        ("\"length_us\": 800000", "\"length_us\": 31622400000001"),
        ("\"id\":1", "\"id\":0"),
        ("\"broadcast\":1", "\"broadcast\":9007199254740992"),
        ("[[\"n1\",\"n3\"]]", "[]"),
        ("[[\"n1\",\"n3\"]]", "[[\"n1\",\"n1\"]]"),
        ("[[\"n1\",\"n3\"]]", "[[\"n1\",\"n2\",\"n3\"]]"),
        ("\"cut\":[[\"n1\",\"n3\"]]", "\"shape\":\"halves\""),
        ("\"cut\":", "\"around_leader\":{},\"cut\":"),
        ("\"fault\":{\"kill\"", "\"for_us\":5,\"fault\":{\"restart\""),
        ("{\"deliver\":{\"node\":\"n2\",\"message\":1}}", "{\"deliveries\":{\"node\":\"n2\",\"count\":0}}"),
        ("\"partition\":{\"cut\"", "\"loss\":{\"chance_ppm\":1000001,\"links\""),
        ("\"partition\":{\"cut\"", "\"partition\":{\"mode\":\"slow\",\"cut\""),
        ("{\"at_us\":0}", "{\"at_us\":0,\"after\":{\"seen\":{\"leader\":{\"term\":1}}}}"),
        ("\"rules\"", "\"requested\": [\"meteor\"],\n\"rules\""),
    ];
    for (from, to) in mistakes {
        assert!(good.contains(from), "{from}");
        let text = good.replacen(from, to, 1);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(Plan::parse(&text).is_err(), "the code takes {to}");
        assert!(schema.check(&value).is_err(), "the schema takes {to}");
    }
}
