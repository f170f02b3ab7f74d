//! What is wrong with a TLS connection, in words.

use std::io;

use tokio_rustls::rustls::{self, CertificateError, OtherError};

use super::verifier::SelfSigned;
use crate::reason::Reason;

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
