//! Users by number and by name.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use nix::{
    errno::Errno,
    unistd::{Gid, Group, Uid, User},
};

/// Looks a number up in the user database, once: a directory service may be slow.
///
/// Source: getpwuid_r(3).
fn entry(uid: u32) -> nix::Result<Option<User>> {
    static KNOWN: Mutex<BTreeMap<u32, nix::Result<Option<User>>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(uid).or_insert_with(|| User::from_uid(Uid::from_raw(uid))).clone()
}

/// Returns the name of a user; `None` for a number without one.
pub fn name(uid: u32) -> Option<String> {
    entry(uid).ok().flatten().map(|user| user.name)
}

/// Names a user for a person: by the number where the ID has no name.
pub fn title(uid: u32) -> String {
    name(uid).unwrap_or_else(|| uid.to_string())
}

/// Finds a user by name, or takes the number as it is; `None` when there is no such user.
///
/// # Errors
/// When the user database cannot be read.
pub fn find(name_or_uid: &str) -> io::Result<Option<u32>> {
    if let Some(user) = User::from_name(name_or_uid)? {
        return Ok(Some(user.uid.as_raw()));
    }
    Ok(name_or_uid.parse().ok())
}

/// Returns the home folder that the user database names; `None` for a number without an entry.
///
/// getpwuid_r(3) says in one of four ways that there is none.
///
/// # Errors
/// When the user database cannot be read.
pub fn home(uid: u32) -> io::Result<Option<PathBuf>> {
    match entry(uid) {
        Ok(user) => Ok(user.map(|user| user.dir)),
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Tells whether a group is one of these users' own, as most systems make one for each: it has the user's name and no other
/// member. What cannot be looked up is not.
///
/// Source: getgrgid_r(3).
pub fn is_own_group(gid: u32, users: &[u32]) -> bool {
    let Ok(Some(group)) = Group::from_gid(Gid::from_raw(gid)) else { return false };
    let is_of = |user: String| group.name == user && group.mem.iter().all(|member| *member == user);
    users.iter().filter_map(|&user| name(user)).any(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_has_a_home_and_a_number_without_an_entry_has_none() {
        assert!(home(0).expect("the database can be read").is_some_and(|home| home.is_absolute()));
        assert_eq!(home(4_000_000_000).expect("the database can be read"), None);
        assert_eq!((name(0).as_deref(), name(4_000_000_000)), (Some("root"), None));
        assert_eq!((title(0).as_str(), title(4_000_000_000).as_str()), ("root", "4000000000"));
    }
}
