//! How the answer looks: for people, for scripts, for other programs.

use std::{
    ffi::OsStr,
    fs::File,
    io::Read,
    os::unix::{ffi::OsStrExt, process::CommandExt},
    process::{Command, Stdio},
};

use crate::{
    BINARY, port_who, records,
    support::{Fixture, Terminal, eventually, fixture_path},
};

#[test]
fn a_record_says_everything_about_a_server() {
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let records = records(&[&server.port().to_string()]);
    let [record] = records.as_slice() else { panic!("one row: {records:?}") };
    let stat = proc_tree::process::stat(server.pid()).expect("it can be looked at").expect("it runs");
    let fixture = fixture_path().to_string_lossy().into_owned();
    assert_eq!((record.port, record.protocol.as_str(), record.state.as_str()), (server.port(), "tcp", "listen"));
    assert_eq!((record.address.as_str(), &record.peer), ("127.0.0.1", &None));
    assert_eq!((record.pid, record.start_id), (Some(server.pid()), Some(stat.start_id)));
    assert_eq!((record.ppid, record.name.as_deref()), (Some(std::process::id()), Some("fixture")));
    assert_eq!(record.command, Some(vec![fixture.clone(), "serve".into(), "127.0.0.1:0".into()]));
    assert_eq!(record.executable, Some(std::fs::canonicalize(&fixture).expect("it exists").to_string_lossy().into()));
    assert_eq!(record.cwd, std::env::current_dir().ok().map(|folder| folder.to_string_lossy().into_owned()));
    assert_eq!(record.uid, Some(nix::unistd::geteuid().as_raw()));
    assert_eq!(record.orphan, Some(false));
    assert!(record.uptime_seconds.is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{record:?}");
    let started = record.started_at.as_deref().expect("a start");
    assert!(started.len() == "2026-11-21T12:00:00.000Z".len() && started.ends_with('Z'), "{started}");
    assert!(record.netns.is_some() && record.inode.is_some());
}

#[test]
fn kill_takes_what_a_pipe_is_given() {
    let server = Fixture::start(["serve", "--forks", "1", "127.0.0.1:0"]);
    let script = format!("kill $({BINARY} {})", server.port());
    assert!(Command::new("sh").args(["-c", &script]).status().expect("sh runs").success());
    eventually("a free port", || port_who().arg(server.port().to_string()).finish().status.code() == Some(1));
}

#[test]
fn without_a_port_or_a_process_a_pipe_gets_the_table_and_never_every_pid() {
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let run = |script: &str| {
        let output = Command::new("sh").args(["-c", script]).env_remove("PORT").output().expect("sh runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let pid = server.pid();
    for arguments in ["", "--name fixture", "--tcp", "$PORT"] {
        let table = run(&format!("{BINARY} {arguments}"));
        assert!(table.starts_with(" PORT  ") || table.starts_with("PORT  "), "{arguments}: {table}");
        assert!(table.lines().any(|line| line.contains(&format!(" {pid} "))), "{arguments}: {table}");
    }
    assert!(run(&format!("{BINARY} --pids --name fixture")).lines().any(|line| line == pid.to_string()));
    assert_eq!(run(&format!("PORT={}; {BINARY} $PORT", server.port())), format!("{pid}\n"));
    assert_eq!(run(&format!("{BINARY} | head -c 5")).trim(), "PORT");
}

#[test]
fn numbers_stand_to_the_right_and_a_command_is_short_and_not_padded() {
    let mut command = Command::new(fixture_path());
    command.arg0("/usr/bin/python3.12").args(["hold", "nameless", "127.0.0.1:0", "", "", ""]);
    let server = Fixture::spawn(command);
    let (port, pid) = (server.port(), server.pid());
    let table = port_who().args(["--table", &port.to_string()]).any_stdout().run().stdout;
    let command = "python3.12 hold nameless 127.0.0.1:0";
    let row = table.lines().nth(1).expect("a row");
    assert!(row.ends_with(&format!("s  {command}")), "{table:?}");
    let titles = table.lines().next().expect("titles");
    let ends = |title: &str| titles.find(title).map(|at| at + title.len());
    for (title, number) in [("PORT", port.to_string()), (" PID", pid.to_string())] {
        let end = ends(title).expect("it has that column");
        assert!(row[..end].ends_with(&number), "{title}: {table}");
    }
    // what is padding to a person is none to a pattern that ends at the end
    port_who().args(["--match", "127.0.0.1:0$", &port.to_string()]).stdout(crate::lines(&[pid])).run();
}

#[test]
fn a_narrow_terminal_loses_columns_and_keeps_the_command() {
    let server = Fixture::start(["serve", "--body", "x", "127.0.0.1:0"]);
    for (columns, lost, kept) in [(200, "", "UP"), (80, "", "UP"), (60, "UP", "PID"), (50, "USER", "PID")] {
        let mut command = Command::new(BINARY);
        command.arg(server.port().to_string()).env("NO_COLOR", "1");
        let (_, screen) = Terminal::start(&mut command, columns, 24).end();
        let titles = screen.lines().next().unwrap_or_default().trim_end();
        assert!(titles.split_whitespace().all(|title| title != lost), "{columns}: {screen}");
        assert!(titles.contains(kept) && titles.ends_with("COMMAND"), "{columns}: {screen}");
        assert!(screen.lines().all(|line| line.trim_end().chars().count() <= columns.into()), "{columns}: {screen}");
    }
}

#[test]
fn a_terminal_shows_a_table_cut_at_its_width_with_bold_titles_and_one_colour_for_pids() {
    let server = Fixture::start(["serve", "--body", &"x".repeat(300), "127.0.0.1:0"]);
    let terminal = Terminal::start(Command::new(BINARY).arg(server.port().to_string()), 70, 24);
    let (status, screen) = terminal.end();
    assert!(status.success());
    let lines: Vec<&str> = screen.lines().collect();
    assert!(lines[0].contains("\u{1b}[1mPORT\u{1b}[0m"), "{screen}");
    assert!(lines[1].contains(&format!("\u{1b}[36m{}\u{1b}[0m", server.pid())), "{screen}");
    assert!(lines[1].trim_end().ends_with('…'), "{screen}");
    let mut plain = Command::new(BINARY);
    plain.arg(server.port().to_string()).env("NO_COLOR", "1");
    let (_, screen) = Terminal::start(&mut plain, 70, 24).end();
    assert!(!screen.contains('\u{1b}'), "{screen}");
    assert!(screen.lines().all(|line| line.trim_end().chars().count() <= 70), "{screen}");
    let mut plain = Command::new(BINARY);
    plain.arg(server.port().to_string()).env_remove("NO_COLOR").env("CLICOLOR", "0");
    let (_, screen) = Terminal::start(&mut plain, 70, 24).end();
    assert!(!screen.contains('\u{1b}'), "{screen}");
    // where there is no terminal colours are for those who ask for them
    let table = || port_who().args(["--table", &server.port().to_string()]).any_stdout();
    for (name, value, is_colored) in [
        ("CLICOLOR_FORCE", "1", true),
        ("FORCE_COLOR", "1", true),
        ("FORCE_COLOR", "0", false),
        ("CLICOLOR", "1", false),
    ] {
        let text = table().env(name, value).run().stdout;
        assert_eq!(text.contains("\u{1b}[36m"), is_colored, "{name}={value}: {text}");
        let text = table().env(name, value).env("NO_COLOR", "1").run().stdout;
        assert!(!text.contains('\u{1b}'), "{name}={value}: {text}");
    }
}

#[test]
fn a_child_is_drawn_under_its_parent() {
    let server = Fixture::start(["serve", "--forks", "2", "127.0.0.1:0"]);
    let output = port_who().args(["--table", &server.port().to_string()]).any_stdout().run();
    let rows: Vec<&str> = output.stdout.lines().skip(1).collect();
    assert_eq!(rows.len(), 3, "{}", output.stdout);
    assert!(rows[0].contains(&server.pid().to_string()) && !rows[0].contains('└'), "{}", output.stdout);
    assert!(rows[1].contains("  └ /") && rows[2].contains("  └ /"), "{}", output.stdout);
}

#[test]
fn hostile_names_and_arguments_cannot_move_the_cursor_and_keep_json_valid() {
    let mut command = Command::new(fixture_path());
    command.args(["hold", "nameless", "127.0.0.1:0"]).arg("new\nline").arg(OsStr::from_bytes(b"\x1b]0;title\x07\xfe"));
    command.arg("\u{202e}evil").arg("");
    let server = Fixture::spawn(command);
    let port = server.port().to_string();

    let table = port_who().args(["--table", &port]).any_stdout().run().stdout;
    assert_eq!(table.lines().count(), 2, "{table:?}");
    assert!(!table.chars().any(|one| one != '\n' && (one.is_control() || one == '\u{202e}')), "{table:?}");
    assert!(table.contains(r"new\nline \u{1b}]0;title\u{7}"), "{table}");
    let why = port_who().args(["--table", "--why", &port]).any_stdout().run().stdout;
    assert!(!why.chars().any(|one| one != '\n' && one.is_control()), "{why:?}");

    let records = records(&[&port]);
    assert_eq!(records[0].name.as_deref(), Some("a\n\u{1b}[31m\u{fffd}z"));
    let command = records[0].command.as_deref().expect("a command");
    assert_eq!(&command[command.len() - 4..], ["new\nline", "\u{1b}]0;title\u{7}\u{fffd}", "\u{202e}evil", ""]);
    port_who().args(["--name", "a\n\u{1b}[31m\u{fffd}z", &port]).stdout(crate::lines(&[server.pid()])).run();
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let server = Fixture::start(["hold", "range", "100"]);
    let range = format!("{}-{}", server.port(), server.port() + 99);
    for format in ["--json", "--table", "--pids"] {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let mut command = Command::new(BINARY);
        let mut child =
            command.args([format, &range]).stdout(writer).stderr(Stdio::piped()).spawn().expect("the tool starts");
        drop(command);
        let mut said = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("it is text");
        assert_eq!((child.wait().expect("it ends").code(), said.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    for arguments in [&["--json"][..], &["--table"], &["--pids"], &["--free=9"], &["--help"], &["--generate", "man"]] {
        let full = File::options().write(true).open("/dev/full").expect("there is a /dev/full");
        let mut command = Command::new(BINARY);
        command.args(arguments).arg("1024-65535").stdout(full);
        let output = command.output().expect("the tool starts");
        assert_eq!(output.status.code(), Some(125), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with("port-who: cannot write to standard output: no space left on device\n"), "{said}");
    }
    drop(server);
}
