//! `--init`: a services file from what runs here, which the next call takes as it is.

use std::fs;

use crate::{
    by_name, run,
    site::{Site, by_hand, fixture, line, start_by_hand},
    support::eventually,
};

#[test]
fn the_file_says_what_runs_and_all_of_it_is_reused() {
    let site = Site::with_ports(3);
    let server = site.server(&[]);
    let start = |options: &[&str]| {
        let mut words: Vec<&str> = options.to_vec();
        words.extend(["--json", "--"]);
        words.extend(server.iter().map(String::as_str));
        line(&run(&site, &words).run())
    };
    let port = |offset: u16| (site.port + offset).to_string();
    let named = start(&["--name", "web", "--port", &port(0), "--health", "/", "--env", "TOKEN=hidden-value"]);
    let bare = start(&["--port", &port(1)]);
    let words =
        ["--name", "worker", "--ready-log", "at work", "--", "/bin/sh", "-c", "echo at work; exec sleep ${N:-100}"];
    run(&site, &words).run();
    let by_hand: Vec<String> = server.iter().map(|word| word.replace("{port}", &port(2))).collect();
    let mut by_hand = start_by_hand(&site, &by_hand, &site.folder());
    eventually("its listener", || std::net::TcpStream::connect(("127.0.0.1", site.port + 2)).is_ok());

    let output = run(&site, &["--init"]).run();
    let file = fs::read_to_string(site.path("ensure-up.toml")).expect("a file");
    assert_eq!(output.stdout, file);
    assert!(!file.contains("hidden-value") && file.contains("env = { TOKEN = \"${TOKEN}\" }"), "{file}");
    assert!(file.contains("health = \"/\"") && file.contains("127.0.0.1:{port}"), "{file}");
    assert!(output.stderr.contains("note: web runs with TOKEN set, which is not copied"), "{}", output.stderr);
    let other = by_name(&run(&site, &["--all", "--json"]).status(4).run());
    assert_eq!(
        other["web"]["differs"][0], "environment",
        "it was started with TOKEN set, and the file does not say so"
    );
    let said = file.replace("# set when it was started, and not copied: env", "env");
    fs::write(site.path("ensure-up.toml"), &said).expect("the file is ours");
    let run = |words: &[&str]| run(&site, words).env("TOKEN", "hidden-value");
    let ended = by_name(&run(&["--all", "--json"]).run());
    assert!(ended.len() == 4 && ended.values().all(|record| record["action"] == "reused"), "{said}{ended:?}");
    let pids = |name: &str| ended[name]["pid"].as_u64().expect("a PID");
    assert_eq!(pids("web"), u64::from(named.pid.expect("a PID")));
    assert_eq!(pids("fixture"), u64::from(bare.pid.expect("a PID")));
    assert_eq!(pids("fixture-2"), u64::from(by_hand.id()));
    let status = by_name(&run(&["--status", "--json"]).run());
    assert!(status.len() == 4 && status.values().all(|one| one["healthy"] == true), "{status:?}");

    run(&["--init"]).status(2).stdout("").run();
    assert_eq!(fs::read_to_string(site.path("ensure-up.toml")).expect("it is left alone"), said);
    run(&["--stop"]).run();
    by_hand.wait().expect("it was stopped");
    assert!(site.processes().is_empty());
}

/// A site where a server in Python can be started.
#[cfg(target_os = "linux")]
fn with_python() -> Option<Site> {
    crate::support::installed("python3").map(|_| Site::new())
}

/// Listens, and writes a title over its arguments as redis does.
#[cfg(target_os = "linux")]
const TITLED: &str = "import ctypes, socket, sys, time
port = sys.argv[1]
server = socket.socket()
server.bind(('127.0.0.1', int(port)))
server.listen()
stat = open('/proc/self/stat').read().rsplit(')', 1)[1].split()
first, behind = int(stat[45]), int(stat[46])
title = ('redis-server *:' + port).encode()
ctypes.memset(first, 0, behind - first)
ctypes.memmove(first, title, len(title))
open('titled', 'w').close()
time.sleep(60)
";

#[test]
#[cfg(target_os = "linux")]
fn what_shows_a_title_for_its_command_is_named_and_left_to_be_filled_in() {
    let Some(site) = with_python() else { return };
    let command = ["python3", "-c", TITLED, &site.port.to_string()].map(str::to_owned);
    let mut server = start_by_hand(&site, &command, &site.folder());
    eventually("its title", || site.path("titled").exists());
    let title = format!("redis-server *:{}", site.port);
    // as Debian has it: a link on the PATH to another name
    let executable = fs::read_link(format!("/proc/{}/exe", server.id())).expect("it is ours");
    std::os::unix::fs::symlink(executable, site.path("redis-server")).expect("the folder is ours");
    let output = run(&site, &["--init"]).env("PATH", site.folder()).run();
    let note = format!("note: {title} (pid {}) listens on port {} and does not show", server.id(), site.port);
    assert!(output.stderr.contains(&note), "{}", output.stderr);
    let file = fs::read_to_string(site.path("ensure-up.toml")).expect("a file");
    assert!(file.contains(&title) && file.contains(&format!("# port = {}\n", site.port)), "{file}");
    assert!(
        file.contains("\n# command = [\"redis-server\"]\n"),
        "the target of the link is nobody's word for it: {file}"
    );
    assert!(file.lines().all(|line| line.starts_with("# ")), "nothing of it is a service yet: {file}");
    server.kill().and_then(|()| server.wait()).expect("it runs");
}

#[test]
#[cfg(target_os = "linux")]
fn a_script_is_written_as_it_was_typed_and_named_by_itself() {
    let Some(site) = with_python() else { return };
    let script = "#!/usr/bin/env python3\nimport socket, sys, time\nserver = socket.create_server(('127.0.0.1', int(sys.argv[1])))\ntime.sleep(60)\n";
    fs::create_dir(site.path("bin")).and_then(|()| fs::write(site.path("script"), script)).expect("the folder is ours");
    // by a process of its own: a child that another test forks meanwhile must not have it open for writing
    let installed =
        std::process::Command::new("install").args(["script", "bin/api"]).current_dir(site.folder()).status();
    assert!(installed.is_ok_and(|status| status.success()));
    let command = ["bin/api".to_owned(), site.port.to_string()];
    let mut server = by_hand(&site, &command, &site.folder());
    let file = run(&site, &["--init"]).run().stdout;
    assert_eq!(file, format!("[api]\ncommand = [\"bin/api\", \"{{port}}\"]\nport = {}\n", site.port));
    let action = || by_name(&run(&site, &["--all", "--json"]).run())["api"]["action"].clone();
    assert_eq!(action(), "reused");
    run(&site, &["--stop"]).run();
    server.wait().expect("it was stopped");
    assert_eq!(action(), "started");
    run(&site, &["--stop"]).run();
}

#[test]
fn how_servers_are_kept_up_is_told_once_for_all() {
    let site = Site::with_ports(2);
    for (name, port) in [("db", site.port), ("api", site.port + 1)] {
        let server: Vec<String> =
            site.server(&[]).iter().map(|word| word.replace("{port}", &port.to_string())).collect();
        let port = port.to_string();
        let options = ["--keep-up", "--name", name, "--port", &port, "--"];
        run(&site, &options.into_iter().chain(server.iter().map(String::as_str)).collect::<Vec<_>>()).run();
    }
    let said = run(&site, &["--init"]).run().stderr;
    let told =
        "note: how db and api are kept up is not recorded: ensure-up --restart db api takes what the file says\n";
    assert!(said.contains(told), "{said}");
    run(&site, &["--stop"]).run();
}

#[test]
fn what_does_not_run_is_not_depended_on_and_no_table_has_a_name_that_means_something_else() {
    let site = Site::with_ports(3);
    let (program, port) = (fixture(), site.port);
    let serve =
        |offset: u16| format!("command = [{program:?}, \"serve\", \"127.0.0.1:{{port}}\"]\nport = {}\n", port + offset);
    let text = format!(
        "[migrate]\ncommand = \"true\"\nonce = true\n[db]\n{}[api]\n{}depends_on = [\"migrate\", \"db\"]\n",
        serve(0),
        serve(1)
    );
    fs::write(site.path("other.toml"), text).expect("the folder is ours");
    run(&site, &["--file", "other.toml", "api"]).run();
    let other = (port + 2).to_string();
    run(&site, &["--name", "profile", "--port", &other, "--", &program, "serve", &format!("127.0.0.1:{other}")]).run();
    let output = run(&site, &["--init"]).run();
    let note = "note: api depended on migrate, which does not run: it is left out\n";
    assert_eq!(output.stderr.matches("which does not run").count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains(note), "{}", output.stderr);
    let file = output.stdout;
    assert!(file.contains("depends_on = [\"db\"]\n") && file.contains("[server-profile]\n"), "{file}");
    let again = by_name(&run(&site, &["--all", "--json"]).run());
    assert!(again.len() == 3 && again.values().all(|record| record["action"] == "reused"), "{again:?}");
    // what stands before the one that is stopped is no dependency any more
    run(&site, &["--stop", "db"]).run();
    fs::remove_file(site.path("ensure-up.toml")).expect("the folder is ours");
    let output = run(&site, &["--init"]).run();
    assert!(output.stderr.contains("note: api depended on db, which does not run"), "{}", output.stderr);
    assert!(!output.stdout.contains("depends_on"), "{}", output.stdout);
}

#[test]
fn the_file_may_have_another_name() {
    let site = Site::new();
    line(&site.run(&["--json", "--name", "web"], &site.server(&[])).run());
    run(&site, &["--init", "--file", "servers.toml"]).run();
    let file = fs::read_to_string(site.path("servers.toml")).expect("a file");
    assert!(file.contains("[web]\n") && !site.path("ensure-up.toml").exists(), "{file}");
    let refused = run(&site, &["--init", "--file", "servers.toml"]).status(2).run();
    assert!(refused.stderr.contains("servers.toml"), "{}", refused.stderr);
    let again = by_name(&run(&site, &["--file", "servers.toml", "--all", "--json"]).run());
    assert_eq!(again["web"]["action"], "reused");
}

#[test]
fn where_nothing_runs_nothing_is_written() {
    let site = Site::new();
    run(&site, &["--init"]).status(1).stdout("").run();
    run(&site, &["--init", "web"]).status(2).run();
    assert!(!site.path("ensure-up.toml").exists());
}
