//! Who needs whom: everybody who is needed is there, and nobody needs himself.

use std::collections::HashSet;

use super::{
    fault::{Fault, Source},
    file::Definition,
    overlay::Keys,
};

/// Checks the dependencies of all services.
pub(super) fn check(
    services: &[Definition],
    tables: &[(String, Keys<'_, '_>)],
    source: &Source<'_>,
) -> Result<(), Fault> {
    let at = |name: &str| {
        let keys = tables.iter().find(|(known, _)| known == name).map(|(_, keys)| keys);
        keys.and_then(|keys| Some(keys.get("depends_on")?.1.span())).unwrap_or_default()
    };
    for service in services {
        for needed in &service.depends_on {
            if !services.iter().any(|other| other.name == *needed) {
                let what = format!("{} depends on {needed:?}, which is not there", service.name);
                let fault = source.fault(&at(&service.name), what);
                return Err(fault.suggest(needed, services.iter().map(|service| service.name.as_str())));
            }
        }
    }
    for service in services {
        let mut line = vec![service.name.as_str()];
        if leads_back(services, &mut line, &mut HashSet::new()) {
            let what = format!("the dependencies go in a circle: {}", line.join(" → "));
            return Err(source.fault(&at(&service.name), what));
        }
    }
    Ok(())
}

/// Tells whether the last of the line depends on the first; then the line shows how. Who was `seen` does not.
fn leads_back<'s>(services: &'s [Definition], line: &mut Vec<&'s str>, seen: &mut HashSet<&'s str>) -> bool {
    let last = line[line.len() - 1];
    let needed = services.iter().find(|service| service.name == last).map(|service| &service.depends_on);
    for name in needed.into_iter().flatten() {
        let is_back = name == line[0];
        if !is_back && !seen.insert(name) {
            continue;
        }
        line.push(name);
        if is_back || leads_back(services, line, seen) {
            return true;
        }
        line.pop();
    }
    false
}
