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
        (&["--match", r"\d("], r#"invalid pattern "\d(" for --match: unclosed group"#.into()),
        (&["--free=x"], "invalid count \"x\" for --free: expected how many ports, as in --free=3".into()),
        (&["--free=0"], "invalid count \"0\" for --free: expected how many ports, as in --free=3".into()),
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
        &["--free", "--watch"],
        &["--free", "--count", "3"],
        &["--free", "--pid", "1"],
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
fn a_count_of_rounds_is_a_watch() {
    let port = crate::support::free_port().to_string();
    let output = port_who().args(["--count", "1", &port]).status(1).run();
    assert!(output.took < std::time::Duration::from_secs(10));
}

#[test]
fn a_slip_gets_the_line_that_was_meant() {
    for (arguments, meant) in [
        (&["--watch", "500ms"][..], "--watch=500ms"),
        (&["--watch", "1m30s", "--json", "8000"], "--watch=1m30s --json 8000"),
        (&["--free=8000-8099"], "--free 8000-8099"),
        (&["-i", ":8000"], ":8000"),
        (&["-ti:8000"], ":8000"),
        (&["-nP", "-iTCP:8000", "-sTCP:LISTEN"], "8000/tcp"),
        (&["-iUDP", "-n"], "--udp"),
        (&["-ltnp"], ""),
        (&["-n", "8000/tcp"], "8000/tcp"),
        (&["-t", "8000"], "--pids 8000"),
        (&["-p", "4711"], "--pid 4711"),
        (&["-u", "root", "--port=8000"], "--user root 8000"),
        (&["http://localhost:8000/health"], "8000"),
        (&["localhost:8000", "--match", "a b", "-l"], "8000 --match 'a b'"),
    ] {
        let output = port_who().args(arguments).status(2).any_stderr().run();
        let hint = format!("\nhint: port-who {meant}").trim_end().to_owned() + "\n";
        assert!(output.stderr.starts_with("port-who: ") && output.stderr.ends_with(&hint), "{}", output.stderr);
        assert_eq!(output.stderr.lines().count(), 2, "{}", output.stderr);
    }
    for arguments in [&["-X"][..], &["-9"], &["--frob", "8000"], &["--port", "x"]] {
        let output = port_who().args(arguments).status(2).any_stderr().run();
        assert!(!output.stderr.contains("as a value") && output.stderr.lines().count() == 2, "{}", output.stderr);
    }
}

#[test]
fn a_value_that_was_taken_for_a_port_is_told() {
    let hint = |option: &str| format!("hint: 3 was taken for a port: {option}=3 is the form with a value\n");
    let output = port_who().args(["--free", "3"]).any_stdout().any_stderr().finish();
    assert!(output.stderr.starts_with(&hint("--free")), "{}", output.stderr);
    port_who().args(["--watch", "3", "--count=1"]).status(1).stderr(hint("--watch")).run();
}
