//! `--status`: the servers, once or again and again.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use ensure_up::{
    StateFolder,
    report::{listing, openmetrics},
    server::{
        known,
        names::{Known, Meant, Scope, is_port},
    },
    status::{self, ServerStatus, State, Subject},
};
use proc_tree::cli::{
    args::OutputError,
    status::Exit,
    terminal::Look,
    watch::{self, End, Medium, Pace, Round, Subject as Watched},
};

use super::{
    arguments::Arguments,
    place::{self, Place},
    status::Status,
};

/// Lists the servers, with --watch again and again.
pub(super) fn list(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let place = Place::of(arguments)?;
    let state_folder = StateFolder::find()?;
    let mut servers = Servers {
        arguments,
        place: &place,
        state_folder: &state_folder,
        last: Vec::new(),
        elsewhere: 0,
        began: Instant::now(),
    };
    if let Some(interval) = arguments.interval() {
        let rhythm = Pace { first: Duration::ZERO, interval, count: arguments.count };
        let medium = Medium::of_stdout(!arguments.json && !arguments.pids);
        return Ok(match watch::watch(&mut servers, &rhythm, medium, out)? {
            End::Signal(signal) => Exit::Signal(signal),
            End::Over => servers.judge()?.into(),
            End::Unread => Status::Done.into(),
        });
    }
    servers.look()?;
    servers.draw(out)?;
    if !arguments.json && !arguments.pids && !arguments.openmetrics {
        if servers.last.is_empty() && arguments.names.is_empty() {
            arguments.note("no server is known of");
        }
        place::tell_elsewhere(arguments, servers.elsewhere);
    }
    Ok(servers.judge()?.into())
}

/// The servers as they are listed.
struct Servers<'a> {
    arguments: &'a Arguments,
    place: &'a Place,
    state_folder: &'a StateFolder,
    last: Vec<ServerStatus>,
    /// How many others run that are not listed.
    elsewhere: usize,
    began: Instant,
}

impl Servers<'_> {
    /// Chooses what is to be looked at.
    fn subjects(&mut self) -> anyhow::Result<Vec<Subject>> {
        let (place, known) = (self.place, known::servers(self.state_folder, &place::ports(&self.place.names))?);
        let subject = |one: &Known| match place.service_of(one) {
            Some(service) => Subject::Service(Box::new(service.clone()), Some(one.clone())),
            None => Subject::Server(one.clone()),
        };
        let mut subjects = Vec::new();
        for name in &self.place.names {
            match (place.find(name, &known)?, place.service(name)) {
                (Meant::One(one), _) => subjects.push(subject(one)),
                (_, Some(service)) => subjects.push(Subject::Service(Box::new(service.clone()), None)),
                (Meant::Port(port), None) => subjects.push(Subject::Port(port)),
                _ => {}
            }
        }
        // a name and a port can mean the same one
        let mut listed = Vec::new();
        subjects.retain(|subject| {
            let is_new = !listed.contains(&subject.key());
            listed.push(subject.key());
            is_new
        });
        if self.place.names.is_empty() {
            let everywhere = Scope { everywhere: true, ..place.scope.clone() };
            let all = everywhere.all(&known);
            let listed = if place.has_file { place.scope.all(&known) } else { all.clone() };
            for service in &place.services {
                let of_service = listed.iter().filter(|one| one.record.service == service.id);
                let before = subjects.len();
                subjects.extend(of_service.map(|one| subject(one)));
                if subjects.len() == before {
                    subjects.push(Subject::Service(Box::new(service.clone()), None));
                }
            }
            subjects.extend(listed.iter().filter(|one| place.service_of(one).is_none()).map(|one| subject(one)));
            self.elsewhere = all.iter().filter(|one| one.is_alive && !listed.contains(one)).count();
        }
        Ok(subjects)
    }

    /// A listing has been done; a server that was named has to be up.
    fn judge(&self) -> anyhow::Result<Status> {
        let mut status = Status::Done;
        for name in &self.place.names {
            let is_called =
                |server: &&ServerStatus| server.name == *name || server.port.is_some_and(|port| is_port(name, port));
            let mut called = self.last.iter().filter(is_called).peekable();
            if called.peek().is_none() {
                self.place.unknown(name, &known::servers(self.state_folder, &[])?, "--status");
            }
            if !called.any(|server| server.healthy) {
                status = Status::No;
            }
        }
        Ok(status)
    }

    /// Tells whether the table says of which folder each is: where names of this one could be meant and are not.
    fn shows_folders(&self) -> bool {
        let folders = &self.place.scope.folders;
        self.last.iter().any(|server| server.folder.as_ref().is_some_and(|folder| !folders.contains(folder)))
    }
}

impl Watched for Servers<'_> {
    fn look(&mut self) -> anyhow::Result<Round> {
        self.began = Instant::now();
        let subjects = self.subjects()?;
        self.last = status::survey(self.state_folder, &subjects)?;
        // a port that is free is no server
        self.last.retain(|server| server.folder.is_some() || server.state != State::Stopped);
        Ok(Round::Seen)
    }

    fn looked_at(&self) -> Instant {
        self.began
    }

    fn draw(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let written = if self.arguments.json {
            listing::json(&self.last, out)
        } else if self.arguments.pids {
            listing::pids(&self.last, out)
        } else if self.arguments.openmetrics {
            openmetrics::openmetrics(&self.last, out)
        } else {
            listing::table(&self.last, self.shows_folders(), out, &Look::of(&io::stdout(), self.arguments.common.color))
        };
        Ok(written.map_err(OutputError)?)
    }

    fn stream(&mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        self.draw(out)
    }
}
