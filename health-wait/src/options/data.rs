//! What a request sends as its body.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

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

    /// Changes the path of the file, if it is one; what is no text is left.
    pub(super) fn change_path(&mut self, change: impl Fn(&Path) -> PathBuf) {
        let changed = self.0.strip_prefix('@').map(|path| change(Path::new(path)));
        if let Some(path) = changed.as_deref().and_then(Path::to_str) {
            self.0 = format!("@{path}");
        }
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
