//! Stopping the server of a service that no record names: it is known by what it is.

use proc_tree::Identity;

use crate::{
    Failure, Port, ReadyError, ServerRecord, Service, StateFolder,
    server::{
        census::Census,
        evidence::{Evidence, Known},
        holding::Holding,
        judge::{Whose, judge},
        loading,
    },
    stop::{
        killed::Killed,
        manner::{Asked, Manner},
        port,
        server::{self, Stopped},
        whole::Wait,
    },
};

/// Stops whatever holds the service's port and is its server; where it has no port, what runs its command.
///
/// # Errors
/// When something of it lives on, or the port is somebody else's.
pub fn stop(state_folder: &StateFolder, service: &Service, asked: Asked, wait: Wait<'_>) -> Result<Stopped, Failure> {
    let at = service.port();
    let record = ServerRecord::starting(service, at, None, None);
    if service.has_range() {
        return Ok(Stopped { record, identity: None, killed: Killed::default() });
    }
    let records = ServerRecord::all(state_folder).map_err(Failure::state("read the records in", &state_folder.path))?;
    let roots = if let Some(at) = at {
        on_port(state_folder, service, at, &records)?
    } else {
        let census = Census::take().map_err(Failure::system("look at the processes"))?;
        let found = loading::find(service, at, state_folder, &census, &records).map_err(ReadyError::from)?;
        found.map(|found| found.identity).into_iter().collect()
    };
    let identity = roots.first().copied();
    let manner = Manner::of(service).but(asked);
    let killed = if roots.is_empty() { Killed::default() } else { port::stop(at, roots, &[], manner, wait)? };
    Ok(Stopped { record, identity, killed })
}

/// Lists the processes that hold the port, if they are the service's.
fn on_port(
    state_folder: &StateFolder,
    service: &Service,
    port: Port,
    records: &[ServerRecord],
) -> Result<Vec<Identity>, Failure> {
    let known = records.iter().filter(|record| record.port == Some(port)).map(Known::from).collect();
    let evidence = Evidence::gather(Some(port), known).map_err(ReadyError::from)?.compared(state_folder, service);
    let holdings = match judge(&evidence, service) {
        Whose::Nobody => Vec::new(),
        Whose::Ours(holdings, _) | Whose::Matching(holdings, _) => holdings,
        Whose::Another(holdings, other) => {
            return Err(Failure::Another { port, service: other.title(), at: other.place(), holdings });
        }
        Whose::Foreign(holdings, differs) => return Err(Failure::Foreign { port, holdings, differs }),
    };
    if holdings.iter().all(|one| one.process.is_none()) && !holdings.is_empty() {
        // whose owner cannot be seen cannot be stopped either
        server::freed(port)?;
    }
    Ok(Holding::identities(&holdings))
}
