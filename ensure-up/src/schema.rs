//! The JSON Schema of the records. A test makes it from their types, so that whoever builds the tool need not.

/// The JSON Schema (draft 2020-12) of each line of JSON.
pub const SCHEMA: &str = include_str!("schema.json");

/// What `ensure-up --json` writes: one object per line.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "ensure-up", untagged)]
#[expect(dead_code, reason = "a description")]
enum Line {
    Start(crate::report::start_record::StartRecord),
    Status(crate::report::listing::StatusRecord),
}

#[cfg(test)]
#[path = "../../tests/support/generated.rs"]
mod generated;
