//! Completion: what the tools answer to shells, and what the shells make of it.

use std::{fs, path::Path, process::Command};

use super::{TOOLS, binaries, installed, script, stdout};
use crate::support::{Fixture, Terminal, fixture_path, free_ports};

#[test]
fn a_tool_tells_what_could_stand_there() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("ensure-up.toml"), "[shop]\ncommand = \"x\"\nport = 1\n").expect("a file");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let (port, pid) = (server.port(), server.pid());
    for (question, expected) in [
        ("port-who --complete --js".to_owned(), "words\n--json\tOne JSON object per line\n".to_owned()),
        (format!("port-who --complete {port}"), format!("words\n{port}\tfixture\n")),
        (format!("port-kill --complete -n {port}"), format!("words\n{port}\tfixture\n")),
        (format!("health-wait --complete :{port}"), format!("words\n:{port}\tfixture\n")),
        (format!("proc-tree --complete {pid}"), format!("words\n{pid}\tfixture\n")),
        (format!("port-who --complete --pid {pid}"), format!("words\n{pid}\tfixture on {port}\n")),
        ("ensure-up --complete --stop sh".to_owned(), "words\nshop\tin the services file\n".to_owned()),
        ("ensure-up --complete --print u".to_owned(), "words\nurl\tWhere it answers\n".to_owned()),
        ("proc-tree --complete --generate sc".to_owned(), "words\nschema\tThe JSON Schema of the records\n".to_owned()),
        ("port-kill --complete --signal=KIL".to_owned(), "words\n--signal=KILL\t9\n".to_owned()),
        ("port-who --complete --user roo".to_owned(), "words\nroot\t0\n".to_owned()),
        ("health-wait --complete --cacert ''".to_owned(), "files\n".to_owned()),
    ] {
        let answer = stdout(&script(&question, folder.path()));
        // a PID or a port may begin as another one does
        let is_there = answer == expected || expected.lines().all(|line| answer.lines().any(|one| one == line));
        assert!(is_there && answer.len() < expected.len() + 200, "{question}: {answer}");
    }
    // other tests' servers have this name too
    let names = stdout(&script("port-kill --complete --name fixtur", folder.path()));
    assert!(names.starts_with("words\nfixture\ton ") && names.lines().count() == 2, "{names}");
    // asking changes nothing
    assert!(!folder.path().join("state").exists());
}

#[test]
fn a_server_that_is_known_is_completed_by_its_name_and_one_without_by_its_port() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (port, fixture) = (free_ports(2), fixture_path());
    let other = port + 1;
    let fixture = fixture.display();
    let said = stdout(&script(
        &format!(
            "ensure-up --quiet --port {port} --name blog -- {fixture} serve 127.0.0.1:{port} >&2
             ensure-up --quiet --port {other} -- {fixture} serve 127.0.0.1:{other} >&2
             ensure-up --complete --stop blo
             ensure-up --complete --stop {other}
             ensure-up --quiet --stop >&2"
        ),
        folder.path(),
    ));
    let place = folder.path().canonicalize().expect("it is there");
    let place = place.display();
    assert_eq!(said, format!("words\nblog\tblog in {place}\nwords\n{other}\tfixture in {place}\n"));
}

/// Writes a tool's script for a shell into the folder.
fn written(tool: &str, shell: &str, folder: &Path) -> String {
    let script = stdout(&script(&format!("{tool} --generate {shell}"), folder));
    let path = folder.join(format!("{tool}.{shell}"));
    fs::write(&path, script).expect("the folder is ours");
    path.display().to_string()
}

fn with_tools(program: &Path) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", binaries().display()));
    command
}

/// A folder, and a server with its port.
fn world() -> (tempfile::TempDir, Fixture, String) {
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let port = server.port().to_string();
    (tempfile::tempdir().expect("a folder can be made"), server, port)
}

#[test]
fn bash_completes_options_values_and_the_command_behind_dashes() {
    let Some(bash) = installed("bash") else { return };
    let (folder, _server, port) = world();
    for (tool, line, words, expected) in [
        ("port-who", "port-who --js", "port-who --js", "--json"),
        ("port-who", &format!("port-who {port}"), &format!("port-who {port}"), port.as_str()),
        ("health-wait", &format!("health-wait :{port}"), &format!("health-wait : {port}"), port.as_str()),
        ("port-kill", "port-kill --signal=KI", "port-kill --signal = KI", "KILL"),
        ("ensure-up", "ensure-up --port 1 -- mktem", "ensure-up --port 1 -- mktem", "mktemp"),
    ] {
        let path = written(tool, "bash", folder.path());
        let ask = format!(
            "source {path}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_LINE='{line}'; \
             COMP_POINT=${{#COMP_LINE}}; _{} {tool}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            tool.replace('-', "_")
        );
        let output = with_tools(&bash).args(["--norc", "-c", &ask]).output().expect("bash runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.lines().any(|word| word == expected), "{line}: {said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn fish_completes_options_values_and_the_command_behind_dashes() {
    let Some(fish) = installed("fish") else { return };
    let (folder, _server, port) = world();
    for (tool, line, expected) in [
        ("port-who", "port-who --js", "--json\tOne JSON object per line"),
        ("port-who", &format!("port-who {port}"), &format!("{port}\tfixture")),
        ("port-kill", "port-kill --signal=KI", "--signal=KILL\t9"),
        ("ensure-up", "ensure-up --port 1 -- mktem", "mktemp"),
    ] {
        let path = written(tool, "fish", folder.path());
        let ask = format!("source {path}; complete -C '{line}'");
        let mut command = with_tools(&fish);
        let output = command.env("HOME", folder.path()).args(["--no-config", "-c", &ask]).output().expect("fish runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.lines().any(|word| word.starts_with(expected)),
            "{line}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn zsh_completes_options_values_and_the_command_behind_dashes() {
    let Some(zsh) = installed("zsh") else { return };
    let (folder, _server, port) = world();
    let paths = TOOLS.map(|tool| written(tool, "zsh", folder.path()));
    let mut command = with_tools(&zsh);
    command.args(["-f"]).env("HOME", folder.path()).current_dir(folder.path());
    let mut terminal = Terminal::start(&mut command, 120, 40);
    terminal.types("PS1='ready> '; autoload -U compinit; compinit -u -D; setopt no_beep\n");
    for path in &paths {
        terminal.types(&format!("source {path}\n"));
    }
    terminal.types("print all is loa''ded\n");
    terminal.shows("all is loaded");
    for (line, expected) in [
        ("port-who --js", "port-who --json"),
        (&format!("port-kill -n {}", &port[..port.len() - 1]), port.as_str()),
        ("port-kill --signal=KI", "port-kill --signal=KILL"),
        ("ensure-up --port 1 -- mktem", "ensure-up --port 1 -- mktemp"),
    ] {
        terminal.types(&format!("{line}\t"));
        terminal.shows(expected);
        terminal.types("\u{15}");
    }
    terminal.types("exit\n");
}
