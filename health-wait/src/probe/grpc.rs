//! The standard gRPC health check: one unary call of `grpc.health.v1.Health/Check` over HTTP/2.
//!
//! Source: <https://github.com/grpc/grpc/blob/master/doc/health-checking.md> and `PROTOCOL-HTTP2.md` beside it. One
//! call with one field each way needs no gRPC runtime, only HTTP/2 and protocol buffers; and a connection of our own
//! ends with the attempt, which a pooled channel's does not.

use bytes::{Bytes, BytesMut};
use h2::{RecvStream, client::SendRequest};
use hyper::{HeaderMap, Method, Request, StatusCode, header};

mod message;
mod status;

use message::{frame, serving};
use status::refusal;

use super::{
    answer::Outcome,
    endpoint::Endpoint,
    http::request::USER_AGENT,
    http2::broken,
    stage::{Stage, Step},
    stream::{self, Stream},
};
use crate::{
    expect::status::words as status_words,
    options::header::Header,
    reason::{Reason, Sign},
    target::{host::Host, kind::Place},
    tls::{HTTP_2, Identities, Tls},
};

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
    /// Makes it ready, over TLS where there are identities for that.
    pub(super) fn new(host: &'a Host, service: &'a str, headers: &'a [Header], tls: Option<&'a Identities>) -> Self {
        let tls = tls.map(|identities| Tls::new(identities, &[HTTP_2]));
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
            stream = Box::new(tls.handshake(stream, self.host.without_zone()).await?);
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
