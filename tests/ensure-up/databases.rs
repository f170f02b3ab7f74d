//! Programs that listen before they serve: ready is who takes a client.

use std::{os::unix::fs::symlink, thread};

use crate::{
    site::{Site, fixture},
    support::eventually,
};

/// The fixture under the name of a program, which refuses for so long.
fn database(site: &Site, program: &str, refuses_ms: &str) -> Vec<String> {
    let path = site.path(program);
    if !path.exists() {
        symlink(fixture(), &path).expect("the folder is ours");
    }
    let kind = if program == "postgres" { "postgres" } else { "redis" };
    let words = [&site.word(program), "serve", "--count", &site.word("count"), "--refuse-as", kind, refuses_ms];
    words.into_iter().chain(["127.0.0.1:{port}"]).map(str::to_owned).collect()
}

#[test]
fn a_database_is_ready_when_it_takes_a_client() {
    for program in ["postgres", "redis-server"] {
        let site = Site::new();
        let command = database(&site, program, "400");
        let line = site.line(&[], &command);
        assert_eq!((line.action.as_str(), line.ready_ms >= Some(400)), ("started", true), "{line:?}");
        assert_eq!(site.line(&[], &command).action, "reused");
        // a machine that is busy may take longer to answer than a status waits
        let status = || site.bare().args(["--status", "--json", &site.port.to_string()]).finish();
        eventually("a status that is healthy", || status().records()[0]["healthy"] == true);
    }
}

#[test]
fn a_database_that_never_takes_a_client_is_not_ready_and_it_is_told_why() {
    let never = |program: &str, why: &str| {
        let site = Site::new();
        let output = site.run(&["--timeout", "5s"], &database(&site, program, "60000")).status(124).run();
        assert!(output.stderr.contains(why), "{}", output.stderr);
        // whoever says what healthy means is not asked anything else
        site.run(&["--health", "tcp://127.0.0.1:{port}"], &database(&site, program, "60000")).run();
    };
    thread::scope(|scope| {
        scope.spawn(|| never("postgres", "the database system is starting up"));
        scope.spawn(|| never("redis-server", "LOADING Redis is loading"));
    });
}
