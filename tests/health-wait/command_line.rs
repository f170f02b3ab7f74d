//! Flags, streams, statuses and generated pages.

use std::{fs::File, process::Stdio};

use super::{health_wait, server::Server};
use crate::support::free_port;

#[test]
fn usage_errors_are_status_two_and_quote_what_is_wrong() {
    for (arguments, said) in [
        (
            vec![],
            "the following required arguments were not provided: <TARGET>...\nhint: health-wait --help shows the usage",
        ),
        (
            vec!["http-get://localhost:3000/x"],
            "invalid target \"http-get://localhost:3000/x\": here that is http://localhost:3000/x\nhint: health-wait http://localhost:3000/x",
        ),
        (
            vec!["--timeout", "1s", "pg_isready -q && true", ":1"],
            "invalid target \"pg_isready -q && true\": a line for the shell begins with exec:\nhint: health-wait --timeout 1s 'exec:pg_isready -q && true' :1",
        ),
        (vec!["http://x:0/"], "invalid target \"http://x:0/\": expected a port from 1 to 65535"),
        (
            vec!["port-free:9-3"],
            "invalid target \"port-free:9-3\": invalid port \"9-3\": the range is reversed, its first port is above its last",
        ),
        (
            vec!["--timeout=5x", ":1"],
            "invalid duration \"5x\": expected a number of seconds, or a number with a unit such as 500ms, 5s or 1m30s",
        ),
        (vec!["--interval=0", ":1"], "invalid interval \"0\": expected more than zero"),
        (
            vec!["--expect-status=2xx", ":1"],
            "invalid status \"2xx\": expected a number from 100 to 599, a range such as 200-299, or a list of both",
        ),
        (vec!["--expect-body=(", ":1"], "--expect-body: invalid regular expression \"(\": unclosed group"),
        (
            vec!["--expect-json=status", ":1"],
            "invalid JSON expectation \"status\": expected PATH=VALUE such as $.status=ok",
        ),
        (vec!["-Hx", ":1"], "invalid header \"x\": expected 'Name: value'"),
        (vec!["--expect-json=$.a=b", ":1"], "--expect-json looks into HTTP answers, and no target is an HTTP URL"),
        (
            vec!["--cacert=/no/such.pem", "https://localhost/"],
            "cannot use the certificates in \"/no/such.pem\": no such file or directory",
        ),
        (
            vec!["--cacert=/etc/passwd", "https://localhost/"],
            "cannot use the certificates in \"/etc/passwd\": there are none",
        ),
        (
            vec!["--cacert=/dev/zero", "https://localhost/"],
            "cannot use the certificates in \"/dev/zero\": it is not a regular file",
        ),
    ] {
        health_wait().args(arguments).status(2).stderr(format!("health-wait: {said}\n")).run();
    }
    for arguments in [
        ["--consecutive=0", ":1"],
        ["--pid=0", ":1"],
        ["--method=G T", ":1"],
        ["--json=1", ":1"],
        ["--no-such-flag", ":1"],
    ] {
        let output = health_wait().args(arguments).status(2).any_stderr().run();
        assert!(output.stderr.starts_with("health-wait: "), "{}", output.stderr);
    }
    health_wait().args(["--once", "--consecutive=2", ":1"]).status(2).any_stderr().run();
}

#[test]
fn a_slip_gets_the_line_that_was_meant() {
    let help = "hint: health-wait --help shows the usage";
    for (arguments, said) in [
        (&[":1", "echo", "hi"][..], "the command follows --\nhint: health-wait :1 -- echo hi".to_owned()),
        (&[":1", "sh", "-c", "a b"], "the command follows --\nhint: health-wait :1 -- sh -c 'a b'".into()),
        (&["--reverse", ":1"], "unexpected argument '--reverse' found\nhint: health-wait --down :1".into()),
        (&["-timeout", "5s", ":1"], "unexpected argument '-t' found\nhint: health-wait --timeout 5s :1".into()),
        (&["-p", "1", "-t", "5"], "unexpected argument '-p' found\nhint: health-wait 1 --timeout 5".into()),
        (&["--retry", "3", ":80"], "unexpected argument '--retry' found\nhint: here that is --timeout, until which it is asked again and again".into()),
        (&["-t", "5000", "command:x"], "unexpected argument '-t' found\nhint: health-wait --timeout 5000ms exec:x".into()),
        (&["-i", "100", "--window=750", "./f"], "unexpected argument '-i' found\nhint: health-wait --interval 100ms --stable 750ms file:./f".into()),
        (&["--status-codes", "200", "http-get://h/"], "unexpected argument '--status-codes' found\nhint: health-wait --expect-status 200 http://h/".into()),
        (&["--wait", ":1"], "unexpected argument '--wait' found\nhint: health-wait :1".into()),
        (&["-9", ":1"], format!("unexpected argument '-9' found\n{help}")),
        (&["--consecutive=x", ":1"], "invalid value 'x' for '--consecutive <N>': expected a whole number".into()),
    ] {
        health_wait().args(arguments).status(2).stderr(format!("health-wait: {said}\n")).run();
    }
}

#[test]
fn quiet_leaves_errors_and_nothing_else() {
    let target = format!(":{}", free_port());
    health_wait().args(["-q", "--once", &target]).status(1).run();
    let output = health_wait().args(["-q", "--timeout=50ms", &target]).status(124).any_stderr().run();
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
}

#[test]
fn a_full_disk_is_status_125_and_a_closed_pipe_is_none() {
    let server = Server::answering("200 OK", "");
    if let Ok(full) = File::options().write(true).open("/dev/full") {
        let mut run = health_wait().args(["--json", &server.url("/")]);
        let output = run.command().stdout(full).stderr(Stdio::piped()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(125));
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "health-wait: cannot write to standard output: no space left on device\n"
        );
    }
    let mut run = health_wait().args(["--json", &server.url("/")]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = run.command().stdout(writer).stderr(Stdio::piped()).output().expect("it runs");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_closed_stderr_does_no_harm() {
    let target = format!(":{}", free_port());
    let script = format!("exec \"$0\" --timeout=50ms {target} 2>&-");
    let mut run = crate::support::Tool::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_health-wait")]).status(124);
    assert_eq!(run.finish().status.code(), Some(124));
}
