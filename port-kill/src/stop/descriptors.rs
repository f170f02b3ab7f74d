//! How many descriptors this process may have: every process that is waited for takes one, and a tree may have more than
//! the usual 1024. Where the limit may not be raised far enough, only as many as this are held open at a time.

use std::{
    fs,
    sync::{Mutex, PoisonError},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many values there are, and the limit to go back to when the last of them is gone.
static RAISED: Mutex<Raised> = Mutex::new(Raised { values: 0, before: None });

struct Raised {
    values: usize,
    before: Option<Rlimit>,
}

/// How many are left for what is opened and closed again: files of /proc, a process that is signalled or looked at, sockets.
const RESERVE: usize = 8;

/// The limit, raised as far as it may be, while this value lives: what is started later would inherit it.
#[derive(Debug)]
pub(super) struct RaisedLimit(());

impl RaisedLimit {
    /// Where it may not be raised, what cannot be opened is reported as such.
    pub(super) fn raise() -> Self {
        let mut raised = RAISED.lock().unwrap_or_else(PoisonError::into_inner);
        if raised.values == 0 {
            let limit = getrlimit(Resource::Nofile);
            let is_raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).is_ok();
            raised.before = is_raised.then_some(limit);
        }
        raised.values += 1;
        Self(())
    }
}

/// Returns how many processes may be held open beside what is open already.
pub(crate) fn spare() -> usize {
    let Some(limit) = getrlimit(Resource::Nofile).current else { return usize::MAX };
    let open = fs::read_dir("/dev/fd").map_or(RESERVE, Iterator::count);
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(open + RESERVE)
}

impl Drop for RaisedLimit {
    fn drop(&mut self) {
        let mut raised = RAISED.lock().unwrap_or_else(PoisonError::into_inner);
        raised.values -= 1;
        if raised.values == 0
            && let Some(limit) = raised.before.take()
        {
            let _ = setrlimit(Resource::Nofile, limit);
        }
    }
}
