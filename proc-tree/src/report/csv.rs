//! Comma-separated values, as RFC 4180 has them: the keys of the JSON record as columns.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::Record;

/// The columns in their order: every key of a record but `members`.
pub(super) const COLUMNS: [&str; 26] = [
    "pid",
    "start_id",
    "name",
    "command",
    "roots",
    "processes",
    "threads",
    "cpu_percent",
    "cpu_seconds",
    "memory_bytes",
    "memory_measure",
    "memory_percent",
    "rss_bytes",
    "pss_bytes",
    "uss_bytes",
    "swap_bytes",
    "footprint_bytes",
    "gpu_memory_bytes",
    "read_bytes",
    "written_bytes",
    "open_files",
    "interval_ms",
    "sampled_at",
    "peak_memory_bytes",
    "peak_cpu_percent",
    "ppid",
];

/// Writes a row per tree and, where they are wanted, a row per member below it: with a parent, without roots.
pub(super) fn write(records: &[Record], with_header: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    if with_header {
        rows.write_record(COLUMNS)?;
    }
    for record in records {
        rows.write_record(row(record)?)?;
        for member in record.members.iter().flatten() {
            rows.write_record(row(member)?)?;
        }
    }
    rows.flush()
}

fn row(record: &impl Serialize) -> io::Result<Vec<String>> {
    let Value::Object(object) = serde_json::to_value(record)? else { return Ok(Vec::new()) };
    Ok(COLUMNS.iter().map(|column| cell(&object, column)).collect())
}

/// What is unknown is an empty cell; a list is joined by spaces.
fn cell(object: &Map<String, Value>, column: &str) -> String {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match object.get(column) {
        Some(Value::Array(list)) => list.iter().map(plain).collect::<Vec<_>>().join(" "),
        Some(value) => plain(value),
        None => String::new(),
    }
}
