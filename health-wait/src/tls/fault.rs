//! What is wrong with a TLS connection, in words.

use std::io;

use tokio_rustls::rustls::{self, AlertDescription, CertificateError, OtherError, PeerIncompatible};

use super::verifier::SelfSigned;
use crate::reason::{Reason, Sign};

/// Words an error on a connection that may be of TLS; any other is worded as the system has it.
pub(crate) fn reason(error: &io::Error) -> Reason {
    of_tls(error).unwrap_or_else(|| Reason::from_io(error))
}

/// Words an error that the TLS library wrapped into one of the system's; `None` when it is none.
pub(crate) fn of_tls(error: &io::Error) -> Option<Reason> {
    use rustls::Error as Tls;
    let words = match error.get_ref()?.downcast_ref::<Tls>()? {
        Tls::InvalidCertificate(error) => certificate(error),
        Tls::InvalidMessage(_) => "the server does not speak TLS".into(),
        Tls::AlertReceived(alert) => format!("the server refused the TLS handshake: {}", said_in(*alert)),
        Tls::PeerIncompatible(what) => incompatible(what).into(),
        Tls::PeerMisbehaved(_) | Tls::InappropriateMessage { .. } | Tls::InappropriateHandshakeMessage { .. } => {
            "the server breaks the rules of TLS".into()
        }
        Tls::DecryptError | Tls::PeerSentOversizedRecord => "the server's TLS records cannot be read".into(),
        Tls::NoApplicationProtocol => "over TLS the server speaks another protocol".into(),
        Tls::NoCertificatesPresented => "the server shows no certificate".into(),
        _ => "the TLS handshake failed".into(),
    };
    // what it would have answered is not known
    Some(Reason::new(Sign::Unclear, words))
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
        CertificateError::Other(OtherError(inner)) => format!("certificate {}", unusual(inner.downcast_ref())),
        CertificateError::Revoked => "certificate revoked".into(),
        CertificateError::BadEncoding => "certificate cannot be read".into(),
        CertificateError::BadSignature => "certificate's signature is wrong".into(),
        CertificateError::UnhandledCriticalExtension => {
            "certificate has an extension that must be understood and is not".into()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "certificate is signed in a way that is not supported".into()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate is not for servers".into()
        }
        _ => "certificate invalid".into(),
    }
}

/// Words what is wrong with a certificate that few have.
fn unusual(error: Option<&webpki::Error>) -> &'static str {
    match error {
        Some(webpki::Error::UnsupportedCertVersion) => "is of a version of X.509 before 3, which is not supported",
        Some(webpki::Error::CaUsedAsEndEntity) => "is an authority's, not a server's",
        Some(webpki::Error::EndEntityUsedAsCa) => "is signed by one that is no authority",
        Some(webpki::Error::NameConstraintViolation) => "is for a name that its authority may not vouch for",
        Some(webpki::Error::PathLenConstraintViolated) => "has a longer chain than its authority allows",
        Some(webpki::Error::MaximumSignatureChecksExceeded | webpki::Error::MaximumPathBuildCallsExceeded) => {
            "has too many possible chains"
        }
        _ => "invalid",
    }
}

/// Says what both ends lack.
fn incompatible(what: &PeerIncompatible) -> &'static str {
    match what {
        PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
            "the server cannot check this client's certificate: they have no signature scheme in common"
        }
        PeerIncompatible::NoCipherSuitesInCommon => "the server and this tool have no cipher of TLS in common",
        PeerIncompatible::NoKxGroupsInCommon => "the server and this tool have no key exchange of TLS in common",
        PeerIncompatible::NoSignatureSchemesInCommon => {
            "the server and this tool have no signature scheme of TLS in common"
        }
        PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::SupportedVersionsExtensionRequired => {
            "the server speaks only versions of TLS before 1.2"
        }
        _ => "the server and this tool have no version or cipher of TLS in common",
    }
}

/// Words an alert (RFC 8446, section 6).
fn said_in(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let words = match alert {
        Alert::HandshakeFailure => "no version, cipher or signature in common",
        Alert::ProtocolVersion => "no version of TLS in common",
        Alert::InsufficientSecurity => "it asks for stronger ciphers",
        Alert::UnrecognisedName => "it does not know this name",
        Alert::CertificateRequired => "it asks for a client certificate",
        Alert::BadCertificate | Alert::CertificateUnknown | Alert::UnsupportedCertificate => {
            "it does not take the client certificate"
        }
        Alert::CertificateExpired | Alert::CertificateRevoked => "the client certificate is not valid any more",
        Alert::UnknownCA => "it does not know the client certificate's authority",
        Alert::AccessDenied => "access denied",
        Alert::NoApplicationProtocol => "over TLS it speaks another protocol",
        Alert::InternalError => "it has an error of its own",
        other => return format!("alert {}", u8::from(other)),
    };
    words.into()
}

/// rustls presents names as `DnsName("localhost")`.
fn name_in(presented: &str) -> &str {
    presented.split('"').nth(1).unwrap_or(presented)
}
