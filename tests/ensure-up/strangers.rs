//! Another program on the server's port: at another address, or at the same.

use std::net::{TcpListener, TcpStream};

use crate::{
    site::Site,
    support::{Fixture, runs, skipped},
};

/// Starts another program on the site's port, from another folder.
fn stranger(site: &Site, options: &[&str], address: &str) -> Fixture {
    Fixture::start([&["serve"], options, &[&format!("{address}:{}", site.port)]].concat())
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
