//! A server on its way up, and who answers for it: from the fork until it is recorded as ready, whatever fails on our side
//! leaves nothing of it running.

use proc_tree::{Identity, cli::text};

use crate::{
    End, Failure, Phase, Port, ServerProcesses, ServerRecord, Service, StateFolder,
    server::{acceptors, holding::Holding},
    start::spawn::Launch,
    stop::{self, killed::Killed, manner::Manner},
};

/// Makes a process, has its record written, and lets it become the program.
///
/// The process waits until all that can fail here has not: it can be watched, and `record` is written.
///
/// # Errors
/// When any of it fails; then there is no process.
pub(crate) fn launch(
    launch: &Launch<'_>,
    record: impl FnOnce(Identity) -> Result<(), Failure>,
) -> Result<ServerProcesses, Failure> {
    let launched = launch.fork()?;
    let processes = ServerProcesses::started(launched.identity(), &launch.environment)
        .map_err(Failure::system("watch the server"))?;
    record(launched.identity())?;
    launched.go()?;
    Ok(processes)
}

/// A server, or its supervisor, that was started and has not been found ready: stopped whole and forgotten when it is
/// dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Starting<'s> {
    service: &'s Service,
    state_folder: &'s StateFolder,
    port: Option<Port>,
    processes: Option<ServerProcesses>,
}

impl<'s> Starting<'s> {
    /// Answers for these processes from now on.
    pub(crate) fn own(
        processes: ServerProcesses,
        service: &'s Service,
        state_folder: &'s StateFolder,
        port: Option<Port>,
    ) -> Self {
        Self { service, state_folder, port, processes: Some(processes) }
    }

    /// Returns the processes.
    pub(crate) fn processes(&mut self) -> Option<&mut ServerProcesses> {
        self.processes.as_mut()
    }

    /// Records the server as ready: from now on its record answers for it. What a wrapper left behind is the server by now.
    ///
    /// # Errors
    /// When the record cannot be written; the server is stopped then.
    pub(crate) fn ready(
        self,
        record: &ServerRecord,
        holdings: &[Holding],
    ) -> Result<(ServerRecord, Option<ServerProcesses>), Failure> {
        let identity = self.processes.as_ref().map_or(record.identity(), ServerProcesses::identity);
        let record = record.with_identity(identity).ready(holdings, acceptors::of(holdings));
        match record.note(self.state_folder).map_err(Failure::state("write a record in", &self.state_folder.path)) {
            Ok(()) => Ok((record, self.release())),
            Err(failure) => Err(self.fail(failure)),
        }
    }

    /// Records the job as done: it has ended with status 0, and what it may have left behind is no job's.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub(crate) fn finished(self, record: &ServerRecord) -> Result<ServerRecord, Failure> {
        let end = End::Exited(0);
        let record = record.finished(end, &end.to_string());
        record.write(self.state_folder).map_err(Failure::state("write a record in", &self.state_folder.path))?;
        drop(self.release());
        Ok(record)
    }

    /// Hands the processes over: somebody else answers for them now.
    pub(crate) fn release(mut self) -> Option<ServerProcesses> {
        self.processes.take()
    }

    /// Stops the server and forgets it, because of this; what could not be stopped or had to be killed is added to it.
    pub(crate) fn fail(mut self, failure: Failure) -> Failure {
        let stopped = match self.stop() {
            Ok(killed) if killed.lines.is_empty() => return failure,
            Ok(killed) => killed.lines.join("; "),
            Err(left) => text::failure(&left),
        };
        Failure::Stopped { failure: Box::new(failure), stopped }
    }

    /// The same where the server did not come up: its record says so, for `--status` and `--logs`.
    pub(crate) fn not_up(self, failure: Failure, record: ServerRecord) -> Failure {
        if matches!(failure, Failure::Interrupted(_)) {
            return self.fail(failure);
        }
        let end = if let Failure::Ended { end, .. } = &failure { Some(*end) } else { None };
        let reason = Some(failure.to_string());
        let failed = ServerRecord { phase: Phase::Failed, supervisor: None, end, reason, ..record };
        let state_folder = self.state_folder;
        let failure = self.fail(failure);
        let is_another = |now: ServerRecord| now.phase != Phase::Stopped && now.identity() != failed.identity();
        if !failed.reread(state_folder).is_ok_and(|now| now.is_some_and(is_another)) {
            // nothing is lost when it cannot be kept
            let _ = failed.write(state_folder);
        }
        failure
    }

    fn stop(&mut self) -> Result<Killed, Failure> {
        let Some(processes) = self.processes.take() else { return Ok(Killed::default()) };
        stop::server::stop_started(self.state_folder, self.service, self.port, &processes, Manner::of(self.service))
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        // a panic, or a wait that was given up: nobody is there to be told what came of it
        let _ = self.stop();
    }
}
