//! The environment of a server: what it inherits, what was set for it, and its mark.

use std::{env, ffi::OsString};

use super::{folder::StateFolder, mark::Mark};
use crate::{Port, Service, service::variable};

/// An environment, as a process has it.
pub type Environment = Vec<(OsString, OsString)>;

/// Returns the whole environment of a service's server on a port: the caller's, where it is, what was set, and its mark.
pub(crate) fn whole(service: &Service, port: Option<Port>, state_folder: &StateFolder) -> Environment {
    let mut environment: Environment = env::vars_os().collect();
    // as a shell does that goes to the folder: a server that goes elsewhere is known by where it was started
    let folder = (OsString::from("PWD"), service.cwd.clone().into_os_string());
    let mark = Mark::of(service, port, state_folder).variable();
    let port = port.map(|port| (OsString::from("PORT"), OsString::from(port.number.to_string())));
    let others = service.spec.other_ports.iter();
    let others: Environment =
        others.map(|(name, port)| (variable::of_port(name).into(), port.to_string().into())).collect();
    for (name, value) in [&folder].into_iter().chain(&port).chain(&others).chain(&service.environment).chain([&mark]) {
        environment.retain(|(known, _)| known != name);
        environment.push((name.clone(), value.clone()));
    }
    environment
}
