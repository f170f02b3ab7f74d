//! Comma-separated values, as RFC 4180 has them: the keys of the JSON record as columns.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::{SCHEMA, TreeRecord, cli::records::Records};

/// Writes a row per tree and, where they are wanted, a row per member below it: with a parent, without roots.
pub(super) fn write(records: &[TreeRecord], with_header: bool, out: &mut dyn Write) -> io::Result<()> {
    let columns = columns();
    let mut rows = csv::Writer::from_writer(out);
    if with_header {
        rows.write_record(&columns)?;
    }
    for record in records {
        rows.write_record(cells(record, &columns)?)?;
        for member in record.members.iter().flatten() {
            rows.write_record(cells(member, &columns)?)?;
        }
    }
    rows.flush()
}

/// The keys in their order: of a record, then those that only a member has. The members have rows of their own.
fn columns() -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for key in Records::of(SCHEMA).kinds.into_iter().flat_map(|kind| kind.keys) {
        if key.name != "members" && !columns.contains(&key.name) {
            columns.push(key.name);
        }
    }
    columns
}

fn cells(record: &impl Serialize, columns: &[String]) -> io::Result<Vec<String>> {
    let row = serde_json::to_value(record)?;
    Ok(columns.iter().map(|column| cell(&row[column])).collect())
}

/// What is unknown is an empty cell; a list is joined by spaces.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(list) => list.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_the_keys_in_the_order_of_the_record_and_a_members_own_follow() {
        let columns = columns();
        assert_eq!(columns[..5], ["pid", "start_id", "name", "command", "state"]);
        assert_eq!(columns[columns.len() - 3..], ["peak_memory_bytes", "peak_cpu_percent", "ppid"]);
        assert_eq!(columns.len(), 29);
    }
}
