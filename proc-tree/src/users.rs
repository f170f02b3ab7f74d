//! Users by number and by name.

use std::{collections::HashMap, io, sync::Mutex};

use nix::unistd::{Uid, User};

/// Returns the name of a user; `None` for a number without one.
///
/// Source: getpwuid_r(3). Each number is looked up once: a directory service may be slow.
pub fn name(uid: u32) -> Option<String> {
    static KNOWN: Mutex<Option<HashMap<u32, Option<String>>>> = Mutex::new(None);
    let mut known = KNOWN.lock().ok()?;
    known
        .get_or_insert_default()
        .entry(uid)
        .or_insert_with(|| User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name))
        .clone()
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
