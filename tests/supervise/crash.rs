//! Crashes: started again after a pause, given up after too many, and at once where it cannot help.

use nix::sys::signal::Signal;
use proc_tree::{process, tree};

use crate::{
    kept::scripted,
    site::{Site, line, send},
    support::{Fixture, eventually, free_ports, runs},
};

#[test]
fn a_server_that_crashes_is_started_again() {
    let site = Site::new();
    let first = site.kept(&[], &site.server(&[]));
    assert_eq!((first.action.as_str(), first.restarts, first.pid), ("started", 0, Some(site.started()[0])));
    send(site.started()[0], Signal::SIGKILL);
    site.generation(2);
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.healthy, entry.restarts), ("running", true, 1));
    assert_eq!(entry.pid, Some(site.started()[1]));
    let why = entry.reason.expect("a reason");
    assert!(why.starts_with("last restart at 2") && why.contains("Z: it was ended by SIGKILL"), "{why}");
    let log = site.logged();
    assert!(log.contains("was ended by SIGKILL") && log.contains("starting again in 20 ms"), "{log}");
    let again = site.kept(&[], &site.server(&[]));
    assert_eq!((again.action.as_str(), again.restarts), ("reused", 1));
}

#[test]
fn a_caller_waits_for_a_server_that_crashes_twice_before_it_works() {
    let site = Site::new();
    let command = scripted(r#"[ $(wc -l < count) -gt 2 ] && exec "$@"; exit 9"#);
    let line = site.kept(&[], &command);
    assert_eq!((line.action.as_str(), line.restarts, line.healthy), ("started", 2, true));
    assert_eq!(site.started().len(), 3);
}

#[test]
fn too_many_crashes_open_the_breaker_which_is_remembered_until_a_restart_is_asked_for() {
    let site = Site::new();
    // in colour, as some write also into a file
    let command = scripted(r"printf '\033[31mno module\033[39m named punie\n' >&2; exit 7");
    let options = ["--max-restarts", "2/60s"];
    let output = site.keep(&options, &command).status(5).run();
    let (at, why) = output.stderr.split_once(": 3 crashes within 1m; ").expect("a reason");
    // a wait that takes long is told before
    let at = at.lines().next_back().expect("a line");
    assert!(at.starts_with("ensure-up: sh is broken: given up at "), "{at}");
    assert!(why.starts_with("it ended with status 7"), "{why}");
    assert!(output.stderr.contains("\n  no module named punie\n"), "{}", output.stderr);
    assert_eq!(site.started().len(), 3);
    for _ in 0..2 {
        let entry = site.entry();
        assert_eq!((entry.state.as_str(), entry.running, entry.pid), ("broken", false, None));
        let reason = entry.reason.expect("a reason");
        for part in ["3 crashes within 1m", "ended with status 7", "no module named punie; --restart tries again"] {
            assert!(reason.contains(part), "{reason}");
        }
    }
    eventually("an end of all", || site.processes().is_empty());
    // the same call again, kept up or not, says why and what helps
    for again in [site.keep(&options, &command), site.run(&[], &command), site.run(&["--then", "true"], &command)] {
        let again = again.status(5).run();
        assert!(again.stderr.contains("\n  no module named punie\n"), "{}", again.stderr);
        assert!(again.stderr.contains("; it ended with status 7; the end of its log ("), "{}", again.stderr);
        assert!(again.stderr.ends_with("\nhint: --restart tries again\n"), "{}", again.stderr);
        assert!(!again.stderr.lines().next().is_some_and(|line| line.contains("punie")), "{}", again.stderr);
    }
    let line = line(&site.run(&["--json"], &command).status(5).any_stderr().run());
    assert!(line.reason.is_some_and(|reason| reason.ends_with("its log ends: no module named punie")));
    assert_eq!(site.started().len(), 3);
    site.keep(&[&options[..], &["--restart"]].concat(), &command).status(5).run();
    assert_eq!(site.started().len(), 6);
    // another command is another try
    site.kept(&options, &site.server(&[]));
    assert_eq!(site.entry().state, "running");
}

#[test]
fn another_try_after_an_open_breaker_leaves_another_program_on_the_port_alone() {
    for more in [&[][..], &["--restart"]] {
        let site = Site::new();
        // its supervisor stays, for a file that changes
        let options = ["--reload-on", "*.py", "--max-restarts", "0/60s"];
        site.kept(&options, &site.server(&["--die-after", "150"]));
        eventually("an open breaker", || site.recorded("phase") == "broken");
        let other = Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
        let output = site.keep(&[&options, more].concat(), &site.server(&[])).status(4).run();
        assert!(output.stderr.contains(&format!("\n  {}  ", other.pid())), "{output:?}");
        assert!(runs(other.pid()), "{output:?}");
    }
}

#[test]
fn a_crash_after_it_was_ready_counts_as_well() {
    let site = Site::new();
    site.kept(&["--max-restarts", "1/60s"], &site.server(&["--die-after", "150"]));
    eventually("an open breaker", || site.recorded("phase") == "broken");
    assert_eq!(site.started().len(), 2);
    eventually("an end of all", || site.processes().is_empty());
    assert!(site.logged().contains("giving up: 2 crashes within 1m; it ended with status 7"), "{}", site.logged());
}

#[test]
fn a_server_that_ends_with_status_zero_is_not_started_again_unless_always() {
    let site = Site::new();
    let done = scripted("exit 0");
    let output = site.keep(&[], &done).status(3).run();
    let said = "ensure-up: sh ended with status 0, before it was ready";
    assert!(output.stderr.lines().any(|line| line.starts_with(said)), "{}", output.stderr);
    assert_eq!(site.started().len(), 1);
    eventually("an end of all", || site.processes().is_empty());
    let output = site.keep(&["--restart-on", "always", "--max-restarts", "2/60s"], &done).status(5).run();
    assert!(output.stderr.contains("3 crashes within 1m; it ended with status 0"), "{}", output.stderr);
    assert_eq!(site.started().len(), 4);
}

#[test]
fn a_server_that_ends_well_after_it_was_ready_takes_its_supervisor_with_it() {
    // one that gives much memory back outlives the wrapper that asked it to end
    for server in [r#""$@""#, r#""$1" "$2" --touch 512 "$3""#] {
        let site = Site::new();
        let command = scripted(&format!("{server} & until [ -e end ]; do sleep 0.02; done; kill $!; exit 0"));
        site.kept(&[], &command);
        site.write("end", "");
        eventually("an end of all", || site.processes().is_empty());
        assert_eq!(site.started().len(), 1, "{server}: {}", site.logged());
        assert!(site.logged().contains("it ended with status 0"), "{}", site.logged());
    }
}

#[test]
fn what_starting_again_cannot_help_opens_the_breaker_at_once() {
    for (script, why) in [
        ("exit 126", "ended with status 126"),
        ("exec /nowhere/punie", "ended with status 127"),
        ("echo 'OSError: [Errno 98] Address already in use' >&2; exit 1", "Address already in use"),
        ("echo 'Error: listen EADDRINUSE: address' >&2; exit 1", "listen EADDRINUSE"),
    ] {
        let site = Site::new();
        let output = site.keep(&[], &scripted(script)).status(5).run();
        assert!(output.stderr.contains(why), "{}", output.stderr);
        assert_eq!(site.started().len(), 1, "{script}");
        assert_eq!(site.entry().state, "broken");
    }
}

#[test]
fn a_command_that_is_not_there_is_status_127() {
    let site = Site::new();
    site.keep(&[], &["punie-is-not-installed"]).status(127).run();
    site.write("script", "#!/nowhere/interpreter\n");
    let mut permissions = std::fs::metadata(site.path("script")).expect("the script").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(site.path("script"), permissions).expect("the script is ours");
    let output = site.keep(&[], &["./script"]).status(5).run();
    assert!(output.stderr.contains("could not be started"), "{}", output.stderr);
}

#[test]
fn orphans_that_come_to_the_supervisor_are_reaped() {
    let site = Site::new();
    let command = scripted(r#"for i in 1 2 3 4; do (sleep 0.1 & ) ; done; (sleep 60 & ); exec "$@""#);
    site.kept(&[], &command);
    let supervisor = site.supervisor().pid;
    let children = || -> Vec<String> {
        let members = tree::members(supervisor).unwrap_or_default();
        let all = process::all().expect("the process table");
        let stats = all.into_iter().filter_map(|pid| process::stat(pid).ok()?).filter(|stat| stat.parent == supervisor);
        assert!(!members.is_empty());
        stats.map(|stat| format!("{} {}", stat.name, stat.state)).collect()
    };
    eventually("the server and one orphan", || {
        let children = children();
        children.len() == 2 && !children.iter().any(|child| child.ends_with('Z'))
    });
    // what was left behind ends with its server
    site.bare().args(["--stop"]).any_stderr().run();
    assert!(site.processes().is_empty());
}

#[test]
fn an_open_breaker_is_respected_in_a_range_of_ports() {
    let site = Site::new();
    let first = free_ports(2);
    let (range, command) = (format!("{first}-{}", first + 1), scripted("exit 7"));
    let call = |options: &[&str]| {
        let options = [&["--port", &range, "--max-restarts", "0/60s"], options].concat();
        site.bare().args(options).arg("--").args(&command).status(5).any_stderr().run()
    };
    call(&["--keep-up"]);
    for options in [&["--keep-up"][..], &[]] {
        let again = call(options);
        assert!(again.stderr.contains("--restart tries again"), "{}", again.stderr);
    }
    assert_eq!(site.started().len(), 1);
    call(&["--keep-up", "--restart"]);
    assert_eq!(site.started().len(), 2);
}
