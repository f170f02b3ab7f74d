//! The variables of a server: those that are asked for, and those that tell of other services' ports.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use proc_tree::cli::{given_file, text};

use super::{check::InvalidService, spec::ServiceSpec};

/// Names the variable that holds a service's port: `PORT_DB` for `db`, `PORT_MY_API` for `my-api`.
pub fn of_port(name: &str) -> String {
    let letter = |one: char| if one.is_ascii_alphanumeric() { one.to_ascii_uppercase() } else { '_' };
    format!("PORT_{}", name.chars().map(letter).collect::<String>())
}

/// Says what is wrong with the content of a file of variables; a line itself may be secret.
fn why(content: &[u8], error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::Io(error) => text::os_error(error),
        dotenvy::Error::LineParse(line, _) => {
            let content = String::from_utf8_lossy(content);
            let number = content.lines().position(|one| one.contains(line.trim())).map(|index| index + 1);
            let number = number.map_or_else(String::new, |number| format!(" {number}"));
            format!("line{number} is not NAME=VALUE")
        }
        error => error.to_string(),
    }
}

/// Returns the variables that are asked for. Files first, so that a variable that was named by itself wins.
pub(super) fn asked_for(spec: &ServiceSpec) -> Result<BTreeMap<OsString, OsString>, InvalidService> {
    let mut variables = BTreeMap::new();
    for path in &spec.env_file {
        let invalid = |why: String| InvalidService(format!("invalid --env-file {:?}: {why}", path.display()));
        let content =
            given_file::read(path, given_file::WRITTEN_BY_HAND).map_err(|error| invalid(error.to_string()))?;
        for variable in dotenvy::from_read_iter(&*content) {
            let (name, value) = variable.map_err(|error| invalid(why(&content, &error)))?;
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
