//! Services as the text of a services file: each key that is not as by default.

use serde_json::Value;

use super::found::{Found, Here, Titled};
use crate::ServiceSpec;

/// The keys that come first.
const FIRST: [&str; 3] = ["command", "port", "health"];

/// What may be secret is not for a file that is shared.
const SECRET: [&str; 4] = ["header", "data", "cert", "key"];

/// Writes the services as tables; of what shows a title for its command line, all that can be known, to be filled in.
pub fn of(here: &Here) -> String {
    let tables: Vec<String> = here.found.iter().map(table).chain(here.titled.iter().map(blank)).collect();
    tables.join("\n")
}

fn blank(Titled { port, program, process }: &Titled) -> String {
    let line = |text: String| format!("# {}\n", text.replace(['\n', '\r'], " "));
    let said = format!(
        "pid {} listens on port {port} and shows itself as {:?}:",
        process.pid,
        process.command_line().trim_end()
    );
    let lines = [
        said,
        "how it was started is not to be seen; with its arguments filled in it is a service".into(),
        format!("[{}]", name(&process.name)),
        format!("command = [{}]", quoted(program)),
        format!("port = {}", port.number),
    ];
    lines.into_iter().map(line).collect()
}

fn table(found: &Found) -> String {
    let (keys, usual) = (found.spec.to_keys(), ServiceSpec::default().to_keys());
    let is_said = |key: &&String| !["name", "folder"].contains(&key.as_str()) && keys[*key] != usual[*key];
    let mut said: Vec<&String> = keys.keys().filter(is_said).collect();
    said.sort_by_key(|key| (FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()), *key));
    let mut lines = vec![format!("[{}]", name(found.spec.name.as_deref().unwrap_or_default()))];
    let (secret, said): (Vec<&String>, Vec<&String>) = said.into_iter().partition(|key| SECRET.contains(&key.as_str()));
    lines.extend(said.iter().map(|key| format!("{key} = {}", value(key, &keys[*key]))));
    lines.extend(secret.iter().map(|key| format!("# not copied: {key}")));
    if !found.variables.is_empty() {
        let variables = variables(&found.variables);
        lines.push(format!("# set when it was started, and not copied: env = {{ {variables} }}"));
    }
    lines.join("\n") + "\n"
}

/// Names the variables as the file would take them from the caller.
fn variables(names: &[String]) -> String {
    let all: Vec<String> = names.iter().map(|name| format!("{name} = \"${{{name}}}\"")).collect();
    all.join(", ").replace(['\n', '\r'], " ")
}

fn name(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { name.to_owned() } else { quoted(name) }
}

fn value(key: &str, value: &Value) -> String {
    match value {
        Value::Array(values) if key == "health" && values.len() == 1 => self::value(key, &values[0]),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(|one| self::value(key, one)).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) if key == "port" && text.bytes().all(|byte| byte.is_ascii_digit()) => text.clone(),
        // `${` would be a variable
        Value::String(text) => quoted(&text.replace("${", "$${")),
        other => other.to_string(),
    }
}

/// Quotes a text for TOML, whose escapes JSON's are among; DEL has to be escaped as well.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use proc_tree::Identity;

    use super::*;

    #[test]
    fn what_is_not_as_by_default_is_written_and_quoted() {
        let spec = ServiceSpec {
            name: Some("my api".into()),
            command: ["sh", "-c", "echo \"$X ${Y}\"\u{7f}\n"].map(Into::into).into(),
            port: Some("8000".parse().expect("a port")),
            depends_on: vec!["db".into()],
            ..ServiceSpec::default()
        };
        let identity = Identity { pid: 1, start_id: 1 };
        let found =
            Found { spec, record: None, identity, port: None, variables: vec!["TOKEN".into()], left_out: Vec::new() };
        let expected = "[\"my api\"]\ncommand = [\"sh\", \"-c\", \"echo \\\"$X $${Y}\\\"\\u007f\\n\"]\nport = 8000\n\
                        depends_on = [\"db\"]\n\
                        # set when it was started, and not copied: env = { TOKEN = \"${TOKEN}\" }\n";
        let here = Here { found: vec![found], titled: Vec::new() };
        assert_eq!(of(&here), expected);
    }
}
