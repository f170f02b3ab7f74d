//! The JSON Schema that a tool prints is that of its records: a module of the file that has it.

use std::{fs, path::Path};

use schemars::{
    Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::Value;

use super::{Line, SCHEMA};

/// Where the file differs it is written anew: what is meant is kept by looking at the difference and running the test again.
#[test]
fn the_schema_is_that_of_the_records() {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(plain));
    let mut schema = settings.into_generator().into_root_schema_for::<Line>();
    RecursiveTransform(closed).transform(&mut schema);
    let made = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
    if made != SCHEMA {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema.json");
        fs::write(&file, &made).expect("the sources can be written");
        panic!("the records have changed: {} was written anew, look at what is different in it", file.display());
    }
}

/// Takes away what only Rust knows: how many bits a number has, and where a comment's lines end.
fn plain(schema: &mut Schema) {
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| format != "date-time") {
        schema.remove("format");
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
}

/// Makes a key that nobody described a fault.
fn closed(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}
