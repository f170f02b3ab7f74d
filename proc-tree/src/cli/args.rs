//! What all five tools do alike at the edges: common flags, usage errors, generated pages, failures in words.

use std::{
    ffi::OsString,
    io::{self, Write},
};

use clap::{Arg, ArgAction, Command, FromArgMatches, ValueEnum};

use super::{
    completion::{self, Shell},
    man,
    manual::Manual,
    terminal::Color,
};

/// The flags that every tool has.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Print nothing on stderr but errors
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// When to colour
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        help_heading = "Output",
        help = "When to colour: auto, always or never"
    )]
    pub color: Color,

    /// Print the man page, a completion script or the schema of the records
    #[arg(
        long,
        value_name = "PAGE",
        hide_possible_values = true,
        help_heading = "Output",
        help = "Print the man page, a shell's completion script or the JSON Schema of the records: man, bash, zsh, fish or schema"
    )]
    pub generate: Option<Page>,
}

/// Adds to the definition of a tool's command line how help and version are asked for. A flag that is given twice says nothing
/// new; an option that takes one value is refused then: which of the two is meant is not known.
pub(super) fn define(command: Command) -> Command {
    let flag = |id: &'static str, action, help| Arg::new(id).action(action).help(help).help_heading(None::<&str>);
    command
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(flag("brief", ArgAction::HelpLong, "Print one screen of this help").short('h'))
        .arg(flag("help", ArgAction::HelpShort, "Print this help").long("help"))
        .arg(flag("version", ArgAction::Version, "Print the version").short('V').long("version"))
        .mut_args(|argument| match argument.get_action() {
            ArgAction::SetTrue => {
                let itself = argument.get_id().clone();
                argument.overrides_with(itself)
            }
            _ => argument,
        })
}

/// Parses a command line, the tool's name first.
///
/// # Errors
/// As clap has it: for wrong arguments, and when help or version were asked for.
pub fn parse<T: FromArgMatches>(
    mut definition: Command,
    words: impl IntoIterator<Item = OsString>,
) -> Result<T, clap::Error> {
    let mut matches = definition.try_get_matches_from_mut(words)?;
    T::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut definition))
}

/// A page that is generated: from the command line's definition, or from the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Page {
    /// The man page, in roff.
    Man,
    /// bash's completion script.
    Bash,
    /// zsh's completion script.
    Zsh,
    /// fish's completion script.
    Fish,
    /// The JSON Schema of the records.
    Schema,
}

impl Page {
    /// Writes the page.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(super) fn write(self, command: &Command, manual: &Manual, out: &mut dyn Write) -> io::Result<()> {
        let shell = match self {
            Self::Man => return out.write_all(man::page(command, manual).as_bytes()),
            Self::Schema => return out.write_all(manual.schema.as_bytes()),
            Self::Bash => Shell::Bash,
            Self::Zsh => Shell::Zsh,
            Self::Fish => Shell::Fish,
        };
        out.write_all(completion::script(shell, command.get_name()).as_bytes())
    }
}

/// A write to standard output that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub struct OutputError(#[from] pub io::Error);

impl OutputError {
    /// Tells whether the reader went away, as `head` does: no failure of ours.
    pub(super) fn is_closed_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}
