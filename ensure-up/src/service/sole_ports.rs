//! Who takes which port: no two services of a file the same one.

use super::{
    fault::{Fault, Source},
    overlay::{self, Keys},
    ports::Ports,
    spec::ServiceSpec,
};

/// Checks the ports of all services. In a range each finds one for itself, beside those that others take.
pub(super) fn check(
    services: &[ServiceSpec],
    tables: &[(String, Keys<'_, '_>)],
    source: &Source<'_>,
) -> Result<(), Fault> {
    for (index, service) in services.iter().enumerate() {
        let Some(port) = service.port.and_then(Ports::only) else { continue };
        let is_taken = |other: &&ServiceSpec| other.port.and_then(Ports::only) == Some(port);
        if let Some(first) = services[..index].iter().find(is_taken) {
            let what = format!("port {port} is that of the service {}: each needs its own", first.name());
            return Err(source.fault(&overlay::place(tables, &service.name(), "port"), what));
        }
    }
    Ok(())
}
