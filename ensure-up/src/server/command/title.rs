//! Titles that servers write over their command lines, and what these tell of the command.

use super::program::{Place, file_name};

/// Tells whether a title is that of the command.
///
/// Some hold all of it (nginx, sshd). Others tell the program and what matters most (redis, php-fpm, puma): then everything
/// that the command names must stand in the title, and every port and file of the title must be the command's. What a title
/// leaves out on either side cannot be known, but for switches.
pub(super) fn is_of(title: &str, words: &[String], place: &Place<'_>, port: Option<u16>) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    if holds(title, program, arguments, place) {
        return true;
    }
    let (name, facts) = title.split_once([' ', ':']).unwrap_or((title, ""));
    // one that shows a command line shows all of it
    let shows_other_command =
        facts.split(' ').any(|word| word.starts_with('-') || file_name(word) == file_name(program));
    let names_program = file_name(name) == file_name(program) || place.is_native();
    if shows_other_command || !names_program {
        return false;
    }
    let values: Vec<&str> = arguments.iter().filter_map(|word| value(word)).collect();
    let port = port.map(|port| port.to_string());
    let is_asked = |fact: &str| {
        values.iter().copied().chain(port.as_deref()).any(|value| contains(fact, value) || contains(value, fact))
    };
    values.iter().all(|value| contains(facts, value)) && ports_and_files(facts).all(is_asked)
}

/// Tells whether the title ends with the command, behind what the process is: `nginx: master process COMMAND`. What sshd adds
/// stands in brackets.
fn holds(title: &str, program: &str, arguments: &[String], place: &Place<'_>) -> bool {
    let resolved = place.program.and_then(|program| program.to_str());
    [Some(program), Some(file_name(program)), resolved].into_iter().flatten().any(|program| {
        let command = [program].into_iter().chain(arguments.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        title.match_indices(&command).any(|(at, _)| {
            let (before, after) = (&title[..at], &title[at + command.len()..]);
            (before.is_empty() || before.contains(':') && before.ends_with(' '))
                && (after.is_empty() || after.starts_with(" ["))
        })
    })
}

/// Returns what an argument names; `None` for a switch.
fn value(word: &str) -> Option<&str> {
    let value = match word.split_once('=') {
        Some((_, value)) => value,
        None if word.starts_with("--") => return None,
        None => match word.strip_prefix('-') {
            Some(option) => option.get(1..)?,
            None => word,
        },
    };
    let is_switch = ["", "yes", "no", "on", "off", "true", "false"].contains(&value);
    (!is_switch).then_some(value)
}

/// Returns what a title tells that can be compared.
fn ports_and_files(facts: &str) -> impl Iterator<Item = &str> {
    facts.split(' ').map(|word| word.trim_matches(['(', ')', '[', ']', ','])).filter_map(|word| {
        let port = word.rsplit_once(':').map(|(_, port)| port.trim_end_matches('/'));
        let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_file = word.contains(['/', '.']) && word.contains(|c: char| c.is_ascii_alphabetic());
        port.filter(|port| is_port(port)).or(is_file.then_some(word))
    })
}

/// Tells whether a text holds another one as a whole, not as a part of a longer word or path.
fn contains(text: &str, part: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || "._-/".contains(c);
    text.match_indices(part)
        .any(|(at, _)| !text[..at].ends_with(continues) && !text[at + part.len()..].starts_with(continues))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_title_tells_is_its_ports_and_files() {
        for (facts, expected) in [
            ("127.0.0.1:7012 *:7013", &["7012", "7013"][..]),
            ("5.6.5 (tcp://127.0.0.1:7014/) [site]", &["7014"]),
            ("master process (/site/fpm.conf)", &["/site/fpm.conf"]),
            ("role:primary waiting: 12", &[]),
        ] {
            assert_eq!(ports_and_files(facts).collect::<Vec<_>>(), expected, "{facts}");
        }
    }
}
