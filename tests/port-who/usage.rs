//! Arguments that are wrong, and the pages about those that are right.

use crate::port_who;

#[test]
fn a_bad_argument_is_status_two_quoted_and_nothing_is_printed() {
    let ports = "expected a number from 1 to 65535, a range such as 8000-8099, or a list";
    for (arguments, said) in [
        (&["80x"][..], format!("invalid port \"80x\": {ports}")),
        (&["0"], format!("invalid port \"0\": {ports}")),
        (&["8000", "65536"], format!("invalid port \"65536\": {ports}")),
        (&["8000,"], format!("invalid port \"8000,\": {ports}")),
        (&["9-3"], "invalid port \"9-3\": the range is reversed, its first port is above its last".into()),
        (&["80/sctp"], "invalid port \"80/sctp\": expected /tcp or /udp after the port".into()),
        (&["--match", "("], "invalid pattern \"(\": unclosed group".into()),
        (&["--user", "no-such-user"], "invalid user \"no-such-user\": there is no user of that name".into()),
        (&["--watch=0"], "invalid interval \"0\": expected more than zero".into()),
    ] {
        port_who().args(arguments).status(2).stderr(format!("port-who: {said}\n")).run();
    }
}

#[test]
fn flags_that_do_not_go_together_are_status_two() {
    for arguments in [
        &["--json", "--pids"][..],
        &["--json", "--table"],
        &["--pids", "--table"],
        &["--free", "--why"],
        &["--free=0"],
        &["--free", "--watch"],
        &["--count", "3"],
        &["--watch", "--count", "0"],
        &["--nonsense"],
        &["--user"],
    ] {
        let output = port_who().args(arguments).status(2).any_stderr().run();
        assert!(output.stderr.starts_with("port-who: "), "{}", output.stderr);
    }
}

#[test]
fn optional_values_do_not_swallow_the_port_behind_them() {
    let port = crate::support::free_port().to_string();
    port_who().args(["--free", &port]).stdout(format!("{port}\n")).run();
    port_who().args(["--watch", "--count", "1", &port]).status(1).run();
}

#[test]
fn help_is_as_it_was_reviewed() {
    let help = include_str!("../golden/port-who.help");
    port_who().arg("--help").env("COLUMNS", "100").stdout(help).run();
}

#[test]
fn pages_are_generated_for_man_and_three_shells() {
    for (page, part) in [
        ("man", ".TH port-who 1"),
        ("bash", "complete -F _port__who"),
        ("zsh", "#compdef port-who"),
        ("fish", "complete -c port-who"),
    ] {
        let output = port_who().args(["--generate", page]).any_stdout().run();
        assert!(output.stdout.contains(part), "{}", output.stdout);
    }
}
