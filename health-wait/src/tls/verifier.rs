//! Which certificates are accepted.

use std::{fmt, sync::Arc};

use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use webpki::EndEntityCert;

/// A certificate that nobody but itself vouches for.
#[derive(Debug)]
pub(super) struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("self-signed")
    }
}

impl std::error::Error for SelfSigned {}

/// Accepts what the trusted certificates vouch for, and the trusted certificates themselves.
#[derive(Debug)]
pub(super) struct Trusted {
    pub(super) chains: Arc<WebPkiServerVerifier>,
    pub(super) own: Vec<CertificateDer<'static>>,
}

impl Trusted {
    /// A certificate that is both the server's and its own authority, as `openssl req -x509` makes them, is refused
    /// by the path building of RFC 5280 even where it is trusted; every other client takes it. What remains to be
    /// checked is the name: dates are looked at before that refusal.
    fn is_trusted_itself(&self, error: &Error, certificate: &CertificateDer<'_>) -> bool {
        let refused = match error {
            Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => inner.downcast_ref(),
            _ => None,
        };
        matches!(refused, Some(webpki::Error::CaUsedAsEndEntity)) && self.own.contains(certificate)
    }
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let error = match self.chains.verify_server_cert(certificate, intermediates, name, stapled, now) {
            Ok(verified) => return Ok(verified),
            Err(error) => error,
        };
        let Ok(parsed) = EndEntityCert::try_from(certificate) else { return Err(error) };
        if self.is_trusted_itself(&error, certificate) {
            return match parsed.verify_is_valid_for_subject_name(name) {
                Ok(()) => Ok(ServerCertVerified::assertion()),
                Err(_) => Err(CertificateError::NotValidForNameContext {
                    expected: name.to_owned(),
                    presented: parsed.valid_dns_names().map(str::to_owned).collect(),
                }
                .into()),
            };
        }
        let self_signed = parsed.issuer() == parsed.subject();
        let nobody_vouches = matches!(&error, Error::InvalidCertificate(CertificateError::UnknownIssuer))
            || matches!(&error, Error::InvalidCertificate(CertificateError::Other(OtherError(inner)))
                if matches!(inner.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)));
        if self_signed && nobody_vouches {
            return Err(CertificateError::Other(OtherError(Arc::new(SelfSigned))).into());
        }
        Err(error)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Accepts every certificate, and every kind of key: whoever may show any certificate may have any key.
#[derive(Debug)]
pub(super) struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _stapled: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        use SignatureScheme as Scheme;
        vec![
            Scheme::ECDSA_NISTP256_SHA256,
            Scheme::ECDSA_NISTP384_SHA384,
            Scheme::ECDSA_NISTP521_SHA512,
            Scheme::ED25519,
            Scheme::ED448,
            Scheme::RSA_PSS_SHA256,
            Scheme::RSA_PSS_SHA384,
            Scheme::RSA_PSS_SHA512,
            Scheme::RSA_PKCS1_SHA256,
            Scheme::RSA_PKCS1_SHA384,
            Scheme::RSA_PKCS1_SHA512,
            Scheme::ECDSA_SHA1_Legacy,
            Scheme::RSA_PKCS1_SHA1,
        ]
    }
}
