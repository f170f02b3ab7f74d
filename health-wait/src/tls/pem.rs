//! Certificates and keys as PEM files hold them.

use std::path::{Path, PathBuf};

use proc_tree::cli::given_file;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};

/// How large a file may be, in bytes: the roots of a whole system take a quarter of a megabyte.
const MOST: u64 = 16 << 20;

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
    let text = read(path).map_err(invalid)?;
    let read = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let certificates = read.map_err(|error| invalid(fault(&error).to_owned()))?;
    if certificates.is_empty() { Err(invalid("there are none".into())) } else { Ok(certificates) }
}

/// Reads a key of a PEM file.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, InvalidCertificates> {
    let invalid = |reason| InvalidCertificates { what: "key", path: path.to_owned(), reason };
    let text = read(path).map_err(invalid)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| invalid(fault(&error).to_owned()))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    given_file::read(path, MOST).map_err(|error| error.to_string())
}

fn fault(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::NoItemsFound => "there is none",
        _ => "it is not PEM",
    }
}
