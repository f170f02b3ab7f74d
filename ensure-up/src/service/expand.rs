//! `${NAME}` in the strings of a services file: a variable of the caller. `${NAME:-text}` stands for the text where it is not
//! set or empty, `$${` for `${` itself; a `$` without a brace is left alone, which is the shell's.

/// Replaces what is written so in a text.
///
/// # Errors
/// When a variable is not set and nothing stands for it, or when it is written in another way.
pub(super) fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (mut rest, mut expanded) = (text, String::new());
    while let Some(start) = rest.find("${") {
        let before = &rest[..start];
        if let Some(before) = before.strip_suffix('$') {
            expanded.extend([before, "${"]);
            rest = &rest[start + 2..];
            continue;
        }
        let inner = &rest[start + 2..];
        let end = closing(inner).ok_or_else(|| format!("${{ without }} in {text:?}: $${{ stands for ${{ itself"))?;
        expanded.push_str(before);
        expanded.push_str(&value(&inner[..end], variable)?);
        rest = &inner[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Finds the brace that closes: what stands for a variable may hold others.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (place, one) in text.char_indices() {
        match one {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(place),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn value(written: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (name, instead) = match written.split_once(":-") {
        Some((name, instead)) => (name, Some(instead)),
        None => (written, None),
    };
    let is_name = |name: &str| {
        name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
            && !name.starts_with(|one: char| one.is_ascii_digit())
            && !name.is_empty()
    };
    if !is_name(name) {
        return Err(format!(
            "${{{written}}} is no variable: write ${{NAME}} or ${{NAME:-text}}, or $${{ for ${{ itself"
        ));
    }
    match (variable(name), instead) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(instead)) => expand(instead, variable),
        (None, None) if name == "PORT" => {
            Err("the variable PORT is not set; {port} stands for the service's port".into())
        }
        (None, None) => Err(format!("the variable {name} is not set; ${{{name}:-text}} stands for a text then")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_and_what_stands_for_them() {
        let variable = |name: &str| match name {
            "USER" => Some("dev".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            ("a${USER}b$c", Ok("adevb$c")),
            ("${EMPTY}|${EMPTY:-x}|${NONE:-x y}|${USER:-x}", Ok("|x|x y|dev")),
            ("${NONE:-${USER}/{port}}", Ok("dev/{port}")),
            ("$${USER} $$ $$${USER}", Ok("${USER} $$ $${USER}")),
            ("${NONE:-}", Ok("")),
            ("${NONE}", Err("the variable NONE is not set")),
            ("${PORT}", Err("{port} stands for the service's port")),
            ("${USER", Err("${ without }")),
            ("${USER%x}", Err("${USER%x} is no variable")),
            ("${1}", Err("${1} is no variable")),
        ] {
            match (expand(text, &variable), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
