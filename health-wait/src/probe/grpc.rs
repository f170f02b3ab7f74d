//! The standard gRPC health check: one unary call of `grpc.health.v1.Health/Check` over HTTP/2.
//!
//! Source: <https://github.com/grpc/grpc/blob/master/doc/health-checking.md> and `PROTOCOL-HTTP2.md` beside it. One
//! call with one field each way needs no gRPC runtime, only HTTP/2 and protocol buffers; and a connection of our own
//! ends with the attempt, which a pooled channel's does not.

use bytes::{BufMut, Bytes, BytesMut};
use h2::{RecvStream, client::SendRequest};
use hyper::{HeaderMap, Method, Request, StatusCode, header};
use prost::Message;

use super::{
    answer::{Answer, Outcome},
    endpoint::Endpoint,
    http::request::USER_AGENT,
    stage::{Stage, Step},
    stream::{self, Stream},
};
use crate::{
    expect::status::words as status_words,
    options::header::Header,
    reason::{Reason, Sign, quote},
    target::{host::Host, kind::Place},
    tls::{self, Tls, Trust},
};

#[derive(Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Message)]
struct HealthCheckResponse {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    status: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum ServingStatus {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    ServiceUnknown = 3,
}

/// A message is preceded by whether it is compressed, and by its length.
const PREFIX: usize = 5;
/// An answer of one field has no use for more.
const MOST: usize = 64 * 1024;

/// A service whose health is asked for; the empty name means the whole server.
#[derive(Debug)]
pub(crate) struct GrpcProbe<'a> {
    place: Place,
    host: &'a Host,
    service: &'a str,
    headers: &'a [Header],
    tls: Option<Tls<'a>>,
}

impl<'a> GrpcProbe<'a> {
    /// Makes it ready, over TLS where there is somebody to trust.
    pub(super) fn new(host: &'a Host, service: &'a str, headers: &'a [Header], trust: Option<&'a Trust>) -> Self {
        let tls = trust.map(|trust| Tls::new(trust, b"h2"));
        Self { place: Place::Host(host.clone()), host, service, headers, tls }
    }

    pub(super) fn host(&self) -> &Host {
        self.host
    }

    /// Asks whether the service is serving.
    pub(super) async fn ask(&self, endpoint: Endpoint, stage: &Stage) -> Outcome {
        let mut stream = stream::open(&self.place, endpoint).await?;
        if let Some(tls) = &self.tls {
            stage.enter(Step::Securing);
            stream = Box::new(tls.handshake(stream, &self.host.name).await?);
        }
        stage.enter(Step::Asked);
        self.check(stream).await
    }

    async fn check(&self, stream: Stream) -> Outcome {
        let (sender, connection) = h2::client::handshake(stream).await.map_err(|error| broken(&error))?;
        let request = request(&self.host.authority(), self.tls.is_some(), self.headers)?;
        let call = call(sender, request, self.service);
        // the connection only moves while it is polled; it ends when the call has dropped its streams
        tokio::select! {
            biased;
            answer = call => answer,
            Err(error) = connection => Err(broken(&error)),
        }
    }
}

fn request(authority: &str, tls: bool, headers: &[Header]) -> Result<Request<()>, Reason> {
    let scheme = if tls { "https" } else { "http" };
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("{scheme}://{authority}/grpc.health.v1.Health/Check"))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .header(header::USER_AGENT, USER_AGENT);
    for Header { name, value } in headers {
        request = request.header(name, value);
    }
    request.body(()).map_err(|error| Reason::new(Sign::Unclear, error.to_string()))
}

async fn call(sender: SendRequest<Bytes>, request: Request<()>, service: &str) -> Outcome {
    let mut sender = sender.ready().await.map_err(|error| broken(&error))?;
    let (answer, mut body) = sender.send_request(request, false).map_err(|error| broken(&error))?;
    body.send_data(frame(service), true).map_err(|error| broken(&error))?;
    let answer = answer.await.map_err(|error| broken(&error))?;
    let (head, body) = answer.into_parts();
    if head.status != StatusCode::OK {
        return Err(Reason::answered(status_words(head.status)).with_status(head.status.as_u16()));
    }
    let is_grpc =
        head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    if !is_grpc {
        return Err(Reason::answered("the answer is not gRPC"));
    }
    let (message, trailers) = read(body).await?;
    // an error without a message is told in the headers alone
    let status = trailers.as_ref().and_then(code).or_else(|| code(&head.headers));
    if let Some(reason) =
        status.as_deref().and_then(|status| refusal(status, service, trailers.as_ref().unwrap_or(&head.headers)))
    {
        return Err(reason);
    }
    serving(&message, service)
}

fn frame(service: &str) -> Bytes {
    let request = HealthCheckRequest { service: service.to_owned() };
    let mut frame = BytesMut::with_capacity(PREFIX + request.encoded_len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(request.encoded_len()).unwrap_or(u32::MAX));
    frame.put_slice(&request.encode_to_vec());
    frame.freeze()
}

async fn read(mut body: RecvStream) -> Result<(BytesMut, Option<HeaderMap>), Reason> {
    let mut message = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| broken(&error))?;
        if message.len() + data.len() > MOST {
            return Err(Reason::answered("the answer is too long for a health check"));
        }
        // the window was used up only as far as it is given back; an error means that nothing more will come
        let _ = body.flow_control().release_capacity(data.len());
        message.extend_from_slice(&data);
    }
    let trailers = body.trailers().await.map_err(|error| broken(&error))?;
    Ok((message, trailers))
}

fn code(headers: &HeaderMap) -> Option<String> {
    headers.get("grpc-status")?.to_str().ok().map(str::to_owned)
}

/// Words a gRPC status that is not OK (<https://grpc.io/docs/guides/status-codes/>).
fn refusal(status: &str, service: &str, headers: &HeaderMap) -> Option<Reason> {
    let name = match status {
        "0" => return None,
        "5" if service.is_empty() => {
            return Some(Reason::answered("the server does not know its own health (NOT_FOUND)"));
        }
        "5" => return Some(Reason::answered(format!("unknown service {}", quote(service)))),
        "12" => return Some(Reason::answered("the server has no health service (UNIMPLEMENTED)")),
        "1" => "CANCELLED",
        "2" => "UNKNOWN",
        "3" => "INVALID_ARGUMENT",
        "4" => "DEADLINE_EXCEEDED",
        "6" => "ALREADY_EXISTS",
        "7" => "PERMISSION_DENIED",
        "8" => "RESOURCE_EXHAUSTED",
        "9" => "FAILED_PRECONDITION",
        "10" => "ABORTED",
        "11" => "OUT_OF_RANGE",
        "13" => "INTERNAL",
        "14" => "UNAVAILABLE",
        "15" => "DATA_LOSS",
        "16" => "UNAUTHENTICATED",
        other => return Some(Reason::answered(format!("gRPC status {}", quote(other)))),
    };
    let said =
        headers.get("grpc-message").map(|message| format!(": {}", quote(&String::from_utf8_lossy(message.as_bytes()))));
    Some(Reason::answered(format!("{name}{}", said.unwrap_or_default())))
}

fn serving(message: &[u8], service: &str) -> Outcome {
    let response =
        message.get(PREFIX..).filter(|_| message[0] == 0).and_then(|bytes| HealthCheckResponse::decode(bytes).ok());
    let Some(response) = response else { return Err(Reason::answered("the answer is no health check's")) };
    match ServingStatus::try_from(response.status) {
        Ok(ServingStatus::Serving) => Ok(Answer::new("answers SERVING")),
        Ok(ServingStatus::NotServing) => Err(Reason::answered("NOT_SERVING")),
        Ok(ServingStatus::ServiceUnknown) => Err(Reason::answered(format!("unknown service {}", quote(service)))),
        Ok(ServingStatus::Unknown) => Err(Reason::answered("UNKNOWN: the server does not say whether it serves")),
        Err(_) => Err(Reason::answered(format!("health status {}, which is none", response.status))),
    }
}

fn broken(error: &h2::Error) -> Reason {
    match error.get_io() {
        Some(error) => tls::fault::reason(error),
        None if error.is_remote() => Reason::answered(format!("the server broke off: {}", words(error))),
        None => Reason::answered(format!("the server does not speak HTTP/2: {}", words(error))),
    }
}

fn words(error: &h2::Error) -> String {
    error.reason().map_or_else(|| error.to_string(), |reason| reason.description().to_owned())
}
