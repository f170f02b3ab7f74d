//! What a command is to the user, and the `main` that is the same in all five.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    iter,
    process::ExitCode,
};

use anyhow::Context;
use clap::{Command, error::ErrorKind};

use super::{
    args::{self, Common, OutputError},
    completion::{self, Candidate},
    line::Line,
    manual::Manual,
    slip::{self, Dictionary},
    status::{Exit, UsageError},
    stdout::stdout,
    text,
    usage_error::{unknown, usage_error},
};
use crate::process;

/// The statuses that mean the same in every command.
const DONE: u8 = 0;
const USAGE: u8 = 2;
const FAILED: u8 = 125;

/// A command: its arguments, which were parsed and not acted upon.
pub trait Tool: clap::Parser {
    /// Its name, which starts every message.
    const NAME: &'static str;

    /// What its help and its man page say beside the options.
    const MANUAL: &'static Manual;

    /// The options of other programs for the same, and what they are here.
    const FOREIGN: Dictionary = &[];

    /// Returns how an operand is spelled here that somebody wrote as for another program.
    fn respell(_operand: &str) -> Option<String> {
        None
    }

    /// Returns the line that was meant by one that was refused, or what to do, where nothing is only spelled or called otherwise
    /// here.
    fn meant(_line: &Line<'_>) -> Option<String> {
        None
    }

    /// Tells which line was meant by one that was refused, where that is more than an option.
    fn slip(_line: &Line<'_>) -> Option<UsageError> {
        None
    }

    /// Lists the values that an argument could have now, by what it calls its value. It only looks.
    fn candidates(_value: &str) -> Vec<Candidate> {
        Vec::new()
    }

    /// Defines its command line.
    fn definition() -> Command {
        args::define(Self::command())
    }

    /// Parses words, of which the first is the tool's name.
    ///
    /// # Errors
    /// As clap has it: for the wrong ones, and when help or version were asked for.
    fn parse_words(definition: Command, words: Vec<OsString>) -> Result<Self, clap::Error> {
        args::parse(definition, words)
    }

    /// Returns the flags that every command has.
    fn common(&self) -> &Common;

    /// Does the work; results go to `out`, which is standard output.
    ///
    /// # Errors
    /// When the work could not be done; [`Tool::status`] tells the status.
    fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit>;

    /// Returns the status of a failure that is no [`UsageError`].
    fn status(error: &anyhow::Error) -> u8;

    /// Returns what would help against a failure that is no [`UsageError`].
    fn hint(_error: &anyhow::Error) -> Option<String> {
        None
    }
}

/// Runs a command: arguments, work, failures in words on standard error, status.
pub fn main<T: Tool>() -> ExitCode {
    // before it runs: what is secret in them is blotted out then
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == completion::QUESTION) {
        // a shell that went away needs no answer
        let _ = write!(stdout(), "{}", completion::answer(&T::definition(), T::candidates, &words[1..]));
        return DONE.into();
    }
    let outcome = match parse::<T>(T::definition(), &words) {
        Ok(tool) => run(tool, &mut *stdout()),
        Err(error) => match error.kind() {
            // what help says beside the options is put together for it alone
            ErrorKind::DisplayHelp => {
                show(&parse::<T>(T::MANUAL.complete(T::definition()), &words).err().unwrap_or(error))
            }
            ErrorKind::DisplayVersion => show(&error),
            _ => return say(&refused::<T>(&error, &words), USAGE),
        },
    };
    outcome.map_or_else(|error| fail::<T>(&error, &words), ExitCode::from)
}

fn parse<T: Tool>(definition: Command, words: &[OsString]) -> Result<T, clap::Error> {
    T::parse_words(definition, iter::once(T::NAME.into()).chain(words.iter().cloned()).collect())
}

/// Shows the help or the version that was asked for.
fn show(asked: &clap::Error) -> anyhow::Result<Exit> {
    write!(stdout(), "{}", asked.render()).map_err(OutputError)?;
    Ok(Exit::Code(DONE))
}

/// Words what is wrong with the arguments, or what was meant by them.
fn refused<T: Tool>(error: &clap::Error, words: &[OsString]) -> String {
    let definition = T::definition();
    let line = Line::new(&definition, words);
    let unknown = unknown(error).and_then(|option| line.at(&option)).unwrap_or(words.len());
    // what follows an operand may be a command's, what is before it is not
    let slip = || T::slip(&line).filter(|_| line.operands().first().is_some_and(|&first| first < unknown));
    let makes_sense = |words: &[OsString]| parse::<T>(definition.clone(), words).is_ok();
    let meant = || slip::meant(&line, T::FOREIGN, T::respell, makes_sense).or_else(|| T::meant(&line));
    match slip() {
        Some(slip) => message::<T>(&slip.to_string(), slip.meant()),
        None => usage_error(T::NAME, error, T::FOREIGN, meant),
    }
}

fn run<T: Tool>(tool: T, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Some(page) = tool.common().generate {
        page.write(&T::definition(), T::MANUAL, out).map_err(OutputError)?;
        return Ok(Exit::Code(DONE));
    }
    check_proc()?;
    tool.run(out)
}

/// What may not be believed: a table of processes in which each PID means another one.
#[derive(Debug, thiserror::Error)]
#[error("/proc belongs to another PID namespace than this process: every PID in it would mean somebody else")]
struct ForeignProc;

fn check_proc() -> anyhow::Result<()> {
    if process::is_own_namespace().context("cannot read /proc/self/status")? { Ok(()) } else { Err(ForeignProc.into()) }
}

fn fail<T: Tool>(error: &anyhow::Error, words: &[OsString]) -> ExitCode {
    // a reader that went away, as head(1) does, is no failure of ours
    if error.downcast_ref().is_some_and(OutputError::is_closed_pipe) {
        return DONE.into();
    }
    let (status, hint) = match error.downcast_ref::<UsageError>() {
        Some(usage) => {
            let definition = T::definition();
            let usage = T::slip(&Line::new(&definition, words)).unwrap_or_else(|| usage.clone());
            return say(&message::<T>(&text::failure(&usage), usage.meant()), USAGE);
        }
        None if error.is::<ForeignProc>() => {
            (FAILED, Some("mount its own: unshare --pid --fork --mount-proc, or mount -t proc proc /proc".to_owned()))
        }
        None => (T::status(error), T::hint(error)),
    };
    say(&message::<T>(&text::failure(error.as_ref()), hint.as_deref()), status)
}

fn message<T: Tool>(what: &str, hint: Option<&str>) -> String {
    let hint = hint.map(|hint| format!("\nhint: {}", text::escape(hint)));
    format!("{}: {what}{}", T::NAME, hint.unwrap_or_default())
}

/// Says what went wrong; there is nothing left to do when standard error is closed.
fn say(message: &str, status: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    status.into()
}
