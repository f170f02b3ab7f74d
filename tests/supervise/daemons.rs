//! Real programs that go into the background by themselves: found behind their launchers, started again when they are killed,
//! and gone after a stop.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::{PermissionsExt, chown},
    process::Command,
};

use nix::{sys::signal::Signal, unistd::geteuid};

use crate::{
    site::{Site, send},
    support::{NOBODY, eventually, skipped},
};

/// Finds a program, which may bear its version behind its name.
fn found(program: &str) -> Option<String> {
    let folders = std::env::var("PATH").unwrap_or_default();
    let files =
        folders.split(':').chain(["/usr/sbin"]).filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let is_it = |name: &str| {
        name.strip_prefix(program).is_some_and(|rest| rest.chars().all(|one| one == '.' || one.is_ascii_digit()))
    };
    let mut found: Vec<_> = files
        .map(|file| file.path())
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_it))
        .collect();
    found.sort();
    if found.is_empty() {
        skipped(&format!("{program} is not installed"));
    }
    found.pop().map(|path| path.to_string_lossy().into_owned())
}

fn comes_back_and_goes(site: &Site, command: &[String]) {
    site.kept(&[], command);
    let holders = || site.recorded("holders").as_array().cloned().unwrap_or_default();
    // a launcher that waits until its daemon serves is the server until it has ended
    eventually("the daemon's own PID", || holders().iter().any(|holder| holder["pid"] == site.recorded("pid")));
    let main = site.recorded("pid").as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a PID");
    send(main, Signal::SIGKILL);
    eventually("a restart", || site.recorded("restarts") == 1 && site.recorded("phase") == "ready");
    let entry = site.entry();
    assert!(entry.healthy && entry.pid.is_some_and(|pid| pid != main), "{entry:?}, its log:\n{}", site.logged());
    assert_eq!(site.kept(&[], command).action, "reused");
    site.bare().args(["--stop", &site.port.to_string()]).any_stderr().run();
    assert!(TcpStream::connect(("127.0.0.1", site.port)).is_err());
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn redis() {
    let Some(redis) = found("redis-server") else { return };
    let (site, port) = (Site::new(), "{port}");
    comes_back_and_goes(
        &site,
        &words(&[&redis, "--port", port, "--bind", "127.0.0.1", "--save", "", "--daemonize", "yes"]),
    );
}

#[test]
fn lighttpd() {
    let Some(lighttpd) = found("lighttpd") else { return };
    let site = Site::new();
    let text =
        format!("server.document-root={:?}\nserver.port={}\nserver.bind=\"127.0.0.1\"\n", site.path(""), site.port);
    site.write("lighttpd.conf", &text);
    comes_back_and_goes(&site, &words(&[&lighttpd, "-f", "lighttpd.conf"]));
}

#[test]
fn php_fpm() {
    let Some(php_fpm) = found("php-fpm") else { return };
    let site = Site::new();
    let log = site.path("fpm.log");
    let pool = format!("user = nobody\nlisten = 127.0.0.1:{}\npm = static\npm.max_children = 2", site.port);
    site.write("fpm.conf", &format!("[global]\nerror_log = {log:?}\n[www]\n{pool}\n"));
    comes_back_and_goes(&site, &words(&[&php_fpm, "-D", "-y", "fpm.conf"]));
}

#[test]
fn postgres() {
    let (Some(initdb), Some(pg_ctl)) = (found("initdb"), found("pg_ctl")) else { return };
    let site = Site::new();
    // it refuses to be root
    let user = if geteuid().is_root() {
        format!("setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups")
    } else {
        String::new()
    };
    let user: Vec<&str> = user.split_ascii_whitespace().collect();
    let data = site.path("data");
    fs::create_dir(&data).expect("the folder is ours");
    if geteuid().is_root() {
        chown(&data, Some(NOBODY), Some(NOBODY)).expect("root may");
        fs::set_permissions(site.path(""), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
    }
    let initdb = [&user[..], &[&initdb, "-A", "trust", "--no-sync", "-D"]].concat();
    let made = Command::new(initdb[0]).args(&initdb[1..]).arg(&data).output().expect("initdb runs");
    assert!(made.status.success(), "{made:?}");
    let options = "-F -p {port} -k '' -h 127.0.0.1";
    let log = site.word("data/log");
    comes_back_and_goes(
        &site,
        &words(&[&user[..], &[&pg_ctl, "-D", &site.word("data"), "-o", options, "-l", &log, "-w", "start"]].concat()),
    );
}
