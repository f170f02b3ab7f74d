//! What makes no sense is status 2 with the text quoted, and nothing is started.

use crate::site::Site;

/// Runs with wrong arguments and a command that would leave a trace.
fn refused(options: &[&str]) -> String {
    let site = Site::new();
    let output = site.bare().args(options).args(["--", "touch", "started"]).status(2).any_stderr().run();
    assert!(!site.path("started").exists() && !site.path("state").exists(), "{options:?} did something");
    assert!(output.stderr.starts_with("ensure-up: "), "{}", output.stderr);
    output.stderr
}

#[test]
fn a_bad_port_is_quoted() {
    for bad in ["0", "80x", "9-3", "70000", "", "8000,8001", "127.0.0.1:80", "8000/sctp", "-1", "8000-", "+80", "８０"]
    {
        let said = refused(&[&format!("--port={bad}")]);
        assert!(said.contains(&format!("{bad:?}")), "{bad}: {said}");
    }
}

#[test]
fn bad_values_are_quoted() {
    for (flag, bad) in [
        ("--timeout", "5x"),
        ("--timeout", "-1s"),
        ("--grace", "soon"),
        ("--stop-signal", "SIGNOPE"),
        ("--match", "(unclosed"),
        ("--ready-log", "[z-a]"),
        ("--fail-log", "*"),
        ("--adopt", "maybe"),
        ("--log-keep", "many"),
        ("--health", "ftp://x"),
        ("--expect-status", "999x"),
        ("--env", "=x"),
        ("--cwd", "no/such/folder"),
        ("--env-file", "no-such-file"),
    ] {
        let said = refused(&["--port", "8000", &format!("{flag}={bad}")]);
        assert!(said.contains(bad), "{flag}={bad}: {said}");
    }
}

#[test]
fn a_duration_that_no_clock_can_hold_and_a_watch_without_pause_are_refused() {
    for flag in ["--initial-delay", "--timeout", "--grace", "--attempt-timeout", "--interval"] {
        let said = refused(&["--port", "8000", flag, "9999999999999999999"]);
        assert!(said.contains("invalid duration \"9999999999999999999\""), "{flag}: {said}");
    }
    let site = Site::new();
    for bad in ["0", "0s", "9999999999999999999"] {
        let said = site.bare().args(["--status", &format!("--watch={bad}")]).status(2).any_stderr().run().stderr;
        assert!(said.contains(&format!("{bad:?}")), "{said}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let site = Site::new();
    let said = |arguments: &[&str]| site.bare().args(arguments).status(2).any_stderr().run().stderr;
    let neither = said(&["--", "true"]);
    assert!(neither.contains("--port PORT") && neither.contains("--name NAME"), "{neither}");
    assert!(said(&["--port", "8000"]).contains("no command is given"));
    assert!(said(&["--port", "8000", "--no-such-flag", "--", "true"]).contains("--no-such-flag"));
    assert!(!site.path("state").exists());
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    refused(&["--port", "8000", "--json", "--pids"]);
    refused(&["--port", "8000", "--expect-body", "x"]);
    refused(&["--port", "8000", "--health", "unix:/x", "--expect-status", "200"]);
}

#[test]
fn a_log_that_keeps_nothing_is_not_searched() {
    for option in ["--ready-log", "--fail-log"] {
        let said = refused(&["--port", "8000", "--log", "/dev/null", option, "x"]);
        assert!(said.contains(&format!("{option} is looked for in the log, and /dev/null keeps nothing")), "{said}");
    }
    let site = Site::new();
    let server = site.server(&["--print", "it is up"]);
    let in_memory = std::path::Path::new("/dev/shm").is_dir().then(|| tempfile::tempdir_in("/dev/shm"));
    if let Some(Ok(folder)) = in_memory {
        let log = folder.path().join("log").display().to_string();
        site.run(&["--log", &log, "--ready-log", "is up"], &server).run();
        site.clear();
    }
    // what goes through a supervisor is seen there
    let options = ["--log", "/dev/null", "--ready-log", "is up", "--keep-up"];
    site.run(&options, &server).run();
}

#[test]
fn an_option_that_takes_one_value_is_refused_twice() {
    for option in ["--fail-log", "--expect-body", "--name"] {
        let said = refused(&["--port", "8000", option, "a", option, "b"]);
        assert!(said.contains(option) && said.contains("is given twice"), "{said}");
    }
}

#[test]
fn a_slip_gets_the_line_that_was_meant() {
    let site = Site::new();
    for (arguments, said) in [
        (
            &["--port", "8000", "sh", "server.sh"][..],
            "the command follows --\nhint: ensure-up --port 8000 -- sh server.sh\n",
        ),
        (&["--port", "8000", "sh", "-c", "x"], "the command follows --\nhint: ensure-up --port 8000 -- sh -c x\n"),
        (&["status"], "status is an option here\nhint: ensure-up --status\n"),
        // nothing but words: without the option its value would be a name
        (
            &["--ext", "js", "--port", "8000", "--", "node", "x"],
            "unexpected argument '--ext' found\nhint: here that is --reload-on '*.EXT'\n",
        ),
        (&["logs", "-f", "api"], "logs is an option here\nhint: ensure-up --logs -f api\n"),
        (
            &["--status", "--watch", "500ms"],
            "the value of --watch is attached with =\nhint: ensure-up --status --watch=500ms\n",
        ),
    ] {
        site.bare().args(arguments).status(2).stderr(format!("ensure-up: {said}")).run();
    }
    assert!(refused(&["--port", "8000", "--match", "a("]).ends_with("'--match <REGEX>': unclosed group\n"));
    assert!(refused(&["--port", "8000", "--env-file", "/nope"]).contains("\"/nope\": no such file or directory\n"));
    assert!(refused(&["--port", "8000", "--detach"]).contains("\nhint: ensure-up --port 8000 -- touch started\n"));
    assert!(!site.path("state").exists());
}

#[test]
fn without_a_port_what_means_one_is_refused() {
    for (options, told) in [
        (&["--name", "8000"][..], "invalid name \"8000\""),
        (&["--name", ""], "invalid name \"\""),
        (&["--name", "worker", "--health", "/health"], "the health path \"/health\" needs a TCP port"),
        (&["--name", "worker", "--log", "{port}.log"], "{port} stands for a port"),
        (&["--name", "worker", "--new"], "--new goes with a range"),
        (&["--port", "5353/udp", "--health", "/health"], "the health path \"/health\" needs a TCP port"),
    ] {
        let said = refused(options);
        assert!(said.contains(told), "{options:?}: {said}");
    }
}

#[test]
fn a_file_of_variables_may_begin_with_a_mark_and_end_with_a_space_and_its_line_is_the_one_that_is_wrong() {
    let site = Site::new();
    let job = |text: &str, status: i32| {
        std::fs::write(site.path("job.env"), text).unwrap();
        let words = ["--name", "job", "--once", "--env-file", "job.env", "--", "/bin/sh", "-c", "echo $A-$B >out"];
        site.bare().args(words).status(status).any_stderr().run().stderr
    };
    for text in ["A=1\nB=2 ", "\u{feff}A=1\nB=2\n", "A=1\nB=2\n  ", "A=1\r\nB=\"2\"\t\r\n\t", "A=1\nB=2 # two"] {
        job(text, 0);
        assert_eq!(std::fs::read_to_string(site.path("out")).unwrap(), "1-2\n", "{text:?}");
    }
    for (text, line) in [
        ("A=1\nNOT_WRONG=1\n# WRONG\n\nWRONG\n", 5),
        ("A=\"1\n2\"\nWRONG", 3),
        ("A=1\nB=\"2\n\nC=3\n", 2),
        ("A=1\nB='2' 3\n\nC=3\n", 2),
        ("\u{feff}1=2", 1),
    ] {
        let said = job(text, 2);
        assert!(said.contains(&format!("job.env\": line {line} is not NAME=VALUE")), "{text:?}: {said}");
    }
}

#[test]
fn a_broken_env_file_is_refused() {
    let site = Site::new();
    std::fs::write(site.path("bad.env"), "A=1\nsecret words\n").unwrap();
    let output = site.run(&["--env-file", "bad.env"], &["touch", "started"]).status(2).run();
    // the line itself may be secret
    let said = output.stderr.contains("bad.env\": line 2 is not NAME=VALUE") && !output.stderr.contains("secret");
    assert!(said, "{}", output.stderr);
    assert!(!site.path("started").exists());
}
