//! A request as curl would send it.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Uri,
    header::{self, HeaderValue},
};
use url::{Position, Url};

use crate::{
    options::header::Header,
    reason::{Reason, Sign},
};

/// How this tool names itself to servers.
pub(in super::super) const USER_AGENT: &str = concat!("health-wait/", env!("CARGO_PKG_VERSION"));

/// What a body is taken for, as curl has it.
const FORM: &str = "application/x-www-form-urlencoded";

/// Who reads the request at the other end.
pub(super) enum Reader {
    /// The server itself.
    Server,
    /// A proxy, and what it wants to know of its user.
    Proxy(Option<HeaderValue>),
}

/// Makes the request of an attempt; `at_home` where it goes to the server that the target names.
pub(super) fn request(
    url: &Url,
    method: &Method,
    body: Option<&Bytes>,
    given: &[Header],
    at_home: bool,
    reader: Reader,
) -> Result<Request<Full<Bytes>>, Reason> {
    // a proxy is told the server, but not its user: what it is asked for ends up in logs
    let (scheme, start, authorization) = match reader {
        Reader::Server => ("", Position::BeforePath, None),
        Reader::Proxy(authorization) => (&url[..Position::BeforeUsername], Position::BeforeHost, authorization),
    };
    let uri: Uri = format!("{scheme}{}", &url[start..Position::AfterQuery])
        .parse()
        .map_err(|error| Reason::new(Sign::Unclear, format!("the URL cannot be sent: {error}")))?;
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
    let mut headers = HeaderMap::new();
    headers.extend(host.ok().map(|host| (header::HOST, host)));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.extend(body.map(|_| (header::CONTENT_TYPE, HeaderValue::from_static(FORM))));
    headers.extend(credentials(url).map(|value| (header::AUTHORIZATION, value)));
    headers.extend(authorization.map(|value| (header::PROXY_AUTHORIZATION, value)));
    // what identifies the caller is not for whoever the server redirects to
    let sent = given
        .iter()
        .filter(|one| at_home || ![header::AUTHORIZATION, header::COOKIE, header::HOST].contains(&one.name));
    for one in sent.clone() {
        headers.remove(&one.name);
    }
    for one in sent {
        headers.append(&one.name, one.value.clone());
    }
    let mut request = Request::new(body.cloned().map_or_else(Full::default, Full::new));
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Makes it one of HTTP/2, which names the server in the URL.
pub(super) fn absolute(mut request: Request<Full<Bytes>>, url: &Url) -> Result<Request<Full<Bytes>>, Reason> {
    let named = request.headers_mut().remove(header::HOST);
    let authority = named.as_ref().map_or(&[][..], HeaderValue::as_bytes);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = Uri::builder().scheme(url.scheme()).authority(authority).path_and_query(path).build();
    *request.uri_mut() = uri.map_err(|error| Reason::new(Sign::Unclear, format!("the URL cannot be sent: {error}")))?;
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
