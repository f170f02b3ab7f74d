//! How the files of a server and of a port are named. A port is one of a network namespace.

use std::{
    io,
    path::{Path, PathBuf},
};

use port_who::Protocol;

use super::{fingerprint, folder::StateFolder};
use crate::{Port, service::id::ServiceId};

impl StateFolder {
    /// Returns the path of a file about a service's server on a port.
    pub fn of_service(&self, service: &ServiceId, port: Option<Port>, kind: &str) -> PathBuf {
        self.path.join(format!("{}.{kind}", stem(service, port)))
    }

    /// Returns the path of the lock under which a service's server is started on a port and stopped: that of the port, so that
    /// no two services take it at once; of the service, where there is none.
    pub fn lock(&self, service: &ServiceId, port: Option<Port>) -> PathBuf {
        let name = port.map_or_else(|| stem(service, None), |port| of_network(&key(port)));
        self.path.join(format!("{name}.lock"))
    }

    /// Returns the path of the lock of a service that may take any port of a range: one lock for what `parts` say.
    pub(crate) fn service_lock<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> PathBuf {
        self.path.join(format!("{}.lock", of_network(&format!("{:016x}", fingerprint::of(parts)))))
    }

    /// Finds the log that was written last of those about a port.
    pub fn last_log(&self, port: Port) -> Option<PathBuf> {
        let paths = std::fs::read_dir(&self.path).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let is_its =
            |path: &PathBuf| port_of(path, "log") == Some(port) && path.extension().is_some_and(|kind| kind == "log");
        paths.filter(is_its).max_by_key(|path| path.metadata().and_then(|found| found.modified()).ok())
    }

    /// Lists the record files, whatever is in them.
    pub(crate) fn records(&self) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        let entries = match std::fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(paths),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            paths.extend(Some(path).filter(|path| is_ours(path, "json")));
        }
        Ok(paths)
    }
}

/// Names the files of a service's server: its port first, or its name where it has none, for people; then what tells it
/// from other services.
pub(crate) fn stem(service: &ServiceId, port: Option<Port>) -> String {
    use std::os::unix::ffi::OsStrExt;
    let netns = port_who::own_network().unwrap_or_default().to_string();
    let name = service.name.as_deref().map(str::as_bytes);
    let parts = [service.folder.as_os_str().as_bytes(), netns.as_bytes()].into_iter().chain(name);
    let whole = fingerprint::of(parts);
    let first = port.map_or_else(|| plain(service.name.as_deref().unwrap_or_default()), key);
    format!("{first}-{:08x}", (whole ^ (whole >> 32)) & 0xffff_ffff)
}

/// Names a port in a file's name.
fn key(port: Port) -> String {
    match port.protocol {
        Protocol::Tcp => port.number.to_string(),
        Protocol::Udp => format!("{}udp", port.number),
    }
}

/// Makes a name fit for a file's.
fn plain(name: &str) -> String {
    let fits = |one: char| if one.is_ascii_alphanumeric() || one == '-' { one } else { '_' };
    name.chars().take(LONGEST).map(fits).collect()
}

/// Tells whether a file of this kind is named as ours are.
pub(crate) fn is_ours(path: &Path, kind: &str) -> bool {
    first_of(path, kind).is_some()
}

/// Returns the port that a file of this kind is about; `None` for one that is about none, or not named as ours are.
pub(crate) fn port_of(path: &Path, kind: &str) -> Option<Port> {
    let first = first_of(path, kind)?;
    let (number, protocol) = first.strip_suffix("udp").map_or((first, Protocol::Tcp), |number| (number, Protocol::Udp));
    Some(Port { number: number.parse().ok()?, protocol })
}

fn first_of<'p>(path: &'p Path, kind: &str) -> Option<&'p str> {
    let name = path.file_name()?.to_str()?;
    let (stem, rest) = name.split_once('.')?;
    let is_kind = rest == kind || rest.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.'));
    let (first, service) = stem.rsplit_once('-')?;
    let is_ours = service.len() == 8 && service.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(first).filter(|_| is_kind && is_ours)
}

/// So much of a name stands in a file's.
const LONGEST: usize = 40;

/// The locks of one network namespace are not another's.
fn of_network(key: &str) -> String {
    port_who::own_network().map_or_else(|| key.to_owned(), |netns| format!("{key}@{netns}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_services_apart_and_their_port() {
        let service =
            |folder: &str, name: Option<&str>| ServiceId { folder: folder.into(), name: name.map(str::to_owned) };
        let all =
            [service("/a", None), service("/a", Some("")), service("/a", Some("web")), service("/b", Some("web"))];
        let mut stems: Vec<String> = all.iter().map(|service| stem(service, Some(Port::tcp(80)))).collect();
        for stem in &stems {
            assert_eq!(port_of(Path::new(&format!("/x/{stem}.log")), "log"), Some(Port::tcp(80)));
            assert_eq!(port_of(Path::new(&format!("/x/{stem}.log.2")), "log"), Some(Port::tcp(80)));
            assert_eq!(port_of(Path::new(&format!("/x/{stem}.json")), "log"), None);
        }
        stems.sort();
        stems.dedup();
        assert_eq!(stems.len(), all.len());
        for name in ["80.log", "80-xyz.log", "notes.log", "80-0123456g.log", "80-01234567.logs"] {
            assert!(!is_ours(Path::new(name), "log"), "{name}");
        }
        let udp = Port { number: 80, protocol: Protocol::Udp };
        assert_eq!(port_of(Path::new(&format!("{}.log", stem(&all[0], Some(udp)))), "log"), Some(udp));
        let name = format!("{}.log", stem(&service("/a", Some("my worker/1")), None));
        assert!(name.starts_with("my_worker_1-") && is_ours(Path::new(&name), "log"), "{name}");
        assert_eq!(port_of(Path::new(&name), "log"), None);
    }
}
