//! An HTTP request, with what it leads to: a proxy, TLS, redirects.

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
    tcp,
};
use crate::{
    expect::status::words,
    options::ProbeOptions,
    reason::{Reason, Sign},
    target::{host::Host, kind::Place},
    tls::Tls,
};

mod exchange;
mod proxy;
mod redirect;
pub(super) mod request;

use exchange::exchange;
use proxy::Proxy;
use request::{Reader, request};

/// How many redirects are followed.
const MOST_REDIRECTS: usize = 10;

/// A connection to ask a server on.
struct Hop {
    stream: Stream,
    reader: Reader,
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
}

impl<'a> HttpProbe<'a> {
    pub(super) fn new(url: &'a Url, place: &'a Place, options: &'a ProbeOptions, inputs: &'a Inputs) -> Self {
        let proxy = match place {
            Place::Host(_) => Proxy::from_environment(url),
            Place::Socket(_) => None,
        };
        Self { url, place, options, body: inputs.body.as_ref(), proxy, tls: Tls::new(&inputs.identities, b"http/1.1") }
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
            stage.enter(Step::Connecting);
            let at_home = url.origin() == self.url.origin();
            let hop = if at_home {
                let stream = stream::open(self.place, endpoint).await;
                self.secure(
                    stream.map_err(|reason| of_proxy(self.proxy.as_ref(), reason))?,
                    &url,
                    self.proxy.as_ref(),
                    stage,
                )
                .await?
            } else {
                self.open_elsewhere(&url, stage).await?
            };
            stage.enter(Step::Asked);
            let request = request(&url, &method, sent, &self.options.header, at_home, hop.reader)?;
            let (status, headers, answer) = exchange(hop.stream, request, &expected, stage).await?;
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

    /// Connects to where a redirect leads.
    async fn open_elsewhere(&self, url: &Url, stage: &Stage) -> Result<Hop, Reason> {
        let proxy = Proxy::from_environment(url);
        let elsewhere = Host::of_url(url, None).map_err(Reason::answered)?;
        let host = proxy.as_ref().map_or(&elsewhere, Proxy::host);
        let mut refused = None;
        for address in lookup::addresses(host).await? {
            match tcp::connect(address).await {
                Ok(stream) => return self.secure(Box::new(stream), url, proxy.as_ref(), stage).await,
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

/// Names the proxy that could not be connected to, where there is one.
fn of_proxy(proxy: Option<&Proxy>, reason: Reason) -> Reason {
    match proxy {
        Some(proxy) => proxy.failed(&reason),
        None => reason,
    }
}
