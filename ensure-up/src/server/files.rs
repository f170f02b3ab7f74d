//! How the files of a server and of a port are named. A port is one of a network namespace.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{fingerprint, folder::Folders};
use crate::service::id::ServiceId;

impl Folders {
    /// Returns the path of a file about a service's server on a port.
    pub fn of_service(&self, service: &ServiceId, port: u16, kind: &str) -> PathBuf {
        self.runtime.join(format!("{}.{kind}", stem(service, port)))
    }

    /// Returns the path of the lock of a port.
    pub fn port_lock(&self, port: u16) -> PathBuf {
        self.runtime.join(format!("{}.lock", of_network(&port.to_string())))
    }

    /// Returns the path of the lock of a service that may take any port of a range: one lock for what `parts` say.
    pub(crate) fn service_lock<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> PathBuf {
        self.runtime.join(format!("{}.lock", of_network(&format!("{:016x}", fingerprint::of(parts)))))
    }

    /// Finds the log that was written last of those about a port.
    pub fn last_log(&self, port: u16) -> Option<PathBuf> {
        let paths = std::fs::read_dir(&self.logs).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let is_its =
            |path: &PathBuf| port_of(path, "log") == Some(port) && path.extension().is_some_and(|kind| kind == "log");
        paths.filter(is_its).max_by_key(|path| path.metadata().and_then(|found| found.modified()).ok())
    }

    /// Lists the record files, whatever is in them.
    pub(crate) fn records(&self) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        let entries = match std::fs::read_dir(&self.runtime) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(paths),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            paths.extend(Some(path).filter(|path| port_of(path, "json").is_some()));
        }
        Ok(paths)
    }
}

/// Names the files of a service's server on a port: the port first, for people, then what tells it from other services.
pub(crate) fn stem(service: &ServiceId, port: u16) -> String {
    use std::os::unix::ffi::OsStrExt;
    let netns = port_who::own_network().unwrap_or_default().to_string();
    let name = service.name.as_deref().map(str::as_bytes);
    let parts = [service.folder.as_os_str().as_bytes(), netns.as_bytes()].into_iter().chain(name);
    let whole = fingerprint::of(parts);
    format!("{port}-{:08x}", (whole ^ (whole >> 32)) & 0xffff_ffff)
}

/// Returns the port that a file of this kind is about; `None` for a file that is not named as ours are.
pub(crate) fn port_of(path: &Path, kind: &str) -> Option<u16> {
    let name = path.file_name()?.to_str()?;
    let (stem, rest) = name.split_once('.')?;
    let is_kind = rest == kind || rest.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.'));
    let (port, service) = stem.split_once('-')?;
    let is_ours = service.len() == 8 && service.bytes().all(|byte| byte.is_ascii_hexdigit());
    port.parse().ok().filter(|_| is_kind && is_ours)
}

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
        let mut stems: Vec<String> = all.iter().map(|service| stem(service, 80)).collect();
        for stem in &stems {
            assert_eq!(port_of(Path::new(&format!("/x/{stem}.log")), "log"), Some(80));
            assert_eq!(port_of(Path::new(&format!("/x/{stem}.log.2")), "log"), Some(80));
            assert_eq!(port_of(Path::new(&format!("/x/{stem}.json")), "log"), None);
        }
        stems.sort();
        stems.dedup();
        assert_eq!(stems.len(), all.len());
        for name in ["80.log", "80-xyz.log", "notes.log", "80-0123456g.log", "x-01234567.log", "80-01234567.logs"] {
            assert_eq!(port_of(Path::new(name), "log"), None, "{name}");
        }
    }
}
