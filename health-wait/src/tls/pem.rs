//! Certificates and keys as PEM files hold them.

use std::path::{Path, PathBuf};

use proc_tree::cli::text;
use tokio_rustls::rustls::pki_types::{
    CertificateDer,
    pem::{self, PemObject},
};

/// A file of certificates, or of a key, that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the {what} in {path:?}: {reason}")]
pub struct InvalidCertificates {
    pub(super) what: &'static str,
    pub(super) path: PathBuf,
    pub(super) reason: String,
}

/// Reads the certificates of a PEM file: at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, InvalidCertificates> {
    let invalid = |reason| InvalidCertificates { what: "certificates", path: path.to_owned(), reason };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| invalid(fault(&error)))?;
    if certificates.is_empty() { Err(invalid("there are none".into())) } else { Ok(certificates) }
}

/// Says what is wrong with a PEM file.
pub(super) fn fault(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => text::os_error(error),
        pem::Error::NoItemsFound => "there is none".into(),
        _ => "it is not PEM".into(),
    }
}
