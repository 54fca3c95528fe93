//! What stands in harness/ci: well formed, and the environment that it makes says which shard this is.

use std::process::Command;

use crate::MIXED;
use crate::command::Temblor;
use crate::engines::{recipe, shards};

pub fn are_well_formed() {
    let rules = "{extends: default, rules: {line-length: {max: 160}, document-start: disable, truthy: disable, \
                 braces: disable, comments: disable, brackets: disable}}";
    for name in ["github.yml", "gitlab.yml", "kubernetes.yml"] {
        let output = Command::new("yamllint").args(["-s", "-d", rules]).arg(recipe(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// By the schemas of the services themselves, as check-jsonschema carries them.
pub fn fit_the_services() {
    for (schema, name) in [("vendor.github-workflows", "github.yml"), ("vendor.gitlab-ci", "gitlab.yml")] {
        passes(Command::new("check-jsonschema").args(["--builtin-schema", schema]).arg(recipe(name)));
    }
}

/// By the schema of the API of Kubernetes.
pub fn fits_kubernetes() {
    passes(Command::new("kubernetes-validate").arg("--strict").arg(recipe("kubernetes.yml")));
}

fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// `JOB_COMPLETION_INDEX` is set by Kubernetes, from 0; `SHARD_TOTAL` by the manifest.
pub fn kubernetes_environment() {
    let manifest = std::fs::read_to_string(recipe("kubernetes.yml")).unwrap();
    for part in ["completionMode: Indexed", "backoffLimit: 0", "SHARD_TOTAL", "--shard"] {
        assert!(manifest.contains(part), "{part} is not in the manifest");
    }
    let temblor = Temblor::new();
    temblor.write("mixed.toml", MIXED);
    for index in ["0", "1"] {
        let words = format!("campaign mixed.toml --shard auto --out shards/{index} --regressions kept/{index}");
        let mut command = Command::new(temblor.program());
        command.args(words.split(' ')).current_dir(temblor.folder());
        let output = command.env("JOB_COMPLETION_INDEX", index).env("SHARD_TOTAL", "2").output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let merged = temblor.run(&format!("merge {} --out whole", shards(&temblor, "shards").join(" "))).expect(1);
    assert!(merged.err.contains("shard 1/2: ") && merged.err.contains("shard 2/2: "), "{}", merged.err);
}
