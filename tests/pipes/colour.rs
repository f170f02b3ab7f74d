//! When the tools colour: one rule for all five.

use std::{path::Path, process::Stdio};

use super::shell;
use crate::support::{Fixture, Terminal};

/// Each with whether it colours where there is no terminal, and on one.
const RULES: [(&str, bool, bool); 9] = [
    ("", false, true),
    ("NO_COLOR=1", false, false),
    ("NO_COLOR=", false, true),
    ("CLICOLOR=0", false, false),
    ("CLICOLOR_FORCE=1", true, true),
    ("FORCE_COLOR=1", true, true),
    ("FORCE_COLOR=0", false, true),
    ("NO_COLOR=1 FORCE_COLOR=1", false, false),
    ("TERM=dumb", false, false),
];

fn without_a_terminal(line: &str, folder: &Path) -> bool {
    let output = shell(line, folder).stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("a shell runs");
    [output.stdout, output.stderr].concat().contains(&0x1b)
}

fn on_a_terminal(line: &str, folder: &Path) -> bool {
    Terminal::start(&mut shell(line, folder), 100, 30).end().1.contains('\u{1b}')
}

#[test]
fn colours_follow_one_rule_in_all_five() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let (port, pid) = (server.port(), server.pid());
    // health-wait has nothing to say where there is no terminal and all is well
    for (command, speaks_in_a_pipe) in [
        (format!("port-who --table {port}"), true),
        (format!("port-kill -n {port}"), true),
        (format!("proc-tree --table {pid}"), true),
        (format!("health-wait :{port}"), false),
        (format!("ensure-up --adopt any --port {port} -- true"), true),
    ] {
        let unset = "unset NO_COLOR CLICOLOR CLICOLOR_FORCE FORCE_COLOR; export TERM=xterm-256color";
        for (variables, in_a_pipe, on_terminal) in RULES {
            let line = format!("{unset}; {variables} {command}");
            assert_eq!(without_a_terminal(&line, folder.path()), in_a_pipe && speaks_in_a_pipe, "{line}");
            assert_eq!(on_a_terminal(&line, folder.path()), on_terminal, "{line}");
        }
        let (tool, rest) = command.split_once(' ').expect("a tool and its arguments");
        let never = format!("{unset}; FORCE_COLOR=1 {tool} --color never {rest}");
        assert!(!without_a_terminal(&never, folder.path()) && !on_a_terminal(&never, folder.path()), "{never}");
        let always = format!("{unset}; NO_COLOR=1 {tool} --color always {rest}");
        assert!(on_a_terminal(&always, folder.path()), "{always}");
        assert_eq!(without_a_terminal(&always, folder.path()), speaks_in_a_pipe, "{always}");
    }
}
