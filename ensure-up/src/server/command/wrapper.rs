//! Programs that run another one: what of a command remains when they have done so.

mod table;

use super::{program, shell};
use table::{WRAPPERS, Wrapper};

/// A command less the program that only starts it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unwrapped {
    /// The rest.
    pub(super) words: Vec<String>,
    /// The variables that it is started with.
    pub(super) set: Vec<(String, String)>,
    /// The name of the user whom sudo(8) runs it as.
    pub(super) sudo_user: Option<String>,
}

/// Takes off the program that only starts another one; `None` where there is none, or where it is not known what it starts.
pub(super) fn unwrapped(words: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Option<Unwrapped> {
    if let Some(text) = shell::script(words) {
        let simple = shell::simple(text, variable)?;
        return Some(Unwrapped { words: simple.words, set: simple.set, sudo_user: None });
    }
    if words.first().is_some_and(|word| program::file_name(word) == "pg_ctl") {
        return Some(Unwrapped { words: started_by_pg_ctl(&words[1..])?, ..Unwrapped::default() });
    }
    let wrapper = WRAPPERS.iter().find(|wrapper| wrapper.begins(words))?;
    let (options, rest) = wrapper.options(&words[wrapper.words.len()..])?;
    let count = rest.iter().take_while(|word| wrapper.sets && shell::assignment(word).is_some()).count();
    let set = rest[..count].iter().filter_map(|word| shell::assignment(word)).collect();
    let (program, arguments) = rest.get(count + wrapper.before..)?.split_first()?;
    let program = if wrapper.runs_package { package_program(program) } else { program };
    let words = [program].into_iter().map(str::to_owned).chain(arguments.iter().cloned()).collect();
    let sudo_user = (wrapper.words == ["sudo"]).then(|| sudo_user(options));
    Some(Unwrapped { words, set, sudo_user })
}

impl Wrapper {
    fn begins(&self, words: &[String]) -> bool {
        let Some((program, rest)) = words.split_first() else { return false };
        self.words[0] == program::file_name(program)
            && rest.len() >= self.words.len()
            && self.words[1..].iter().zip(rest).all(|(own, word)| own == word)
    }

    /// Parts the wrapper's own options from what follows; `None` when there is one that is not known.
    fn options<'a>(&self, words: &'a [String]) -> Option<(&'a [String], &'a [String])> {
        let mut count = 0;
        while let Some(option) = words.get(count).filter(|word| word.starts_with('-')) {
            if option == "--" {
                return Some((&words[..count], &words[count + 1..]));
            }
            // `nice -5`
            let is_number = option.len() > 1 && option[1..].bytes().all(|byte| byte.is_ascii_digit());
            let is_alone = is_number
                || self.flags.contains(&option.as_str())
                || self.valued.iter().any(|valued| glued_value(option, valued).is_some());
            count += match is_alone {
                true => 1,
                false if self.valued.contains(&option.as_str()) => 2,
                false => return None,
            };
        }
        Some((words.get(..count)?, &words[count..]))
    }
}

/// `-u USER`, `-uUSER`, `--user=USER`.
fn sudo_user(options: &[String]) -> String {
    let mut options = options.iter();
    while let Some(option) = options.next() {
        if option == "-u" || option == "--user" {
            return options.next().cloned().unwrap_or_default();
        }
        if let Some(user) = glued_value(option, "-u").or_else(|| glued_value(option, "--user")) {
            return user.to_owned();
        }
    }
    "root".to_owned()
}

/// `--option=value`, `-ovalue`.
fn glued_value<'a>(word: &'a str, option: &str) -> Option<&'a str> {
    let rest = word.strip_prefix(option)?;
    if option.starts_with("--") { rest.strip_prefix('=') } else { Some(rest).filter(|rest| !rest.is_empty()) }
}

/// npm runs the program that bears the package's name: `@scope/name@version`.
fn package_program(package: &str) -> &str {
    let name = package.strip_prefix('@').and_then(|scoped| scoped.split_once('/')).map_or(package, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// `pg_ctl -D FOLDER -o OPTIONS start` runs `postgres -D FOLDER OPTIONS`.
fn started_by_pg_ctl(words: &[String]) -> Option<Vec<String>> {
    let mut postgres = vec!["postgres".to_owned()];
    let mut options = Vec::new();
    let mut starts = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "start" => starts = true,
            "-w" | "-W" | "-s" | "--wait" | "--no-wait" | "--silent" => {}
            "-l" | "-t" | "-p" | "--log" | "--timeout" => drop(words.next()?),
            "-D" | "--pgdata" => postgres.extend(["-D".to_owned(), words.next()?.clone()]),
            "-o" | "--options" => options.extend(shell::simple(words.next()?, &|_| None)?.words),
            _ => return None,
        }
    }
    postgres.extend(options);
    starts.then_some(postgres)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::owned, *};

    #[test]
    fn options_that_are_known_are_taken_off_with_their_values() {
        for (words, expected) in [
            (&["nice", "-n", "5", "serve", "-n"][..], Some(&["serve", "-n"][..])),
            (&["nice", "-5", "--", "-serve"], Some(&["-serve"])),
            (&["nice", "-", "serve"], None),
            (&["nice", "-x", "serve"], None),
            (&["nice", "-n"], None),
            (&["nice"], None),
            (&["env", "-", "serve"], Some(&["serve"])),
        ] {
            let found = unwrapped(&owned(words), &|_| None).map(|unwrapped| unwrapped.words);
            assert_eq!(found, expected.map(owned), "{words:?}");
        }
    }

    #[test]
    fn sudo_runs_as_root_where_it_names_nobody() {
        for (options, expected) in [
            (&[][..], "root"),
            (&["-n", "-E"], "root"),
            (&["-g", "staff"], "root"),
            (&["-n", "-u", "ann"], "ann"),
            (&["-uann"], "ann"),
            (&["--user", "ann"], "ann"),
            (&["--user=ann"], "ann"),
        ] {
            assert_eq!(sudo_user(&owned(options)), expected, "{options:?}");
        }
    }
}
