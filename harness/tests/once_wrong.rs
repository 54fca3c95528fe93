//! Plans by which a correct algorithm of ours was once caught, each named by what was wrong. They pass now, and stay here.

mod command;

use command::Temblor;
use serde_json::Value;

#[test]
fn what_was_once_wrong_holds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/once_wrong");
    let plans: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!plans.is_empty());
    for path in plans {
        let plan: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let (temblor, algorithm) = (Temblor::new(), plan["algorithm"].as_str().unwrap());
        for executor in ["sim", "lockstep"] {
            temblor.run(&format!("run {algorithm} --plan {} --executor {executor}", path.display())).expect(0);
        }
    }
}
