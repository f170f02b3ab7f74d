//! An HTTP request, with what it leads to: a proxy, TLS, redirects.

use std::cell::Cell;

use bytes::Bytes;
use hyper::Method;
use url::Url;

use super::{
    answer::{Answer, Outcome},
    endpoint::Endpoint,
    inputs::Inputs,
    lookup,
    stage::{Stage, Step},
    stream::{self, Stream},
};
use crate::{
    expect::{Expectations, status::words},
    options::ProbeOptions,
    reason::{Reason, Sign},
    target::{host::Host, kind::Place},
    tls::{HTTP_1, HTTP_2, Tls},
};

mod exchange;
mod proxy;
mod redirect;
pub(super) mod request;

use exchange::{Exchanged, Unanswered};
use proxy::Proxy;
use request::{Reader, request};

/// How many redirects are followed.
const MOST_REDIRECTS: usize = 10;

/// A connection to ask a server on.
struct Hop {
    stream: Stream,
    reader: Reader,
    is_http2: bool,
}

/// A URL that is asked, where it leads directly or by the environment's proxy.
#[derive(Debug)]
pub(crate) struct HttpProbe<'a> {
    url: &'a Url,
    place: &'a Place,
    options: &'a ProbeOptions,
    body: Option<&'a Bytes>,
    proxy: Option<Proxy>,
    tls: Tls<'a>,
    /// Whether the server answered HTTP/2 without TLS before, which nobody can tell until it has answered.
    is_http2: Cell<bool>,
}

impl<'a> HttpProbe<'a> {
    pub(super) fn new(url: &'a Url, place: &'a Place, options: &'a ProbeOptions, inputs: &'a Inputs) -> Self {
        let proxy = match place {
            Place::Host(_) => Proxy::from_environment(url),
            Place::Socket(_) => None,
        };
        let tls = Tls::new(&inputs.identities, &[HTTP_1, HTTP_2]);
        Self { url, place, options, body: inputs.body.as_ref(), proxy, tls, is_http2: Cell::default() }
    }

    /// Returns the host to connect to; `None` where it is a Unix socket.
    pub(super) fn host(&self) -> Option<&Host> {
        match (&self.proxy, self.place) {
            (Some(proxy), _) => Some(proxy.host()),
            (None, Place::Host(host)) => Some(host),
            (None, Place::Socket(_)) => None,
        }
    }

    pub(super) fn place(&self) -> &'a Place {
        self.place
    }

    /// Asks once, at one address.
    pub(super) async fn ask(&self, endpoint: Endpoint, stage: &Stage) -> Outcome {
        let expected = self.options.expectations();
        let mut url = self.url.clone();
        let mut sent = self.body;
        let usual = if sent.is_some() { Method::POST } else { Method::GET };
        let mut method = self.options.method.clone().unwrap_or(usual);
        for _ in 0..=MOST_REDIRECTS {
            let (status, headers, answer) = self.exchange(&url, &method, sent, endpoint, &expected, stage).await?;
            if self.options.follow
                && let Some(next) = redirect::next(&url, status, &headers)?
            {
                let next_method = redirect::method(method.clone(), status);
                sent = sent.filter(|_| next_method == method);
                (method, url) = (next_method, next);
                continue;
            }
            expected.judge(status, &answer)?;
            return Ok(Answer { status: Some(status.as_u16()), ..Answer::new(format!("answers {}", words(status))) });
        }
        Err(Reason::answered(format!("more than {MOST_REDIRECTS} redirects")))
    }

    /// Asks one server, once more where it answers that it speaks nothing but HTTP/2.
    async fn exchange(
        &self,
        url: &Url,
        method: &Method,
        sent: Option<&Bytes>,
        endpoint: Endpoint,
        expected: &Expectations<'_>,
        stage: &Stage,
    ) -> Result<Exchanged, Reason> {
        let at_home = url.origin() == self.url.origin();
        let mut is_http2 = at_home && self.is_http2.get();
        loop {
            stage.enter(Step::Connecting);
            let hop = if at_home { self.open(endpoint, stage).await? } else { self.open_elsewhere(url, stage).await? };
            stage.enter(Step::Asked);
            let request = request(url, method, sent, &self.options.header, at_home, hop.reader)?;
            if is_http2 || hop.is_http2 {
                let answer = exchange::second(hop.stream, request::absolute(request, url)?, expected, stage).await;
                // whatever comes in its place may speak something else
                self.is_http2.set(at_home && is_http2 && answer.is_ok());
                return answer;
            }
            match exchange::first(hop.stream, request, expected, stage).await {
                Ok(answer) => return Ok(answer),
                Err(Unanswered::SpeaksHttp2) => is_http2 = true,
                Err(Unanswered::For(reason)) => return Err(reason),
            }
        }
    }

    /// Connects to the target.
    async fn open(&self, endpoint: Endpoint, stage: &Stage) -> Result<Hop, Reason> {
        let proxy = self.proxy.as_ref();
        let stream = stream::open(self.place, endpoint).await.map_err(|reason| of_proxy(proxy, reason))?;
        self.secure(stream, self.url, proxy, stage).await
    }

    /// Connects to where a redirect leads.
    async fn open_elsewhere(&self, url: &Url, stage: &Stage) -> Result<Hop, Reason> {
        let proxy = Proxy::from_environment(url);
        let elsewhere = Host::of_url(url, None).map_err(Reason::answered)?;
        let host = proxy.as_ref().map_or(&elsewhere, Proxy::host);
        let mut refused = None;
        for address in lookup::addresses(host).await? {
            match stream::open(self.place, Endpoint::Address(address)).await {
                Ok(stream) => return self.secure(stream, url, proxy.as_ref(), stage).await,
                Err(reason) => refused = Some(reason),
            }
        }
        let refused = refused.unwrap_or_else(|| Reason::new(Sign::Unreachable, "no address"));
        let refused = of_proxy(proxy.as_ref(), refused);
        // the target itself has answered
        Err(Reason::answered(format!("redirected to {}: {refused}", elsewhere.authority())))
    }

    /// Lays a tunnel through the proxy and TLS over the connection, where they are needed.
    async fn secure(&self, stream: Stream, url: &Url, proxy: Option<&Proxy>, stage: &Stage) -> Result<Hop, Reason> {
        if let Some(proxy) = proxy {
            proxy.is_usable()?;
        }
        if url.scheme() != "https" {
            let reader = proxy.map_or(Reader::Server, |proxy| Reader::Proxy(proxy.authorization().cloned()));
            return Ok(Hop { stream, reader, is_http2: false });
        }
        let host = Host::of_url(url, None).map_err(Reason::answered)?;
        let stream = match proxy {
            Some(proxy) => proxy.tunnel(stream, &host.authority()).await?,
            None => stream,
        };
        stage.enter(Step::Securing);
        let stream = self.tls.handshake(stream, &host.name).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
        Ok(Hop { stream: Box::new(stream), reader: Reader::Server, is_http2 })
    }
}

/// Names the proxy that could not be connected to, where there is one.
fn of_proxy(proxy: Option<&Proxy>, reason: Reason) -> Reason {
    match proxy {
        Some(proxy) => proxy.failed(&reason),
        None => reason,
    }
}
