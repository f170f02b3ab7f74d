//! What "ready" means: all that was asked for, not the first of it.

use std::{fs, time::Duration};

use crate::site::{Site, shell};

fn at_least(site: &Site, options: &[&str], command: &[String], milliseconds: u64) {
    let line = site.line(options, command);
    assert_eq!(line.action, "started");
    assert!(line.ready_ms.is_some_and(|time| time >= milliseconds), "{options:?}: {line:?}");
}

#[test]
fn without_health_the_port_has_to_accept() {
    let site = Site::new();
    at_least(&site, &[], &site.server(&["--delay", "200", "--not-ready", "60000"]), 200);
}

#[test]
fn a_server_that_answers_503_at_first_is_waited_for() {
    let site = Site::new();
    at_least(&site, &["--health", "/"], &site.server(&["--not-ready", "2000"]), 2000);
    assert!(site.get().starts_with("HTTP/1.1 200"));
}

#[test]
fn ready_log_waits_for_the_line() {
    let site = Site::new();
    let command = shell("(sleep 0.4; echo Application is up) & exec \"$0\" \"$@\"", &site.server(&[]));
    at_least(&site, &["--ready-log", "is u[p]"], &command, 400);
}

#[test]
fn ready_log_knows_a_prompt_without_a_line_end_and_bytes_that_are_no_text() {
    let site = Site::new();
    let command = shell("printf 'a\\377b ready> '; exec \"$0\" \"$@\" >/dev/null", &site.server(&[]));
    at_least(&site, &["--ready-log", "ready> $"], &command, 0);
}

#[test]
fn ready_log_alone_does_not_make_it_ready() {
    let site = Site::new();
    at_least(&site, &["--ready-log", "soon"], &site.server(&["--print", "soon", "--delay", "300"]), 300);
}

#[test]
fn an_old_log_does_not_make_it_ready() {
    let site = Site::new();
    let command = site.server(&["--print", "come up"]);
    site.run(&["--ready-log", "come up"], &command).run();
    site.clear();
    let silent = shell("sleep 0.3; exec \"$0\" \"$@\"", &command);
    at_least(&site, &["--ready-log", "come up"], &silent, 300);
}

#[test]
fn fail_log_ends_the_wait_although_the_server_lives() {
    let site = Site::new();
    let server = site.server(&["--not-ready", "60000", "--eprint", "CUDA out of memory"]);
    let output = site.run(&["--health", "/", "--fail-log", "out of \\w+"], &server).status(4).run();
    let said = "ensure-up: fixture failed: its log says \"CUDA out of memory\"; the end of ";
    assert!(output.stderr.starts_with(said), "{}", output.stderr);
    assert_eq!(site.processes(), []);
}

#[test]
fn what_the_log_says_last_is_read_before_the_end_counts() {
    let site = Site::new();
    let output = site.run(&["--fail-log", "fatal"], &shell("echo fatal; exit 1", &[])).status(4).run();
    assert!(output.stderr.contains("its log says \"fatal\""), "{}", output.stderr);
}

#[test]
fn ready_notify_waits_for_the_message() {
    let site = Site::new();
    at_least(&site, &["--ready-notify"], &site.odd(&["notify", "400"], &[]), 400);
}

#[test]
fn ready_notify_hears_a_child_and_leaves_no_socket_behind() {
    let site = Site::new();
    let temporary = site.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let command = shell("\"$0\" \"$@\" & wait", &site.odd(&["notify", "100"], &[]));
    site.run(&["--ready-notify"], &command).env("TMPDIR", &temporary).run();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn ready_notify_works_where_the_temporary_folder_has_a_long_name() {
    let site = Site::new();
    let temporary = site.path(&"long".repeat(40));
    fs::create_dir(&temporary).unwrap();
    site.run(&["--ready-notify"], &site.odd(&["notify", "50"], &[])).env("TMPDIR", &temporary).run();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn a_server_that_never_notifies_is_late() {
    let site = Site::new();
    let output = site.run(&["--ready-notify", "--timeout", "1500ms"], &site.server(&[])).status(124).run();
    assert!(output.stderr.contains("within 1.50 s: it has not sent READY=1"), "{}", output.stderr);
}

#[test]
fn all_that_is_asked_for_has_to_hold_and_the_slowest_decides() {
    for (print, notify, ready) in [("700", "100", "100"), ("0", "700", "100"), ("0", "100", "700")] {
        let site = Site::new();
        let script = format!("(sleep {}; echo up) & exec \"$0\" \"$@\"", print.parse::<f64>().unwrap() / 1000.0);
        let command = shell(&script, &site.odd(&["notify", notify], &["--not-ready", ready]));
        at_least(&site, &["--health", "/", "--ready-log", "^up$", "--ready-notify"], &command, 700);
    }
}

#[test]
fn several_healthy_answers_in_a_row_can_be_asked_for() {
    let site = Site::new();
    let options = ["--health", "/", "--consecutive", "5", "--interval", "50ms"];
    at_least(&site, &options, &site.server(&[]), 200);
}

#[test]
fn an_answer_can_be_asked_to_stay_for_a_while() {
    let site = Site::new();
    at_least(&site, &["--health", "/", "--stable", "300ms", "--interval", "50ms"], &site.server(&[]), 300);
}

#[test]
fn a_command_can_tell_the_health() {
    let site = Site::new();
    let health = format!("exec:test $(($(date +%s%N) / 1000000)) -ge {}", millis_from_now(400));
    at_least(&site, &["--health", &health, "--interval", "50ms"], &site.server(&[]), 200);
}

fn millis_from_now(millis: u128) -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    now.as_millis() + millis
}

#[test]
fn an_initial_delay_passes_before_it_is_asked() {
    let site = Site::new();
    at_least(&site, &["--health", "/", "--initial-delay", "300ms"], &site.server(&[]), 300);
}

#[test]
fn what_the_answer_has_to_be_decides_for_our_own_server_too() {
    let site = Site::new();
    let options = ["--health", "/", "--expect-status", "401", "--expect-body", "^who"];
    site.run(&options, &site.server(&["--answer", "401 Unauthorized", "--body", "who?"])).run();
    let site = Site::new();
    let options = ["--timeout", "2s", "--health", "/", "--expect-body", "^me"];
    let output = site.run(&options, &site.server(&["--body", "who?"])).status(124).run();
    assert!(output.stderr.contains("did not match"), "{}", output.stderr);
}

#[test]
fn a_timeout_of_zero_waits_for_as_long_as_it_lives() {
    let site = Site::new();
    at_least(&site, &["--timeout", "0"], &site.server(&["--delay", "500"]), 500);
    let site = Site::new();
    let output = site.run(&["--timeout", "0"], &shell("sleep 0.2; exit 9", &[])).status(3).run();
    assert!(output.took < Duration::from_secs(10));
}

#[test]
fn a_server_that_is_ready_is_noticed_at_once() {
    let site = Site::new();
    let line = site.line(&["--health", "/"], &site.server(&["--delay", "500"]));
    // the pauses are at most 20 ms; the rest is a loaded machine's
    assert!(line.ready_ms.is_some_and(|time| (500..3000).contains(&time)), "{line:?}");
}

#[test]
fn a_server_whose_record_is_lost_needs_no_log_again() {
    let site = Site::new();
    let server = site.server(&["--print", "up"]);
    site.run(&["--ready-log", "up"], &server).run();
    fs::remove_file(site.record()).unwrap();
    assert_eq!(site.line(&["--ready-log", "up", "--timeout", "5s"], &server).action, "reused");
}

#[test]
fn what_a_server_says_later_is_not_about_its_start() {
    let site = Site::new();
    let command = shell("(sleep 0.2; echo ERROR) & exec \"$0\" \"$@\"", &site.server(&[]));
    site.run(&["--fail-log", "ERROR"], &command).run();
    crate::support::eventually("the line", || fs::read_to_string(site.log()).unwrap().contains("ERROR"));
    // looked at without the fast path: the record says that its wrapper is another process
    assert_eq!(site.line(&["--fail-log", "ERROR", "--expect-body", "ok", "--health", "/"], &command).action, "reused");
}
