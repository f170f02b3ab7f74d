//! What a tool's records are, read from their JSON Schema for the man page.

use serde_json::Value;

/// The records of a tool.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Records {
    /// What they are.
    pub(crate) about: String,
    /// Each kind: those that are lines, and what stands in their keys.
    pub(crate) kinds: Vec<Record>,
}

/// One kind of record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its name.
    pub(crate) title: String,
    /// What it is.
    pub(crate) about: String,
    /// Its keys, in their order.
    pub(crate) keys: Vec<Key>,
}

/// One key of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: String,
    /// What its value is: `integer or null`.
    pub(crate) form: String,
    /// What it means.
    pub(crate) about: String,
    /// The words that its value may be, each with what it means, if it is one of some.
    pub(crate) words: Vec<(String, String)>,
}

impl Records {
    /// Reads a schema in the form that schemars gives it.
    pub(crate) fn of(schema: &str) -> Self {
        let root: Value =
            serde_json::from_str(schema).unwrap_or_else(|error| unreachable!("the schema is JSON: {error}"));
        let mut places: Vec<&Value> = alternatives(&root).iter().collect();
        let mut kinds: Vec<Record> = Vec::new();
        while let Some(place) = places.get(kinds.len()) {
            let record = resolved(&root, place);
            let names = names(record);
            let values = names.iter().map(|&(name, _)| element(&root, &record["properties"][name]));
            let nested: Vec<&Value> = values.filter(|value| resolved(&root, value)["type"] == "object").collect();
            kinds.push(Record {
                title: title(place),
                about: text(record, "description"),
                keys: names.iter().map(|&(name, is_required)| key(&root, record, name, is_required)).collect(),
            });
            for one in nested {
                if !places.iter().any(|known| known["$ref"] == one["$ref"]) {
                    places.push(one);
                }
            }
        }
        Self { about: text(&root, "description"), kinds }
    }
}

/// Lists what a value may be, where it may be one of several things.
fn alternatives(value: &Value) -> &[Value] {
    ["anyOf", "oneOf"].iter().find_map(|key| value[key].as_array()).map_or(&[], Vec::as_slice)
}

/// Follows a reference to where something is described.
fn resolved<'s>(root: &'s Value, value: &'s Value) -> &'s Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(value)
}

/// Looks behind `null` as an alternative.
fn known(value: &Value) -> &Value {
    let is_null = |one: &&Value| one["type"] == "null";
    let (alternatives, null) = (alternatives(value), alternatives(value).iter().find(is_null));
    null.and_then(|_| alternatives.iter().find(|one| !is_null(one))).unwrap_or(value)
}

/// Returns what a key holds, or holds a list of; a reference stays one.
fn element<'s>(root: &'s Value, value: &'s Value) -> &'s Value {
    let value = known(value);
    match resolved(root, value).get("items") {
        Some(items) => known(items),
        None => value,
    }
}

/// Lists the keys in their order, and whether each is always there.
fn names(record: &Value) -> Vec<(&str, bool)> {
    let required: Vec<&str> = record["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let all = record["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let others: Vec<&str> = all.filter(|name| !required.contains(name)).collect();
    required.into_iter().map(|name| (name, true)).chain(others.into_iter().map(|name| (name, false))).collect()
}

fn key(root: &Value, record: &Value, name: &str, is_required: bool) -> Key {
    let value = &record["properties"][name];
    let place = element(root, value);
    let form = form(root, value);
    Key {
        name: name.to_owned(),
        form: if is_required { form } else { form + ", not always there" },
        about: text(value, "description"),
        words: words(resolved(root, place)),
    }
}

/// Says what a value is: `list of integers`, `object or null: Started by`.
fn form(root: &Value, value: &Value) -> String {
    let types = |value: &Value| match &resolved(root, value)["type"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(one) => vec![one.clone()],
        _ => vec!["string".to_owned()],
    };
    let mut all: Vec<String> = types(known(value));
    let place = element(root, value);
    if let Some(list) = all.iter_mut().find(|one| *one == "array") {
        *list = format!("list of {}s", types(place)[0]);
    }
    if !std::ptr::eq(known(value), value) {
        all.push("null".to_owned());
    }
    let form = all.join(" or ");
    if resolved(root, place)["type"] == "object" { format!("{form}: {}", title(place)) } else { form }
}

/// Lists the words that a value may be.
fn words(value: &Value) -> Vec<(String, String)> {
    let told = value["const"].as_str().map(|word| (word.to_owned(), text(value, "description")));
    let bare = value["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let bare = bare.map(|word| (word.to_owned(), String::new()));
    told.into_iter().chain(bare).chain(alternatives(value).iter().flat_map(words)).collect()
}

/// Names a record as a heading does: `Started by`.
fn title(place: &Value) -> String {
    let reference = place["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let mut title = String::new();
    for letter in reference.or(place["title"].as_str()).unwrap_or_default().chars() {
        if letter.is_uppercase() && !title.is_empty() {
            title.push(' ');
            title.extend(letter.to_lowercase());
        } else {
            title.push(letter);
        }
    }
    title
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn the_page_of_the_records_has_the_keys_of_all_five_tools() {
        let of =
            |tool: &str| std::fs::read_to_string(format!("{}/../{tool}/src/schema.json", env!("CARGO_MANIFEST_DIR")));
        let parts = ["port-who", "port-kill", "proc-tree", "health-wait", "ensure-up"].map(|tool| {
            let schema = of(tool).unwrap_or_else(|error| panic!("the schema of {tool}: {error}"));
            (tool, Records::of(&schema).kinds.iter().map(table).collect::<String>() + "\n")
        });
        page::keeps("json.md", &parts);
    }

    /// Writes a kind of record as a table for a page.
    fn table(record: &Record) -> String {
        let mut table =
            format!("\n### {}\n\n{}\n\n| key | value | meaning |\n|---|---|---|\n", record.title, record.about);
        for Key { name, form, about, words } in &record.keys {
            let words: Vec<String> = words.iter().map(|(word, means)| spelled(word, means)).collect();
            let words = match &words[..] {
                [] => String::new(),
                [only] => format!("Always {only}."),
                words => format!("One of {}.", words.join(", ")),
            };
            let _ = writeln!(table, "| `{name}` | {form} | {} |", format!("{about} {words}").trim());
        }
        table
    }

    /// `listen` (it listens)
    fn spelled(word: &str, means: &str) -> String {
        let means = means.trim_end_matches('.').replace('|', "\\|");
        if means.is_empty() { format!("`{word}`") } else { format!("`{word}` ({means})") }
    }

    #[test]
    fn the_keys_are_in_order_with_their_forms_and_what_stands_in_them_follows() {
        let schema = r##"{ "description": "Lines.", "anyOf": [{ "$ref": "#/$defs/TreeRecord" }], "$defs": {
            "Member": { "description": "One.", "type": "object", "properties": { "pid": { "type": "integer" } }, "required": ["pid"] },
            "Measure": { "oneOf": [{ "type": "string", "enum": ["uss"] }, { "const": "pss", "description": "Shared." }] },
            "TreeRecord": { "type": "object", "required": ["name", "all"], "properties": {
                "all": { "type": ["array", "null"], "items": { "$ref": "#/$defs/Member" } },
                "by": { "anyOf": [{ "$ref": "#/$defs/Measure" }, { "type": "null" }] },
                "name": { "description": "Its name.", "type": "string" } } } } }"##;
        let records = Records::of(schema);
        let told = |key: &Key| format!("{} ({}) {}", key.name, key.form, key.about);
        let [tree, member] = &records.kinds[..] else { panic!("{records:?}") };
        assert_eq!((tree.title.as_str(), member.about.as_str()), ("Tree record", "One."));
        let expected = [
            "name (string) Its name.",
            "all (list of objects or null: Member) ",
            "by (string or null, not always there) ",
        ];
        assert_eq!(tree.keys.iter().map(told).collect::<Vec<_>>(), expected);
        let words = [("uss", ""), ("pss", "Shared.")].map(|(word, about)| (word.to_owned(), about.to_owned()));
        assert_eq!(tree.keys[2].words, words);
    }
}

#[cfg(test)]
#[path = "../../../tests/support/page.rs"]
mod page;
