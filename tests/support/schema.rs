//! Records held against the JSON Schema of the tool that wrote them: the part of JSON Schema that these schemas use, and no more.
//! A keyword that is not known here is a fault of the schema; another program's opinion of both is asked in `pipes/pages.rs`.

use serde_json::{Map, Value};

/// The schemas that the tools print.
const SCHEMAS: [(&str, &str); 5] = [
    ("ensure-up", include_str!("../../ensure-up/src/schema.json")),
    ("health-wait", include_str!("../../health-wait/src/schema.json")),
    ("port-kill", include_str!("../../port-kill/src/schema.json")),
    ("port-who", include_str!("../../port-who/src/schema.json")),
    ("proc-tree", include_str!("../../proc-tree/src/schema.json")),
];

/// Parses the records that a tool wrote as JSON Lines, and checks each of them.
pub fn checked(tool: &str, lines: &str) -> Vec<Value> {
    let schema = schema(tool).unwrap_or_else(|| panic!("{tool} has no schema"));
    lines.lines().map(|line| checked_line(tool, &schema, line)).collect()
}

/// Checks what a run of a program wrote, if it is one of the tools and was asked for JSON: what another command wrote between
/// its records begins otherwise.
pub(super) fn check_run(program: &str, lines: &str) {
    let Some(schema) = schema(program) else { return };
    for line in lines.lines().filter(|line| line.starts_with('{')) {
        checked_line(program, &schema, line);
    }
}

/// Returns the schema of a tool.
pub fn schema(tool: &str) -> Option<Value> {
    let (_, schema) = SCHEMAS.iter().find(|(name, _)| *name == tool)?;
    Some(serde_json::from_str(schema).expect("a schema is JSON"))
}

fn checked_line(tool: &str, schema: &Value, line: &str) -> Value {
    let record = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    fault(schema, &record).map_or(record, |fault| panic!("{tool} wrote what its schema has not: {fault}: {line}"))
}

/// Says in what a value is not as a schema has it.
pub fn fault(schema: &Value, value: &Value) -> Option<String> {
    Check { root: schema }.value(schema, value).err()
}

/// Rules for values of one type: they say nothing of others.
const OF_ONE_TYPE: [&str; 9] =
    ["minimum", "maximum", "minLength", "maxLength", "format", "items", "properties", "required", "dependentRequired"];

/// What is said to people.
const ANNOTATIONS: [&str; 4] = ["$schema", "$defs", "title", "description"];

type Checked = Result<(), String>;

struct Check<'s> {
    root: &'s Value,
}

impl Check<'_> {
    fn value(&self, schema: &Value, value: &Value) -> Checked {
        let Value::Object(keywords) = schema else { return Err(format!("no schema: {schema}")) };
        keywords.iter().try_for_each(|(keyword, rule)| self.keyword(keywords, keyword, rule, value))
    }

    fn keyword(&self, schema: &Map<String, Value>, keyword: &str, rule: &Value, value: &Value) -> Checked {
        let is = |holds: bool| if holds { Ok(()) } else { Err(format!("{value} is not of {keyword} {rule}")) };
        match (keyword, value) {
            ("$ref", _) => self.value(self.resolved(rule)?, value),
            ("type", _) => is(rule.as_array().map_or(is_a(rule, value), |all| all.iter().any(|one| is_a(one, value)))),
            ("const", _) => is(rule == value),
            ("enum", _) => is(rule.as_array().is_some_and(|all| all.contains(value))),
            ("anyOf" | "oneOf", _) => self.alternatives(keyword, rule, value),
            ("minimum", Value::Number(number)) => is(number.as_f64() >= rule.as_f64()),
            ("maximum", Value::Number(number)) => is(number.as_f64() <= rule.as_f64()),
            ("minLength", Value::String(text)) => is(Some(text.chars().count() as u64) >= rule.as_u64()),
            ("maxLength", Value::String(text)) => is(Some(text.chars().count() as u64) <= rule.as_u64()),
            ("format", Value::String(text)) => is(rule == "date-time" && is_moment(text)),
            ("items", Value::Array(all)) => all.iter().try_for_each(|one| self.value(rule, one)),
            ("properties", Value::Object(object)) => self.properties(schema, object),
            ("required", Value::Object(object)) => has_all(object, rule),
            ("dependentRequired", Value::Object(object)) => {
                let there = rule.as_object().into_iter().flatten().filter(|(key, _)| object.contains_key(*key));
                there.map(|(_, needed)| needed).try_for_each(|needed| has_all(object, needed))
            }
            // `properties` looks at it
            ("additionalProperties", _) if *rule == false => Ok(()),
            // a rule for another type, or none
            (other, _) if OF_ONE_TYPE.contains(&other) || ANNOTATIONS.contains(&other) => Ok(()),
            _ => Err(format!("the schema has a keyword that is not known here: {keyword} {rule}")),
        }
    }

    fn resolved(&self, reference: &Value) -> Result<&Value, String> {
        let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
        pointer.and_then(|pointer| self.root.pointer(pointer)).ok_or_else(|| format!("{reference} leads nowhere"))
    }

    fn alternatives(&self, keyword: &str, rule: &Value, value: &Value) -> Checked {
        let all = rule.as_array().into_iter().flatten();
        let (right, wrong): (Vec<_>, Vec<_>) = all.map(|one| self.value(one, value)).partition(Result::is_ok);
        match (keyword, right.len()) {
            (_, 1) | ("anyOf", 2..) => Ok(()),
            (_, 0) => Err(wrong.into_iter().filter_map(Result::err).collect::<Vec<_>>().join(", or ")),
            _ => Err(format!("{value} is more than one of {keyword}")),
        }
    }

    /// Checks the keys that are there; where there are `properties`, none but those may be.
    fn properties(&self, schema: &Map<String, Value>, object: &Map<String, Value>) -> Checked {
        let known = &schema["properties"];
        object.iter().try_for_each(|(key, value)| match known.get(key) {
            Some(rule) => self.value(rule, value).map_err(|fault| format!("{key}: {fault}")),
            None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                Err(format!("{key} is not known"))
            }
            None => Ok(()),
        })
    }
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

fn has_all(object: &Map<String, Value>, keys: &Value) -> Checked {
    let missing =
        keys.as_array().into_iter().flatten().filter_map(Value::as_str).find(|key| !object.contains_key(*key));
    missing.map_or(Ok(()), |key| Err(format!("{key} is missing")))
}

/// RFC 3339, UTC, milliseconds, as all records have it.
fn is_moment(text: &str) -> bool {
    const FORM: &str = "0000-00-00T00:00:00.000Z";
    text.len() == FORM.len()
        && text
            .chars()
            .zip(FORM.chars())
            .all(|(letter, form)| if form == '0' { letter.is_ascii_digit() } else { letter == form })
}
