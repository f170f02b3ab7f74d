//! Comma-separated values, as RFC 4180 has them: the keys of the JSON record as columns.

use std::{
    fmt,
    io::{self, Write},
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::{Member, TreeRecord};

/// Writes a row per tree and, where they are wanted, a row per member below it: with a parent, without roots.
pub(super) fn write(records: &[TreeRecord], with_header: bool, out: &mut dyn Write) -> io::Result<()> {
    let columns = columns()?;
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
fn columns() -> io::Result<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    for (key, _) in Row::of(&TreeRecord::blank())?.0.into_iter().chain(Row::of(&Member::blank())?.0) {
        if key != "members" && !columns.contains(&key) {
            columns.push(key);
        }
    }
    Ok(columns)
}

fn cells(record: &impl Serialize, columns: &[String]) -> io::Result<Vec<String>> {
    let row = Row::of(record)?;
    let value = |column: &String| row.0.iter().find(|(key, _)| key == column).map_or(&Value::Null, |(_, value)| value);
    Ok(columns.iter().map(value).map(cell).collect())
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

/// The keys of a JSON object with their values, in its order, which serde_json's own map does not keep.
struct Row(Vec<(String, Value)>);

impl Row {
    fn of(record: &impl Serialize) -> io::Result<Self> {
        Ok(serde_json::from_str(&serde_json::to_string(record)?)?)
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Row, A::Error> {
                let mut row = Vec::new();
                while let Some(entry) = object.next_entry()? {
                    row.push(entry);
                }
                Ok(Row(row))
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_the_keys_in_the_order_of_the_record_and_a_members_own_follow() {
        let columns = columns().expect("a record is an object");
        assert_eq!(columns[..5], ["pid", "start_id", "name", "command", "state"]);
        assert_eq!(columns[columns.len() - 3..], ["peak_memory_bytes", "peak_cpu_percent", "ppid"]);
        assert_eq!(columns.len(), 29);
    }
}
