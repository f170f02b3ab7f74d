//! Paths in a record: text where they are text, else their bytes, so that every path comes back as it was.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, path::PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Raw {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<&PathBuf> for Raw {
    fn from(path: &PathBuf) -> Self {
        path.clone().into_os_string().into_string().map_or_else(|path| Self::Bytes(path.into_vec()), Self::Text)
    }
}

impl From<Raw> for PathBuf {
    fn from(raw: Raw) -> Self {
        match raw {
            Raw::Text(text) => text.into(),
            Raw::Bytes(bytes) => OsString::from_vec(bytes).into(),
        }
    }
}

pub(crate) fn serialize<S: Serializer>(path: &PathBuf, serializer: S) -> Result<S::Ok, S::Error> {
    Raw::from(path).serialize(serializer)
}

pub(crate) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<PathBuf, D::Error> {
    Raw::deserialize(deserializer).map(PathBuf::from)
}

/// The same for a path that may be missing.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, PathBuf, Raw, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde hands over what the field holds")]
    pub(crate) fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_ref().map(Raw::from).serialize(serializer)
    }

    pub(crate) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<Raw>::deserialize(deserializer)?.map(PathBuf::from))
    }
}
