//! A service of several that is up as it is asked for: found in this process, where its start takes one of its own.

use std::path::Path;

use crate::{
    Clock, Outcome, Service, ServiceSpec, StateFolder,
    start::{call::Call, port, waiting::Observer},
};

/// Looks for a service's server, whose paths are relative to a folder. `None`: it is not up, or not as asked, or that cannot
/// be told here: whoever starts it says so.
pub(super) fn find(spec: &ServiceSpec, folder: &Path, state_folder: &StateFolder) -> Option<Outcome> {
    let mut spec = spec.clone();
    spec.place_in(folder);
    let service = Service::try_from(spec).ok().filter(|service| !service.has_range())?;
    let call =
        Call { service: &service, state_folder, clock: Clock::start(service.timeout()), observer: Observer::default() };
    port::reuse(&call, service.port(), false).ok().flatten()
}
