//! What a person sees on a terminal while waiting.

use std::{
    os::unix::process::ExitStatusExt,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::server::{Server, answer};
use crate::support::{Terminal, eventually, free_port};

fn on_terminal(arguments: &[&str], columns: u16) -> Terminal {
    let mut command = Command::new(env!("CARGO_BIN_EXE_health-wait"));
    command.args(arguments).env_remove("NO_COLOR").env_remove("COLUMNS");
    Terminal::start(&mut command, columns, 24)
}

#[test]
fn one_line_is_redrawn_and_wiped_when_it_is_healthy() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let ready = Arc::clone(&is_ready);
    let server = Server::replying("127.0.0.1:0", move |_| {
        answer(if ready.load(Ordering::SeqCst) { "200 OK" } else { "503 Service Unavailable" }, "")
    });
    let url = server.url("/health");
    let terminal = on_terminal(&["--color=never", &url], 120);
    terminal.shows(&format!("{url}  503 Service Unavailable, "));
    is_ready.store(true, Ordering::SeqCst);
    let (status, screen) = terminal.end();
    assert!(status.success());
    assert!(screen.starts_with("\r⠙ ") && screen.contains(" s of 30 s"), "{screen:?}");
    let (drawn, last) = screen.rsplit_once("\r\x1b[K").expect("the line is wiped");
    assert!(!drawn.contains('\n'), "{screen:?}");
    assert!(last.starts_with(&format!("healthy: {url} after ")), "{last:?}");
    assert!(last.contains(" s (127.0.0.1, 200, ") && last.ends_with(" ms)\r\n"), "{last:?}");
}

#[test]
fn what_is_healthy_already_is_one_line_and_no_flicker() {
    let server = Server::answering("200 OK", "");
    let url = server.url("/");
    // on a loaded machine an answer may take longer than the line waits for it
    eventually("an answer before the line is drawn", || {
        let (status, screen) = on_terminal(&[&url], 120).end();
        assert!(status.success() && screen.matches('\n').count() == 1, "{screen:?}");
        screen.starts_with(&format!("\x1b[32mhealthy:\x1b[0m {url} after "))
    });
}

#[test]
fn a_long_line_is_cut_at_the_edge() {
    let target = format!("http://localhost:{}/a/very/long/path/that/does/not/fit", free_port());
    let terminal = on_terminal(&["--color=never", &target], 40);
    terminal.shows(" s of ");
    kill(Pid::from_raw(terminal.pid().cast_signed()), Signal::SIGTERM).expect("it is ours");
    let (_, screen) = terminal.end();
    let drawn: Vec<_> = screen.split('\r').filter(|part| part.contains(" s of ")).collect();
    assert!(!drawn.is_empty(), "{screen:?}");
    for line in drawn {
        let line = line.trim_end_matches("\x1b[K");
        assert!(line.chars().count() < 40 && line.contains('…'), "{line:?}");
    }
}

#[test]
fn a_signal_leaves_the_terminal_clean_and_is_what_the_tool_dies_of() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let terminal = on_terminal(&[&format!(":{}", free_port())], 80);
        terminal.shows("connection refused");
        kill(Pid::from_raw(terminal.pid().cast_signed()), signal).expect("it is ours");
        let (status, screen) = terminal.end();
        assert_eq!(status.signal(), Some(signal as i32));
        assert!(screen.ends_with("\r\x1b[K"), "{screen:?}");
    }
}

#[test]
fn quiet_and_a_dumb_terminal_draw_nothing() {
    let target = format!(":{}", free_port());
    let (_, screen) = on_terminal(&["-q", "--once", &target], 80).end();
    assert_eq!(screen, "");
    let script = format!("TERM=dumb \"$0\" --timeout=300ms {target}");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_health-wait")]);
    let (_, screen) = Terminal::start(&mut command, 80, 24).end();
    assert!(
        screen.starts_with(&format!("waiting for {target}: connection refused\r\n")) && !screen.contains('\x1b'),
        "{screen:?}"
    );
}
