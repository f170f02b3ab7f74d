//! From the parsed arguments to what they ask for.

use std::{
    ffi::OsStr,
    io::{self, IsTerminal, Write},
};

use ensure_up::{
    Clock, Ending, Ensure, Failure, Folders, Life, Outcome, Record, Service, Up,
    attach::foreground::{self, Attended},
    attach::then::{self, Needed, Then},
    report::{self, Line},
    stop::order,
    supervisor::run,
};
use proc_tree::cli::args::{self, OutputError};

use super::{Cli, Exit, Status, UsageError};

impl Cli {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.status {
            return self.list(out);
        }
        if self.stop {
            return self.stop(out);
        }
        if self.logs {
            return self.print_log(out);
        }
        if self.all || !self.names.is_empty() {
            return self.start_services(out);
        }
        let service = self.options.service(&self.command, self.probe.clone())?;
        if let Some(port) = self.supervise {
            return supervise(&service, port);
        }
        match self.ensure(&service) {
            Ok((folders, up)) => self.go_on(&service, &folders, up, out),
            Err(failure) => self.fail(&service, &failure, out),
        }
    }

    fn ensure(&self, service: &Service) -> Result<(Folders, Up), Failure> {
        let clock = Clock::start(service.timeout);
        let folders = Folders::find()?;
        let up = Ensure { service, existing: self.options.existing(), folders: &folders, clock }.run()?;
        Ok((folders, up))
    }

    /// Says that it is up, and stays if that was asked for.
    fn go_on(
        &self,
        service: &Service,
        folders: &Folders,
        (outcome, life): Up,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        self.report(&outcome, out)?;
        if self.then.is_none() && !self.foreground {
            return Ok(Exit::With(Status::Done));
        }
        let mut watched = match (life, outcome.identity) {
            (Some(life), _) => life,
            // a server that is kept up comes and goes: its supervisor stays
            (None, Some(identity)) => {
                let supervisor = Record::read(folders, outcome.port).and_then(|record| record.running_supervisor());
                Life::watch(supervisor.unwrap_or(identity), false)?
            }
            (None, None) => anyhow::bail!("cannot watch a server whose owner is not visible"),
        };
        match &self.then {
            Some(command) => self.then(command, service, folders, &outcome, watched),
            None => Self::attend(service, folders, &outcome, &mut watched),
        }
    }

    fn then(
        &self,
        command: &OsStr,
        service: &Service,
        folders: &Folders,
        outcome: &Outcome,
        life: Life,
    ) -> anyhow::Result<Exit> {
        let mut needed = [Needed { name: outcome.name.clone(), life }];
        let ended = then::run(command, Some(outcome.port), service.grace, &mut needed, &mut |name, ending| {
            self.died(name, ending);
        });
        let [Needed { life, .. }] = needed;
        if outcome.action.is_start() {
            order::stop_started(service, folders, outcome.port, &life)?;
        }
        Ok(after_then(ended?))
    }

    pub(super) fn died(&self, name: &str, ending: Ending) {
        self.say(&format!("ensure-up: {} {ending} while the command runs", proc_tree::cli::text::escape(name)));
    }

    fn attend(service: &Service, folders: &Folders, outcome: &Outcome, life: &mut Life) -> anyhow::Result<Exit> {
        let is_ours = outcome.action.is_start();
        let attended = foreground::attend(service, life, is_ours, outcome.log.as_deref(), &mut io::stderr())?;
        if is_ours {
            order::stop_started(service, folders, outcome.port, life)?;
        }
        Ok(match attended {
            Attended::Ended(Ending::Exited(status)) => Exit::Code(u8::try_from(status).unwrap_or(u8::MAX)),
            Attended::Ended(Ending::Signalled(signal)) => {
                Exit::Code(u8::try_from(128 + signal.number()).unwrap_or(u8::MAX))
            }
            Attended::Ended(Ending::Unknown) => Exit::With(Status::Done),
            Attended::Interrupted(signal) => Exit::By(signal),
        })
    }

    fn report(&self, outcome: &Outcome, out: &mut dyn Write) -> Result<(), OutputError> {
        let sentence = report::sentence(outcome);
        if self.json {
            Line::up(outcome).write(out)?;
        } else if self.table || (io::stdout().is_terminal() && !self.pids) {
            writeln!(out, "{sentence}").and_then(|()| out.flush())?;
        } else if (self.then.is_some() || self.foreground) && !self.pids {
            // what the command writes is the result
            self.note(&sentence);
        } else {
            for pid in &outcome.pids {
                writeln!(out, "{pid}")?;
            }
            out.flush()?;
            self.note(&sentence);
        }
        for note in &outcome.notes {
            self.note(&format!("note: {note}"));
        }
        Ok(())
    }

    fn fail(&self, service: &Service, failure: &Failure, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let message = message(failure);
        if self.json {
            let port = (!service.ports.is_range()).then_some(service.ports.low);
            Line::failed(&service.name(), port, failure, &message).write(out).map_err(OutputError)?;
        }
        for line in report::failure(failure, &format!("ensure-up: {message}")) {
            self.say(&line);
        }
        Ok(exit(failure))
    }

    /// Says what is no error.
    pub(super) fn note(&self, line: &str) {
        if !self.common.quiet {
            self.say(line);
        }
    }

    #[expect(clippy::unused_self, reason = "what is said is this call's")]
    pub(super) fn say(&self, line: &str) {
        let _ = writeln!(io::stderr(), "{line}");
    }
}

fn supervise(service: &Service, port: u16) -> anyhow::Result<Exit> {
    let keep_up = service.keep_up.as_ref().ok_or(UsageError::new("--supervise goes with --keep-up"))?;
    match run::run(service, keep_up, port, &Folders::find()?) {
        // its log has said so already
        Err(failure @ Failure::Broken { .. }) => Ok(exit(&failure)),
        result => Ok(result.map(|()| Exit::With(Status::Done))?),
    }
}

/// A command's status is the tool's.
pub(super) fn after_then(ended: Then) -> Exit {
    match ended {
        Then::Ended(code) => Exit::Code(code),
        Then::Interrupted(signal) => Exit::By(signal),
    }
}

/// Words a failure and its causes.
pub(super) fn message(failure: &Failure) -> String {
    args::failure(chain(failure))
}

fn chain(failure: &Failure) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(Some(failure as &(dyn std::error::Error + 'static)), |error| error.source())
}

pub(super) fn exit(failure: &Failure) -> Exit {
    use ensure_up::LaunchError;
    Exit::With(match failure {
        Failure::Ended { .. } => Status::Ended,
        Failure::Foreign { .. } | Failure::NoneFree(_) | Failure::Definite { .. } => Status::Foreign,
        Failure::Broken { .. } => Status::Broken,
        Failure::Deadline { .. } => Status::Deadline,
        Failure::Launch(LaunchError::NotFound(_)) => Status::NotFound,
        Failure::Launch(LaunchError::NotExecutable { .. }) => Status::NotExecutable,
        Failure::Interrupted(signal) => return Exit::By(*signal),
        Failure::Launch(LaunchError::Process(_))
        | Failure::NotStopped { .. }
        | Failure::Folder(_)
        | Failure::Log(_)
        | Failure::State { .. }
        | Failure::Ready(_)
        | Failure::System { .. } => Status::Failed,
    })
}

impl From<UsageError> for Exit {
    fn from(_: UsageError) -> Self {
        Self::With(Status::Usage)
    }
}
