//! Lines out of chunks.

use anyhow::{Result, bail};

/// A line longer than this is refused.
const LINE_MAX: usize = 16 << 20;

/// Calls `each` with every line, without its LF; empty ones are left out.
pub fn each(lines: &[u8], mut each: impl FnMut(&[u8])) {
    let mut rest = lines;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..end].trim_ascii();
        if !line.is_empty() {
            each(line);
        }
        rest = &rest[(end + 1).min(rest.len())..];
    }
}

/// Takes the whole lines from the front of `buffer`, leaving the beginning of the next one; `None` if there is no whole line.
pub fn whole(buffer: &mut Vec<u8>) -> Result<Option<Vec<u8>>> {
    let Some(end) = memchr::memrchr(b'\n', buffer) else {
        if buffer.len() > LINE_MAX {
            bail!("a line of more than {LINE_MAX} bytes");
        }
        return Ok(None);
    };
    let rest = buffer[end + 1..].to_vec();
    let mut lines = std::mem::replace(buffer, rest);
    lines.truncate(end + 1);
    Ok(Some(lines))
}
