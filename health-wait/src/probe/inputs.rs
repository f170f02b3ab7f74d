//! What the options name that is read once, before anything is asked.

use bytes::Bytes;

use crate::{
    options::{
        ProbeOptions,
        data::{Data, InvalidData},
    },
    tls::{Identities, pem::InvalidCertificates},
};

/// What the options name, as it was read.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(super) identities: Identities,
    /// What a request sends.
    pub(super) body: Option<Bytes>,
}

/// A file that the options name and that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidInput {
    /// Certificates to trust or to show, or their key.
    #[error(transparent)]
    Certificates(#[from] InvalidCertificates),
    /// What a request is to send.
    #[error(transparent)]
    Data(#[from] InvalidData),
}

impl Inputs {
    /// Reads it all.
    pub(crate) fn read(options: &ProbeOptions) -> Result<Self, InvalidInput> {
        let identities = Identities::read(options)?;
        Ok(Self { identities, body: options.data.as_ref().map(Data::read).transpose()? })
    }
}
