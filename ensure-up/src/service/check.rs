//! What does not go together in what is asked for.

use std::{net::Ipv4Addr, os::unix::ffi::OsStrExt, path::Path};

use health_wait::Target;

use super::{
    placeholder::{self, PORT},
    ports::{Port, Ports},
    spec::ServiceSpec,
    supervision::Supervision,
};
use crate::log::is_device;

/// What was asked for cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidService(pub(super) String);

/// Checks what goes together, without looking at anything but what was asked for.
pub(super) fn options(spec: &ServiceSpec) -> Result<(), InvalidService> {
    let invalid = |what: &str| InvalidService(what.into());
    let ports = spec.port;
    if ports.is_none() && spec.name.is_none() {
        return Err(invalid(
            "neither a port nor a name is given: --port PORT says where the server listens, --name NAME what one \
             without a port is called",
        ));
    }
    if spec.command.is_empty() {
        return Err(invalid("no command is given: it follows --"));
    }
    if let Some(name) = spec.name.as_ref().filter(|name| name.is_empty() || name.parse::<Port>().is_ok()) {
        return Err(InvalidService(format!("invalid name {name:?}: a name is neither empty nor a port")));
    }
    if spec.existing.new && !ports.is_some_and(Ports::is_range) {
        return Err(invalid("--new goes with a range of ports: --port 8000-8099"));
    }
    if ports.is_none() {
        portless(spec)?;
    }
    job(spec)?;
    patterns(spec)?;
    let Supervision { idle_stop, hold_socket, max_memory, .. } = &spec.supervision;
    let is_tcp = ports.is_some_and(|ports| !ports.first().is_udp());
    if idle_stop.is_some() && !is_tcp {
        return Err(invalid("--idle-stop needs a TCP port: it is by its connections that a server is used"));
    }
    if hold_socket.is_some() && !is_tcp {
        return Err(invalid("--hold-socket needs a TCP port to listen on"));
    }
    if max_memory.is_some_and(|limit| limit.bytes().is_none()) {
        return Err(invalid("a share of the memory is no limit here: the machine does not say how much it has"));
    }
    Ok(())
}

/// A service without a port goes by its name alone, and whatever means its port means nothing.
fn portless(spec: &ServiceSpec) -> Result<(), InvalidService> {
    let invalid = |what: String| Err(InvalidService(what));
    let health = spec.health.iter().chain(&spec.log).map(String::as_bytes);
    let mut texts = spec.command.iter().map(|word| word.as_bytes()).chain(health);
    if texts.any(|text| text.windows(PORT.len()).any(|found| found == PORT)) {
        return invalid("{port} stands for a port, and none is given: --port PORT does".into());
    }
    Ok(())
}

/// What a server says is read from its log; that of one that is kept up goes through its supervisor, wherever it ends.
fn patterns(spec: &ServiceSpec) -> Result<(), InvalidService> {
    let asked = [("--ready-log", spec.ready_log.is_some()), ("--fail-log", spec.fail_log.is_some())];
    let option = asked.into_iter().find(|(_, is_asked)| *is_asked).map(|(option, _)| option);
    let device = spec.log.as_deref().filter(|log| is_device(Path::new(log))).filter(|_| !spec.supervision.is_wanted());
    match option.zip(device) {
        Some((option, device)) => Err(InvalidService(format!(
            "{option} is looked for in the log, and {device} keeps nothing: give --log a file, or add --keep-up"
        ))),
        None => Ok(()),
    }
}

/// A job is up when it has ended: nothing else can say that it is, and nothing is left to be kept up.
fn job(spec: &ServiceSpec) -> Result<(), InvalidService> {
    let clashing = [
        ("a port", spec.port.is_some()),
        ("a health target", !spec.health.is_empty()),
        ("--ready-log", spec.ready_log.is_some()),
        ("--ready-notify", spec.ready_notify),
        ("keeping it up", spec.supervision.is_wanted()),
    ];
    match clashing.into_iter().find(|(_, is_asked)| *is_asked) {
        Some((what, _)) if spec.once => {
            Err(InvalidService(format!("{what} does not go with --once: a job is up once it has ended with status 0")))
        }
        _ => Ok(()),
    }
}

/// Checks that the health targets are some, and that what is asked of answers can be.
pub(super) fn health(spec: &ServiceSpec, port: Option<Port>) -> Result<(), InvalidService> {
    let mut sees_http = false;
    for text in &spec.health {
        sees_http |= target(&placeholder::in_text(text, port), port)?.is_http();
    }
    match spec.probe.needs_http().filter(|_| !sees_http) {
        Some(option) => Err(InvalidService(format!("{option} needs an HTTP health target, such as --health /health"))),
        None => Ok(()),
    }
}

/// Reads a health target of a server on a port.
pub(super) fn target(text: &str, port: Option<Port>) -> Result<Target, InvalidService> {
    let found = match port.filter(|port| !port.is_udp()) {
        Some(port) if text.starts_with('/') => Target::path_at(text, (Ipv4Addr::LOCALHOST, port.number).into()),
        None if text.starts_with('/') => {
            let what =
                format!("the health path {text:?} needs a TCP port; a whole target, such as file:{text}, does not");
            return Err(InvalidService(what));
        }
        _ => text.parse(),
    };
    found.map_err(|error| InvalidService(error.to_string()))
}
