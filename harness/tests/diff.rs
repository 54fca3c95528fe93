//! `temblor diff` on runs of which is known whether they differ; and what shells and manuals are given.

mod command;

use command::Temblor;

#[test]
fn runs_of_one_plan_in_virtual_time_are_the_same_and_those_of_two_plans_are_not() {
    let temblor = Temblor::new();
    for (folder, seed) in [("a", 7), ("b", 7), ("c", 8)] {
        temblor.run(&format!("run fifo --executor sim --time-limit 1s --seed {seed} --out {folder}")).expect(0);
    }
    let same = temblor.run("diff a/latest b/latest").expect(0);
    assert_eq!(same.out, "the two histories are the same, byte for byte\n");
    let other = temblor.run("diff a/latest c/latest").expect(3);
    for part in ["they ran different plans\n", "they part at line ", "\n  first   ", "n5: parts at its op "] {
        assert!(other.out.contains(part), "{part} is missing in\n{}", other.out);
    }
}

#[test]
fn what_is_no_run_is_named() {
    let temblor = Temblor::new();
    let said = temblor.run("diff nowhere nowhere").expect(2);
    assert!(said.err.contains("failed to read nowhere"), "{}", said.err);
}

#[test]
fn every_shell_has_its_script_and_every_subcommand_its_page() {
    let temblor = Temblor::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(temblor.run(&format!("completions {shell}")).expect(0).out.contains("temblor"), "{shell}");
    }
    temblor.run("man pages").expect(0);
    for page in ["temblor.1", "temblor-run.1", "temblor-hunt.1"] {
        assert!(temblor.folder().join("pages").join(page).exists(), "{page}");
    }
}
