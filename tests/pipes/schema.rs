//! The JSON Schema of the records: what each tool prints, the man page says and the tests hold every record against.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{TOOLS, binaries, installed, script, stdout};
use crate::support::{self, Fixture, schema, skipped};

/// Lists the records that a schema describes: those that are lines, and those that stand in them.
fn described(schema: &Value) -> Vec<&Value> {
    let defined = schema["$defs"].as_object().into_iter().flatten().map(|(_, one)| one);
    defined.chain(schema["oneOf"].as_array().into_iter().flatten()).filter(|one| one["type"] == "object").collect()
}

#[test]
fn each_tool_prints_its_schema_and_the_man_page_has_each_key_with_its_meaning() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for tool in TOOLS {
        let said = |page: &str| stdout(&script(&format!("{tool} --generate {page}"), folder.path()));
        let printed: Value = serde_json::from_str(&said("schema")).expect("a schema is JSON");
        assert_eq!(Some(&printed), schema::schema(tool).as_ref());
        let page = said("man");
        let (_, page) = page.split_once(".SH RECORDS\n").expect("a section");
        let (page, _) = page.split_once(".SH ENVIRONMENT\n").expect("a section behind it");
        assert!(!described(&printed).is_empty());
        for record in described(&printed) {
            for (key, value) in record["properties"].as_object().expect("keys") {
                assert!(page.contains(&format!(".TP\n\\fB{key}\\fR (")), "{tool}: {key} is not in {page}");
                let meaning = value["description"].as_str().unwrap_or_default();
                assert!(value.get("const").is_some() || meaning.ends_with('.'), "{tool}: {key}: {value}");
                let is_null = |one: &Value| one["type"] == "null" || one == "null";
                let may_be_null = ["type", "anyOf"]
                    .iter()
                    .any(|kind| value[kind].as_array().is_some_and(|all| all.iter().any(is_null)));
                assert!(!may_be_null || meaning.contains("null "), "{tool}: when is {key} null? {value}");
                let unit =
                    [("_bytes", "bytes"), ("_ms", "milliseconds"), ("_seconds", "seconds"), ("_percent", "percent")];
                let unit = unit.iter().find(|(end, _)| key.ends_with(end));
                assert!(unit.is_none_or(|(_, word)| meaning.to_lowercase().contains(word)), "{tool}: {key}: {value}");
            }
        }
    }
}

/// Makes each kind of record that there is, by the tool that writes it.
fn written() -> Vec<(&'static str, Value)> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let (port, pid, own) = (server.port(), server.pid(), support::free_port());
    let fixture = support::fixture_path();
    let command = format!("-- {} serve 127.0.0.1:{own}", fixture.display());
    let lines = [
        ("port-who", format!("port-who --why --json {port}")),
        ("port-who", "port-who --free --json".to_owned()),
        ("proc-tree", format!("proc-tree --json --members --interval 1ms {pid} {}", std::process::id())),
        ("health-wait", format!("health-wait --json :{port}")),
        ("port-kill", format!("port-kill --dry-run --json {port}")),
        ("ensure-up", format!("ensure-up --json --port {own} {command}")),
        ("ensure-up", "ensure-up --json --status".to_owned()),
        ("ensure-up", "ensure-up --json --stop".to_owned()),
    ];
    let ran = lines.map(|(tool, line)| {
        let said = stdout(&script(&line, folder.path()));
        let records = schema::checked(tool, &said);
        assert!(!records.is_empty(), "{line}");
        records.into_iter().map(move |record| (tool, record))
    });
    ran.into_iter().flatten().collect()
}

/// Changes a value in each way that makes it another kind of thing: a key fewer, a key more, another type; at every depth.
fn mutants(value: &Value) -> Vec<Value> {
    let odd = json!({ "odd": [] });
    let mut mutants = Vec::new();
    let Value::Object(object) = value else {
        let first = value.as_array().and_then(|all| all.first());
        return first.into_iter().flat_map(mutants_of_first).collect();
    };
    let with = |key: &str, value: Value| {
        let mut mutant = object.clone();
        mutant.insert(key.to_owned(), value);
        Value::Object(mutant)
    };
    mutants.push(with("odd", Value::Null));
    for (key, value) in object {
        mutants.push(with(key, odd.clone()));
        mutants.push(Value::Object(
            object.iter().filter(|(one, _)| *one != key).map(|(k, v)| (k.clone(), v.clone())).collect(),
        ));
        mutants.extend(self::mutants(value).into_iter().map(|inner| with(key, inner)));
    }
    mutants
}

fn mutants_of_first(first: &Value) -> Vec<Value> {
    mutants(first).into_iter().map(|mutant| json!([mutant])).collect()
}

#[test]
fn a_record_that_is_not_as_the_schema_has_it_is_refused() {
    let mut judged = Vec::new();
    for (tool, record) in written() {
        let schema = schema::schema(tool).expect("each has one");
        for mutant in mutants(&record) {
            assert!(schema::fault(&schema, &mutant).is_some(), "{tool}: {mutant}");
            judged.push(json!({ "tool": tool, "record": mutant, "right": false }));
        }
        judged.push(json!({ "tool": tool, "record": record, "right": true }));
    }
    let record = judged.iter().find(|one| one["tool"] == "port-who" && one["right"] == true).expect("one of each");
    for (key, value) in
        [("port", json!(0)), ("protocol", json!("sctp")), ("started_at", json!("today")), ("inode", json!(1.5))]
    {
        let (schema, mut record) = (schema::schema("port-who").expect("it has one"), record["record"].clone());
        record[key] = value;
        assert!(schema::fault(&schema, &record).is_some_and(|fault| fault.contains(key)), "{record}");
    }
    is_judged_alike(&judged);
}

/// Asks a validator that others wrote whether the schemas are some, and what it says of the same records.
fn is_judged_alike(judged: &[Value]) {
    const ASK: &str = "
import json, subprocess, sys
from jsonschema import Draft202012Validator as Validator
known = {}
for line in sys.stdin:
    one = json.loads(line)
    tool = one['tool']
    if tool not in known:
        schema = json.loads(subprocess.check_output([sys.argv[1] + '/' + tool, '--generate', 'schema']))
        Validator.check_schema(schema)
        known[tool] = Validator(schema)
    if known[tool].is_valid(one['record']) != one['right']:
        sys.exit('judged otherwise: ' + line)
print(len(known))
";
    let Some(python) = installed("python3") else { return };
    if !Command::new(&python)
        .args(["-c", "import jsonschema"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|it| it.success())
    {
        return skipped("python3 has no module jsonschema");
    }
    let lines: Vec<String> = judged.iter().map(Value::to_string).collect();
    let mut ask = Command::new(python);
    ask.args(["-c", ASK]).arg(binaries()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = ask.spawn().expect("python3 starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    stdin.write_all(lines.join("\n").as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "5\n", "{output:?}");
}
