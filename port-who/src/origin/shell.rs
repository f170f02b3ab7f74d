//! Shells: whether somebody types into one, or a program runs a command through it.

use proc_tree::Facts;

use super::program::{Role, program};

/// What a shell is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Somebody types into it.
    Typing,
    /// It runs a script.
    Script,
    /// It runs one command of another program's, as `sh -c` for npm.
    Command,
}

/// Tells what a shell is there for; `None` for what is no shell.
pub(super) fn use_of(process: &Facts) -> Option<Use> {
    program(process).filter(|program| program.role == Role::Shell)?;
    let words = process.command.as_deref().unwrap_or_default();
    let is_busybox = words.first().is_some_and(|word| word.ends_with("busybox"));
    let mut arguments = words.iter().skip(if is_busybox { 2 } else { 1 }).map(String::as_str);
    while let Some(word) = arguments.next() {
        match word {
            "-o" | "+o" | "-O" | "+O" | "--rcfile" | "--init-file" | "-C" | "--init-command" => {
                arguments.next();
            }
            "--" | "-s" | "-" => {}
            _ if is_command(word) => return Some(Use::Command),
            _ if !word.starts_with(['-', '+']) => return Some(Use::Script),
            _ => {}
        }
    }
    Some(Use::Typing)
}

/// `-c`, `-lc`, `--command`, and as PowerShell has it.
fn is_command(word: &str) -> bool {
    let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    letters.is_some_and(|letters| letters.contains('c') && letters.bytes().all(|byte| byte.is_ascii_lowercase()))
        || word.split('=').next().is_some_and(|option| matches!(option, "--command" | "--commands" | "-Command"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::process;

    #[test]
    fn a_shell_that_somebody_types_into_has_neither_a_command_nor_a_script() {
        for (command, expected) in [
            ("-zsh", Some(Use::Typing)),
            ("bash", Some(Use::Typing)),
            ("/bin/bash --rcfile /home/dev/.rc -i", Some(Use::Typing)),
            ("zsh -l", Some(Use::Typing)),
            ("fish -C greet", Some(Use::Typing)),
            ("bash --norc -o vi", Some(Use::Typing)),
            ("busybox ash", Some(Use::Typing)),
            ("sh -c node", Some(Use::Command)),
            ("/bin/zsh -l -c npm", Some(Use::Command)),
            ("bash -lc npm", Some(Use::Command)),
            ("sh -ec npm", Some(Use::Command)),
            ("fish --command=npm", Some(Use::Command)),
            ("busybox sh -c npm", Some(Use::Command)),
            ("bash deploy.sh -c", Some(Use::Script)),
            ("sh -e /usr/bin/start", Some(Use::Script)),
            ("node -c", None),
        ] {
            assert_eq!(use_of(&process(30, 1, command)), expected, "{command}");
        }
    }
}
