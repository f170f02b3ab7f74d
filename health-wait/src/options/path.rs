//! Paths in a file or a record: text where they are text, else their bytes, so that every path comes back as it was.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, path::PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a string")]
enum Written {
    Text(String),
    Bytes(Vec<u8>),
}

#[expect(clippy::ref_option, reason = "serde hands over what the field holds")]
pub(super) fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    let written = |path: &PathBuf| match path.clone().into_os_string().into_string() {
        Ok(text) => Written::Text(text),
        Err(path) => Written::Bytes(path.into_vec()),
    };
    path.as_ref().map(written).serialize(serializer)
}

pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(|written| match written {
        Written::Text(text) => text.into(),
        Written::Bytes(bytes) => OsString::from_vec(bytes).into(),
    }))
}
