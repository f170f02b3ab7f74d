//! Flags, help, streams.

use std::fs::File;

use super::{NOBODYS, Said, port_kill, quiet_address};
use crate::support::{Fixture, runs};

#[test]
fn bad_arguments_are_status_two_and_quoted() {
    for (arguments, message) in [
        (&["80x"][..], "invalid port \"80x\": expected a number from 1 to 65535, a range such as 8000-8099, or a list"),
        (
            &["--signal", "NOPE", "80"],
            "invalid signal \"NOPE\": expected a name such as TERM or SIGINT, or a number from 1 to 31",
        ),
        (
            &["--signal", "0", "80"],
            "invalid signal \"0\": it would signal nothing; --dry-run shows what would be signalled",
        ),
        (&["--match", "(", "80"], "invalid pattern \"(\" for --match: unclosed group"),
        (&["-FOO", "80"], "invalid signal \"FOO\": expected a name such as TERM or SIGINT, or a number from 1 to 31"),
        (
            &["--grace", "5x", "80"],
            "invalid duration \"5x\": expected a number of seconds, or a number with a unit such as 500ms, 5s or 1m30s",
        ),
    ] {
        port_kill().args(arguments).status(2).stderr(format!("port-kill: {message}\n")).run();
    }
}

#[test]
fn flags_that_contradict_each_other_or_no_port_at_all_are_status_two() {
    for arguments in [&[][..], &["--force", "--signal", "INT", "80"], &["--nonsense", "80"]] {
        let output = port_kill().args(arguments).status(2).any_stderr().run();
        assert!(output.stderr.starts_with("port-kill: "), "{}", output.stderr);
        assert!(output.stderr.ends_with("hint: port-kill --help shows the usage\n"), "{}", output.stderr);
    }
}

#[test]
fn a_signal_is_also_given_as_kill_takes_it() {
    for (argument, expected) in [("-9", "SIGKILL"), ("-KILL", "SIGKILL"), ("-SIGINT", "SIGINT"), ("-INT", "SIGINT")] {
        let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
        let output = port_kill().args([argument, "--json", &server.port().to_string()]).any_stdout().run();
        let process = &Said::by(&output).processes[0];
        assert_eq!((process.pid, process.signal.as_deref()), (Some(server.pid()), Some(expected)), "{argument}");
        assert!(!runs(server.pid()));
    }
    let zero = "port-kill: invalid signal \"0\": it would signal nothing; --dry-run shows what would be signalled\n";
    port_kill().args(["-0", "80"]).status(2).stderr(zero).run();
    for arguments in [&["-9", "-15", "80"][..], &["-9", "--force", "80"], &["-FOO", "80"], &["--", "-9"]] {
        port_kill().args(arguments).status(2).any_stderr().run();
    }
}

#[test]
fn an_option_of_a_peer_gets_the_line_that_was_meant() {
    for (arguments, meant) in [
        // killport
        (&["--mode", "process", "80"][..], "80"),
        (&["80", "-m", "auto", "-vvv", "-s", "sigterm", "--dry-run"], "80 -s sigterm --dry-run"),
        (&["--no-fail", "80"], "80"),
        // kill-port
        (&["--port", "80,81"], "80,81"),
        (&["80", "81", "--method", "udp"], "80/udp 81/udp"),
        // fkill, fuser, lsof
        (&["--silent", "--force-after-timeout", "5", ":80"], "--quiet --grace 5 :80"),
        (&["-k", "80/tcp"], "80/tcp"),
        (&["-k", "-TERM", "80/udp"], "-TERM 80/udp"),
        (&["-ti:80"], ":80"),
        (&["-i:80"], "80"),
        (&["tcp:80", "-y"], "80/tcp"),
        (&["-9", "localhost:80"], "-9 80"),
    ] {
        let output = port_kill().args(arguments).status(2).any_stderr().run();
        let hint = format!("\nhint: port-kill {meant}\n");
        assert!(output.stderr.starts_with("port-kill: ") && output.stderr.ends_with(&hint), "{}", output.stderr);
        assert_eq!(output.stderr.lines().count(), 2, "{}", output.stderr);
    }
    let output = port_kill().args(["-X", "80"]).status(2).any_stderr().run();
    assert!(!output.stderr.contains("as a value"), "{}", output.stderr);
}

#[test]
fn a_result_that_cannot_be_written_is_status_125() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let full = File::options().write(true).open("/dev/full").expect("the device is there");
    let mut command = std::process::Command::new(super::BINARY);
    let output = command.args(["-n", &server.port().to_string()]).stdout(full).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(125));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(message, "port-kill: cannot write to standard output: no space left on device\n");
    assert!(runs(server.pid()));
}

#[test]
fn a_closed_pipe_is_nobodys_failure() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = std::process::Command::new(super::BINARY);
    let output = command.args(["-n", &server.port().to_string()]).stdout(writer).output().expect("the tool runs");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn several_free_ports_are_noted_each() {
    let [one, two] = NOBODYS;
    let note = format!("{one}  nothing was listening\n{two}  nothing was listening\n");
    port_kill().args([one, two].map(|port| port.to_string())).stderr(note).run();
}
