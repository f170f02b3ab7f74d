//! The JSON Schema of the records. A test makes it from their types, so that whoever builds the tool need not.

#[cfg(test)]
type Line = crate::report::Record<'static>;

/// The JSON Schema (draft 2020-12) of each line of JSON.
pub const SCHEMA: &str = include_str!("schema.json");

#[cfg(test)]
#[path = "../../tests/support/generated.rs"]
mod generated;
