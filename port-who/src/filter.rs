//! Which holders are meant: by user, by name, by command line.

use proc_tree::{Facts, users};
use regex::Regex;

use crate::answer::{Answer, Holding};

/// Picks holders; what is not set admits everybody.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The user that the process runs as.
    pub user: Option<u32>,
    /// The process's whole name.
    pub name: Option<String>,
    /// What the command line, joined by spaces, matches.
    pub command: Option<Regex>,
}

impl Filter {
    /// Tells whether this holder is meant, or may be: of one that cannot be seen only the user is known (its socket's), so
    /// a name or a command does not rule it out.
    pub fn admits(&self, holding: &Holding) -> bool {
        let user = holding.process.as_ref().and_then(|process| process.uid).or(holding.socket.uid);
        self.user.is_none_or(|wanted| user.is_none_or(|user| user == wanted))
            && match &holding.process {
                Some(process) => self.admits_process(process),
                None => holding.is_invisible() || (self.name.is_none() && self.command.is_none()),
            }
    }

    fn admits_process(&self, process: &Facts) -> bool {
        // a command line that may not be read may match
        let line = process.command.as_deref().map(|words| words.join(" "));
        // behind a title that a program gave itself there is padding
        let line = line.as_deref().map(str::trim_end);
        self.name.as_ref().is_none_or(|name| *name == process.name)
            && self.command.as_ref().is_none_or(|pattern| line.is_none_or(|line| pattern.is_match(line)))
    }

    /// Leaves only the holders that are meant in an answer.
    pub fn apply(&self, answer: &mut Answer) {
        answer.holdings.retain(|holding| self.admits(holding));
    }
}

/// Parses the regular expression of `--match`.
///
/// # Errors
/// Quotes the text and says what is wrong with it.
pub fn parse_pattern(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| {
        let said = error.to_string();
        let reason = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("invalid pattern \"{text}\" for --match: {reason}")
    })
}

/// Finds a user by name or number.
///
/// # Errors
/// Quotes the text where there is no such user.
pub fn parse_user(text: &str) -> Result<u32, String> {
    match users::find(text) {
        Ok(Some(uid)) => Ok(uid),
        // a static program asks no directory service (nsswitch.conf(5))
        Ok(None) if cfg!(target_feature = "crt-static") => Err(format!(
            "invalid user {text:?}: /etc/passwd has none of that name, and a static build asks no directory service"
        )),
        Ok(None) => Err(format!("invalid user {text:?}: there is no user of that name")),
        Err(error) => Err(format!("cannot look up user {text:?}: {}", proc_tree::cli::text::os_error(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Socket, State, example};

    fn holding(process: Option<(&str, &str, u32)>) -> Holding {
        let process = process.map(|(name, command, uid)| Facts {
            name: name.into(),
            uid: Some(uid),
            ..example::process(7, 1, command)
        });
        Holding { socket: Socket { uid: Some(70), ..Socket::example() }, process }
    }

    #[test]
    fn a_visible_holder_must_match_everything() {
        let python = holding(Some(("python3", "python3 -m http.server", 1000)));
        let filter = Filter {
            user: Some(1000),
            name: Some("python3".into()),
            command: Some(parse_pattern(r"-m http\.").expect("a pattern")),
        };
        assert!(filter.admits(&python));
        assert!(!Filter { user: Some(70), ..filter.clone() }.admits(&python), "the process's user counts");
        assert!(!Filter { name: Some("python".into()), ..filter.clone() }.admits(&python), "a name is matched whole");
        assert!(!Filter { command: parse_pattern("^http").ok(), ..filter }.admits(&python));
    }

    #[test]
    fn an_invisible_holder_may_be_the_one_that_is_meant() {
        let invisible = holding(None);
        assert!(Filter { name: Some("python3".into()), ..Filter::default() }.admits(&invisible));
        assert!(Filter { user: Some(70), ..Filter::default() }.admits(&invisible));
        assert!(!Filter { user: Some(71), ..Filter::default() }.admits(&invisible), "its socket's user is known");
        let nobodys = Socket { inode: 0, state: State::TimeWait, ..Socket::example() };
        let nobodys = Holding { socket: nobodys, process: None };
        assert!(!Filter { name: Some("python3".into()), ..Filter::default() }.admits(&nobodys), "nobody has a name");
    }

    #[test]
    fn a_bad_pattern_is_quoted_with_its_reason_on_one_line() {
        assert_eq!(parse_pattern("(x").expect_err("unclosed"), "invalid pattern \"(x\" for --match: unclosed group");
        assert_eq!(
            parse_user("no such user").expect_err("no user"),
            "invalid user \"no such user\": there is no user of that name"
        );
    }
}
