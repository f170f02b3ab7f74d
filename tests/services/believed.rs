//! Which services files are believed: what stands in one runs as whoever calls.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
};

use crate::{run, site::Site, support::is_root_or_skipped};

const HINT: &str =
    "hint: what stands in a services file runs as you: it must be yours or root's, and so must its folder\n";

/// A site with a file of one service in a folder of its own, `shared`, and a folder below that.
fn shared() -> Site {
    let site = Site::new();
    fs::create_dir_all(site.path("shared/below")).expect("the site is ours");
    fs::write(site.path("shared/ensure-up.toml"), "[job]\nonce = true\ncommand = \"echo > ran\"\n")
        .expect("it is ours");
    set(&site.path("shared"), 0o755);
    set(&site.path("shared/ensure-up.toml"), 0o644);
    site
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// Calls with the file found above the working folder, with the file named, and with nothing started.
fn is_refused(site: &Site, path: &Path, reason: &str) {
    let (below, file) = (site.word("shared/below"), site.word("shared/ensure-up.toml"));
    let said = format!("ensure-up: refusing {}: {reason}\n{HINT}", path.display());
    let calls: [&[&str]; 5] = [&["job"], &["--file", &file, "--all"], &["--status"], &["--stop"], &["--logs", "job"]];
    for call in calls {
        run(site, call).cwd(below.as_ref()).status(2).stdout("").stderr(&said).run();
    }
    assert!(!site.path("shared/ran").exists(), "{said}");
}

#[test]
fn a_services_file_that_others_may_write_is_refused() {
    let site = shared();
    let (folder, file) = (site.path("shared"), site.path("shared/ensure-up.toml"));
    for (path, mode, back) in [(&file, 0o646, 0o644), (&folder, 0o757, 0o755), (&folder, 0o1777, 0o755)] {
        set(path, mode);
        is_refused(&site, path, "others may write to it");
        set(path, back);
    }
    run(&site, &["job"]).cwd(&site.path("shared/below")).run();
    assert!(site.path("shared/ran").exists());
}

#[test]
fn a_services_file_that_another_user_owns_is_refused() {
    if !is_root_or_skipped() {
        return;
    }
    let site = shared();
    let (folder, file) = (site.path("shared"), site.path("shared/ensure-up.toml"));
    for path in [&file, &folder] {
        chown(path, Some(65_534), None).expect("root may");
        let owner = proc_tree::users::name(65_534).unwrap_or_else(|| "65534".into());
        is_refused(&site, path, &format!("it belongs to {owner}"));
        chown(path, Some(0), Some(65_534)).expect("root may");
        set(path, 0o775);
        is_refused(&site, path, "its group may write to it");
        chown(path, None, Some(0)).expect("root may");
    }
    run(&site, &["job"]).cwd(&site.path("shared/below")).run();
    // who became root by sudo had the same file before
    for path in [&file, &folder] {
        chown(path, Some(65_534), Some(0)).expect("root may");
        set(path, 0o755);
    }
    run(&site, &["job"]).cwd(&site.path("shared/below")).env("SUDO_UID", "65534").run();
}

#[test]
fn what_need_not_end_is_no_file_to_read() {
    let site = shared();
    let pipe = site.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()), "mkfifo");
    let pipe = pipe.display();
    for (arguments, said) in [
        (&["--file", "pipe", "--all"][..], format!("ensure-up: cannot read {pipe}: it is not a regular file\n")),
        (
            &["--name", "a", "--env-file", "pipe", "--", "true"],
            "ensure-up: invalid --env-file \"pipe\": it is not a regular file\n".into(),
        ),
        (
            &["--name", "a", "--env-file", "/dev/zero", "--", "true"],
            "ensure-up: invalid --env-file \"/dev/zero\": it is not a regular file\n".into(),
        ),
    ] {
        run(&site, arguments).status(2).stdout("").stderr(&said).run();
    }
    // a pipe is a log as long as somebody reads it
    let said = format!("ensure-up: cannot write the log {pipe}: no such device or address\n");
    run(&site, &["--name", "a", "--log", "pipe", "--", "true"]).status(125).stdout("").stderr(&said).run();
}
