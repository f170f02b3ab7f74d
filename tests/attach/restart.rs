//! `--restart` by name or port, without a command: as it was asked for, and nothing beside it.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    file::{run, site, write},
    site::{Site, line},
    support::{Fixture, Tool, records},
};

/// A variable of a process.
fn variable(pid: u32, name: &str) -> Option<String> {
    let all = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let beginning = format!("{name}=");
    all.split('\0').find_map(|one| one.strip_prefix(&beginning)).map(str::to_owned)
}

fn restart(site: &Site, arguments: &[&str]) -> Tool {
    site.bare().arg("--restart").arg("--json").args(arguments).any_stdout().any_stderr()
}

fn lines_of_ours(site: &Site) -> String {
    let lines = site.processes().into_iter().filter_map(|one| fs::read(format!("/proc/{}/cmdline", one.pid)).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn one_of_a_file_keeps_profile_environment_and_supervision_and_leaves_what_it_needs_alone() {
    let site = site(&[("api", "", "depends_on = \"db\"\nenv = { MODE = \"base\" }"), ("db", "", "")]);
    let file = fs::read_to_string(site.path("ensure-up.toml")).unwrap();
    let profile = "[profile.dev.api]\nenv = { MODE = \"dev\" }\n";
    fs::write(site.path("ensure-up.toml"), file.clone() + profile).unwrap();
    let options = ["--profile", "dev", "--keep-up", "--env", "EXTRA=1", "api"];
    run(&site, &options).env("INHERITED", "yes").run();
    let of = |name: &str, all: &[u32]| {
        let is_its = |pid: &&u32| {
            variable(**pid, "ENSURE_UP_SERVICE").is_some_and(|mark| mark.contains(&format!("\"name\":\"{name}\"")))
        };
        *all.iter().rfind(is_its).unwrap()
    };
    let first = site.alive();
    let (first_api, first_db) = (of("api", &first), of("db", &first));
    let record = line(&restart(&site, &["api"]).run());
    assert_eq!((record.action.as_str(), record.name.as_str()), ("restarted", "api"));
    let second = site.alive();
    assert_eq!(first_db, of("db", &second));
    let api = of("api", &second);
    assert_ne!(first_api, api);
    let told = ["MODE", "EXTRA", "INHERITED", "PORT_DB"].map(|name| variable(api, name).unwrap_or_default());
    assert_eq!(told, ["dev".into(), "1".into(), "yes".into(), (site.port + 1).to_string()]);
    assert!(lines_of_ours(&site).contains("--supervise"), "it is kept up");
    // what the file says by now is what is started; what is given now is given as well
    write(&site, &[("api", "", "env = { MODE = \"base\" }"), ("db", "", "")]);
    let file = fs::read_to_string(site.path("ensure-up.toml")).unwrap();
    fs::write(site.path("ensure-up.toml"), file + &profile.replace("\"dev\" }", "\"new\" }")).unwrap();
    restart(&site, &["api", "--env", "MORE=2"]).run();
    let api = of("api", &site.alive());
    let told = ["MODE", "EXTRA", "MORE"].map(|name| variable(api, name).unwrap_or_default());
    assert_eq!(told, ["new", "1", "2"]);
    // as asked for all the same, by the call that started it
    let reused = run(&site, &["--profile", "dev", "--env", "EXTRA=1", "--env", "MORE=2", "--json", "api"]).run();
    assert_eq!(records(&reused.stdout).iter().map(|record| record["action"].clone()).collect::<Vec<_>>(), ["reused"]);
    // what it needs is not started either
    run(&site, &["--stop", "db"]).run();
    restart(&site, &["api"]).run();
    assert_eq!(site.alive(), [of("api", &site.alive())]);
}

#[cfg(target_os = "linux")]
#[test]
fn one_that_no_file_describes_is_what_it_was_also_from_elsewhere() {
    let site = Site::new();
    let (here, elsewhere) = (site.path("here"), site.path("elsewhere"));
    fs::create_dir_all(&here).unwrap();
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(here.join("some.env"), "FROM_FILE=file\n").unwrap();
    let options = [
        "--name",
        "web",
        "--env",
        "TOKEN=s3cret",
        "--env-file",
        "some.env",
        "--env",
        "CALLER",
        "--keep-up",
        "--log",
        "web.log",
        "--grace",
        "900ms",
    ];
    let port = site.port.to_string();
    let start =
        site.bare().args(["--json", "--port", &port]).args(options).arg("--").args(site.server(&["--body", "hello"]));
    let first = line(&start.cwd(&here).env("CALLER", "me").env("INHERITED", "yes").any_stderr().any_stdout().run());
    for state in ["it runs", "it was stopped", "its supervisor is gone with it"] {
        match state {
            "it runs" => {}
            "it was stopped" => drop(site.bare().args(["--stop", &port]).any_stderr().run()),
            _ => site.clear(),
        }
        let before = site.started().len();
        let again = line(&restart(&site, &[&port]).cwd(&elsewhere).env("INHERITED", "now").env("CALLER", "you").run());
        let pid = site.alive()[0];
        assert_eq!(
            (again.folder.as_deref(), again.log.as_deref()),
            (Some(&*here), Some(&*here.join("web.log"))),
            "{state}"
        );
        assert_eq!((site.started().len(), site.alive().len(), again.port), (before + 1, 1, first.port));
        let told = ["TOKEN", "FROM_FILE", "CALLER"].map(|name| variable(pid, name).unwrap_or_default());
        assert_eq!(told, ["s3cret", "file", "me"], "{state}");
        // what it inherited is known as long as it runs
        let inherited = variable(pid, "INHERITED");
        assert_eq!(inherited.as_deref(), Some(if state == "it runs" { "yes" } else { "now" }), "{state}");
        assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), here);
        assert!(site.get().ends_with("hello"));
        let lines = lines_of_ours(&site);
        assert!(lines.contains("--supervise") && !lines.contains("s3cret"), "{state}: {lines}");
        for entry in fs::read_dir(site.path("state")).unwrap().flatten() {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{entry:?}");
        }
    }
    assert_eq!(line(&restart(&site, &["web"]).cwd(&here).run()).action, "restarted");
}

#[test]
fn what_is_named_by_its_port_is_what_was_asked_for_and_one_server_is_one() {
    let site = site(&[("web", "", "depends_on = \"db\""), ("db", "", "")]);
    run(&site, &["web"]).run();
    let port = site.port.to_string();
    let again = |options: &[&str]| run(&site, &[&["--restart", &port], options].concat()).run().stdout;
    assert_eq!(again(&["--print", "port"]), format!("{port}\n"));
    let pids = again(&["--pids"]);
    assert_eq!(pids, format!("{}\n", site.alive()[1]), "web came up again, and db did not");
    let told = format!("{port} {port}\n");
    assert_eq!(again(&["--then", "echo $PORT $PORT_WEB"]), told);
    for state in ["it was stopped by --then", "it runs"] {
        let before = site.started().len();
        let once = records(&restart(&site, &["web", &port]).run().stdout);
        assert_eq!((once.len(), site.started().len()), (1, before + 1), "{state}");
    }
}

#[test]
fn a_port_is_that_of_this_folders_service_before_that_of_a_server_that_ended_elsewhere() {
    let site = site(&[("api", "--print shop --body shop", "")]);
    let (blog, shop, port) = (site.path("blog"), site.path("shop"), site.port.to_string());
    fs::create_dir(&blog).and_then(|()| fs::create_dir(&shop)).unwrap();
    fs::rename(site.path("ensure-up.toml"), shop.join("ensure-up.toml")).unwrap();
    let bare = site.bare().args(["--port", &port, "--"]).args(site.server(&["--print", "blog"]));
    bare.cwd(&blog).any_stderr().run();
    run(&site, &["--stop", &port]).run();
    let here = |arguments: &[&str]| run(&site, arguments).cwd(&shop);
    for (state, status) in [("it was never started", 1), ("it was stopped", 0)] {
        let listed = records(&here(&["--status", "--json", &port]).status(1).run().stdout);
        assert_eq!(listed.iter().map(|one| one["name"].clone()).collect::<Vec<_>>(), ["api"], "{state}");
        let log = here(&["--logs", &port]).status(status).run().stdout;
        assert_eq!((log.contains("shop"), log.contains("blog")), (status == 0, false), "{state}");
        assert_eq!(line(&restart(&site, &[&port]).cwd(&shop).run()).name, "api", "{state}");
        assert!(site.get().ends_with("shop"), "{state}");
        here(&["--stop", &port]).run();
    }
    // from where no service has the port, the one that ended is meant
    let listed = records(&run(&site, &["--status", "--json", &port]).cwd(&blog).status(1).run().stdout);
    assert_eq!(listed[0]["folder"], blog.to_str().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn servers_of_two_folders_are_told_the_ports_of_their_own() {
    let site = site(&[("db", "", ""), ("api", "", "depends_on = \"db\"")]);
    let (shop, blog) = (site.path("shop"), site.path("blog"));
    fs::create_dir(&blog).and_then(|()| fs::create_dir(&shop)).unwrap();
    fs::rename(site.path("ensure-up.toml"), shop.join("ensure-up.toml")).unwrap();
    let unused = [("a", "", ""), ("b", "", "")];
    write(&site, &[&unused[..], &[("db", "", ""), ("api", "", "depends_on = \"db\"")]].concat());
    fs::rename(site.path("ensure-up.toml"), blog.join("ensure-up.toml")).unwrap();
    run(&site, &["api"]).cwd(&shop).run();
    run(&site, &["api"]).cwd(&blog).run();
    let port = |place: u16| (site.port + place).to_string();
    for (ports, told) in [([1, 3], [0, 2]), ([1, 2], [0, 2]), ([0, 3], [0, 2])] {
        restart(&site, &ports.map(port).each_ref().map(String::as_str)).run();
        let alive = site.alive();
        let of = |place: u16| {
            let is_its = |pid: &&u32| variable(**pid, "PORT") == Some(port(place));
            variable(*alive.iter().find(is_its).unwrap(), "PORT_DB")
        };
        assert_eq!([of(1), of(3)], told.map(|place| Some(port(place))), "{ports:?}");
        assert_eq!(alive.len(), 4);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn one_whose_record_is_lost_is_what_its_process_shows() {
    let site = Site::new();
    site.run(&["--name", "web", "--env", "TOKEN=s3cret"], &site.server(&["--body", "hello"]))
        .env("INHERITED", "yes")
        .run();
    fs::remove_dir_all(site.path("state")).unwrap();
    let output = restart(&site, &["web"]).run();
    assert_eq!(line(&output).action, "restarted");
    assert_eq!(
        output.stderr.lines().next(),
        Some("note: web: its record is lost: it is started as its process shows it")
    );
    let pid = site.alive()[0];
    let told = ["TOKEN", "INHERITED"].map(|name| variable(pid, name).unwrap_or_default());
    assert_eq!((told, site.started().len()), (["s3cret".to_owned(), "yes".to_owned()], 2));
    assert!(site.get().ends_with("hello"));
}

#[test]
fn what_is_not_known_is_status_one_and_what_is_another_programs_four() {
    let site = Site::new();
    let port = site.port.to_string();
    let unknown = restart(&site, &["nobody"]).status(1).run();
    assert_eq!(unknown.stderr, "ensure-up: no server is named \"nobody\" in this folder\n");
    let free = restart(&site, &[&port]).status(1).run();
    assert_eq!(free.stderr, format!("ensure-up: no server is on port {port}\n"));
    let stranger = Fixture::start(["serve", &format!("127.0.0.1:{port}")]);
    let held = restart(&site, &["--port", &port]).status(4).run();
    assert!(held.stderr.starts_with(&format!("ensure-up: port {port} is held by another program\n")), "{held:?}");
    assert!(crate::support::runs(stranger.pid()));
    drop(stranger);
    // one that is known is started again all the same
    site.run(&["--name", "web"], &site.server(&[])).run();
    let output = restart(&site, &["nobody", "web"]).status(1).run();
    assert_eq!(line(&output).action, "restarted");
    // and one of which it is not kept how it was started is not
    site.bare().args(["--stop", "web"]).any_stderr().run();
    let path = site.file_of(&site.folder(), Some("web"), "json");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert!(record.as_object_mut().unwrap().remove("asked").is_some());
    fs::write(&path, record.to_string()).unwrap();
    let said = restart(&site, &["web"]).status(1).run();
    let title = format!("web (folder {})", site.folder().display());
    let forgotten = format!("ensure-up: how {title} was started is not known any more\n");
    assert_eq!((said.stdout.as_str(), said.stderr), ("", forgotten));
    assert!(site.alive().is_empty());
}
