//! Whether and how a server has ended.

use std::io;

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use proc_tree::{Handle, Identity, Signal, Stat, process};

use super::{ServerProcesses, pid};
use crate::server::end::End;

impl ServerProcesses {
    /// Looks whether the server has ended. A wrapper that exits with status 0 and leaves a process behind has not.
    ///
    /// # Errors
    /// When the processes cannot be looked at.
    pub(crate) fn end(&mut self) -> io::Result<Option<End>> {
        if self.end.is_some() {
            return Ok(self.end);
        }
        let has_ended = self.watched.iter().map(Handle::has_ended).collect::<io::Result<Vec<_>>>()?;
        let mut has_ended = has_ended.into_iter();
        let ended: Vec<Handle> = self.watched.extract_if(.., |_| has_ended.next() == Some(true)).collect();
        let mut last = None;
        for process in &ended {
            let end = self.end_of(process.identity());
            // a wrapper that asks its server to end, and ends well before that does, tells how both did
            let wrapper = self.ending.iter().find(|(one, _)| *one == process.identity() && !end.is_crash());
            let end = wrapper.map_or(end, |(_, end)| *end);
            if self.leader == Some(process.identity()) && end.is_failure() {
                self.end = Some(end);
                return Ok(self.end);
            }
            last = Some(end);
        }
        if self.watched.is_empty() && !self.is_job {
            self.watched = self.remains()?;
            self.roots.extend(self.watched.iter().map(Handle::identity));
            if let Some(end) = last {
                let ending = self.watched.iter().map(Handle::identity).filter(|one| process::is_ending(*one));
                self.ending.extend(ending.map(|one| (one, end)));
            }
        }
        if self.watched.is_empty() {
            self.end = Some(last.unwrap_or_else(|| self.end_of(self.roots[0])));
        }
        Ok(self.end)
    }

    /// Tells how the server ended before it was ready: of a daemon that came to this process and failed, the end of its
    /// launcher says nothing.
    ///
    /// # Errors
    /// When the processes cannot be looked at.
    pub(crate) fn end_of_start(&mut self) -> io::Result<Option<End>> {
        let Some(end) = self.end()?.filter(|end| !end.is_failure() && !self.is_job) else { return Ok(self.end) };
        let ended = self.begun(Stat::has_ended)?;
        let failed = ended.iter().map(|stat| self.end_of(stat.identity())).find(|end| end.is_failure());
        self.end = Some(failed.unwrap_or(end));
        Ok(self.end)
    }

    /// Waits until a process that is watched ends; `end` tells what that means.
    pub(crate) async fn changed(&self) {
        // the first process is the one that matters; what remains of a wrapper is one process, nearly always
        if let Some(first) = self.watched.first()
            && health_wait::ended(first).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Tells how a process of the server ended that has, if this process can know: a child, or an orphan that came here.
    pub(crate) fn end_of(&mut self, ended: Identity) -> End {
        if let Some((_, end)) = self.ends.iter().find(|(one, _)| *one == ended) {
            return *end;
        }
        let status = if self.is_child { waitpid(pid(ended), Some(WaitPidFlag::WNOHANG)).ok() } else { None };
        let end = match status {
            Some(WaitStatus::Exited(_, status)) => End::Exited(status),
            Some(WaitStatus::Signaled(_, signal, _)) => {
                Signal::from_number(signal as i32).map_or(End::Unknown, End::Signalled)
            }
            // one that was reaped before, or is not a child
            _ => End::Unknown,
        };
        self.ends.push((ended, end));
        end
    }
}
