//! A server that floods its log keeps nobody from his clock, his signals or his server; and a log that somebody takes away
//! is made again.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    kept::scripted,
    site::{Site, send},
    support::{eventually, side_by_side},
};

/// How long anything may take that a flood must not hold up.
const SOON: Duration = Duration::from_secs(10);

/// A server beside which a flood runs: without a supervisor nothing bounds its log but its end.
fn flooding(is_kept: bool) -> Vec<String> {
    let flood = if is_kept { "yes flood" } else { "yes flood | head -c 150000000" };
    scripted(&format!(r#"({flood}) & exec "$@""#))
}

#[test]
fn a_flood_does_not_put_off_the_deadline() {
    for (options, is_kept) in [(&[][..], false), (&["--keep-up"], true)] {
        let site = Site::new();
        let options = [&["--timeout", "1s", "--ready-log", "never said", "--grace", "200ms"], options].concat();
        let begun = Instant::now();
        site.run(&options, &flooding(is_kept)).status(124).run();
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        assert_eq!(site.processes(), []);
    }
}

#[test]
fn a_line_without_an_end_fills_neither_the_log_nor_the_screen() {
    let flood = "head -c 10000000 /dev/zero | tr '\\0' x";
    let server = |said: &str| scripted(&format!("{flood}; printf '{said}'; {flood}; exec sleep 60"));
    side_by_side([(&[][..], 4), (&["--keep-up", "--max-restarts", "0/60s"], 5)], |(options, status)| {
        let site = Site::new();
        let output =
            site.run(&[&["--fail-log", "B+OM"], options].concat(), &server("it goes BOM")).status(status).run();
        // how much of the line had come by then is open
        assert!(output.stderr.contains(r#"its log says "BOM"#), "{:.2000}", output.stderr);
        assert!(output.stderr.len() < 4000, "{}", output.stderr.len());
        let timeout = [&["--timeout", "1s"], options].concat();
        let output = site.run(&[&["--restart"], &timeout[..]].concat(), &server("")).status(124).run();
        assert!(
            // a machine that is busy has not come to its program by then
            ["no", "it is still starting"].iter().any(|why| output.stderr.contains(&format!("within 1.00 s: {why}")))
                && output.stderr.contains("; the end of its log"),
            "{output:?}"
        );
        assert!(output.stderr.len() < 4000, "{}", output.stderr.len());
        // two logs of 20 MB, or four of 10 MiB at most
        let shown = site.bare().args(["--logs", &site.port.to_string(), "--tail", "5"]).any_stdout().run().stdout.len();
        assert!((1 << 20..=40 << 20).contains(&shown), "{shown}");
    });
}

#[test]
fn a_flood_does_not_hide_that_a_server_is_ready() {
    let site = Site::new();
    let options = ["--keep-up", "--ready-log", "^ready ", "--timeout", "15s"];
    assert_eq!(site.line(&options, &flooding(true)).action, "started");
}

#[test]
fn a_flood_does_not_hide_that_a_server_failed() {
    // before and behind the line, and faster than any log is kept
    let flood = "yes flood | head -c 18000000";
    let server = scripted(&format!("{flood}; echo BOOM; {flood}; exec \"$@\""));
    let kept = ["--keep-up", "--max-restarts", "0/60s", "--log-max-size", "4K", "--log-keep", "1"];
    for (options, status) in [(&[][..], 4), (&kept, 5)] {
        let site = Site::new();
        let output = site.run(&[&["--fail-log", "BOOM"], options].concat(), &server).status(status).run();
        assert!(output.stderr.contains(r#"its log says "BOOM""#), "{:.2000}", output.stderr);
        assert_eq!(site.alive(), [0_u32; 0]);
        // a supervisor ends once it has told that
        eventually("that all of it is gone", || site.processes().is_empty());
    }
}

#[test]
fn a_signal_ends_the_foreground_under_a_flood_that_nobody_reads() {
    for options in [&["--foreground"][..], &["--foreground", "--keep-up"]] {
        let site = Site::new();
        // its stderr is a pipe that is full soon
        let mut call = site.run(options, &flooding(options.len() > 1)).spawn();
        eventually("readiness", || site.recorded("phase") == "ready");
        thread::sleep(Duration::from_millis(300));
        let sent = Instant::now();
        send(call.id(), Signal::SIGTERM);
        eventually("its end", || call.try_wait().expect("a call").is_some());
        assert!(sent.elapsed() < SOON, "{:?}", sent.elapsed());
        assert_eq!(call.wait().expect("a call").signal(), Some(Signal::SIGTERM as i32));
        assert_eq!(site.processes(), []);
    }
}

#[test]
fn a_flood_does_not_keep_a_server_from_being_stopped_or_started_again() {
    let site = Site::new();
    site.kept(&[], &flooding(true));
    send(*site.started().last().expect("a server"), Signal::SIGKILL);
    let killed = Instant::now();
    site.generation(2);
    site.bare().args(["--stop", &site.port.to_string()]).any_stdout().any_stderr().run();
    assert!(killed.elapsed() < SOON * 2, "{:?}", killed.elapsed());
    assert_eq!(site.processes(), []);
}

#[test]
fn a_log_that_was_deleted_or_renamed_is_made_again() {
    let site = Site::new();
    let script = r#"(n=0; while true; do if [ -e say ]; then n=$((n+1)); rm say; echo said $n; fi; sleep 0.01; done) & exec "$@""#;
    site.kept(&[], &scripted(script));
    let say = |number: u32| {
        site.write("say", "");
        eventually(&format!("{number} in the log, which is {:?}", site.logged()), || {
            site.logged().contains(&format!("said {number}\n"))
        });
    };
    say(1);
    fs::remove_file(site.log()).expect("the log is there");
    say(2);
    fs::rename(site.log(), site.path("taken")).expect("the log is there");
    say(3);
    assert!(!site.logged().contains("said 2"));
    fs::write(site.log(), "").expect("the log can be cut short");
    say(4);
    assert_eq!(site.logged(), "said 4\n");
}
