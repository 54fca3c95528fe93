//! The files in a node's data directory, as the controller sees and changes them while the node is down.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use temblor_node::journal::Files;

/// The files of a directory, by name; none where there is no directory. What lies in folders below it is left out.
///
/// # Errors
/// It can't be read.
pub fn read(directory: &Path) -> io::Result<Files> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Files::new()),
        entries => entries?,
    };
    let mut files = Files::new();
    for entry in entries {
        let entry = entry?;
        if let (Ok(name), true) = (entry.file_name().into_string(), entry.file_type()?.is_file()) {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(files)
}

/// Gives a file of a directory other bytes, or removes it.
///
/// # Errors
/// It can't be changed.
pub fn change(directory: &Path, file: &str, bytes: Option<&[u8]>) -> io::Result<()> {
    match bytes {
        Some(bytes) => fs::write(directory.join(file), bytes),
        None => fs::remove_file(directory.join(file)),
    }
}
