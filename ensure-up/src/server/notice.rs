//! What the holder of a lock says in the lock's file, for those who wait for it: who it is, and what it waits for itself.

use std::{
    io::{self, Seek, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{lock::Lock, state_file};
use crate::start::waiting::Waiting;

/// What the holder of a lock says. It is shown and never believed: it may be what an earlier holder said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// The holder.
    pub pid: u32,
    /// What it waits for, once it does.
    pub waiting: Option<Waiting>,
}

impl Notice {
    /// Reads what is said in the file of a lock; one that is just being written says nothing.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&state_file::read(path).ok()??).ok()
    }
}

impl Lock {
    /// Says who holds the lock, and for what. Whoever waits can do without it: a file that cannot be written is no fault.
    pub(crate) fn say(&self, waiting: Option<&Waiting>) {
        let notice = Notice { pid: std::process::id(), waiting: waiting.cloned() };
        let write = || -> io::Result<()> {
            let text = serde_json::to_vec(&notice)?;
            let mut file = self.file();
            if !state_file::is_ours_alone(file)? {
                return Ok(());
            }
            file.rewind()?;
            file.write_all(&text)?;
            file.set_len(text.len() as u64)
        };
        let _ = write();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::start::waiting::Doing;

    #[test]
    fn a_holder_is_heard_whatever_was_said_before() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("lock");
        assert_eq!(Notice::read(&path), None);
        let lock = Lock::try_take(&path).expect("a lock").expect("nobody holds it");
        assert_eq!(Notice::read(&path), None, "nothing is said yet");
        let waiting = |reason: &str| Waiting {
            doing: Doing::Joining(Some(7)),
            server: "web on port 80".into(),
            pid: None,
            is_own: false,
            reason: Some(reason.into()),
            log: Some("/x".into()),
        };
        for said in [None, Some(waiting("a long reason, longer than the next one")), Some(waiting("short")), None] {
            lock.say(said.as_ref());
            assert_eq!(Notice::read(&path), Some(Notice { pid: std::process::id(), waiting: said }));
        }
    }
}
