//! The mark that a server carries in its environment, and so its descendants do: what it was started as. It is known by
//! that when everything that was written down about it is lost.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::PathBuf,
};

use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use super::{folder::StateFolder, started::Started};
use crate::{Port, Service};

/// The variable that holds it.
pub(crate) const VARIABLE: &str = "ENSURE_UP_SERVICE";

/// The variable that holds the PID of the process that was started: what descends from it outlives it.
pub(crate) const MAIN: &str = "ENSURE_UP_PID";

/// What a server was started as, and where that is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// What it was started as.
    #[serde(flatten)]
    pub(crate) started: Started,
    /// The state folder of the call that started it.
    #[serde(with = "super::path_text")]
    pub(crate) state: PathBuf,
}

impl Mark {
    /// Marks the server of a service on a port.
    pub(crate) fn of(service: &Service, port: Option<Port>, state_folder: &StateFolder) -> Self {
        Self { started: Started::of(service, port), state: state_folder.path.clone() }
    }

    /// Returns the variable that carries it.
    pub(crate) fn variable(&self) -> (OsString, OsString) {
        let text =
            serde_json::to_string(self).unwrap_or_else(|error| unreachable!("plain data can be written: {error}"));
        (VARIABLE.into(), text.into())
    }

    /// Tells whether it is believed of a process of this user. One that has changed its user was started by us where our
    /// own folder has its record: another user's server has that in his.
    pub(crate) fn is_believed(&self, uid: Option<u32>) -> bool {
        let own = geteuid().as_raw();
        let is_ours = || fs::symlink_metadata(&self.state).is_ok_and(|found| found.is_dir() && found.uid() == own);
        uid == Some(own) || is_ours()
    }

    /// Finds the mark in an environment; text that is none counts as none.
    pub(crate) fn find(environment: &[(OsString, OsString)]) -> Option<Self> {
        let (_, text) = environment.iter().find(|(name, _)| name == OsStr::new(VARIABLE))?;
        serde_json::from_slice(text.as_bytes()).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::service::id::ServiceId;

    fn mark(state: PathBuf) -> Mark {
        let service = ServiceId { folder: "/site".into(), name: None };
        let (program, cwd, environment) = ("serve".to_owned(), "/site".into(), std::collections::BTreeMap::new());
        Mark { started: Started { service, program, port: Some(Port::tcp(80)), command: 1, cwd, environment }, state }
    }

    #[test]
    fn a_mark_is_found_in_the_environment_that_carries_it() {
        let (mark, other) = (mark("/state".into()), (OsString::from("OTHER"), OsString::from("1")));
        assert_eq!(Mark::find(&[other.clone(), mark.variable()]), Some(mark));
        assert_eq!(Mark::find(&[other]), None);
        assert_eq!(Mark::find(&[(VARIABLE.into(), "no mark".into())]), None);
    }

    #[test]
    fn a_mark_is_believed_of_ones_own_process_and_of_anothers_where_ones_own_folder_has_the_record() {
        let own = geteuid().as_raw();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        File::create(&file).expect("it is ours");
        for (state, uid, is_believed) in [
            ("/nowhere".into(), Some(own), true),
            ("/nowhere".into(), Some(own + 1), false),
            ("/nowhere".into(), None, false),
            (folder.path().to_owned(), Some(own + 1), true),
            (file, Some(own + 1), false),
        ] {
            assert_eq!(mark(state).is_believed(uid), is_believed, "{uid:?}");
        }
    }
}
