//! Whose process it is: the asking user's, also where it changed to another one.

use std::path::Path;

use super::compared::{Asked, Running};

/// People's accounts begin with this number; below are those that servers change to.
#[cfg(target_os = "linux")]
const FIRST_PERSON: u32 = 1000;
#[cfg(target_os = "macos")]
const FIRST_PERSON: u32 = 500;
/// `nobody`, as the systems number it.
const NOBODY: [u32; 3] = [65_534, u32::MAX - 1, 99];

/// Tells whether an account is one that nobody logs in to: servers that root starts change to such a one.
pub(crate) fn is_servers(user: u32) -> bool {
    user < FIRST_PERSON || NOBODY.contains(&user)
}

/// Tells whether the asking user started the process.
///
/// Root's servers change to another user and keep root's environment (memcached, mosquitto, dnsmasq); sudo(8) says who asked.
/// Anybody can write that into the environment of a process of their own: so only the accounts that nobody logs in to count.
pub(super) fn is_asker(running: &Running<'_>, asked: &Asked<'_>, sudo_user: Option<&str>) -> bool {
    let Some(user) = running.user() else { return false };
    if user == asked.user {
        return true;
    }
    if asked.user != 0 {
        return false;
    }
    if sudo_user.is_some() && sudo_user == running.user_name().as_deref() {
        return running.variable("SUDO_UID").as_deref() == Some("0");
    }
    let is_name = |name: &str| running.variable(name).is_none_or(|value| asked.user_name == Some(&value));
    let is_home = running.variable("HOME").is_some_and(|home| asked.home == Some(Path::new(&home)));
    is_servers(user) && is_home && is_name("USER") && is_name("LOGNAME")
}
