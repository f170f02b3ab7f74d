//! Several health targets: all of them are the server's health, and what is wrong is told of the one that it is wrong with.

use std::{fs, net::TcpListener};

use serde_json::{Value, json};

use crate::{
    site::Site,
    support::{Fixture, Tool, free_port},
};

/// Returns `--health` for each of these.
fn health<'t>(targets: &[&'t str]) -> Vec<&'t str> {
    targets.iter().flat_map(|target| ["--health", target]).collect()
}

fn recorded(site: &Site) -> Value {
    serde_json::from_slice(&fs::read(site.record()).expect("a record")).expect("JSON")
}

#[test]
fn the_target_that_never_answers_is_named_with_its_reason_and_the_other_is_not() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("http://{}/ready", silent.local_addr().expect("an address"));
    let closed = format!("http://u:s3cret@127.0.0.1:{}/ready", free_port());
    for (target, told) in [
        (&closed, format!("{}: connection refused", closed.replace("s3cret", "***"))),
        (&silent, format!("{silent}: no answer")),
    ] {
        let site = Site::new();
        let options = [&health(&["/", target])[..], &["--timeout", "3s"]].concat();
        let said = site.run(&options, &site.server(&[])).status(124).run().stderr;
        assert!(said.contains(&format!("within 3.00 s: {told}")), "{said}");
        assert_eq!(site.processes(), []);
    }
}

#[test]
fn all_targets_have_to_be_healthy_at_once_and_the_url_is_the_servers_base() {
    let site = Site::new();
    let other = Fixture::start(["serve", "--not-ready", "600", "127.0.0.1:0"]);
    let elsewhere = format!("http://{}/", other.address());
    let itself = format!("http://localhost:{}/x", site.port);
    let line = site.line(&health(&[&elsewhere, "tcp:{port}", "/{port}"]), &site.server(&[]));
    assert_eq!((line.action.as_str(), line.healthy), ("started", true));
    assert_eq!(line.url, Some(format!("http://localhost:{}", site.port)));
    assert!(line.ready_ms.is_some_and(|time| time >= 300), "{line:?}");
    let port = site.port;
    assert_eq!(recorded(&site)["health"], json!([elsewhere, format!("tcp:{port}"), format!("/{port}")]));
    assert_eq!(site.line(&health(&[&itself]), &site.server(&[])).action, "reused");
}

#[test]
fn a_server_of_which_one_target_went_unhealthy_is_waited_for_and_told_by_status() {
    let site = Site::new();
    let flag = site.word("flag");
    fs::write(&flag, "").expect("the folder is ours");
    let file = format!("file:{flag}");
    let options = health(&["/", &file]);
    assert_eq!(site.line(&options, &site.server(&[])).action, "started");
    assert_eq!(site.line(&options, &site.server(&[])).action, "reused");
    fs::remove_file(&flag).expect("it is there");
    let late = [&options[..], &["--timeout", "2s"]].concat();
    let said = site.run(&late, &site.server(&[])).status(124).run().stderr;
    assert!(said.contains(&format!("within 2.00 s: {file}: no such file")), "{said}");
    let status = site.bare().args(["--status", "--json"]).any_stdout().run().stdout;
    let status: Value = serde_json::from_str(&status).expect("one server");
    assert_eq!((&status["running"], &status["healthy"]), (&json!(true), &json!(false)));
    assert!(status["reason"].as_str().is_some_and(|why| why.starts_with(&file)), "{status}");
    fs::write(&flag, "").expect("the folder is ours");
    assert_eq!(site.line(&options, &site.server(&[])).action, "reused");
    assert_eq!(site.alive().len(), 1);
}

#[test]
fn what_a_target_names_without_a_folder_is_in_the_services_wherever_it_is_asked_from() {
    let site = Site::new();
    let elsewhere = tempfile::tempdir().expect("a folder");
    for (name, target) in [("flag", "file:flag"), ("flag", "exec:test -e flag")] {
        let command = crate::site::shell(&format!("touch {name}; exec \"$0\" \"$@\""), &site.server(&[]));
        site.run(&health(&["/", target]), &command).run();
        for folder in [site.folder(), elsewhere.path().to_owned()] {
            let port = site.port.to_string();
            let said = site.bare().args(["--status", "--json", &port]).cwd(&folder).any_stdout().run().stdout;
            let status: Value = serde_json::from_str(&said).expect("one server");
            assert_eq!((&status["healthy"], &status["reason"]), (&json!(true), &Value::Null), "{target} {folder:?}");
        }
        site.bare().args(["--stop", "--all"]).any_stderr().run();
        fs::remove_file(site.path(name)).expect("it is there");
    }
}

#[test]
fn an_expectation_is_one_of_each_answer_over_http_and_of_nothing_else() {
    let site = Site::new();
    let listens = format!("tcp:{}", site.port);
    let options = |body| [&health(&["/", "/live", &listens])[..], &["--expect-body", body, "--timeout", "3s"]].concat();
    assert_eq!(site.line(&options("o."), &site.server(&[])).action, "started");
    let said = site.run(&options("never"), &site.server(&[])).status(124).run().stderr;
    assert!(
        said.contains(
            "within 3.00 s: /: body did not match \"never\": \"ok\"; /live: body did not match \"never\": \"ok\""
        ),
        "{said}"
    );
    let failed = [&health(&["/", "/live"])[..], &["--fail-body", "ok"]].concat();
    let said = site.run(&failed, &site.server(&[])).status(4).run().stderr;
    assert!(said.contains("failed: /"), "{said}");
}

#[test]
fn who_holds_the_port_is_known_by_an_answer_on_it_and_not_by_one_from_elsewhere() {
    for (mine, others, status, action) in
        [("mine", "mine", 0, "adopted"), ("mine", "other", 4, "failed"), ("other", "mine", 4, "failed")]
    {
        let site = Site::new();
        let _there = Fixture::start(["serve", "--body", mine, &format!("127.0.0.1:{}", site.port)]);
        let elsewhere = Fixture::start(["serve", "--body", others, "127.0.0.1:0"]);
        let elsewhere = format!("http://{}/", elsewhere.address());
        let options = [&["--json", "--expect-body", "mine"][..], &health(&["/", &elsewhere])].concat();
        assert_eq!(crate::site::line(&site.run(&options, &site.server(&[])).status(status).run()).action, action);
        if mine == "other" {
            let options = [&["--json", "--expect-body", "mine"][..], &health(&[&elsewhere])].concat();
            assert_eq!(crate::site::line(&site.run(&options, &site.server(&[])).status(4).run()).action, "failed");
        }
    }
}

#[test]
fn a_record_of_before_with_one_target_or_none_is_read() {
    for (options, before) in [(health(&["/"]), json!("/")), (Vec::new(), Value::Null)] {
        let site = Site::new();
        site.run(&options, &site.server(&[])).run();
        let mut record = recorded(&site);
        // what is found again without the record has no count
        record["restarts"] = json!(7);
        record["health"] = before.clone();
        record["asked"]["health"] = before;
        fs::write(site.record(), record.to_string()).expect("the folder is ours");
        let line = site.line(&options, &site.server(&[]));
        assert_eq!((line.action.as_str(), line.restarts), ("reused", 7));
        site.bare().args(["--restart", &site.port.to_string()]).any_stderr().run();
        let now = recorded(&site);
        assert_eq!(
            (&now["health"], &now["asked"]["health"]),
            (&json!(&options[options.len().min(1)..]), &now["health"])
        );
    }
}

#[test]
fn a_services_file_has_one_target_or_several_and_tells_where_one_is_none() {
    let site = Site::new();
    let run = |health: &str, arguments: &[&str]| -> Tool {
        let command: Vec<String> = site.server(&[]).iter().map(|word| format!("{word:?}")).collect();
        let file = format!("[api]\ncommand = [{}]\nport = {}\nhealth = {health}\n", command.join(", "), site.port);
        fs::write(site.path("ensure-up.toml"), file).expect("the folder is ours");
        site.bare().args(arguments).any_stdout().any_stderr()
    };
    let flag = site.word("flag");
    for (health, told) in [
        ("true", ":4:10: health has to be a string or an array of strings, not boolean"),
        ("[\"/\", true]", ":4:16: health has to be a string or an array of strings, not boolean"),
        ("[\"/\", \"${NOBODY_SET_THIS}\"]", ":4:16: the variable NOBODY_SET_THIS is not set"),
    ] {
        let said = run(health, &["api"]).status(2).run().stderr;
        assert!(said.contains(told), "{said}");
    }
    run(&format!("[\"/\", \"http://127.0.0.1:{{port}}/b\", \"file:{flag}\"]"), &["api", "--timeout", "500ms"])
        .status(124)
        .run();
    // a call's own targets take the place of the file's
    let said = run(&format!("[\"/\", \"file:{flag}\"]"), &["api", "--health", "/{port}"]).run().stderr;
    assert!(said.starts_with("api  started  "), "{said}");
}
