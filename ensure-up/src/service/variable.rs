//! The variables that tell of other services' ports.

/// Names the variable that holds a service's port: `PORT_DB` for `db`, `PORT_MY_API` for `my-api`.
pub fn of_port(name: &str) -> String {
    let letter = |one: char| if one.is_ascii_alphanumeric() { one.to_ascii_uppercase() } else { '_' };
    format!("PORT_{}", name.chars().map(letter).collect::<String>())
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
