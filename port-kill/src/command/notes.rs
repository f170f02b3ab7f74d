//! What is said on standard error beside the results: what is still held, and what the user could do next.

use port_kill::{Hint, Holder, Outcome, PortOutcome, ProcessOutcome, Report, Supervisor};
use port_who::origin::{Manager, short_id};
use proc_tree::{
    Signal,
    cli::{
        command_line::{self, quoted},
        text,
    },
};

use super::container;

/// Words the end of a wait that was cut short: `port-kill: interrupted by SIGINT; signalled python3 (4711); still alive: …`
pub(crate) fn interruption(report: &Report, signal: Signal) -> String {
    let names = |chosen: &dyn Fn(&ProcessOutcome) -> bool| {
        let mut names: Vec<String> = Vec::new();
        for process in report.processes.iter().filter(|process| chosen(process)) {
            let name = process.name.as_deref().unwrap_or("?");
            let pid = process.pid.map(|pid| format!(" ({pid})")).unwrap_or_default();
            names.push(format!("{name}{pid}"));
        }
        names.dedup();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let signalled = names(&|process| process.signal.is_some());
    let alive = names(&|process| process.outcome == Outcome::Survived);
    text::escape(&format!("port-kill: interrupted by {signal}; signalled: {signalled}; still alive: {alive}"))
        .into_owned()
}

/// Words that a port is still held, and why where no line of a process says so.
pub(crate) fn still_held(report: &Report, port: &PortOutcome) -> String {
    let said = |holder: &Holder| {
        report
            .processes
            .iter()
            .any(|process| process.port == Some(port.port) && process.pid == holder.pid && !process.outcome.is_end())
    };
    let reason = port.reason.as_deref().filter(|_| !port.held_by.iter().all(said));
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    text::escape(&format!("port-kill: port {} is still held{reason}", port.port)).into_owned()
}

/// Words that a port is not free though nobody listens on it.
pub(crate) fn in_use(port: &PortOutcome) -> String {
    let reason = port.reason.as_deref().unwrap_or("something uses it");
    text::escape(&format!("note: nobody listens on port {}, but it is not free: {reason}", port.port)).into_owned()
}

/// Words what the user could do next.
pub(crate) fn hint(hint: &Hint) -> String {
    let said = match hint {
        Hint::Container { protocol, local, id, address, podman } => {
            let runtime = if *podman { "podman" } else { "docker" };
            let other = if *podman { "docker" } else { "podman" };
            let named = |runtime| container::publishing(*protocol, *local, runtime).map(|name| (runtime, name));
            let named = if id.is_none() { named(runtime).or_else(|| named(other)) } else { None };
            match named {
                Some((runtime, name)) => {
                    format!("{runtime} stop {name} stops the container behind port {}", local.port())
                }
                None => unnamed_container(runtime, local.port(), id.as_deref(), address.as_ref()),
            }
        }
        Hint::SocketUnit { unit, user } => socket_unit(unit.as_deref(), if *user { " --user" } else { "" }),
        Hint::Restart(supervisor) => format!("{} may start it again: {}", supervisor.name(), stop_command(supervisor)),
        Hint::LeftBehind(pids) => {
            let what =
                if pids.len() == 1 { "a descendant is".into() } else { format!("{} descendants are", pids.len()) };
            format!("{what} left: kill {}; --tree stops descendants with their server", list(pids, " "))
        }
        Hint::NoPort(pids) => format!("kill {} ends what holds no port", list(pids, " ")),
        Hint::Root(words) => {
            let line = format!("sudo port-kill {}", command_line::typed(words.iter().map(String::as_str)));
            if words.last().is_some_and(|word| word == "-") { format!("{line}, with the same input") } else { line }
        }
        Hint::Unseen(why) => why.clone(),
    };
    text::escape(&said).into_owned()
}

fn list<T: ToString>(of: &[T], separator: &str) -> String {
    of.iter().map(T::to_string).collect::<Vec<_>>().join(separator)
}

fn unnamed_container(runtime: &str, port: u16, id: Option<&str>, address: Option<&(String, String)>) -> String {
    if let Some(id) = id {
        return format!("{runtime} stop {} stops the container behind port {port}", short_id(id));
    }
    let address = address.map(|(ip, port)| format!(" at {ip}:{port}")).unwrap_or_default();
    let list = if runtime == "podman" { "podman ps".to_owned() } else { format!("docker ps --filter publish={port}") };
    format!("{list} names the container{address} behind port {port}; {runtime} stop NAME stops it")
}

fn socket_unit(unit: Option<&str>, scope: &str) -> String {
    match unit {
        Some(unit) => format!("systemctl{scope} stop {}", quoted(&format!("{unit}.socket"))),
        None => format!(
            "systemctl{scope} list-sockets names the unit that listens; systemctl{scope} stop NAME.socket stops it"
        ),
    }
}

/// Tells how to stop for good what somebody keeps. A supervisor's own client knows the server by a name that cannot be
/// seen from here.
fn stop_command(supervisor: &Supervisor) -> String {
    let (name, pid) = match supervisor {
        Supervisor::Manager(manager) => return stop_managed(manager),
        Supervisor::EnsureUp(supervisor) => match supervisor.command.as_deref() {
            Some([_, _, port, ..]) => return format!("ensure-up --stop {port}"),
            _ => ("ensure-up", supervisor.pid),
        },
        Supervisor::Program { name, pid } => (*name, *pid),
    };
    match name {
        "pm2" => "pm2 stop NAME".to_owned(),
        "supervisord" => "supervisorctl stop NAME".to_owned(),
        "circusd" => "circusctl stop NAME".to_owned(),
        "runsv" => "sv stop NAME".to_owned(),
        "s6-supervise" => "s6-svc -d FOLDER".to_owned(),
        "supervise" => "svc -d FOLDER".to_owned(),
        "monit" => "monit stop NAME".to_owned(),
        _ => format!("kill {pid}"),
    }
}

fn stop_managed(manager: &Manager) -> String {
    match manager {
        Manager::Unit { name, user: true } => format!("systemctl --user stop {}", quoted(name)),
        Manager::Unit { name, user: false } => format!("systemctl stop {}", quoted(name)),
        Manager::Container { id, runtime } => {
            let client = match *runtime {
                "docker" => "docker stop",
                "podman" => "podman stop",
                "nerdctl" => "nerdctl stop",
                "lxc" => "lxc-stop",
                "nspawn" => "machinectl stop",
                _ => "crictl stop",
            };
            format!("{client} {}", quoted(short_id(id)))
        }
        Manager::Launchd => "launchctl bootout".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use port_who::Protocol;

    use super::*;

    fn process(pid: u32, outcome: Outcome, name: &str) -> ProcessOutcome {
        ProcessOutcome {
            port: Some(80),
            pid: Some(pid),
            start_id: None,
            name: Some(name.into()),
            role: port_kill::Role::Holder,
            outcome,
            signal: Some(Signal::TERM),
            elapsed: None,
            reason: None,
            unanswered: None,
            memory: None,
        }
    }

    #[test]
    fn a_held_port_says_why_only_where_no_line_above_does() {
        let refused = process(7, Outcome::Refused, "python3");
        let holder = |pid| Holder { pid: Some(pid), start_id: None, name: None, user: None };
        let held = |pid| PortOutcome {
            reason: Some("why".into()),
            held_by: vec![holder(pid)],
            port: 80,
            protocol: None,
            free: false,
            left_alone: false,
            in_use: false,
        };
        let report = Report { processes: vec![refused], ..Report::default() };
        assert_eq!(still_held(&report, &held(7)), "port-kill: port 80 is still held");
        assert_eq!(still_held(&report, &held(8)), "port-kill: port 80 is still held: why");
    }

    #[test]
    fn an_interruption_names_whom_it_concerns_and_their_names_cannot_move_the_cursor() {
        let processes = vec![
            process(7, Outcome::Survived, "\x1b[2Jevil"),
            ProcessOutcome { signal: None, ..process(8, Outcome::Refused, "spared") },
        ];
        let said = interruption(&Report { processes, ..Report::default() }, Signal::INT);
        assert!(!said.contains('\x1b') && !said.contains("spared"), "{said}");
        assert!(said.starts_with("port-kill: interrupted by SIGINT; signalled: ") && said.ends_with("(7)"), "{said}");
    }

    #[test]
    fn each_hint_is_a_line_that_helps() {
        let id = "0123456789abcdef".repeat(4);
        let program = |name| Hint::Restart(Supervisor::Program { name, pid: 7 });
        let managed = |manager| Hint::Restart(Supervisor::Manager(manager));
        let named = |id: &str, runtime| managed(Manager::Container { id: id.into(), runtime });
        let container = |runtime| named(&id, runtime);
        let behind = |id, podman| {
            let (protocol, local) = (Protocol::Tcp, ([127, 0, 0, 1], 80).into());
            Hint::Container { protocol, local, id, address: None, podman }
        };
        let root = |words: &[&str]| Hint::Root(words.iter().map(|&word| word.to_owned()).collect());
        let unit = |user| managed(Manager::Unit { name: "web.service".into(), user });
        let escaped = managed(Manager::Unit { name: r"my\x2dweb.service".into(), user: false });
        for (given, said) in [
            (behind(Some(id.clone()), true), "podman stop 0123456789ab stops the container behind port 80"),
            (
                behind(None, false),
                "docker ps --filter publish=80 names the container behind port 80; docker stop NAME stops it",
            ),
            (Hint::SocketUnit { unit: Some("web".into()), user: true }, "systemctl --user stop web.socket"),
            (program("nodemon"), "nodemon (7) may start it again: kill 7"),
            (program("pm2"), "pm2 (7) may start it again: pm2 stop NAME"),
            (unit(false), "web.service may start it again: systemctl stop web.service"),
            (unit(true), "web.service may start it again: systemctl --user stop web.service"),
            (container("docker"), "docker container 0123456789ab may start it again: docker stop 0123456789ab"),
            (container("podman"), "podman container 0123456789ab may start it again: podman stop 0123456789ab"),
            (container("cri-o"), "cri-o container 0123456789ab may start it again: crictl stop 0123456789ab"),
            (container("nerdctl"), "nerdctl container 0123456789ab may start it again: nerdctl stop 0123456789ab"),
            // what has no ID goes by its name, and that is whole
            (
                named("long-machine-1", "lxc"),
                "lxc container long-machine-1 may start it again: lxc-stop long-machine-1",
            ),
            (
                named("long-machine-1", "nspawn"),
                "nspawn container long-machine-1 may start it again: machinectl stop long-machine-1",
            ),
            (managed(Manager::Launchd), "launchd may start it again: launchctl bootout"),
            (escaped, r"my\x2dweb.service may start it again: systemctl stop 'my\x2dweb.service'"),
            (Hint::LeftBehind(vec![7]), "a descendant is left: kill 7; --tree stops descendants with their server"),
            (
                Hint::LeftBehind(vec![7, 9]),
                "2 descendants are left: kill 7 9; --tree stops descendants with their server",
            ),
            (Hint::NoPort(vec![7]), "kill 7 ends what holds no port"),
            (root(&["80", "127.0.0.1:443/tcp"]), "sudo port-kill 80 127.0.0.1:443/tcp"),
            (root(&["--match", "node .*", "[::1]:80"]), "sudo port-kill --match 'node .*' '[::1]:80'"),
            (root(&["-n", "-"]), "sudo port-kill -n -, with the same input"),
        ] {
            assert_eq!(hint(&given), said);
        }
    }
}
