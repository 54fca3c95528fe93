//! `jepsen-edn`: a history as Jepsen keeps it, one map a line, and back.
//!
//! ```text
//! {:index 17, :time 48200000, :process "n1", :type :info, :f :deliver, :value 3}
//! ```
//!
//! Of EDN (github.com/edn-format/edn) that is read which Jepsen writes: maps, vectors, lists and sets, keywords, symbols,
//! strings, characters, numbers, `nil`, `true`, `false`, tags (which are passed over) and comments. What is read becomes JSON:
//! keywords become strings, so that a history that was exported is the same again when it comes back.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde_json::{Map, Number, Value};

/// A history has no form that is nested deeper.
const DEPTH_MAX: usize = 64;
/// A form of more bytes is an error.
const FORM_MAX: usize = 1 << 20;

/// Writes a history as EDN.
///
/// # Errors
/// A line of the history is no JSON, or the output can't be written.
pub fn edn(history: impl Read, out: &mut impl Write) -> io::Result<()> {
    for (number, line) in BufReader::with_capacity(1 << 18, history).split(b'\n').enumerate() {
        let line = line?;
        if line.is_empty() {
            continue;
        }
        let op: Value =
            serde_json::from_slice(&line).map_err(|error| bad(format!("line {} is no JSON: {error}", number + 1)))?;
        write_op(out, &op)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The keys whose values are words of Jepsen's own.
const KEYWORDS: [&str; 2] = ["type", "f"];

fn write_op(out: &mut impl Write, op: &Value) -> io::Result<()> {
    let Some(fields) = op.as_object() else { return write(out, op) };
    out.write_all(b"{")?;
    for (at, (key, value)) in fields.iter().enumerate() {
        separate(out, at)?;
        write_key(out, key)?;
        out.write_all(b" ")?;
        let nemesis = key == "process" && value == "nemesis";
        match value.as_str() {
            Some(word) if (nemesis || KEYWORDS.contains(&key.as_str())) && is_word(word) => write!(out, ":{word}")?,
            _ => write(out, value)?,
        }
    }
    out.write_all(b"}")
}

fn write(out: &mut impl Write, value: &Value) -> io::Result<()> {
    match value {
        Value::Null => out.write_all(b"nil"),
        Value::Bool(_) | Value::Number(_) => write!(out, "{value}"),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.write_all(b"[")?;
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.write_all(b" ")?;
                }
                write(out, item)?;
            }
            out.write_all(b"]")
        }
        Value::Object(fields) => {
            out.write_all(b"{")?;
            for (at, (key, value)) in fields.iter().enumerate() {
                separate(out, at)?;
                write_key(out, key)?;
                out.write_all(b" ")?;
                write(out, value)?;
            }
            out.write_all(b"}")
        }
    }
}

fn separate(out: &mut impl Write, at: usize) -> io::Result<()> {
    if at > 0 { out.write_all(b", ") } else { Ok(()) }
}

fn write_key(out: &mut impl Write, key: &str) -> io::Result<()> {
    if is_word(key) { write!(out, ":{key}") } else { write_text(out, key) }
}

/// Whether a keyword can be made of it.
fn is_word(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    begins && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_*+!?.".contains(c))
}

fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(b"\"")?;
    for c in text.chars() {
        match c {
            '"' => out.write_all(b"\\\"")?,
            '\\' => out.write_all(b"\\\\")?,
            '\n' => out.write_all(b"\\n")?,
            '\r' => out.write_all(b"\\r")?,
            '\t' => out.write_all(b"\\t")?,
            c if c.is_control() => write!(out, "\\u{:04x}", u32::from(c))?,
            c => write!(out, "{c}")?,
        }
    }
    out.write_all(b"\"")
}

/// A history in EDN, read as JSON lines.
#[derive(Debug)]
pub struct AsJson<R> {
    input: BufReader<R>,
    ready: Vec<u8>,
    taken: usize,
    form: u64,
}

impl<R: Read> AsJson<R> {
    /// What will be read.
    pub fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(1 << 18, input), ready: Vec::new(), taken: 0, form: 0 }
    }

    /// Makes the next form ready; nothing is ready at the end.
    fn advance(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.taken = 0;
        self.form += 1;
        let mut form = Form { input: &mut self.input, bytes: 0 };
        let read = form
            .next_form(0)
            .map_err(|error| bad(format!("form {} is no EDN that a history has: {error}", self.form)))?;
        if let Some(value) = read {
            serde_json::to_writer(&mut self.ready, &value)?;
            self.ready.push(b'\n');
        }
        Ok(())
    }
}

impl<R: Read> Read for AsJson<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ready.len() {
            self.advance()?;
        }
        let left = &self.ready[self.taken..];
        let some = left.len().min(buffer.len());
        buffer[..some].copy_from_slice(&left[..some]);
        self.taken += some;
        Ok(some)
    }
}

fn bad(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// One form of the outermost level while it is read.
struct Form<'r, R> {
    input: &'r mut BufReader<R>,
    bytes: usize,
}

impl<R: Read> Form<'_, R> {
    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn take(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        self.input.consume(usize::from(byte.is_some()));
        self.bytes += 1;
        if self.bytes > FORM_MAX { Err(bad(format!("it has more than {FORM_MAX} bytes"))) } else { Ok(byte) }
    }

    /// What comes next and is no blank: a comma is one.
    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b';') => while !matches!(self.take()?, Some(b'\n') | None) {},
                Some(byte) if byte == b',' || byte.is_ascii_whitespace() => {
                    self.input.consume(1);
                }
                other => return Ok(other),
            }
        }
    }

    fn next_form(&mut self, depth: usize) -> io::Result<Option<Value>> {
        if depth > DEPTH_MAX {
            return Err(bad("it is nested too deep".to_owned()));
        }
        let Some(byte) = self.next_byte()? else { return Ok(None) };
        let value = match byte {
            b'{' => Value::Object(self.map(depth)?),
            b'[' => Value::Array(self.items(b']', depth)?),
            b'(' => Value::Array(self.items(b')', depth)?),
            b'"' => Value::String(self.text()?),
            b'#' => return self.dispatched(depth),
            b'}' | b']' | b')' => return Err(bad(format!("a {} that opens nothing", char::from(byte)))),
            _ => atom(&self.word()?)?,
        };
        Ok(Some(value))
    }

    fn inner(&mut self, depth: usize) -> io::Result<Value> {
        self.next_form(depth)?.ok_or_else(|| bad("it has no end".to_owned()))
    }

    fn items(&mut self, end: u8, depth: usize) -> io::Result<Vec<Value>> {
        self.take()?;
        let mut items = Vec::new();
        loop {
            if self.next_byte()? == Some(end) {
                self.take()?;
                return Ok(items);
            }
            items.push(self.inner(depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> io::Result<Map<String, Value>> {
        let items = self.items(b'}', depth)?;
        if items.len() % 2 == 1 {
            return Err(bad("a map with a key that has no value".to_owned()));
        }
        let mut map = Map::new();
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            map.insert(key, value);
        }
        Ok(map)
    }

    /// A set, a form that is to be left out, or a tag: of that what it tags.
    fn dispatched(&mut self, depth: usize) -> io::Result<Option<Value>> {
        self.take()?;
        match self.peek()? {
            Some(b'{') => Ok(Some(Value::Array(self.items(b'}', depth)?))),
            Some(b'_') => {
                self.take()?;
                self.inner(depth + 1)?;
                self.next_form(depth)
            }
            _ => {
                self.word()?;
                self.inner(depth + 1).map(Some)
            }
        }
    }

    fn text(&mut self) -> io::Result<String> {
        self.take()?;
        let mut bytes = Vec::new();
        loop {
            match self.take()?.ok_or_else(|| bad("a string has no end".to_owned()))? {
                b'"' => break,
                b'\\' => self.escape(&mut bytes)?,
                byte => bytes.push(byte),
            }
        }
        String::from_utf8(bytes).map_err(|_| bad("a string is no UTF-8".to_owned()))
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let c = match self.take()? {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'u') => {
                let mut code = 0;
                for _ in 0..4 {
                    let digit = self.take()?.and_then(|byte| char::from(byte).to_digit(16));
                    code = code * 16 + digit.ok_or_else(|| bad("\\u needs four digits".to_owned()))?;
                }
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            Some(byte @ (b'"' | b'\\')) => char::from(byte),
            _ => return Err(bad("a string has an escape that EDN does not know".to_owned())),
        };
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// What goes up to a blank or a bracket.
    fn word(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek()? {
            let ends = byte == b',' || byte.is_ascii_whitespace() || b"{}[]()\";".contains(&byte);
            // A character: what follows the backslash belongs to it, whatever it is.
            if ends && bytes != b"\\" {
                break;
            }
            bytes.push(byte);
            self.take()?;
        }
        String::from_utf8(bytes).map_err(|_| bad("a word is no UTF-8".to_owned()))
    }
}

fn atom(word: &str) -> io::Result<Value> {
    Ok(match word {
        "nil" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if word.starts_with(':') => Value::String(word[1..].to_owned()),
        _ if word.starts_with('\\') => Value::String(word[1..].to_owned()),
        _ if word.starts_with(|c: char| c.is_ascii_digit()) || word.starts_with(['-', '+']) && word.len() > 1 => {
            number(word)?
        }
        _ => Value::String(word.to_owned()),
    })
}

/// An integer, or a number with a fraction; a suffix says only how exact it is meant to be.
fn number(word: &str) -> io::Result<Value> {
    let digits = word.trim_start_matches('+').trim_end_matches(['N', 'M']);
    let signed = digits.parse::<i64>().ok().map(Number::from);
    let whole = signed.or_else(|| digits.parse::<u64>().ok().map(Number::from));
    let number = whole.or_else(|| Number::from_f64(digits.parse().ok()?));
    number.map(Value::Number).ok_or_else(|| bad(format!("{word} is no number")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn back(edn: &str) -> Result<String, String> {
        let mut text = String::new();
        AsJson::new(edn.as_bytes()).read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn an_op_is_a_map_of_keywords() {
        let line = r#"{"index":4,"time":9,"process":"nemesis","type":"invoke","f":"kill","value":{"id":1,"to":["n1",null,-2.5],"two words":true}}"#;
        let mut out = Vec::new();
        edn(line.as_bytes(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let expected = "{:index 4, :time 9, :process :nemesis, :type :invoke, :f :kill, :value {:id 1, :to [\"n1\" nil -2.5], \"two words\" true}}\n";
        assert_eq!(text, expected);
        assert_eq!(back(&text).unwrap(), format!("{line}\n"));
    }

    #[test]
    fn what_jepsen_writes_is_read() {
        let edn = "; a comment\n#jepsen.history.Op{:index 0, :time 12N, :f :txn, :value #{1 2}} {:a \\a :b (1 #_ 2 x)}";
        let json = "{\"index\":0,\"time\":12,\"f\":\"txn\",\"value\":[1,2]}\n{\"a\":\"a\",\"b\":[1,\"x\"]}\n";
        assert_eq!(back(edn).unwrap(), json);
    }

    #[test]
    fn what_is_no_edn_is_an_error_with_its_place() {
        for (edn, what) in [("{:a 1} {:a", "no end"), ("{:a}", "no value"), ("]", "opens nothing"), ("\"abc", "no end")]
        {
            let error = back(edn).unwrap_err();
            assert!(error.contains(what) && error.contains("form "), "{error}");
        }
        assert!(back(&"[".repeat(1_000)).unwrap_err().contains("nested too deep"));
        assert!(back(&format!("\"{}", "x".repeat(FORM_MAX))).unwrap_err().contains("bytes"));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(value in json()) {
            let line = serde_json::to_string(&serde_json::json!({ "index": 0, "type": "info", "f": "x y", "value": value })).unwrap();
            let mut out = Vec::new();
            edn(line.as_bytes(), &mut out).unwrap();
            prop_assert_eq!(back(std::str::from_utf8(&out).unwrap()).unwrap(), format!("{line}\n"));
        }
    }
}
