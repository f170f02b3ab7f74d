//! What a request sends as its body.

use std::{fmt, fs::File, io::Read, path::Path, str::FromStr};

use bytes::Bytes;
use proc_tree::cli::text;

/// How much is sent at most, in bytes.
const MOST: u64 = 1 << 20;

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
        let invalid = |reason: String| InvalidData { path: path.into(), reason };
        let read = |path: &Path| {
            let mut body = Vec::new();
            // a pipe would hold up open(2) itself
            if path.metadata()?.is_file() {
                File::open(path)?.take(MOST + 1).read_to_end(&mut body)?;
                return Ok(Some(body));
            }
            Ok(None)
        };
        match read(Path::new(path)) {
            Err(error) => Err(invalid(text::os_error(&error))),
            Ok(None) => Err(invalid("it is not a regular file".into())),
            Ok(Some(body)) if body.len() as u64 > MOST => Err(invalid("it is larger than 1 MiB".into())),
            Ok(Some(body)) => Ok(body.into()),
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
