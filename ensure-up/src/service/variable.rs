//! The variables of a server: those that are asked for, and those that tell of other services' ports.

use std::{
    cell::Cell,
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    io::{self, Read},
    os::unix::ffi::OsStrExt,
};

use proc_tree::cli::{given_file, text};

use super::{check::InvalidService, spec::ServiceSpec};

/// What some editors begin a file with.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Names the variable that holds a service's port: `PORT_DB` for `db`, `PORT_MY_API` for `my-api`.
pub fn of_port(name: &str) -> String {
    let letter = |one: char| if one.is_ascii_alphanumeric() { one.to_ascii_uppercase() } else { '_' };
    format!("PORT_{}", name.chars().map(letter).collect::<String>())
}

/// The lines of a file of variables, handed out one by one: how many were read tells which one is wrong.
struct Lines<'f> {
    left: &'f [u8],
    read: &'f Cell<usize>,
}

impl Read for Lines<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let line = self.left.iter().position(|&byte| byte == b'\n').map_or(self.left.len(), |end| end + 1);
        let count = line.min(into.len());
        let (now, left) = self.left.split_at(count);
        into[..count].copy_from_slice(now);
        self.left = left;
        self.read.set(self.read.get() + usize::from(now.ends_with(b"\n")));
        Ok(count)
    }
}

/// Says what is wrong with a file of variables of which so many lines were read; a line itself may be secret.
fn why(read: usize, error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::Io(error) => text::os_error(error),
        // a quote that is not closed goes on to the end
        dotenvy::Error::LineParse(wrong, _) => {
            format!("line {} is not NAME=VALUE", (read + 1).saturating_sub(wrong.lines().count().max(1)))
        }
        error => error.to_string(),
    }
}

/// Returns the variables that are asked for. Files first, so that a variable that was named by itself wins.
pub(super) fn asked_for(spec: &ServiceSpec) -> Result<BTreeMap<OsString, OsString>, InvalidService> {
    let mut variables = BTreeMap::new();
    for path in &spec.env_file {
        let invalid = |why: String| InvalidService(format!("invalid --env-file {:?}: {why}", path.display()));
        let mut content =
            given_file::read(path, given_file::WRITTEN_BY_HAND).map_err(|error| invalid(error.to_string()))?;
        // the last line is one without its end, too
        content.extend((!content.ends_with(b"\n")).then_some(b'\n'));
        let (left, read) = (content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&content), Cell::new(0));
        for variable in dotenvy::from_read_iter(Lines { left, read: &read }) {
            let (name, value) = variable.map_err(|error| invalid(why(read.get(), &error)))?;
            if value.contains('\0') {
                return Err(invalid(format!("the value of {name} holds a NUL, and no program can be handed one")));
            }
            variables.insert(name.into(), value.into());
        }
    }
    for word in &spec.env {
        let mut parts = word.as_bytes().splitn(2, |&byte| byte == b'=').map(OsStr::from_bytes);
        let name = parts.next().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| {
            InvalidService(format!("invalid variable {:?}: expected NAME=VALUE", word.to_string_lossy()))
        })?;
        let value = parts.next().map(OsStr::to_owned).or_else(|| env::var_os(name));
        variables.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_name_that_a_shell_takes() {
        for (name, variable) in [("db", "PORT_DB"), ("my-api.v2", "PORT_MY_API_V2"), ("é", "PORT__"), ("", "PORT_")] {
            assert_eq!(of_port(name), variable);
        }
    }
}
