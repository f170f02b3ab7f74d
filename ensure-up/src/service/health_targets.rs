//! What the services of a file are asked for: each target is one, and told where it stands if it is not.

use health_wait::Target;

use super::{
    check,
    fault::{Fault, Source},
    overlay::{self, Keys},
    placeholder,
    ports::Ports,
    spec::ServiceSpec,
};

/// Checks the health targets of all services. Any port will do for those of other services, which are known to be some.
pub(super) fn check(
    services: &[ServiceSpec],
    tables: &[(String, Keys<'_, '_>)],
    source: &Source<'_>,
) -> Result<(), Fault> {
    for (service, (name, keys)) in services.iter().zip(tables) {
        let asked = service.replaced(&|_| Some("1".into()));
        let port = asked.port.map(Ports::first);
        for (text, written) in asked.health.iter().zip(&service.health) {
            check::target(&placeholder::in_text(text, port), port).map_err(|error| {
                let mut fault = source.fault(&overlay::place_of(tables, name, "health", written), error.to_string());
                fault.suggestion = Target::as_command(written);
                fault
            })?;
        }
        // what is expected of answers that nobody gives
        let start = overlay::first(keys);
        check::health(&asked, port).map_err(|error| source.fault(&(start..start), error.to_string()))?;
    }
    Ok(())
}
