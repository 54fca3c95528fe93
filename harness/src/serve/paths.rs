//! Paths and queries as they come from a browser, and what they may mean.

use std::path::{Component, Path, PathBuf};

/// The pairs of a query.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads `a=b&c=d`; what is no UTF-8 is left out.
    pub fn parse(text: &str) -> Self {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=')?;
            Some((decoded(&key.replace('+', " "))?, decoded(&value.replace('+', " "))?))
        };
        Self { pairs: text.split('&').filter_map(pair).collect() }
    }

    /// The value of a key, if it is there and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// A text with its `%41` resolved; `None` where that is no UTF-8 or holds a NUL.
pub fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
            plain.push(u8::from_str_radix(digits, 16).ok()?);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(plain).ok().filter(|text| !text.contains('\0'))
}

/// A text for a query or a path of a link.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What a path below the root means, if it is there and below it, links resolved; the root must have no links in it.
pub fn below(root: &Path, path: &str) -> Option<PathBuf> {
    let relative = Path::new(path);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let found = root.join(relative).canonicalize().ok()?;
    found.starts_with(root).then_some(found)
}

/// Whether a file is one that a run or a campaign writes. What nodes write to their data directories is not shown: a page among
/// it would speak in this server's name.
pub fn is_shown(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let of_nodes = path.iter().rev().skip(1).position(|part| part == "nodes");
    match of_nodes {
        Some(0) => name.ends_with(".stderr"),
        Some(_) => false,
        None if name.ends_with(".html") => matches!(name, "report.html" | "index.html"),
        None => {
            let endings = [".json", ".jsonl", ".jsonl.zst", ".md", ".txt", ".xml", ".toml"];
            !name.starts_with('.') && endings.iter().any(|ending| name.ends_with(ending))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_path_leads_out() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.txt"), "secret").unwrap();
        let inside = tempfile::tempdir().unwrap();
        let root = inside.path().canonicalize().unwrap();
        std::fs::write(root.join("a.txt"), "a").unwrap();
        symlink(outside.path(), root.join("link")).unwrap();
        symlink(root.join("a.txt"), root.join("own")).unwrap();
        assert_eq!(below(&root, "a.txt"), Some(root.join("a.txt")));
        assert_eq!(below(&root, "own"), Some(root.join("a.txt")));
        for path in ["../secret.txt", "link/secret.txt", "/etc/passwd", "./../x", "absent", "a.txt/.."] {
            assert_eq!(below(&root, path), None, "{path}");
        }
    }

    #[test]
    fn what_nodes_write_is_not_shown() {
        for path in ["r/history.jsonl", "r/nodes/n1.stderr", "c/index.html", "r/report.html", "c/FAILURES.md"] {
            assert!(is_shown(Path::new(path)), "{path}");
        }
        for path in [
            "r/nodes/n1/report.html",
            "r/nodes/n1/stable.log",
            "r/nodes/x.html",
            "r/evil.html",
            "r/.hidden.json",
            "r/core",
        ] {
            assert!(!is_shown(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn escapes_are_resolved_once() {
        assert_eq!(decoded("a%20b%2f").as_deref(), Some("a b/"));
        assert_eq!(decoded("%252e").as_deref(), Some("%2e"));
        for bad in ["%", "%4", "%zz", "%ff", "%00"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
        assert_eq!(decoded(&encoded("a b&c=d/\u{e9}")).as_deref(), Some("a b&c=d/\u{e9}"));
        assert_eq!(Query::parse("a=1&b=x+y&c=").get("b"), Some("x y"));
        assert_eq!(Query::parse("a=1&c=").get("c"), None);
    }
}
