//! What counts as a file of ours, and writers that meet, are killed or find their folder gone.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    fs::File,
    os::unix::{
        fs::{PermissionsExt, chown, symlink},
        net::UnixListener,
    },
    thread,
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use tempfile::TempDir;

use super::*;

fn state() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("ASCII")).collect()
}

#[test]
fn what_is_not_there_and_what_we_never_put_there_is_none() {
    let state = state();
    let path = |name: &str| state.path().join(name);
    write(&path("goal"), b"{}").unwrap();
    symlink(path("goal"), path("link")).unwrap();
    symlink(path("loop"), path("loop")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    mkfifo(&path("pipe"), Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(path("socket")).unwrap();
    for name in ["absent", "absent/below", "goal/below", "link", "loop", "folder", "pipe", "socket"] {
        assert!(matches!(read(&path(name)), Ok(None)), "{name}: {:?}", read(&path(name)));
    }
    assert_eq!(read(&path("goal")).unwrap().as_deref(), Some(&b"{}"[..]));
    if geteuid().is_root() {
        chown(path("goal"), Some(65_534), None).unwrap();
        assert!(matches!(read(&path("goal")), Ok(None)), "somebody else's");
    }
}

#[test]
fn what_is_ours_and_cannot_be_read_is_an_error() {
    let state = state();
    let path = state.path().join("file");
    write(&path, b"{}").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    // root may read it all the same
    assert_eq!(read(&path).is_err(), !geteuid().is_root());
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o0)).unwrap();
    assert_eq!(read(&path).is_err(), !geteuid().is_root());
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn an_error_is_no_absence_unless_it_says_so() {
    let state = state();
    let ours = state.path().join("ours");
    fs::write(&ours, "").unwrap();
    let none = |error: Errno, seen: &Path| is_none(&error.into(), || fs::symlink_metadata(seen));
    for error in [Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP, Errno::ENXIO, Errno::ENODEV] {
        assert!(none(error, &ours), "{error}");
    }
    for error in [Errno::EIO, Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::ESTALE, Errno::EINTR] {
        assert!(!none(error, state.path()), "{error}");
    }
    for error in [Errno::EACCES, Errno::EPERM] {
        assert!(!none(error, &ours), "ours, {error}");
        assert!(none(error, state.path()), "no file, {error}");
        assert!(!none(error, &ours.with_file_name("absent")), "cannot be looked at, {error}");
    }
    assert!(!is_none(&io::Error::other("?"), || fs::symlink_metadata(state.path())));
}

#[test]
fn writers_at_once_never_mix_and_leave_nothing() {
    let state = state();
    let path = state.path().join("8000.json");
    let texts: Vec<Vec<u8>> = (1..=8_u8).map(|number| vec![b'0' + number; 10_000 * usize::from(number)]).collect();
    thread::scope(|scope| {
        for text in &texts {
            let path = &path;
            scope.spawn(move || (0..100).for_each(|_| write(path, text).unwrap()));
        }
        for _ in 0..300 {
            if let Some(found) = read(&path).unwrap() {
                assert!(texts.contains(&found), "{} bytes of several writers", found.len());
            }
        }
    });
    assert_eq!(names(state.path()), ["8000.json"]);
}

#[test]
fn what_a_killed_writer_left_is_removed_when_it_is_old() {
    let state = state();
    let path = state.path().join("8000.json");
    let left = |name: &str, age: u64| {
        let file = File::create(state.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    left("8000.json.aaaaaa.new", 61);
    left("8000.json.bbbbbb.new", 1);
    left("18000.json.cccccc.new", 61);
    left("8000.log", 61);
    write(&path, b"{}").unwrap();
    remove_leftovers(&path).unwrap();
    let mut names = names(state.path());
    names.sort_unstable();
    assert_eq!(names, ["18000.json.cccccc.new", "8000.json", "8000.json.bbbbbb.new", "8000.log"]);
}

#[test]
fn a_folder_that_was_deleted_is_made_again_for_this_user_alone() {
    let above = state();
    let folder = above.path().join("deep/state");
    let path = folder.join("8000.json");
    for _ in 0..2 {
        write(&path, b"{}").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"{}"[..]));
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        fs::remove_dir_all(above.path().join("deep")).unwrap();
    }
}

#[test]
fn what_cannot_be_put_in_place_leaves_what_was_there() {
    let state = state();
    let path = state.path().join("8000.json");
    fs::create_dir_all(path.join("full")).unwrap();
    assert!(write(&path, b"{}").is_err());
    assert_eq!(names(state.path()), ["8000.json"]);
    fs::remove_dir(path.join("full")).unwrap();
    write(&path, b"{}").unwrap();
    assert_eq!(read(&path).unwrap().as_deref(), Some(&b"{}"[..]));
}

#[test]
fn nothing_is_added_to_what_is_a_link_a_pipe_or_has_another_name() {
    let state = state();
    let path = |name: &str| state.path().join(name);
    for name in ["alone", "value"] {
        write(&path(name), b"worth keeping").unwrap();
    }
    symlink(path("value"), path("link")).unwrap();
    fs::hard_link(path("value"), path("second name")).unwrap();
    mkfifo(&path("pipe"), Mode::S_IRWXU).unwrap();
    for name in ["absent", "link", "second name", "pipe", "alone"] {
        let _ = append(&path(name), b"!");
    }
    let text = |name: &str| fs::read_to_string(path(name)).unwrap();
    assert_eq!((text("value").as_str(), text("alone").as_str()), ("worth keeping", "worth keeping!"));
    assert!(!path("absent").exists());
}
