//! Sockets in other network namespaces.

use std::{os::unix::fs::MetadataExt, time::Duration};

use crate::{
    Record, decode, lines, port_who,
    support::{Fixture, NOBODY, is_root_or_skipped, skipped},
};

/// A server in a namespace of its own, unless this place does not let a test make one.
fn server() -> Option<Fixture> {
    let server = Fixture::start(["hold", "netns", "0.0.0.0:18000"]);
    if let Some(word) = server.said.iter().find_map(|word| word.strip_prefix("refused:")) {
        skipped(&format!("no network namespace may be made: {word}"));
        return None;
    }
    Some(server)
}

#[test]
fn a_server_in_another_network_namespace_is_found_only_when_asked_for() {
    let Some(server) = server().filter(|_| is_root_or_skipped()) else { return };
    // elsewhere the same port may well be somebody else's
    let here: Vec<Record> = decode(&port_who().args(["--json", "18000"]).user(0).finish().stdout);
    assert!(here.iter().all(|record| record.pid != Some(server.pid())));

    let found = port_who().args(["--all-netns", "--json", "18000"]).any_stdout().any_stderr().run();
    let found: Vec<Record> = decode(&found.stdout);
    let record = found.iter().find(|record| record.pid == Some(server.pid())).expect("it is found");
    let expected = std::fs::metadata(format!("/proc/{}/ns/net", server.pid())).expect("it runs").ino();
    assert_eq!((record.netns, record.port), (Some(expected), 18000));
    let name = ["--all-netns", "--match", "hold netns"];
    let output = port_who().args(name).arg("18000").any_stdout().any_stderr().run();
    assert!(output.stdout.lines().any(|line| line == server.pid().to_string()), "{}", output.stdout);

    let table = port_who().args(["--all-netns", "--table", "18000"]).any_stdout().any_stderr().run().stdout;
    assert!(table.lines().next().is_some_and(|titles| titles.contains("  NETNS ")), "{table}");
    assert!(table.contains(&expected.to_string()), "{table}");
}

#[test]
fn a_namespace_with_several_processes_is_visited_once_and_the_own_one_still_counts() {
    let Some(server) = server().filter(|_| is_root_or_skipped()) else { return };
    let here = Fixture::start(["serve", "--forks", "2", "127.0.0.1:0"]);
    let port = here.port().to_string();
    let output = port_who().args(["--all-netns", &port]).stdout(lines(&here.pids())).any_stderr().run();
    assert!(output.took < Duration::from_secs(10));
    drop(server);
}

#[test]
fn who_may_not_look_elsewhere_is_told_so_and_not_nobody() {
    if !is_root_or_skipped() {
        return;
    }
    port_who()
        .args(["--all-netns", "18000"])
        .user(NOBODY)
        .status(125)
        .stderr(
            "port-who: cannot look into other network namespaces: operation not permitted\n\
             hint: root may look into other network namespaces: use sudo\n",
        )
        .run();
}
