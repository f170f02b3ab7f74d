//! The certificate that this tool shows to servers that ask for one.

use std::path::Path;

use tokio_rustls::rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::CertifiedKey,
};

use super::pem::{self, InvalidCertificates};

/// A certificate with its chain, and its key.
#[derive(Debug)]
pub(crate) struct ClientCertificate {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl ClientCertificate {
    /// Reads a certificate and its key from PEM files; without `key` both stand in one.
    pub(crate) fn read(cert: Option<&Path>, key: Option<&Path>) -> Result<Option<Self>, InvalidCertificates> {
        let Some(cert) = cert else { return Ok(None) };
        let chain = pem::certificates(cert)?;
        let path = key.unwrap_or(cert);
        let key = pem::key(path)?;
        // that it is the certificate's key is found out now, not at the first request
        CertifiedKey::from_der(chain.clone(), key.clone_key(), &ring::default_provider()).map_err(|_| {
            InvalidCertificates {
                what: "key",
                path: path.to_owned(),
                reason: "it is not the certificate's, or of a kind that is not supported".into(),
            }
        })?;
        Ok(Some(Self { chain, key }))
    }
}
