//! One attempt at one address of a target.

use std::{
    cell::Cell,
    net::{IpAddr, SocketAddr},
};

use port_who::{PortSpec, Query};
use proc_tree::{Handle, Identity};

use crate::{
    limit::Limit,
    options::ProbeOptions,
    reason::{Reason, Sign},
    stream::{self, Stream},
    target::{Host, Kind, Place, Target},
    tls::{InvalidCertificates, Tls},
    wait,
};

mod file;
mod grpc;
mod http;
mod judge;
mod proxy;
mod redirect;

use file::FileProbe;

/// A target, ready to be probed.
#[derive(Debug)]
pub(crate) struct Probe<'a> {
    target: &'a Target,
    options: &'a ProbeOptions,
    tls: Tls,
    proxy: Option<proxy::Proxy>,
    /// The process that a `pid:` target meant when it was first looked at.
    process: Option<Handle>,
    file: FileProbe,
}

/// Where one attempt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// To an address of the target's host.
    Address(SocketAddr),
    /// To the one thing on this machine that the target names.
    Here,
}

/// What was found healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What the target does, after "still": `answers 200 OK`, `accepts connections`.
    pub(crate) does: String,
    /// The HTTP status.
    pub(crate) status: Option<u16>,
}

impl Answer {
    fn new(does: impl Into<String>) -> Self {
        Self { does: does.into(), status: None }
    }
}

/// What an attempt tells about how soon to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Whether the peer is on this machine.
    pub(crate) near: bool,
    /// Whether it said no at once.
    pub(crate) at_once: bool,
}

/// How far an attempt has come, for the words when its time is up.
#[derive(Debug, Default)]
pub(crate) struct Stage(Cell<Step>);

#[derive(Debug, Clone, Copy, Default)]
enum Step {
    #[default]
    Connecting,
    Securing,
    Asked,
    Reading,
}

impl Stage {
    fn enter(&self, step: Step) {
        self.0.set(step);
    }

    fn timed_out(&self, limit: &Limit) -> Reason {
        let missing = match self.0.get() {
            Step::Connecting => "no connection",
            Step::Securing => "no TLS handshake",
            Step::Asked => "no answer",
            Step::Reading => "no end of the answer",
        };
        limit.passed(missing)
    }
}

impl<'a> Probe<'a> {
    /// Makes a target ready; connects to nothing yet.
    pub(crate) fn new(target: &'a Target, options: &'a ProbeOptions) -> Result<Self, InvalidCertificates> {
        let protocol: &[u8] = if matches!(target.kind, Kind::Grpc { .. }) { b"h2" } else { b"http/1.1" };
        let proxy = match &target.kind {
            Kind::Http { url, place: Place::Host(_) } => proxy::Proxy::from_environment(url),
            _ => None,
        };
        let process = match target.kind {
            Kind::Process(pid) => Identity::of(pid).ok().flatten().and_then(|meant| Handle::open(meant).ok().flatten()),
            _ => None,
        };
        Ok(Self { target, options, tls: Tls::new(options, protocol)?, proxy, process, file: FileProbe::default() })
    }

    /// Returns the host whose addresses the attempts go to; `None` when they go to one thing on this machine.
    pub(crate) fn host(&self) -> Option<&Host> {
        match (&self.proxy, &self.target.kind) {
            (Some(proxy), _) => Some(proxy.host()),
            (
                None,
                Kind::Http { place: Place::Host(host), .. }
                | Kind::Connect(Place::Host(host))
                | Kind::Grpc { host, .. },
            ) => Some(host),
            (None, _) => None,
        }
    }

    /// Names the endpoint in a record: an IP address, or the path of a socket.
    pub(crate) fn address(&self, endpoint: Endpoint) -> Option<String> {
        match (endpoint, &self.target.kind) {
            (Endpoint::Address(address), _) => Some(address.ip().to_string()),
            (Endpoint::Here, Kind::Http { place: Place::Socket(path), .. } | Kind::Connect(Place::Socket(path))) => {
                Some(path.to_string_lossy().into_owned())
            }
            (Endpoint::Here, _) => None,
        }
    }

    /// Asks once. What takes longer than the limit has not answered.
    pub(crate) async fn attempt(&self, endpoint: Endpoint, limit: &Limit) -> Result<Answer, Reason> {
        let stage = Stage::default();
        limit.keep(self.ask(endpoint, &stage)).await.unwrap_or_else(|| Err(stage.timed_out(limit)))
    }

    async fn ask(&self, endpoint: Endpoint, stage: &Stage) -> Result<Answer, Reason> {
        match &self.target.kind {
            Kind::Http { url, place } => self.ask_http(url, place, endpoint, stage).await,
            Kind::Connect(place) => {
                drop(open(place, endpoint).await?);
                Ok(Answer::new("accepts connections"))
            }
            Kind::Grpc { host, tls, service } => {
                let mut stream = open(&Place::Host(host.clone()), endpoint).await?;
                if *tls {
                    stage.enter(Step::Securing);
                    stream = Box::new(self.tls.handshake(stream, &host.name).await?);
                }
                stage.enter(Step::Asked);
                grpc::check(stream, &host.authority(), *tls, service, &self.options.header).await
            }
            Kind::File(path) => self.file.look(path).await,
            Kind::Process(pid) => self.process(*pid),
            Kind::PortFree(ports) => port_free(ports),
        }
    }

    /// A PID that another process has by now is not the one that was meant.
    fn process(&self, pid: u32) -> Result<Answer, Reason> {
        let found = match &self.process {
            Some(process) => process.has_ended().map(|ended| !ended),
            None => Identity::of(pid).map(|found| found.is_some()),
        };
        match found {
            Ok(true) => Ok(Answer::new("runs")),
            Ok(false) => Err(Reason::new(Sign::No, "no such process")),
            Err(error) => Err(Reason::from_io(&error)),
        }
    }

    /// Waits for the end of the process that the target names; for ever when it names none.
    pub(crate) async fn process_ended(&self) {
        match &self.process {
            // a process that cannot be watched is asked now and then, as everything else is
            Some(process) => match wait::ended(process).await {
                Ok(()) => {}
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

impl Endpoint {
    /// Tells how soon to ask again after an attempt.
    pub(crate) fn pace(self, outcome: &Result<Answer, Reason>) -> Pace {
        let near = match self {
            Self::Address(address) => stream::is_loopback(address.ip()),
            Self::Here => true,
        };
        Pace { near, at_once: matches!(outcome, Err(reason) if reason.sign == Sign::No) }
    }
}

/// Connects to where a target listens.
async fn open(place: &Place, endpoint: Endpoint) -> Result<Stream, Reason> {
    match (endpoint, place) {
        (Endpoint::Address(address), _) => Ok(Box::new(stream::to_address(address).await?)),
        (Endpoint::Here, Place::Socket(path)) => Ok(Box::new(stream::to_socket(path).await?)),
        (Endpoint::Here, Place::Host(_)) => Err(Reason::new(Sign::Unreachable, "the host has no address")),
    }
}

fn port_free(ports: &PortSpec) -> Result<Answer, Reason> {
    let held = port_who::sockets(&Query::holders_of(vec![ports.clone()])).map_err(|error| {
        let words = proc_tree::cli::args::failure([&error as &(dyn std::error::Error + 'static)]);
        Reason::new(Sign::Unclear, words)
    })?;
    let Some(socket) = held.first() else { return Ok(Answer::new("free")) };
    let (address, protocol) = (socket.local, socket.protocol);
    let place = if address.ip().is_unspecified() { "every address".to_owned() } else { shown(address.ip()) };
    Err(Reason::new(Sign::No, format!("{protocol} port {} is held on {place}", address.port())))
}

fn shown(address: IpAddr) -> String {
    address.to_canonical().to_string()
}
