//! What users of start-server-and-test know to hold: `start && test`, in every way in which they say where.

use crate::site::{Site, fixture};

#[test]
fn where_to_ask_is_said_as_a_path_a_port_an_address_or_a_url() {
    let site = Site::new();
    let port = site.port;
    for place in [
        "/".to_owned(),
        format!(":{port}"),
        "{port}".into(),
        format!("localhost:{port}"),
        format!("tcp:{port}"),
        format!("http://localhost:{port}/x"),
        format!("http://u:p@127.0.0.1:{port}"),
    ] {
        let output = site.run(&["--health", &place, "--then", "echo up"], &site.server(&[])).run();
        assert_eq!(output.stdout, "up\n", "{place}");
        assert_eq!(site.processes(), [], "{place}");
    }
    let said = site.run(&["--health", &format!("http-get://localhost:{port}")], &site.server(&[])).status(2).run();
    assert!(said.stderr.contains(&format!("here that is http://localhost:{port}\n")), "{}", said.stderr);
}

#[test]
fn the_test_runs_while_a_second_server_is_up_beside_the_first_and_both_are_stopped() {
    let site = Site::with_ports(2);
    let (own, other) = (env!("CARGO_BIN_EXE_ensure-up"), site.port + 1);
    let second = format!(
        "'{own}' --port {other} --health / --then 'echo $PORT; exit 5' -- '{}' serve --delay 200 127.0.0.1:{other}",
        fixture()
    );
    let output = site.run(&["--health", "/", "--then", &second], &site.server(&[])).status(5).run();
    assert_eq!(output.stdout, format!("{other}\n"));
    assert_eq!(site.processes(), []);
}

#[test]
fn a_line_of_start_server_and_test_gets_the_one_that_was_meant() {
    let site = Site::new();
    let said = "ensure-up: the port, the command and what runs while it is up have places of their own\n\
                hint: ensure-up --port 3000 --health / --then 'npm run test' -- sh -c 'npm run start'\n";
    site.bare().args(["start", ":3000", "test"]).status(2).stderr(said).run();
}
