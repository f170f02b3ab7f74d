//! The processes that a record names, and whether they run.

use std::io;

use proc_tree::Identity;

use super::ServerRecord;
use crate::server::phase::Phase;

impl ServerRecord {
    /// Returns the processes that are recorded: the one that was started, and those that held the port when it was ready.
    pub(crate) fn roots(&self) -> Vec<Identity> {
        let main = Some(self.identity()).filter(|main| main.pid != 0);
        let others = self.holders.iter().copied().filter(|holder| Some(*holder) != main);
        main.into_iter().chain(others).collect()
    }

    /// Returns the process, if it still runs, else the first of those that held the port that does.
    ///
    /// # Errors
    /// When a process cannot be looked at, which does not mean that it has ended.
    pub fn running(&self) -> io::Result<Option<Identity>> {
        for root in self.roots() {
            if root.is_running()? {
                return Ok(Some(root));
            }
        }
        Ok(None)
    }

    /// Tells whether it was started and none of it runs any more. Until it is started its supervisor stands for it.
    pub(crate) fn has_ended(&self) -> bool {
        self.supervisor != Some(self.identity()) && self.running().is_ok_and(|running| running.is_none())
    }

    /// Tells whether one of these processes is the server's.
    pub fn is_any_of(&self, processes: &[Identity]) -> bool {
        self.roots().iter().any(|root| processes.contains(root))
    }

    /// Returns the supervisor, if it still runs.
    ///
    /// # Errors
    /// As [`ServerRecord::running`].
    pub(crate) fn running_supervisor(&self) -> io::Result<Option<Identity>> {
        let Some(supervisor) = self.supervisor else { return Ok(None) };
        Ok(supervisor.is_running()?.then_some(supervisor))
    }

    /// Tells whether it, or what starts it again, runs.
    ///
    /// # Errors
    /// As [`ServerRecord::running`].
    pub(crate) fn is_alive(&self) -> io::Result<bool> {
        Ok(self.running()?.is_some() || self.running_supervisor()?.is_some())
    }

    /// Tells whether it was not stopped, and it or what starts it again runs.
    ///
    /// # Errors
    /// As [`ServerRecord::running`].
    pub fn is_up(&self) -> io::Result<bool> {
        Ok(self.phase != Phase::Stopped && self.is_alive()?)
    }
}
