//! docs/json.md: its examples are records as their schemas have them, and there is one of each kind.

use serde_json::Value;

use super::{blocks, read};
use crate::support::{schema, shell::TOOLS};

#[test]
fn the_examples_are_records_and_there_is_one_of_each_kind() {
    let page = read("docs/json.md");
    let mut shown: Vec<(&str, Value)> = Vec::new();
    for block in blocks(&page, "console") {
        for step in block.split("$ ").skip(1).filter(|step| step.contains("\n{")) {
            let (command, lines) = step.split_once('\n').expect("a command stands in a line");
            let tool = TOOLS.iter().find(|tool| command.starts_with(**tool)).unwrap_or_else(|| panic!("{command}"));
            assert!(command.contains(" --json"), "{command}");
            shown.extend(schema::checked(tool, lines).into_iter().map(|record| (*tool, record)));
        }
    }
    for tool in TOOLS {
        let whole = schema::schema(tool).expect("each has one");
        let kinds = ["anyOf", "oneOf"].iter().find_map(|key| whole[key].as_array()).expect("kinds of records");
        for kind in kinds {
            let mut one = whole.clone();
            one.as_object_mut().expect("a schema").retain(|key, _| key == "$defs");
            one["anyOf"] = Value::Array(vec![kind.clone()]);
            let is_of_it = |(by, record): &(&str, Value)| *by == tool && schema::fault(&one, record).is_none();
            assert!(shown.iter().any(is_of_it), "{tool} has no example of {kind}");
        }
    }
    // and what stands in them
    for nested in ["ancestors", "started_by", "held_by", "members"] {
        let is_told = |(_, record): &(&str, Value)| match &record[nested] {
            Value::Array(all) => !all.is_empty(),
            one => one.is_object(),
        };
        assert!(shown.iter().any(is_told), "no example has {nested}");
    }
}
