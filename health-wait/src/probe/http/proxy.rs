//! The proxy that the environment names: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`, as curl has them.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Method, Request,
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::{client::proxy::matcher::Matcher, rt::TokioIo};
use url::Url;

use super::exchange::{broken, drive};
use crate::{
    expect::status::words,
    probe::stream::Stream,
    reason::{Reason, Sign},
    target::host::{Host, is_loopback},
};

/// An HTTP proxy.
#[derive(Debug)]
pub(super) struct Proxy {
    scheme: String,
    host: Host,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Finds the proxy for a URL. What runs on this machine is asked directly.
    pub(super) fn from_environment(url: &Url) -> Option<Self> {
        let host = Host::of_url(url, None).ok()?;
        let near = host.literal().map_or_else(|| host.is_localhost(), |address| is_loopback(address.ip()));
        if near {
            return None;
        }
        let found = Matcher::from_env().intercept(&url.as_str().parse().ok()?)?;
        let uri = found.uri();
        let name = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self {
            scheme: uri.scheme_str().unwrap_or("http").to_owned(),
            host: Host { name, port: uri.port_u16().unwrap_or(80), at: None },
            authorization: found.basic_auth().cloned(),
        })
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Words why it cannot be reached, which says nothing about the server.
    pub(super) fn failed(&self, reason: &Reason) -> Reason {
        Reason::new(Sign::Unclear, format!("the proxy {}: {reason}", self.host.authority()))
    }

    pub(super) fn is_usable(&self) -> Result<(), Reason> {
        match self.scheme.as_str() {
            "http" => Ok(()),
            other => Err(Reason::new(Sign::Unclear, format!("proxies of the kind {other:?} cannot be used"))),
        }
    }

    /// Asks the proxy for a connection to a server (RFC 9110, section 9.3.6).
    pub(super) async fn tunnel(&self, stream: Stream, authority: &str) -> Result<Stream, Reason> {
        let mut request = Request::builder().method(Method::CONNECT).uri(authority).header(header::HOST, authority);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::PROXY_AUTHORIZATION, authorization);
        }
        let request =
            request.body(Empty::<Bytes>::new()).map_err(|error| Reason::new(Sign::Unclear, error.to_string()))?;
        let failed = |error: hyper::Error| self.failed(&broken(&error));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
        let tunnel = async {
            let answer = sender.send_request(request).await.map_err(failed)?;
            if !answer.status().is_success() {
                return Err(self.failed(&Reason::answered(words(answer.status()))));
            }
            let upgraded = hyper::upgrade::on(answer).await.map_err(failed)?;
            Ok(Box::new(TokioIo::new(upgraded)) as Stream)
        };
        drive(connection.with_upgrades(), tunnel).await
    }
}
