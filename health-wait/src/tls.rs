//! TLS: whom to trust, and how a connection is secured.

use std::{cell::OnceCell, fmt, path::Path, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier},
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, ServerName},
    },
};

use crate::{
    options::ProbeOptions,
    reason::{Reason, Sign},
};

mod client;
pub(crate) mod fault;
pub(crate) mod pem;
mod verifier;

use client::ClientCertificate;
use pem::InvalidCertificates;
use verifier::{Anyone, Trusted};

/// The names of application protocols (ALPN, RFC 7301).
pub(crate) const HTTP_1: &[u8] = b"http/1.1";
pub(crate) const HTTP_2: &[u8] = b"h2";

/// Whose certificates are accepted.
#[derive(Debug)]
enum Trust {
    /// Those that the system's authorities vouch for.
    System,
    /// Those that these certificates vouch for.
    File(Vec<CertificateDer<'static>>),
    /// All.
    Anyone,
}

/// Whom to trust, and what to show.
#[derive(Debug)]
pub(crate) struct Identities {
    trust: Trust,
    own: Option<ClientCertificate>,
}

impl Identities {
    /// Reads the files that the options name.
    pub(crate) fn read(options: &ProbeOptions) -> Result<Self, InvalidCertificates> {
        let own = ClientCertificate::read(options.cert.as_deref(), options.key.as_deref())?;
        Ok(Self { trust: Trust::read(options.cacert.as_deref(), options.insecure)?, own })
    }
}

impl Trust {
    /// Reads the certificates to trust from a PEM file, else trusts the system's.
    fn read(cacert: Option<&Path>, insecure: bool) -> Result<Self, InvalidCertificates> {
        let certificates = cacert.map(pem::certificates).transpose()?;
        Ok(match certificates {
            _ if insecure => Self::Anyone,
            Some(certificates) => Self::File(certificates),
            None => Self::System,
        })
    }
}

/// The way to TLS, made ready when the first connection needs it: reading the system's certificates takes longer than
/// a whole request without TLS.
pub(crate) struct Tls<'a> {
    identities: &'a Identities,
    protocols: &'static [&'static [u8]],
    connector: OnceCell<TlsConnector>,
}

impl<'a> Tls<'a> {
    /// Prepares TLS for these application protocols, of which the server chooses.
    pub(crate) fn new(identities: &'a Identities, protocols: &'static [&'static [u8]]) -> Self {
        Self { identities, protocols, connector: OnceCell::new() }
    }

    /// Speaks TLS on a connection.
    pub(crate) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        host: &str,
    ) -> Result<TlsStream<S>, Reason> {
        let connector = if let Some(connector) = self.connector.get() {
            connector
        } else {
            let made = self.connector().map_err(|error| Reason::new(Sign::Unclear, error))?;
            self.connector.get_or_init(|| made)
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Reason::new(Sign::Unclear, format!("{host:?} is no name that a certificate could be for")))?;
        connector.connect(name, stream).await.map_err(|error| fault::reason(&error))
    }

    fn connector(&self) -> Result<TlsConnector, String> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match &self.identities.trust {
            Trust::Anyone => Arc::new(Anyone),
            Trust::File(certificates) => Arc::new(trusted(certificates, &provider)?),
            Trust::System => Arc::new(trusted(&system_certificates()?, &provider)?),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &self.identities.own {
            Some(own) => config.with_client_auth_cert(own.chain.clone(), own.key.clone_key()),
            None => Ok(config.with_no_client_auth()),
        }
        .map_err(|error| error.to_string())?;
        config.alpn_protocols = self.protocols.iter().map(|name| name.to_vec()).collect();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

impl fmt::Debug for Tls<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn system_certificates() -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(match found.errors.first() {
            Some(error) => format!("cannot read the system's certificates ({error})"),
            None => "the system has no certificates; --cacert names others".into(),
        });
    }
    Ok(found.certs)
}

fn trusted(certificates: &[CertificateDer<'static>], provider: &Arc<CryptoProvider>) -> Result<Trusted, String> {
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(certificates.iter().cloned());
    if usable == 0 {
        return Err("no certificate to trust could be understood".into());
    }
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let chains = chains.build().map_err(|error| error.to_string())?;
    Ok(Trusted { chains, own: certificates.to_vec() })
}
