//! `parquet`: the table of `csv` with typed columns, for DuckDB, Polars, pandas and the like. A feature of the build, since what
//! it needs is large: `cargo build --release --features parquet`.

use std::io::{self, Read, Write};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::csv::{COLUMNS, moments};
use super::moments::walk;

/// So many rows are kept until they are written.
const GROUP: usize = 1 << 16;
/// The columns that hold numbers.
const NUMBERS: [&str; 4] = ["line", "time_ns", "end_ns", "fault"];

/// Writes a run as one table.
///
/// # Errors
/// The run can't be read, or the output not be written.
pub fn parquet(history: impl Read, trace: Option<impl Read>, out: impl Write + Send) -> io::Result<()> {
    let column = |name: &&str| match NUMBERS.contains(name) {
        true => format!("optional int64 {name};"),
        false => format!("optional binary {name} (UTF8);"),
    };
    let schema = format!("message run {{ {} }}", COLUMNS.iter().map(column).collect::<String>());
    let schema = Arc::new(parse_message_type(&schema).map_err(failed)?);
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(WriterProperties::default())).map_err(failed)?;
    let mut rows: Vec<[String; 13]> = Vec::new();
    walk(history, trace, |moment| {
        rows.extend(moments(moment));
        if rows.len() == GROUP { group(&mut writer, &mut rows).map_err(failed) } else { Ok(()) }
    })?;
    group(&mut writer, &mut rows).map_err(failed)?;
    writer.close().map(drop).map_err(failed)
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

/// Writes the rows that are there; an empty cell is null.
fn group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    rows: &mut Vec<[String; 13]>,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for (at, name) in COLUMNS.iter().enumerate() {
        let Some(mut column) = group.next_column()? else { break };
        let present: Vec<i16> = rows.iter().map(|row| i16::from(!row[at].is_empty())).collect();
        let cells = rows.iter().map(|row| row[at].as_str()).filter(|cell| !cell.is_empty());
        if NUMBERS.contains(name) {
            let values: Vec<i64> = cells.map(|cell| cell.parse().unwrap_or(i64::MAX)).collect();
            column.typed::<Int64Type>().write_batch(&values, Some(&present), None)?;
        } else {
            let values: Vec<ByteArray> = cells.map(ByteArray::from).collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&present), None)?;
        }
        column.close()?;
    }
    group.close()?;
    rows.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    #[test]
    fn a_parquet_reader_finds_the_rows() {
        let history = "{\"index\":0,\"time\":1,\"process\":\"n1\",\"type\":\"info\",\"f\":\"broadcast\",\"value\":7}\n";
        let trace = "{\"format\":1}\n{\"in\":2,\"out\":null,\"from\":\"n1\",\"to\":\"n2\",\"key\":\"relay/7\",\"bytes\":1,\"what\":\"dropped\",\"fault\":3}\n";
        let mut out = Vec::new();
        parquet(history.as_bytes(), Some(trace.as_bytes()), &mut out).unwrap();
        let reader = SerializedFileReader::new(Bytes::from(out)).unwrap();
        let rows: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert_eq!(rows.len(), 2);
        assert!(
            rows[0].contains("f: \"broadcast\"") && rows[0].contains("time_ns: 1") && rows[0].contains("end_ns: null"),
            "{}",
            rows[0]
        );
        assert!(rows[1].contains("fate: \"dropped\"") && rows[1].contains("fault: 3"), "{}", rows[1]);
    }
}
