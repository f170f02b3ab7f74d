//! `{db.port}` in the strings of a services file: the port of another service. It is known once that one is up, so that it is
//! depended on.

use serde_json::{Map, Value};

use super::{
    fault::{Fault, Source},
    overlay::{self, Keys},
    spec::ServiceSpec,
};

/// What follows a service's name.
const PORT: &str = ".port}";

/// Lets services depend on those whose ports they name; its own port is `{port}`.
pub(super) fn depend(
    services: &mut [ServiceSpec],
    tables: &[(String, Keys<'_, '_>)],
    source: &Source<'_>,
) -> Result<(), Fault> {
    let ports: Vec<(String, bool)> = services.iter().map(|service| (service.name(), service.port.is_some())).collect();
    for service in services {
        let name = service.name();
        for (key, referred) in references(service) {
            let written = format!("{{{referred}{PORT}");
            let at = || overlay::place_of(tables, &name, &key, &written);
            match ports.iter().find(|(known, _)| *known == referred) {
                None => {
                    let fault =
                        source.fault(&at(), format!("{written} is the port of {referred:?}, which is not there"));
                    return Err(fault.suggest(&referred, ports.iter().map(|(known, _)| known.as_str())));
                }
                Some((_, false)) => {
                    let what = format!("{written} is the port of {referred}, which has none");
                    return Err(source.fault(&at(), what));
                }
                Some(_) if referred == name || service.depends_on.contains(&referred) => {}
                Some(_) => service.depends_on.push(referred),
            }
        }
        *service = service.replaced(&|referred| (referred == name).then(|| "{port}".to_owned()));
    }
    Ok(())
}

/// Lists the services whose ports a service names, each with the key in which it does so.
fn references(service: &ServiceSpec) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, mut value) in service.to_keys() {
        let mut list = |text: &mut String| {
            replace(text, &mut |name| {
                found.push((key.clone(), name.to_owned()));
                None
            });
        };
        each_text(&mut value, &mut list);
    }
    found
}

impl ServiceSpec {
    /// Puts what `port` knows in the place of each `{NAME.port}`.
    #[must_use]
    pub fn replaced(&self, port: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut keys: Map<String, Value> = self.to_keys();
        for value in keys.values_mut() {
            each_text(value, &mut |text| replace(text, &mut |name| port(name)));
        }
        match Self::from_keys(keys) {
            Ok(spec) => spec,
            // a port makes no sense where it stands: that is told where the text is read
            Err(_) => self.clone(),
        }
    }
}

fn each_text(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, change)),
        _ => {}
    }
}

/// Replaces each `{NAME.port}` of a text for which there is something.
fn replace(text: &mut String, with: &mut dyn FnMut(&str) -> Option<String>) {
    let mut from = 0;
    while let Some(found) = text[from..].find(PORT) {
        let end = from + found;
        let start = text[..end].rfind('{').filter(|start| is_name(&text[start + 1..end]));
        match start.and_then(|start| Some((start, with(&text[start + 1..end])?))) {
            Some((start, value)) => {
                text.replace_range(start..end + PORT.len(), &value);
                from = start + value.len();
            }
            None => from = end + PORT.len(),
        }
    }
}

/// What else stands in braces is not meant: JSON, templates.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|one| one.is_alphanumeric() || "-_.".contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_in_braces_are_replaced() {
        for (text, expected) in [
            ("db:{db.port}/{db.port}", "db:<db>/<db>"),
            ("{none.port}{my-api.port}", "{none.port}<my-api>"),
            ("{\"a.port}", "{\"a.port}"),
            ("{.port} {port} x.port}", "{.port} {port} x.port}"),
        ] {
            let mut found = text.to_owned();
            replace(&mut found, &mut |name| (name != "none").then(|| format!("<{name}>")));
            assert_eq!(found, expected);
        }
    }
}
