//! `temblor new`: writes a node to begin with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::answer;
use crate::cli::{Language, NewArgs, NewWhat};
use crate::exit::{Exit, usage};

/// A node to begin with, in one language: eager reliable broadcast over stdin and stdout.
struct Template {
    /// Files, and whether each is a program.
    files: &'static [(&'static str, &'static str, bool)],
    /// What has to be done before it runs; empty if nothing.
    build: &'static str,
    /// The program, from within the folder.
    program: &'static str,
}

fn template(language: Language) -> Template {
    match language {
        Language::Python => Template {
            files: &[("node.py", include_str!("../templates/python/node.py"), true)],
            build: "",
            program: "./node.py",
        },
        Language::Javascript => Template {
            files: &[("node.mjs", include_str!("../templates/javascript/node.mjs"), true)],
            build: "",
            program: "./node.mjs",
        },
        Language::Go => Template {
            files: &[
                ("go.mod", include_str!("../templates/go/go.mod"), false),
                ("main.go", include_str!("../templates/go/main.go"), false),
            ],
            build: "go build -o node .",
            program: "./node",
        },
        Language::Rust => Template {
            files: &[
                ("Cargo.toml", include_str!("../templates/rust/Cargo.toml.txt"), false),
                ("src/main.rs", include_str!("../templates/rust/src/main.rs"), false),
            ],
            build: "cargo build",
            program: "target/debug/node",
        },
    }
}

/// Writes a node, and says how to run it and where to go on.
pub fn new(args: &NewArgs) -> Result<Exit> {
    let NewWhat::Node(args) = &args.what;
    let template = template(args.lang);
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from("my-node"));
    let taken = template.files.iter().map(|(name, ..)| folder.join(name)).find(|path| path.exists());
    if let Some(path) = taken {
        let why = format!("{} is there already, and nothing is overwritten; name another folder", path.display());
        return Err(usage(why));
    }
    for (name, text, is_program) in template.files {
        let path = folder.join(name);
        write(&path, text, *is_program).with_context(|| format!("failed to write {}", path.display()))?;
    }
    answer(&next(&folder, &template))?;
    Ok(Exit::Clean)
}

fn write(path: &Path, text: &str, is_program: bool) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
    fs::write(path, text)?;
    if is_program {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// What to do with it.
fn next(folder: &Path, template: &Template) -> String {
    let build = if template.build.is_empty() { String::new() } else { format!("  {}\n", template.build) };
    let program = template.program;
    format!(
        "A node that broadcasts reliably while nobody's crash is in the way of it.\n\
         \n\
         Run it:\n  cd {}\n{build}  temblor run eager --bin {program}\n\
         \n\
         Break it, and see that it is noticed: leave out what sends again, then\n\
         \x20 temblor run broadcast --bin {program} --nemesis loss,partition\n\
         \x20 temblor explain results/latest\n\
         \n\
         Go on: number the messages of each sender, hold back what comes too early,\n\
         and be judged by more,\n\
         \x20 temblor run fifo --bin {program}\n\
         \n\
         In temblor's repository node/PROTOCOL.md is the contract, and\n\
         node/WRITE-YOUR-OWN.md the way through it.\n",
        folder.display()
    )
}
