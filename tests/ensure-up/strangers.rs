//! Another program on the server's port: at another address, or at the same.

use std::net::{TcpListener, TcpStream};

use crate::{
    site::{Site, start_by_hand},
    support::{Fixture, eventually, runs, skipped},
};

/// Starts another program on the site's port, from another folder.
fn stranger(site: &Site, options: &[&str], address: &str) -> Fixture {
    Fixture::start([&["serve"], options, &[&format!("{address}:{}", site.port)]].concat())
}

/// Counts the sockets that listen on a port.
fn sockets(port: u16) -> usize {
    let query = port_who::Query::holders_of(vec![port_who::PortSpec::port(port)]);
    port_who::sockets(&query).expect("the socket table can be read").len()
}

fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

fn listed(site: &Site) -> (String, String) {
    let records = site.bare().args(["--status", "--json"]).any_stdout().run().records();
    let text = |key: &str| records[0][key].as_str().unwrap_or_default().to_owned();
    (text("url"), text("reason"))
}

#[test]
fn a_stranger_at_another_address_of_localhost_is_told_and_the_url_is_the_servers_own() {
    if !has_ipv6() {
        return skipped("this machine has no ::1");
    }
    for options in [&["--health", "/"][..], &["--health", "/", "--keep-up"]] {
        let site = Site::new();
        let server = site.server(&[]);
        let alone = site.line(options, &server);
        assert_eq!(alone.url.as_deref(), Some(format!("http://localhost:{}", site.port).as_str()));
        let stranger = stranger(&site, &[], "[::1]");
        let told = format!("fixture ({}) listens on [::1]:{} too: localhost may lead there", stranger.pid(), site.port);
        let output = site.run(&[options, &["--print", "url"]].concat(), &server).run();
        let own = format!("http://127.0.0.1:{}", site.port);
        assert_eq!(output.stdout, format!("{own}\n"));
        assert!(output.stderr.contains(&format!("note: {told}")), "{output:?}");
        assert_eq!(listed(&site), (own, told));
        drop(stranger);
        assert_eq!(site.line(options, &server).url, alone.url);
        assert_eq!(listed(&site), (alone.url.expect("a URL"), String::new()));
    }
}

#[test]
fn a_stranger_at_an_address_that_is_not_localhost_is_none_of_the_servers_business() {
    let site = Site::new();
    let server = site.server(&[]);
    site.run(&[], &server).run();
    let _stranger = stranger(&site, &[], "127.0.0.2");
    let output = site.run(&[], &server).run();
    assert!(output.stderr.starts_with("reused ") && !output.stderr.contains("note:"), "{output:?}");
}

#[test]
fn a_stranger_that_gets_the_servers_connections_is_refused_and_nothing_is_stopped() {
    for options in [&[][..], &["--keep-up"], &["--health", "/"]] {
        let site = Site::new();
        let server = site.server(&["--reuseport", "1"]);
        site.run(options, &server).run();
        let ours = site.alive();
        let stranger = stranger(&site, &["--reuseport", "1"], "127.0.0.1");
        for more in [&[][..], &["--restart"], &["--replace"]] {
            let output = site.run(&[options, more].concat(), &server).status(4).run();
            assert!(output.stderr.contains("is shared with another program"), "{more:?}: {output:?}");
            assert!(output.stderr.contains(&format!("kill {}", stranger.pid())), "{more:?}: {output:?}");
            assert_eq!(site.alive(), ours, "{more:?}");
            assert!(runs(stranger.pid()), "{more:?}");
        }
        let output = site.run(&[options, &["--adopt", "any"]].concat(), &server).run();
        assert!(output.stderr.contains(": connections may reach them"), "{output:?}");
        assert!(listed(&site).1.contains("connections may reach them"));
        drop(stranger);
        assert_eq!(site.line(options, &server).action, "reused");
    }
}

#[test]
fn a_second_socket_that_the_server_opens_later_is_its_own() {
    let site = Site::new();
    let server = site.server(&["--reuseport", "3"]);
    let first = site.line(&[], &server);
    assert!(TcpStream::connect(("127.0.0.1", site.port)).is_ok());
    let output = site.run(&[], &server).run();
    assert!(output.stderr.starts_with("reused ") && !output.stderr.contains("note:"), "{first:?} {output:?}");
}

#[test]
fn a_server_is_restarted_beside_a_stranger_that_leaves_its_address_alone() {
    if !has_ipv6() {
        return skipped("this machine has no ::1");
    }
    for kept_up in [&[][..], &["--keep-up"]] {
        let site = Site::new();
        let server = site.server(&[]);
        site.run(kept_up, &server).run();
        let stranger = stranger(&site, &[], "[::1]");
        assert_eq!(site.line(&[kept_up, &["--restart"]].concat(), &server).action, "restarted");
        let changed = [kept_up, &["--env", "A=1", "--restart-if-changed"]].concat();
        assert_eq!(site.line(&changed, &server).action, "restarted");
        let changed = [kept_up, &["--env", "A=2", "--replace"]].concat();
        assert_eq!(site.line(&changed, &server).action, "replaced");
        assert!(runs(stranger.pid()));
        assert_eq!(site.alive().len(), 1);
    }
}

#[test]
fn a_start_that_a_stranger_joins_on_its_address_has_failed() {
    for kept_up in [&[][..], &["--keep-up"]] {
        let site = Site::new();
        // it has the more exact address, so all connections
        let late = site.server_at(&["--reuseport", "1", "--after", "go"], "0.0.0.0:{port}");
        let call = site.run(kept_up, &late).spawn();
        eventually("the server", || !site.started().is_empty());
        let stranger = stranger(&site, &["--reuseport", "1"], "127.0.0.1");
        std::fs::write(site.path("go"), "").expect("the folder is ours");
        let output = call.wait_with_output().expect("a child can be waited for");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("is shared with another program"), "{said}");
        assert!(runs(stranger.pid()));
        assert_eq!(site.alive(), [0_u32; 0], "{said}");
    }
}

#[test]
fn an_answer_that_may_be_a_strangers_makes_no_server_healthy() {
    let site = Site::new();
    let server = site.server(&["--reuseport", "1"]);
    site.run(&["--health", "/"], &server).run();
    let _stranger = stranger(&site, &["--reuseport", "1"], "127.0.0.1");
    let listed = site.bare().args(["--status", "--json", &site.port.to_string()]).status(1).any_stdout().run();
    assert_eq!(listed.records()[0]["healthy"], false, "{listed:?}");
}

#[test]
fn localhost_in_a_health_target_is_the_servers_own_address() {
    if !has_ipv6() {
        return skipped("this machine has no ::1");
    }
    for (own, other) in [("127.0.0.1", "[::1]"), ("[::1]", "127.0.0.1")] {
        let site = Site::new();
        let health = format!("http://localhost:{}/", site.port);
        let server = site.server_at(&["--not-ready", "60000"], &format!("{own}:{{port}}"));
        let call = site.run(&["--health", &health, "--timeout", "1500ms"], &server).spawn();
        eventually("the server", || !site.started().is_empty());
        let _stranger = stranger(&site, &[], other);
        assert_eq!(call.wait_with_output().expect("a child").status.code(), Some(124), "{own}");
    }
}

#[test]
fn several_processes_that_are_adopted_together_are_one_server() {
    let site = Site::new();
    let mut both = [0, 1].map(|_| stranger(&site, &["--reuseport", "1"], "127.0.0.1"));
    let options = ["--health", "/", "--match", "serve --reuseport"];
    for action in ["adopted", "reused", "reused"] {
        let output = site.run(&options, &["true"]).run();
        assert!(output.stderr.starts_with(action) && !output.stderr.contains("note:"), "{action}: {output:?}");
    }
    assert_eq!(listed(&site).1, "");
    site.bare().args(["--stop", &site.port.to_string()]).any_stderr().run();
    for one in &mut both {
        one.wait();
    }
}

#[test]
fn what_was_started_by_hand_as_the_server_was_is_no_stranger() {
    let site = Site::new();
    let server = site.server(&["--reuseport", "1"]);
    site.run(&[], &server).run();
    let mut by_hand = start_by_hand(&site, &server, &site.folder());
    eventually("both", || sockets(site.port) == 4);
    let output = site.run(&[], &server).run();
    assert!(output.stderr.starts_with("reused ") && !output.stderr.contains("note:"), "{output:?}");
    site.clear();
    by_hand.wait().expect("a child can be waited for");
}
