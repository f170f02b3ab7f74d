//! Servers behind programs that run another one: those end with it, and none is left halted.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use super::{is_free, port_kill, quiet_address};
use crate::support::{Fixture, eventually, fixture_path, installed, is_root_or_skipped, skipped};

const AT_ONCE: Duration = Duration::from_secs(8);

/// Runs a server behind a wrapper, stops it, and expects the wrapper to end with it.
fn stops(words: &[&str], form: &str, folder: &Path) {
    let Some(program) = installed(words[0]) else { return };
    let line = format!("{} {form} {}", folder.join("fixture").display(), quiet_address());
    let mut command = Command::new(program);
    for word in &words[1..] {
        match *word {
            "LINE" => drop(command.arg(&line)),
            "WORDS" => drop(command.args(line.split(' '))),
            word => drop(command.arg(word)),
        }
    }
    command.current_dir(folder).env("HOME", folder).env("LINE", &line).env("npm_config_update_notifier", "false");
    let mut server = Fixture::spawn(command);
    // at half the grace SIGTERM is sent again: that none needs it shows on a busy machine, too
    let arguments = ["--tree", "--grace", "20s", &server.port().to_string()];
    let output = port_kill().args(arguments).any_stdout().any_stderr().run();
    assert!(output.took < AT_ONCE, "{words:?}: {:?}", output.took);
    assert!(is_free(server.port()), "{words:?}");
    let stopped = Instant::now();
    eventually(&format!("the end of {words:?}"), || {
        server.child().try_wait().expect("a child can be waited for").is_some()
    });
    assert!(stopped.elapsed() < AT_ONCE, "{words:?}: {:?}", stopped.elapsed());
}

/// A folder that every user can reach, with the fixture in it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
    // not by this process: what it has open for writing, its other threads' children would have open too (ETXTBSY)
    let copied = Command::new("cp").arg(fixture_path()).arg(folder.path().join("fixture")).status().expect("cp runs");
    assert!(copied.success());
    folder
}

#[test]
fn what_changes_the_user_ends_with_its_server_and_is_not_left_halted() {
    if !is_root_or_skipped() {
        return;
    }
    let folder = folder();
    for form in ["serve", "family", "storm"] {
        stops(&["runuser", "-u", "nobody", "--", "WORDS"], form, folder.path());
        stops(&["sudo", "-n", "-u", "nobody", "WORDS"], form, folder.path());
        stops(&["su", "nobody", "-s", "/bin/sh", "-c", "LINE"], form, folder.path());
    }
}

#[test]
fn what_only_runs_another_program_ends_with_it() {
    let folder = folder();
    for words in [
        &["timeout", "60", "WORDS"][..],
        &["env", "A=1", "WORDS"],
        &["nice", "WORDS"],
        &["setsid", "-w", "WORDS"],
        &["script", "-qfc", "LINE", "/dev/null"],
        &["strace", "-f", "-o", "/dev/null", "WORDS"],
    ] {
        for form in ["serve", "family"] {
            stops(words, form, folder.path());
        }
    }
}

#[test]
fn a_package_manager_ends_with_the_server_that_it_runs() {
    let folder = folder();
    let file = folder.path().join("package.json");
    fs::write(file, r#"{"name":"x","version":"1.0.0","scripts":{"start":"$LINE"}}"#).expect("the folder is ours");
    for words in
        [&["npm", "start"][..], &["npx", "--no", "-c", "LINE"], &["uv", "run", "--no-project", "--offline", "WORDS"]]
    {
        if words[0] == "uv"
            && Command::new("uv").args(["python", "find"]).output().is_ok_and(|out| !out.status.success())
        {
            skipped("uv has no Python");
            continue;
        }
        stops(words, "family", folder.path());
    }
}
