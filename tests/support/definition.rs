//! What each tool's command line must be like: a module of the file that defines it.

use clap::{ArgAction, ArgMatches, Command, error::ErrorKind};
use proc_tree::cli::tool::Tool;

use super::Arguments;

/// Values of which every option takes one.
const VALUES: [&str; 14] =
    ["1", "500ms", "a", "auto", "pid", "GET", "$.a=b", "a:b", "man", "any", "200", "always", "5/60s", "127.0.0.1"];

#[test]
fn an_option_that_takes_one_value_is_refused_twice_and_a_flag_is_not() {
    let definition = <Arguments as Tool>::definition();
    let named = |one: &&clap::Arg| one.get_long().is_some() || one.get_short().is_some();
    for option in definition.get_arguments().filter(named) {
        let dashes = option.get_long().map_or_else(
            || option.get_short().map_or_else(String::new, |short| format!("-{short}")),
            |long| format!("--{long}"),
        );
        match option.get_action() {
            ArgAction::Set => {
                let refusal = VALUES.iter().find_map(|value| twice(&definition, &format!("{dashes}={value}")));
                let error = refusal.unwrap_or_else(|| panic!("no value here is one of {dashes}"));
                assert_eq!(error.kind(), ErrorKind::ArgumentConflict, "{dashes}: {error}");
                assert!(error.to_string().contains(&dashes), "{error}");
            }
            ArgAction::SetTrue => {
                let kind = parsed(&definition, &[&dashes, &dashes]).map_err(|error| error.kind());
                assert!(matches!(kind, Ok(_) | Err(ErrorKind::MissingRequiredArgument)), "{dashes}: {kind:?}");
            }
            ArgAction::Append | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version => {}
            action => panic!("{dashes} does what nobody thought of: {action:?}"),
        }
    }
}

/// Returns what is said of an option that is given twice; `None` where the value is none of the option's.
fn twice(definition: &Command, option: &str) -> Option<clap::Error> {
    let error = parsed(definition, &[option, option]).expect_err(option);
    let is_of_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    (!is_of_value).then_some(error)
}

fn parsed(definition: &Command, words: &[&str]) -> Result<ArgMatches, clap::Error> {
    definition.clone().try_get_matches_from([&["tool"], words].concat())
}
