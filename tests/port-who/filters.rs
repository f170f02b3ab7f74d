//! By user, by name, by command line.

use crate::{
    lines, port_who,
    support::{Fixture, NOBODY, is_root_or_skipped},
};

#[test]
fn a_name_is_matched_whole_and_a_pattern_anywhere_in_the_command_line() {
    let server = Fixture::start(["serve", "--body", "two words", "127.0.0.1:0"]);
    let port = server.port().to_string();
    let found = lines(&[server.pid()]);
    for matching in [["--name", "fixture"], ["--match", "serve --body two words 127"], ["--match", r"^/.*:0$"]] {
        port_who().args(matching).arg(&port).stdout(&found).run();
    }
    for other in [["--name", "fixtur"], ["--name", "Fixture"], ["--match", "^serve"], ["--match", "python"]] {
        port_who().args(other).arg(&port).status(1).run();
    }
    port_who().args(["--name", "fixture", "--match", "python", &port]).status(1).run();
}

#[test]
fn a_user_is_a_name_or_a_number_and_is_the_one_the_process_runs_as() {
    if !is_root_or_skipped() {
        return;
    }
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let port = server.port().to_string();
    port_who().args(["--user", "root", &port]).stdout(lines(&[server.pid()])).run();
    port_who().args(["--user", "0", &port]).stdout(lines(&[server.pid()])).run();
    port_who().args(["--user", &NOBODY.to_string(), &port]).status(1).run();
}
