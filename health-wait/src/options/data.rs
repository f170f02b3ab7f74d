//! What a request sends as its body.

use std::{fmt, path::Path, str::FromStr};

use bytes::Bytes;
use proc_tree::cli::given_file::{self, Unreadable};

/// A body to send, as curl's `--data` has it: the text itself, or `@FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Data(String);

/// A body that cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("cannot send {path:?}: {reason}")]
pub struct InvalidData {
    path: String,
    reason: String,
}

impl Data {
    /// Reads what is to be sent.
    pub(crate) fn read(&self) -> Result<Bytes, InvalidData> {
        let Some(path) = self.0.strip_prefix('@') else { return Ok(self.0.clone().into()) };
        let invalid = |error: Unreadable| InvalidData { path: path.into(), reason: error.to_string() };
        given_file::read(Path::new(path), given_file::WRITTEN_BY_HAND).map(Bytes::from).map_err(invalid)
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Data {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.into()))
    }
}
