//! Looking at the servers: their records, their processes, their ports, and what they answer. Nothing is changed.

use futures_util::future::join_all;
use nix::unistd::geteuid;
use proc_tree::{Facts, Identity, process};

use super::{
    server_status::{ServerStatus, State},
    usage,
};
use crate::{
    Failure, Phase, Port, ReadyError, ServerProcesses, ServerRecord, Service, StateFolder,
    event::block_on,
    health::{Asked, Prober},
    report::explanation::{NOT_ACCEPTED, continued},
    server::{
        ask_count,
        census::Census,
        evidence::{self, Evidence},
        halted::{self, is_halted},
        holding::Holding,
        judge::{Whose, judge},
        loading,
        names::Known,
        port as listening,
        started::Started,
        stranger::Stranger,
    },
    service::{id::ServiceId, target::Site},
};

/// What is to be looked at.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A server that is known of.
    Server(Known),
    /// A service of the file, with its server if that is known of.
    Service(Box<Service>, Option<Known>),
    /// A port of which nothing is recorded.
    Port(Port),
}

impl Subject {
    /// Returns what tells it from others, however it was named.
    pub fn key(&self) -> (Option<ServiceId>, Option<Port>) {
        match self {
            Self::Server(known) | Self::Service(_, Some(known)) => {
                (Some(known.record.service.clone()), known.record.port)
            }
            Self::Service(service, None) => (Some(service.id.clone()), None),
            Self::Port(port) => (None, Some(*port)),
        }
    }
}

/// Who holds a port for a server, and how that is asked for its health.
type Answering = Option<(ServerRecord, Vec<Holding>)>;

/// Looks at servers.
///
/// # Errors
/// When the ports or the processes cannot be looked at.
pub fn survey(state_folder: &StateFolder, subjects: &[Subject]) -> Result<Vec<ServerStatus>, Failure> {
    let mut servers = Vec::new();
    let mut asked = Vec::new();
    let records = ServerRecord::all(state_folder).map_err(Failure::state("read the records in", &state_folder.path))?;
    for subject in subjects {
        let (status, answering) = look(state_folder, subject, &records)?;
        servers.push(status);
        asked.push(answering);
    }
    let answers = block_on(join_all(asked.iter().map(|asked| ask(state_folder, asked.as_ref()))))
        .map_err(Failure::system("wait"))?;
    for (server, answer) in servers.iter_mut().zip(answers) {
        match answer {
            Some(Asked::Healthy) => server.healthy = true,
            Some(Asked::Not(why) | Asked::Failed(why)) => server.reason = Some(why),
            None => {}
        }
    }
    usage::measure(&mut servers)?;
    Ok(servers)
}

fn look(
    state_folder: &StateFolder,
    subject: &Subject,
    records: &[ServerRecord],
) -> Result<(ServerStatus, Answering), Failure> {
    match subject {
        Subject::Server(Known { record, left, .. }) => {
            of_record(state_folder, record, records).map(|seen| with_left(seen, left))
        }
        Subject::Service(service, Some(Known { record, .. })) if runs(record)? => {
            let (status, answering) = of_record(state_folder, record, records)?;
            let differs = record.started().differences(&Started::of(service, record.port));
            Ok((ServerStatus { differs, ..status }, answering))
        }
        Subject::Service(service, known) => {
            let seen = of_service(state_folder, service, known.as_ref().map(|known| &known.record), records)?;
            Ok(with_left(seen, known.as_ref().map(|known| known.left.as_slice()).unwrap_or_default()))
        }
        Subject::Port(port) => Ok((of_port(*port)?, None)),
    }
}

/// Names what runs of a server that does not.
fn with_left((status, answering): (ServerStatus, Answering), left: &[Identity]) -> (ServerStatus, Answering) {
    let left = if status.identity.is_none() && status.left.is_empty() { named(left) } else { status.left };
    (ServerStatus { left, ..status }, answering)
}

fn named(left: &[Identity]) -> Vec<(Identity, String)> {
    left.iter().filter_map(|one| Some((*one, process::stat(one.pid).ok()??.name))).collect()
}

/// Tells whether those who hold a server's port are nothing but what it has left behind: nobody accepts there.
fn is_left_behind(record: &ServerRecord, holdings: &[Holding]) -> Result<bool, Failure> {
    let Some(left) = record.left_behind(holdings).map_err(Failure::system("watch the server"))? else {
        return Ok(false);
    };
    Ok(block_on(left.reason()).map_err(Failure::system("wait"))?.is_some())
}

fn runs(record: &ServerRecord) -> Result<bool, Failure> {
    record.is_alive().map_err(Failure::system("watch the server"))
}

/// Makes what is known of the servers on a port, this one first.
fn known(port: Option<Port>, own: Option<&ServerRecord>, records: &[ServerRecord]) -> Vec<evidence::Known> {
    let others = records.iter().filter(|record| port.is_some() && record.port == port);
    let others = others.filter(|record| own.is_none_or(|own| own.service != record.service));
    own.into_iter().chain(others).map(evidence::Known::from).collect()
}

/// Words who holds the port of a server that does not.
fn held(by: Option<&Started>) -> String {
    by.map_or_else(
        || "its port is held by another program".into(),
        |other| format!("its port is held by another service of yours: {}", other.title()),
    )
}

/// Looks at a server that is recorded, and at who of it holds its port.
fn of_record(
    state_folder: &StateFolder,
    record: &ServerRecord,
    records: &[ServerRecord],
) -> Result<(ServerStatus, Answering), Failure> {
    let failed = || Failure::system("watch the server");
    let mut server = running(record).map_err(failed())?;
    let has_ended = record.phase == Phase::Ready && record.running().map_err(failed())?.is_none();
    // what is left of one that was ready is no server; where it has a port, somebody may hold that for it
    if has_ended && record.port.is_none() {
        server = None;
    }
    let holdings = match record.port {
        Some(port) => listening::look(port).map_err(ReadyError::from)?,
        None => server.iter().filter_map(|server| Holding::of_running(server.identity())).collect(),
    };
    let evidence = Evidence::of(record.port, holdings.clone(), known(record.port, Some(record), records));
    let (ours, others) = evidence.part(&record.started());
    let is_left = (server.is_some() || has_ended) && is_left_behind(record, &ours)?;
    if is_left || (has_ended && ours.is_empty()) {
        server = None;
    } else if has_ended && server.is_none() {
        // a daemon whose launcher held the port first, and was all that was recorded
        server =
            Holding::eldest(&ours).map(|eldest| ServerProcesses::watch(eldest, false)).transpose().map_err(failed())?;
    }
    let supervisor = record.running_supervisor().map_err(failed())?;
    let halted = supervisor.filter(|&supervisor| is_halted(supervisor));
    // a socket of this user that no process has open is on its way from one supervisor to the next
    let user = geteuid().as_raw();
    let passed_on = record.holds_socket() && holdings.iter().all(|holding| holding.is_nobodys(user));
    // the supervisor that listens for it is neither, nor is what it left behind
    let is_held = (!ours.is_empty() && !is_left) || !others.is_empty();
    let mut status = ServerStatus {
        state: State::of(
            record.phase,
            server.is_some(),
            supervisor.is_some() && halted.is_none(),
            !passed_on && is_held,
        ),
        identity: server.as_ref().map(ServerProcesses::identity),
        left: if is_left { named(&Holding::identities(&ours)) } else { Vec::new() },
        ..ServerStatus::of(record)
    };
    let held = || held(evidence.started_there().filter(|other| !other.is_same_service(&record.started())));
    if server.is_none() {
        if status.state == State::Foreign {
            status.reason = Some(held());
        }
        if let Some(Identity { pid, .. }) = halted.filter(|_| status.state == State::Stopped) {
            status.reason = Some(format!("{}; {}", halted::words(record.has_ended(), pid), continued(pid)));
        }
        let is_over = status.state == State::Stopped && record.phase != Phase::Stopped;
        status.reason = status.reason.or_else(|| is_over.then(|| "it has ended".into()));
        return Ok((status, None));
    }
    let service = || record.asked_spec().and_then(|spec| Service::try_from(spec).ok());
    let stranger = evidence.stranger(&ours, &record.started(), state_folder, service);
    status.url = url(record, &ours, stranger.as_ref());
    status.reason = match (ours.is_empty(), others.is_empty()) {
        (true, true) if record.port.is_some_and(Port::is_udp) => Some("nothing is bound to its port".into()),
        (true, true) if !holdings.is_empty() => Some(format!("it {NOT_ACCEPTED}")),
        (true, true) => Some("nothing listens on its port".into()),
        (true, false) => Some(held()),
        // why it was started again
        (false, _) => stranger
            .as_ref()
            .map(Stranger::note)
            .or_else(|| record.reason.clone().filter(|_| record.phase == Phase::Ready)),
    };
    // whoever answers may be that one
    let is_shared = stranger.is_some_and(|stranger| stranger.is_sharing());
    let answering = (!ours.is_empty() && !is_shared).then(|| (record.clone(), ours));
    Ok((status, answering))
}

/// Looks at a service whose server is not known to run: somebody may hold its port all the same, and may be it.
fn of_service(
    state_folder: &StateFolder,
    service: &Service,
    record: Option<&ServerRecord>,
    records: &[ServerRecord],
) -> Result<(ServerStatus, Answering), Failure> {
    let port = service.port();
    let expected = ServerRecord::starting(service, port, None, None);
    let mut status = ServerStatus { state: State::Stopped, reason: None, log: None, ..ServerStatus::of(&expected) };
    if let Some(record) = record {
        status = ServerStatus { state: State::of(record.phase, false, false, false), ..ServerStatus::of(record) };
    }
    if service.has_range() {
        return Ok((status, None));
    }
    let mut known = known(port, record, records);
    if port.is_none() {
        let census = Census::take().map_err(Failure::system("look at the processes"))?;
        let found = loading::find(service, port, state_folder, &census, records).map_err(ReadyError::from)?;
        known.extend(found.map(|found| evidence::Known::of(expected.started(), &[found.identity])));
    }
    let evidence = Evidence::gather(port, known).map_err(ReadyError::from)?;
    let evidence = evidence.compared(state_folder, service);
    let holdings = match judge(&evidence, service) {
        Whose::Nobody => return Ok((status, None)),
        Whose::Ours(left, _)
            if let Some(record) = record
                && is_left_behind(record, &left)? =>
        {
            return Ok((status, None));
        }
        Whose::Ours(holdings, _) | Whose::Matching(holdings, _) => holdings,
        Whose::Another(_, other) => {
            let reason = Some(held(Some(&other)));
            return Ok((ServerStatus { state: State::Foreign, reason, ..status }, None));
        }
        Whose::Foreign(..) => {
            let reason = Some(held(None));
            return Ok((ServerStatus { state: State::Foreign, reason, ..status }, None));
        }
    };
    let stranger = evidence.stranger(&holdings, &expected.started(), state_folder, || Some(service.clone()));
    let url = url(&expected, &holdings, stranger.as_ref());
    let identity = Holding::processes(&holdings).next().map(Facts::identity);
    let status =
        ServerStatus { state: State::Running, identity, url, reason: stranger.as_ref().map(Stranger::note), ..status };
    let is_shared = stranger.is_some_and(|stranger| stranger.is_sharing());
    Ok((status, (!is_shared).then_some((expected, holdings))))
}

/// A port that is not a known server's: somebody else's, if anybody's.
fn of_port(port: Port) -> Result<ServerStatus, Failure> {
    let holdings = listening::look(port).map_err(ReadyError::from)?;
    let state = if holdings.is_empty() { State::Stopped } else { State::Foreign };
    let reason = holdings.first().map(|holding| format!("{} holds it", holding.title()));
    Ok(ServerStatus { state, reason, ..ServerStatus::unknown(port) })
}

fn site<'r>(record: &'r ServerRecord, ours: &[Holding]) -> Site<'r> {
    Site::of(&record.health, &record.service.folder, record.port, ours, &record.command).left(record.deserted(ours))
}

fn url(record: &ServerRecord, ours: &[Holding], stranger: Option<&Stranger>) -> Option<String> {
    site(record, ours).stranger(stranger).url()
}

/// Before its first start a supervisor stands for its server.
fn running(record: &ServerRecord) -> std::io::Result<Option<ServerProcesses>> {
    if record.supervisor == Some(record.identity()) {
        return Ok(None);
    }
    let mut processes = ServerProcesses::of(record)?;
    Ok(processes.end()?.is_none().then_some(processes))
}

async fn ask(state_folder: &StateFolder, asked: Option<&(ServerRecord, Vec<Holding>)>) -> Option<Asked> {
    let (record, holdings) = asked?;
    let question = site(record, holdings).question().ok()?;
    let counted = state_folder.of_service(&record.service, record.port, "asked");
    ask_count::note(&counted, question.connections(record.port));
    let answer = Prober::new(&record.probe).ask(&question).await;
    Some(answer.unwrap_or_else(|error| Asked::Not(error.to_string())))
}
