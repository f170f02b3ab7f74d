//! An HTTP request, with what it leads to: a proxy, TLS, redirects.

use url::Url;

use super::{
    answer::{Answer, Outcome},
    endpoint::Endpoint,
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
    tls::{Tls, Trust},
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
    proxy: Option<Proxy>,
    tls: Tls<'a>,
}

impl<'a> HttpProbe<'a> {
    pub(super) fn new(url: &'a Url, place: &'a Place, options: &'a ProbeOptions, trust: &'a Trust) -> Self {
        let proxy = match place {
            Place::Host(_) => Proxy::from_environment(url),
            Place::Socket(_) => None,
        };
        Self { url, place, options, proxy, tls: Tls::new(trust, b"http/1.1") }
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
        let mut method = self.options.method.clone();
        for _ in 0..=MOST_REDIRECTS {
            stage.enter(Step::Connecting);
            let at_home = url.origin() == self.url.origin();
            let hop = if at_home {
                self.secure(stream::open(self.place, endpoint).await?, &url, self.proxy.as_ref(), stage).await?
            } else {
                self.open_elsewhere(&url, stage).await?
            };
            stage.enter(Step::Asked);
            let request = request(&url, &method, &self.options.header, at_home, hop.reader)?;
            let (status, headers, body) = exchange(hop.stream, request, &expected, stage).await?;
            if self.options.follow
                && let Some(next) = redirect::next(&url, status, &headers)?
            {
                method = redirect::method(method, status);
                url = next;
                continue;
            }
            expected.judge(status, &body)?;
            return Ok(Answer { does: format!("answers {}", words(status)), status: Some(status.as_u16()) });
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
            match tcp::connect(address).await {
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
