//! One attempt at one address of a target, whatever it is.

use crate::{
    options::ProbeOptions,
    schedule::{Pace, limit::Limit},
    target::{
        Target,
        host::Host,
        kind::{Kind, Place},
    },
};

pub(crate) mod answer;
mod beside;
mod bounded;
pub(crate) mod endpoint;
mod exec;
mod file;
mod grpc;
mod http;
mod http2;
pub(crate) mod inputs;
pub(crate) mod lookup;
mod port_free;
pub(crate) mod process;
mod stage;
mod stream;
mod tcp;
mod unix;

use answer::{Answer, Outcome};
use endpoint::Endpoint;
use exec::ExecProbe;
use file::FileProbe;
use grpc::GrpcProbe;
use http::HttpProbe;
use inputs::Inputs;
use port_free::PortFreeProbe;
use process::ProcessProbe;
use stage::{Stage, Step};

/// A target, ready to be probed.
#[derive(Debug)]
pub(crate) enum Probe<'a> {
    Http(Box<HttpProbe<'a>>),
    Connect(&'a Place),
    Grpc(Box<GrpcProbe<'a>>),
    File(FileProbe<'a>),
    Exec(ExecProbe<'a>),
    Process(ProcessProbe),
    PortFree(PortFreeProbe<'a>),
}

impl<'a> Probe<'a> {
    /// Makes a target ready; connects to nothing yet.
    pub(crate) fn new(target: &'a Target, options: &'a ProbeOptions, inputs: &'a Inputs) -> Self {
        match &target.kind {
            Kind::Http { url, place } => Self::Http(Box::new(HttpProbe::new(url, place, options, inputs))),
            Kind::Connect(place) => Self::Connect(place),
            Kind::Grpc { host, tls, service } => {
                let tls = tls.then_some(&inputs.identities);
                Self::Grpc(Box::new(GrpcProbe::new(host, service, &options.header, tls)))
            }
            Kind::File(path) => Self::File(FileProbe::new(path)),
            Kind::Exec { command, folder } => Self::Exec(ExecProbe::new(command, folder.as_deref())),
            Kind::Process(pid) => Self::Process(ProcessProbe::new(*pid)),
            Kind::PortFree(ports) => Self::PortFree(PortFreeProbe::new(ports)),
        }
    }

    /// Returns the host whose addresses the attempts go to; `None` when they go to one thing on this machine.
    pub(crate) fn host(&self) -> Option<&Host> {
        match self {
            Self::Http(probe) => probe.host(),
            Self::Connect(Place::Host(host)) => Some(host),
            Self::Grpc(probe) => Some(probe.host()),
            Self::Connect(Place::Socket(_)) | Self::File(_) | Self::Exec(_) | Self::Process(_) | Self::PortFree(_) => {
                None
            }
        }
    }

    /// Names the endpoint in a record: an IP address, or the path of a socket.
    pub(crate) fn name(&self, endpoint: Endpoint) -> Option<String> {
        let place = match self {
            Self::Http(probe) => Some(probe.place()),
            Self::Connect(place) => Some(*place),
            Self::Grpc(_) | Self::File(_) | Self::Exec(_) | Self::Process(_) | Self::PortFree(_) => None,
        };
        match (endpoint, place) {
            (Endpoint::Address(address), _) => Some(address.ip().to_string()),
            (Endpoint::Here, Some(Place::Socket(path))) => Some(path.to_string_lossy().into_owned()),
            (Endpoint::Here, _) => None,
        }
    }

    /// Asks once. What takes longer than the limit has not answered.
    pub(crate) async fn attempt(&self, endpoint: Endpoint, limit: &Limit) -> Outcome {
        let stage = Stage::of(limit);
        limit.keep(self.ask(endpoint, &stage)).await.unwrap_or_else(|| Err(stage.timed_out(limit)))
    }

    async fn ask(&self, endpoint: Endpoint, stage: &Stage) -> Outcome {
        match self {
            Self::Http(probe) => probe.ask(endpoint, stage).await,
            Self::Connect(place) => {
                drop(stream::open(place, endpoint).await?);
                Ok(Answer::new("accepts connections"))
            }
            Self::Grpc(probe) => probe.ask(endpoint, stage).await,
            Self::File(probe) => probe.look().await,
            Self::Exec(probe) => {
                stage.enter(Step::Asked);
                probe.run().await
            }
            Self::Process(probe) => probe.look(),
            Self::PortFree(probe) => probe.look(),
        }
    }

    /// Tells how soon to ask again after an attempt.
    pub(crate) fn pace(&self, endpoint: Endpoint, outcome: &Outcome) -> Pace {
        match self {
            // each costs some processes
            Self::Exec(_) => Pace { near: false, at_once: false },
            _ => endpoint.pace(outcome),
        }
    }

    /// Waits until there is news that no attempt has to find out: that the process has ended.
    pub(crate) async fn news(&self) {
        match self {
            Self::Process(probe) => probe.ended().await,
            _ => std::future::pending().await,
        }
    }
}
