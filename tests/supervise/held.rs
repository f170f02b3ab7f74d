//! A socket that the supervisor holds: nobody is refused while the server is started again, and it is told, freed and given
//! up as what it is.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream},
    os::fd::AsRawFd,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use nix::sys::{
    signal::Signal,
    socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind},
};

use crate::{
    kept::scripted,
    site::{Site, line, send},
    stopped::free,
    support::{eventually, runs},
};

/// What other tests start meanwhile has no copy of it.
#[cfg(target_os = "linux")]
const CLOEXEC: SockFlag = SockFlag::SOCK_CLOEXEC;

/// There is no such flag there.
#[cfg(target_os = "macos")]
const CLOEXEC: SockFlag = SockFlag::empty();

/// What became of those that connected.
#[derive(Debug, Default, Clone, Copy)]
struct Clients {
    refused: u32,
    answered: u32,
}

/// Connects again and again until it is told to end.
fn connect(port: u16, is_over: &AtomicBool) -> Clients {
    let mut clients = Clients::default();
    while !is_over.load(Ordering::Relaxed) {
        match TcpStream::connect(("127.0.0.1", port)) {
            Err(_) => clients.refused += 1,
            Ok(mut stream) => {
                let mut answer = String::new();
                stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket has a limit");
                // one that a server had taken when it was killed is cut off, and not refused
                let asked =
                    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").and_then(|()| stream.read_to_string(&mut answer));
                clients.answered += u32::from(asked.is_ok() && answer.ends_with("ok\n"));
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    clients
}

/// Does something under clients.
fn under_clients(port: u16, what: impl FnOnce()) -> Clients {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let client = scope.spawn(|| connect(port, &is_over));
        what();
        is_over.store(true, Ordering::Relaxed);
        client.join().expect("the client ends")
    })
}

/// Crashes and reloads a server under clients.
fn under_restarts(options: &[&str], server: &[&str]) -> Clients {
    let site = Site::new();
    site.write("app.py", "1");
    site.kept(&[&["--reload-on", "*.py", "--max-restarts", "99/60s"], options].concat(), &site.server(server));
    under_clients(site.port, || {
        for generation in 2..=7 {
            if generation % 2 == 0 {
                send(*site.started().last().expect("a server"), Signal::SIGKILL);
            } else {
                site.write("app.py", &generation.to_string());
            }
            site.generation(generation);
        }
    })
}

#[test]
fn no_restart_refuses_a_connection() {
    let held = under_restarts(&["--hold-socket"], &["--inherited"]);
    assert!(held.refused == 0 && held.answered > 50, "{held:?}");
    let bare = under_restarts(&[], &[]);
    assert!(bare.refused > 0, "{bare:?}");
}

#[test]
fn a_restart_that_somebody_asks_for_refuses_none_either() {
    let site = Site::new();
    let again = |options: &[&str]| site.kept(&[&["--hold-socket"], options].concat(), &site.server(&["--inherited"]));
    again(&[]);
    let clients = under_clients(site.port, || {
        for number in 0..4 {
            let value = format!("TRY={number}");
            let options = ["--restart", "--restart-if-changed", "--env", &value];
            assert_eq!(again(if number % 2 == 0 { &options[..1] } else { &options[1..] }).action, "restarted");
        }
    });
    assert!(clients.refused == 0 && clients.answered > 20, "{clients:?}");
    assert_eq!((site.started().len(), site.entry().healthy), (5, true));
    // on another address it is another socket
    let elsewhere = site.kept(&["--hold-socket=127.0.0.2", "--restart"], &site.server(&["--inherited"]));
    assert_eq!(elsewhere.action, "restarted");
    assert!(TcpStream::connect(("127.0.0.1", site.port)).is_err());
    assert!(TcpStream::connect(("127.0.0.2", site.port)).is_ok());
}

#[test]
fn the_socket_of_a_supervisor_that_was_killed_is_taken_from_the_server_or_missed_aloud() {
    let site = Site::new();
    let again = |options: &[&str]| site.keep(&[&["--hold-socket"], options].concat(), &site.server(&["--inherited"]));
    again(&[]).run();
    let kill_supervisor = || {
        let supervisor = site.supervisor();
        send(supervisor.pid, Signal::SIGKILL);
        eventually("its end", || !runs(supervisor.pid));
    };
    let mut said = String::new();
    let clients = under_clients(site.port, || {
        // it is put beside the server, whose end is nothing to who connects then
        kill_supervisor();
        said += &again(&[]).run().stderr;
        send(site.started()[0], Signal::SIGKILL);
        site.generation(2);
        kill_supervisor();
        said += &again(&["--restart"]).run().stderr;
    });
    // whether it may be taken is for the system to say: ptrace(2)
    assert_eq!(clients.refused == 0, !said.contains("its socket could not be kept"), "{clients:?} {said}");
    assert!(
        !cfg!(target_os = "linux") || !nix::unistd::geteuid().is_root() || clients.refused == 0,
        "{clients:?} {said}"
    );
    assert_eq!((site.started().len(), site.entry().healthy), (3, true));
}

#[test]
fn the_server_behind_a_held_socket_is_told_and_stopped_like_any_other() {
    let site = Site::new();
    let start = || site.kept(&["--hold-socket"], &site.server(&["--inherited"]));
    let first = start();
    assert_eq!((first.pid, first.pids.as_slice()), (Some(site.started()[0]), &site.started()[..]));
    assert_eq!(first.url, Some(format!("tcp://localhost:{}", site.port)));
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.pid, entry.healthy), ("running", first.pid, true));
    assert_eq!(start().action, "reused");
    let is_free = || TcpListener::bind(("127.0.0.1", site.port)).is_ok();
    site.tool().arg("--stop").run();
    assert!(site.is_stopped() && is_free());
    let second = start();
    let supervisor = site.supervisor();
    free(site.port);
    assert!(is_free() && !runs(second.pid.expect("a PID")) && !runs(supervisor.pid));
}

#[test]
fn between_two_servers_the_port_is_the_service_s() {
    for stop in [true, false] {
        let site = Site::new();
        let once = r#"[ $(wc -l < count) -gt 1 ] && exit 1; exec "$1" "$2" --inherited "$3""#;
        let options = ["--keep-up", "--hold-socket", "--backoff", "60s", "--json"];
        let server = line(&site.run(&options, &scripted(once)).run());
        send(server.pid.expect("a PID"), Signal::SIGKILL);
        eventually("a pause", || site.recorded("phase") == "waiting");
        assert!(TcpListener::bind(("127.0.0.1", site.port)).is_err());
        assert_eq!(site.entry().state, "starting");
        let other = site.run(&["--name", "other"], &site.server(&[])).status(4).run();
        assert!(other.stderr.contains("is held by another service of yours"), "{}", other.stderr);
        if stop {
            site.tool().arg("--stop").run();
        } else {
            free(site.port);
        }
        eventually("an end of all", || site.processes().is_empty());
        assert!(TcpListener::bind(("127.0.0.1", site.port)).is_ok());
    }
}

#[test]
fn a_server_that_is_given_up_leaves_its_port() {
    let site = Site::new();
    site.write("app.py", "1");
    let options = ["--hold-socket", "--max-restarts", "0/60s", "--reload-on", "*.py"];
    site.keep(&options, &scripted("[ -e good ] && exec \"$@\" ; exit 7")).status(5).run();
    assert!(runs(site.supervisor().pid), "it stays for files that change");
    assert!(TcpStream::connect(("127.0.0.1", site.port)).is_err());
    let _other = TcpListener::bind(("127.0.0.1", site.port)).expect("the port is free");
    site.write("app.py", "2");
    let why = format!("could not be started: cannot listen on 127.0.0.1:{}: address already in use", site.port);
    eventually("why it cannot be had", || {
        site.recorded("reason").as_str().is_some_and(|reason| reason.ends_with(&why))
    });
}

#[test]
fn a_server_that_does_not_take_its_socket_is_not_ready() {
    let site = Site::new();
    let options = ["--hold-socket", "--timeout", "1s", "--max-restarts", "0/60s"];
    let output = site.keep(&options, &["sleep", "60"]).status(124).run();
    assert!(output.stderr.contains("it does not accept connections on the socket"), "{}", output.stderr);
    let output = site.keep(&["--hold-socket"], &site.server(&[])).status(5).run();
    assert!(output.stderr.contains("ddress already in use"), "{}", output.stderr);
    assert!(output.stderr.contains("\nhint: with --hold-socket the server takes its socket"), "{}", output.stderr);
    let output = site.keep(&[], &scripted("echo Address already in use; exit 1")).status(5).run();
    assert!(!output.stderr.contains("--hold-socket"), "{}", output.stderr);
}

#[test]
fn a_server_that_closes_its_socket_and_lives_on_is_told_and_started_again() {
    let site = Site::new();
    let once = r#"o=; [ $(wc -l < count) -gt 1 ] || o="--close-after 2000"; exec "$1" "$2" --inherited $o "$3""#;
    let server = site.kept(&["--hold-socket"], &scripted(once)).pid.expect("a PID");
    let why = "it does not accept connections on the socket that it was handed";
    eventually("an honest state", || site.entry().reason.as_deref() == Some(why));
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.healthy, runs(server)), ("running", false, true));
    site.generation(2);
    let said = "does not listen any more and port {} is listened on by its supervisor alone";
    assert!(site.logged().contains(&said.replace("{}", &site.port.to_string())), "{}", site.logged());
    assert_eq!((site.entry().healthy, site.entry().restarts), (true, 1));
    assert!(site.get().ends_with("ok\n"));
}

#[test]
fn an_address_is_held_as_it_is_asked_for() {
    let site = Site::new();
    site.kept(&["--hold-socket=0.0.0.0"], &site.server(&["--inherited"]));
    assert!(TcpStream::connect(("127.0.0.2", site.port)).is_ok());
    let output = site.keep(&["--hold-socket=nowhere"], &site.server(&[])).status(2).run();
    assert!(output.stderr.contains("invalid address \"nowhere\""), "{}", output.stderr);
}

#[test]
fn a_socket_that_cannot_be_had_is_told_before_anything_is_stopped_or_started() {
    let site = Site::new();
    let held = |options: &[&str]| site.keep(options, &site.server(&["--inherited"]));
    // RFC 5737: for documents, and nobody's
    let foreign = format!("cannot listen on 192.0.2.1:{}: that is no address of this machine\n", site.port);
    held(&["--hold-socket=192.0.2.1"]).status(125).stderr(format!("ensure-up: {foreign}")).run();
    let socket = nix::sys::socket::socket(AddressFamily::Inet, SockType::Stream, CLOEXEC, None);
    let socket = socket.expect("a socket can be made");
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, site.port);
    bind(socket.as_raw_fd(), &SockaddrIn::from(address)).expect("the port is free");
    let said = held(&["--hold-socket"]).status(125).run().stderr;
    let used = format!("ensure-up: cannot listen on {address}: a bound socket of supervise");
    assert!(said.starts_with(&used) && said.ends_with(&format!(" ({}) uses it\n", std::process::id())), "{said}");
    drop(socket);
    assert!(site.started().is_empty() && site.has_no_server());
    site.tool().arg("--status").status(1).any_stderr().run();
    held(&["--hold-socket"]).run();
    let said = held(&["--hold-socket=192.0.2.1", "--restart"]).status(125).run().stderr;
    assert!(said.ends_with(&foreign), "{said}");
    assert_eq!((site.alive().len(), site.entry().healthy, site.started().len()), (1, true, 1));
}
