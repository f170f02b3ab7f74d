//! An HTTP request as curl would send it, judged when it is answered.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use std::{error::Error, io, pin::pin};
use url::{Position, Url};

use super::{Answer, Endpoint, Probe, Stage, Step, open, proxy::Proxy, redirect};
use crate::{
    lookup,
    options::ProbeOptions,
    reason::{Reason, Sign},
    stream::{self, Stream},
    target::{Host, Place},
};

/// How this tool names itself to servers.
pub(super) const USER_AGENT: &str = concat!("health-wait/", env!("CARGO_PKG_VERSION"));
/// How much of a body is read.
const MOST_OF_A_BODY: usize = 1 << 20;
/// How much of a head is read.
const MOST_OF_A_HEAD: usize = 256 << 10;
/// How many redirects are followed.
const MOST_REDIRECTS: usize = 10;

/// A connection to ask a server on.
struct Hop {
    stream: Stream,
    reader: Reader,
}

/// Who reads the request at the other end.
enum Reader {
    /// The server itself.
    Server,
    /// A proxy, and what it wants to know of its user.
    Proxy(Option<HeaderValue>),
}

impl Probe<'_> {
    pub(super) async fn ask_http(
        &self,
        first: &Url,
        place: &Place,
        endpoint: Endpoint,
        stage: &Stage,
    ) -> Result<Answer, Reason> {
        let mut url = first.clone();
        let mut method = self.options.method.clone();
        for _ in 0..=MOST_REDIRECTS {
            stage.enter(Step::Connecting);
            let at_home = url.origin() == first.origin();
            let hop = if at_home {
                self.secure(open(place, endpoint).await?, &url, self.proxy.as_ref(), stage).await?
            } else {
                self.open_elsewhere(&url, stage).await?
            };
            stage.enter(Step::Asked);
            let request = request(&url, &method, self.options, at_home, hop.reader)?;
            let (status, headers, body) = exchange(hop.stream, request, self.options, stage).await?;
            if self.options.follow
                && let Some(next) = redirect::next(&url, status, &headers)?
            {
                method = redirect::method(method, status);
                url = next;
                continue;
            }
            return self.options.judge(status, &body);
        }
        Err(Reason::answered(format!("more than {MOST_REDIRECTS} redirects")))
    }

    /// Connects to where a redirect leads.
    async fn open_elsewhere(&self, url: &Url, stage: &Stage) -> Result<Hop, Reason> {
        let proxy = Proxy::from_environment(url);
        let host = match &proxy {
            Some(proxy) => proxy.host().clone(),
            None => Host::of_url(url, None).map_err(Reason::answered)?,
        };
        let mut refused = None;
        for address in lookup::addresses(&host).await? {
            match stream::to_address(address).await {
                Ok(stream) => return self.secure(Box::new(stream), url, proxy.as_ref(), stage).await,
                Err(reason) => refused = Some(reason),
            }
        }
        let refused = refused.unwrap_or_else(|| Reason::new(Sign::Unreachable, "no address"));
        Err(Reason { text: format!("redirected to {}: {refused}", host.authority()), ..refused })
    }

    /// Lays a tunnel through the proxy and TLS over the connection, where they are needed.
    async fn secure(&self, stream: Stream, url: &Url, proxy: Option<&Proxy>, stage: &Stage) -> Result<Hop, Reason> {
        if let Some(proxy) = proxy {
            proxy.is_usable()?;
        }
        if url.scheme() != "https" {
            let reader = proxy.map_or(Reader::Server, |proxy| Reader::Proxy(proxy.authorization().cloned()));
            return Ok(Hop { stream, reader });
        }
        let host = Host::of_url(url, None).map_err(Reason::answered)?;
        let stream = match proxy {
            Some(proxy) => proxy.tunnel(stream, &host.authority()).await?,
            None => stream,
        };
        stage.enter(Step::Securing);
        Ok(Hop { stream: Box::new(self.tls.handshake(stream, &host.name).await?), reader: Reader::Server })
    }
}

fn request(
    url: &Url,
    method: &Method,
    options: &ProbeOptions,
    at_home: bool,
    reader: Reader,
) -> Result<Request<Empty<Bytes>>, Reason> {
    let (form, authorization) = match reader {
        Reader::Server => (Position::BeforePath, None),
        Reader::Proxy(authorization) => (Position::BeforeScheme, authorization),
    };
    let uri: Uri = url[form..Position::AfterQuery]
        .parse()
        .map_err(|error| Reason::new(Sign::Unclear, format!("the URL cannot be sent: {error}")))?;
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
    let mut headers = HeaderMap::new();
    headers.extend(host.ok().map(|host| (header::HOST, host)));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.extend(credentials(url).map(|value| (header::AUTHORIZATION, value)));
    headers.extend(authorization.map(|value| (header::PROXY_AUTHORIZATION, value)));
    // what identifies the caller is not for whoever the server redirects to
    let sent = options
        .header
        .iter()
        .filter(|one| at_home || ![header::AUTHORIZATION, header::COOKIE, header::HOST].contains(&one.name));
    for given in sent.clone() {
        headers.remove(&given.name);
    }
    for given in sent {
        headers.append(&given.name, given.value.clone());
    }
    let mut request = Request::new(Empty::new());
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Makes the header of `http://user:password@host/` (RFC 7617).
fn credentials(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
    HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair))).ok()
}

async fn exchange(
    stream: Stream,
    request: Request<Empty<Bytes>>,
    options: &ProbeOptions,
    stage: &Stage,
) -> Result<(StatusCode, HeaderMap, Vec<u8>), Reason> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MOST_OF_A_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = answer.status();
        if let Some(reason) = options.fails(status) {
            return Err(reason);
        }
        stage.enter(Step::Reading);
        let headers = answer.headers().clone();
        let body = if options.needs_body(status) { read(answer).await? } else { Vec::new() };
        Ok((status, headers, body))
    };
    drive(connection, answer).await
}

/// Moves the connection, which does nothing by itself, for as long as the work on it takes.
pub(super) async fn drive<T>(connection: impl Future, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        // the connection has ended; what it brought is still to be worked on
        _ = connection => {}
    }
    work.await
}

/// Reads a body to its end, or to the most that is read of any. It is read also where nothing is expected of it: a
/// server that breaks off in the middle of its answer is not healthy.
async fn read(answer: Response<Incoming>) -> Result<Vec<u8>, Reason> {
    let mut read = Vec::new();
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match broken(&error) {
            Reason { sign: Sign::Silent, .. } => {
                Reason::new(Sign::Silent, "connection closed in the middle of the answer")
            }
            other => other,
        })?;
        let Some(data) = frame.data_ref() else { continue };
        read.extend_from_slice(&data[..data.len().min(MOST_OF_A_BODY - read.len())]);
        if read.len() == MOST_OF_A_BODY {
            break;
        }
    }
    Ok(read)
}

/// Words an error of the HTTP library.
pub(super) fn broken(error: &hyper::Error) -> Reason {
    // the library tells this kind apart for servers only
    if error.is_parse() && error.to_string().contains("too large") {
        return Reason::answered("the head of the answer is too long");
    }
    if error.is_parse() {
        return Reason::answered("the answer is not HTTP");
    }
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(error)
            if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
                && error.get_ref().is_none_or(|inner| crate::tls::reason(inner).is_none()) =>
        {
            Reason::answered("the answer is not HTTP")
        }
        Some(error) => Reason::from_io(error),
        None if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            Reason::new(Sign::Silent, "connection closed before an answer")
        }
        None => Reason::answered(format!("HTTP: {error}")),
    }
}
