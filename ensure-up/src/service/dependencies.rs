//! Who needs whom: everybody who is needed is there, and nobody needs himself.

use std::collections::HashSet;

use super::{
    fault::{Fault, Source},
    overlay::{self, Keys},
    spec::ServiceSpec,
};

/// Checks the dependencies of all services.
pub(super) fn check(
    services: &[ServiceSpec],
    tables: &[(String, Keys<'_, '_>)],
    source: &Source<'_>,
) -> Result<(), Fault> {
    let at = |name: &str| overlay::place_of_needs(tables, name);
    let named = |name: &str| services.iter().find(|service| service.name.as_deref() == Some(name));
    for service in services {
        if let Some(needed) = service.depends_on.iter().find(|needed| named(needed).is_none()) {
            let name = service.name();
            let fault = source.fault(&at(&name), format!("{name} depends on {needed:?}, which is not there"));
            return Err(fault.suggest(needed, services.iter().filter_map(|service| service.name.as_deref())));
        }
    }
    for name in services.iter().filter_map(|service| service.name.as_deref()) {
        let mut line = vec![name];
        if leads_back(services, &mut line, &mut HashSet::new()) {
            return Err(source.fault(&at(name), format!("the dependencies go in a circle: {}", line.join(" → "))));
        }
    }
    Ok(())
}

/// Tells whether the last of the line depends on the first; then the line shows how. Who was `seen` does not.
fn leads_back<'s>(services: &'s [ServiceSpec], line: &mut Vec<&'s str>, seen: &mut HashSet<&'s str>) -> bool {
    let last = line[line.len() - 1];
    let needed =
        services.iter().find(|service| service.name.as_deref() == Some(last)).map(|service| &service.depends_on);
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
