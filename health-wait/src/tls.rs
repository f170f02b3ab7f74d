//! TLS: whom to trust, and what is wrong with a certificate, in words.

use std::{cell::OnceCell, error::Error, fmt, path::PathBuf, sync::Arc};

use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, CertificateError, ClientConfig, OtherError, RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier},
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::{
    options::ProbeOptions,
    reason::{Reason, Sign},
};

mod verifier;

use verifier::{Anyone, Trusted};

/// The way to TLS, made ready when the first connection needs it: reading the system's certificates takes longer than
/// a whole request without TLS.
pub(crate) struct Tls {
    roots: Roots,
    protocol: &'static [u8],
    connector: OnceCell<TlsConnector>,
}

enum Roots {
    System,
    File(Vec<CertificateDer<'static>>),
    Anyone,
}

/// A file of certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the certificates in {path:?}: {reason}")]
pub struct InvalidCertificates {
    path: PathBuf,
    reason: String,
}

/// A certificate that nobody but itself vouches for.
#[derive(Debug)]
struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("self-signed")
    }
}

impl Error for SelfSigned {}

impl Tls {
    /// Prepares TLS for an application protocol, by its ALPN name (RFC 7301).
    pub(crate) fn new(options: &ProbeOptions, protocol: &'static [u8]) -> Result<Self, InvalidCertificates> {
        let roots = match &options.cacert {
            Some(path) => {
                let invalid = |reason| InvalidCertificates { path: path.clone(), reason };
                let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
                let certificates = read.map_err(|error| {
                    invalid(match error {
                        rustls::pki_types::pem::Error::Io(error) => proc_tree::cli::text::os_error(&error),
                        _ => "it is not PEM".into(),
                    })
                })?;
                if certificates.is_empty() {
                    return Err(invalid("there are none".into()));
                }
                Roots::File(certificates)
            }
            None => Roots::System,
        };
        let roots = if options.insecure { Roots::Anyone } else { roots };
        Ok(Self { roots, protocol, connector: OnceCell::new() })
    }

    /// Speaks TLS on a connection.
    pub(crate) async fn handshake<S: crate::stream::Connection>(
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
        connector.connect(name, stream).await.map_err(|error| Reason::from_io(&error))
    }

    fn connector(&self) -> Result<TlsConnector, String> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match &self.roots {
            Roots::Anyone => Arc::new(Anyone(Arc::clone(&provider))),
            Roots::File(certificates) => Arc::new(trusted(certificates, &provider)?),
            Roots::System => Arc::new(trusted(&system_certificates()?, &provider)?),
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![self.protocol.to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

impl fmt::Debug for Tls {
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

/// Words an error of a TLS handshake; `None` when it is none.
pub(crate) fn reason(error: &(dyn Error + 'static)) -> Option<Reason> {
    use rustls::Error as Tls;
    let words = match error.downcast_ref::<Tls>()? {
        Tls::InvalidCertificate(error) => certificate(error),
        Tls::InvalidMessage(_) => "the server does not speak TLS".into(),
        Tls::AlertReceived(alert) => format!("the server refused the TLS handshake ({alert:?})"),
        Tls::PeerIncompatible(_) => "the server and this tool have no version or cipher of TLS in common".into(),
        other => format!("TLS: {other}"),
    };
    Some(Reason::answered(words))
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate not valid yet".into()
        }
        CertificateError::NotValidForName => "certificate is for another host".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let named: Vec<_> = presented.iter().take(3).map(|name| name_in(name)).collect();
            let named = if named.is_empty() { "none".into() } else { named.join(", ") };
            format!(
                "certificate is for another host: {}, not {}",
                proc_tree::cli::text::escape(&named),
                expected.to_str()
            )
        }
        CertificateError::UnknownIssuer => "certificate signed by an unknown authority".into(),
        CertificateError::Other(OtherError(inner)) if inner.is::<SelfSigned>() => "certificate is self-signed".into(),
        CertificateError::Revoked => "certificate revoked".into(),
        other => format!("certificate invalid: {other}"),
    }
}

/// rustls presents names as `DnsName("localhost")`.
fn name_in(presented: &str) -> &str {
    presented.split('"').nth(1).unwrap_or(presented)
}
