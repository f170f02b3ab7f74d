//! Servers behind programs that run another one: all of it ends as fast as the server.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use proc_tree::Identity;

use crate::{
    site::Site,
    stop::stop,
    support::{fixture_path, installed, is_root_or_skipped},
};

const AT_ONCE: Duration = Duration::from_secs(8);

/// Starts a server behind these words, stops it, and expects it to take no longer than the server itself.
fn stops(site: &Site, words: &[&str], form: &[&str]) {
    if installed(words[0]).is_none() {
        return;
    }
    let copy = site.word("fixture");
    let line = std::iter::once(copy.as_str()).chain(form.iter().copied()).collect::<Vec<_>>();
    let in_shell = format!("'{copy}' {} 127.0.0.1:$PORT", form.join(" "));
    let mut command: Vec<String> = Vec::new();
    for &word in words {
        match word {
            "LINE" => command.push(in_shell.clone()),
            "WORDS" => {
                command.extend(line.iter().map(|&word| word.to_owned()));
                command.push("127.0.0.1:{port}".into());
            }
            word => command.push(word.to_owned()),
        }
    }
    let home = site.word(".");
    // at half the grace SIGTERM is sent again: that none needs it shows on a busy machine, too
    site.run(&["--grace", "20s", "--env", &format!("LINE={in_shell}")], &command).env("HOME", home).run();
    let before: Vec<Identity> = site.processes();
    assert!(!before.is_empty(), "{words:?}");
    let output = stop(site).any_stderr().run();
    assert!(output.took < AT_ONCE, "{words:?} {form:?} took {:?}", output.took);
    assert!(!output.stderr.contains("SIGKILL"), "{words:?}: {output:?}");
    let left: Vec<_> = before.iter().filter(|one| one.is_running().unwrap()).collect();
    assert!(left.is_empty() && site.processes().is_empty(), "{words:?}: {left:?}");
}

/// A folder that every user can reach, with the fixture in it.
fn public() -> Site {
    let site = Site::new();
    fs::set_permissions(site.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(Command::new("cp").arg(fixture_path()).arg(site.path("fixture")).status().unwrap().success());
    site
}

const FORMS: [&[&str]; 2] = [&["serve"], &["serve", "--forks", "2"]];

#[test]
fn what_changes_the_user_ends_as_fast_as_its_server() {
    if !is_root_or_skipped() {
        return;
    }
    let site = public();
    for form in FORMS {
        for words in [
            &["sudo", "-n", "-u", "nobody", "WORDS"][..],
            &["su", "nobody", "-s", "/bin/sh", "-c", "LINE"],
            &["runuser", "-u", "nobody", "--", "WORDS"],
            &["runuser", "nobody", "-s", "/bin/sh", "-c", "LINE"],
            &["sh", "-c", "su nobody -s /bin/sh -c \"$LINE\"; true"],
        ] {
            stops(&site, words, form);
        }
    }
}

#[test]
fn what_only_runs_another_program_ends_as_fast_as_its_server() {
    let site = public();
    for form in FORMS {
        for words in [
            &["timeout", "60", "WORDS"][..],
            &["env", "A=1", "WORDS"],
            &["nice", "WORDS"],
            &["setsid", "-w", "WORDS"],
            &["setsid", "WORDS"],
            &["script", "-qfc", "LINE", "/dev/null"],
            &["sh", "-c", "eval \"$LINE\"; true"],
        ] {
            stops(&site, words, form);
        }
    }
}

#[test]
fn a_package_manager_ends_as_fast_as_the_server_that_it_runs() {
    let site = public();
    fs::write(site.path("package.json"), r#"{"name":"x","version":"1.0.0","scripts":{"start":"eval \"$LINE\""}}"#)
        .unwrap();
    for words in [&["npm", "start"][..], &["npx", "--no", "-c", "LINE"]] {
        stops(&site, words, FORMS[0]);
    }
}
