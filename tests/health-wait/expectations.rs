//! What an answer must be like, and which answers end the wait.

use super::{health_wait, record, server::Server};

#[test]
fn statuses_from_200_to_399_are_healthy_or_those_that_were_named() {
    for (status, named, healthy) in [
        ("200 OK", None, true),
        ("399 Odd", None, true),
        ("404 Not Found", None, false),
        ("503 Service Unavailable", None, false),
        ("401 Unauthorized", Some("200-299,401"), true),
        ("301 Moved Permanently", Some("200-299,401"), false),
    ] {
        let server = Server::answering(status, "");
        let run = health_wait()
            .args(["-q", "--once", &server.url("/")])
            .args(named.map(|list| format!("--expect-status={list}")));
        run.status(i32::from(!healthy)).run();
    }
}

#[test]
fn every_expectation_must_hold_and_the_reason_names_the_one_that_does_not() {
    let server = Server::answering("200 OK", "{\"status\":\"starting\",\"n\":3,\"up\":true,\"error\":null}");
    for (expectations, reason) in [
        (vec!["--expect-json=$.n=3", "--expect-json=$.up=true", "--expect-json=$.error=null"], None),
        (vec!["--expect-json=$[?match(@, 'star.*')]=starting", "--expect-json=$[?search(@, 'tin')]=starting"], None),
        (vec!["--expect-json=$.status=starting", "--expect-body=sta.ting", "--expect-status=200"], None),
        (vec!["--expect-json=$.n=3", "--expect-json=$.status=ok"], Some("$.status is \"starting\", expected \"ok\"")),
        (vec!["--expect-json=$.version=2"], Some("$.version is missing, expected 2")),
        (vec!["--expect-status=204", "--expect-json=$.n=3"], Some("200 OK")),
        (
            vec!["--expect-json=$.n=3", "--expect-body=^ready$"],
            Some("body did not match \"^ready$\": \"{\"status\":\"starting\",\"n\":3,\"up\":true,\"error\":null}\""),
        ),
    ] {
        let run = health_wait().args(expectations).args(["--once", &server.url("/")]);
        match reason {
            None => run.run(),
            Some(reason) => {
                run.status(1).stderr(format!("health-wait: {} is not healthy: {reason}\n", server.url("/"))).run()
            }
        };
    }
}

#[test]
fn a_pattern_means_lines_as_it_does_for_grep() {
    for body in ["ok\n", "ok", "ok\r\n", "version 7\nok\nuptime 3"] {
        let server = Server::answering("200 OK", body);
        health_wait().args(["--once", "--expect-body=^ok$", &server.url("/")]).run();
        health_wait().args(["-q", "--once", "--fail-body=^ok$", &server.url("/")]).status(4).any_stderr().run();
    }
    let server = Server::answering("200 OK", "not ok\n");
    health_wait().args(["-q", "--once", "--expect-body=^ok$", &server.url("/")]).status(1).run();
}

#[test]
fn a_body_in_a_reason_is_short_and_cannot_fool_a_terminal() {
    let server = Server::answering(
        "200 OK",
        "\x1b]0;owned\x07\x1b[2J evil and much, much longer than anyone would like to read on a line",
    );
    let output = health_wait().args(["--once", "--expect-json=$.a=b", &server.url("/")]).status(1).any_stderr().run();
    assert!(output.stderr.contains("body is not JSON: \"\\u{1b}]0;owned\\u{7}\\u{1b}[2J evil"), "{}", output.stderr);
    assert!(output.stderr.ends_with("…\"\n") && output.stderr.len() < 160, "{}", output.stderr);
    assert!(!output.stderr.contains('\x1b'));
}

#[test]
fn an_answer_that_can_only_mean_failure_ends_the_wait_with_status_four() {
    let server = Server::answering("401 Unauthorized", "invalid key");
    for (flag, reason) in [
        ("--fail-status=401,404", "401 Unauthorized"),
        ("--fail-body=invalid \\w+", "body matched \"invalid \\w+\": \"invalid key\""),
    ] {
        let output = health_wait().args(["--json", flag, &server.url("/")]).status(4).any_stdout().any_stderr().run();
        let record = record(&output);
        assert_eq!((record.healthy, record.status, record.last_error.as_deref()), (false, Some(401), Some(reason)));
        let said = &output.stderr;
        assert!(said.starts_with(&format!("health-wait: {} failed after ", server.url("/"))), "{said}");
        assert!(said.ends_with(&format!(": {reason}\n")) && said.lines().count() == 1, "{said}");
    }
    health_wait().args(["-q", "--once", "--fail-status=404", &server.url("/")]).status(1).run();
}
