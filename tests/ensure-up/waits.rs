//! What a person sees while a call waits: one line on a terminal, lines elsewhere, and what became of a start that was given up.

use std::{
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

use crate::{
    site::{Site, shell},
    support::{Terminal, Tool, eventually, runs},
};

/// Returns what is left on a terminal where one line was drawn over and over, and wiped.
fn left(screen: &str) -> &str {
    screen.rsplit_once("\r\x1b[K").map_or(screen, |(_, left)| left).trim_end()
}

/// A PID as a terminal shows it: in the one colour of PIDs.
fn pid(pid: u32) -> String {
    format!("pid \x1b[36m{pid}\x1b[0m")
}

/// Shows a run on a terminal that is wide enough for everything.
fn on_terminal(mut tool: Tool) -> Terminal {
    Terminal::start(tool.command(), 200, 20)
}

/// A server that answers 503 for so long, and says something in its log.
fn loading(site: &Site, milliseconds: &str) -> Vec<String> {
    site.server(&["--not-ready", milliseconds])
}

/// Why it is not ready, and the last line of its log, which goes on with its PID.
fn why(site: &Site) -> String {
    format!("503 Service Unavailable  \"ready 127.0.0.1:{} pid=", site.port)
}

#[test]
fn a_start_is_one_line_with_the_last_reason_and_the_last_line_of_the_log() {
    let site = Site::new();
    let terminal = on_terminal(site.run(&["--health", "/"], &loading(&site, "1500")));
    terminal.shows(&format!(" starting fixture on port {}  0 s of 60 s  ", site.port));
    terminal.shows(&format!(" s of 60 s  {}", why(&site)));
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    let said = format!("started fixture on port {} in ", site.port);
    assert!(left(&screen).starts_with(&said) && left(&screen).lines().count() == 1, "{screen:?}");
    assert!(!screen[..screen.rfind("started ").unwrap()].contains('\n'), "one line: {screen:?}");
}

#[test]
fn on_a_narrow_terminal_the_reason_and_the_log_outlive_the_words_around_them() {
    let site = Site::new();
    let mut tool = site.run(&["--health", "/"], &loading(&site, "60000"));
    let mut terminal = Terminal::start(tool.command(), 60, 20);
    terminal.shows(" s  503 Service Unava…  \"ready 127…\"\x1b[K");
    terminal.types("\x03");
    terminal.end();
}

#[test]
fn a_long_line_of_the_log_takes_no_room_from_what_is_waited_for() {
    let site = Site::new();
    let server = site.server(&["--print", &"shard ".repeat(40), "--delay", "60000"]);
    let mut tool = site.run(&[], &server);
    let mut terminal = Terminal::start(tool.command(), 120, 20);
    terminal.shows(&format!(
        "starting fixture on port {}  0 s of 60 s  nothing listens yet  \"shard shard shard ",
        site.port
    ));
    terminal.types("\x03");
    terminal.end();
}

#[test]
fn a_restart_is_one_and_says_why_until_the_server_is_up() {
    let site = Site::new();
    let command = shell("sleep 0.7; echo no database; exit 1", &[]);
    let mut terminal = on_terminal(site.run(&["--keep-up"], &command));
    terminal.shows(&format!(" restarting sh on port {}  ", site.port));
    terminal.shows("  ended with status 1; its log ends: no database; nothing listens yet\x1b[K");
    terminal.types("\x03");
    terminal.end();
}

#[test]
fn what_is_up_soon_or_asked_for_in_silence_is_not_waited_for_aloud() {
    let site = Site::new();
    let said = site.run(&["--health", "/"], &loading(&site, "100")).run();
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    assert!(said.waits.is_empty() || said.took > Duration::from_secs(1), "{said:?}");
    site.clear();
    let (_, screen) = on_terminal(site.run(&["-q", "--health", "/"], &loading(&site, "600"))).end();
    assert_eq!(screen, "");
}

#[test]
fn elsewhere_there_is_a_line_for_each_reason_and_not_more_than_one_a_second() {
    let site = Site::new();
    let said = site.run(&["--health", "/"], &loading(&site, "2500")).run();
    assert!(said.stderr.starts_with("started fixture ") && said.stderr.lines().count() == 1, "{said:?}");
    let waits: Vec<&str> = said.waits.lines().collect();
    assert!((1..=said.took.as_secs()).contains(&(waits.len() as u64)), "{said:?}");
    let start = format!("starting fixture on port {}  ", site.port);
    assert!(waits.iter().all(|line| line.starts_with(&start)), "{said:?}");
    assert!(waits.iter().any(|line| line.contains(&why(&site))), "{said:?}");
}

#[test]
fn who_joins_a_start_sees_whose_it_is_and_how_far_and_may_give_up() {
    let site = Site::new();
    let server = loading(&site, "60000");
    let mut first = site.run(&["--health", "/"], &server).spawn();
    eventually("the server", || site.started().len() == 1);
    let mut second = on_terminal(site.run(&["--health", "/"], &server));
    second.shows(&format!(" joining the start of fixture on port {} by {}  ", site.port, pid(first.id())));
    second.shows(&why(&site));
    second.types("\x03");
    let (status, screen) = second.end();
    assert_eq!(status.signal(), Some(2), "{screen}");
    assert_eq!(left(&screen), format!("fixture goes on: {} starts it", pid(first.id())));
    assert_eq!(site.alive(), site.started());
    // one that is late says the same
    let said = site.run(&["--health", "/", "--timeout", "2s"], &server).status(124).run().stderr;
    let why = format!("another ensure-up (pid {}) is still starting it: 503 Service Unavailable", first.id());
    assert!(said.contains(&why) && said.contains("\n  ready 127.0.0.1:"), "{said}");
    first.kill().and_then(|()| first.wait()).unwrap();
}

#[test]
fn a_start_that_is_given_up_says_what_was_stopped() {
    for options in [&["--health", "/"][..], &["--keep-up", "--health", "/"]] {
        let site = Site::new();
        let mut terminal = on_terminal(site.run(options, &loading(&site, "60000")));
        terminal.shows("503 Service Unavailable");
        let server = site.alive()[0];
        terminal.types("\x03");
        let (status, screen) = terminal.end();
        assert_eq!(status.signal(), Some(2), "{screen}");
        assert_eq!(left(&screen), format!("stopped fixture ({})", pid(server)), "{options:?}");
        assert_eq!(site.processes(), []);
    }
}

#[test]
fn what_has_ended_is_not_stopped_but_what_it_left_is() {
    let site = Site::new();
    let command = shell("trap '' TERM; sleep 60 & exit 3", &[]);
    let terminal = on_terminal(site.run(&["--name", "bad", "--grace", "1s"], &command).status(3));
    terminal.shows(" stopping what bad left behind  ");
    let (_, screen) = terminal.end();
    assert!(!screen.contains("stopping bad"), "{screen:?}");
    assert!(left(&screen).starts_with("ensure-up: bad ended with status 3 after "), "{screen:?}");
}

#[test]
fn a_server_that_was_there_goes_on_when_the_wait_for_it_is_given_up() {
    let site = Site::new();
    let server = loading(&site, "60000");
    let mut first = site.run(&["--health", "/"], &server).spawn();
    eventually("the server", || site.started().len() == 1);
    // its starter cannot stop it any more
    first.kill().and_then(|()| first.wait()).unwrap();
    let mut terminal = on_terminal(site.run(&["--health", "/"], &server));
    terminal.shows(&format!(" waiting for fixture on port {}  ", site.port));
    terminal.types("\x03");
    let (_, screen) = terminal.end();
    assert_eq!(left(&screen), "fixture goes on: it was there before");
    assert!(runs(site.started()[0]));
}

#[test]
fn the_pause_before_a_restart_is_counted_down_with_how_the_server_ended() {
    let site = Site::new();
    let command = shell("echo no database; exit 1", &[]);
    let mut terminal = on_terminal(site.run(&["--keep-up"], &command));
    let line = format!(" restarting sh on port {} in 2 s  ", site.port);
    terminal.shows(&line);
    terminal.shows("  ended with status 1; its log ends: no database\x1b[K");
    let mut second = on_terminal(site.run(&["--keep-up"], &command));
    second.shows(" s of 60 s  ended with status 1; its log ends: no database\x1b[K");
    for terminal in [&mut second, &mut terminal] {
        terminal.types("\x03");
    }
    terminal.end();
    second.end();
    eventually("nothing is left", || site.processes().is_empty());
}

#[test]
fn a_stop_before_a_start_says_for_whom_it_waits_and_until_when() {
    let site = Site::new();
    let server = site.server(&["--ignore-term"]);
    site.run(&["--grace", "1500ms"], &server).run();
    let pid = site.alive()[0];
    let began = Instant::now();
    let terminal = on_terminal(site.run(&["--grace", "1500ms", "--restart"], &server));
    terminal.shows(&format!(" stopping fixture on port {}  ", site.port));
    terminal.shows(&format!("fixture (\x1b[36m{pid}\x1b[0m) is asked to end by SIGTERM; SIGKILL in "));
    let (_, screen) = terminal.end();
    assert!(left(&screen).starts_with("restarted fixture "), "{screen:?}");
    assert!(began.elapsed() > Duration::from_millis(1400));
}

#[test]
fn a_start_that_is_given_up_and_does_not_end_is_seen_to_be_stopped() {
    for options in [&["--health", "/", "--grace", "1s"][..], &["--keep-up", "--health", "/", "--grace", "1s"]] {
        let site = Site::new();
        let server = site.server(&["--not-ready", "60000", "--ignore-term"]);
        let mut terminal = on_terminal(site.run(options, &server));
        terminal.shows("503 Service Unavailable");
        terminal.types("\x03");
        terminal.shows(&format!(" stopping fixture on port {}  ", site.port));
        let (_, screen) = terminal.end();
        assert!(left(&screen).contains("SIGKILL after 1.00 s: fixture ("), "{screen:?}");
        assert_eq!(site.processes(), []);
    }
}
