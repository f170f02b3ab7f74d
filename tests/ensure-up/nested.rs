//! A service whose command starts another service: each is stopped, restarted and given up by itself.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::{
    projects::Projects,
    site::{line, send, shell},
    support::{eventually, runs},
};

/// A command that brings up another service first, in folder `b`, and then does this.
fn behind_another(projects: &Projects, options: &str, then: &str) -> Vec<String> {
    let tool = env!("CARGO_BIN_EXE_ensure-up");
    let other = format!("--port {{Q}} --name db {options} -- \"$0\" serve --count \"$3\" 127.0.0.1:{{Q}}");
    let script = projects.filled(&format!("(cd '{{b}}' && '{tool}' {other}) >&2 && {then}"));
    shell(&script, &projects.site.server(&[]))
}

#[test]
fn another_service_that_a_server_has_started_does_not_end_with_it() {
    for (options, its) in [("", ""), ("--keep-up", ""), ("--keep-up", "--keep-up")] {
        let projects = Projects::new();
        let command = behind_another(&projects, its, "exec \"$0\" \"$@\"");
        let start =
            || projects.type_in("a", &format!("--json --port {{P}} --name app {options}")).arg("--").args(&command);
        let app = line(&start().run()).pid.unwrap();
        let db = projects.site.alive().into_iter().find(|&pid| pid != app).unwrap();
        if !options.is_empty() {
            send(app, Signal::SIGKILL);
            eventually("the end of the first", || !runs(app));
            assert_ne!(line(&start().run()).pid, Some(app));
            assert!(runs(db), "{options} {its}: a crash of the one ended the other");
        }
        projects.type_in("a", "--stop app").run();
        assert_eq!(projects.site.alive(), [db], "{options} {its}");
        let again = projects.type_in("b", "--status --json db").run();
        assert!(again.stdout.contains("\"healthy\":true"), "{again:?}");
    }
}

#[test]
fn a_command_that_asks_for_its_own_service_is_told_at_once() {
    for (options, status) in [
        ("--port {P}", 3),
        ("--name own --port {P}-{R}", 3),
        ("--name own", 3),
        ("--port {P} --keep-up --backoff 1ms --max-restarts 1/60s", 5),
    ] {
        let projects = Projects::new();
        let tool = env!("CARGO_BIN_EXE_ensure-up");
        let script = projects.filled(&format!("'{tool}' {options} -- \"$0\" \"$@\""));
        // a service without a port has none to fill in
        let server = projects.site.server_at(&[], &projects.filled("127.0.0.1:{P}"));
        let command = shell(&script, &server);
        let call = projects.type_in("a", &format!("{options} --timeout 20s")).arg("--").args(command);
        let said = call.status(status).run();
        assert!(said.stderr.contains("would wait for itself: its own command asks for it"), "{options}: {said:?}");
        assert!(said.took < Duration::from_secs(10) && projects.site.started().is_empty(), "{options}: {said:?}");
    }
}

#[test]
fn a_command_that_only_started_another_service_has_ended() {
    let projects = Projects::new();
    let command = behind_another(&projects, "", "exit 0");
    let failed = projects.type_in("a", "--port {P} --name app --timeout 20s").arg("--").args(command).status(3).run();
    assert!(failed.took < Duration::from_secs(10), "{failed:?}");
    assert_eq!(projects.site.alive().len(), 1, "the other service lives");
}
