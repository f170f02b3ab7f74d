//! What stands for something else in a services file: variables of the caller, and ports of other services.

use std::fs;

use crate::{
    by_name, run,
    site::{Site, fixture},
    support::{Tool, records},
};

/// A site with this file; `@` stands for a command that serves on `{port}`, `#` for the site's first port.
fn site(file: &str) -> Site {
    let site = Site::with_ports(4);
    let server = format!("[{:?}, \"serve\", \"--count\", {:?}, \"127.0.0.1:{{port}}\"]", fixture(), site.word("count"));
    let file = file.replace('@', &server).replace('#', &site.port.to_string());
    fs::write(site.path("ensure-up.toml"), file).expect("the folder is ours");
    site
}

fn refused(file: &str) -> String {
    let site = site(file);
    let said = run(&site, &["--all"]).env_remove("NOBODY").status(2).stdout("").run().stderr;
    assert!(site.processes().is_empty() && !site.path("state").exists(), "{file} did something");
    said
}

#[test]
fn variables_of_the_caller_stand_in_every_string() {
    let site = site(
        r#"
[job]
once = true
command = ["/bin/sh", "-c", "echo \"$0 ${WHO:-nobody} $${WHO} $MINE\" > ${OUT:-out}"]
cwd = "${PLACE}"
env = { MINE = "${WHO}-${NONE:-x}" }

[web]
command = @
port = "${WEB_PORT:-#}"
health = "/${NONE:-}"
depends_on = ["${FIRST:-job}"]
"#,
    );
    fs::create_dir(site.path("there")).expect("the folder is ours");
    let call = |tool: Tool| tool.env("WHO", "me").env("PLACE", "there");
    let next = (site.port + 1).to_string();
    let ended = by_name(&call(run(&site, &["--all", "--json"])).env("WEB_PORT", &next).run());
    assert_eq!(ended["web"]["port"], site.port + 1);
    assert_eq!(fs::read_to_string(site.path("there/out")).expect("the job has run"), "/bin/sh me me me-x\n");
}

#[test]
fn a_variable_that_is_not_set_is_told_with_its_place() {
    for (file, told) in [
        ("[a]\ncommand = [\"x\",\n  \"${NOBODY}\"]\nport = #", "ensure-up.toml:3:3: the variable NOBODY is not set"),
        (
            "[a]\ncommand = \"x\"\nport = #\nenv = { A = \"1\", B = \"${NOBODY}\" }",
            ":4:22: the variable NOBODY is not set",
        ),
        ("[a]\ncommand = \"serve ${PORT}\"\nport = #", ":2:11: the variable PORT is not set; {port} stands for"),
        ("[a]\ncommand = \"x\"\nport = #\nhealth = \"/${X%y}\"", ":4:10: ${X%y} is no variable: write ${NAME}"),
        ("[a]\ncommand = \"x\"\nport = #\nlog = \"${X\"", ":4:7: ${ without }"),
    ] {
        let said = refused(file);
        assert!(said.contains(told), "{file}: {said}");
    }
}

#[test]
fn a_nul_is_refused_wherever_it_stands() {
    const WHY: &str = "a NUL stands in it, and no program can be handed one";
    for (file, place) in [
        ("[a]\ncommand = [\"x\", \"\\u0000\"]\nport = #", ":2:17: "),
        ("[a]\ncommand = \"x\"\nport = #\nenv = { A = \"b\\u0000\" }", ":4:13: "),
        ("[a]\ncommand = \"x\"\nport = #\nlog = \"${X:-b}\\u0000\"", ":4:7: "),
    ] {
        let said = refused(file);
        assert!(said.contains(&format!("{place}{WHY}")), "{file}: {said}");
    }
    let site = site("[a]\ncommand = \"x\"\nport = #\nenv_file = \"variables\"");
    fs::write(site.path("variables"), "A=1\nB='x\0'\n").expect("the folder is ours");
    let said = run(&site, &["--all"]).status(2).stdout("").run().stderr;
    assert!(said.contains("the value of B holds a NUL, and no program can be handed one"), "{said}");
}

#[test]
fn the_port_of_another_service_stands_in_every_string_and_in_the_environment() {
    let site = site("");
    let file = r##"
[web]
command = "echo {api.port} $PORT_API $PORT_MY_DB $URL $${PORT_CACHE-none} >> seen; exec $SERVER serve 127.0.0.1:{web.port}"
port = "#"
env = { URL = "http://localhost:{api.port}/", SERVER = "${SERVER}" }

[cache]
command = @
port = 1

[api]
command = @
port = "@1-@2"
depends_on = ["my-db"]

[my-db]
command = @
port = "@3"
"##;
    let server = format!("[{:?}, \"serve\", \"127.0.0.1:{{port}}\"]", fixture());
    let port = |offset: u16| (site.port + offset).to_string();
    let file = file.replace("@1", &port(1)).replace("@2", &port(2)).replace("@3", &port(3));
    let file = file.replace('@', &server).replace('#', &port(0));
    fs::write(site.path("ensure-up.toml"), file).expect("the folder is ours");
    let call = |arguments: &[&str]| run(&site, arguments).env("SERVER", fixture()).env_remove("PORT_CACHE");
    // nobody may take the first of the range: the port is known once it is up
    let taken = std::net::TcpListener::bind(("127.0.0.1", site.port + 1)).expect("it is free");
    let first = by_name(&call(&["web", "--json"]).run());
    assert_eq!((first.len(), &first["api"]["port"]), (3, &(site.port + 2).into()), "{first:?}");
    let seen = format!("{0} {0} {1} http://localhost:{0}/ none\n", port(2), port(3));
    assert_eq!(fs::read_to_string(site.path("seen")).expect("web has run"), seen);
    let again = by_name(&call(&["web", "--json"]).run());
    assert!(again.values().all(|record| record["action"] == "reused"), "{again:?}");
    let status = records(&call(&["--status", "web", "--json"]).run().stdout);
    assert!(status[0]["healthy"] == true && status[0]["reason"].is_null(), "{status:?}");
    call(&["--stop", "api"]).run();
    let _moved = std::net::TcpListener::bind(("127.0.0.1", site.port + 2)).expect("it is free");
    drop(taken);
    let moved = by_name(&call(&["web", "--json"]).status(4).run());
    assert_eq!(
        (&moved["api"]["port"], &moved["web"]["differs"]),
        (&(site.port + 1).into(), &serde_json::json!(["command", "environment"]))
    );
    let moved = by_name(&call(&["web", "--json", "--restart-if-changed"]).run());
    assert_eq!((&moved["api"]["action"], &moved["web"]["action"]), (&"reused".into(), &"restarted".into()));
}

#[test]
fn a_port_that_is_not_there_is_told_with_its_place() {
    for (file, told) in [
        (
            "[a]\ncommand = [\"x\",\n  \"{bd.port}\"]\nport = #\n[db]\ncommand = \"x\"\nport = 1",
            ":3:3: {bd.port} is the port of \"bd\", which is not there\nhint: did you mean \"db\"?",
        ),
        (
            "[a]\ncommand = \"x\"\nport = #\nenv = { A = \"{w.port}\" }\n[w]\ncommand = \"x\"",
            ":4:13: {w.port} is the port of w, which has none",
        ),
        (
            "[a]\ncommand = \"x {b.port}\"\nport = #\n[b]\ncommand = \"x\"\nport = 1\nhealth = \"/{a.port}\"",
            ":2:11: the dependencies go in a circle: a → b → a",
        ),
    ] {
        let said = refused(file);
        assert!(said.contains(told), "{file}: {said}");
    }
}

#[test]
fn workers_and_jobs_stand_in_a_file_and_dependents_wait_for_a_job() {
    let site = site(
        r#"
[api]
command = "test -e migrated && exec sleep 100"
depends_on = ["migrate"]

[migrate]
command = "sleep 0.3; touch migrated"
once = true

[after]
command = "true"
depends_on = ["broken"]

[broken]
command = "exit 7"
once = true
"#,
    );
    let ended = by_name(&run(&site, &["api", "--json"]).run());
    assert_eq!((&ended["migrate"]["pid"], &ended["api"]["action"]), (&serde_json::Value::Null, &"started".into()));
    let ended = by_name(&run(&site, &["after", "--json"]).status(3).run());
    assert_eq!(ended["after"]["reason"], "not started: it needs broken, which is not up");
    let status = run(&site, &["--status"]).run().stdout;
    assert!(status.lines().any(|line| line.starts_with("migrate ") && line.contains("stopped")), "{status}");
    run(&site, &["--stop"]).run();
    assert!(site.processes().is_empty());
}

#[test]
fn an_option_for_what_is_named_is_not_laid_over_the_jobs_that_it_needs() {
    let site =
        site("[migrate]\ncommand = \"true\"\nonce = true\n[api]\ncommand = \"sleep 60\"\ndepends_on = \"migrate\"\n");
    let ended = by_name(&run(&site, &["--keep-up", "--json", "api"]).run());
    for name in ["migrate", "api"] {
        assert_eq!(ended[name]["action"], "started", "{ended:?}");
    }
    let status = by_name(&run(&site, &["--status", "--json"]).run());
    assert_eq!(status["migrate"]["healthy"], true, "{status:?}");
    run(&site, &["--stop"]).run();
    let said = run(&site, &["--keep-up", "migrate"]).status(2).run().stderr;
    assert!(said.contains("keep"), "a job that is named cannot be kept up: {said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_in_an_option_begins_where_the_call_is_made_and_stays_there() {
    let site = site("[api]\ncommand = @\nport = #\nenv_file = \".env\"\n");
    let below = site.path("below");
    fs::create_dir(&below).expect("the folder is ours");
    for (path, text) in [(".env", "FILE=1\nA=file\n"), (".env.test", "A=file\n"), ("below/.env.test", "A=call\n")] {
        fs::write(site.path(path), text).expect("the folder is ours");
    }
    let options = ["--json", "--env-file", ".env.test", "--log", "api.log", "api"];
    let first = by_name(&run(&site, &options).cwd(&below).run()).remove("api").expect("the service");
    for started in [first, records(&run(&site, &["--restart", "--json", "api"]).run().stdout).remove(0)] {
        assert_eq!(started["log"], below.join("api.log").to_str().expect("text"));
        let environment = fs::read_to_string(format!("/proc/{}/environ", site.alive()[0])).expect("it is ours");
        let set: Vec<&str> =
            environment.split('\0').filter(|one| one.starts_with("A=") || one.starts_with("FILE=")).collect();
        assert!(set.contains(&"A=call") && set.contains(&"FILE=1"), "{set:?}");
        let again = by_name(&run(&site, &options).cwd(&below).run());
        assert_eq!(again["api"]["action"], "reused");
    }
}

#[test]
fn a_path_means_the_same_from_every_folder() {
    let site = site("[api]\ncommand = @\nport = #\nhealth = \"/\"\ndata = \"${AT}question\"\n");
    fs::write(site.path("question"), "how are you?").expect("the folder is ours");
    let below = site.path("below");
    fs::create_dir(&below).expect("the folder is ours");
    let other = (site.port + 1).to_string();
    run(&site, &["api"]).env("AT", "@").run();
    let bare = ["--port", &other, "--health", "/", "--data", "@question", "--", &fixture(), "serve"];
    run(&site, &bare).arg(format!("127.0.0.1:{other}")).run();
    let told = run(&site, &["--status", "--json", "--everywhere"]).env("AT", "@").cwd(&below).run();
    let healthy: Vec<_> = records(&told.stdout).iter().map(|one| one["healthy"].clone()).collect();
    assert_eq!(healthy, [true, true], "{}", told.stdout);
}
