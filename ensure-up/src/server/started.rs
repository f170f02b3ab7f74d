//! What a server was started as: enough to tell whether it is the one that is asked for, and nothing of its secrets.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

use proc_tree::cli::{command_line::quoted, text};
use serde::{Deserialize, Serialize};

use super::{fingerprint, part::Part};
use crate::{Port, Service, service::id::ServiceId};

/// The variables that were set for a server: their names, with a fingerprint of each value.
pub(crate) type Variables = BTreeMap<String, u64>;

/// What a server was started as, or shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    /// The service.
    #[serde(flatten)]
    pub(crate) service: ServiceId,
    /// The name of its program, by which a service goes that has none.
    pub(crate) program: String,
    /// The port; `None` for one without.
    pub(crate) port: Option<Port>,
    /// A fingerprint of its command.
    pub(crate) command: u64,
    /// The folder that it was started in.
    #[serde(with = "super::path_text")]
    pub(crate) cwd: PathBuf,
    /// The variables that were set.
    pub(crate) environment: Variables,
}

impl Started {
    /// Describes the server of a service on a port.
    pub(crate) fn of(service: &Service, port: Option<Port>) -> Self {
        let words: Vec<String> = words(service, port);
        Self {
            service: service.id.clone(),
            program: service.spec.program(),
            port,
            command: fingerprint::of_words(&words),
            cwd: service.cwd.clone(),
            environment: variables(service),
        }
    }

    /// Names it for people: `shop (folder /home/dev/shop)`.
    pub(crate) fn title(&self) -> String {
        let name = self.service.name.as_deref().unwrap_or(&self.program);
        format!("{} (folder {})", text::escape(name), text::path(&self.service.folder))
    }

    /// Says what names it to --stop from anywhere: its port, or its name.
    pub(crate) fn place(&self) -> String {
        let name = self.service.name.as_deref().unwrap_or(&self.program);
        self.port.map_or_else(|| format!("{} --everywhere", text::escape(&quoted(name))), |port| port.to_string())
    }

    /// Tells whether it is a service's server on a port.
    pub(crate) fn is_of(&self, service: &ServiceId, port: Option<Port>) -> bool {
        self.service == *service && self.port == port
    }

    /// Tells whether both are of the same service: without a name that takes the same port.
    pub(crate) fn is_same_service(&self, other: &Self) -> bool {
        self.service == other.service && (self.service.name.is_some() || self.port == other.port)
    }

    /// Tells in what it differs from the one that is asked for; empty: it runs as asked.
    pub(crate) fn differences(&self, asked: &Self) -> Vec<Part> {
        let mut parts = Vec::new();
        parts.extend((self.port != asked.port).then_some(Part::Port));
        // the port may stand in the command
        parts.extend((self.port == asked.port && self.command != asked.command).then_some(Part::Command));
        parts.extend((self.cwd != asked.cwd).then_some(Part::Folder));
        let changed = changed(&self.environment, &asked.environment);
        parts.extend((!changed.is_empty()).then_some(Part::Environment(changed)));
        parts
    }
}

/// Names the variables that are not the same in both.
fn changed(one: &Variables, other: &Variables) -> Vec<String> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
}

/// Returns the command for the port as a record keeps it; invalid UTF-8 is replaced.
pub(crate) fn words(service: &Service, port: Option<Port>) -> Vec<String> {
    service.command(port).iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Fingerprints the variables that were set, each by itself.
fn variables(service: &Service) -> Variables {
    let one = |(name, value): &(std::ffi::OsString, std::ffi::OsString)| {
        (name.to_string_lossy().into_owned(), fingerprint::of([value.as_bytes()]))
    };
    service.environment.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(name: Option<&str>, port: u16) -> Started {
        let port = Some(Port::tcp(port));
        let service = ServiceId { folder: "/site".into(), name: name.map(str::to_owned) };
        let environment = Variables::from([("A".into(), 1), ("B".into(), 2)]);
        Started { service, program: "serve".into(), port, command: 7, cwd: "/site".into(), environment }
    }

    #[test]
    fn folder_and_name_tell_which_service_it_is_and_without_a_name_the_port() {
        for (one, other, is_same) in [
            (started(Some("web"), 80), started(Some("web"), 80), true),
            (started(Some("web"), 80), started(Some("web"), 81), true),
            (started(Some("web"), 80), started(Some("api"), 80), false),
            (started(Some("web"), 80), started(None, 80), false),
            (started(None, 80), started(None, 80), true),
            (started(None, 80), started(None, 81), false),
        ] {
            assert_eq!(one.is_same_service(&other), is_same, "{one:?} {other:?}");
        }
        let elsewhere = ServiceId { folder: "/other".into(), name: Some("web".into()) };
        assert!(!Started { service: elsewhere, ..started(Some("web"), 80) }.is_same_service(&started(Some("web"), 80)));
    }

    #[test]
    fn it_is_told_in_what_a_server_differs_and_in_which_variables() {
        let asked = started(Some("web"), 80);
        assert_eq!(asked.differences(&asked), []);
        let environment = Variables::from([("A".into(), 1), ("B".into(), 3), ("C".into(), 4)]);
        let other = Started { command: 8, cwd: "/".into(), environment, ..asked.clone() };
        let names = ["B", "C"].map(str::to_owned).to_vec();
        assert_eq!(other.differences(&asked), [Part::Command, Part::Folder, Part::Environment(names.clone())]);
        assert_eq!(asked.differences(&other), other.differences(&asked));
        let moved = Started { port: Some(Port::tcp(81)), command: 9, ..asked.clone() };
        assert_eq!(moved.differences(&asked), [Part::Port], "the command of another port says nothing");
    }

    #[test]
    fn a_server_is_named_by_its_port_or_else_by_its_name_or_program() {
        let without_port = |name| Started { port: None, ..started(name, 80) };
        for (started, place) in [
            (started(Some("web"), 80), "80"),
            (started(None, 80), "80"),
            (without_port(Some("web")), "web --everywhere"),
            (without_port(None), "serve --everywhere"),
        ] {
            assert_eq!(started.place(), place, "{started:?}");
        }
    }

    #[test]
    fn it_is_of_a_service_on_a_port_where_both_are_the_same() {
        let (started, other) = (started(Some("web"), 80), started(Some("api"), 80).service);
        let own = &started.service;
        for (service, port, is_of) in [
            (own, Some(Port::tcp(80)), true),
            (own, Some(Port::tcp(81)), false),
            (own, None, false),
            (&other, Some(Port::tcp(80)), false),
        ] {
            assert_eq!(started.is_of(service, port), is_of, "{service:?} {port:?}");
        }
    }

    #[test]
    fn it_holds_fingerprints_of_the_command_for_the_port_and_of_each_variable() {
        let spec = crate::ServiceSpec { command: vec!["serve".into(), "{port}".into()], ..Default::default() };
        let id = ServiceId { folder: "/site".into(), name: None };
        let environment = vec![("A".into(), "1".into()), ("B".into(), "2".into())];
        let service = Service { spec, id, ports: "8000".parse().ok(), cwd: "/site".into(), environment };
        let started = Started::of(&service, Some(Port::tcp(8000)));
        assert_eq!(words(&service, Some(Port::tcp(8000))), ["serve", "8000"]);
        assert_eq!(started.command, fingerprint::of_words(&["serve".to_owned(), "8000".to_owned()]));
        let value = |value: &str| fingerprint::of([value.as_bytes()]);
        assert_eq!(started.environment, Variables::from([("A".into(), value("1")), ("B".into(), value("2"))]));
    }
}
