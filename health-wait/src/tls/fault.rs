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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{
        Error as Tls, PeerMisbehaved,
        pki_types::{ServerName, UnixTime},
    };

    use super::*;

    fn words(error: Tls) -> String {
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        let reason = of_tls(&error).expect("it is of TLS");
        assert_eq!(reason.sign, Sign::Unclear, "{error}");
        reason.text
    }

    #[test]
    fn an_alert_is_said_in_words_and_an_unknown_one_by_number() {
        use AlertDescription as Alert;
        for (alert, said) in [
            (Alert::HandshakeFailure, "no version, cipher or signature in common"),
            (Alert::ProtocolVersion, "no version of TLS in common"),
            (Alert::InsufficientSecurity, "it asks for stronger ciphers"),
            (Alert::UnrecognisedName, "it does not know this name"),
            (Alert::CertificateRequired, "it asks for a client certificate"),
            (Alert::BadCertificate, "it does not take the client certificate"),
            (Alert::CertificateUnknown, "it does not take the client certificate"),
            (Alert::UnsupportedCertificate, "it does not take the client certificate"),
            (Alert::CertificateExpired, "the client certificate is not valid any more"),
            (Alert::CertificateRevoked, "the client certificate is not valid any more"),
            (Alert::UnknownCA, "it does not know the client certificate's authority"),
            (Alert::AccessDenied, "access denied"),
            (Alert::NoApplicationProtocol, "over TLS it speaks another protocol"),
            (Alert::InternalError, "it has an error of its own"),
            (Alert::UserCanceled, "alert 90"),
            (Alert::Unknown(200), "alert 200"),
        ] {
            assert_eq!(words(Tls::AlertReceived(alert)), format!("the server refused the TLS handshake: {said}"));
        }
    }

    #[test]
    fn a_handshake_that_fails_is_said_in_words() {
        for (error, said) in [
            (Tls::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived), "the server breaks the rules of TLS"),
            (Tls::DecryptError, "the server's TLS records cannot be read"),
            (Tls::PeerSentOversizedRecord, "the server's TLS records cannot be read"),
            (Tls::NoApplicationProtocol, "over TLS the server speaks another protocol"),
            (Tls::NoCertificatesPresented, "the server shows no certificate"),
            (Tls::HandshakeNotComplete, "the TLS handshake failed"),
        ] {
            assert_eq!(words(error), said);
        }
    }

    #[test]
    fn what_both_ends_lack_is_said_in_words() {
        use PeerIncompatible as Lack;
        for (lack, said) in [
            (
                Lack::NoCertificateRequestSignatureSchemesInCommon,
                "the server cannot check this client's certificate: they have no signature scheme in common",
            ),
            (Lack::NoCipherSuitesInCommon, "the server and this tool have no cipher of TLS in common"),
            (Lack::NoKxGroupsInCommon, "the server and this tool have no key exchange of TLS in common"),
            (Lack::NoSignatureSchemesInCommon, "the server and this tool have no signature scheme of TLS in common"),
            (Lack::ServerDoesNotSupportTls12Or13, "the server speaks only versions of TLS before 1.2"),
            (Lack::SupportedVersionsExtensionRequired, "the server speaks only versions of TLS before 1.2"),
            (
                Lack::ExtendedMasterSecretExtensionRequired,
                "the server and this tool have no version or cipher of TLS in common",
            ),
        ] {
            assert_eq!(words(Tls::PeerIncompatible(lack)), said);
        }
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_words() {
        let now = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        let localhost = || ServerName::try_from("localhost").expect("a name");
        let for_others = |presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: localhost(),
            presented: presented.iter().map(|name| (*name).to_owned()).collect(),
        };
        let names: Vec<String> = ["a", "b", "c", "d"].map(|name| format!("DnsName(\"{name}\")")).to_vec();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (error, said) in [
            (CertificateError::Expired, "expired"),
            (CertificateError::ExpiredContext { time: now, not_after: now }, "expired"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::NotValidYetContext { time: now, not_before: now }, "not valid yet"),
            (CertificateError::NotValidForName, "is for another host"),
            (for_others(&[]), "is for another host: none, not localhost"),
            (for_others(&names), "is for another host: a, b, c, not localhost"),
            (for_others(&["DnsName(\"\u{1b}[31m\")"]), "is for another host: \\u{1b}[31m, not localhost"),
            (CertificateError::UnknownIssuer, "signed by an unknown authority"),
            (CertificateError::Revoked, "revoked"),
            (CertificateError::BadEncoding, "cannot be read"),
            (CertificateError::UnhandledCriticalExtension, "has an extension that must be understood and is not"),
            (CertificateError::InvalidPurpose, "is not for servers"),
            (CertificateError::ApplicationVerificationFailure, "invalid"),
        ] {
            assert_eq!(words(Tls::InvalidCertificate(error)), format!("certificate {said}"));
        }
        let signature = words(Tls::InvalidCertificate(CertificateError::BadSignature));
        assert_eq!(signature, "certificate's signature is wrong");
    }

    #[test]
    fn an_unusual_certificate_is_said_in_words() {
        for (error, said) in [
            (webpki::Error::UnsupportedCertVersion, "is of a version of X.509 before 3, which is not supported"),
            (webpki::Error::CaUsedAsEndEntity, "is an authority's, not a server's"),
            (webpki::Error::EndEntityUsedAsCa, "is signed by one that is no authority"),
            (webpki::Error::NameConstraintViolation, "is for a name that its authority may not vouch for"),
            (webpki::Error::PathLenConstraintViolated, "has a longer chain than its authority allows"),
            (webpki::Error::MaximumPathBuildCallsExceeded, "has too many possible chains"),
            (webpki::Error::MaximumSignatureChecksExceeded, "has too many possible chains"),
            (webpki::Error::BadDer, "invalid"),
        ] {
            let error = CertificateError::Other(OtherError(Arc::new(error)));
            assert_eq!(words(Tls::InvalidCertificate(error)), format!("certificate {said}"));
        }
    }

    #[test]
    fn an_error_of_the_system_is_none_of_tls() {
        assert!(of_tls(&io::Error::from_raw_os_error(104)).is_none());
        assert!(of_tls(&io::Error::other("an error")).is_none());
    }
}
