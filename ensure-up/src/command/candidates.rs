//! What could be written where a server's name belongs.

use ensure_up::{ServerRecord, StateFolder, service::file::Config};
use proc_tree::cli::completion::Candidate;

/// Lists the services of the file here, and the servers that are known.
pub(super) fn of(value: &str) -> Vec<Candidate> {
    if value != "NAME" {
        return Vec::new();
    }
    let services = Config::find(None).and_then(|path| Config::read(&path, None)).map(|file| file.services);
    let named =
        services.into_iter().flatten().filter_map(|service| Some((service.name?, "in the services file".to_owned())));
    let records =
        StateFolder::that_is_there().and_then(|state_folder| ServerRecord::all(&state_folder).ok()).unwrap_or_default();
    let known = records.into_iter().map(|record| {
        let name = record.service.name.clone().or_else(|| record.port.map(|port| port.to_string()));
        (name.unwrap_or_default(), format!("{} in {}", record.name, record.service.folder.display()))
    });
    let mut all: Vec<Candidate> = named.chain(known).filter(|(name, _)| !name.is_empty()).collect();
    all.sort();
    all.dedup_by(|one, other| one.0 == other.0);
    all
}
