//! Stopping the server of a service that no record names: it is known by what it is.

use crate::{
    Failure, Folders, ReadyError, ServerRecord, Service,
    server::{
        evidence::{Evidence, Known},
        judge::{Whose, judge},
    },
    stop::{
        port,
        server::Stopped,
        whole::{Killed, Manner, Wait},
    },
};

/// Stops whatever holds the service's port and is its server.
///
/// # Errors
/// When something of it lives on, or the port is somebody else's.
pub fn stop(folders: &Folders, service: &Service, wait: Wait<'_>) -> Result<Stopped, Failure> {
    let at = service.ports.low;
    let record = ServerRecord::starting(service, at, None, None);
    if service.ports.is_range() {
        return Ok(Stopped { record, identity: None, killed: Killed::default() });
    }
    let records = ServerRecord::all(folders).map_err(Failure::state("read the records in", &folders.runtime))?;
    let known = records.iter().filter(|record| record.port == at).map(Known::from).collect();
    let evidence = Evidence::gather(at, known).map_err(ReadyError::from)?.compared(folders, service);
    let holdings = match judge(&evidence, service) {
        Whose::Nobody => Vec::new(),
        Whose::Ours(holdings, _) | Whose::Matching(holdings, _) => holdings,
        Whose::Another(holdings, other) => {
            return Err(Failure::Another { port: at, service: other.title(), holdings });
        }
        Whose::Foreign(holdings, differs) => return Err(Failure::Foreign { port: at, holdings, differs }),
    };
    let roots = proc_tree::ascending(holdings.iter().filter_map(|one| Some(one.process.as_ref()?.identity())));
    let identity = roots.first().copied();
    let killed =
        if holdings.is_empty() { Killed::default() } else { port::stop(at, roots, Manner::of(service), wait)? };
    Ok(Stopped { record, identity, killed })
}
