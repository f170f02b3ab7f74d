//! A model server that takes its time, behind a dev command.

use proc_tree::process;

use crate::{
    SetUp,
    site::end,
    support::{Terminal, free_ports},
};

fn set_up() -> Option<SetUp> {
    set_up_on(free_ports(2))
}

fn set_up_on(first: u16) -> Option<SetUp> {
    let set_up = SetUp::copy("model-server", &["python3", "just"])?;
    Some(set_up.with("MODEL_PORT", &first).with("WORKER_PORT", &(first + 1)).with("LOAD_SECONDS", "1"))
}

#[test]
fn a_dev_command_starts_its_model_server_once_and_stop_takes_every_orphan() {
    let port = free_ports(2);
    let Some(set_up) = set_up_on(port) else { return };
    set_up.plays_its_readme(&[("8000", port)]);
}

#[test]
fn three_dev_commands_at_once_start_one_model_server() {
    let Some(set_up) = set_up() else { return };
    let runs = set_up.at_once(&["just dev"; 3]);
    let said: Vec<_> = runs.iter().map(|run| String::from_utf8_lossy(&run.stderr)).collect();
    assert!(runs.iter().all(|run| run.status.success() && run.stdout == b"the model says: ready\n"), "{runs:?}");
    let with = |word: &str| said.iter().filter(|said| said.contains(&format!("{word} python3 on port"))).count();
    assert_eq!((with("started"), with("joined") + with("reused")), (1, 2), "{said:?}");
    assert_eq!(set_up.stdout("ensure-up --logs $MODEL_PORT"), "loading for 1.0 s\n");
}

/// Begins `just dev` on a terminal, and waits until the server loads.
fn loading(set_up: &SetUp) -> Terminal {
    let terminal = Terminal::start(&mut set_up.shell("exec just dev"), 100, 30);
    terminal.shows("503 Service Unavailable");
    terminal
}

#[test]
fn who_is_interrupted_while_the_model_loads_leaves_nothing_or_a_server_that_the_next_call_joins() {
    let Some(set_up) = set_up() else { return };
    let set_up = set_up.with("LOAD_SECONDS", "2");

    let mut terminal = loading(&set_up);
    terminal.types("\u{3}");
    let (status, said) = terminal.end();
    assert!(!status.success() && said.contains("stopped python3 (pid "), "{said}");
    set_up.stderr("port-who $MODEL_PORT $WORKER_PORT", 1);

    // the window is closed
    drop(loading(&set_up));
    let next = set_up.stderr("just dev", 0);
    assert_eq!(set_up.stdout("port-who $MODEL_PORT").lines().count(), 1, "{next}");
    set_up.stdout("just stop");

    // whoever starts it is killed, and cannot clean up
    let terminal = loading(&set_up);
    let all = set_up.site.processes();
    let is_starter = |pid| process::stat(pid).ok().flatten().is_some_and(|stat| stat.name == "ensure-up");
    let starter = all.into_iter().find(|one| is_starter(one.pid)).expect("ensure-up starts it");
    end(starter);
    drop(terminal);
    let next = set_up.stderr("just dev", 0);
    assert!(!next.contains("started "), "{next}");
    assert_eq!(
        set_up.stdout("ensure-up --logs $MODEL_PORT").lines().count(),
        1,
        "one server, and the one that was there"
    );
}
