//! What the server is given: its port, its environment, its folder, its name, its standard streams.

use std::fs;

use crate::site::{Site, shell};

/// A server that says the result of a shell expression.
fn saying(site: &Site, expression: &str) -> Vec<String> {
    let script = format!("exec \"$0\" serve --count count --body \"{expression}\" 127.0.0.1:$PORT");
    shell(&script, &site.server(&[])[..1])
}

#[test]
fn the_port_is_in_its_environment_and_in_its_command() {
    let site = Site::new();
    let mut command = saying(&site, "$PORT $1 $2");
    command.extend(["--at={port}".into(), "{port}{port}".into()]);
    site.run(&[], &command).env("PORT", "1").run();
    let port = site.port;
    assert!(site.get().ends_with(&format!("{port} --at={port} {port}{port}")), "{}", site.get());
}

#[test]
fn the_port_stands_in_health_and_log_as_well() {
    let site = Site::new();
    let line = site.line(&["--health", "http://localhost:{port}/x", "--log", "log-{port}"], &site.server(&[]));
    let port = site.port;
    assert_eq!(line.url, Some(format!("http://localhost:{port}")));
    assert_eq!(line.log, Some(site.path(&format!("log-{port}"))));
    assert!(fs::read_to_string(site.path(&format!("log-{port}"))).unwrap().starts_with("ready 127.0.0.1"));
}

#[test]
fn variables_are_set_inherited_and_read_from_files() {
    let site = Site::new();
    fs::write(site.path("one.env"), "# a comment\nA=file\nexport B='b c'\nC=\"quoted\"\n\nD=file\n").unwrap();
    fs::write(site.path("two.env"), "A=second\n").unwrap();
    let command = saying(&site, "$A|$B|$C|$D|$E|$F|$G");
    let options = [
        "--env-file",
        "one.env",
        "--env-file",
        "two.env",
        "--env",
        "D=flag",
        "--env",
        "E",
        "--env",
        "F=a=b",
        "--env",
        "G=",
    ];
    site.run(&options, &command).env("E", "inherited").env("G", "caller").run();
    assert!(site.get().ends_with("second|b c|quoted|flag|inherited|a=b|"), "{}", site.get());
}

#[test]
fn the_path_of_the_server_decides_which_program_it_is() {
    let site = Site::new();
    fs::create_dir(site.path("bin")).unwrap();
    let program = site.path("bin").join("my-server");
    std::os::unix::fs::symlink(crate::site::fixture(), &program).unwrap();
    let path = format!("PATH={}:/usr/bin:/bin", site.word("bin"));
    let line = site.line(&["--env", &path], &["my-server", "serve", "127.0.0.1:{port}"]);
    assert_eq!((line.action.as_str(), line.name.as_str()), ("started", "my-server"));
}

#[test]
fn it_runs_in_the_callers_folder_or_in_the_one_that_is_named() {
    let site = Site::new();
    fs::create_dir(site.path("a folder")).unwrap();
    let command = saying(&site, "$(pwd)");
    site.run(&[], &command).run();
    assert!(site.get().ends_with(&site.word("")[..site.word("").len() - 1]), "{}", site.get());
    site.run(&["--replace", "--cwd", "a folder"], &command).run();
    assert!(site.get().ends_with("/a folder"), "{}", site.get());
}

#[cfg(target_os = "linux")]
#[test]
fn folders_and_arguments_need_not_be_text() {
    let site = Site::new();
    let name = crate::support::raw(b"caf\xe9 \xff");
    let folder = site.folder().join(&name);
    fs::create_dir(&folder).unwrap();
    let command = shell("\"$0\" serve --count count 127.0.0.1:$PORT; true", &site.server(&[])[..1]);
    let run = || {
        let tool = site.bare().args(["--json", "--port", &site.port.to_string(), "--log", "log", "--"]).args(&command);
        crate::site::line(&tool.arg(&name).cwd(&folder).any_stdout().any_stderr().run())
    };
    assert_eq!(run().action, "started");
    // in silence: neither the folder nor the command is another one
    assert_eq!(run().action, "reused");
    assert!(fs::read_to_string(folder.join("log")).unwrap().starts_with("ready"));
    fs::remove_file(site.file_of(&folder, None, "json")).unwrap();
    assert_eq!(run().action, "reused");
}

#[test]
fn a_name_is_kept() {
    let site = Site::new();
    let server = site.server(&[]);
    assert_eq!(site.line(&["--name", "api"], &server).name, "api");
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(site.file_of(&site.folder(), Some("api"), "json")).unwrap()).unwrap();
    assert_eq!(record["name"], "api");
    let output = site.run(&["--name", "api"], &server).run();
    assert!(output.stderr.starts_with(&format!("reused api on port {} ", site.port)), "{}", output.stderr);
}

#[test]
fn its_input_is_empty_and_no_signal_is_ignored_or_blocked() {
    let site = Site::new();
    let command = saying(&site, "[$(cat)]");
    // the inner shell outlives a SIGPIPE only where that is ignored
    let script = "sh -c 'kill -PIPE $$; echo survived' > pipe; exec \"$0\" \"$@\"";
    let command = [&shell(script, &[])[..], &command[..]].concat();
    site.run(&[], &command).stdin("something").run();
    assert!(site.get().ends_with("[]"), "{}", site.get());
    assert_eq!(fs::read_to_string(site.path("pipe")).unwrap(), "", "SIGPIPE has its default action");
}

#[test]
fn notify_socket_of_the_caller_is_not_the_servers() {
    let site = Site::new();
    let command = saying(&site, "[${NOTIFY_SOCKET-none}]");
    site.run(&[], &command).env("NOTIFY_SOCKET", "/run/somebody").run();
    assert!(site.get().ends_with("[none]"), "{}", site.get());
}

#[test]
fn its_umask_is_the_callers() {
    let site = Site::new();
    let mut tool = site.run(&[], &saying(&site, "$(umask)"));
    let command = tool.command();
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "umask 027; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    let output = shell.env("ENSURE_UP_DIR", site.path("state")).current_dir(site.folder()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(site.get().trim_end().ends_with("027"), "{}", site.get());
}
