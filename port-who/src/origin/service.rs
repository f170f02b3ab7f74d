//! Services of `ensure-up`: what it leaves where others can see it.
//!
//! A server carries a variable that says what it was started as, and so does whatever it starts. One that wrote a title over its
//! environment still writes to its log, which has its record beside it.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use proc_tree::{Facts, process};
use serde::{Deserialize, Deserializer};

/// The variable.
const VARIABLE: &str = "ENSURE_UP_SERVICE";

/// What a process was started as.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Service {
    /// The folder that the service belongs to.
    #[serde(deserialize_with = "path")]
    pub(super) folder: PathBuf,
    /// Its name there, if it has one.
    pub(super) name: Option<String>,
}

/// A record, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Record {
    service: Service,
    #[serde(deserialize_with = "path")]
    log: PathBuf,
}

/// Reads a path: text, or its bytes where it is none.
fn path<'d, D: Deserializer<'d>>(deserializer: D) -> Result<PathBuf, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(PathBuf),
        Bytes(Vec<u8>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Text(path) => path,
        Written::Bytes(bytes) => OsString::from_vec(bytes).into(),
    })
}

impl Service {
    /// Finds out by which service a process was started, from itself or from what is above it.
    pub(super) fn of<'p>(line: impl IntoIterator<Item = &'p Facts>) -> Option<Self> {
        line.into_iter().find_map(|process| Self::marked(process.pid).or_else(|| Self::recorded(process.pid)))
    }

    /// Reads what a process carries.
    pub(super) fn marked(pid: u32) -> Option<Self> {
        let environment = process::environment(pid).ok().flatten()?;
        let (_, text) = environment.iter().find(|(name, _)| name == OsStr::new(VARIABLE))?;
        serde_json::from_slice(text.as_bytes()).ok()
    }

    /// Reads what stands beside the log that a process writes to.
    fn recorded(pid: u32) -> Option<Self> {
        let record = |log: PathBuf| {
            let text = fs::read(log.with_extension("json")).ok()?;
            serde_json::from_slice(&text).ok().filter(|record: &Record| record.log == log)
        };
        let outputs = [1, 2].into_iter().filter_map(|output| fs::read_link(format!("/proc/{pid}/fd/{output}")).ok());
        outputs.filter(|path| is_log(path)).find_map(record).map(|record| record.service)
    }
}

fn is_log(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_whatever_else_is_in_it() {
        let mark = r#"{"folder":"/home/dev/shop","name":"api","program":"uv","port":8000,"command":1,"state":"/x"}"#;
        let service = Service { folder: "/home/dev/shop".into(), name: Some("api".into()) };
        assert_eq!(serde_json::from_str::<Service>(mark).ok(), Some(service));
        assert!(serde_json::from_str::<Service>(r#"{"folder":7,"name":null}"#).is_err());
    }
}
